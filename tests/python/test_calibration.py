"""Calibrations: measured, kept in the command's files, undone by what runs on the chip."""
import json
import pickle

import numpy as np
import pytest

import heatbath
from heatbath import calibration, errors, solvers
from command import run_command

CHIP = "func:profile=hb-1024&chip={chip}&cells=6&threads=1"


@pytest.fixture(scope="module")
def found():
    with heatbath.open(CHIP.format(chip=3)) as device:
        return calibration.calibrate(device, cells=6, effort=0.6)


def test_figures_are_arrays(found):
    assert found.cells == 6 and found.couplers.shape == (15, 2) and found.coupler_gain.shape == (2, 15)
    for figures in (found.j2_gain, found.bias_gain, found.temperature):
        assert figures.shape == (2, 6) and (np.abs(figures[0] - 1) < 0.5).all() and (figures[1] > 0).all()
    assert (np.abs(found.bias_offset[0]) > 4 * found.bias_offset[1]).any()  # mismatch is seen
    assert str(found.step) and "6 cells" in repr(found) and found.valid_seconds == 86400


def test_it_is_kept_in_the_files_of_the_command(found, tmp_path, monkeypatch):
    copied = pickle.loads(pickle.dumps(found))
    assert np.array_equal(copied.coupler_offset, found.coupler_offset) and np.array_equal(copied.j4_gain, found.j4_gain, equal_nan=True)
    path = tmp_path / "chip.json"
    found.save(path)
    assert np.array_equal(calibration.Calibration.read(path).bias_gain, found.bias_gain)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with heatbath.open(CHIP.format(chip=3)) as device:
        with pytest.raises(errors.IoError):
            calibration.Calibration.kept(device)
        assert found.keep().is_file()
        assert np.array_equal(calibration.Calibration.kept(device).coupler_gain, found.coupler_gain)
    path.write_text(path.read_text().replace('"cells"', '"cell"', 1))
    with pytest.raises(errors.IoError, match="checksum"):
        calibration.Calibration.read(path)


def test_the_command_measures_the_same(found, tmp_path):
    run_command("calibrate", "--device", CHIP.format(chip=3), "--cells", "6", "--effort", "0.6", "--out", tmp_path / "chip.json")
    of_command = json.loads((tmp_path / "chip.json").read_text())["calibration"]
    found.save(tmp_path / "own.json")
    own = json.loads((tmp_path / "own.json").read_text())["calibration"]
    of_command.pop("made_at"), own.pop("made_at")
    assert of_command == own


def test_it_is_of_one_chip_and_for_a_time(found):
    with heatbath.open(CHIP.format(chip=3)) as device, heatbath.open(CHIP.format(chip=4)) as other:
        standing = calibration.standing(found, device)
        assert standing.valid and standing.why == "" and 0 < standing.left <= 1
        assert device.calibration is None
        device.correct(found)
        copied = pickle.loads(pickle.dumps(device))  # a worker's device is corrected, too
        assert np.array_equal(copied.calibration.bias_gain, found.bias_gain)
        loaded = [each.run(heatbath.Program(each, 6).load("bias", 1.0).commit().readback("bias")).readback[0] for each in (device, copied)]
        assert np.array_equal(*loaded) and np.abs(loaded[0] - 1).max() > 0.005
        device.correct(None)
        assert device.calibration is None
        for call in (lambda: calibration.standing(found, other), lambda: other.correct(found),
                     lambda: heatbath.open(CHIP.format(chip=4), calibration=found)):
            with pytest.raises(errors.BadArgError, match="chip|calibration"):
                call()


def test_what_runs_is_undone(found):
    """The covariance of a linear network on the chip, with and without: errors of couplers and stiffness go."""
    A = 1.5 * np.eye(6) + 0.2 * (np.eye(6, k=1) + np.eye(6, k=-1))
    exact = 0.3 * np.linalg.inv(A)
    network = heatbath.Network.quadratic_form(A, np.zeros(6))

    def wrong_by(**how):
        with heatbath.open(CHIP.format(chip=3), **how) as device:
            states = solvers.sample(device, network, kT=0.3, chains=16, records=3000).samples.states
        return np.linalg.norm(np.cov(states.T) - exact) / np.linalg.norm(exact), np.abs(states.mean(axis=0)).max()

    raw, raw_mean = wrong_by()
    covariance, mean = wrong_by(calibration=found)
    assert covariance < 0.6 * raw and mean < 0.5 * raw_mean, (raw, covariance, raw_mean, mean)
