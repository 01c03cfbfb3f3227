"""Devices in PyTorch: layers with gradients, a linear solve, captures as a data set. Needs torch (the extra `torch`).

Nothing is differentiated through a trajectory. Expectations of an equilibrium have the exact derivative
d<f>/dtheta = <df/dtheta> - (<f dV/dtheta> - <f><dV/dtheta>)/kT, a covariance of the same samples; so a device that only samples
has gradients.
"""

from __future__ import annotations

import typing

import numpy as np
import torch
import torch.utils.data

import heatbath
from heatbath import _core

__all__ = ["BoltzmannLayer", "Captures", "LangevinLayer", "solve"]


class _Expectation(torch.autograd.Function):
    """Means of samples drawn by `draw(parameters)`, with the covariance formula behind them.

    draw: gives samples (S, cells) and, for each parameter, dV/dparameter of each sample, (S, *parameter.shape).
    """

    @staticmethod
    def forward(ctx: typing.Any, draw: typing.Any, statistic: typing.Any, kT: float, *parameters: torch.Tensor) -> torch.Tensor:
        with torch.no_grad():
            samples, slopes = draw(*parameters)
            values = statistic(samples)
            ctx.values, ctx.slopes, ctx.kT = values, slopes, kT
            return typing.cast(torch.Tensor, values.mean(0))

    @staticmethod
    def backward(ctx: typing.Any, *upstream: torch.Tensor) -> tuple[typing.Any, ...]:
        values, count = ctx.values, len(ctx.values)
        # One number per sample: what the upstream gradient makes of its deviation from the mean.
        weights = ((values - values.mean(0)) * upstream[0]).reshape(count, -1).sum(1)
        gradients = [-torch.tensordot(weights, slope - slope.mean(0), dims=1) / (count * ctx.kT) for slope in ctx.slopes]
        return (None, None, None, *gradients)


