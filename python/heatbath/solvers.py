"""Sampling, optimisation, linear algebra and derivatives on a device (docs/solvers.md, docs/sampling.md).

    from heatbath import solvers

    glass = heatbath.Network.ising({(0, 1): 1.0, (1, 2): -1.0, (0, 2): 1.0}, h=[0, 0, 0])
    with heatbath.open("func:cell=pbit&cells=3&lanes=64") as device:
        law = solvers.sample(device, glass, kT=1.0).samples
        print(law.mean_energy())
        print(solvers.anneal(device, glass, sweeps=100).lowest_energy)

The same numbers as `heatbath sample`, `anneal` and `solve` of the same options. Long calls take `progress`; Ctrl-C ends them.
"""

from __future__ import annotations

import collections.abc
import dataclasses
import typing

from heatbath import _core
from heatbath._core import Certificate, Device, Network, SampleSet, bifurcation_cells, oscillator_cells, sign_glass, temperature_range
from heatbath.estimates import Estimate

if typing.TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = [
    "CyclesResult", "Gradient", "LinearResult", "LogisticResult", "Planted", "Population", "PopulationStep", "SampleSet", "Sampling", "Series",
    "Statistics", "TemperingResult", "anneal", "anneal_population", "bifurcate", "bifurcation_cells", "cycle", "exponential", "gradient", "inverse",
    "log_determinant", "logistic", "lyapunov", "oscillate", "oscillator_cells", "posterior", "sample", "sign_glass", "solve", "temper",
    "temperature_range", "tiles", "wishart",
]


class Series(typing.NamedTuple):
    """What was kept of the energy, the mean over cells ("order") or a cell ("x3"). Pairs of rows are values and standard errors."""

    name: str
    mean: Estimate
    variance: Estimate
    correlation_time: Estimate
    """Integral of the autocorrelation, network time units."""
    lags: npt.NDArray[np.float64]
    """Network time units, (lags,)."""
    autocovariance: npt.NDArray[np.float64]
    """(2, lags)."""
    low: float
    high: float
    histogram: npt.NDArray[np.float64]
    """Parts of the samples below `low`, in the bins, and from `high` on: (2, bins + 2)."""
    frequencies: npt.NDArray[np.float64]
    """Cycles per network time unit."""
    spectrum: npt.NDArray[np.float64]
    """One-sided density: (2, frequencies)."""


class Statistics(typing.NamedTuple):
    """What was kept of a long run of samples."""

    series: list[Series]
    means: npt.NDArray[np.float64]
    """(2, cells): values and standard errors; (2, 0) where moments were not asked for."""
    covariances: npt.NDArray[np.float64]
    """(2, cells, cells) of up to 64 cells, of more their variances: (2, cells)."""


class Sampling(typing.NamedTuple):
    """Samples of a law, and what they say of the sampler."""

    samples: SampleSet
    burn_in: float
    spacing: float
    """Time before the first record and between records, in the network's time units (sweeps of p-bits)."""
    certificate: typing.Optional[Certificate]
    statistics: typing.Optional[Statistics]


def sample(device: Device, network: Network, *, kT: float = 1.0, chains: int = 64, records: int = 100, burn_in: float = 0.0,
           spacing: float = 0.0, meters: bool = False, keep_states: bool = True, statistics: collections.abc.Sequence[str] = (),
           cells: collections.abc.Sequence[int] = (), bins: int = 40, lags: int = 64, segment: int = 256, seed: int = 1,
           progress: typing.Optional[_core.Progress] = None) -> Sampling:
    """Samples of the Boltzmann law of a network at kT, `records` of each of `chains` independent chains, chain by chain.

    burn_in, spacing: 0: from the bound on the relaxation time, else from pilot runs. statistics: "moments", "histogram",
    "autocorrelation", "spectrum", kept while the run goes, of the energy, the mean over cells and the `cells`; keep_states=False
    keeps nothing else. UnsupportedError where no waiting time is known and pilot runs do not resolve one.
    """
    found: dict[str, typing.Any] = _core.sample(
        device, network, kT, chains, records, burn_in, spacing, meters, keep_states, list(statistics), list(cells), bins, lags, segment,
        seed, progress)
    kept = found["statistics"]
    if kept is not None:
        series = [Series(**{**one, **{name: Estimate(*one[name]) for name in ("mean", "variance", "correlation_time")}})
                  for one in kept["series"]]
        means, covariances = kept["means"], kept["covariances"]
        count = means.shape[1]
        if covariances.shape[1] == count * count and count > 0:
            covariances = covariances.reshape(2, count, count)
        found["statistics"] = Statistics(series, means, covariances)
    return Sampling(**found)


