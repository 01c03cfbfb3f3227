"""Heat that a stretched linear cell gives off while it relaxes, from the meters of 10,000 runs."""

import math

import heatbath

# docs: begin heat
with heatbath.open("func:cells=1&lanes=256") as device:
    program = heatbath.Program(device, 1).load("j2", 0.5).load("j4", 0.0).load("kT", 1.0).commit()  # V = x^2/2
    program.set(3.0).meter_clear().evolve(device.ticks(20)).meter_snapshot()                        # begins at x = 3
    heat = device.run(program, shots=10_000, seed=1).meters[0]["heat"]
# docs: end heat

# From V = 9/2 to the mean kT/2 of equilibrium; nothing works on it, so dE = -Q.
mean, error = heat.mean(), heat.std() / math.sqrt(heat.size)
print(f"Q = {mean:.3f} +- {error:.3f} kT, exact {4.5 - 0.5:.3f}")
assert abs(mean - 4) < 4.5 * error + 0.01
