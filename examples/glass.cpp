// docs: begin glass
#include <cstdio>
#include "heatbath/open.hpp"
#include "heatbath/solvers/anneal.hpp"

int main() {
  using namespace heatbath;
  Device device = open("func:cell=pbit&topology=torus:24x24&lanes=16");
  std::vector<network::Edge> bonds;
  for (const Coupler& pair : device.capabilities().couplers())
    bonds.push_back({pair.i, pair.j, (pair.i * 2654435761u ^ pair.j * 40503u) >> 13 & 1 ? 1.0 : -1.0});
  const network::Network glass = network::Network::ising(bonds, std::vector<double>(24 * 24));
  const solvers::SampleSet annealed = solvers::anneal(device, glass, {.reads = 16, .sweeps = 2000});
  solvers::TemperingOptions options;
  options.clusters = true;
  const solvers::TemperingResult tempered = solvers::temper(device, glass, options);
  std::printf("annealing %.0f, tempering %.0f\n", annealed.lowest_energy(), tempered.best.lowest_energy());
}
// docs: end glass
