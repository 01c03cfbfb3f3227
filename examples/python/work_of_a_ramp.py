"""Free energy of a stiffened well by Jarzynski's equality, from the metered work of 20,000 ramps."""

import math

import numpy as np

import heatbath

# docs: begin ramp
with heatbath.open("func:cells=1&lanes=256") as device:
    program = heatbath.Program(device, 1).load("j2", 1.0).load("kT", 1.0).commit()
    program.evolve(device.ticks(5)).meter_clear()
    program.load("j2", 2.0).ramp(device.ticks(1)).meter_snapshot()
    job = device.submit(program, shots=20_000, seed=1, progress=lambda done: print(f"{done:4.0%}"))
    work = job.result().meters[0]["work"] + job.result().meters[0]["work_shadow"]
# docs: end ramp

weights = np.exp(-work)
free_energy = -math.log(weights.mean())
error = weights.std() / weights.mean() / math.sqrt(work.size)
print(f"dF = {free_energy:.4f} +- {error:.4f} kT, exact {math.log(2) / 2:.4f}; mean work {work.mean():.4f}")
assert abs(free_energy - math.log(2) / 2) < 4 * error
assert work.mean() > free_energy
