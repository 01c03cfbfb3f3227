"""Samples of several temperatures together, and parameters of chips, against exact numbers."""
import numpy as np
import pytest

from heatbath import errors, estimates

LEVELS, COUNTS = np.array([0.0, 1.0, 2.5]), np.array([1.0, 3.0, 4.0])


def partition(kT):
    return (COUNTS * np.exp(-LEVELS / kT)).sum()


def test_temperatures_together_have_the_partition_functions():
    rng = np.random.default_rng(1)
    kT = [0.6, 1.0, 2.0]
    energies = [rng.choice(LEVELS, 4000, p=COUNTS * np.exp(-LEVELS / t) / partition(t)) for t in kT]
    together = estimates.Multistate(kT, energies)
    exact = np.log(partition(1.4) / partition(0.6))
    assert together.log_partition(1.4) == pytest.approx(exact, abs=0.05) and together.log_partition(0.6) == pytest.approx(0, abs=1e-9)
    weights = COUNTS * np.exp(-LEVELS / 1.4) / partition(1.4)
    assert together.mean(1.4, energies) == pytest.approx(weights @ LEVELS, abs=0.05)
    assert 4000 < together.effective_samples(1.4) <= 12000
    found = estimates.log_partitions(kT, energies, blocks=10)
    assert found[0].value == 0 and abs(found[2].z(np.log(partition(2.0) / partition(0.6)))) < 4
    for wrong in (lambda: estimates.Multistate([1.0], [[0.0]]), lambda: estimates.Multistate(kT, energies[:2]), lambda: estimates.Multistate(kT, [1, 2, 3]),
                  lambda: estimates.log_partitions(kT, energies, blocks=1), lambda: together.mean(1.0, [[1.0]])):
        with pytest.raises((errors.BadArgError, TypeError)):
            wrong()


def test_the_curve_of_a_pbit():
    rng = np.random.default_rng(2)
    bias = np.linspace(-2, 2, 9)
    trials = np.full(9, 2000)
    found = estimates.fit_curve(bias, rng.binomial(2000, 1 / (1 + np.exp(-1.7 * (bias - 0.2)))), trials)
    assert abs(found.slope.value - 1.7) < 4 * found.slope.standard_error and found.midpoint.low < 0.2 + 4 * found.midpoint.standard_error
    assert found.slope.low < found.slope.value < found.slope.high and found.freedom == 7 and str(found.slope)
    with pytest.raises(errors.BadArgError):
        estimates.fit_curve(bias, np.zeros(9), trials)


def test_a_cell_that_relaxes():
    rng = np.random.default_rng(3)
    k, kT, step, readings = 0.8, 0.5, 0.4, 3000
    x = np.zeros(readings)
    decay = np.exp(-k * step)
    for n in range(1, readings):
        x[n] = decay * x[n - 1] + np.sqrt(kT / k * (1 - decay**2)) * rng.standard_normal()
    times = step * np.arange(readings)
    found = estimates.fit_relaxation(times, x + 0.1 * rng.standard_normal(readings) + 0.3)
    for fitted, true in ((found.stiffness, k), (found.kT, kT), (found.offset, 0.3), (found.noise, 0.1)):
        assert abs(fitted.value - true) < 4 * fitted.standard_error, (fitted, true)
    assert found.readings == readings - 1 and abs(found.mean_square_z) < 4
    with pytest.raises(errors.BadArgError, match="2 traces"):
        estimates.fit_relaxation(times, x, traces=[0, 1])
    with pytest.raises(errors.BadArgError):
        estimates.fit_relaxation(times[::-1], x)
