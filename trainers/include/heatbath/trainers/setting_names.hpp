#pragma once
// The words for the choices of a training run, as the command line, model files and reports spell them.

#include <string>
#include <string_view>

#include "heatbath/trainers/generative.hpp"
#include "heatbath/trainers/score_model.hpp"

namespace heatbath::trainers {

/// "common-norm", "pixel", "gradient", …
std::string_view name_of(Scaling scaling);
std::string_view name_of(Drive drive);
std::string_view name_of(Optimizer optimizer);
std::string_view name_of(Process process);
std::string_view name_of(ScoreKind kind);

/// The choice of that name. Throws Error(BAD_ARG) "<what> = <name>: …" that lists the names.
Scaling scaling_named(std::string_view name, std::string_view what);
Drive drive_named(std::string_view name, std::string_view what);
Optimizer optimizer_named(std::string_view name, std::string_view what);
Process process_named(std::string_view name, std::string_view what);
ScoreKind score_kind_named(std::string_view name, std::string_view what);

}  // namespace heatbath::trainers
