// How long the main job takes: training and samples on the ideal chip, split by what the time is spent on.
// Usage: generator_benchmark [updates] [samples] [threads…]; by default 100, 200, 1 and 2.
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>
#include <vector>

#include "heatbath/open.hpp"
#include "heatbath/trainers/generative.hpp"

namespace {

void run(std::uint32_t updates, std::uint32_t shots, unsigned threads, heatbath::trainers::Optimizer optimizer) {
  using namespace heatbath::trainers;
  const Images digits = draw_digits(1, 1);
  heatbath::Device device = heatbath::open("func:profile=ideal&threads=" + std::to_string(threads));
  GenerativeOptions options;
  options.updates = updates;
  options.threads = threads;
  options.optimizer = optimizer;
  GenerativeTrainer trainer(device, digits, options);
  trainer.train();
  const Samples samples = generate(device, trainer.model(), {.shots = shots, .threads = threads});
  double heat = 0;
  for (const double q : samples.heat) heat += q / samples.shots / samples.kT;
  const Seconds& seconds = trainer.seconds();
  std::printf("%-9s %7u %7.2f %9.2f %9.2f %9.2f %7.2f   %7.0f %9.2f -> %.2f\n",
              optimizer == Optimizer::online ? "online" : "gradient", threads, seconds.build_programs, seconds.simulate,
              seconds.gradient, samples.seconds, seconds.total + samples.seconds, heat,
              trainer.actions().front().per_step, trainer.actions().back().per_step);
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const auto number = [&](int index, unsigned otherwise) {
      return argc > index ? static_cast<unsigned>(std::strtoul(argv[index], nullptr, 10)) : otherwise;
    };
    const unsigned updates = number(1, 100), shots = number(2, 200);
    std::vector<unsigned> threads;
    for (int i = 3; i < argc; ++i) threads.push_back(number(i, 1));
    if (threads.empty()) threads = {1, 2};
    std::printf("%u updates, %u samples; seconds\n", updates, shots);
    std::printf("%-9s %7s %7s %9s %9s %9s %7s   %7s %s\n", "optimizer", "threads", "build", "simulate", "gradient",
                "generate", "total", "<Q>/kT", "action per step");
    using heatbath::trainers::Optimizer;
    for (const unsigned count : threads) {
      run(updates, shots, count, Optimizer::gradient);
      run(updates, shots, count, Optimizer::online);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "generator_benchmark: %s\n", error.what());
    return 2;
  }
  return 0;
}
