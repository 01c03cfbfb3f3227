#pragma once
// Samples of one energy at several temperatures, taken together: partition functions, and averages at any temperature.

#include <cstddef>
#include <span>
#include <vector>

#include "heatbath/measure/estimate.hpp"

namespace heatbath::measure {

/// The multistate Bennett acceptance ratio (MBAR; Shirts & Chodera, J. Chem. Phys. 129, 124105 (2008)) for states that
/// differ in temperature alone. With two temperatures it is Bennett's.
class Multistate {
 public:
  /// energies[t]: of the samples at kT[t]. At least two different temperatures above 0, at least one sample of each: else
  /// std::invalid_argument. The equations are solved by Newton's method to 1e-10, in memory and time of the number of
  /// different energies times that of temperatures.
  Multistate(std::span<const double> kT, std::span<const std::vector<double>> energies);

  /// ln Z(kT) - ln Z(the first temperature), at any temperature that the samples reach: how many count there is
  /// effective_samples().
  double log_partition(double kT) const;
  /// Mean over the law at kT of what is values[t][n] in sample n at temperature t.
  double mean(double kT, std::span<const std::vector<double>> values) const;
  /// (sum w)^2 / sum w^2 of the weights that the samples have at kT.
  double effective_samples(double kT) const;

 private:
  struct Level {
    double energy, count;
  };
  std::vector<double> inverse_, counts_, free_;  // 1/kT, samples, -ln Z, of each temperature
  std::vector<std::vector<double>> energies_;
  std::vector<Level> levels_;                    // all samples together

  double log_mixture(double energy) const;  // ln sum_k N_k exp(f_k - E/kT_k)
  void start();
  void solve();
};

/// ln Z of each temperature minus that of the first, with the error of a jackknife over `blocks` parts of the series, the
/// same stretch of all of them: so that samples which depend on each other, or on those of other temperatures, within a
/// stretch do no harm. At least 2 blocks, and as many samples at each temperature: else std::invalid_argument.
std::vector<Estimate> log_partitions(std::span<const double> kT, std::span<const std::vector<double>> energies, std::size_t blocks);

}  // namespace heatbath::measure
