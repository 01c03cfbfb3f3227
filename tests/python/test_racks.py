"""Racks in Python; devices in the workers of joblib, dask.distributed and mpi4py.futures."""
import os
import pathlib
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest

import heatbath

EXAMPLES = pathlib.Path(os.environ["HEATBATH_SOURCE"], "examples", "python")


def program(device):
    made = heatbath.Program(device, 3).load("j2", 1.0).load("kT", 1.0).load_gain(0.0).commit()
    made.clamp(0.0, count=3).release().meter_clear().evolve(device.ticks(1)).sample().meter_snapshot()
    return made


@pytest.fixture
def rack(tmp_path):
    path = tmp_path / "rack.toml"
    path.write_text("".join(f'[[device]]\nuri = "func:cells=3&lanes={lanes}&threads=1"\n' for lanes in (8, 4, 8)))
    return f"rack:{path}"


def test_a_rack_has_the_bits_of_one_device(rack):
    with heatbath.open(rack) as many, heatbath.open("func:cells=3&lanes=8&threads=1") as one:
        assert many.capabilities.lanes == 20
        told = []
        ours = many.run(program(many), 333, seed=5, first_shot=7, progress=lambda done: told.append(done))
        theirs = one.run(program(one), 333, seed=5, first_shot=7)
        assert np.array_equal(ours.states, theirs.states) and np.array_equal(ours.meters[0], theirs.meters[0])
        assert told[-1] == 1 and told == sorted(told)
        assert sum(share["shots"] for share in ours.shares) == 333 and theirs.shares == () and one.members == ()
        assert sum(member["shots"] for member in many.members) == 333
        assert {share["device"] for share in ours.shares} <= {0, 1, 2}


def test_a_rack_pickles_and_raises_what_progress_raises(rack):
    with heatbath.open(rack) as many, pickle.loads(pickle.dumps(many)) as other:
        assert other.uri == many.uri == rack
        class Enough(Exception):
            pass
        def progress(done):
            raise Enough
        with pytest.raises(Enough):
            many.run(program(many), 100000, seed=1, progress=progress)
        assert np.array_equal(many.run(program(many), 20, seed=1).states, other.run(program(other), 20, seed=1).states)
        with pytest.raises(heatbath.errors.UnsupportedError):
            many.read32(0)


def run_example(*words):
    done = subprocess.run([*words], capture_output=True, text=True, timeout=150)
    assert done.returncode == 0, done.stderr
    assert "200 states" in done.stdout


def test_joblib():
    pytest.importorskip("joblib", reason="joblib is not installed")
    run_example(sys.executable, str(EXAMPLES / "with_joblib.py"))


def test_dask_distributed():
    pytest.importorskip("distributed", reason="dask.distributed is not installed")
    run_example(sys.executable, str(EXAMPLES / "with_dask.py"))


def test_mpi4py_futures():
    pytest.importorskip("mpi4py", reason="mpi4py is not installed")
    if shutil.which("mpirun") is None:
        pytest.skip("mpirun is absent")
    root = ["--allow-run-as-root"] if os.getuid() == 0 else []
    run_example("mpirun", *root, "--oversubscribe", "-n", "4", sys.executable, "-m", "mpi4py.futures", str(EXAMPLES / "with_mpi4py.py"))
