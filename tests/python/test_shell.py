"""What a shell knows of the command: manual pages and completion, made of what its --help says."""
import os
import pathlib
import shutil
import subprocess
import sys

import pytest

SHELL = pathlib.Path(os.environ["HEATBATH_SOURCE"], "apps", "shell")


@pytest.fixture(scope="module")
def command():
    path = os.environ.get("HEATBATH_COMMAND", "")
    if not os.path.exists(path):
        pytest.skip("the command is not built")
    return path


def test_every_subcommand_has_a_page(command, tmp_path):
    subprocess.run([sys.executable, SHELL / "man_pages.py", command, tmp_path], check=True)
    pages = {page.stem for page in tmp_path.glob("*.1")}
    assert {"heatbath", "heatbath-run", "heatbath-train", "heatbath-train-generate"} <= pages
    text = (tmp_path / "heatbath-run.1").read_text()
    assert ".TH \"HEATBATH-RUN\" 1" in text and ".B \\-\\-shots N" in text and text.isascii()
    assert "heatbath\\-train\\-generate\\fR(1)" in (tmp_path / "heatbath-train.1").read_text()
    if shutil.which("groff"):
        for page in tmp_path.glob("*.1"):
            done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", page], capture_output=True, text=True)
            assert done.returncode == 0 and not done.stderr, done.stderr


@pytest.mark.parametrize("line, offered", [
    ("heatbath va", {"validate"}), ("heatbath train ge", {"generate"}), ("heatbath train generate --see", {"--seed"}),
    ("heatbath run file.toml --sho", {"--shots"}), ("heatbath run file.toml ", set())])
def test_words_are_completed(command, line, offered):
    script = f"""PATH={os.path.dirname(command)}:$PATH; source {SHELL}/completion.bash
COMP_WORDS=(); IFS=' ' read -ra COMP_WORDS <<<'{line}'; [[ '{line}' == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1)); _heatbath; printf '%s\\n' "${{COMPREPLY[@]}}" """
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=True)
    assert set(done.stdout.split()) == offered and not done.stderr
