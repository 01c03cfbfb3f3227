#include "validate/start_states.hpp"

#include <algorithm>
#include <cmath>

namespace heatbath::validation {

std::vector<float> law_states(Machine& machine, const reference::BoltzmannLaw& law, std::size_t count) {
  constexpr int kSlices = 4096;
  constexpr double kTail = 1e-7;
  std::vector<double> edges;
  for (int k = 0; k <= kSlices; ++k) edges.push_back(law.quantile(std::clamp(double(k) / kSlices, kTail, 1 - kTail)));
  numerics::RandomStream random(machine.next_seed());
  std::vector<float> states(count);
  for (float& x : states) {
    const double u = kSlices * random.uniform();
    const auto k = static_cast<std::size_t>(u);
    x = static_cast<float>(edges[k] + (u - static_cast<double>(k)) * (edges[k + 1] - edges[k]));
  }
  return states;
}

std::vector<float> normal_states(Machine& machine, std::size_t count, double mean, double variance) {
  numerics::RandomStream random(machine.next_seed());
  std::vector<float> states(count);
  for (float& x : states) x = static_cast<float>(mean + std::sqrt(variance) * random.normal());
  return states;
}

}  // namespace heatbath::validation
