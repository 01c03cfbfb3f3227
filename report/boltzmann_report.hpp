#pragma once
// What `train boltzmann` leaves for a person and for a machine.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "files/electricity.hpp"
#include "files/boltzmann_file.hpp"
#include "heatbath/trainers/ergodicity/binary_digits.hpp"
#include "report/picture.hpp"

namespace heatbath::apps {

/// Numbers of the device against all states counted.
struct GradientCheck {
  std::size_t parameters = 0;
  std::uint32_t shots = 0;
  double worst_z = 0;       ///< largest |measured - exact| in standard errors
  double mean_square_z = 0;  ///< 1 of a law that is met
};

struct BoltzmannRun {
  SavedBoltzmann saved;
  trainers::Patterns data;
  trainers::SpinRecords drawn;  ///< by the trained machine from random starts, one record a shot
  double draw_sweeps = 0;
  // Where the states of the machine are counted.
  std::optional<double> divergence_exact, divergence_first;  ///< KL(data || machine), nats; before the first update
  std::optional<double> likelihood_exact;                    ///< mean ln p of the data, nats
  std::vector<double> law;                                   ///< of the visible states
  std::optional<GradientCheck> gradient;
  std::optional<measure::Estimate> divergence_drawn;  ///< of the drawings' frequencies; infinite: a pattern never came
  // By ramps of the couplings on the device (CAPS.METERS, hidden cells that do not couple).
  std::optional<measure::Estimate> likelihood, likelihood_held_out;
  std::optional<double> likelihood_independent;  ///< of held-out patterns by cells that are independent
  std::optional<trainers::BinaryDigits> digits;
  std::vector<double> class_shares;  ///< of the drawings, of digits
  std::string device;
  Electricity electricity;  ///< of all that the device did
  double seconds = 0;
  std::vector<Picture> pictures;
};

/// Whether the gradient on the device is further from the exact one than `z` standard errors.
bool gradient_is_off(const BoltzmannRun& run, double z);

/// training.png; law.png where states are counted; samples.png and weights.png where the visible cells are a square.
std::vector<Picture> boltzmann_pictures(const BoltzmannRun& run);

/// Keys at the top: problem, kl, kl_first, kl_drawn, log_likelihood_exact, log_likelihood, log_likelihood_held_out,
/// log_likelihood_independent (each measured one with _se), gradient, curve, gaps, exchange_rate, class_shares, drawn,
/// settings, seed, device, seconds, pictures, provenance. What was not measured is null.
nlohmann::json boltzmann_json(const BoltzmannRun& run);

std::string boltzmann_html(const BoltzmannRun& run);

}  // namespace heatbath::apps
