// What the SystemC kernel costs: the same jobs on tlm: and func: in turns, and the price of a register read.
// Usage: systemc_benchmark [repeats]; by default 7. Times are CPU times, the least of all runs; the ratio is the
// median of those taken in turns. The goals: 1.03 or less from 256 cells on; 200 ns per register read on tlm:, 50 ns on
// func:.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <random>
#include <vector>

#include "heatbath/device.hpp"

namespace {

/// CPU time: neither backend waits for anything, and other programs do not disturb it much.
double now() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

/// Coupled bistable cells, `steps` steps, a record every 25 of them.
heatbath::Program job_of(heatbath::Device& device, std::uint32_t cells, std::uint64_t steps) {
  std::mt19937 random(1);
  std::uniform_real_distribution<float> uniform(-0.05f, 0.05f);
  std::vector<float> couplings(std::size_t{cells} * cells, 0.0f);
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t k = i + 1; k < cells; ++k) couplings[i * cells + k] = couplings[k * cells + i] = uniform(random);
  const heatbath::Ticks step = device.step();
  heatbath::Program program(device.capabilities(), cells);
  program.load(heatbath::CellSection::j2, -1).load(heatbath::CellSection::j4, 1).load_couplings(couplings).commit();
  program.capture_start({step.count * 25}).evolve({step.count * steps}).capture_stop();
  return program;
}

double run(heatbath::Device& device, const heatbath::Program& program, std::uint32_t shots) {
  const double start = now();
  device.run(program, {.shots = shots, .seed = 1});
  return now() - start;
}

double read_ns(heatbath::Device& device) {
  constexpr int reads = 100000;
  double best = 1e9;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double start = now();
    for (int i = 0; i < reads; ++i) device.now();
    best = std::min(best, (now() - start) * 1e9 / (3.0 * reads));  // TIME is read high, low, high
  }
  return best;
}

double median(std::vector<double> values) {
  std::nth_element(values.begin(), values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const int repeats = argc > 1 ? std::max(1, std::atoi(argv[1])) : 7;
    // The third is a control: what its ratio differs from 1 by is noise of the machine.
    heatbath::Device devices[] = {heatbath::open("func:cells=1024&lanes=16&threads=1"),
                                  heatbath::open("tlm:cells=1024&lanes=16&threads=1"),
                                  heatbath::open("func:cells=1024&lanes=16&threads=1")};
    std::printf("%6s %6s %10s %10s %12s %18s\n", "cells", "lanes", "func: ms", "tlm: ms", "tlm / func",
                "control / func");
    for (const std::uint32_t cells : {256u, 512u, 1024u}) {
      for (const std::uint32_t lanes : {1u, 16u}) {
        const std::uint64_t steps = std::uint64_t{1'000'000'000} / (std::uint64_t{cells} * cells * lanes);
        const heatbath::Program program = job_of(devices[0], cells, std::max<std::uint64_t>(steps / 25, 4) * 25);
        std::vector<double> ratios, control;
        double least[3] = {1e9, 1e9, 1e9};
        for (int repeat = 0; repeat < repeats; ++repeat) {
          double taken[3] = {0, 0, 0};
          // Each comes first, in the middle and last once: caches and allocator favour some of the places.
          for (const int device : {0, 1, 2, 1, 2, 0, 2, 0, 1}) {
            const double seconds = run(devices[device], program, lanes);
            taken[device] += seconds;
            least[device] = std::min(least[device], seconds);
          }
          ratios.push_back(taken[1] / taken[0]);
          control.push_back(taken[2] / taken[0]);
        }
        std::printf("%6u %6u %10.2f %10.2f %12.3f %18.3f\n", cells, lanes, least[0] * 1e3, least[1] * 1e3,
                    median(ratios), median(control));
      }
    }
    std::printf("register read: func: %.0f ns, tlm: %.0f ns\n", read_ns(devices[0]), read_ns(devices[1]));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "systemc_benchmark: %s\n", error.what());
    return 2;
  }
  return 0;
}
