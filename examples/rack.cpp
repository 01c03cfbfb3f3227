// Two emulators as one device: who ran which shots, and the same states as of one.
#include <cstdio>
#include <string>

#include "heatbath/open.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const std::string file = argv[1];
  heatbath::Device one = heatbath::open("func:lanes=16");
  heatbath::Program program(one.capabilities(), 2);
  program.load(heatbath::CellSection::j2, -2).load(heatbath::CellSection::j4, 1).commit();
  program.clamp(0, 2, 0).release(0, 2).evolve(one.ticks(1)).sample();
  // docs: begin rack
  heatbath::Device rack = heatbath::open("rack:" + file);
  const heatbath::Result result = rack.run(program, {.shots = 1000, .seed = 1});
  for (const heatbath::Share& share : result.shares) std::printf("%u shots by device %u\n", share.shots, share.device);
  // docs: end rack
  const heatbath::Result same = one.run(program, {.shots = 1000, .seed = 1});
  for (std::size_t k = 0; k < same.capture.values().size(); ++k)
    if (result.capture.values()[k] != same.capture.values()[k]) return 1;
  return 0;
}
