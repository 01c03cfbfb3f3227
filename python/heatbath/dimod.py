"""The sampler of the Ising world: any Heatbath device of p-bits beneath dimod.

    import dimod, heatbath.dimod

    sampler = heatbath.dimod.HeatbathSampler()
    samples = sampler.sample(dimod.BinaryQuadraticModel.from_ising({"a": 0.1}, {("a", "b"): -1}), num_reads=1000, seed=1)

Needs dimod (the extra `dimod`).
"""

from __future__ import annotations

import itertools
import os
import secrets
import tempfile
import time
import typing

import dimod
import numpy as np
import numpy.typing as npt

import heatbath
from heatbath import _core

__all__ = ["HeatbathSampler"]

_Pairs = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.float64]]

_LANES = 256
"""Shots that an emulator made to measure runs side by side at most: the fastest on processors with 1 MB of cache."""

_RAMPS = 16
"""Straight pieces of kT that follow the geometric schedule of an annealing to 1 % of kT for each factor of 10 in beta."""


class HeatbathSampler(dimod.Sampler, dimod.Structured):
    """Samples binary quadratic models on p-bits: P(s) proportional to exp(-beta E(s)).

    device: a Device, or its URI. With one, `nodelist` are its cells and `edgelist` its couplers; a model on a device whose
    couplers are a graph must have cells as variables and couplers as interactions (else dimod's
    BinaryQuadraticModelStructureError), on a device where all pairs have a coupler variables may have any labels.
    None: the device of HEATBATH_DEVICE, and without it an emulator made to measure for each model, of any size and labels;
    `nodelist` and `edgelist`, which composites ask for, are then those of `cells` cells that are all coupled.
    threads: of such emulators; None: one per processor.

    Raises errors.UnsupportedError for a device of other cells than p-bits. Use it as a context manager, or close() it.
    """

    def __init__(self, device: typing.Union[None, str, heatbath.Device] = None, *, cells: int = 64,
                 threads: typing.Optional[int] = None) -> None:
        if device is None:
            device = os.environ.get("HEATBATH_DEVICE") or None
        self._device: typing.Optional[heatbath.Device] = heatbath.open(device) if isinstance(device, str) else device
        self._threads = threads
        self._cells = cells
        self._couplers: typing.Optional[npt.NDArray[np.uint32]] = None
        if self._device is not None:
            capabilities = self._device.capabilities
            if capabilities.cell_kind != heatbath.CellKind.PBIT:
                raise heatbath.errors.UnsupportedError(
                    f"{self._device.uri}: HeatbathSampler needs p-bits; the cells are {capabilities.cell_kind.label}")
            self._cells, self._couplers = capabilities.cells, capabilities.couplers
        self._nodelist: list[typing.Any] = list(range(self._cells))
        self._edgelist: typing.Optional[list[tuple[typing.Any, typing.Any]]] = None

    @property
    def nodelist(self) -> list[typing.Any]:
        """Cells, from 0."""
        return self._nodelist

    @property
    def edgelist(self) -> list[tuple[typing.Any, typing.Any]]:
        """Pairs (i, j), i < j, that have a coupler."""
        if self._edgelist is None:
            if self._couplers is None:
                self._edgelist = list(itertools.combinations(self._nodelist, 2))
            else:
                self._edgelist = [(i, j) for i, j in self._couplers.tolist()]
        return self._edgelist

    @property
    def parameters(self) -> dict[str, typing.Any]:
        """What sample() takes, each with the properties that bear on it."""
        return {"num_reads": [], "seed": [], "beta": ["temperature_range"], "num_sweeps": [], "beta_range": [],
                "certificate": [], "progress": []}

    @property
    def properties(self) -> dict[str, typing.Any]:
        """What is known of the device: its URI and description, ranges of kT, fields and couplings, whether it takes seeds."""
        if self._device is None:
            return {"device": None, "description": "an emulator made to measure for each model", "seeded": True}
        capabilities = self._device.capabilities
        return {
            "device": self._device.uri, "description": self._device.description, "seeded": capabilities.seeded,
            "temperature_range": [capabilities.kT_min, capabilities.kT_max],
            "h_range": [-capabilities.range_bias, capabilities.range_bias],
            "j_range": [-capabilities.range_coupling, capabilities.range_coupling],
            "lanes": capabilities.lanes,
        }

    def sample(self, bqm: dimod.BinaryQuadraticModel, *, num_reads: int = 1, seed: typing.Optional[int] = None,
               beta: float = 1.0, num_sweeps: int = 1000,
               beta_range: typing.Optional[tuple[float, float]] = None,
               certificate: bool = False, progress: typing.Optional[_core.Progress] = None, **unknown: typing.Any) -> dimod.SampleSet:
        """Independent reads of a model, each `num_sweeps` sweeps after a start at random.

        beta: inverse temperature in reciprocal units of the model's energy. beta_range: (hot, cold): anneals geometrically
        from one to the other instead of staying at `beta`. seed: noise key; the same seed gives the same samples
        (errors.UnsupportedError on a device without seeds); None: a new one each time, where the device takes one.
        certificate: whether `info` has the certificate of the reads at `beta` (heatbath.certificate), which takes 2 reads.
        progress: True shows a bar (tqdm); a function is called with the fraction done, and False from it cancels.

        The SampleSet has one row per read, in the order of the shots, energies computed by dimod. Its info has
        `timing` (ns, as dwave-samplers has it, and the sweeps' device time in ticks), `energy` (mean work done on the cells
        and heat given off per read, with standard errors, in units of the model's energy; None on a device without meters)
        `certificate` where it was asked for, and `provenance` (version, device, seed, beta, sweeps, clips: what a repetition needs).
        """
        self.remove_unknown_kwargs(**unknown)
        began = time.perf_counter_ns()
        for name, value in (("num_reads", num_reads), ("num_sweeps", num_sweeps)):
            if not isinstance(value, (int, np.integer)) or value < 1:
                raise ValueError(f"{name}={value!r}; a whole number from 1 is needed")
        betas = (beta, beta) if beta_range is None else tuple(beta_range)
        if len(betas) != 2 or not all(0 < each < float("inf") for each in betas):
            raise ValueError(f"beta={beta!r}, beta_range={beta_range!r}; inverse temperatures are positive numbers")
        variables = list(bqm.variables)
        if not variables:
            empty = np.empty((num_reads, 0), np.int8)
            return dimod.SampleSet.from_samples_bqm((empty, variables), bqm, info={"timing": {}, "energy": None, "provenance": {}})

        spins = bqm if bqm.vartype is dimod.SPIN else bqm.change_vartype(dimod.SPIN, inplace=False)
        # One after the other: a vector of each variable, then of each pair.
        vectors = spins.to_numpy_vectors(variable_order=variables)
        fields = np.asarray(vectors.linear_biases, np.float64)
        i, j, values = (np.asarray(part) for part in vectors.quadratic)
        for what, part in (("linear", fields), ("quadratic", values)):
            if not np.isfinite(part).all():
                raise ValueError(f"the model has a {what} bias that is no finite number")
        cells = self._cells_of(bqm, variables)
        pairs = (cells[i.astype(np.int64)], cells[j.astype(np.int64)], np.asarray(values, np.float64))
        device = self._device
        if device is None:
            device = _made_to_measure(len(variables), pairs, num_reads, self._threads)
        try:
            seeded = device.capabilities.seeded
            if seed is None and seeded:
                seed = secrets.randbits(32)
            network = _network(cells, fields, pairs)
            result, (ready, sampled, scaling) = _run(device, network, num_reads, seed, betas, num_sweeps, progress)
            provenance = {
                "heatbath": heatbath.__version__, "device": device.uri, "description": device.description, "seed": seed,
                "beta": beta if beta_range is None else None, "beta_range": beta_range and list(betas),
                "num_sweeps": num_sweeps, "num_reads": num_reads, "clips": result.clips, "rails": result.rails,
            }
        finally:
            if self._device is None:
                device.close()
        states = result.states[:, -1][:, cells].astype(np.int8)
        if bqm.vartype is dimod.BINARY:
            states = (states + 1) // 2
        samples = dimod.SampleSet.from_samples_bqm((states, variables), bqm)
        samples.info.update(
            timing={"preprocessing_ns": ready - began, "sampling_ns": sampled - ready,
                    "postprocessing_ns": time.perf_counter_ns() - sampled, "device_ticks": result.array_ticks},
            energy=_metered(result, scaling), provenance=provenance, certificate=heatbath.certificate(
                network, result.states[:, -1], kT=1 / beta).as_dict() if certificate and beta_range is None else None)
        return samples

    def close(self) -> None:
        """Closes the device that was given or opened."""
        if self._device is not None:
            self._device.close()

    def _cells_of(self, bqm: dimod.BinaryQuadraticModel, variables: list[typing.Any]) -> npt.NDArray[np.int64]:
        """The cell of each variable."""
        if self._device is None:
            return np.arange(len(variables))
        if self._couplers is not None:
            if not self.valid_bqm_graph(bqm):
                raise dimod.exceptions.BinaryQuadraticModelStructureError(
                    f"{self._device.uri}: the model has variables or interactions that are no cells or couplers of the "
                    "device; dwave.system.EmbeddingComposite embeds it")
            return np.array(variables, np.int64)
        if len(variables) > self._cells:
            raise dimod.exceptions.BinaryQuadraticModelStructureError(
                f"{self._device.uri}: the model has {len(variables)} variables and the device {self._cells} cells")
        known = set(range(self._cells))
        if all(isinstance(variable, (int, np.integer)) and int(variable) in known for variable in variables):
            return np.array(variables, np.int64)
        return np.arange(len(variables))


