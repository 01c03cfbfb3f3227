// A linear network on a chip with mismatch, calibrated: its covariance is that of the wanted stiffness.
#include <cstdio>
#include <vector>

#include "heatbath/network/calibration.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/open.hpp"

int main() {
  using heatbath::network::Network;
  std::vector<double> A(16 * 16), b(16);
  for (std::size_t i = 0; i < 16; ++i) {
    A[17 * i] = 3;
    if (i > 0) A[17 * i - 1] = A[17 * i - 16] = -0.5;
  }
  const Network springs = Network::quadratic_form(A, b);
  // docs: begin calibrated
  heatbath::Device device = heatbath::open("func:profile=hb-1024&chip=7&cells=16");
  heatbath::network::correct(device, heatbath::network::calibrate(device, {.effort = 0.2}));
  const heatbath::network::Scaling scaling(springs, device.capabilities(), {.kT = 0.25});
  heatbath::Program program = scaling.program();  // values that undo what this chip does
  // docs: end calibrated
  program.evolve(scaling.burn_in(device)).loop_begin(2000).evolve(scaling.ticks(device, 0.3)).sample().loop_end();
  const heatbath::Capture states = device.run(program).capture;
  double variance = 0;
  for (std::uint32_t cell = 0; cell < 16; ++cell) {
    for (std::uint64_t record = 0; record < states.records(); ++record) {
      const double x = scaling.state(static_cast<double>(states.state(0, record)[cell]));
      variance += x * x / static_cast<double>(states.records()) / 16;
    }
  }
  std::printf("mean variance of a cell %.4f\n", variance);
}
