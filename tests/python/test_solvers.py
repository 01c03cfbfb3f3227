"""Sampling, searches, linear algebra and derivatives against enumeration and numpy."""

import itertools

import numpy as np
import pytest

import heatbath
from heatbath import errors, solvers
from interrupt import interrupted

J = {(0, 1): 1.0, (1, 2): -0.7, (2, 3): 0.5, (3, 4): 1.2, (4, 5): -1.0, (0, 5): 0.8, (1, 4): 0.6}
H = np.array([0.3, -0.2, 0.0, 0.1, 0.0, -0.4])


def glass():
    return heatbath.Network.ising(J, h=H)


def enumerated(network, kT):
    """States, energies and probabilities of all of them."""
    states = np.array(list(itertools.product((-1.0, 1.0), repeat=network.cells)))
    energies = network.energy(states)
    weights = np.exp(-(energies - energies.min()) / kT)
    return states, energies, weights / weights.sum()


@pytest.fixture
def spins():
    with heatbath.open("func:cell=pbit&cells=6&lanes=64&threads=1") as device:
        yield device


@pytest.fixture
def cells():
    with heatbath.open("func:cells=4&lanes=64&threads=1") as device:
        yield device


def test_samples_have_the_law_of_the_network(spins):
    found = solvers.sample(spins, glass(), kT=1.5, chains=64, records=200, seed=3, statistics=["moments", "histogram"], cells=[2])
    states, energies, p = enumerated(glass(), 1.5)
    samples = found.samples
    assert samples.states.shape == (64 * 200, 6) and samples.origin == "law" and samples.kT == 1.5
    assert samples.energies == pytest.approx(glass().energy(samples.states))
    assert abs(samples.mean_energy().z(p @ energies)) < 4
    for cell in range(6):
        assert abs(samples.mean(cell).z(p @ states[:, cell])) < 4
    assert abs(samples.mean_product(0, 1).z(p @ (states[:, 0] * states[:, 1]))) < 4
    assert found.certificate is not None and found.certificate.clean, str(found.certificate)
    kept = found.statistics
    assert [series.name for series in kept.series] == ["energy", "order", "x2"]
    assert kept.means.shape == (2, 6) and kept.covariances.shape == (2, 6, 6)
    assert kept.means[0] == pytest.approx(samples.states.mean(axis=0), abs=1e-6)
    assert kept.series[0].histogram[0].sum() == pytest.approx(1)


def test_a_long_run_keeps_statistics_alone(spins):
    found = solvers.sample(spins, glass(), chains=64, records=50, keep_states=False, statistics=["autocorrelation"])
    assert len(found.samples) == 0
    energy = found.statistics.series[0]
    _, energies, p = enumerated(glass(), 1.0)
    assert abs(energy.variance.z(p @ energies**2 - (p @ energies) ** 2)) < 4
    assert energy.lags[0] == found.spacing and energy.autocovariance.shape == (2, len(energy.lags))


def test_searches_find_the_ground_state_and_have_no_averages(spins):
    lowest = enumerated(glass(), 1.0)[1].min()
    coldest, hottest = solvers.temperature_range(glass())
    assert 0 < coldest < hottest
    found = solvers.anneal(spins, glass(), reads=32, sweeps=100, seed=2)
    assert found.origin == "search" and found.lowest_energy == pytest.approx(lowest) and 0 < found.success(lowest + 1e-9) <= 1
    assert glass().energy(found.lowest_state) == pytest.approx(lowest)
    assert found.aggregated().occurrences.sum() == 32
    with pytest.raises(errors.UnsupportedError, match="search"):
        found.mean_energy()


def test_tempering_has_the_law_of_each_temperature(spins):
    found = solvers.temper(spins, glass(), ladder=[0.8, 1.4, 2.5], replicas=16, rounds=400, seed=5)
    for kT, energy in zip(found.ladder, found.energy):
        _, energies, p = enumerated(glass(), kT)
        assert abs(energy.z(p @ energies)) < 4
    assert found.log_partition == []
    assert len(found.refused) == 2 and found.barrier == pytest.approx(found.refused.sum()) and not found.interrupted
    assert solvers.temper(spins, glass(), temperatures=3, rounds=10_000_000, progress=lambda done: False).interrupted


def log_z(network, kT):
    return np.log(np.exp(-enumerated(network, 1.0)[1] / kT).sum())


def test_partition_functions_are_those_of_all_states(spins):
    found = solvers.temper(spins, glass(), ladder=[0.8, 1.4, 2.5], replicas=16, rounds=200, partition_functions=True, seed=5)
    for kT, measured in zip(found.ladder[1:], found.log_partition[1:]):
        assert abs(measured.z(log_z(glass(), kT) - log_z(glass(), found.ladder[0]))) < 4
    states, steps = solvers.anneal_population(spins, glass(), populations=16, replicas=64, temperatures=12, coldest=0.8, hottest=6.0, seed=2)
    _, energies, p = enumerated(glass(), steps[-1].kT)
    assert steps[0].kT == pytest.approx(6.0) and steps[-1].kT == pytest.approx(0.8) and len(states) == 16 * 64
    assert abs(steps[-1].energy.z(p @ energies)) < 4 and abs(steps[-1].log_partition.z(log_z(glass(), steps[-1].kT))) < 4


