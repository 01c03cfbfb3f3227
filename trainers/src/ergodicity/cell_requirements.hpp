#pragma once
// Which cells a measurement needs.

#include <string>

#include "heatbath/capabilities.hpp"
#include "heatbath/error.hpp"

namespace heatbath::trainers {

/// Throws Error(UNSUPPORTED) that names the kind wanted and the one found, and Error(BAD_ARG) when cells are too few.
inline void require_cells(const Capabilities& capabilities, const std::string& who, CellKind kind,
                          std::uint32_t cells) {
  require_cell_kind(capabilities, who, kind);
  if (cells > capabilities.cells)
    throw Error(HB_BAD_ARG, who + " needs " + std::to_string(cells) + " cells; this device has " +
                                std::to_string(capabilities.cells));
}

}  // namespace heatbath::trainers
