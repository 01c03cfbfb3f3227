"""A frustrated square as D-Wave's Ocean tools write it, sampled on p-bits."""

# docs: begin sample
import dimod

from heatbath.dimod import HeatbathSampler

bqm = dimod.BinaryQuadraticModel.from_ising({}, {"ab": -1, "bc": -1, "cd": -1, "da": 1})
samples = HeatbathSampler().sample(bqm, num_reads=1000, beta=1.0, seed=1)
print(samples.aggregate())
# docs: end sample

assert len(samples) == 1000 and samples.first.energy == -2
# Eight states of energy -2 and eight of +2.
share = (samples.record.energy < 0).mean()
exact = 1 / (1 + 2.718281828459045 ** -4)
assert abs(share - exact) < 4 * (exact * (1 - exact) / 1000) ** 0.5, (share, exact)
