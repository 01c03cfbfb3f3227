#include "heatbath/numerics/lanczos.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "heatbath/numerics/work_watch.hpp"

namespace heatbath::numerics {
namespace {

constexpr std::size_t krylov_size = 96;
constexpr std::size_t kept_values = 20'000'000;  // of all vectors; larger ones are made orthogonal to the last two only

double dot(std::span<const double> a, std::span<const double> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

/// A symmetric tridiagonal matrix: below[i] couples rows i - 1 and i.
struct Tridiagonal {
  std::vector<double> diagonal, below;

  /// Eigenvalues below x: negative pivots of the matrix less x (Sylvester's law of inertia).
  std::size_t below_of(double x) const {
    std::size_t count = 0;
    double pivot = 1;
    for (std::size_t i = 0; i < diagonal.size(); ++i) {
      pivot = diagonal[i] - x - (i > 0 ? below[i] * below[i] / pivot : 0.0);
      if (pivot == 0) pivot = -std::numeric_limits<double>::min();
      count += pivot < 0;
    }
    return count;
  }

  /// The point at which the count of eigenvalues below reaches `rank`, within [low, high].
  double eigenvalue(std::size_t rank, double low, double high) const {
    for (int halvings = 0; halvings < 200; ++halvings) {
      const double middle = low + 0.5 * (high - low);
      if (!(middle > low && middle < high)) break;
      (below_of(middle) < rank ? low : high) = middle;
    }
    return low + 0.5 * (high - low);
  }

  SpectrumEnds ends() const {
    double low = std::numeric_limits<double>::infinity(), high = -low;
    for (std::size_t i = 0; i < diagonal.size(); ++i) {
      const double radius =
          (i > 0 ? std::abs(below[i]) : 0.0) + (i + 1 < diagonal.size() ? std::abs(below[i + 1]) : 0.0);
      low = std::min(low, diagonal[i] - radius), high = std::max(high, diagonal[i] + radius);
    }
    return {eigenvalue(1, low, high), eigenvalue(diagonal.size(), low, high)};
  }
};

}  // namespace

SpectrumEnds spectrum_ends(std::size_t size, const SymmetricProduct& product) {
  const std::size_t most = std::min(size, krylov_size);
  std::vector<std::vector<double>> basis;
  std::vector<double> next(size);
  for (std::size_t i = 0; i < size; ++i) next[i] = 1.0 + 0.5 * std::sin(1.0 + 12.9898 * static_cast<double>(i));
  Tridiagonal matrix;
  double norm = std::sqrt(dot(next, next)), largest = 0;
  while (basis.size() < most && (basis.empty() || norm > 1e-13 * largest)) {
    for (double& value : next) value /= norm;
    basis.push_back(next);
    std::vector<double> image(size, 0.0);
    product(basis.back(), image);
    spend(size * basis.size());
    matrix.below.push_back(basis.size() > 1 ? norm : 0.0);
    matrix.diagonal.push_back(dot(basis.back(), image));
    largest = std::max({largest, std::sqrt(dot(image, image)), std::numeric_limits<double>::min()});
    if (basis.size() > 2 && most * size > kept_values) basis[basis.size() - 3] = {};
    for (int twice = 0; twice < 2; ++twice) {
      for (const auto& old : basis) {
        if (old.empty()) continue;
        const double part = dot(old, image);
        for (std::size_t i = 0; i < size; ++i) image[i] -= part * old[i];
      }
    }
    next = std::move(image);
    norm = std::sqrt(dot(next, next));
  }
  return matrix.ends();
}

}  // namespace heatbath::numerics
