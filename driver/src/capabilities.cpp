#include "heatbath/capabilities.hpp"

#include "heatbath/error.hpp"

namespace heatbath {

void require(bool have, const std::string& who, const std::string& name) {
  if (!have) throw Error(HB_UNSUPPORTED, who + " needs CAPS." + name + ", which this device lacks");
}

void require_cell_kind(const Capabilities& capabilities, const std::string& who, CellKind kind) {
  if (capabilities.cell_kind != kind)
    throw Error(HB_UNSUPPORTED, who + " needs CAPS_CELL.KIND " + name(kind) + "; this device has " + name(capabilities.cell_kind) +
                                    " cells");
}

}  // namespace heatbath
