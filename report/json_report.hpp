#pragma once
// report.json.

#include <nlohmann/json_fwd.hpp>

#include "report/generative_report.hpp"

namespace heatbath::apps {

/// Keys at the top: heat_mean_kT, heat_sd_kT, v0_kT, vf_kT (means), inverted_fraction, class_fractions (by digit),
/// correlation (mean |correlation| with the nearest prototype), asked_fraction (label cells), quality (a classifier's
/// judgement: classifier_accuracy, recognised, class_entropy, images_drawn, prototype_distance, diversity,
/// digital_over_heat), action_first, action_last (per step, held out),
/// seconds, optimizer, seed, device, heat_source, shots, clips, rails, digits, data_source; and the objects training,
/// settings, pictures (file -> true, or why it is absent), provenance. What was not measured is null.
nlohmann::json json_report(const GenerativeReport& report);

}  // namespace heatbath::apps
