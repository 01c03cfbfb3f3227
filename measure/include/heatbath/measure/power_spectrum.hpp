#pragma once
// Power spectra of series that come value by value.

#include <cstddef>
#include <memory>
#include <vector>

#include "heatbath/measure/estimate.hpp"

namespace heatbath::measure {

/// Mean periodogram of `chains` series of values at equal times (Welch 1967): segments that overlap by half, each less
/// its mean and under Hann's window. One-sided: summed over bins times frequency(1) it is the variance. What is faster
/// than half a sample is folded back, as in every sampled series. Memory: a segment and its spectrum for each chain.
class PowerSpectrum {
 public:
  /// `segment`: values, even, at least 4; `spacing`: time between values. Throws std::invalid_argument otherwise.
  PowerSpectrum(std::size_t chains, std::size_t segment, double spacing);
  ~PowerSpectrum();
  PowerSpectrum(PowerSpectrum&&) noexcept;
  PowerSpectrum& operator=(PowerSpectrum&&) noexcept;

  /// The next value of a chain; chains are independent of each other.
  void add(std::size_t chain, double value);

  std::size_t bins() const { return segment_ / 2; }  ///< frequencies above 0
  /// Of bin k = 1 .. bins(), in cycles per time unit: k/(segment spacing).
  double frequency(std::size_t k) const { return static_cast<double>(k) / (static_cast<double>(segment_) * spacing_); }
  std::size_t segments() const { return segments_; }  ///< of all chains, so far
  /// Squared units of the values times a time unit. The error is that of independent chains; NaN for one chain. NaN
  /// where a chain had no segment yet.
  Estimate density(std::size_t k) const;

 private:
  struct Transform;
  std::size_t chains_, segment_, segments_ = 0;
  double spacing_, norm_ = 0;
  std::vector<double> window_;
  std::vector<double> waiting_;           // chains x segment
  std::vector<std::size_t> have_, done_;  // values that wait; segments of each chain
  std::vector<double> sums_;              // chains x bins
  std::unique_ptr<Transform> transform_;
};

}  // namespace heatbath::measure
