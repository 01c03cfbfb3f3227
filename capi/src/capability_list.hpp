#pragma once
// The capabilities by name.

#include "heatbath/capabilities.hpp"

namespace heatbath::capi {

struct NamedCapability {
  const char* name;
  double (*value)(const Capabilities&);
};

template <typename T>
double number_of(T value) {
  return static_cast<double>(value);
}
inline double number_of(Ticks value) { return static_cast<double>(value.count); }

#define HEATBATH_NAMED(member) \
  { #member, [](const Capabilities& of) { return number_of(of.member); } }

inline constexpr NamedCapability capability_list[] = {
    HEATBATH_NAMED(seeded), HEATBATH_NAMED(state_write), HEATBATH_NAMED(meters), HEATBATH_NAMED(dt_programmable),
    HEATBATH_NAMED(increments_markov), HEATBATH_NAMED(free_running), HEATBATH_NAMED(capture_stalls),
    HEATBATH_NAMED(kT_programmable), HEATBATH_NAMED(lane_operands), HEATBATH_NAMED(readback), HEATBATH_NAMED(dma),
    HEATBATH_NAMED(kT_per_cell), HEATBATH_NAMED(refinement), HEATBATH_NAMED(heat_per_cell), HEATBATH_NAMED(whole_turns),
    HEATBATH_NAMED(cells), HEATBATH_NAMED(lanes), HEATBATH_NAMED(tick_ps), HEATBATH_NAMED(time_unit),
    HEATBATH_NAMED(capture_min), HEATBATH_NAMED(parameter_number), HEATBATH_NAMED(parameter_bits),
    HEATBATH_NAMED(couplings_full), HEATBATH_NAMED(capture_number), HEATBATH_NAMED(capture_bits), HEATBATH_NAMED(cell_kind),
    HEATBATH_NAMED(topology), HEATBATH_NAMED(stepper), HEATBATH_NAMED(components), HEATBATH_NAMED(memory_bytes),
    HEATBATH_NAMED(program_max), HEATBATH_NAMED(loop_depth), HEATBATH_NAMED(range_j2), HEATBATH_NAMED(range_j4),
    HEATBATH_NAMED(range_bias), HEATBATH_NAMED(range_coupling), HEATBATH_NAMED(range_state), HEATBATH_NAMED(range_mass),
    HEATBATH_NAMED(range_damping), HEATBATH_NAMED(range_frequency), HEATBATH_NAMED(range_second), HEATBATH_NAMED(kT_min),
    HEATBATH_NAMED(kT_max), HEATBATH_NAMED(kT_reset), HEATBATH_NAMED(mobility), HEATBATH_NAMED(energy_unit_joules),
    HEATBATH_NAMED(arithmetic)};

#undef HEATBATH_NAMED

}  // namespace heatbath::capi
