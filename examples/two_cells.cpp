// Two bistable cells, coupled so that they prefer the same well: prints the correlation of their states.

// docs: begin two_cells
#include <cstdio>
#include "heatbath/open.hpp"

int main() {
  heatbath::Device device = heatbath::open();  // the emulator, or the device that HEATBATH_DEVICE names
  heatbath::Program wells(device.capabilities(), 2);  // V = sum (-2 x^2 + x^4) - 0.5 x0 x1 at kT = 1
  wells.load(heatbath::CellSection::j2, -2).load(heatbath::CellSection::j4, 1).load_temperature(1);
  wells.load_couplings(std::vector<float>{0, -0.5f, -0.5f, 0}).commit().evolve(device.ticks(10)).sample();
  const heatbath::Capture states = device.run(wells, {.shots = 1000}).capture;
  double sum = 0;
  for (std::uint32_t shot = 0; shot < 1000; ++shot) sum += states.state(shot, 0)[0] * states.state(shot, 0)[1];
  std::printf("<x0 x1> = %.3f\n", sum / 1000);
}
// docs: end two_cells
