"""Results as ArviZ has them. Needs arviz (the extra `arviz`)."""

from __future__ import annotations

import collections.abc
import typing

import numpy as np

from heatbath._core import Result, Scaling


def inference_data(result: Result, *, scaling: typing.Optional[Scaling] = None,
                   names: typing.Optional[collections.abc.Sequence[str]] = None, burn_in: int = 0) -> typing.Any:
    """The captured states as ArviZ's InferenceData (a DataTree of ArviZ 1).

    A shot is a chain and its records are the draws, from record `burn_in` on; where only one record of each is left, the shots
    are independent and so the draws of one chain. `x` has (chain, draw, cell), in the network's units where `scaling` is given,
    and `names` of its variables; `sample_stats` hold the device time of each draw in ticks.
    """
    import arviz

    states = result.states[:, burn_in:]
    if states.shape[1] == 0:
        raise ValueError(f"burn_in={burn_in}, but there are {result.states.shape[1]} records")
    ticks = np.broadcast_to(result.ticks[burn_in:], states.shape[:2])
    if states.shape[1] == 1:
        states, ticks = states.transpose(1, 0, 2), ticks.T
    values = states if scaling is None else scaling.states(states)
    cells: list[typing.Any] = list(range(states.shape[2])) if names is None else list(names)
    groups = {"posterior": {"x": values}, "sample_stats": {"ticks": ticks}}
    if int(arviz.__version__.split(".")[0]) < 1:
        return arviz.from_dict(**groups, coords={"cell": cells}, dims={"x": ["cell"]})
    return arviz.from_dict(groups, coords={"cell": cells}, dims={"x": ["cell"]})
