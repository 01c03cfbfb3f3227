# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
# ---

# %% [markdown]
# # Your own energy
# V = sum (-2 x² + x⁴) - 0.8 x₀x₁ - 0.3 x₀: two wells that prefer the same side, one of them tilted.

# %%
import numpy as np

import heatbath
from heatbath import estimates

network = heatbath.Network("overdamped", 2).set("j2", -2.0).set("j4", 1.0)
network.set_couplings({(0, 1): -0.8}).set_fields([0.3, 0.0])
network

# %% [markdown]
# The scaling says how the network lies on the device, which step is stable, and how long it takes; the device is left alone.

# %%
kT = 0.7
device = heatbath.open("func:cells=2&lanes=256")
scaling = heatbath.Scaling(network, device, kT=kT)
scaling.set_step(device)
program = scaling.program().evolve(scaling.ticks(device, 30.0))
program.capture_start(scaling.ticks(device, 1.0)).evolve(scaling.ticks(device, 40.0)).capture_stop()
result = heatbath.Shots(device, seed=4).run(program, 512)
x = scaling.states(result.states)
x.shape

# %% [markdown]
# Beside a grid of exp(-V/kT):

# %%
axis = np.linspace(-3, 3, 301)
grid = np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1)
weights = np.exp(-network.energy(grid) / kT)
weights /= weights.sum()
for name, i, j in (("x0", 0, None), ("x0 x1", 0, 1), ("x0 x0", 0, 0)):
    of_grid, of_samples = (v[..., i] if j is None else v[..., i] * v[..., j] for v in (grid, x))
    exact = (weights * of_grid).sum()
    measured = estimates.mean(of_samples)
    print(f"<{name}> {measured}, exact {exact:.6f}")
    assert abs(measured.value - exact) < 4 * measured.standard_error + 0.01 * abs(exact)  # 1 %: the step

# %%
certificate = heatbath.certificate(network, x, kT=kT)
print(certificate)

# %%
try:
    from matplotlib import pyplot

    from heatbath import plot
except ImportError:
    print("no pictures without matplotlib")
else:
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    plot.samples(x, axes=left)
    plot.autocorrelation(x[:, :, 0], axes=right)
