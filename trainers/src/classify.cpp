#include <algorithm>
#include <cmath>
#include <limits>

#include "heatbath/error.hpp"
#include "heatbath/trainers/generative.hpp"

namespace heatbath::trainers {
namespace {

/// Pearson correlation; 0 where one of the two is constant.
double correlation(std::span<const float> a, std::span<const float> b) {
  const double n = static_cast<double>(a.size());
  double mean_a = 0, mean_b = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    mean_a += a[i] / n;
    mean_b += b[i] / n;
  }
  double ab = 0, aa = 0, bb = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double da = a[i] - mean_a, db = b[i] - mean_b;
    ab += da * db;
    aa += da * da;
    bb += db * db;
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0.0;
}

}  // namespace

std::vector<std::uint8_t> GenerativeModel::classes() const {
  std::vector<std::uint8_t> classes;
  for (const std::uint8_t digit : prototypes.digits) {
    if (std::find(classes.begin(), classes.end(), digit) == classes.end()) classes.push_back(digit);
  }
  return classes;
}

Classification classify(const Samples& samples, const Prototypes& prototypes) {
  const std::size_t visible = samples.visible;
  const std::size_t classes = prototypes.digits.size();
  if (classes == 0 || prototypes.images.size() != classes * visible) {
    throw Error(HB_BAD_ARG, "classify: prototypes hold " + std::to_string(prototypes.images.size()) + " values, " +
                                std::to_string(classes) + " prototypes of " + std::to_string(visible) + " are needed");
  }
  Classification result;
  result.fractions.assign(classes, 0.0);
  result.asked_fraction = samples.asked.empty() ? std::numeric_limits<double>::quiet_NaN() : 0.0;
  if (samples.shots == 0) return result;
  const double share = 1.0 / samples.shots;
  for (std::size_t shot = 0; shot < samples.shots; ++shot) {
    const std::span<const float> image(samples.images.data() + shot * visible, visible);
    std::size_t best = 0;
    double best_correlation = 0;
    for (std::size_t p = 0; p < classes; ++p) {
      const double c = correlation(image, {prototypes.images.data() + p * visible, visible});
      if (std::abs(c) > std::abs(best_correlation)) {
        best = p;
        best_correlation = c;
      }
    }
    result.prototype.push_back(static_cast<int>(best));
    result.correlation.push_back(static_cast<float>(best_correlation));
    result.fractions[best] += share;
    if (best_correlation < 0) result.inverted_fraction += share;
    result.mean_abs_correlation += share * std::abs(best_correlation);
    if (!samples.asked.empty() && samples.asked[shot] == prototypes.digits[best]) result.asked_fraction += share;
  }
  return result;
}

}  // namespace heatbath::trainers
