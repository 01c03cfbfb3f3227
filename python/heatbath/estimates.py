"""Measured numbers with their errors: of chains that follow each other, of several temperatures together, of a chip's parameters."""

from __future__ import annotations

import typing

from heatbath import _core
from heatbath._core import Multistate

if typing.TYPE_CHECKING:
    import collections.abc

    import numpy.typing as npt

__all__ = ["CurveFit", "Estimate", "Fitted", "Multistate", "RelaxationFit", "autocorrelation_time", "fit_curve", "fit_relaxation", "log_partitions",
           "mean", "r_hat"]


class Estimate(typing.NamedTuple):
    """A measured number; NaN where something was not measured."""

    value: float
    standard_error: float
    effective_samples: float
    """Independent samples that would give this error; 0 where they were not counted."""

    def __str__(self) -> str:
        return f"{self.value:.6g} +- {self.standard_error:.2g}"

    def z(self, expected: float) -> float:
        """Standard errors between this and an expected value."""
        return (self.value - expected) / self.standard_error


def optional(three: typing.Optional[tuple[float, float, float]]) -> typing.Optional[Estimate]:
    """An Estimate of its three numbers, where there are any."""
    return None if three is None else Estimate(*three)


def mean(values: npt.ArrayLike) -> Estimate:
    """Mean of series that share one law, (chains, records) or (records,), with the error of as many samples as there are in effect."""
    return Estimate(*_core.mean_of_chains(values))


def autocorrelation_time(values: npt.ArrayLike) -> float:
    """Integrated autocorrelation time in records of series, (chains, records) or (records,) (Madras & Sokal 1988)."""
    return _core.autocorrelation_time(values)


def r_hat(values: npt.ArrayLike) -> float:
    """Potential scale reduction of at least 2 chains of 4 records, each split in two (Gelman et al. 2013): arviz.rhat(method="split")."""
    return _core.split_r_hat(values)


def log_partitions(kT: npt.ArrayLike, energies: collections.abc.Sequence[npt.ArrayLike], blocks: int = 8) -> list[Estimate]:
    """ln Z of each temperature minus that of the first (Multistate), with the error of a jackknife over `blocks` stretches of the series.

    kT: (temperatures,); energies: of the samples at each, one array per temperature.
    """
    return _core.log_partitions(kT, energies, blocks)


class Fitted(typing.NamedTuple):
    """A parameter of greatest likelihood with its 95 % interval; nan where the data do not tell."""

    value: float
    standard_error: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.6g} +- {self.standard_error:.2g}"


class CurveFit(typing.NamedTuple):
    """The curve of a p-bit, P(up) = 1/(1 + exp(-slope (bias - midpoint)))."""

    midpoint: Fitted
    slope: Fitted
    chi_squared: float
    """Pearson's, of the points against the curve."""
    freedom: int
    dispersion: float
    """sqrt(chi_squared/freedom) where that is above chance, else 1: the intervals are that much wider."""


def fit_curve(bias: npt.ArrayLike, ones: npt.ArrayLike, trials: npt.ArrayLike) -> CurveFit:
    """How often a p-bit was up, `ones` of `trials` at each bias, (points,) each, by greatest likelihood: as `heatbath fit`.

    BadArgError for fewer than 2 different biases, and for curves that are all 0, all 1 or a step, which have no slope.
    """
    found = _core.fit_curve(bias, ones, trials)
    return CurveFit(**{**found, **{name: Fitted(*found[name]) for name in ("midpoint", "slope")}})


class RelaxationFit(typing.NamedTuple):
    """A cell that relaxes: dx = -(stiffness x - drive) dt + sqrt(2 kT) dW; a reading is gain x + offset + noise."""

    stiffness: Fitted
    kT: Fitted
    gain: Fitted
    offset: Fitted
    noise: Fitted
    """Standard deviation of a reading about its cell."""
    gain_given: bool
    """It was, or one drive alone cannot tell it: then kT is in readings squared over gain squared."""
    readings: int
    mean_square: float
    """Of the errors of prediction over what is expected of them: 1; correlation of neighbours: 0; and standard deviations off."""
    neighbours: float
    mean_square_z: float
    neighbours_z: float


def fit_relaxation(times: npt.ArrayLike, values: npt.ArrayLike, *, drives: typing.Optional[npt.ArrayLike] = None,
                   traces: typing.Optional[npt.ArrayLike] = None, gain: float = float("nan")) -> RelaxationFit:
    """Readings of cells that relax, (readings,) each, by exact likelihood (Kalman's filter): as `heatbath fit`.

    drives: force from this reading to the next; None: none. traces: which trace a reading is of, those of one following each other
    in time; None: one. gain: nan: fitted where drives differ, else 1.
    """
    found = _core.fit_relaxation(times, values, drives, traces, gain)
    return RelaxationFit(**{**found, **{name: Fitted(*found[name]) for name in ("stiffness", "kT", "gain", "offset", "noise")}})
