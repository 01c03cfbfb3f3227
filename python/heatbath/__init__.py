"""A thermodynamic computer, emulated or real.

    import heatbath

    device = heatbath.open("func:cells=2")
    program = heatbath.Program(device, 2).load("j2", 1.0).load_couplings([[0, -0.5], [-0.5, 0]])
    program.commit().evolve(device.ticks(10)).sample()
    x = device.run(program, shots=1000, seed=1).states[:, 0]  # numpy, (1000, 2)

Device, Program, Job and Result are the driver of docs/programmers_guide.md; Network, Scaling and Shots say what a network
means and how it lies on a device. docs/python.md shows them at work.
"""

from __future__ import annotations

import typing as _typing
from builtins import open as _open_file

from heatbath import _core, errors
from heatbath._core import (Calibration, Capabilities, Certificate, Device, Job, Network, Program, Result, Scaling, Shots, __version__,
                            certificate)
from heatbath.enums import CellKind, Number, Stepper, Topology
from heatbath.errors import Error

__all__ = [
    "Calibration", "Capabilities", "CellKind", "Certificate", "Device", "Error", "Job", "Network", "Number", "Program", "Result", "Scaling", "Shots",
    "Stepper", "Topology", "__version__", "certificate", "errors", "open", "sections",
]



def _check_numpy() -> None:
    """Refuses numpy 2 where the module was built with a pybind11 before 2.12, which reads its arrays wrongly.

    The version is read from its file: numpy itself is imported with the first array.
    """
    import importlib.util
    import os
    import re

    found = importlib.util.find_spec("numpy")
    if _core._pybind11 >= 0x020C0000 or found is None or found.origin is None:
        return
    with _open_file(os.path.join(os.path.dirname(found.origin), "version.py"), encoding="utf-8") as file:
        version = re.search(r"version = ['\"](\d+)", file.read())
    if version and int(version[1]) >= 2:
        raise ImportError("this heatbath was built with a pybind11 before 2.12, which cannot read arrays of numpy 2; install numpy "
                          "below 2, or build heatbath by pip, which fetches a newer pybind11")


_check_numpy()
_core._set_classes(
    errors._CLASSES,
    {"cell_kind": CellKind, "topology": Topology, "stepper": Stepper, "parameter_number": Number, "capture_number": Number})

sections: tuple[str, ...] = tuple(_core.sections)
"""Names of the parameter sections, for Program.load and readback."""


def open(uri: str = "", *, step: _typing.Optional[float] = None, calibration: _typing.Optional[Calibration] = None,
         use_expired: bool = False) -> Device:
    """Opens the device of a URI: "func:cells=64", "tcp://host:port", ... (docs/links.md).

    "" means the environment variable HEATBATH_DEVICE, and without it the emulator, func:. `step` is the step of the array in
    time units, for devices that can set it. `calibration`, `use_expired`: as of Device.correct. Raises errors.BadArgError that lists the valid schemes, keys and values,
    errors.LinkError when nobody answers, errors.DeviceError for what is no Heatbath device.
    """
    device = Device(uri)
    if step is not None:
        device.set_step_time_units(step)
    if calibration is not None:
        device.correct(calibration, use_expired=use_expired)
    return device
