#pragma once
// What is kept of a long run of samples: moments, histograms, autocorrelations and spectra, in memory that does not grow
// with its records.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "heatbath/measure/estimate.hpp"
#include "heatbath/network/network.hpp"

namespace heatbath::solvers {

/// Which statistics are kept while samples come.
struct StatisticsChoice {
  bool moments = false;          ///< means and variances of all cells; covariances of up to 64 of them
  bool histogram = false, autocorrelation = false, spectrum = false;  ///< of each series
  /// Cells that are series, beside the energy and the mean over all cells ("order").
  std::vector<std::uint32_t> cells = {};
  std::uint32_t bins = 40;       ///< of histograms, at least 1
  std::uint32_t lags = 64;       ///< longest lag of autocorrelations, records; shorter runs have as many as they can
  std::uint32_t segment = 256;   ///< records of a spectrum's segment, even; shorter runs have the largest power of two

  bool any() const { return moments || histogram || autocorrelation || spectrum; }  ///< anything at all
};

/// Statistics of samples that come chain by chain and are not kept.
class SampleStatistics {
 public:
  /// `records` of each of `chains` chains, `spacing` network time units apart. Error(BAD_ARG) that says what does not
  /// fit: a cell that does not exist or comes twice, 0 bins, an odd segment, more than 1 GiB, and for spectra fewer than
  /// 4 records.
  SampleStatistics(const network::Network& network, std::uint32_t chains, std::uint32_t records, double spacing,
                   const StatisticsChoice& choice);
  ~SampleStatistics();
  SampleStatistics(SampleStatistics&&) noexcept;
  SampleStatistics& operator=(SampleStatistics&&) noexcept;

  /// Record `record` of chains first_chain..: rows of cells in the network's units, and their energies. Records of a
  /// chain come in order; chains come in groups, one after the other, each group whole.
  void add(std::uint32_t first_chain, std::uint64_t record, std::span<const float> rows, std::span<const double> energies);

  /// As it was given; samples so far; network time units between records.
  const StatisticsChoice& choice() const;
  std::uint64_t samples() const;  ///< so far
  double spacing() const;

  // -- moments: of all cells; NaN before anything came ----------------------------------------------------------------
  /// Of a cell.
  measure::Estimate mean(std::uint32_t cell) const;
  /// Of i and j; i == j only where has_covariances() is false.
  measure::Estimate covariance(std::uint32_t i, std::uint32_t j) const;
  bool has_covariances() const;

  // -- series: "energy", "order", and cells ("x3") ----------------------------------------------------------------------
  /// Statistics of one number of each sample.
  struct Series {
    std::string name;  ///< see above
    measure::Estimate mean, variance;  ///< over all samples
    measure::Estimate correlation_time;                   ///< integral of the autocorrelation, network time units
    std::vector<double> lags;                             ///< network time units
    std::vector<measure::Estimate> autocovariance;        ///< at these lags
    double low = 0, high = 0;                             ///< of the histogram
    std::vector<measure::Estimate> histogram;             ///< below low, the bins, from high on: parts of the samples
    std::vector<double> frequencies;                      ///< cycles per network time unit
    std::vector<measure::Estimate> spectrum;              ///< one-sided density
  };
  /// What was asked for. The range of a histogram is that of the first records, widened by half on each side.
  std::vector<Series> series() const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace heatbath::solvers
