#pragma once
// The words for the choices of a training run, as the command line, model files and reports spell them.

#include <string>
#include <string_view>

#include "heatbath/trainers/generative.hpp"
#include "heatbath/trainers/score_model.hpp"

namespace heatbath::apps {

/// "common-norm", "pixel", "gradient", …
std::string_view name_of(trainers::Scaling scaling);
std::string_view name_of(trainers::Drive drive);
std::string_view name_of(trainers::Optimizer optimizer);
std::string_view name_of(trainers::Process process);
std::string_view name_of(trainers::ScoreKind kind);

/// The choice of that name. Throws Error(BAD_ARG) "<what> = <name>: …" that lists the names.
trainers::Scaling scaling_named(std::string_view name, std::string_view what);
trainers::Drive drive_named(std::string_view name, std::string_view what);
trainers::Optimizer optimizer_named(std::string_view name, std::string_view what);
trainers::Process process_named(std::string_view name, std::string_view what);
trainers::ScoreKind score_kind_named(std::string_view name, std::string_view what);

}  // namespace heatbath::apps
