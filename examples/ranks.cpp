// An array cut over ranks: mpirun -n 3 ranks 'mpi:topology=torus:32x32&lanes=2'. Prints the mean state of each capture.
#include <cstdio>
#include <numeric>

#include "heatbath/open.hpp"
#include "heatbath/ranks.hpp"

// docs: begin main
int main(int argc, char** argv) {
  if (const auto status = heatbath::serve_as_rank(argc, argv)) return *status;  // the ranks beside the first end here
  heatbath::Device device = heatbath::open(argc > 1 ? argv[1] : "");  // or the one that HEATBATH_DEVICE names
  // docs: end main
  heatbath::Program program(device.capabilities(), device.capabilities().cells);
  program.load(heatbath::CellSection::bias, -1).load_temperature(0.5f).commit().evolve(device.ticks(1)).sample();
  const heatbath::Capture states = device.run(program, {.shots = 4, .seed = 1}).capture;
  for (std::uint32_t shot = 0; shot < 4; ++shot) {
    const auto state = states.state(shot, 0);
    std::printf("%.6f\n", std::accumulate(state.begin(), state.end(), 0.0) / static_cast<double>(state.size()));
  }
  return 0;
}
