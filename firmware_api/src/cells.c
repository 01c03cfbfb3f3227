#include "heatbath/cells.h"

#include "heatbath/regs.h"

const char *hb_cell_kind_name(uint32_t kind) {
  switch (kind) {
    case HB_CAPS_CELL_KIND_OVERDAMPED:
      return "overdamped";
    case HB_CAPS_CELL_KIND_UNDERDAMPED:
      return "underdamped";
    case HB_CAPS_CELL_KIND_PHASE:
      return "phase";
    case HB_CAPS_CELL_KIND_RLC:
      return "rlc";
    case HB_CAPS_CELL_KIND_PBIT:
      return "pbit";
    default:
      return "?";
  }
}

const char *hb_topology_name(uint32_t topology) {
  switch (topology) {
    case HB_CAPS_CELL_TOPOLOGY_DENSE:
      return "dense";
    case HB_CAPS_CELL_TOPOLOGY_SPARSE:
      return "sparse";
    default:
      return "?";
  }
}

const char *hb_stepper_name(uint32_t stepper) {
  switch (stepper) {
    case HB_CAPS_CELL_STEPPER_NONE:
      return "none";
    case HB_CAPS_CELL_STEPPER_EULER_MARUYAMA:
      return "euler-maruyama";
    case HB_CAPS_CELL_STEPPER_HEUN:
      return "heun";
    case HB_CAPS_CELL_STEPPER_LEIMKUHLER_MATTHEWS:
      return "leimkuhler-matthews";
    case HB_CAPS_CELL_STEPPER_BAOAB:
      return "baoab";
    case HB_CAPS_CELL_STEPPER_EXACT_OU:
      return "exact-ou";
    case HB_CAPS_CELL_STEPPER_SEQUENTIAL:
      return "sequential";
    case HB_CAPS_CELL_STEPPER_RANDOM_SEQUENTIAL:
      return "random-sequential";
    case HB_CAPS_CELL_STEPPER_TWO_COLOUR:
      return "two-colour";
    default:
      return "?";
  }
}

const char *hb_stepper_order(uint32_t stepper) {
  switch (stepper) {
    case HB_CAPS_CELL_STEPPER_NONE:
      return "a physical part";
    case HB_CAPS_CELL_STEPPER_EULER_MARUYAMA:
      return "weak order 1, strong order 1 with additive noise";
    case HB_CAPS_CELL_STEPPER_HEUN:
    case HB_CAPS_CELL_STEPPER_BAOAB:
      return "weak order 2, strong order 1 with additive noise";
    case HB_CAPS_CELL_STEPPER_LEIMKUHLER_MATTHEWS:
      return "weak order 1 at finite time and 2 stationary, strong order 0.5";
    case HB_CAPS_CELL_STEPPER_EXACT_OU:
      return "exact law of a linear network at any step";
    case HB_CAPS_CELL_STEPPER_SEQUENTIAL:
    case HB_CAPS_CELL_STEPPER_RANDOM_SEQUENTIAL:
    case HB_CAPS_CELL_STEPPER_TWO_COLOUR:
      return "exact conditional updates, no error of a step";
    default:
      return "?";
  }
}

const char *hb_section_name(hb_section_t section) {
  switch (section) {
    case HB_SECTION_J2:
      return "j2";
    case HB_SECTION_J4:
      return "j4";
    case HB_SECTION_BIAS:
      return "bias";
    case HB_SECTION_COUPLING:
      return "coupling";
    case HB_SECTION_GAIN:
      return "gain";
    case HB_SECTION_KT:
      return "kT";
    case HB_SECTION_MASS:
      return "mass";
    case HB_SECTION_DAMPING:
      return "damping";
    case HB_SECTION_FREQUENCY:
      return "frequency";
  }
  return "?";
}

bool hb_cell_has_section(uint32_t kind, hb_section_t section) {
  const bool moves_in_a_well = kind == HB_CAPS_CELL_KIND_OVERDAMPED || kind == HB_CAPS_CELL_KIND_UNDERDAMPED ||
                               kind == HB_CAPS_CELL_KIND_RLC;
  switch (section) {
    case HB_SECTION_BIAS:
    case HB_SECTION_COUPLING:
    case HB_SECTION_GAIN:
    case HB_SECTION_KT:
      return kind < HB_CELL_KINDS;
    case HB_SECTION_J2:
      return moves_in_a_well || kind == HB_CAPS_CELL_KIND_PHASE;
    case HB_SECTION_J4:
      return moves_in_a_well;
    case HB_SECTION_MASS:
    case HB_SECTION_DAMPING:
      return kind == HB_CAPS_CELL_KIND_UNDERDAMPED || kind == HB_CAPS_CELL_KIND_RLC;
    case HB_SECTION_FREQUENCY:
      return kind == HB_CAPS_CELL_KIND_PHASE;
  }
  return false;
}
