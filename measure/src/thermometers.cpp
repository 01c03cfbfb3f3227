#include "heatbath/measure/thermometers.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace heatbath::measure {
namespace {

std::size_t length_of(std::span<const double> x, std::span<const double> y, std::size_t chains, const char* who) {
  if (x.size() != y.size() || chains < 2 || x.empty() || x.size() % chains != 0) {
    throw std::invalid_argument(std::string(who) + ": wants two tables of one size with at least 2 equal chains");
  }
  return x.size() / chains;
}

}  // namespace

Estimate effective_temperature(std::span<const double> squared_gradients, std::span<const double> laplacians,
                               std::size_t chains) {
  const std::size_t length = length_of(squared_gradients, laplacians, chains, "effective_temperature");
  BlockedMeans means(2, std::min<std::size_t>(chains, 256));
  for (std::size_t i = 0; i < laplacians.size(); ++i) means.add(i / length, {squared_gradients[i], laplacians[i]});
  return means.estimate([](std::span<const double> m) { return m[0] / m[1]; });
}

Estimate gaussian_mutual_information(std::span<const double> x, std::span<const double> y, std::size_t chains) {
  const std::size_t length = length_of(x, y, chains, "gaussian_mutual_information");
  BlockedMeans means(5, std::min<std::size_t>(chains, 256));
  for (std::size_t i = 0; i < x.size(); ++i) means.add(i / length, {x[i], y[i], x[i] * x[i], y[i] * y[i], x[i] * y[i]});
  return means.estimate([](std::span<const double> m) {
    const double xx = m[2] - m[0] * m[0], yy = m[3] - m[1] * m[1], xy = m[4] - m[0] * m[1];
    return -std::log1p(-xy * xy / (xx * yy)) / 2;
  });
}

Estimate sign_mutual_information(std::span<const double> x, std::span<const double> y, std::size_t chains) {
  const std::size_t length = length_of(x, y, chains, "sign_mutual_information");
  BlockedMeans means(3, std::min<std::size_t>(chains, 256));
  for (std::size_t i = 0; i < x.size(); ++i) {
    means.add(i / length, {x[i] > 0 ? 1.0 : 0.0, y[i] > 0 ? 1.0 : 0.0, x[i] > 0 && y[i] > 0 ? 1.0 : 0.0});
  }
  return means.estimate([](std::span<const double> m) {
    const double joint[4] = {m[2], m[0] - m[2], m[1] - m[2], 1 - m[0] - m[1] + m[2]};
    const double law[4] = {m[0] * m[1], m[0] * (1 - m[1]), (1 - m[0]) * m[1], (1 - m[0]) * (1 - m[1])};
    double sum = 0;
    for (int k = 0; k < 4; ++k) sum += joint[k] > 0 ? joint[k] * std::log(joint[k] / law[k]) : 0;
    return sum;
  });
}

}  // namespace heatbath::measure
