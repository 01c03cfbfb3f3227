"""Studies made with trainers: the bound of score-based diffusion (docs/bound.md), ergodicity (docs/ergodicity.md)."""

from __future__ import annotations

import collections.abc
import dataclasses
import typing

import numpy as np
import numpy.typing as npt

from heatbath import _core
from heatbath._core import DataLaw, Device, Images, Patterns
from heatbath.estimates import Estimate, optional

__all__ = [
    "BoundResult", "BreakingPoint", "DataLaw", "EntropyRate", "ErgodicityReport", "EscapeTime", "Generation", "Library",
    "LibraryPoint", "Patterns", "emulated_boards", "ergodicity_of_digits", "ergodicity_of_patterns", "score_bound",
]


class EntropyRate(typing.NamedTuple):
    """Rates of entropy of the noising at one time, nats per unit of process time."""

    time: float
    clock: float
    system: Estimate
    intrinsic: Estimate
    exchange: Estimate
    heat: Estimate
    """Given to the bath from time 0 until now over kT, per value."""


class Generation(typing.NamedTuple):
    """One run of the reverse drive."""

    time: float
    clock: float
    wasserstein: Estimate
    divergence: Estimate
    heat: Estimate
    entropy_production: Estimate
    noising_production: float


@dataclasses.dataclass(frozen=True)
class BoundResult:
    """What score_bound() measured; entropies in nats."""

    samples: int
    evaluated: int
    unit: float
    nll: Estimate
    nll_is_density: bool
    bound: Estimate
    gap: Estimate
    half_path_kl: Estimate
    terminal_kl: Estimate
    gap_naive_score: Estimate
    gap_naive_divergence: Estimate
    entropy_data: Estimate
    entropy_end: Estimate
    identity_ratio: Estimate
    production: Estimate
    divergence_drop: Estimate
    exchange_total: Estimate
    heat_total: Estimate
    generation_ratio: Estimate
    wasserstein_floor: float
    rates: list[EntropyRate]
    generations: list[Generation]
    data_values: npt.NDArray[np.float64]
    generated_values: npt.NDArray[np.float64]
    generated_by_cell: bool
    heat_source: str
    clips: int
    rails: int
    seconds: float
    stopped: bool
    """By `progress`: later generation times are missing, all else is whole."""


_BOUND_ESTIMATES = (
    "nll", "bound", "gap", "half_path_kl", "terminal_kl", "gap_naive_score", "gap_naive_divergence", "entropy_data", "entropy_end",
    "identity_ratio", "production", "divergence_drop", "exchange_total", "heat_total", "generation_ratio")


def score_bound(device: Device, law: DataLaw, *, process: str = "vp", score: str = "exact", ratio: float = 1.0,
                samples: int = 65536, levels: int = 48, duration: float = 3.0, sigma: float = 25.0, seed: int = 1,
                generate: bool = True, progress: typing.Optional[_core.Progress] = None) -> BoundResult:
    """What a score-based model of a law can reach, measured on a device of overdamped cells (arXiv:2510.06174).

    process: "vp" or "ve"; score: "exact", "linear", "radial" or "device"; ratio: of linear scores, deviation of the data over
    that of the Gaussian whose score is used; samples: noised values; levels: of noise, 8 to 1000; duration: of VP, time units;
    sigma: of VE, g(t) = sigma^t; generate: also run the reverse drive. The same numbers as `heatbath bound` of the same
    options. BadArgError and UnsupportedError name what stands in the way.
    """
    found: dict[str, typing.Any] = _core.score_bound(
        device, law, process, score, ratio, samples, levels, duration, sigma, seed, generate, progress)
    for name in _BOUND_ESTIMATES:
        found[name] = Estimate(*found[name])
    found["rates"] = [
        EntropyRate(time, clock, Estimate(*system), Estimate(*intrinsic), Estimate(*exchange), Estimate(*heat))
        for time, clock, system, intrinsic, exchange, heat in found["rates"]]
    found["generations"] = [
        Generation(time, clock, Estimate(*wasserstein), Estimate(*divergence), Estimate(*heat), Estimate(*production), noising)
        for time, clock, wasserstein, divergence, heat, production, noising in found["generations"]]
    return BoundResult(**found)


class LibraryPoint(typing.NamedTuple):
    """Probability of the library at one temperature."""

    kT: float
    measured: Estimate
    exact: float
    ideal: float


class Library(typing.NamedTuple):
    """A library of patterns over temperature, and where it melts."""

    cells: int
    patterns: int
    points: list[LibraryPoint]
    transition: Estimate
    transition_exact: float
    transition_ideal: float


class BreakingPoint(typing.NamedTuple):
    """Chains of Curie-Weiss spins at one inverse temperature."""

    beta: float
    cells: int
    r_hat: float
    square_overlap: Estimate
    square_overlap_exact: float


class EscapeTime(typing.NamedTuple):
    """A mean time of first passage; `parameter` is the height of a well, or the inverse temperature of spins."""

    parameter: float
    cells: int
    measured: Estimate
    exact: float
    escapes: int
    runs: int


class Expert(typing.NamedTuple):
    """One machine of a mixture."""

    share: float
    free_energy: Estimate
    free_energy_exact: typing.Optional[float]


