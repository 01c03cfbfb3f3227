#include "potential_energy.hpp"

#include "heatbath/cells/quartic.hpp"

namespace heatbath::trainers {

double potential_energy(const GenerativeModel& model, std::span<const float> state, std::uint32_t segment) {
  const std::span<const float> couplings = model.couplings_of(segment), bias = model.bias_of(segment);
  const std::size_t n = model.cells();
  double energy = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double x = state[i];
    double pairs = 0;
    if (i >= model.visible) {  // no couplings among visible cells
      const float* row = couplings.data() + i * n;
      for (std::size_t j = 0; j < i; ++j) pairs += static_cast<double>(row[j]) * static_cast<double>(state[j]);
    }
    energy += cells::quartic_energy<double>(model.j2, model.j4, bias[i] + pairs, x);
  }
  return energy;
}

}  // namespace heatbath::trainers
