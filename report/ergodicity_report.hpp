#pragma once
// What `train ergodicity` leaves for a person and for a machine.

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "heatbath/studies/ergodicity.hpp"
#include "report/picture.hpp"

namespace heatbath::apps {

struct ErgodicityRun {
  trainers::ErgodicityReport study;
  trainers::ErgodicityOptions options;
  std::string device, data_source;
  double seconds = 0;
  std::vector<Picture> pictures;
};

/// Largest |measured - exact| of the library and the escape times, in standard errors: whether the device follows the
/// Boltzmann law. What was measured on fewer than 30 chains or escapes has no error that would tell, and is left out.
double worst_deviation(const trainers::ErgodicityReport& report);

/// library.png, escapes.png, running_means.png, overlaps.png; states.png for up to 4 cells; parity.png for parity;
/// digits.png for digits. Runs gnuplot.
std::vector<Picture> ergodicity_pictures(const trainers::ErgodicityReport& report);

/// Keys at the top: problem, kl_single, kl_experts (and _se, _exact), experts, p_lib, t_star_measured, t_star_exact,
/// escape_times, breaking, ladder, minima, parity, likelihood_single, likelihood_experts, margin, class_shares,
/// r_hat_linear, left_out, seed, device, seconds, pictures, provenance. What was not measured is null.
nlohmann::json ergodicity_json(const ErgodicityRun& run);

/// One page with the figures beside their exact values, pictures embedded.
std::string ergodicity_html(const ErgodicityRun& run);

}  // namespace heatbath::apps