def anneal(device: Device, network: Network, *, reads: int = 32, sweeps: int = 1000, coldest: float = 0.0, hottest: float = 0.0,
           cooling: str = "ratio", reversals: int = 0, polish: bool = False, seed: int = 1,
           progress: typing.Optional[_core.Progress] = None) -> SampleSet:
    """States of low energy of a network of spins: `reads` runs whose temperature falls from hottest to coldest.

    coldest, hottest: 0: temperature_range(network). cooling: in equal steps of ln kT ("ratio") or of 1/kT ("inverse"). reversals: so many
    random choices of spins that the device holds with their sign turned, which averages over what a chip adds by itself. polish: flip
    single spins on the host as long as that lowers an energy.
    """
    return _core.anneal(device, network, reads, sweeps, coldest, hottest, cooling, reversals, polish, seed, progress)


def bifurcate(device: Device, network: Network, *, reads: int = 32, time: float = 500.0, step: float = 0.5, friction: float = 0.1,
              strength: float = 0.0, polish: bool = False, seed: int = 1, progress: typing.Optional[_core.Progress] = None) -> SampleSet:
    """Ballistic simulated bifurcation (Goto et al. 2021) of a network of spins, by the mechanics of underdamped cells, without noise.

    device: of underdamped cells (bifurcation_cells). time: of a run, in units of a free cell's 1/frequency at the start. friction: stops
    cells at the walls, per unit of time. strength: factor on couplings; 0: 0.5 sqrt(cells - 1)/sqrt(sum J^2 over ordered pairs).
    """
    return _core.bifurcate(device, network, reads, time, step, friction, strength, polish, seed, progress)


class PopulationStep(typing.NamedTuple):
    """What came out at one temperature."""

    kT: float
    energy: Estimate
    """Mean over the law."""
    log_partition: Estimate
    """ln of the sum of exp(-V/kT) over all states."""
    families: float
    """1/sum of squared shares of the first states' copies, a mean over populations."""


class Population(typing.NamedTuple):
    """What population annealing leaves."""

    states: SampleSet
    """The last states: of a search."""
    steps: list[PopulationStep]
    """Hottest first."""


def anneal_population(device: Device, network: Network, *, populations: int = 16, replicas: int = 64, temperatures: int = 64,
                      coldest: float = 0.0, hottest: float = 0.0, sweeps: int = 10, polish: bool = False, seed: int = 1,
                      progress: typing.Optional[_core.Progress] = None) -> Population:
    """Many copies of a network of spins cooled together, and weighted by being copied or dropped (Hukushima & Iba 2003; Machta 2010).

    Energies and partition functions of all temperatures, with errors from independent populations. coldest, hottest: 0:
    temperature_range(network).
    """
    states, steps = _core.anneal_population(device, network, populations, replicas, temperatures, coldest, hottest, sweeps, polish, seed, progress)
    return Population(states, [PopulationStep(*step) for step in steps])


class Planted(typing.NamedTuple):
    """A problem of spins and a state of lowest energy of it."""

    network: Network
    state: npt.NDArray[np.float32]
    energy: float


def wishart(cells: int, columns: int, seed: int = 1) -> Planted:
    """Wishart planted ensemble (Hamze et al., Phys. Rev. E 101, 052102 (2020)), hardest where columns/cells is small; up to 8192 cells."""
    return Planted(*_core.wishart(cells, columns, seed))