def _made_to_measure(cells: int, pairs: _Pairs, reads: int, threads: typing.Optional[int]) -> heatbath.Device:
    """An emulator with one cell per variable; with one coupler per pair where pairs are few among many."""
    lanes = min(_LANES, -(-reads // 16) * 16)
    uri = f"func:cell=pbit&cells={cells}&lanes={lanes}" + (f"&threads={threads}" if threads else "")
    few = len(pairs[0]) > 0 and 4 * len(pairs[0]) < cells * (cells - 1) // 2
    if cells < 32 or not few:
        return heatbath.open(uri)
    with tempfile.TemporaryDirectory(prefix="heatbath-") as folder:
        graph = os.path.join(folder, "graph.txt")
        np.savetxt(graph, np.stack(pairs[:2], axis=1), fmt="%d")
        return heatbath.open(f"{uri}&topology={graph}")


def _network(cells: npt.NDArray[np.int64], fields: npt.NDArray[np.float64], pairs: _Pairs) -> heatbath.Network:
    """The model on the first cells up to the last one that it uses."""
    bias = np.zeros(int(cells.max()) + 1)
    bias[cells] = fields
    return heatbath.Network("pbit", len(bias)).set("bias", bias).set_couplings(pairs)


def _run(device: heatbath.Device, network: heatbath.Network, reads: int,
         seed: typing.Optional[int], betas: tuple[float, ...], sweeps: int,
         progress: typing.Optional[_core.Progress]) -> tuple[heatbath.Result, tuple[int, int, heatbath.Scaling]]:
    """Runs the reads; with the result come the times (ns) before and after, and the scaling of the coldest network."""
    hot, cold = betas

    def scaling_at(beta: float, most: float = 0.0) -> heatbath.Scaling:
        return heatbath.Scaling(network, device, kT=1 / beta, most_energy=most)

    one_factor = min(scaling_at(beta).energy_factor for beta in (hot, cold))
    scaling = scaling_at(hot, one_factor)
    scaling.set_step(device)
    program = heatbath.Program(device, network.cells)
    # A sweep of cells without fields is a start at random: programs begin with all parameters 0.
    program.load("kT", scaling.device_kT).commit().evolve(scaling.ticks(device, 1))
    metered = device.capabilities.meters
    if metered:
        program.meter_clear()
    scaling.load_into(program)
    program.commit()
    if hot == cold:
        program.evolve(scaling.ticks(device, sweeps))
    else:
        ends = np.linspace(0, sweeps, min(_RAMPS, sweeps) + 1).round().astype(int)
        for begin, end in zip(ends[:-1], ends[1:]):
            scaling_at(hot * (cold / hot) ** (end / sweeps), one_factor).load_into(program)
            program.ramp(scaling.ticks(device, int(end - begin)))
    if metered:
        program.meter_snapshot()
    program.sample()
    ready = time.perf_counter_ns()
    result = heatbath.Shots(device, seed=seed, progress=progress).run(program, reads)
    return result, (ready, time.perf_counter_ns(), scaling)


def _metered(result: heatbath.Result, scaling: heatbath.Scaling) -> typing.Optional[dict[str, float]]:
    if not result.meters:
        return None
    meters = result.meters[0]
    found: dict[str, float] = {}
    for name in ("work", "heat"):
        values = meters[name] / scaling.energy_factor
        found[name] = float(values.mean())
        found[name + "_standard_error"] = float(values.std(ddof=1) / np.sqrt(len(values))) if len(values) > 1 else float("nan")
    return found
