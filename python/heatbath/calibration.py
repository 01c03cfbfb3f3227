"""Imperfect chips: what one does to its values is measured from its own samples, kept, and undone (docs/calibration.md).

    from heatbath import calibration

    with heatbath.open("func:profile=silicon&chip=3&cells=8") as device:
        found = calibration.calibrate(device, progress=True)
        found.keep()  # where `heatbath calibrate` keeps it
        device.correct(found)  # whatever is made for this device from now on loads values that undo what the chip does
        law = heatbath.solvers.sample(device, network)
"""

from __future__ import annotations

import typing

from heatbath._core import Calibration, Device, calibrate

__all__ = ["Calibration", "Standing", "calibrate", "standing"]


class Standing(typing.NamedTuple):
    """How a chip stands to its calibration."""

    state: str
    """"valid", "calibration needed" (its die is warmer or colder) or "calibration expired"."""
    why: str
    """It is not valid; "" else."""
    left: float
    """Part of its time that is left: 1 new, 0 over."""

    @property
    def valid(self) -> bool:
        """Whether jobs take it without use_expired."""
        return self.state == "valid"


def standing(calibration: Calibration, device: Device) -> Standing:
    """Whether a calibration still holds for the device as it is; BadArgError where it is of another chip."""
    return Standing(*calibration.standing(device))