def tiles(side: int, weak: float, seed: int = 1) -> Planted:
    """Tiles on the torus of side x side spins, side even (after Hamze et al., Phys. Rev. E 97, 043303 (2018)).

    weak: the probability with which a coupling of a tile that is satisfied is as small as the one that is not.
    """
    return Planted(*_core.tiles(side, weak, seed))


@dataclasses.dataclass(frozen=True)
class TemperingResult:
    """What parallel tempering found, temperature by temperature, coldest first."""

    best: SampleSet
    """Of each replica the lowest state it met: a search."""
    ladder: npt.NDArray[np.float64]
    energy: list[Estimate]
    """Mean energy over the law of each temperature."""
    log_partition: list[Estimate]
    """ln Z of each temperature minus that of the coldest (estimates.Multistate), where partition_functions asked for them."""
    refused: npt.NDArray[np.float64]
    """Mean probability that neighbours do not change places."""
    barrier: float
    """The sum of `refused`: the communication barrier."""
    round_trips: int
    predicted_round_trips: float
    rounds: int
    best_updates: int
    """Updates of cells until the lowest energy came first."""
    mean_cluster: float
    interrupted: bool


def temper(device: Device, network: Network, *, ladder: collections.abc.Sequence[float] = (), temperatures: int = 16,
           coldest: float = 0.0, hottest: float = 0.0, replicas: int = 16, sweeps: int = 4, settle: int = 100, rounds: int = 400,
           clusters: bool = False, cluster_temperatures: int = 0, partition_functions: bool = False, target: typing.Optional[float] = None,
           polish: bool = False, seed: int = 1, progress: typing.Optional[_core.Progress] = None) -> TemperingResult:
    """Parallel tempering of a network of spins: non-reversible exchanges over a ladder, which is found where none is given.

    replicas: independent ladders, on the device's lanes; sweeps between exchanges; settle: rounds before anything is measured;
    clusters: isoenergetic cluster moves of the `cluster_temperatures` coldest (0: all); target: ends when an energy at or below it
    is found; partition_functions: log_partition, of 16 measured rounds or more. progress that answers False ends the run with what it has.
    """
    return TemperingResult(**_core.temper(
        device, network, list(ladder), temperatures, coldest, hottest, replicas, sweeps, settle, rounds, clusters, cluster_temperatures,
        partition_functions, target, polish, seed, progress))


class CyclesResult(typing.NamedTuple):
    """What thermal cycles found."""

    best: SampleSet
    """The state of each family: a search."""
    lowest: npt.NDArray[np.float64]
    """Lowest energy of all families after the first annealing and each cycle."""
    best_updates: int
    """Updates of cells until the lowest energy came first."""
    mean_group: float
    """Cells of a group that merging looked at."""
    interrupted: bool


def cycle(device: Device, network: Network, *, reads: int = 64, families: int = 1, sweeps: int = 300, cycles: int = 20, cycle_sweeps: int = 100,
          coldest: float = 0.0, hottest: float = 0.0, warmest: float = 0.0, mildest: float = 0.0, merge: bool = True,
          target: typing.Optional[float] = None, polish: bool = False, seed: int = 1,
          progress: typing.Optional[_core.Progress] = None) -> CyclesResult:
    """Thermal cycles (Moebius et al. 1997): reads are annealed, then warmed a little and cooled again, again and again.

    reads: on the device's lanes, shared among `families` searches. sweeps: of the first annealing from hottest to coldest (0:
    temperature_range(network)); cycle_sweeps: of each of the `cycles`, which begin between warmest and mildest (0: from the network's fields). merge: the
    host takes over each group of cells in which a read is better (partition crossover: Whitley et al. 2009). target: ends when an energy at or below it
    is found. progress that answers False ends the run with what it has. As `heatbath anneal --method cycles`.
    """
    return CyclesResult(**_core.cycle(device, network, reads, families, sweeps, cycles, cycle_sweeps, coldest, hottest, warmest, mildest, merge,
                                      target, polish, seed, progress))


