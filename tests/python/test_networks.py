"""Networks, scaling and shots: energies by numpy, distributions by enumeration."""
import itertools
import pickle

import numpy as np
import pytest

import heatbath
from heatbath import errors


def test_energies_are_those_of_the_formula():
    rng = np.random.default_rng(1)
    A = rng.normal(size=(5, 5))
    A = A @ A.T + np.eye(5)
    b = rng.normal(size=5)
    network = heatbath.Network.quadratic_form(A, b)
    x = rng.normal(size=(3, 7, 5))
    expected = 0.5 * np.einsum("abi,ij,abj->ab", x, A, x) - x @ b
    assert np.allclose(network.energy(x), expected, rtol=1e-12)
    assert isinstance(network.energy(x[0, 0]), float)
    assert np.allclose(network.gradient(x[0, 0]), A @ x[0, 0] - b, rtol=1e-12)
    assert network.kind == "overdamped" and network.cells == 5


def test_couplings_come_in_every_form():
    h = np.zeros(3)
    matrix = np.array([[0, 1, 0], [1, 0, -2], [0, -2, 0]], float)
    pairs = {(0, 1): 1.0, (2, 1): -2.0}
    arrays = (np.array([0, 1]), np.array([1, 2], np.uint8), np.array([1, -2], ">f4"))
    networks = [heatbath.Network.ising(J, h) for J in (matrix, pairs, arrays, matrix.tolist(), np.asfortranarray(matrix))]
    for network in networks:
        assert network.couplings == {(0, 1): -1.0, (1, 2): 2.0}  # V = -J s s
    with pytest.raises(errors.BadArgError, match="no cell|none of cells"):
        heatbath.Network.ising({(0, -1): 1.0}, h)
    with pytest.raises(errors.BadArgError):
        heatbath.Network.ising({(0, 3): 1.0}, h)
    with pytest.raises(errors.BadArgError):
        heatbath.Network.ising(matrix + np.triu(np.ones((3, 3)), 1), h)
    with pytest.raises(errors.BadArgError, match="nan"):
        heatbath.Network.ising({(0, 1): np.nan}, h)
    with pytest.raises(TypeError):
        heatbath.Network.ising(matrix * 1j, h)
    for J in ({(0.5, 1): 1.0}, (np.array([0.5]), np.array([1]), np.array([1.0]))):
        with pytest.raises(TypeError, match="whole numbers"):
            heatbath.Network.ising(J, h)


def test_sparse_matrices_of_scipy():
    sparse = pytest.importorskip("scipy.sparse")
    matrix = sparse.random(20, 20, 0.2, random_state=3)
    matrix = sparse.triu(matrix, 1)
    network = heatbath.Network.ising(matrix + matrix.T, np.zeros(20))
    assert len(network.couplings) == matrix.nnz
    with pytest.raises(errors.BadArgError, match="symmetric"):
        heatbath.Network.ising(matrix, np.zeros(20))


def test_spins_have_the_distribution_of_their_energies():
    rng = np.random.default_rng(7)
    n, shots, kT = 5, 4000, 1.3
    J = np.triu(rng.normal(size=(n, n)), 1)
    network = heatbath.Network.ising(J + J.T, rng.normal(size=n) / 2)
    states = np.array(list(itertools.product([-1, 1], repeat=n)))
    weights = np.exp(-network.energy(states) / kT)
    weights /= weights.sum()
    with heatbath.open(f"func:cell=pbit&cells={n}&lanes=64&threads=1") as device:
        scaling = heatbath.Scaling(network, device, kT=kT)
        scaling.set_step(device)
        program = scaling.program().evolve(scaling.ticks(device, 60)).sample()
        spins = heatbath.Shots(device, seed=11).run(program, shots).states[:, 0]
    index = ((spins > 0) @ (1 << np.arange(n)[::-1])).astype(int)
    counts = np.bincount(index, minlength=2**n)
    z = (counts - shots * weights) / np.sqrt(shots * weights * (1 - weights))
    assert np.abs(z).max() < 4.5


