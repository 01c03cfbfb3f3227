"""Where the judges are: enter(MODULE, ...) goes on in a Python that has these modules of other people, and prints their
versions. That is the Python that runs, the one that HEATBATH_JUDGES_PYTHON names, or the environment of tools/judges.sh;
where none has them the test is skipped by name, with exit status 77."""

import importlib.metadata
import importlib.util
import os
import pathlib
import sys

SKIPPED = 77
ROOT = pathlib.Path(__file__).resolve().parents[1]


def missing(modules):
    """The first of the modules that this Python lacks, or None."""
    for module in modules:
        try:
            if importlib.util.find_spec(module) is None:
                return module
        except ModuleNotFoundError:
            return module
    return None


def enter(**distributions):
    """enter(module="distribution", ...): returns in a Python that has the modules, or does not return."""
    lacking = missing(distributions)
    if lacking is None:
        print(", ".join(f"{name} {importlib.metadata.version(name)}" for name in distributions.values()), flush=True)
        return
    for python in (os.environ.get("HEATBATH_JUDGES_PYTHON"), str(ROOT / "build/judges_env/bin/python")):
        if python and os.path.exists(python) and not os.environ.get("HEATBATH_JUDGE_ENTERED"):
            os.environ["HEATBATH_JUDGE_ENTERED"] = "1"
            os.execv(python, [python, "-B", *sys.argv])
    print(f"skipped: there is no Python module {lacking} ({distributions[lacking]}); tools/judges.sh installs it")
    sys.exit(SKIPPED)
