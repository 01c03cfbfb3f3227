#include "files/json_numbers.hpp"

#include <cmath>

#include <nlohmann/json.hpp>

namespace heatbath::apps {

nlohmann::json or_null(double value) { return std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(nullptr); }

nlohmann::json or_null(const std::optional<double>& value) { return value ? or_null(*value) : nlohmann::json(nullptr); }

}  // namespace heatbath::apps
