#pragma once
// The parameters of a network, as [network] and the steps "load" and "ramp" of a TOML program give them.

#include <cstdint>

#include "files/toml_item.hpp"
#include "files/toml_program.hpp"

namespace heatbath::apps {

/// One number for all cells; a list of one for each; or { file = "…", array = "…" } with one for each (read_array),
/// and, with `per_shot`, also shots x cells, row-major.
std::vector<float> cell_values(const Item& item, std::uint32_t cells, bool per_shot);

/// Every parameter that the table has. Throws Error(BAD_ARG) with file, line and key.
ParameterSet read_parameters(const Table& table, std::uint32_t cells);

}  // namespace heatbath::apps
