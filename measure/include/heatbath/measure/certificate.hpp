#pragma once
// What samples alone say of the sampler: at which temperature they lie, how many there are in effect, whether the chains
// agree, how far they are from a law that is known.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "heatbath/measure/estimate.hpp"

namespace heatbath::measure {

/// What the energy V that was asked for says of one state.
struct LocalEnergy {
  double energy = 0;  ///< V of the state
  double laplacian = 0;  ///< sum of the second derivatives; not used for spins
};

/// V as a certificate sees it. `at` fills one slope per cell: of positions and phases dV/dx_i, of spins half of
/// V(s_i = +1) - V(s_i = -1) with the others as they are. It is called a few times per sample, in order.
struct EnergyView {
  std::uint32_t cells = 0;  ///< values of a state
  bool spins = false;  ///< states are +1 and -1
  std::function<LocalEnergy(std::span<const float> state, std::span<double> slopes)> at;  ///< see above
};

/// What is wrong with samples, by name.
enum class Finding : std::uint8_t {
  temperature_mismatch,  ///< the effective temperature is not the one that was asked for
  undermixed,            ///< a chain is short beside its correlation time
  above_noise_floor,     ///< further from the known law than as many samples of it would be
  not_converged,         ///< chains, or their halves, disagree
  too_few_samples,       ///< effective samples below what the other numbers need
};
/// "temperature mismatch", "undermixed", …
const char* name(Finding finding);

/// What samples are held against.
struct CertificateOptions {
  /// Temperature that was asked for, in the units of V; 0: none, so none can be missed.
  double kT = 0;
  /// Relative error of the temperature that is no finding, beside 3.5 standard errors: of converters, of a finite step.
  double temperature_tolerance = 0.01;
  double r_hat_limit = 1.05;
  double least_effective_samples = 100;
  /// Probabilities of all 2^cells states of spins (bit i set: s_i = +1), at most 20 cells; empty: unknown.
  std::span<const double> law = {};
};

/// Distance of samples from a law beside that of as many independent samples of the law.
struct Distance {
  double value = 0;  ///< of the samples
  double noise_floor = 0;  ///< expected of exact samples
  double floor_sd = 0;     ///< their scatter
};

/// What samples say of themselves.
struct Certificate {
  std::uint64_t samples = 0, chains = 0;  ///< states; independent chains of them
  /// Effective inverse temperature. Spins: maximum of the pseudolikelihood, sum ln p(s_i | others) (Besag 1975).
  /// Positions and phases: <laplacian V>/<|grad V|^2>, the least score-matching loss of exp(-beta V) (Hyvärinen 2005).
  /// The error is that of the correlated score (Godambe's information). Infinite where no spin ever points against its
  /// field, NaN where V says nothing of the states.
  Estimate inverse_temperature;
  double low = std::numeric_limits<double>::quiet_NaN();  ///< 95 % interval, by Student's law
  double high = std::numeric_limits<double>::quiet_NaN();
  double wanted = std::numeric_limits<double>::quiet_NaN();  ///< 1/kT
  /// Integrated autocorrelation time in records of the slowest of: energy, sum of the cells, and the 16 cells whose
  /// chains agree least. Effective samples are samples over it.
  double autocorrelation_time = std::numeric_limits<double>::quiet_NaN();
  std::string slowest;
  double effective_samples = 0;
  /// Largest split R-hat of the same and of every cell, over chains; chains of fewer than 32 records are strung together,
  /// in order, to longer ones. Infinite where each chain stands still somewhere else.
  double r_hat = std::numeric_limits<double>::quiet_NaN();
  std::string least_mixed;
  std::optional<Distance> total_variation;  ///< where the law is known
  std::vector<Finding> findings;            ///< none: nothing against the samples

  /// Whether nothing, or this, was found against the samples.
  bool clean() const { return findings.empty(); }
  bool found(Finding finding) const;
};

/// Certificate of samples: chains x records x cells, row-major, at least 2 in all. Chains (shots, lanes) are independent
/// of each other, records of a chain follow each other at equal times. Throws std::invalid_argument for shapes that do
/// not fit and for states that are not finite.
///
/// Samples cannot show a region that no chain ever entered, and chains of one record cannot show that they forgot their
/// start: a certificate without findings is what a good sampler has, not a proof.
Certificate certify(std::span<const float> states, std::size_t chains, const EnergyView& view,
                    const CertificateOptions& options = {});

/// Lines for a person, without an end of line behind the last.
std::string text(const Certificate& certificate);

}  // namespace heatbath::measure
