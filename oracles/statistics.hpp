#pragma once
// Averages of correlated series with honest errors.

#include <functional>
#include <span>
#include <vector>

namespace heatbath::reference {

/// A measured number.
struct Estimate {
  double value;
  double standard_error;
  double effective_samples;
};

/// Integrated autocorrelation time tau = 1 + 2 sum_{k=1}^{M} rho_k in samples, summed up to the first window
/// M >= 6 max(tau, 1) (Madras & Sokal 1988); its relative error is about sqrt(26 tau/n). At least 2 values; n for a
/// series that does not move, below 1 for alternating series. A slow part below fast noise is not seen.
double integrated_autocorrelation_time(std::span<const double> series);

/// n/tau, at most n.
double effective_sample_size(std::span<const double> series);

/// Mean with the standard error sqrt(variance tau/n).
Estimate series_mean(std::span<const double> series);

/// Mean with the standard error of `batches` >= 2 contiguous batch means; what is left over at the end is not used for
/// the error. Batches must be much longer than the autocorrelation time. effective_samples is
/// variance/standard_error^2.
Estimate batch_means(std::span<const double> series, std::size_t batches);

/// Delete-one-block jackknife of any function of a series: `statistic` of all values, with the error from leaving out
/// each of `blocks` contiguous blocks. The value is not corrected for bias. effective_samples is `blocks`.
Estimate jackknife(std::span<const double> series, std::size_t blocks,
                   const std::function<double(std::span<const double>)>& statistic);

/// Potential scale reduction of chains of one length, each split in two (Gelman & Rubin 1992; split form of Gelman et
/// al. 2013): 1 when they sample one law, clearly above when chains stay in different basins. At least 4 values per
/// chain.
double split_r_hat(std::span<const std::vector<double>> chains);

}  // namespace heatbath::reference
