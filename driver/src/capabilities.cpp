#include "heatbath/capabilities.hpp"

#include "heatbath/error.hpp"

namespace heatbath {

void require(bool have, const std::string& who, const std::string& name) {
  if (!have) throw Error(HB_UNSUPPORTED, who + " needs CAPS." + name + ", which this device lacks");
}

}  // namespace heatbath