def test_other_searches_find_the_ground_state(spins):
    lowest = enumerated(glass(), 1.0)[1].min()
    for how in ({"cooling": "inverse"}, {"reversals": 4}):
        found = solvers.anneal(spins, glass(), reads=32, sweeps=100, seed=2, **how)
        assert found.lowest_energy == pytest.approx(lowest), how
        assert glass().energy(found.states) == pytest.approx(found.energies)
    cells = solvers.bifurcation_cells(glass())
    assert cells.kind == "underdamped" and cells.cells >= 6
    with heatbath.open(f"func:cell=underdamped&cells={cells.cells}&lanes=32&threads=1") as device:
        assert solvers.bifurcate(device, glass(), reads=32, time=200.0).lowest_energy == pytest.approx(lowest)
    with pytest.raises(errors.BadArgError, match="'ratio' or 'inverse'"):
        solvers.anneal(spins, glass(), cooling="fast")


def test_cycles_and_oscillators_find_the_ground_state(spins):
    lowest = enumerated(glass(), 1.0)[1].min()
    found = solvers.cycle(spins, glass(), reads=64, families=4, sweeps=40, cycles=3, cycle_sweeps=20, seed=2)
    assert found.best.origin == "search" and found.best.lowest_energy == pytest.approx(lowest) and len(found.best) == 4
    assert glass().energy(found.best.states) == pytest.approx(found.best.energies)
    assert len(found.lowest) == 4 and np.all(np.diff(found.lowest) <= 1e-9) and found.lowest[-1] == pytest.approx(lowest) and not found.interrupted
    assert solvers.cycle(spins, glass(), target=lowest + 1e-9, sweeps=40).best_updates > 0
    cells = solvers.oscillator_cells(glass())
    assert cells.kind == "phase"
    with heatbath.open(f"func:cell=phase&cells={cells.cells}&lanes=64&threads=1") as device:
        drawn = solvers.oscillate(device, glass(), reads=64, seed=3)
        assert drawn.lowest_energy == pytest.approx(lowest) and glass().energy(drawn.states) == pytest.approx(drawn.energies)
        assert np.array_equal(drawn.states, solvers.oscillate(device, glass(), reads=64, seed=3).states)
    with pytest.raises(errors.UnsupportedError):
        solvers.oscillate(spins, glass())


def test_logistic_regression_has_the_posterior(cells):
    """Against the integral over a grid of both parameters."""
    rng = np.random.default_rng(5)
    design = rng.normal(size=(40, 2))
    labels = (rng.random(40) < 1 / (1 + np.exp(-design @ [1.0, -0.7]))).astype(float)
    precision, mean = np.array([[1.0, 0.2], [0.2, 0.8]]), np.array([0.3, 0.1])
    found = solvers.logistic(cells, precision, design, labels, prior_mean=mean, chains=8, draws=250, seed=3)
    axis = np.linspace(-4, 5, 400)
    theta = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)
    fields = theta @ design.T
    log = (fields * labels - np.logaddexp(0, fields)).sum(axis=1) - 0.5 * np.einsum("ti,ij,tj->t", theta - mean, precision, theta - mean)
    weight = np.exp(log - log.max())
    weight /= weight.sum()
    exact = weight @ theta
    covariance = (theta - exact).T @ ((theta - exact) * weight[:, None])
    assert found.draws.shape == (8, 250, 2) and found.device_ticks > 0
    assert np.abs((found.mean[0] - exact) / found.mean[1]).max() < 4
    assert np.abs((found.covariance[0] - covariance) / found.covariance[1]).max() < 4
    for wrong in ({"labels": labels + 1}, {"labels": labels[:-1]}, {"design": design[:, :1]}, {"draws": 3}):
        with pytest.raises(errors.BadArgError):
            solvers.logistic(cells, **{"prior_precision": precision, "design": design, "labels": labels, **wrong})


def test_planted_problems_have_their_energy():
    for planted in (solvers.wishart(12, 4, seed=3), solvers.tiles(4, 0.5, seed=3)):
        assert planted.network.energy(planted.state) == pytest.approx(planted.energy)
        if planted.network.cells <= 12:
            assert enumerated(planted.network, 1.0)[1].min() == pytest.approx(planted.energy)
    assert solvers.sign_glass(3, 4, seed=2).cells == 64
    with pytest.raises(errors.BadArgError):
        solvers.wishart(1, 1)


