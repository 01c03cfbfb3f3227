// Spins at a temperature: the mean energy of an Ising chain, whose exact value is known.

// docs: begin ising_sampler
#include <cmath>
#include <cstdio>
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/open.hpp"

int main() {
  using namespace heatbath::network;
  heatbath::Device device = heatbath::open("func:cell=pbit&cells=8");
  const std::vector<Edge> chain{{0, 1, 1}, {1, 2, 1}, {2, 3, 1}, {3, 4, 1}, {4, 5, 1}, {5, 6, 1}, {6, 7, 1}};
  const Network network = Network::ising(chain, std::vector<double>(8));     // E = -sum J s s - sum h s
  const Scaling scaling(network, device.capabilities(), {.kT = 1.5});
  scaling.set_step(device);                                                  // one sweep
  heatbath::Program program = scaling.program();
  program.evolve(scaling.ticks(device, 100)).loop_begin(100).evolve(scaling.ticks(device, 2)).sample().loop_end();
  double energy = 0;
  const heatbath::Capture capture = Shots(device, {.strict = true}).run(program, 500).capture;
  for (const double of_record : network.energies(capture)) energy += of_record / 50000;
  std::printf("<E> = %.2f (exact: %.2f)\n", energy, -7 * std::tanh(1 / 1.5));
}
// docs: end ising_sampler
