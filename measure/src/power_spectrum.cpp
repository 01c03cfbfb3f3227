#include "heatbath/measure/power_spectrum.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>
#include <stdexcept>
#include <string>

#include <unsupported/Eigen/FFT>

namespace heatbath::measure {

struct PowerSpectrum::Transform {
  Eigen::FFT<double> fft;
  std::vector<double> in;
  std::vector<std::complex<double>> out;
};

PowerSpectrum::PowerSpectrum(std::size_t chains, std::size_t segment, double spacing)
    : chains_(chains), segment_(segment), spacing_(spacing), transform_(std::make_unique<Transform>()) {
  if (chains == 0 || segment < 4 || segment % 2 != 0 || !(spacing > 0) || !std::isfinite(spacing))
    throw std::invalid_argument("power spectrum: " + std::to_string(chains) + " chains, segments of " + std::to_string(segment) +
                                "; at least 1 chain, an even number of 4 values or more, a time above 0 between them");
  window_.resize(segment);
  for (std::size_t k = 0; k < segment; ++k) {
    window_[k] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(segment));
    norm_ += window_[k] * window_[k];
  }
  waiting_.resize(chains * segment);
  have_.resize(chains);
  done_.resize(chains);
  sums_.resize(chains * bins());
  transform_->in.resize(segment);
}

PowerSpectrum::~PowerSpectrum() = default;
PowerSpectrum::PowerSpectrum(PowerSpectrum&&) noexcept = default;
PowerSpectrum& PowerSpectrum::operator=(PowerSpectrum&&) noexcept = default;

void PowerSpectrum::add(std::size_t chain, double value) {
  double* const waiting = waiting_.data() + chain * segment_;
  waiting[have_[chain]++] = value;
  if (have_[chain] < segment_) return;
  double mean = 0;
  for (std::size_t k = 0; k < segment_; ++k) mean += waiting[k];
  mean /= static_cast<double>(segment_);
  for (std::size_t k = 0; k < segment_; ++k) transform_->in[k] = window_[k] * (waiting[k] - mean);
  transform_->fft.fwd(transform_->out, transform_->in);
  for (std::size_t k = 1; k <= bins(); ++k)
    sums_[chain * bins() + k - 1] += (k < bins() ? 2.0 : 1.0) * spacing_ * std::norm(transform_->out[k]) / norm_;
  ++done_[chain];
  ++segments_;
  std::copy(waiting + segment_ / 2, waiting + segment_, waiting);
  have_[chain] = segment_ - segment_ / 2;
}

Estimate PowerSpectrum::density(std::size_t k) const {
  if (k == 0 || k > bins()) throw std::invalid_argument("power spectrum: bin " + std::to_string(k) + " of 1 to " + std::to_string(bins()));
  std::vector<double> of_chains(chains_);
  for (std::size_t chain = 0; chain < chains_; ++chain) {
    if (done_[chain] == 0) return {};
    of_chains[chain] = sums_[chain * bins() + k - 1] / static_cast<double>(done_[chain]);
  }
  if (chains_ > 1) return mean_of_independent(of_chains);
  Estimate one;
  one.value = of_chains[0];
  return one;
}

}  // namespace heatbath::measure
