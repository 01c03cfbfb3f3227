#include "heatbath/capabilities.hpp"

#include "heatbath/cells.h"
#include "heatbath/error.hpp"

namespace heatbath {

void require(bool have, const std::string& who, const std::string& name) {
  if (!have) throw Error(HB_UNSUPPORTED, who + " needs CAPS." + name + ", which this device lacks");
}

void require_cell_kind(const Capabilities& capabilities, const std::string& who, const std::string& kind) {
  const std::string found = hb_cell_kind_name(capabilities.cell_kind);
  if (found != kind)
    throw Error(HB_UNSUPPORTED, who + " needs CAPS_CELL.KIND " + kind + "; this device has " + found +
                                    " cells, an emulator of func:cell=" + kind + " would do");
}

}  // namespace heatbath
