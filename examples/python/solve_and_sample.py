"""A law sampled, a ground state searched, a system solved, a derivative measured: by the device."""

import numpy as np

import heatbath
from heatbath import solvers

# docs: begin sample
glass = heatbath.Network.ising({(0, 1): 1.0, (1, 2): -1.0, (2, 3): 1.0, (0, 3): 1.0}, h=[0.2, 0.0, 0.0, 0.0])
with heatbath.open("func:cell=pbit&cells=4&lanes=64") as device:
    law = solvers.sample(device, glass, kT=1.0)
    print("mean energy", law.samples.mean_energy(), law.certificate, sep="\n")
    found = solvers.anneal(device, glass, reads=32, sweeps=100)
    print("lowest", found.lowest_energy, found.lowest_state, "in", f"{found.success(found.lowest_energy):.0%} of the reads")
    slope = solvers.gradient(device, glass, [("bias", 0), (0, 1)], lambda state: float(state[2]))
    print("d<s2> by field 0 and coupling 0-1 of V:", *slope.derivatives)
# docs: end sample

# docs: begin solve
A, b = np.array([[2.0, 0.5], [0.5, 1.0]]), np.array([1.0, -1.0])
with heatbath.open("func:cells=2&lanes=64") as device:
    x = solvers.solve(device, A, b, tolerance=0.01)
    print("x =", x.values, "+-", x.standard_errors, "numpy:", np.linalg.solve(A, b))
# docs: end solve
