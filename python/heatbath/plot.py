"""Plots of results. Needs matplotlib (the extra `plot`). Each draws on `axes`, or on new ones, and returns them."""

from __future__ import annotations

import typing

import numpy as np
import numpy.typing as npt

from heatbath._core import Calibration, Certificate, Result
from heatbath.estimates import autocorrelation_time
from heatbath.judges import Ladder

__all__ = ["autocorrelation", "calibration", "certificate", "checks", "energies", "heat", "samples", "trajectories"]

Axes = typing.Any
"""matplotlib.axes.Axes"""

_States = typing.Union[Result, npt.ArrayLike]


def _on(axes: typing.Optional[Axes]) -> Axes:
    if axes is not None:
        return axes
    from matplotlib import pyplot
    return pyplot.subplots(layout="constrained")[1]


def _states(states: _States) -> npt.NDArray[typing.Any]:
    """(shots, records, cells)."""
    values = states.states if isinstance(states, Result) else np.asarray(states)
    if values.ndim == 2:
        values = values[:, None, :]
    if values.ndim != 3 or values.size == 0:
        raise ValueError(f"states of shape {values.shape}; (shots, records, cells) or (shots, cells) are needed")
    return values


def samples(states: _States, cells: tuple[int, ...] = (0, 1), *, record: int = -1, axes: typing.Optional[Axes] = None) -> Axes:
    """Where the shots are at one record: a histogram of one cell, the density of two.

    states: a Result, or (shots, records, cells), or (shots, cells).
    """
    values = _states(states)[:, record]
    on = _on(axes)
    if len(cells) == 1 or values.shape[1] == 1:
        cell = cells[0]
        on.hist(values[:, cell], bins="auto", density=True)
        on.set(xlabel=f"cell {cell}", ylabel="density", title=f"{len(values)} shots")
        return on
    i, j = cells
    image = on.hist2d(values[:, i], values[:, j], bins=max(10, min(80, int(np.sqrt(len(values) / 4)))), cmap="viridis")[3]
    on.figure.colorbar(image, ax=on, label="shots")
    on.set(xlabel=f"cell {i}", ylabel=f"cell {j}", title=f"{len(values)} shots")
    return on


def trajectories(result: Result, cell: int = 0, *, shots: int = 8, times: typing.Optional[npt.ArrayLike] = None,
                 axes: typing.Optional[Axes] = None) -> Axes:
    """One cell of the first shots over the array's time: ticks, or `times` of the records in units of your own."""
    values = _states(result)[:shots, :, cell]
    over: npt.NDArray[typing.Any] = np.asarray(result.ticks if times is None else times)
    on = _on(axes)
    on.plot(over, values.T, linewidth=0.8)
    on.set(xlabel="ticks" if times is None else "time", ylabel=f"cell {cell}", title=f"{len(values)} of {len(result.states)} shots")
    return on


def heat(result: Result, snapshot: int = 0, *, kT: float = 1.0, axes: typing.Optional[Axes] = None) -> Axes:
    """Work done on the cells and heat given off by the shots, over kT (of the device's energy units)."""
    meters = result.meters[snapshot]
    on = _on(axes)
    both = np.concatenate([meters["work"], meters["heat"]]) / kT
    bins = np.histogram_bin_edges(both, bins=60)
    for name, colour in (("work", "tab:blue"), ("heat", "tab:red")):
        values = meters[name] / kT
        on.hist(values, bins=bins, alpha=0.5, color=colour, label=f"{name}, mean {values.mean():.3g}")
        on.axvline(values.mean(), color=colour, linewidth=1)
    on.set(xlabel="energy / kT", ylabel="shots", title=f"{len(meters)} shots")
    on.legend()
    return on


def energies(values: npt.ArrayLike, *, axes: typing.Optional[Axes] = None) -> Axes:
    """A histogram of energies: of Network.energy(states), or of a SampleSet's record."""
    array = np.asarray(values).ravel()
    on = _on(axes)
    on.hist(array, bins="auto")
    on.axvline(array.min(), color="black", linewidth=1, label=f"lowest {array.min():.6g}")
    on.set(xlabel="energy", ylabel="samples", title=f"{len(array)} samples")
    on.legend()
    return on


