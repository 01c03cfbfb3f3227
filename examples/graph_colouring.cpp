// Colours for the countries of a map: a Potts antiferromagnet at a low temperature is a graph colouring.

// docs: begin graph_colouring
#include <algorithm>
#include <cstdio>
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/open.hpp"

int main() {
  using namespace heatbath::network;
  heatbath::Device device = heatbath::open("func:cell=categorical&states=3&cells=7");
  const std::vector<Edge> borders{{0, 1, 1}, {0, 2, 1}, {1, 2, 1}, {1, 3, 1}, {2, 3, 1}, {2, 4, 1}, {2, 5, 1}, {3, 5, 1}, {4, 5, 1}};
  const Network network = Network::colouring(7, 3, borders);                 // E = borders between equal colours
  const Scaling scaling(network, device.capabilities(), {.kT = 0.2});
  scaling.set_step(device);                                                  // one sweep
  heatbath::Program program = scaling.program();
  program.evolve(scaling.ticks(device, 50)).sample();
  const heatbath::Capture capture = Shots(device, {.strict = true}).run(program, 100).capture;
  const std::vector<double> wrong = network.energies(capture);
  const auto best = std::min_element(wrong.begin(), wrong.end()) - wrong.begin();
  std::printf("%d of 100 are colourings:", static_cast<int>(std::ranges::count(wrong, 0.0)));
  for (const float colour : capture.state(static_cast<std::uint32_t>(best), 0)) std::printf(" %d", static_cast<int>(colour));
  std::printf("\n");
}
// docs: end graph_colouring
