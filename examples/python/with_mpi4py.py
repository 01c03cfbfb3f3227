"""Shots of one program on the ranks of mpi4py.futures: mpirun -n 4 python3 -m mpi4py.futures with_mpi4py.py"""

import numpy as np
import numpy.typing as npt
from mpi4py.futures import MPIPoolExecutor

import heatbath


# docs: begin mpi4py
def final_states(device: heatbath.Device, first: int, shots: int) -> npt.NDArray[np.float32]:
    """Shots first .. first + shots - 1 of a program; a worker opens the device that it is sent as a pickle."""
    with device:
        program = heatbath.Program(device, 4).load("j2", 1.0).load("kT", 1.0).load_gain(0.0).commit()
        program.clamp(0.0, count=4).release().evolve(device.ticks(2)).sample()
        return np.array(device.run(program, shots, seed=1, first_shot=first).states)


if __name__ == "__main__":
    device = heatbath.open("func:cells=4&lanes=8&threads=1")
    firsts = range(0, 200, 50)
    with MPIPoolExecutor() as pool:
        parts = pool.map(final_states, [device] * len(firsts), firsts, [50] * len(firsts))
        states = np.concatenate(list(parts))
    # docs: end mpi4py

    assert (states == final_states(heatbath.open("func:cells=4&lanes=8&threads=1"), 0, 200)).all()
    print(f"{states.shape[0]} states, <x^2> = {(states**2).mean():.3f}")
