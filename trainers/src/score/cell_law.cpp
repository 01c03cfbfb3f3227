// The law of one quartic cell under a field, tabulated from quadratures.

#include <algorithm>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/trainers/score_network.hpp"

namespace heatbath::trainers {
namespace {

constexpr double kReach = 256;        // fields of the table
constexpr double kPerField = 16;      // points per unit of u
constexpr int kIntervals = 1024;      // of Simpson's rule: beyond double precision for a single well
constexpr double kDrop = 60;          // how far below its maximum the exponent may be left out

struct Moments {
  double mean, variance;
};

/// Mean and variance of exp(-A h^2 - B h^4 + u h), u >= 0, by Simpson's rule where the exponent lies within kDrop of its
/// maximum.
Moments moments_at(double A, double B, double u) {
  const auto exponent = [=](double h) { return h * (u - h * (A + B * h * h)); };
  // With u >= 0 the highest maximum lies at h >= 0, below where the force 2Ah + 4Bh^3 has outgrown u.
  double bound = std::cbrt(u / (4 * B)) + 1 + std::sqrt(std::max(0.0, -A) / (2 * B));
  while (2 * A * bound + 4 * B * bound * bound * bound < u) bound *= 2;
  double low = A < 0 ? std::sqrt(-A / (6 * B)) : 0, high = bound;  // there the force rises with h
  for (int k = 0; k < 200; ++k) {
    const double middle = (low + high) / 2;
    (2 * A * middle + 4 * B * middle * middle * middle < u ? low : high) = middle;
  }
  const double top = (low + high) / 2, most = exponent(top);
  const auto edge = [&](double direction) {
    // Beyond the farthest place that still counts: the exponent falls for good outside [-bound, bound].
    double inside = 0, outside = bound + std::abs(top);
    while (exponent(top + direction * outside) > most - kDrop) outside *= 2;
    for (int k = 0; k < 60; ++k) {
      const double middle = (inside + outside) / 2;
      (exponent(top + direction * middle) > most - kDrop ? inside : outside) = middle;
    }
    return top + direction * outside;
  };
  // A second, lower well may begin again farther out than the first drop: take all of it.
  const double left = A < 0 ? std::min(edge(-1), -bound) : edge(-1), right = edge(1);
  const double width = (right - left) / kIntervals;
  double norm = 0, first = 0, second = 0;
  for (int k = 0; k <= kIntervals; ++k) {
    const double h = left + k * width, d = h - top;
    const double weight = (k == 0 || k == kIntervals ? 1 : k % 2 == 1 ? 4 : 2) * std::exp(exponent(h) - most);
    norm += weight;
    first += weight * d;
    second += weight * d * d;
  }
  const double shift = first / norm;
  return {top + shift, second / norm - shift * shift};
}

/// The piece of a cubic and where in it u lies.
struct Place {
  const float* at;
  float t;
};

inline Place place(const float* table, float u) {
  constexpr auto points = static_cast<float>(2 * kReach * kPerField);
  const float x = std::min(std::max((u + static_cast<float>(kReach)) * static_cast<float>(kPerField), 0.0f), points - 1e-3f);
  const int k = std::min(static_cast<int>(x), static_cast<int>(points) - 1);
  return {table + 2 * k, x - static_cast<float>(k)};
}

inline float mean_at(Place p) {
  const float d = p.at[2] - p.at[0], s0 = p.at[1] - d, s1 = p.at[3] - d, r = 1 - p.t;
  return p.at[0] + p.t * (d + r * (r * s0 - p.t * s1));
}

/// Per unit of t.
inline float slope_at(Place p) {
  const float d = p.at[2] - p.at[0], s0 = p.at[1] - d, s1 = p.at[3] - d, r = 1 - p.t;
  return d + r * (r - 2 * p.t) * s0 - p.t * (2 * r - p.t) * s1;
}

}  // namespace

CellLaw::CellLaw(double A, double B) : A_(A), B_(B) {
  if (!(B > 0) || !std::isfinite(B) || !std::isfinite(A)) {
    throw Error(HB_BAD_ARG, "CellLaw: A and B must be finite and B positive, or the cell is not bounded");
  }
  const int half = static_cast<int>(kReach * kPerField);
  table_.resize(2 * (2 * static_cast<std::size_t>(half) + 1));
  for (int k = 0; k <= half; ++k) {
    const Moments m = moments_at(A, B, k / kPerField);
    const auto slope = static_cast<float>(m.variance / kPerField), mean = k == 0 ? 0.0f : static_cast<float>(m.mean);
    float* right = table_.data() + 2 * static_cast<std::size_t>(half + k);
    float* left = table_.data() + 2 * static_cast<std::size_t>(half - k);
    right[0] = mean;
    left[0] = -mean;
    right[1] = left[1] = slope;
  }
}

float CellLaw::slope(float u) const { return slope_at(place(table_.data(), u)) * static_cast<float>(kPerField); }

float CellLaw::mean(float u) const {
  constexpr auto reach = static_cast<float>(kReach);
  const float inside = mean_at(place(table_.data(), u));
  return std::fabs(u) <= reach ? inside : inside + (u - std::copysign(reach, u)) * slope(u);
}

void CellLaw::of(std::span<const float> fields, std::span<float> means, std::span<float> slopes) const {
  constexpr auto reach = static_cast<float>(kReach);
  for (std::size_t k = 0; k < fields.size(); ++k) {
    const float u = fields[k];
    const Place p = place(table_.data(), u);
    slopes[k] = slope_at(p) * static_cast<float>(kPerField);
    means[k] = mean_at(p);
    if (std::fabs(u) > reach) means[k] += (u - std::copysign(reach, u)) * slopes[k];
  }
}

}  // namespace heatbath::trainers
