"""Shots of one program on two processes of joblib: the states that one process would have given."""

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

import heatbath


# docs: begin joblib
def final_states(device: heatbath.Device, first: int, shots: int) -> npt.NDArray[np.float32]:
    """Shots first .. first + shots - 1 of a program; a worker opens the device that it is sent as a pickle."""
    with device:
        program = heatbath.Program(device, 4).load("j2", 1.0).load("kT", 1.0).load_gain(0.0).commit()
        program.clamp(0.0, count=4).release().evolve(device.ticks(2)).sample()
        return np.array(device.run(program, shots, seed=1, first_shot=first).states)


device = heatbath.open("func:cells=4&lanes=8&threads=1")
parts = Parallel(n_jobs=2)(delayed(final_states)(device, first, 50) for first in range(0, 200, 50))
states = np.concatenate(parts)
# docs: end joblib

assert (states == final_states(device, 0, 200)).all()
print(f"{states.shape[0]} states, <x^2> = {(states**2).mean():.3f}")
