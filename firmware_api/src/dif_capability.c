#include "heatbath/dif_capability.h"

#include "heatbath/dif_time.h"
#include "registers.h"

static float read_float(const hb_mmio_t *mmio, uint32_t offset) {
  const union {
    uint32_t bits;
    float value;
  } cast = {.bits = hb_read(mmio, offset)};
  return cast.value;
}

/* The numbers of both formats are the same list. */
static bool format_is_known(uint32_t number, uint32_t bits) {
  switch (number) {
    case HB_CAPS_PARAM_FORMAT_NUMBER_FLOAT32:
      return bits == 0;
    case HB_CAPS_PARAM_FORMAT_NUMBER_CODE8:
      return bits >= 2 && bits <= 8;
    case HB_CAPS_PARAM_FORMAT_NUMBER_CODE16:
      return bits >= 2 && bits <= 16;
    default:
      return false;
  }
}

/* Finite, and not negative; false for a NaN. */
static bool is_magnitude(float value) { return value >= 0.0f && value <= 3.402823466e38f; }

static bool is_within_contract(const hb_capabilities_t *caps) {
  if (caps->cells == 0 || caps->lanes == 0 || caps->tick_ps == 0 || caps->time_unit_ticks == 0) return false;
  if (caps->memory_bytes == 0 || caps->program_max == 0 || caps->components > 2) return false;
  if (!format_is_known(caps->param_number, caps->param_bits)) return false;
  if (!format_is_known(caps->capture_number, caps->capture_bits)) return false;
  return is_magnitude(caps->range_j2) && is_magnitude(caps->range_j4) && is_magnitude(caps->range_bias) &&
         is_magnitude(caps->range_coupling) && is_magnitude(caps->range_state) && is_magnitude(caps->range_mass) &&
         is_magnitude(caps->range_damping) && is_magnitude(caps->range_frequency) &&
         is_magnitude(caps->range_second) && is_magnitude(caps->kt_min) &&
         is_magnitude(caps->kt_max) && is_magnitude(caps->kt_reset) && is_magnitude(caps->mobility) &&
         is_magnitude(caps->energy_unit_j);
}

