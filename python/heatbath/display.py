"""What notebooks show of devices, networks and results."""

from __future__ import annotations

import collections.abc
import html
import typing

from heatbath._core import Device, Network, Result

Row = collections.abc.Sequence[object]


def table(heads: collections.abc.Sequence[str], rows: collections.abc.Iterable[Row], title: str = "") -> str:
    """A table in HTML; everything is escaped."""
    def cells(tag: str, values: collections.abc.Iterable[object]) -> str:
        return "<tr>" + "".join(f"<{tag} style='text-align:left'>{html.escape(str(value))}</{tag}>" for value in values) + "</tr>"

    caption = f"<caption style='text-align:left'>{html.escape(title)}</caption>" if title else ""
    head = cells("th", heads) if heads else ""
    return f"<table>{caption}{head}{''.join(cells('td', row) for row in rows)}</table>"


def device(of: Device) -> str:
    """A device: its URI, its size and kind, its ranges."""
    rows: list[tuple[str, object]] = [("description", of.description)]
    if of.closed:
        rows.append(("state", "closed"))
    else:
        has = of.capabilities
        topology = "all pairs" if has.couplers is None else f"{len(has.couplers)} pairs"
        rows += [
            ("cells", f"{has.cells} {has.cell_kind.label}, couplers of {topology}"),
            ("lanes", has.lanes), ("stepper", has.stepper.label), ("kT", f"{has.kT_min:g} to {has.kT_max:g}"),
            ("parameters", f"{has.parameter_number.name.lower()}, fields up to {has.range_bias:g}, couplings up to {has.range_coupling:g}"),
            ("takes", ", ".join(name for name, yes in (
                ("seeds", has.seeded), ("state writes", has.state_write), ("a step", has.dt_programmable)) if yes) or "programs alone"),
            ("meters", "energy, work, heat" if has.meters else "none")]
    return table((), rows, of.uri)


def network(of: Network) -> str:
    """A network: its size, and the ranges of its parameters."""
    couplings = list(of.couplings.values())
    rows: list[tuple[str, object]] = [("cells", f"{of.cells} {of.kind}")]
    rows.append(("couplings", f"{len(couplings)}, from {min(couplings):.4g} to {max(couplings):.4g}" if couplings else "none"))
    for section in ("j2", "j4", "bias"):
        try:
            values = of.values(section)
        except ValueError:
            continue  # these cells have none
        if len(values) and values.any():
            rows.append((section, f"from {values.min():.4g} to {values.max():.4g}"))
    return table((), rows, "heatbath.Network")


def result(of: Result) -> str:
    """A result: shapes, moments of the captured states, means of the meters."""
    shots, records, variables = of.states.shape
    rows: list[tuple[str, object]] = [("states", f"{shots} shots x {records} records x {variables} variables")]
    if of.states.size:
        last: typing.Any = of.states[:, -1]
        rows.append(("last record", f"mean {last.mean():.4g}, deviation {last.std():.4g}, {last.min():.4g} to {last.max():.4g}"))
    for k, meters in enumerate(of.meters):
        rows.append((f"meters {k}", ", ".join(f"{name} {meters[name].mean():.4g}" for name in ("energy", "work", "heat"))))
    rows.append(("array time", f"{of.array_ticks} ticks"))
    if of.clips or of.capture_clips or of.rails:
        rows.append(("clips", f"{of.clips} of parameters, {of.capture_clips} of captures, {of.rails} at rails"))
    return table((), rows, "heatbath.Result")
