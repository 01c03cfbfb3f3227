"""Certificates: of samples that numpy drew from a known law, and of a device's."""
import itertools
import json

import numpy as np
import pytest

import heatbath
from heatbath import errors

J = {(0, 1): 0.5, (1, 2): -0.4, (0, 2): 0.3, (2, 3): 0.6}
FIELDS = np.array([0.1, -0.2, 0.0, 0.3])


def exact_draws(beta, count, seed):
    states = np.array(list(itertools.product((-1, 1), repeat=4)), np.float32)
    energy = -states @ FIELDS - sum(value * states[:, i] * states[:, j] for (i, j), value in J.items())
    weights = np.exp(-beta * energy)
    return states[np.random.default_rng(seed).choice(len(states), count, p=weights / weights.sum())]


def test_samples_of_the_law_are_clean_and_others_are_not():
    network = heatbath.Network.ising(J, FIELDS)
    good = heatbath.certificate(network, exact_draws(1.0, 20000, 1), enumerate=True)
    assert good.clean and good.findings == [] and good.interval[0] < 1 < good.interval[1], str(good)
    assert abs(good.total_variation - good.noise_floor) < good.noise_floor
    assert json.loads(json.dumps(good.as_dict()))["samples"] == 20000
    bad = heatbath.certificate(network, exact_draws(1.2, 20000, 1), enumerate=True)
    assert bad.findings == ["temperature mismatch", "above noise floor"], str(bad)
    assert abs(bad.inverse_temperature - 1.2) < 5 * bad.standard_error
    assert "temperature mismatch" in str(bad)


def test_results_of_a_device_go_in_as_they_are():
    network = heatbath.Network.ising(J, FIELDS)
    device = heatbath.open("func:cell=pbit&cells=4&threads=1")
    program = heatbath.Scaling(network, device, kT=1.0).program().evolve(device.ticks(20))
    for _ in range(20):
        program.evolve(device.ticks(1)).sample()
    certificate = heatbath.certificate(network, heatbath.Shots(device, seed=1).run(program, 500).states)
    assert certificate.clean and certificate.total_variation is None, str(certificate)
    assert certificate.effective_samples > 1000


def test_wrong_arguments_are_named():
    network = heatbath.Network.ising(J, FIELDS)
    with pytest.raises(errors.BadArgError, match=r"\(shots, 4\)"):
        heatbath.certificate(network, np.ones((10, 3)))
    with pytest.raises(errors.BadArgError, match="2 samples"):
        heatbath.certificate(network, np.ones((1, 4)))
    with pytest.raises(errors.BadArgError, match="finite"):
        heatbath.certificate(network, np.full((10, 4), np.nan))
    with pytest.raises(errors.UnsupportedError, match="20 spins"):
        heatbath.certificate(heatbath.Network("pbit", 21), np.ones((10, 21)), enumerate=True)
