#pragma once
// What a device must be able to do to be inside a unit: asked when the unit is written, and when it is instantiated.

#include <utility>

#include "heatbath/device.hpp"

namespace heatbath::apps::fmi {

/// Throws Error(UNSUPPORTED) that names what is lacking. Cells with a bias for each of their states have no place in the
/// variables of a unit.
inline void require_unit_device(const Capabilities& caps) {
  for (const auto& [have, name] : {std::pair{caps.seeded, "SEEDED"}, {caps.state_write, "STATE_WRITE"},
                                   {caps.meters, "METERS"}, {caps.dt_programmable, "DT_PROGRAMMABLE"}})
    require(have, "a functional mock-up unit", name);
  if (caps.states > 1 || caps.capture_number != Number::float32)
    throw Error(HB_UNSUPPORTED, "a functional mock-up unit needs cells with one bias and float32 captures, which this "
                                "device lacks");
}

}  // namespace heatbath::apps::fmi
