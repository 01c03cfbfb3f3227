"""Measured numbers with their errors, of chains that follow each other."""

from __future__ import annotations

import typing

from heatbath import _core

if typing.TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Estimate", "autocorrelation_time", "mean", "r_hat"]


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
