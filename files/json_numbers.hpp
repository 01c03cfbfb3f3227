#pragma once
// Numbers in JSON, which has none that is not finite.

#include <optional>

#include <nlohmann/json_fwd.hpp>

namespace heatbath::apps {

/// The number; null where it is not finite, or absent.
nlohmann::json or_null(double value);
nlohmann::json or_null(const std::optional<double>& value);

}  // namespace heatbath::apps
