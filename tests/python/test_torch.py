"""PyTorch: gradients of expectations against enumeration, finite differences and numpy; solves; data sets."""
import gc
import itertools
import pickle

import numpy as np
import pytest

import heatbath

torch = pytest.importorskip("torch")
import heatbath.torch as ht  # noqa: E402


def boltzmann_by_enumeration(J, h, cells, kT):
    """<s> by autograd of ln Z, in double."""
    states = torch.tensor(list(itertools.product([-1.0, 1.0], repeat=cells)), dtype=torch.float64)
    i, j = torch.triu_indices(cells, cells, 1)
    weights = torch.softmax(((states[:, i] * states[:, j]) @ J + states @ h) / kT, 0)
    return weights @ states


def test_a_boltzmann_layer_has_the_gradients_of_enumeration():
    cells, kT, samples = 4, 1.3, 20000
    layer = ht.BoltzmannLayer(cells, device=f"func:cell=pbit&cells={cells}&lanes=256&threads=1", samples=samples, sweeps=60, kT=kT).double()
    rng = np.random.default_rng(3)
    with torch.no_grad():
        layer.coupling.copy_(torch.tensor(rng.normal(size=6) / 2))
        layer.field.copy_(torch.tensor(rng.normal(size=4) / 2))
    upstream = torch.tensor(rng.normal(size=4))
    means = layer()
    (means @ upstream).backward()
    J, h = (p.detach().clone().requires_grad_() for p in (layer.coupling, layer.field))
    exact = boltzmann_by_enumeration(J, h, cells, kT)
    (exact @ upstream).backward()
    spread = torch.sqrt((1 - exact.detach() ** 2) / samples)
    assert ((means - exact).abs() < 4.5 * spread).all()
    # A covariance of two bounded numbers has an error of at most their deviations over sqrt(samples).
    scale = float(torch.linalg.norm(upstream)) * 2 / kT / np.sqrt(samples)
    assert float((layer.coupling.grad - J.grad).abs().max()) < 4 * scale < 0.2
    assert float((layer.field.grad - h.grad).abs().max()) < 4 * scale
    assert float(J.grad.abs().max()) > 8 * scale  # the test can fail


def test_gradcheck_of_a_langevin_layer_with_common_noise():
    samples, kT = 20000, 0.5
    layer = ht.LangevinLayer(2, device="func:cells=2&lanes=256&threads=1&stepper=exact-ou", samples=samples, time=12.0, kT=kT, j2=1.0,
                             common_noise=True).double()
    with torch.no_grad():
        layer.coupling.fill_(0.6)
        layer.field.copy_(torch.tensor([0.5, -0.3]))
    field = torch.tensor([0.2, 0.1], dtype=torch.float64, requires_grad=True)
    # Of these linear cells d<x>/dh = A^-1: deviations of 1/2, so errors of a covariance over kT of 0.7/sqrt(samples).
    assert torch.autograd.gradcheck(layer, (field,), eps=2e-2, atol=4 * 0.7 / np.sqrt(samples), rtol=0, nondet_tol=0)
    matrix = np.array([[2, -0.6], [-0.6, 2]])
    jacobian = torch.autograd.functional.jacobian(layer, field).numpy()
    assert np.allclose(jacobian, np.linalg.inv(matrix), atol=4 * 0.7 / np.sqrt(samples))
    with pytest.raises(AssertionError):
        assert np.allclose(jacobian, np.linalg.inv(matrix) * 1.1, atol=4 * 0.7 / np.sqrt(samples))


def test_a_statistic_of_its_own_has_its_gradient():
    layer = ht.BoltzmannLayer(2, device="func:cell=pbit&cells=2&lanes=256&threads=1", samples=20000, sweeps=40).double()
    with torch.no_grad():
        layer.coupling.fill_(0.4)
    layer(statistic=lambda s: s[:, 0] * s[:, 1]).backward()
    # Two spins: <s s'> = tanh J, d/dJ = 1/cosh^2 J.
    assert abs(float(layer.coupling.grad[0]) - 1 / np.cosh(0.4) ** 2) < 4 / np.sqrt(20000)


def test_a_layer_learns_correlations():
    torch.manual_seed(0)
    layer = ht.BoltzmannLayer(3, device="func:cell=pbit&cells=3&lanes=256&threads=1", samples=500, sweeps=20)
    wanted = torch.tensor([0.6, -0.4, -0.3])
    optimiser = torch.optim.SGD(layer.parameters(), lr=0.5)
    first = None
    for _ in range(25):
        optimiser.zero_grad()
        loss = ((layer(statistic=layer._products) - wanted) ** 2).sum()
        loss.backward()
        optimiser.step()
        first = first or float(loss.detach())
    assert float(loss.detach()) < 0.1 * first
    copied = pickle.loads(pickle.dumps(layer))
    assert torch.equal(copied.coupling, layer.coupling) and copied.draw().shape == (500, 3)


def test_a_solve_and_its_gradient():
    rng = np.random.default_rng(5)
    root = rng.normal(size=(5, 5))
    A = torch.tensor(root @ root.T + 3 * np.eye(5), requires_grad=True)
    b = torch.tensor(rng.normal(size=5) * 100, requires_grad=True)
    x = ht.solve(A, b, times=30.0)
    assert torch.allclose(x, torch.linalg.solve(A, b), rtol=2e-5, atol=1e-4)
    upstream = torch.tensor(rng.normal(size=5))
    (x @ upstream).backward()
    grads = A.grad.clone(), b.grad.clone()
    A.grad = b.grad = None
    (torch.linalg.solve((A + A.T) / 2, b) @ upstream).backward()
    assert torch.allclose(grads[1], b.grad, atol=1e-5) and torch.allclose(grads[0], A.grad, rtol=1e-4, atol=1e-3)
    noisy = ht.solve(A.detach(), b.detach(), kT=1.0, samples=2000)
    error = torch.sqrt(torch.diag(torch.linalg.inv(A.detach())) / 2000)
    assert ((noisy - torch.linalg.solve(A, b)).abs() < 4.5 * error + 1e-3).all()
    with pytest.raises(ValueError, match=r"\(cells, cells\)"):
        ht.solve(A, b[:3])
    assert torch.equal(ht.solve(A.detach(), torch.zeros(5, dtype=torch.float64)), torch.zeros(5, dtype=torch.float64))


def test_captures_are_a_data_set_without_a_copy():
    with heatbath.open("func:cells=3&lanes=4&threads=1") as device:
        program = heatbath.Program(device, 3).load("j2", 1).commit().capture_start(device.ticks(0.5)).evolve(device.ticks(2)).capture_stop()
        result = device.run(program, 6, seed=1)
    data = ht.Captures(result)
    assert len(data) == 6 * 5 and data[7].data_ptr() == result.states[1, 2].__array_interface__["data"][0]
    assert torch.equal(data[-1], torch.from_numpy(result.states[5, 4].copy()))
    with pytest.raises(IndexError):
        data[30]
    later = ht.Captures(result, records=slice(2, None))
    batches = list(torch.utils.data.DataLoader(later, batch_size=9, shuffle=False))
    copy = result.states[:, 2:].reshape(18, 3).copy()
    del result
    gc.collect()
    assert np.array_equal(torch.cat(batches).numpy(), copy)
