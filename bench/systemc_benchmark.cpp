// What the SystemC kernel costs: the same jobs on tlm: and func: in turns, and the price of a register read.
// Usage: systemc_benchmark [rounds]; by default 15.
//
// In a round each device runs nine times, three times each at every place of the round: caches, allocator and clock
// rates favour some places. The ratio of a round is that of the times summed over it; shown are the median over the
// rounds and, in brackets, the quartiles. The control is a second func: device: what its ratio differs from 1 by, and
// the width of its quartiles, is what the machine adds to the other ratio. Times are CPU times of the thread.
//
// The goals: tlm / func 1.03 or less from 256 cells on; a register read through the driver 200 ns or less on tlm:, 50
// ns or less on func:.
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <exception>
#include <functional>
#include <random>
#include <vector>

#include "heatbath/open.hpp"

namespace {

double now() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

struct Quartiles {
  double low, median, high;
};

Quartiles quartiles(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double part) {
    const double place = part * static_cast<double>(values.size() - 1);
    const auto index = static_cast<std::size_t>(place);
    const double rest = place - static_cast<double>(index);
    return values[index] + (index + 1 < values.size() ? rest * (values[index + 1] - values[index]) : 0.0);
  };
  return {at(0.25), at(0.5), at(0.75)};
}

/// Seconds of a run on each device, and ratios to the first of them.
struct Comparison {
  std::array<Quartiles, 3> seconds;  // func:, tlm:, the control
  Quartiles ratio, control;
};

/// `run(d)` does the work once on device d.
Comparison compare(int rounds, const std::function<void(int)>& run) {
  constexpr std::array order{0, 1, 2, 1, 2, 0, 2, 0, 1};
  for (const int device : {0, 1, 2}) run(device);  // first touches
  std::array<std::vector<double>, 3> seconds;
  std::vector<double> ratios, controls;
  for (int round = 0; round < rounds; ++round) {
    std::array<double, 3> taken{};
    for (std::size_t place = 0; place < order.size(); ++place) {
      const int device = order[place];
      const double start = now();
      run(device);
      const double one = now() - start;
      taken[static_cast<std::size_t>(device)] += one;
      seconds[static_cast<std::size_t>(device)].push_back(one);
    }
    ratios.push_back(taken[1] / taken[0]);
    controls.push_back(taken[2] / taken[0]);
  }
  return {{quartiles(seconds[0]), quartiles(seconds[1]), quartiles(seconds[2])}, quartiles(ratios),
          quartiles(controls)};
}

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

}  // namespace

int main(int argc, char** argv) {
  try {
    const int rounds = argc > 1 ? std::max(3, std::atoi(argv[1])) : 15;
    heatbath::Device devices[] = {heatbath::open("func:cells=1024&lanes=16&threads=1"),
                                  heatbath::open("tlm:cells=1024&lanes=16&threads=1"),
                                  heatbath::open("func:cells=1024&lanes=16&threads=1")};
    std::printf("%5s %5s %9s %9s   %-22s %-22s\n", "cells", "lanes", "func: ms", "tlm: ms", "tlm / func",
                "control / func");
    for (const std::uint32_t cells : {256u, 512u, 1024u}) {
      for (const std::uint32_t lanes : {1u, 16u}) {
        const std::uint64_t steps = std::uint64_t{1'000'000'000} / (std::uint64_t{cells} * cells * lanes);
        const heatbath::Program program = job_of(devices[0], cells, std::max<std::uint64_t>(steps / 25, 4) * 25);
        const Comparison found =
            compare(rounds, [&](int device) { devices[device].run(program, {.shots = lanes, .seed = 1}); });
        std::printf("%5u %5u %9.2f %9.2f   %.3f (%.3f .. %.3f)   %.3f (%.3f .. %.3f)\n", cells, lanes,
                    found.seconds[0].median * 1e3, found.seconds[1].median * 1e3, found.ratio.median, found.ratio.low,
                    found.ratio.high, found.control.median, found.control.low, found.control.high);
        std::fflush(stdout);
      }
    }
    constexpr int calls = 20000, reads_of_a_call = 3;  // TIME is read high, low, high
    const Comparison reads = compare(rounds, [&](int device) {
      for (int i = 0; i < calls; ++i) devices[device].now();
    });
    const auto ns = [](double seconds) { return seconds * 1e9 / (calls * reads_of_a_call); };
    std::printf("register read, ns: func: %.0f (%.0f .. %.0f), tlm: %.0f (%.0f .. %.0f), control %.0f (%.0f .. %.0f)\n",
                ns(reads.seconds[0].median), ns(reads.seconds[0].low), ns(reads.seconds[0].high),
                ns(reads.seconds[1].median), ns(reads.seconds[1].low), ns(reads.seconds[1].high),
                ns(reads.seconds[2].median), ns(reads.seconds[2].low), ns(reads.seconds[2].high));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "systemc_benchmark: %s\n", error.what());
    return 2;
  }
  return 0;
}
