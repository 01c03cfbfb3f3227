"""What a device is made of: enumerations by the names that URIs and reports have."""

from __future__ import annotations

import enum
import typing

from heatbath import _core


def _member(name: str) -> str:
    return name.upper().replace("-", "_")


class _Named(enum.IntEnum):
    @property
    def label(self) -> str:
        """The name as URIs and reports write it: "euler-maruyama"."""
        return self.name.lower().replace("_", "-")


if typing.TYPE_CHECKING:

    class CellKind(_Named):
        """Kind of the cells."""

        OVERDAMPED = 0
        UNDERDAMPED = 1
        PHASE = 2
        RLC = 3
        PBIT = 4
        CATEGORICAL = 5

    class Topology(_Named):
        """Which pairs of cells have a coupler."""

        DENSE = 0
        SPARSE = 1

    class Stepper(_Named):
        """How an emulator makes a step."""

        NONE = 0
        EULER_MARUYAMA = 1
        HEUN = 2
        LEIMKUHLER_MATTHEWS = 3
        BAOAB = 4
        EXACT_OU = 5
        SEQUENTIAL = 6
        RANDOM_SEQUENTIAL = 7
        TWO_COLOUR = 8
        LATTICE_WALK = 9

else:
    CellKind = _Named("CellKind", {_member(name): k for k, name in enumerate(_core.cell_kinds)})
    Topology = _Named("Topology", {_member(name): k for k, name in enumerate(_core.topologies)})
    Stepper = _Named("Stepper", {_member(name): k for k, name in enumerate(_core.steppers)})


class Number(_Named):
    """How a value lies in device memory."""

    FLOAT32 = 0
    CODE8 = 1
    CODE16 = 2
