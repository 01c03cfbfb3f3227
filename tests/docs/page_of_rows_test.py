"""page_of_rows_test.py HEATBATH ROOT: rows become the measured part of docs/performance.md, and a page without one is refused."""
import pathlib
import subprocess
import sys
import tempfile

program, root = sys.argv[1:]
with tempfile.TemporaryDirectory() as folder:
    result, page = pathlib.Path(folder, "bench.json"), pathlib.Path(folder, "page.md")
    run = subprocess.run([program, "bench", "--json", "--seconds", "0.01", "--row", "noise", "--row", "dense-64x1-torch"],
                         check=True, capture_output=True, text=True)
    result.write_text(run.stdout)
    page.write_text("before\n<!-- measured: begin -->\nold\n<!-- measured: end -->\nafter\n")
    command = [sys.executable, f"{root}/bench/page.py", str(result), str(page)]
    subprocess.run(command, check=True)
    text = page.read_text()
    for words in ("before\n", "\nafter\n", "| `noise` | Gaussian noise", "`dense-64x1-torch`: peer not run", "| not measured |"):
        assert words in text, f"'{words}' is not in:\n{text}"
    assert "old" not in text
    page.write_text("no part\n")
    refused = subprocess.run(command, capture_output=True, text=True)
    assert refused.returncode == 2 and "no part between" in refused.stderr, refused
