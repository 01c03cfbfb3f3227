#pragma once
// Means of spins and of their products.

#include <cstddef>
#include <span>
#include <vector>

namespace heatbath::trainers {

/// Means <s_i>, and <s_i s_j> of j < i at i * cells + j.
struct SpinMoments {
  std::vector<double> mean, pair;
  explicit SpinMoments(std::size_t cells) : mean(cells, 0.0), pair(cells * cells, 0.0) {}

  template <typename Value>
  void add(std::span<const Value> spins, double weight) {
    const std::size_t n = mean.size();
    for (std::size_t i = 0; i < n; ++i) {
      const double scaled = weight * static_cast<double>(spins[i]);
      mean[i] += scaled;
      double* row = pair.data() + i * n;
      for (std::size_t j = 0; j < i; ++j) row[j] += scaled * static_cast<double>(spins[j]);
    }
  }

  /// Of s_i where i = j, else of s_i s_j.
  double of(std::size_t i, std::size_t j) const { return i == j ? mean[i] : pair[i > j ? i * mean.size() + j : j * mean.size() + i]; }
};

}  // namespace heatbath::trainers
