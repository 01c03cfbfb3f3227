# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # A first sample
# Three spins, two couplings that align, one that does not. `jupytext --to notebook first_look.py` makes a notebook of this
# file; it runs as a script, too.

# %%
import itertools

import numpy as np

import heatbath

device = heatbath.open("func:cell=pbit&cells=3&lanes=64")
device

# %%
network = heatbath.Network.ising({(0, 1): 1.0, (1, 2): 1.0, (0, 2): -1.0}, h=[0.1, 0.0, 0.0])
scaling = heatbath.Scaling(network, device, kT=1.0)
program = scaling.program().evolve(device.ticks(20)).sample()
result = heatbath.Shots(device, seed=1).run(program, 4000)
spins = result.states[:, 0]
result

# %% [markdown]
# How often each state came up, beside its Boltzmann weight.

# %%
states = np.array(list(itertools.product([-1, 1], repeat=3)))
weights = np.exp(-network.energy(states))
weights /= weights.sum()
counts = np.array([(spins == state).all(axis=1).sum() for state in states])
for state, count, weight in zip(states, counts, weights):
    print(state, f"{count / len(spins):.4f}  {weight:.4f}")
z = (counts - len(spins) * weights) / np.sqrt(len(spins) * weights * (1 - weights))
assert np.abs(z).max() < 4

# %% [markdown]
# What the samples say of themselves, without the law: at which temperature they lie, and how many there are in effect.

# %%
certificate = heatbath.certificate(network, result.states, kT=1.0, enumerate=True)
print(certificate)
assert not certificate.findings
