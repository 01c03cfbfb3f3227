// A system of linear equations, solved by the thermal mean of coupled cells.

// docs: begin linear_solver
#include <cstdio>
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/open.hpp"

int main() {
  const std::vector<double> A{2, -1, 0, -1, 2, -1, 0, -1, 2}, b{1, 0, 1};  // A x = b: x = (1, 1, 1)
  heatbath::Device device = heatbath::open();
  const auto network = heatbath::network::Network::quadratic_form(A, b);   // V = x'Ax/2 - b'x, least at x
  const heatbath::network::Scaling scaling(network, device.capabilities(), {.kT = 0.05});
  scaling.set_step(device);
  heatbath::Program program = scaling.program();
  program.evolve(scaling.burn_in(device)).loop_begin(32).evolve(scaling.burn_in(device, 1)).sample().loop_end();
  heatbath::network::Shots shots(device, {.strict = true});
  const heatbath::Result result = shots.run(program, 128);
  const std::vector<double> x = scaling.states(result.capture.means());
  std::printf("x = %.2f %.2f %.2f\n", x[0], x[1], x[2]);
}
// docs: end linear_solver
