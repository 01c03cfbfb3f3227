# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # A thermodynamics audit
# Every joule is metered. A trap V = j₂x² is stiffened from 1 to 3 within 0.7 time units, and relaxed again: work and heat of
# each shot, and what Jarzynski and Crooks say of them. The free energy difference is kT ln(3)/2.

# %%
import numpy as np

import heatbath
from heatbath import judges

device = heatbath.open("func:cells=1&lanes=256")
kT = 1.0
exact = kT * np.log(3) / 2


def ramp(of: float, end: float) -> heatbath.Program:
    program = heatbath.Program(device, 1).load("j2", of).load("kT", kT).commit().evolve(device.ticks(6)).meter_clear()
    return program.load("j2", end).ramp(device.ticks(0.7)).meter_snapshot()


shots = heatbath.Shots(device, seed=5)
forward, backward = (shots.run(ramp(*ends), 40_000).meters[0] for ends in ((1.0, 3.0), (3.0, 1.0)))
# The shadow work makes the equality exact at any step.
work = forward["work"] + forward["work_shadow"]
back = backward["work"] + backward["work_shadow"]
print(f"mean work {work.mean():.4f} and {back.mean():.4f}; free energy difference {exact:.4f}")
assert work.mean() > exact

# %% [markdown]
# Jarzynski: ⟨exp(-(W - ΔF)/kT)⟩ = 1, forwards and backwards.

# %%
for name, of in (("forward", np.exp(-(work - exact) / kT)), ("backward", np.exp(-(back + exact) / kT))):
    error = of.std() / np.sqrt(len(of))
    print(f"{name}: {of.mean():.5f} +- {error:.5f}")
    assert abs(of.mean() - 1) < 4 * error

# %% [markdown]
# Crooks: ln P(W)/P̃(-W) = (W - ΔF)/kT, bin by bin.

# %%
edges = np.linspace(-0.2, 1.6, 13)
up, _ = np.histogram(work, edges)
down, _ = np.histogram(-back, edges)
enough = (up > 100) & (down > 100)
middle = 0.5 * (edges[1:] + edges[:-1])
ratio, error = np.log(up[enough] / down[enough]), np.sqrt(1 / up[enough] + 1 / down[enough])
z = (ratio - (middle[enough] - exact) / kT) / error
print("standard errors from the line:", z.round(1))
assert np.abs(z).max() < 4.5

# %% [markdown]
# Landauer: the ladder of exact results has rows of the erasure of a bit; here they are, at a part of their samples.

# %%
ladder = judges.validate(["landauer"], effort=0.1, seed=1)
for check in ladder.checks:
    print(f"{check.name:50} {check.measured:10.5f} +- {check.standard_error:.5f}, expected {check.expected:.5f}")
assert not ladder.failed
ladder