class ParityRow(typing.NamedTuple):
    """Two experts of strength K at the parity of three cells: divergence of the data from them, nats."""

    strength: float
    cells: str
    measured: Estimate
    exact: float


class Truncation(typing.NamedTuple):
    """Divergence of the data from couplings of at most `order` cells, nats; measured where a device can run it."""

    order: int
    divergence: float
    measured: typing.Optional[Estimate]


@dataclasses.dataclass(frozen=True)
class ErgodicityReport:
    """What a study of ergodicity measured: divergences and likelihoods in nats. None: not defined for this problem."""

    problem: str
    cells: int
    patterns: int
    parameters_single: int
    parameters_experts: int
    conjoint_free_energy: float
    entropy: float
    ladder: list[Truncation]
    kl_single: typing.Optional[Estimate]
    kl_experts: typing.Optional[Estimate]
    kl_single_exact: typing.Optional[float]
    kl_experts_exact: typing.Optional[float]
    experts: list[Expert]
    parity: list[ParityRow]
    likelihood_single: typing.Optional[Estimate]
    likelihood_experts: typing.Optional[Estimate]
    margin: typing.Optional[Estimate]
    digits: list[int]
    shares_data: npt.NDArray[np.float64]
    shares_single: npt.NDArray[np.float64]
    shares_experts: npt.NDArray[np.float64]
    state_data: npt.NDArray[np.float64]
    state_single: npt.NDArray[np.float64]
    state_experts: npt.NDArray[np.float64]
    library: Library
    breaking: list[BreakingPoint]
    escapes_spins: list[EscapeTime]
    escapes_wells: list[EscapeTime]
    r_hat_linear: typing.Optional[float]
    left_out: list[str]
    """What was not measured, and why."""


Boards = collections.abc.Callable[[str, int], str]
"""URI of a device for a part of the study: "spins" (p-bits, swept), "spins one by one" (updated at random) or "bistable"
(overdamped cells), with at least so many cells."""


def emulated_boards(board: str, cells: int) -> str:
    """An emulator for each part."""
    keys = {"spins": "cell=pbit&stepper=sequential", "spins one by one": "cell=pbit&stepper=random-sequential",
            "bistable": "cell=overdamped"}
    return f"func:{keys[board]}&cells={cells}"


def _report(found: dict[str, typing.Any]) -> ErgodicityReport:
    for name in ("kl_single", "kl_experts", "likelihood_single", "likelihood_experts", "margin"):
        found[name] = optional(found[name])
    found["ladder"] = [Truncation(order, divergence, optional(measured)) for order, divergence, measured in found["ladder"]]
    found["experts"] = [Expert(share, Estimate(*free), exact) for share, free, exact in found["experts"]]
    found["parity"] = [ParityRow(strength, board, Estimate(*measured), exact) for strength, board, measured, exact in found["parity"]]
    library = found["library"]
    found["library"] = Library(
        library["cells"], library["patterns"],
        [LibraryPoint(kT, Estimate(*measured), exact, ideal) for kT, measured, exact, ideal in library["points"]],
        Estimate(*library["transition"]), library["transition_exact"], library["transition_ideal"])
    found["breaking"] = [
        BreakingPoint(beta, cells, r_hat, Estimate(*square), exact) for beta, cells, r_hat, square, exact in found["breaking"]]
    for name in ("escapes_spins", "escapes_wells"):
        found[name] = [EscapeTime(parameter, cells, Estimate(*measured), exact, escapes, runs)
                       for parameter, cells, measured, exact, escapes, runs in found[name]]
    return ErgodicityReport(**found)


def ergodicity_of_patterns(patterns: Patterns, *, boards: Boards = emulated_boards, experts: int = 2, seed: int = 1,
                           updates: int = 300, limit: float = 3.0, library_cells: int = 8, effort: float = 1.0,
                           progress: typing.Optional[_core.Progress] = None) -> ErgodicityReport:
    """What one machine and a mixture of experts learn of patterns, and how long each stays in its basins (arXiv:2412.16411).

    boards: gives the URI of a device for each part; a part that it refuses by UnsupportedError is left out, but for "spins".
    updates: of each machine; limit: largest field and coupling; library_cells: 8 or 16; effort: factor on all shots. The same
    numbers as `heatbath train ergodicity` of the same options.
    """
    return _report(_core.study_patterns(patterns, boards, experts, seed, updates, limit, library_cells, effort, progress))


def ergodicity_of_digits(images: Images, digits: collections.abc.Sequence[int] = (0, 1, 2), *, learned: int = 900,
                         held_out: int = 600, rare_share: float = 0.1, boards: Boards = emulated_boards,
                         experts: typing.Optional[int] = None, seed: int = 1, updates: int = 300, limit: float = 3.0,
                         library_cells: int = 8, effort: float = 1.0,
                         progress: typing.Optional[_core.Progress] = None) -> ErgodicityReport:
    """The same of digits of 8 x 8 binary cells, the last of which is rare: held-out likelihoods instead of divergences.

    `heatbath train ergodicity --problem digits` draws its images by trainers.draw_digits(1, 700). experts: None: one per digit.
    """
    return _report(_core.study_digits(images, list(digits), learned, held_out, rare_share, boards, experts or len(digits), seed,
                                      updates, limit, library_cells, effort, progress))
