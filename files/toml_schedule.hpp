#pragma once
// [[schedule]] of a TOML program.

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "files/toml_item.hpp"
#include "files/toml_program.hpp"

namespace heatbath::apps {

/// The steps of a list, those of a repeat included. Throws Error(BAD_ARG) with file, line and key.
std::vector<ScheduleStep> read_schedule(const Item& list, std::uint32_t cells);

/// The section of parameters per cell that has this name; absent where none has.
std::optional<CellSection> cell_section(std::string_view name);

}  // namespace heatbath::apps
