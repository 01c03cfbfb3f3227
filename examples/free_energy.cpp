// The free energy difference of two wells from the work of driving one into the other, with its error.

// docs: begin free_energy
#include <cstdio>
#include "heatbath/measure/free_energy.hpp"
#include "heatbath/open.hpp"

int main() {
  heatbath::Device device = heatbath::open();  // a device with CAPS.METERS
  heatbath::Program drive(device.capabilities(), 1);
  drive.load(heatbath::CellSection::j2, 0.5f).load_temperature(1).commit().evolve(device.ticks(4));  // V = x^2/2
  drive.meter_clear().load(heatbath::CellSection::j2, 2).ramp(device.ticks(1)).meter_snapshot();     // V = 2 x^2
  const heatbath::Result result = device.run(drive, {.shots = 4000});
  const auto work = heatbath::measure::path_works(device.capabilities(), result.meters[0]);  // with the integrator's shadow work
  const heatbath::measure::Estimate difference = heatbath::measure::jarzynski(work, 1);
  std::printf("dF = %.3f +- %.3f kT (exact: %.3f)\n", difference.value, difference.standard_error, 0.6931);
}
// docs: end free_energy
