"""Three spins, two couplings that align, one that does not: 1000 samples at kT = 1."""

# docs: begin first
import heatbath

device = heatbath.open("func:cell=pbit&cells=3")
network = heatbath.Network.ising({(0, 1): 1.0, (1, 2): 1.0, (0, 2): -1.0}, h=[0.1, 0.0, 0.0])
program = heatbath.Scaling(network, device, kT=1.0).program().evolve(device.ticks(20)).sample()
spins = heatbath.Shots(device, seed=1).run(program, 1000).states[:, 0]
# docs: end first

# docs: begin energies
energies = network.energy(spins)  # numpy in, numpy out
print(f"mean energy {energies.mean():.3f}, up on average {spins.mean(axis=0)}")
# docs: end energies

import numpy as np  # noqa: E402

states = np.array(np.meshgrid(*[[-1, 1]] * 3, indexing="ij")).reshape(3, -1).T
weights = np.exp(-network.energy(states))
exact = np.average(network.energy(states), weights=weights)
spread = np.sqrt(np.average((network.energy(states) - exact) ** 2, weights=weights) / 1000)
assert abs(energies.mean() - exact) < 4 * spread, (energies.mean(), exact, spread)
