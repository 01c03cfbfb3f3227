// A host that links no emulator: it reaches a device that another process serves, or one on a bus.
// remote_host URI
#include <cstdio>

// docs: begin remote_host
#include "heatbath/device.hpp"

double mean_square(const char* uri) {
  heatbath::Device device = heatbath::open_link(uri);  // tcp://…, unix:…, shm:…, uio:… : nothing else changes
  heatbath::Program program(device.capabilities(), 1);  // V = x^2, from 0 to equilibrium
  program.load(heatbath::CellSection::j2, 1).commit().clamp(0, 1, 0).evolve(device.capture_period({1}));
  program.release(0, 1).evolve(device.ticks(3)).sample();
  const heatbath::Capture states = device.run(program, {.shots = 400}).capture;
  double sum = 0;
  for (std::uint32_t shot = 0; shot < 400; ++shot) sum += states.state(shot, 0)[0] * states.state(shot, 0)[0];
  return sum / 400 / device.capabilities().kT_reset;  // 1/2 by equipartition
}
// docs: end remote_host

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: remote_host URI\n", stderr);
    return 2;
  }
  try {
    std::printf("<x^2> = %.2f kT\n", mean_square(argv[1]));
  } catch (const heatbath::Error& error) {
    std::fprintf(stderr, "remote_host: %s\n", error.what());
    return error.code() == HB_BAD_ARG ? 2 : 1;
  }
  return 0;
}
