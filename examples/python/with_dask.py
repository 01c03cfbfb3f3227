"""Shots of one program on two workers of dask.distributed: the states that one process would have given."""

import numpy as np
import numpy.typing as npt
from dask.distributed import Client

import heatbath


# docs: begin dask
def final_states(device: heatbath.Device, first: int, shots: int) -> npt.NDArray[np.float32]:
    """Shots first .. first + shots - 1 of a program. A worker opens the device that it is sent as a pickle, once for all its tasks."""
    program = heatbath.Program(device, 4).load("j2", 1.0).load("kT", 1.0).load_gain(0.0).commit()
    program.clamp(0.0, count=4).release().evolve(device.ticks(2)).sample()
    return np.array(device.run(program, shots, seed=1, first_shot=first).states)


if __name__ == "__main__":
    device = heatbath.open("func:cells=4&lanes=8&threads=1")
    with Client(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=50) as client:  # or Client("scheduler:8786")
        parts = client.map(lambda first: final_states(device, first, 50), range(0, 200, 50))
        states = np.concatenate(client.gather(parts))
    # docs: end dask

    assert (states == final_states(device, 0, 200)).all()
    print(f"{states.shape[0]} states, <x^2> = {(states**2).mean():.3f}")