class _Layer(torch.nn.Module):
    """A network whose couplings and fields are parameters, at equilibrium on a device."""

    def __init__(self, cells: int, device: typing.Union[str, heatbath.Device], samples: int, kT: float, seed: int,
                 common_noise: bool) -> None:
        super().__init__()
        self.cells, self.samples, self.kT, self.seed, self.common_noise = cells, samples, kT, seed, common_noise
        self.device_uri = device if isinstance(device, str) else device.uri
        self._device = heatbath.open(device) if isinstance(device, str) else device
        self._calls = 0
        self.coupling = torch.nn.Parameter(torch.zeros(cells * (cells - 1) // 2))
        self.field = torch.nn.Parameter(torch.zeros(cells))
        pairs = torch.triu_indices(cells, cells, 1)
        self.register_buffer("pairs", pairs)

    def matrix(self) -> torch.Tensor:
        """Couplings as a symmetric matrix (cells, cells)."""
        full = torch.zeros(self.cells, self.cells, dtype=self.coupling.dtype)
        i, j = typing.cast(torch.Tensor, self.pairs)
        full = full.index_put((i, j), self.coupling)
        return full + full.T

    def _seed(self) -> int:
        """Of the next draw: the same each time where noise is common."""
        if not self.common_noise:
            self._calls += 1
        return self.seed + self._calls

    def _products(self, states: torch.Tensor) -> torch.Tensor:
        i, j = typing.cast(torch.Tensor, self.pairs)
        return states[:, i] * states[:, j]

    def _network(self, coupling: torch.Tensor, field: torch.Tensor) -> heatbath.Network:
        raise NotImplementedError

    def _time(self, scaling: heatbath.Scaling) -> int:
        raise NotImplementedError

    def _draw(self, coupling: torch.Tensor, field: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, ...]]:
        scaling = heatbath.Scaling(self._network(coupling, field), self._device, kT=self.kT)
        scaling.set_step(self._device)
        program = scaling.program().evolve(self._time(scaling)).sample()
        seed = self._seed() if self._device.capabilities.seeded else None
        states = heatbath.Shots(self._device, seed=seed).run(program, self.samples).states[:, 0, : self.cells]
        drawn = torch.from_numpy(scaling.states(states)).to(self.field.dtype)
        return drawn, self._slopes(drawn)

    def _slopes(self, drawn: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """dV/dcoupling and dV/dfield of each sample."""
        return -self._products(drawn), -drawn

    def forward(self, field: typing.Optional[torch.Tensor] = None,
                statistic: typing.Callable[[torch.Tensor], torch.Tensor] = lambda states: states) -> torch.Tensor:
        """Mean of a statistic over the equilibrium: (…), of states (samples, cells) -> (samples, …); the means of the cells.

        field: added to the layer's own, (cells,): what an input does. Gradients reach it, the couplings and the fields.
        """
        total = self.field if field is None else self.field + field
        return typing.cast(torch.Tensor, _Expectation.apply(self._draw, statistic, self.kT, self.coupling, total))

    def draw(self) -> torch.Tensor:
        """Samples of the equilibrium, (samples, cells), without gradients."""
        with torch.no_grad():
            return self._draw(self.coupling, self.field)[0]


class BoltzmannLayer(_Layer):
    """Spins +1 and -1 at E = -sum_{i<j} J_ij s_i s_j - sum_i h_i s_i: a Boltzmann machine on p-bits.

    device: of p-bits; sweeps: before a sample is taken, one per shot. common_noise: each draw has the noise of the first, so
    that differences of two of them are those of the parameters.
    """

    def __init__(self, cells: int, *, device: typing.Union[None, str, heatbath.Device] = None, samples: int = 1024,
                 sweeps: int = 100, kT: float = 1.0, seed: int = 1, common_noise: bool = False) -> None:
        super().__init__(cells, device or f"func:cell=pbit&cells={cells}", samples, kT, seed, common_noise)
        self.sweeps = sweeps

    def _network(self, coupling: torch.Tensor, field: torch.Tensor) -> heatbath.Network:
        i, j = typing.cast(torch.Tensor, self.pairs).numpy()
        network = heatbath.Network("pbit", self.cells).set_fields(field.detach().double().numpy())
        return network.set_aligning((i, j, coupling.detach().double().numpy()))

    def _time(self, scaling: heatbath.Scaling) -> int:
        return scaling.ticks(self._device, self.sweeps)


class LangevinLayer(_Layer):
    """Cells in V = sum_i (J2 x_i^2 + J4 x_i^4 - h_i x_i) - sum_{i<j} J_ij x_i x_j at kT, overdamped Langevin dynamics.

    j2, j4: of the wells, constants. time: evolved before a sample is taken, in the network's time units. The step of an
    Euler-Maruyama device biases means by about its `stiffness` (Scaling), 5 % of a variance by default.
    """

    def __init__(self, cells: int, *, device: typing.Union[None, str, heatbath.Device] = None, samples: int = 1024,
                 time: float = 10.0, kT: float = 1.0, j2: float = 0.5, j4: float = 0.0, seed: int = 1,
                 common_noise: bool = False) -> None:
        super().__init__(cells, device or f"func:cells={cells}", samples, kT, seed, common_noise)
        self.time, self.j2, self.j4 = time, j2, j4

    def _network(self, coupling: torch.Tensor, field: torch.Tensor) -> heatbath.Network:
        i, j = typing.cast(torch.Tensor, self.pairs).numpy()
        network = heatbath.Network("overdamped", self.cells).set("j2", self.j2)
        if self.j4:
            network.set("j4", self.j4)
        network.set_fields(field.detach().double().numpy())
        return network.set_aligning((i, j, coupling.detach().double().numpy()))

    def _time(self, scaling: heatbath.Scaling) -> int:
        return scaling.ticks(self._device, self.time)


class _Solve(torch.autograd.Function):
    """x = A^-1 b by `solver`; the gradient is one more solve: db = A^-1 dx, dA = -db x'."""

    @staticmethod
    def forward(ctx: typing.Any, solver: typing.Any, A: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        x = solver(A, b)
        ctx.solver = solver
        ctx.save_for_backward(A, x)
        return typing.cast(torch.Tensor, x)

    @staticmethod
    def backward(ctx: typing.Any, *upstream: torch.Tensor) -> tuple[typing.Any, ...]:
        A, x = ctx.saved_tensors
        slope = ctx.solver(A, upstream[0])
        outer = -torch.outer(slope, x)
        return None, (outer + outer.T) / 2, slope


def solve(A: torch.Tensor, b: torch.Tensor, *, device: typing.Union[None, str, heatbath.Device] = None, kT: float = 0.0,
          samples: int = 1024, times: float = 20.0, seed: int = 1) -> torch.Tensor:
    """x with A x = b, as the mean of cells in V = x'Ax/2 - b'x on a device of overdamped cells; gradients by one more solve.

    A: symmetric and positive definite, (cells, cells); b: (cells,). The gradient with respect to A is the symmetric one.
    kT: 0 relaxes without noise, where the device can; above, x is the mean of `samples` shots, with an error of
    sqrt(kT (A^-1)_ii/samples). times: relaxation times that the cells are given. device: None: an emulator.
    """
    if A.ndim != 2 or A.shape[0] != A.shape[1] or b.shape != A.shape[:1]:
        raise ValueError(f"solve: A of shape {tuple(A.shape)} and b of {tuple(b.shape)}; (cells, cells) and (cells,) are needed")
    opened = heatbath.open(device or f"func:cells={len(b)}&lanes={1 if kT == 0 else 64}") if not isinstance(device, heatbath.Device) else device

    def on_device(matrix: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        values = matrix.detach().double().numpy()
        scale = float(right.detach().abs().max())
        if scale == 0:
            return torch.zeros_like(right)
        network = heatbath.Network.quadratic_form((values + values.T) / 2, right.detach().double().numpy() / scale)
        scaling = heatbath.Scaling(network, opened, kT=kT / scale**2)
        scaling.set_step(opened)
        program = scaling.program().evolve(scaling.burn_in(opened, times)).sample()
        shots = 1 if kT == 0 else samples
        run = heatbath.Shots(opened, seed=seed if opened.capabilities.seeded else None).run(program, shots)
        return torch.from_numpy(scaling.states(run.states[:, 0, : len(right)]).mean(axis=0) * scale).to(right.dtype)

    return typing.cast(torch.Tensor, _Solve.apply(on_device, A, b))


class Captures(torch.utils.data.Dataset[torch.Tensor]):
    """Captured states as a data set: one item per shot and record, (variables,), in that order.

    The tensors share the memory of the result and keep it alive. records: which of each shot; None: all. scaling: states in a
    network's units, a copy in float64.
    """

    def __init__(self, result: _core.Result, *, records: typing.Optional[slice] = None,
                 scaling: typing.Optional[heatbath.Scaling] = None) -> None:
        states: np.ndarray[typing.Any, typing.Any] = result.states if records is None else result.states[:, records]
        if scaling is not None:
            states = scaling.states(states)
        self.tensor = torch.from_numpy(states)
        self._records = states.shape[1]

    def __len__(self) -> int:
        return int(self.tensor.shape[0] * self._records)

    def __getitem__(self, index: int) -> torch.Tensor:
        if not -len(self) <= index < len(self):
            raise IndexError(f"item {index} of {len(self)}")
        shot, record = divmod(index % len(self), self._records)
        return self.tensor[shot, record]
