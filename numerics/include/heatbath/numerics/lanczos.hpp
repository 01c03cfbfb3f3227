#pragma once
// The ends of the spectrum of a symmetric matrix that is known by its products only.

#include <cstddef>
#include <functional>
#include <span>

namespace heatbath::numerics {

struct SpectrumEnds {
  double lowest = 0, highest = 0;
};

/// y = A x; y comes in as zeros.
using SymmetricProduct = std::function<void(std::span<const double> x, std::span<double> y)>;

/// Lowest and highest eigenvalue of a symmetric matrix of `size` > 0 rows, by Lanczos with full orthogonalisation
/// (above 200,000 rows without) and at most 96 products: never outside of the spectrum, and inside of its ends by about
/// 1e-3 of its width at most; exact to rounding for up to 96 rows. The start vector is fixed; it has a part along every
/// eigenvector but for chance.
SpectrumEnds spectrum_ends(std::size_t size, const SymmetricProduct& product);

}  // namespace heatbath::numerics
