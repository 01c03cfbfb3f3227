// The program of docs/bound.md: a wrong score costs half its path divergence.
#include <cmath>
#include <cstdio>

#include "heatbath/open.hpp"
#include "heatbath/studies/score_bound.hpp"

int main() {
  // docs: begin bound
  heatbath::trainers::BoundOptions options;
  options.process = heatbath::trainers::Process::ve;
  options.score = heatbath::trainers::ScoreKind::linear;
  options.ratio = 0.5;                         // the model believes the data to be twice as wide
  options.samples = 4096;
  options.generate = false;
  heatbath::Device device = heatbath::open();  // HEATBATH_DEVICE, else the emulator
  const auto result = heatbath::trainers::score_bound(device, heatbath::trainers::DataLaw::gaussian(1), options);
  std::printf("gap %.3f, half the path divergence %.3f\n", result.gap.value, result.half_path_kl.value);
  // docs: end bound
  return std::abs(result.gap.value - result.half_path_kl.value) < 0.02 ? 0 : 1;
}