def oscillate(device: Device, network: Network, *, reads: int = 32, injection: float = 1.0, warmest: float = 0.3, coldest: float = 0.01,
              time: float = 300.0, polish: bool = False, seed: int = 1, progress: typing.Optional[_core.Progress] = None) -> SampleSet:
    """An oscillator Ising machine (Wang & Roychowdhury 2019): phases that a growing injection at twice the frequency makes binary.

    device: of phases (oscillator_cells). injection at the end, temperatures at both ends: in units of the median over cells of
    sqrt(b^2 + sum J^2). time: of a run, in units of 1 over the same. As `heatbath anneal --method oscillators`.
    """
    return _core.oscillate(device, network, reads, injection, warmest, coldest, time, polish, seed, progress)


@dataclasses.dataclass(frozen=True)
class LinearResult:
    """An answer of linear algebra by thermal averages, an error for every number. Times in time units of the matrix."""

    values: typing.Any
    """x, a matrix, or the logarithm of a determinant (a float)."""
    standard_errors: typing.Any
    relative_error: float
    """Root of the sum of squared errors over the norm; of a log-determinant the error itself."""
    reached: bool
    """The tolerance."""
    kT: float
    relaxation_time: float
    averaged_time: float
    burn_in_time: float
    device_seconds: float
    notes: list[str]


def solve(device: Device, A: npt.ArrayLike, b: npt.ArrayLike, *, tolerance: float = 0.01, kT: float = 0.0, shots: int = 64,
          most_time: float = 1e5, seed: int = 1, progress: typing.Optional[_core.Progress] = None) -> LinearResult:
    """x with A x = b, A symmetric and positive definite, as the mean of cells in V = x'Ax/2 - b'x.

    tolerance: ends when the norm of the errors is at most this part of the norm of x; most_time: limit on the averaged time of a
    shot, relaxation times of the slowest mode (`reached` is then False); kT: 0: chosen for the device's ranges. BadArgError names
    the entries of a matrix that is not symmetric, or the lowest eigenvalue where that is not above 0.
    """
    return LinearResult(**_core.solve(device, A, b, tolerance, kT, shots, most_time, seed, progress))


def inverse(device: Device, A: npt.ArrayLike, *, tolerance: float = 0.01, kT: float = 0.0, shots: int = 64, most_time: float = 1e5,
            seed: int = 1, progress: typing.Optional[_core.Progress] = None) -> LinearResult:
    """The inverse of a symmetric positive definite A of at most 512 rows, from a covariance."""
    return LinearResult(**_core.inverse(device, A, tolerance, kT, shots, most_time, seed, progress))


def lyapunov(device: Device, A: npt.ArrayLike, R: npt.ArrayLike, *, tolerance: float = 0.01, kT: float = 0.0, shots: int = 64,
             most_time: float = 1e5, seed: int = 1, progress: typing.Optional[_core.Progress] = None) -> LinearResult:
    """S with A S + S A' = R: the covariance of dx = -A x dt + noise of strength R. R symmetric and positive definite."""
    return LinearResult(**_core.lyapunov(device, A, R, tolerance, kT, shots, most_time, seed, progress))


def exponential(device: Device, A: npt.ArrayLike, time: float, *, tolerance: float = 0.01, kT: float = 0.0, shots: int = 64,
                most_time: float = 1e5, seed: int = 1, progress: typing.Optional[_core.Progress] = None) -> LinearResult:
    """exp(-A time), from correlations over that time (arXiv:2311.12759)."""
    return LinearResult(**_core.exponential(device, A, time, tolerance, kT, shots, most_time, seed, progress))


def log_determinant(device: Device, A: npt.ArrayLike, *, tolerance: float = 0.01, kT: float = 0.0, shots: int = 64,
                    most_time: float = 1e5, seed: int = 1, progress: typing.Optional[_core.Progress] = None) -> LinearResult:
    """ln det A of a symmetric positive definite A by thermodynamic integration; the tolerance is that of the logarithm."""
    return LinearResult(**_core.log_determinant(device, A, tolerance, kT, shots, most_time, seed, progress))