def autocorrelation(values: npt.ArrayLike, *, lags: typing.Optional[int] = None, axes: typing.Optional[Axes] = None) -> Axes:
    """Autocorrelation of an observable, (chains, records) or (records,), around the mean of all chains."""
    series = np.atleast_2d(np.asarray(values, np.float64))
    if series.ndim != 2 or series.shape[1] < 4:
        raise ValueError(f"values of shape {np.shape(values)}; (chains, records) with at least 4 records are needed")
    tau = autocorrelation_time(series)
    most = series.shape[1] - 1
    count = min(most, max(10, int(6 * tau)) if lags is None else lags)
    centred = series - series.mean()
    covariance = np.array([(centred[:, : series.shape[1] - lag] * centred[:, lag:]).mean() for lag in range(count + 1)])
    on = _on(axes)
    on.axhline(0, color="black", linewidth=0.5)
    on.plot(np.arange(count + 1), covariance / covariance[0] if covariance[0] else covariance, marker=".")
    on.set(xlabel="lag in records", ylabel="autocorrelation", title=f"integrated time {tau:.3g} records")
    return on


def certificate(of: Certificate, *, axes: typing.Optional[Axes] = None) -> Axes:
    """The effective inverse temperature of samples, with its interval, beside the one that was asked for."""
    on = _on(axes)
    low, high = of.interval
    on.errorbar([of.inverse_temperature], [0], xerr=[[of.inverse_temperature - low], [high - of.inverse_temperature]], fmt="o",
                capsize=4, label="measured, 95 %")
    on.axvline(of.as_dict()["wanted"], color="black", linewidth=1, label="asked for")
    on.set(xlabel="inverse temperature", yticks=[], title="; ".join(of.findings) or
           f"no finding: {of.effective_samples:.0f} effective samples, R-hat {of.r_hat:.3f}")
    on.legend()
    return on


def calibration(of: Calibration, *, axes: typing.Optional[Axes] = None) -> Axes:
    """Gains of the cells and couplers of a chip with two standard errors, which are 1 on a nominal one; what was not measured is left out."""
    on = _on(axes)
    on.axhline(1, color="black", linewidth=0.5)
    named = (("J2", of.j2_gain), ("J4", of.j4_gain), ("bias", of.bias_gain), ("temperature", of.temperature), ("couplers", of.coupler_gain))
    first = 0
    for name, (gains, errors) in named:
        if np.isfinite(gains).any():
            on.errorbar(first + np.arange(len(gains)), gains, yerr=2 * errors, fmt=".", linewidth=0.8, label=name)
            first += len(gains) + max(1, len(gains) // 8)
    on.set(xlabel="cell or coupler, figure by figure", ylabel="gain", xticks=[], title=f"chip {of.serial}: {of.cells} cells, {len(of.couplers)} couplers")
    on.legend()
    return on


def checks(ladder: Ladder, *, axes: typing.Optional[Axes] = None) -> Axes:
    """Deviations of a validation in standard errors; what is only bounded from one side may lie far on the other."""
    on = _on(axes)
    for bound, marker in (("equal", "o"), ("exact", "s"), ("at least", "^"), ("at most", "v")):
        of = [(k, check) for k, check in enumerate(ladder.checks) if check.bound == bound]
        if of:
            colours = ["tab:blue" if check.passed else "tab:red" for _, check in of]
            on.scatter([k for k, _ in of], [check.z for _, check in of], c=colours, s=16, marker=marker, label=bound)
    on.axhline(0, color="black", linewidth=0.5)
    on.set(xlabel="check", ylabel="z", title=f"{len(ladder.checks) - len(ladder.failed)} of {len(ladder.checks)} checks passed")
    if ladder.checks:
        on.legend(title="expected")
    return on
