#include "heatbath/measure/thermometers.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "series.hpp"

namespace heatbath::measure {
namespace {

std::size_t length_of(std::span<const double> x, std::span<const double> y, std::size_t chains, const char* who) {
  want(x.size() == y.size() && chains >= 2 && !x.empty() && x.size() % chains == 0,
       std::string(who) + ": wants two tables of one size with at least 2 equal chains");
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
  const Deviations a(x, "gaussian_mutual_information"), b(y, "gaussian_mutual_information");
  if (a.still() || b.still()) return {0, 0, 1};
  BlockedMeans means(5, std::min<std::size_t>(chains, 256));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double u = a.values[i], v = b.values[i];
    means.add(i / length, {u, v, u * u, v * v, u * v});
  }
  return means.estimate([](std::span<const double> m) {
    const double xx = m[2] - m[0] * m[0], yy = m[3] - m[1] * m[1], xy = m[4] - m[0] * m[1];
    // Rounding: signals that are equal up to scale.
    const double square = xy * xy / (xx * yy);
    return square < 1 - 1e-14 ? -std::log1p(-square) / 2 : std::numeric_limits<double>::infinity();
  });
}

Estimate sign_mutual_information(std::span<const double> x, std::span<const double> y, std::size_t chains) {
  const std::size_t length = length_of(x, y, chains, "sign_mutual_information");
  want_finite(x, "sign_mutual_information");
  want_finite(y, "sign_mutual_information");
  BlockedMeans means(4, std::min<std::size_t>(chains, 256));
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double up = x[i] > 0 ? 1 : 0, same = y[i] > 0 ? 1 : 0;
    means.add(i / length, {up * same, up * (1 - same), (1 - up) * same, (1 - up) * (1 - same)});
  }
  return means.estimate([](std::span<const double> joint) {
    const double up[2] = {joint[2] + joint[3], joint[0] + joint[1]}, same[2] = {joint[1] + joint[3], joint[0] + joint[2]};
    const double law[4] = {up[1] * same[1], up[1] * same[0], up[0] * same[1], up[0] * same[0]};
    double sum = 0;
    for (int k = 0; k < 4; ++k) sum += joint[k] > 0 ? joint[k] * std::log(joint[k] / law[k]) : 0;
    return sum;
  });
}

}  // namespace heatbath::measure
