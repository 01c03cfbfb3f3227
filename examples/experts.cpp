// The program of docs/ergodicity.md: parity is beyond one pairwise machine and easy for two experts.
#include <cmath>
#include <cstdio>

#include "heatbath/open.hpp"
#include "heatbath/trainers/ergodicity/experts.hpp"
#include "heatbath/trainers/ergodicity/training_potential.hpp"

int main() {
  // docs: begin experts
  using namespace heatbath::trainers;
  const Patterns patterns = parity_patterns();  // +++, +--, -+-, --+
  heatbath::Device board = heatbath::open("func:cell=pbit&cells=3&stepper=sequential");
  SpinDevice device(board, /*seed=*/1);

  ExpertOptions options;
  options.machine.limit = 3;                // largest field and coupling
  options.machine.preconditioner = 0.02;
  MachineTraining single = begin_training(patterns, /*hidden=*/0, /*seed=*/1);
  train_machine(device, patterns, options.machine, options.machine.updates, single);
  Experts experts = begin_experts(patterns, /*experts=*/2, /*seed=*/1);
  train_experts(device, patterns, options, experts);

  SpinDevice::Run run;
  run.shots = 4096;
  run.burn = 40;
  const auto data = state_weights(patterns);
  const double one = sampled_divergence(data, device.run(single.machine, 1, run)).value;
  const double two = sampled_divergence(data, retrieve(device, experts, patterns, 1, run.shots, 40)).value;
  std::printf("one machine %.2f nats from the data, two experts %.3f\n", one, two);
  // docs: end experts
  return std::abs(one - std::log(2.0)) < 0.05 && two < 0.02 ? 0 : 1;
}
