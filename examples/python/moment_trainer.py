"""A trainer of one's own: a fully visible Boltzmann machine that learns patterns from a device's samples alone."""

import sys

# docs: begin trainer
import numpy as np
import numpy.typing as npt

import heatbath


def train(device: heatbath.Device, patterns: npt.ArrayLike, *, updates: int = 200, shots: int = 1000, rate: float = 0.5,
          seed: int | None = None) -> heatbath.Network:
    """Fields and couplings under which the device shows the patterns (rows of +-1) as often as the rows do.

    The gradient of the likelihood is what the data show minus what the device shows, <s s'> and <s>.
    The device is asked for samples and nothing else. A seed makes the result come again, where the device takes one.
    """
    data = np.asarray(patterns, dtype=float)
    cells = data.shape[1]
    first, second = np.triu_indices(cells, 1)
    fields, couplings = np.zeros(cells), np.zeros(len(first))
    runs = heatbath.Shots(device, seed=seed, strict=True)
    for update in range(updates):
        network = heatbath.Network.ising((first, second, couplings), fields)
        program = heatbath.Scaling(network, device, kT=1.0).program().evolve(device.ticks(30)).sample()
        spins = runs.run(program, shots).states[:, 0].astype(float)
        step = rate / (1 + update / 100)
        fields += step * (data.mean(0) - spins.mean(0))
        couplings += step * ((data[:, first] * data[:, second]).mean(0) - (spins[:, first] * spins[:, second]).mean(0))
    return heatbath.Network.ising((first, second, couplings), fields)
# docs: end trainer


# docs: begin judge
def divergence(network: heatbath.Network, patterns: npt.ArrayLike) -> float:
    """KL divergence of the machine from the patterns in nats, by counting all states."""
    states = 1.0 - 2.0 * ((np.arange(2**network.cells)[:, None] >> np.arange(network.cells)) & 1)
    energies = network.energy(states)
    log_partition = np.log(np.exp(-energies).sum())
    kinds, counts = np.unique(np.asarray(patterns, dtype=float), axis=0, return_counts=True)
    shares = counts / counts.sum()
    return float((shares * (np.log(shares) + network.energy(kinds) + log_partition)).sum())
# docs: end judge


# docs: begin run
patterns = [[1, 1, 1, 1], [1, 1, 1, 1], [-1, -1, -1, -1], [1, 1, -1, -1]] + [[-1, 1, -1, 1]]
device = heatbath.open(sys.argv[1] if len(sys.argv) > 1 else "func:cell=pbit&cells=4&lanes=64")
machine = train(device, patterns, seed=1 if device.capabilities.seeded else None)
untrained = heatbath.Network.ising({}, np.zeros(4))
print(f"{divergence(untrained, patterns):.3f} nats from the data before, {divergence(machine, patterns):.3f} after")
# docs: end run

assert divergence(machine, patterns) < 0.1
