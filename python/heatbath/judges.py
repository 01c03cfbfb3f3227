"""What says whether a device is right: validation and conformance. (heatbath.certificate judges samples.)"""

from __future__ import annotations

import collections.abc
import dataclasses
import typing

from heatbath import _core
from heatbath._core import Device

__all__ = ["Check", "Ladder", "Skipped", "Verdict", "conformance", "validate", "validation_suites"]


@dataclasses.dataclass(frozen=True)
class Check:
    """One comparison of a measured with an exact value."""

    suite: str
    name: str
    expected: float
    bias: float
    """What the step of the integrator is predicted to add."""
    measured: float
    standard_error: float
    effective_samples: float
    z: float
    probability: float
    """Of as large a deviation by chance, corrected for the number of checks (Holm)."""
    bound: str
    """"equal", "at least", "at most" or "exact"."""
    passed: bool
    failure: str
    device: str


class Skipped(typing.NamedTuple):
    """A row that none of the devices can run, and the capability that is missing."""

    suite: str
    row: str
    missing: str


@dataclasses.dataclass(frozen=True)
class Ladder:
    """The outcome of validate()."""

    checks: list[Check]
    skipped: list[Skipped]
    seed: int
    effort: float
    seconds: float
    stopped_at: str
    """Row in which progress stopped it; "": whole."""

    @property
    def failed(self) -> list[Check]:
        """The checks that failed."""
        return [check for check in self.checks if not check.passed]

    def _repr_html_(self) -> str:
        from heatbath import display
        rows = [(check.suite, check.name, f"{check.expected:.6g}", f"{check.measured:.6g}", f"{check.standard_error:.2g}",
                 f"{check.z:+.2f}", "kept" if check.passed else check.failure) for check in self.checks]
        return display.table(("suite", "check", "expected", "measured", "error", "z", ""), rows,
                             f"{len(self.checks) - len(self.failed)} of {len(self.checks)} checks passed")


def validate(suites: collections.abc.Sequence[str] = (), devices: collections.abc.Sequence[Device] = (), *, slow: bool = False,
             seed: int = 1, effort: float = 1.0, threads: int = 0,
             progress: typing.Optional[_core.Progress] = None) -> Ladder:
    """Measures exact results of statistical physics, as `heatbath validate` (docs/validation.md).

    suites: names, or SUITE/ROW; none: all. devices: each row runs on the first that has what it needs; none: on emulators
    that suit each row. slow: rows over a minute, too. effort: samples relative to the full ladder; below 1 the limits on the
    standard errors do not apply. threads: of the emulators. progress: False from it ends the ladder after the rows so far.
    """
    found = _core.validate(list(suites), list(devices), slow, seed, effort, threads, progress)
    return Ladder(checks=[Check(**check) for check in found.pop("checks")],
                  skipped=[Skipped(*row) for row in found.pop("skipped")], **found)


def validation_suites() -> dict[str, list[str]]:
    """Names of the suites, with their rows."""
    return {name: [row for row, _, _ in rows] for name, _, rows in _core.validation_suites()}


class Verdict(typing.NamedTuple):
    """One claim on a device and whether it keeps it."""

    claim: str
    text: str
    verdict: str
    """"kept", "BROKEN" or "skipped"."""
    detail: str


def conformance(device: Device, only: collections.abc.Sequence[str] = (), *,
                progress: typing.Optional[_core.Progress] = None) -> list[Verdict]:
    """What every Heatbath device must do, claim by claim, as `heatbath conformance`. It resets the device and runs jobs.

    only: names of claims; none: all. Ctrl-C acts between two claims.
    """
    return [Verdict(*verdict) for verdict in _core.conformance(device, list(only), progress)]
