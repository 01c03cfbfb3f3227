#pragma once
// Thermodynamic performance limits of score-based diffusion, measured on a device.
// Kodama & Hinczewski, arXiv:2510.06174.

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/trainers/data_law.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/trainers/score_model.hpp"

namespace heatbath::trainers {

/// What is noised, scored and measured.
struct BoundOptions {
  Process process = Process::vp;  ///< of the noise
  ScoreKind score = ScoreKind::exact;  ///< which score
  /// A score learned before, in place of `score`; its levels must be those of this run.
  std::optional<ScoreModel> given = std::nullopt;
  /// Linear scores: standard deviation of the data over that of the Gaussian whose score is used.
  double ratio = 1;
  std::uint32_t samples = 65536;  ///< noised values; rounded up to fill whole shots
  std::uint32_t levels = 48;      ///< of noise, 8 to 1000
  double duration = 3;            ///< VP: of the noising, time units
  double sigma = 25;              ///< VE: g(t) = sigma^t, t from 0 to 1
  std::uint64_t seed = 1;
  bool generate = true;           ///< also run the reverse drive for six generation times
  /// False stops: Error(ABORTED) while values are noised; once they are, the result has the generation times done.
  Progress progress = {};
};

/// Rates of entropy of the noising run at one time, in nats per unit of process time (VP: time units; VE: t of g(t)).
struct EntropyRate {
  double time = 0;      ///< process time
  double clock = 0;     ///< VP: the same; VE: added variance
  measure::Estimate system;      ///< E div f - g^2 E div s - (g^2/2) E s^2; with the exact score dS/dt
  measure::Estimate intrinsic;   ///< E nu^2/D >= 0, nu = f - D s
  measure::Estimate exchange;    ///< -E f nu/D: minus the heat given to the bath over T
  measure::Estimate heat;        ///< given to the bath from time 0 until now over kT, per value
};

/// One run of the reverse drive.
struct Generation {
  double time = 0;               ///< process time it takes
  double clock = 0;
  measure::Estimate wasserstein;          ///< W2 to fresh data
  measure::Estimate divergence;           ///< KL(data || generated)
  measure::Estimate heat;                 ///< sum of Q/kT per value
  measure::Estimate entropy_production;   ///< change of entropy + heat/kT
  double noising_production = 0; ///< integral of the intrinsic rate of the noising up to this time
};

/// What was measured.
struct BoundResult {
  std::uint32_t samples = 0;   ///< noised
  std::uint32_t evaluated = 0; ///< of them used for what follows; the others trained the score
  double unit = 1;             ///< value of state 1 on the device
  measure::Estimate entropy_data, entropy_end;  ///< S0, S1; error 0 where they are known
  measure::Estimate nll;                ///< negative log-likelihood of the data under the model
  bool nll_is_density = true;  ///< else: the model has no density; the path bound E[-ln prior] - integral of the rate
  measure::Estimate bound;              ///< (S0 + S1)/2 - (1/2) integral of the system rate
  measure::Estimate gap;                ///< nll - bound, paired
  measure::Estimate half_path_kl;       ///< (1/2) integral of (g^2/2) E|s - s_theta|^2; needs the law
  measure::Estimate terminal_kl;        ///< KL of the noised data from what the model starts from: adds to the gap
  /// with (g^2/2)E s^2, or -(g^2/2)E div s, for the rate: no bounds
  measure::Estimate gap_naive_score, gap_naive_divergence;
  std::vector<EntropyRate> rates;   ///< at the levels of noise; not at time 0 for a law with edges
  /// VE: integral of g^2 E div s over that of (g^2/2) E s^2; -2 for the exact score
  measure::Estimate identity_ratio;
  measure::Estimate production;         ///< integral of the intrinsic rate
  /// VP: KL(p_0 || pi) - KL(p_t || pi), pi = N(0, 1); equals production. Needs the law
  measure::Estimate divergence_drop;
  measure::Estimate exchange_total;     ///< integral of the exchange rate
  measure::Estimate heat_total;         ///< measured heat/kT of the whole noising; equals minus exchange_total
  std::vector<Generation> generations;
  bool stopped = false;  ///< by `progress`: later generation times are missing, all else is whole
  /// VE, longest generation: -heat/kT over its entropy production; -2 for the exact score
  measure::Estimate generation_ratio;
  double wasserstein_floor = 0;///< W2 of two samples of the data
  bool generated_by_cell = false;  ///< the reverse drive was the cell's fit, as the score itself is no cell's force
  ScoreModel model;            ///< the score in use; without levels when it is the exact one
  std::vector<double> data_values, generated_values;  ///< of the longest generation
  std::string heat_source;     ///< "meter" or "states"
  std::uint64_t clips = 0, rails = 0;
  double seconds = 0;
};

/// Noises values on uncoupled linear cells of the device (clamped, released, evolved; one cell of one shot per value),
/// fits the score where it is learned (on the first half of the shots; then the second half is evaluated), evaluates
/// entropy rates, the bound and its gap, and drives cells backwards from noise to data.
///
/// VP: stiffness 1 at T = 1 in data units. VE: no force, kT steered so that the variance follows g(t) = sigma^t; where
/// the device's range of kT does not reach, time is stretched instead. On a device that advertises Euler–Maruyama
/// steps, stiffness and temperature of the VP cells are chosen so that a step is the exact transition.
///
/// Errors are standard errors over independent values. Where the law is known, control variates of known mean 0 (the
/// Ito sums of the noise, ln p at both ends) lower those of the bound and its gaps, and Stein's identity that of the
/// system rate.
/// Throws Error(BAD_ARG or UNSUPPORTED) that names what is wrong, and what Device::run throws.
BoundResult score_bound(Device& device, const DataLaw& law, const BoundOptions& options);

}  // namespace heatbath::trainers
