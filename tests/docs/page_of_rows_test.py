"""page_of_rows_test.py HEATBATH_BENCH ROOT: rows and their ratios are printed, they become the measured part of
docs/performance.md, a page without one is refused, and so are rows and peers that are none."""
import json
import pathlib
import subprocess
import sys
import tempfile

program, root = sys.argv[1:]


def bench(*words):
    return subprocess.run([program, *words], capture_output=True, text=True)


listed = bench("--list")
assert listed.returncode == 0, listed
for name in ("noise ", "dense-1024x256-codes ", "two-cores-dense-64x256 ", "generator-numpy "):
    assert name in listed.stdout, name
for words, says in ((("--row", "speed"), "--row speed: there is no such row"),
                    (("--peers", "/nowhere"), "--peers /nowhere: holds no peer.py"), (("--rows",), "--rows")):
    refused = bench(*words)
    assert refused.returncode == 2 and says in refused.stderr, refused

with tempfile.TemporaryDirectory() as folder:
    result, page = pathlib.Path(folder, "bench.json"), pathlib.Path(folder, "page.md")
    run = bench("--json", "--seconds", "0.01", "--row", "noise-std", "--row", "dense-64x1-torch")
    assert run.returncode == 0, run
    first, second = json.loads(run.stdout)["rows"]
    assert first["name"] == "noise-std" and first["goal_of"] == "ratio", first
    assert all(first[key] > 0 for key in ("value", "reference", "ratio", "goal")), first
    assert first["met"] == (first["ratio"] <= first["goal"]), first
    assert second["ratio"] is None and second["reference"] is None and second["note"] == "peer not run", second
    assert second["met"] is False, second
    result.write_text(run.stdout)
    page.write_text("before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n")
    command = [sys.executable, f"{root}/bench/page.py", str(result), str(page)]
    subprocess.run(command, check=True)
    text = page.read_text()
    for words in ("before\n", "\nafter\n", "| `noise-std` |", "`dense-64x1-torch`: peer not run", "| not measured |"):
        assert words in text, f"'{words}' is not in:\n{text}"
    assert "old" not in text
    page.write_text("no part\n")
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 2 and "no part between" in refused.stderr, refused
