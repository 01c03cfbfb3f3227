#pragma once
// A fault code in words.

#include <cstdint>
#include <string>

#include <fmt/format.h>

#include "heatbath/status.h"

namespace heatbath::monitor {

/// FAULT_CODE as JSON: null without a fault, else its name and what that means.
inline std::string fault_json(std::uint32_t code) {
  if (code == HB_OK) return "null";
  const auto status = static_cast<hb_status_t>(code);
  return fmt::format(R"("{}: {}")", hb_status_name(status), hb_status_meaning(status));
}

}  // namespace heatbath::monitor