def test_states_have_the_distribution_of_their_energies():
    rng = np.random.default_rng(8)
    n, q, shots, kT = 4, 3, 6000, 1.1
    J = np.triu(rng.normal(size=(n, n)), 1)
    fields = rng.normal(size=(n, q)) / 2
    network = heatbath.Network.potts(J + J.T, fields)
    states = np.array(list(itertools.product(range(q), repeat=n)))
    equal = states[:, :, None] == states[:, None, :]
    energies = -(equal * J).sum(axis=(1, 2)) - fields[np.arange(n), states].sum(axis=1)
    assert network.states == q and network.values("bias").shape == (n, q)
    np.testing.assert_allclose(network.energy(states), energies)
    weights = np.exp(-energies / kT)
    weights /= weights.sum()
    with heatbath.open(f"func:cell=categorical&states={q}&cells={n}&lanes=64&threads=1") as device:
        scaling = heatbath.Scaling(network, device, kT=kT)
        scaling.set_step(device)
        program = scaling.program().evolve(scaling.ticks(device, 60)).sample()
        drawn = heatbath.Shots(device, seed=12).run(program, shots).states[:, 0].astype(int)
        with pytest.raises(errors.UnsupportedError, match="cells of 2 states; this device's have 3"):
            heatbath.Scaling(heatbath.Network("categorical", n, states=2), device, kT=kT).program()
    counts = np.bincount(drawn @ q ** np.arange(n)[::-1], minlength=q**n)
    z = (counts - shots * weights) / np.sqrt(shots * weights * (1 - weights))
    assert np.abs(z).max() < 4.5


def test_a_linear_system_is_solved_by_its_mean():
    A = np.array([[2, -1, 0], [-1, 2, -1], [0, -1, 2.0]])
    b = np.array([1, 0, 2.0])
    with heatbath.open("func:cells=3&lanes=64&threads=1") as device:
        network = heatbath.Network.quadratic_form(A, b)
        scaling = heatbath.Scaling(network, device, kT=0.01)
        scaling.set_step(device)
        program = scaling.program().evolve(scaling.burn_in(device)).sample()
        x = scaling.states(heatbath.Shots(device, seed=2).run(program, 2000).states[:, 0])
    error = np.sqrt(np.diag(np.linalg.inv(A)) * 0.01 / 2000)
    assert (np.abs(x.mean(axis=0) - np.linalg.solve(A, b)) < 4.5 * error + 1e-6).all()


def test_shots_are_numbered_on_and_blocks_change_nothing():
    with heatbath.open("func:cells=2&lanes=4&threads=1") as device:
        program = heatbath.Program(device, 2).load("j2", 1).commit().evolve(device.ticks(1)).sample()
        whole = heatbath.Shots(device, seed=4).run(program, 50).states
        shots = heatbath.Shots(device, seed=4, memory=100)
        parts = [shots.run(program, 20).states, shots.run(program, 30).states]
        assert shots.next_shot == 50
        assert np.array_equal(np.concatenate(parts), whole)


def test_scaling_says_what_does_not_fit():
    with heatbath.open("func:cells=2&lanes=1&threads=1") as device:
        with pytest.raises(errors.BadArgError):
            heatbath.Scaling(heatbath.Network.quadratic_form(np.eye(3), np.zeros(3)), device)
        with pytest.raises(errors.UnsupportedError, match="pbit"):
            heatbath.Scaling(heatbath.Network.ising({(0, 1): 1.0}, [0, 0]), device)
        with pytest.raises(errors.BadArgError, match="no kind of cells is called 'cubic'"):
            heatbath.Network("cubic", 2)
    network = heatbath.Network(heatbath.CellKind.PHASE, 2).set("j2", [1, 2]).set_fields([1, -1]).set_constant(3)
    assert network.values("bias").tolist() == [-1, 1] and network.constant == 3
    assert heatbath.Network.double_wells(2, 1.0).energy([1, -1]) == pytest.approx(0, abs=1e-12)


def test_a_device_that_hides_its_step_keeps_none_in_its_pickle():
    with heatbath.open("func:profile=silicon&cells=2&threads=1") as device:
        heatbath.Scaling(heatbath.Network("overdamped", 2).set("j2", 1.0), device).set_step(device)
        pickle.loads(pickle.dumps(device)).close()


def test_spins_without_fields():
    pairs = {(0, 1): 1.0, (1, 2): -0.5}
    matrix = np.array([[0, 1.0, 0], [1.0, 0, -0.5], [0, -0.5, 0]])
    states = np.array([[1, 1, 1], [1, -1, 1], [-1, -1, 1.0]])
    for J in (pairs, matrix, ([0, 1], [1, 2], [1.0, -0.5])):
        network = heatbath.Network.ising(J)
        assert network.cells == 3 and network.energy(states) == pytest.approx(heatbath.Network.ising(J, h=[0, 0, 0]).energy(states))
    assert network.energy(states).tolist() == [-0.5, 0.5, -1.5]
    with pytest.raises(errors.BadArgError, match="beyond"):
        heatbath.Network.ising({(0, 2**31): 1.0})
