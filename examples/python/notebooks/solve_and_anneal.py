# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # Solve and anneal
# The thermal mean of V = x'Ax/2 - b'x solves A x = b, and the covariance is kT A⁻¹.

# %%
import numpy as np

import heatbath

rng = np.random.default_rng(1)
root = rng.normal(size=(8, 8))
A, b = root @ root.T + 2 * np.eye(8), rng.normal(size=8)
device = heatbath.open("func:cells=8&lanes=256")
scaling = heatbath.Scaling(heatbath.Network.quadratic_form(A, b), device, kT=0.01)
scaling.set_step(device)
shots = 4096
x = scaling.states(heatbath.Shots(device, seed=2).run(scaling.program().evolve(scaling.burn_in(device)).sample(), shots).states[:, 0])
error = np.sqrt(0.01 * np.diag(np.linalg.inv(A)) / shots)
z = (x.mean(axis=0) - np.linalg.solve(A, b)) / error
print("standard errors from the solution:", z.round(2))
assert np.abs(z).max() < 4

# %% [markdown]
# The inverse comes with it, out of the same shots:

# %%
inverse = np.cov(x.T) / 0.01
print(f"relative error of the inverse {np.linalg.norm(inverse - np.linalg.inv(A)) / np.linalg.norm(np.linalg.inv(A)):.3f}")

# %% [markdown]
# Annealing: p-bits on a spin glass whose temperature falls from 3 to 0.1, beside the same time at 0.1 from the start.

# %%
cells = 64
spins = heatbath.open(f"func:cell=pbit&topology=torus:8x8&cells={cells}&lanes=64")
couplers = spins.capabilities.couplers
assert couplers is not None  # a graph
glass = heatbath.Network("pbit", cells).set_aligning({(int(i), int(j)): float(rng.choice([-1, 1])) for i, j in couplers})
hot, cold = (heatbath.Scaling(glass, spins, kT=kT) for kT in (3.0, 0.1))
cold.set_step(spins)
sweeps = spins.ticks(300)
quench = cold.program().evolve(sweeps).sample()
anneal = hot.program().evolve(spins.ticks(1))
cold.load_into(anneal)
anneal.ramp(sweeps).sample()
found = [glass.energy(heatbath.Shots(spins, seed=3).run(program, 512).states[:, 0]) for program in (quench, anneal)]
lowest = float(np.min(found))
for name, energies in zip(("quenched", "annealed"), found):
    print(f"{name}: lowest {energies.min():.0f}, mean {energies.mean():.1f}, at {lowest:.0f} {np.mean(energies == lowest):.1%}")
assert found[1].mean() < found[0].mean()
