#pragma once
// What all trainings by averages of data and device do alike: the step of a parameter, and which patterns are held.

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/error.hpp"
#include "heatbath/trainers/machine_training.hpp"

namespace heatbath::trainers {

/// A value within +-limit; 0: any.
inline float limited(double value, double limit) {
  return static_cast<float>(limit > 0 ? std::clamp(value, -limit, limit) : value);
}

/// The field of a visible cell before the first update: of a lone cell of this mean, which few patterns never make sure.
inline float first_field(double mean, double limit) {
  constexpr double surest = 0.97;
  return limited(std::atanh(std::clamp(mean, -surest, surest)), limit);
}

/// The step of every parameter at one update.
class LearningStep {
 public:
  /// Of update number `update`, from 0.
  LearningStep(const BoltzmannOptions& options, std::uint32_t update)
      : options_(options), rate_(options.rate * (1 - 0.9 * update / options.updates)) {}

  /// The next value of a parameter whose average of data less that of the device is `gap`; `model_mean`: the latter.
  float next(float parameter, double gap, double model_mean) const {
    const auto now = static_cast<double>(parameter);
    const double slope = gap - options_.decay * now;
    const double scale = options_.preconditioner > 0 ? options_.preconditioner + 1 - model_mean * model_mean : 1;
    return limited(now + rate_ * slope / scale, options_.limit);
  }

 private:
  const BoltzmannOptions& options_;
  double rate_;
};

/// Index of the pattern at `quantile` of the weights.
inline std::size_t pattern_at(std::span<const double> weights, double quantile) {
  double sum = 0;
  for (std::size_t i = 0; i < weights.size(); ++i) {
    sum += weights[i];
    if (quantile < sum) return i;
  }
  // Rounding: the last one with any weight.
  for (std::size_t i = weights.size(); i-- > 0;)
    if (weights[i] > 0) return i;
  return 0;
}

/// The patterns that the shots of a clamped phase on the device hold, and what each shot counts: so that patterns count
/// by their weights, exactly where each has a shot.
struct HeldPatterns {
  std::vector<std::size_t> index;
  std::vector<double> weight;
};
inline HeldPatterns held_patterns(const Patterns& data, std::uint32_t shots, std::uint32_t update) {
  HeldPatterns held;
  std::vector<std::uint32_t> shots_of(data.size(), 0);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    held.index.push_back(data.size() > shots ? (std::size_t{update} * shots + shot) % data.size()
                                             : pattern_at(data.weights, (shot + 0.5) / shots));
    ++shots_of[held.index.back()];
  }
  double sum = 0;
  for (const std::size_t index : held.index) {
    held.weight.push_back(data.weights[index] / shots_of[index]);
    sum += held.weight.back();
  }
  if (sum <= 0) throw Error(HB_BAD_ARG, "a machine is trained on patterns whose weights are all 0");
  for (double& weight : held.weight) weight /= sum;
  return held;
}

}  // namespace heatbath::trainers
