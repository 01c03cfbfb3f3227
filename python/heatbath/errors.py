"""Exceptions: one for each status of the device and its driver, all of them an Error.

Where Python has an exception of the same meaning they are one of these, too: a BadArgError is a ValueError, an
OutOfMemoryError a MemoryError.
"""

from __future__ import annotations

import builtins

from heatbath import _core


class Error(Exception):
    """What every call raises when it cannot do what it was asked; the message says what is wrong and what would be right."""

    status: str = "?"
    """Name of the status (heatbath/status.h), "BAD_ARG"."""
    device_ticks: int = 0
    """Device time at which the error was seen; 0 when no device was involved."""


class BadArgError(Error, ValueError):
    """An argument is wrong; nothing was done."""


class BusyError(Error):
    """The device is busy; nothing was done and a retry is safe."""


class TimeoutError(Error, builtins.TimeoutError):
    """The limit in device ticks passed."""


class LinkError(Error, ConnectionError):
    """The link to the device was lost."""


class DeviceError(Error):
    """The device misbehaved: wrong identity, or an answer outside its contract."""


class UnsupportedError(Error):
    """The device does not advertise this capability."""


class BadProgramError(Error, ValueError):
    """The program was rejected; the message names instruction and field."""


class CaptureOverrunError(Error):
    """The capture ring was full and a record was lost."""


class AbortedError(Error):
    """The job was aborted or cancelled."""


class OutOfMemoryError(Error, MemoryError):
    """The memory of the device, or of this computer, cannot hold the job."""


class IoError(Error, OSError):
    """A file could not be read or written."""


class UnstableError(Error, ArithmeticError):
    """The step is too long for the parameters: the array would diverge."""


class ParityError(Error):
    """A bit of device memory had flipped where the job read it."""


class OverheatedError(Error):
    """The die passed its limit and the array was switched off until it has cooled."""


class BrownOutError(Error):
    """The supply failed: the job and what device memory held are lost."""


class WatchdogError(Error):
    """The sequencer stood still and its watchdog stopped the job."""


class DefectError(Error):
    """A cell of the device stopped moving while the job ran."""


_CLASSES: dict[int, type[Error]] = {}
for _name, (_number, _meaning) in _core.statuses.items():
    if _number != 0:
        _class = globals()["".join(part.capitalize() for part in _name.split("_")) + "Error"]
        _class.status = _name
        _CLASSES[_number] = _class
