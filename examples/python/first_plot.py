"""Two bistable cells that prefer the same well: 4,000 samples, held against their law and drawn. Needs matplotlib."""

# docs: begin sample
import heatbath

device = heatbath.open("func:cells=2&lanes=256")
network = heatbath.Network.double_wells(2, height=1.0)     # V = (x0^2 - 1)^2 + (x1^2 - 1)^2 ...
network.set_couplings({(0, 1): -0.5})                      # ... - 0.5 x0 x1: the same well costs less
scaling = heatbath.Scaling(network, device, kT=0.5)
scaling.set_step(device)
program = scaling.program().evolve(scaling.ticks(device, 20)).sample()
result = heatbath.Shots(device, seed=1).run(program, 4_000)
states = scaling.states(result.states[:, 0])               # 4,000 x 2, in the units of V
print(f"<x0 x1> = {(states[:, 0] * states[:, 1]).mean():.3f}")
# docs: end sample

# docs: begin law
import numpy as np

x = np.linspace(-2.5, 2.5, 501)
pairs = np.stack(np.meshgrid(x, x, indexing="ij"), -1).reshape(-1, 2)
weights = np.exp(-network.energy(pairs) / 0.5)
weights /= weights.sum()
exact = (weights * pairs[:, 0] * pairs[:, 1]).sum()
print(f"exact    = {exact:.3f}")
# docs: end law

spread = np.sqrt((weights * (pairs[:, 0] * pairs[:, 1] - exact) ** 2).sum() / len(states))
assert abs((states[:, 0] * states[:, 1]).mean() - exact) < 4 * spread

# docs: begin plot
import matplotlib.pyplot as pyplot

import heatbath.plot

figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
heatbath.plot.samples(states, axes=left)
heatbath.plot.samples(states, cells=(0,), axes=right)
right.plot(x, weights.reshape(501, 501).sum(1) / (x[1] - x[0]), label="exact law")
right.legend()
figure.savefig("two_cells.png")
# docs: end plot
