"""The examples run as users run them; those that need a package that is not installed are skipped."""
import importlib.util
import os
import pathlib
import subprocess
import sys

import pytest

EXAMPLES = pathlib.Path(os.environ["HEATBATH_SOURCE"], "examples", "python")
OPTIONAL = ("dimod", "matplotlib", "torch", "arviz", "tqdm")


# Those that start processes of their own: test_racks.py.
@pytest.mark.parametrize("path", sorted(set(EXAMPLES.rglob("*.py")) - set(EXAMPLES.glob("with_*.py"))), ids=lambda path: path.stem)
def test_example_runs(path, tmp_path):
    text = path.read_text()
    for package in OPTIONAL:
        if any(line in text for line in (f"\nimport {package}", f"\nfrom {package}", f"heatbath.{package}")) and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    done = subprocess.run([sys.executable, str(path)], cwd=tmp_path, capture_output=True, text=True, timeout=200,
                          env={**os.environ, "HEATBATH_QUICK": "1", "MPLBACKEND": "agg"})
    assert done.returncode == 0, done.stderr
    assert not done.stderr, done.stderr