def posterior(device: Device, prior_precision: npt.ArrayLike, prior_mean: npt.ArrayLike, design: npt.ArrayLike,
              noise_variance: npt.ArrayLike, data: npt.ArrayLike, *, tolerance: float = 0.01, kT: float = 0.0, shots: int = 64,
              most_time: float = 1e5, seed: int = 1,
              progress: typing.Optional[_core.Progress] = None) -> tuple[LinearResult, LinearResult]:
    """(mean, covariance) of theta in y = design theta + noise, theta from a Gaussian prior.

    design: (data, n); noise_variance: of all data, or one for each.
    """
    mean, covariance = _core.posterior(device, prior_precision, prior_mean, design, noise_variance, data, tolerance, kT, shots, most_time,
                                       seed, progress)
    return LinearResult(**mean), LinearResult(**covariance)


class LogisticResult(typing.NamedTuple):
    """A posterior by its draws. Rows of pairs are values and standard errors."""

    mean: npt.NDArray[np.float64]
    """(2, n)."""
    covariance: npt.NDArray[np.float64]
    """(2, n, n)."""
    draws: npt.NDArray[np.float64]
    """(chains, draws, n)."""
    notes: list[str]
    device_ticks: int


def logistic(device: Device, prior_precision: npt.ArrayLike, design: npt.ArrayLike, labels: npt.ArrayLike, *,
             prior_mean: typing.Optional[npt.ArrayLike] = None, chains: int = 8, draws: int = 250, burn_in: int = 50, relaxations: float = 3.0,
             seed: int = 1, progress: typing.Optional[_core.Progress] = None) -> LogisticResult:
    """Bayesian logistic regression, P(y = 1) = 1/(1 + exp(-x . theta)), theta from a Gaussian prior, by draws of the posterior.

    prior_precision: (n, n), symmetric and positive definite; prior_mean: (n,), None: 0; design: x of each datum, (rows, n); labels: 0 or
    1, (rows,). Gibbs draws by Polya-Gamma augmentation (Polson, Scott & Windle 2013): the device draws theta, the host the augmentation.
    chains and draws: at least 4; burn_in: draws before the first; relaxations of the slowest mode between two draws. As `heatbath solve
    logistic`.
    """
    return LogisticResult(**_core.logistic(device, prior_precision, prior_mean, design, labels, chains, draws, burn_in, relaxations, seed, progress))


class Gradient(typing.NamedTuple):
    """An average and its derivatives, in the order of the parameters."""

    mean: Estimate
    derivatives: list[Estimate]


Parameter = typing.Union[tuple[str, int], tuple[int, int]]
"""("bias", 3): the value of a section at a cell; (0, 1): the coupling of two cells."""


def gradient(device: Device, network: Network, parameters: collections.abc.Sequence[Parameter],
             observable: collections.abc.Callable[[npt.NDArray[np.float64]], float], *, method: str = "equilibrium", kT: float = 1.0,
             time: float = 0.0, start: typing.Optional[npt.ArrayLike] = None, shots: int = 4096, records: int = 16,
             difference: float = 0.02, stiffness: float = 0.05, seed: int = 1,
             progress: typing.Optional[_core.Progress] = None) -> Gradient:
    """The mean of observable(state) and its derivatives by parameters of the network, taken through the device's noise.

    method: "equilibrium" (covariances of the Boltzmann law), "common noise" (differences of runs that share every random number;
    needs a seeded device) or "path weights" (the probability of captured paths; overdamped cells and euler-maruyama). time: from
    the start, all cells 0 or `start`, to the reading. What an exception of `observable` stops is stopped by it.
    """
    mean, derivatives = _core.gradient(device, network, list(parameters), observable, method, kT, time, start, shots, records, difference,
                                       stiffness, seed, progress)
    return Gradient(mean, derivatives)