hb_status_t hb_dif_capability_get(const hb_mmio_t *mmio, hb_capabilities_t *capabilities) {
  if (!hb_usable(mmio) || capabilities == NULL) return HB_BAD_ARG;
  hb_capabilities_t caps;

  const uint32_t flags = hb_read(mmio, HB_CAPS_OFFSET);
  caps.seeded = HB_GET(flags, CAPS, SEEDED) != 0;
  caps.state_write = HB_GET(flags, CAPS, STATE_WRITE) != 0;
  caps.meters = HB_GET(flags, CAPS, METERS) != 0;
  caps.dt_programmable = HB_GET(flags, CAPS, DT_PROGRAMMABLE) != 0;
  caps.increments_markov = HB_GET(flags, CAPS, INCREMENTS_MARKOV) != 0;
  caps.free_running = HB_GET(flags, CAPS, FREE_RUNNING) != 0;
  caps.capture_stalls = HB_GET(flags, CAPS, CAPTURE_STALLS) != 0;
  caps.kt_programmable = HB_GET(flags, CAPS, KT_PROGRAMMABLE) != 0;
  caps.lane_operands = HB_GET(flags, CAPS, LANE_OPERANDS) != 0;
  caps.readback = HB_GET(flags, CAPS, READBACK) != 0;
  caps.dma = HB_GET(flags, CAPS, DMA) != 0;
  caps.kt_per_cell = HB_GET(flags, CAPS, KT_PER_CELL) != 0;
  caps.refinement = HB_GET(flags, CAPS, REFINEMENT) != 0;
  caps.heat_per_cell = HB_GET(flags, CAPS, HEAT_PER_CELL) != 0;
  caps.whole_turns = HB_GET(flags, CAPS, WHOLE_TURNS) != 0;
  caps.graph_couplings = HB_GET(flags, CAPS, GRAPH_COUPLINGS) != 0;

  caps.cells = hb_read(mmio, HB_CAPS_CELLS_OFFSET);
  caps.lanes = hb_read(mmio, HB_CAPS_LANES_OFFSET);
  caps.tick_ps = hb_read(mmio, HB_CAPS_TICK_PS_OFFSET);
  caps.time_unit_ticks = hb_read(mmio, HB_CAPS_TIME_UNIT_TICKS_OFFSET);
  caps.capture_min_ticks = hb_read(mmio, HB_CAPS_CAPTURE_MIN_TICKS_OFFSET);

  const uint32_t param = hb_read(mmio, HB_CAPS_PARAM_FORMAT_OFFSET);
  caps.param_number = HB_GET(param, CAPS_PARAM_FORMAT, NUMBER);
  caps.param_bits = HB_GET(param, CAPS_PARAM_FORMAT, BITS);
  caps.param_layout = HB_GET(param, CAPS_PARAM_FORMAT, LAYOUT);
  const uint32_t capture = hb_read(mmio, HB_CAPS_CAPTURE_FORMAT_OFFSET);
  caps.capture_number = HB_GET(capture, CAPS_CAPTURE_FORMAT, NUMBER);
  caps.capture_bits = HB_GET(capture, CAPS_CAPTURE_FORMAT, BITS);
  const uint32_t cell = hb_read(mmio, HB_CAPS_CELL_OFFSET);
  caps.cell_kind = HB_GET(cell, CAPS_CELL, KIND);
  caps.topology = HB_GET(cell, CAPS_CELL, TOPOLOGY);
  caps.stepper = HB_GET(cell, CAPS_CELL, STEPPER);
  caps.components = HB_GET(cell, CAPS_CELL, COMPONENTS);
  if (caps.components == 0) caps.components = 1;

  const hb_status_t status =
      hb_dif_read64(mmio, HB_CAPS_MEMORY_LO_OFFSET, HB_CAPS_MEMORY_HI_OFFSET, &caps.memory_bytes);
  if (status != HB_OK) return status;
  caps.program_max = hb_read(mmio, HB_CAPS_PROGRAM_MAX_OFFSET);
  caps.loop_depth = hb_read(mmio, HB_CAPS_LOOP_DEPTH_OFFSET);

  caps.range_j2 = read_float(mmio, HB_CAPS_RANGE_J2_OFFSET);
  caps.range_j4 = read_float(mmio, HB_CAPS_RANGE_J4_OFFSET);
  caps.range_bias = read_float(mmio, HB_CAPS_RANGE_BIAS_OFFSET);
  caps.range_coupling = read_float(mmio, HB_CAPS_RANGE_COUPLING_OFFSET);
  caps.range_state = read_float(mmio, HB_CAPS_RANGE_STATE_OFFSET);
  caps.kt_min = read_float(mmio, HB_CAPS_KT_MIN_OFFSET);
  caps.kt_max = read_float(mmio, HB_CAPS_KT_MAX_OFFSET);
  caps.kt_reset = read_float(mmio, HB_CAPS_KT_RESET_OFFSET);
  caps.mobility = read_float(mmio, HB_CAPS_MOBILITY_OFFSET);
  caps.energy_unit_j = read_float(mmio, HB_CAPS_ENERGY_UNIT_J_OFFSET);

  caps.couplers = hb_read(mmio, HB_CAPS_COUPLERS_OFFSET);
  caps.range_mass = read_float(mmio, HB_CAPS_RANGE_MASS_OFFSET);
  caps.range_damping = read_float(mmio, HB_CAPS_RANGE_DAMPING_OFFSET);
  caps.range_frequency = read_float(mmio, HB_CAPS_RANGE_FREQUENCY_OFFSET);
  caps.range_second = read_float(mmio, HB_CAPS_RANGE_SECOND_OFFSET);
  caps.arithmetic = caps.dt_programmable ? hb_read(mmio, HB_CAPS_ARITHMETIC_OFFSET) : 0u;

  if (!is_within_contract(&caps)) return HB_DEVICE;
  *capabilities = caps;
  return HB_OK;
}
