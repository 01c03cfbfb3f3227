#pragma once
// The report of `heatbath bound`.

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "files/electricity.hpp"
#include "heatbath/studies/score_bound.hpp"
#include "report/picture.hpp"

namespace heatbath::apps {

struct BoundReport {
  trainers::DataLaw law;
  trainers::BoundResult result{};
  trainers::Process process = trainers::Process::vp;
  std::string score{};  ///< as asked for: a kind, or a file
  double ratio = 1;
  double unit = 1;      ///< of the file's values that 1 stands for; entropies per value are larger by its logarithm
  std::uint64_t seed = 1;
  std::string device{}; ///< one line
  Electricity electricity{};  ///< of all that the device did
  std::vector<Picture> pictures{};

  /// An entropy or negative log-likelihood of the values as the file has them.
  measure::Estimate in_units_of_data(measure::Estimate m) const { return {m.value + std::log(unit), m.standard_error}; }
};

/// rates.png, bound.png, tradeoff.png, samples.png. Runs gnuplot.
std::vector<Picture> bound_pictures(const BoundReport& report);

/// Keys: command, data, process, score, nll, bound, gap, half_kl, terminal_kl, gap_naive_score, gap_naive_divergence,
/// entropy_data, entropy_end, identity_ratio, production, divergence_drop, exchange_total, heat_total,
/// generation_ratio, each with a _se beside it; nll_is (density or path bound), rates, generations, heat_source, seed,
/// device, electricity, samples, evaluated, clips, rails, seconds, pictures, provenance. What was not measured is null.
nlohmann::json bound_json(const BoundReport& report);

std::string bound_html(const BoundReport& report);

}  // namespace heatbath::apps