A = np.array([[2.0, 0.5, 0.0], [0.5, 1.5, -0.4], [0.0, -0.4, 1.0]])


def z_of(result, exact):
    return np.abs((np.asarray(result.values) - exact) / result.standard_errors).max()


def test_linear_algebra_has_its_errors(cells):
    b = np.array([1.0, -0.5, 0.25])
    solved = solvers.solve(cells, A, b, tolerance=0.02, seed=4)
    assert solved.reached and solved.values.shape == (3,) and z_of(solved, np.linalg.solve(A, b)) < 4.5
    inverted = solvers.inverse(cells, A, tolerance=0.02, seed=4)
    assert inverted.values.shape == (3, 3) and z_of(inverted, np.linalg.inv(A)) < 4.5
    logarithm = solvers.log_determinant(cells, A, tolerance=0.02, seed=4)
    assert isinstance(logarithm.values, float) and z_of(logarithm, np.linalg.slogdet(A)[1]) < 4.5
    w, v = np.linalg.eigh(A)
    power = solvers.exponential(cells, A, 0.5, tolerance=0.03, seed=4)
    assert z_of(power, v @ np.diag(np.exp(-0.5 * w)) @ v.T) < 4.5
    R = 2 * np.eye(3)  # another one takes couplings that differ in their two directions
    S = solvers.lyapunov(cells, A, R, tolerance=0.03, seed=4)
    exact = v @ ((v.T @ R @ v) / (w[:, None] + w[None, :])) @ v.T
    assert z_of(S, exact) < 4.5


def test_a_posterior_is_that_of_bayes(cells):
    design, data = np.array([[1.0, 0.0, 1.0], [0.0, 1.0, -1.0], [1.0, 1.0, 0.0], [0.5, 0.0, 0.0]]), np.array([1.0, 0.2, 0.7, 0.1])
    mean, covariance = solvers.posterior(cells, np.eye(3), np.zeros(3), design, 0.5, data, tolerance=0.02, seed=6)
    precision = np.eye(3) + design.T @ design / 0.5
    assert z_of(covariance, np.linalg.inv(precision)) < 4.5
    assert z_of(mean, np.linalg.solve(precision, design.T @ data / 0.5)) < 4.5


def test_derivatives_are_those_of_the_law(spins):
    kT, step = 1.5, 1e-4

    def mean_of_first(h, j):
        states, _, p = enumerated(heatbath.Network.ising({**J, (0, 1): j}, h=h), kT)
        return p @ states[:, 0]

    found = solvers.gradient(spins, glass(), [("bias", 1), (0, 1)], lambda state: state[0], kT=kT, shots=512, seed=7)
    assert abs(found.mean.z(mean_of_first(H, 1.0))) < 4
    # The parameters of V: V = -sum h s - sum J s s, so bias and coupling count with the other sign.
    up = H + step * np.eye(6)[1]
    assert abs(found.derivatives[0].z(-(mean_of_first(up, 1.0) - mean_of_first(H, 1.0)) / step)) < 4
    assert abs(found.derivatives[1].z(-(mean_of_first(H, 1.0 + step) - mean_of_first(H, 1.0)) / step)) < 4


def test_what_is_wrong_is_named(spins, cells):
    for message, call in (
            ("solve: A: an array of shape \\(2, 3\\)", lambda: solvers.solve(cells, np.ones((2, 3)), [1, 2])),
            ("solve: b: an array of shape \\(2,\\)", lambda: solvers.solve(cells, A, [1, 2])),
            ("a symmetric matrix is needed", lambda: solvers.solve(cells, [[1, 0.5], [0, 1]], [1, 1])),
            ("lowest curvature is -1", lambda: solvers.inverse(cells, [[1, 2], [2, 1]])),
            ("statistics are 'moments'", lambda: solvers.sample(spins, glass(), statistics=["mode"])),
            ("methods are 'equilibrium'", lambda: solvers.gradient(spins, glass(), [], sum, method="magic")),
            ("gradient", lambda: solvers.gradient(spins, glass(), [("volume", 1)], sum)),
            ("posterior: design", lambda: solvers.posterior(cells, np.eye(2), [0, 0], np.ones((2, 3)), 1.0, [1, 2]))):
        with pytest.raises(errors.BadArgError, match=message):
            call()
    with pytest.raises(TypeError, match="a parameter is"):
        solvers.gradient(spins, glass(), [3], sum)

    def broken(state):
        raise KeyError("of the host's own")

    with pytest.raises(KeyError, match="of the host's own"):
        solvers.gradient(spins, glass(), [("bias", 0)], broken, shots=64)


def test_ctrl_c_ends_a_search(spins):
    interrupted(lambda: solvers.anneal(spins, glass(), reads=64, sweeps=2_000_000_000), 0.3)
    assert solvers.anneal(spins, glass(), sweeps=10).origin == "search"
