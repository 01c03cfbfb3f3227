"""What samples alone say of their sampler."""
import heatbath

# docs: begin certificate
network = heatbath.Network.ising({(0, 1): 0.5, (1, 2): -0.4, (0, 2): 0.3}, h=[0.1, 0.0, -0.2])
device = heatbath.open("func:cell=pbit&cells=3")
program = heatbath.Scaling(network, device, kT=1.0).program().evolve(device.ticks(20))
for _ in range(50):
    program.evolve(device.ticks(1)).sample()
states = heatbath.Shots(device, seed=1).run(program, 200).states  # (200 shots, 50 records, 3 cells)

certificate = heatbath.certificate(network, states, kT=1.0, enumerate=True)
print(certificate)
assert certificate.clean
# docs: end certificate
