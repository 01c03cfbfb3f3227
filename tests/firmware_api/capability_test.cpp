#include "heatbath/dif_capability.h"

#include <bit>
#include <limits>
#include <map>

#include "heatbath/regs.h"
#include "tests/firmware_api/sequenced_bus.hpp"

namespace {

std::uint32_t bits(float value) { return std::bit_cast<std::uint32_t>(value); }

class CapabilityGet : public heatbath::testing::SequencedBus {
 protected:
  // A believable device; tests replace single words.
  std::map<std::uint32_t, std::uint32_t> words_ = {
      {HB_CAPS_OFFSET, 0u},
      {HB_CAPS_CELLS_OFFSET, 2048u},
      {HB_CAPS_LANES_OFFSET, 256u},
      {HB_CAPS_TICK_PS_OFFSET, 1000u},
      {HB_CAPS_TIME_UNIT_TICKS_OFFSET, 1000000u},
      {HB_CAPS_CAPTURE_MIN_TICKS_OFFSET, 25u},
      {HB_CAPS_PARAM_FORMAT_OFFSET, 0x00010A02u},
      {HB_CAPS_CAPTURE_FORMAT_OFFSET, 0x00000801u},
      {HB_CAPS_CELL_OFFSET, 0x02040103u},
      {HB_CAPS_MEMORY_LO_OFFSET, 0x20000000u},
      {HB_CAPS_MEMORY_HI_OFFSET, 1u},
      {HB_CAPS_PROGRAM_MAX_OFFSET, 65536u},
      {HB_CAPS_LOOP_DEPTH_OFFSET, 4u},
      {HB_CAPS_RANGE_J2_OFFSET, bits(8.0f)},
      {HB_CAPS_RANGE_J4_OFFSET, bits(9.0f)},
      {HB_CAPS_RANGE_BIAS_OFFSET, bits(16.0f)},
      {HB_CAPS_RANGE_COUPLING_OFFSET, bits(0.5f)},
      {HB_CAPS_RANGE_STATE_OFFSET, bits(4.0f)},
      {HB_CAPS_KT_MIN_OFFSET, bits(0.01f)},
      {HB_CAPS_KT_MAX_OFFSET, bits(1.0f)},
      {HB_CAPS_KT_RESET_OFFSET, bits(0.1f)},
      {HB_CAPS_MOBILITY_OFFSET, bits(1.25f)},
      {HB_CAPS_ENERGY_UNIT_J_OFFSET, bits(4.14e-20f)},
      {HB_CAPS_COUPLERS_OFFSET, 4001u},
      {HB_CAPS_RANGE_MASS_OFFSET, bits(3.0f)},
      {HB_CAPS_RANGE_DAMPING_OFFSET, bits(5.0f)},
      {HB_CAPS_RANGE_FREQUENCY_OFFSET, bits(6.0f)},
      {HB_CAPS_RANGE_SECOND_OFFSET, bits(7.0f)},
      {HB_CAPS_ARITHMETIC_OFFSET, 2u},
      {HB_CAPS_STATES_OFFSET, 3u},
      {HB_CAPS_COST_SAMPLE_J_OFFSET, bits(1e-15f)},
      {HB_CAPS_COST_READ_J_OFFSET, bits(2e-12f)},
      {HB_CAPS_COST_WRITE_J_OFFSET, bits(3e-12f)},
      {HB_CAPS_COST_CONVERSION_J_OFFSET, bits(4e-12f)},
      {HB_CAPS_COST_LINK_BYTE_J_OFFSET, bits(5e-12f)},
      {HB_CAPS_COST_STANDBY_W_OFFSET, bits(6e-3f)},
      {HB_CAPS_COST_GRADES_OFFSET, 0x123u},
  };

  hb_status_t get(hb_capabilities_t* capabilities) {
    for (const auto& [offset, value] : words_) {
      if (offset == HB_CAPS_MEMORY_LO_OFFSET) EXPECT_READ32(HB_CAPS_MEMORY_HI_OFFSET, words_[HB_CAPS_MEMORY_HI_OFFSET]);
      if (offset == HB_CAPS_ARITHMETIC_OFFSET && (words_[HB_CAPS_OFFSET] & HB_CAPS_DT_PROGRAMMABLE_MASK) == 0) continue;
      const bool cost = offset >= HB_CAPS_COST_SAMPLE_J_OFFSET && offset <= HB_CAPS_COST_GRADES_OFFSET;
      if (cost && (words_[HB_CAPS_OFFSET] & HB_CAPS_PRICED_MASK) == 0) continue;
      EXPECT_READ32(offset, value);
    }
    const hb_status_t status = hb_dif_capability_get(&mmio_, capabilities);
    done();
    return status;
  }
};

TEST_F(CapabilityGet, DecodesEveryWord) {
  hb_capabilities_t caps{};
  ASSERT_EQ(get(&caps), HB_OK);
  EXPECT_EQ(caps.cells, 2048u);
  EXPECT_EQ(caps.lanes, 256u);
  EXPECT_EQ(caps.tick_ps, 1000u);
  EXPECT_EQ(caps.time_unit_ticks, 1000000u);
  EXPECT_EQ(caps.capture_min_ticks, 25u);
  EXPECT_EQ(caps.param_number, HB_CAPS_PARAM_FORMAT_NUMBER_CODE16);
  EXPECT_EQ(caps.param_bits, 10u);
  EXPECT_EQ(caps.param_layout, HB_CAPS_PARAM_FORMAT_LAYOUT_FULL);
  EXPECT_EQ(caps.capture_number, HB_CAPS_CAPTURE_FORMAT_NUMBER_CODE8);
  EXPECT_EQ(caps.capture_bits, 8u);
  EXPECT_EQ(caps.cell_kind, HB_CAPS_CELL_KIND_RLC);
  EXPECT_EQ(caps.topology, HB_CAPS_CELL_TOPOLOGY_SPARSE);
  EXPECT_EQ(caps.stepper, HB_CAPS_CELL_STEPPER_BAOAB);
  EXPECT_EQ(caps.components, 2u);
  EXPECT_EQ(caps.couplers, 4001u);
  EXPECT_EQ(caps.range_mass, 3.0f);
  EXPECT_EQ(caps.range_damping, 5.0f);
  EXPECT_EQ(caps.range_frequency, 6.0f);
  EXPECT_EQ(caps.range_second, 7.0f);
  EXPECT_EQ(caps.arithmetic, caps.dt_programmable ? 2u : 0u);
  EXPECT_EQ(caps.memory_bytes, 0x120000000ull);
  EXPECT_EQ(caps.program_max, 65536u);
  EXPECT_EQ(caps.loop_depth, 4u);
  EXPECT_EQ(caps.range_j2, 8.0f);
  EXPECT_EQ(caps.range_j4, 9.0f);
  EXPECT_EQ(caps.range_bias, 16.0f);
  EXPECT_EQ(caps.range_coupling, 0.5f);
  EXPECT_EQ(caps.range_state, 4.0f);
  EXPECT_EQ(caps.kt_min, 0.01f);
  EXPECT_EQ(caps.kt_max, 1.0f);
  EXPECT_EQ(caps.kt_reset, 0.1f);
  EXPECT_EQ(caps.mobility, 1.25f);
  EXPECT_EQ(caps.energy_unit_j, 4.14e-20f);
  EXPECT_EQ(caps.states, 3u);
  EXPECT_EQ(caps.cost_sample_j, 0.0f) << "the device has no prices";
}

TEST_F(CapabilityGet, PricesAreReadWhereTheDeviceHasThem) {
  words_[HB_CAPS_OFFSET] = HB_CAPS_PRICED_MASK;
  hb_capabilities_t caps{};
  ASSERT_EQ(get(&caps), HB_OK);
  EXPECT_EQ(caps.cost_sample_j, 1e-15f);
  EXPECT_EQ(caps.cost_read_j, 2e-12f);
  EXPECT_EQ(caps.cost_write_j, 3e-12f);
  EXPECT_EQ(caps.cost_conversion_j, 4e-12f);
  EXPECT_EQ(caps.cost_link_byte_j, 5e-12f);
  EXPECT_EQ(caps.cost_standby_w, 6e-3f);
  EXPECT_EQ(caps.cost_grades, 0x123u);
}

TEST_F(CapabilityGet, NoComponentsReadAsOne) {
  words_[HB_CAPS_CELL_OFFSET] = 0x00010000u;  // a device of map 1.0
  hb_capabilities_t caps{};
  ASSERT_EQ(get(&caps), HB_OK);
  EXPECT_EQ(caps.components, 1u);
}

TEST_F(CapabilityGet, EachFlagHasItsOwnBit) {
  const struct {
    std::uint32_t mask;
    bool hb_capabilities_t::*flag;
  } flags[] = {{HB_CAPS_SEEDED_MASK, &hb_capabilities_t::seeded},
               {HB_CAPS_STATE_WRITE_MASK, &hb_capabilities_t::state_write},
               {HB_CAPS_METERS_MASK, &hb_capabilities_t::meters},
               {HB_CAPS_DT_PROGRAMMABLE_MASK, &hb_capabilities_t::dt_programmable},
               {HB_CAPS_INCREMENTS_MARKOV_MASK, &hb_capabilities_t::increments_markov},
               {HB_CAPS_FREE_RUNNING_MASK, &hb_capabilities_t::free_running},
               {HB_CAPS_CAPTURE_STALLS_MASK, &hb_capabilities_t::capture_stalls},
               {HB_CAPS_KT_PROGRAMMABLE_MASK, &hb_capabilities_t::kt_programmable},
               {HB_CAPS_LANE_OPERANDS_MASK, &hb_capabilities_t::lane_operands},
               {HB_CAPS_READBACK_MASK, &hb_capabilities_t::readback},
               {HB_CAPS_DMA_MASK, &hb_capabilities_t::dma},
               {HB_CAPS_KT_PER_CELL_MASK, &hb_capabilities_t::kt_per_cell},
               {HB_CAPS_REFINEMENT_MASK, &hb_capabilities_t::refinement},
               {HB_CAPS_HEAT_PER_CELL_MASK, &hb_capabilities_t::heat_per_cell},
               {HB_CAPS_WHOLE_TURNS_MASK, &hb_capabilities_t::whole_turns},
               {HB_CAPS_ACTIVITY_MASK, &hb_capabilities_t::activity},
               {HB_CAPS_PRICED_MASK, &hb_capabilities_t::priced}};
  for (const auto& raised : flags) {
    words_[HB_CAPS_OFFSET] = raised.mask;
    hb_capabilities_t caps{};
    ASSERT_EQ(get(&caps), HB_OK);
    for (const auto& flag : flags) EXPECT_EQ(caps.*flag.flag, flag.mask == raised.mask) << std::hex << flag.mask;
  }
}

TEST_F(CapabilityGet, AnAnswerOutsideOfTheContractIsADeviceErrorAndLeavesTheResultAlone) {
  const std::pair<std::uint32_t, std::uint32_t> wrong[] = {
      {HB_CAPS_CELLS_OFFSET, 0u},
      {HB_CAPS_CELL_OFFSET, 0x03000000u},
      {HB_CAPS_RANGE_MASS_OFFSET, bits(-1.0f)},
      {HB_CAPS_RANGE_SECOND_OFFSET, bits(std::numeric_limits<float>::infinity())},
      {HB_CAPS_LANES_OFFSET, 0u},
      {HB_CAPS_TICK_PS_OFFSET, 0u},
      {HB_CAPS_TIME_UNIT_TICKS_OFFSET, 0u},
      {HB_CAPS_PROGRAM_MAX_OFFSET, 0u},
      {HB_CAPS_PARAM_FORMAT_OFFSET, 0x00000A03u},    // a format outside of the list
      {HB_CAPS_PARAM_FORMAT_OFFSET, 0x00001102u},    // 17 bits in 16
      {HB_CAPS_PARAM_FORMAT_OFFSET, 0x00000A00u},    // bits of a float
      {HB_CAPS_CAPTURE_FORMAT_OFFSET, 0x00000901u},  // 9 bits in 8
      {HB_CAPS_CAPTURE_FORMAT_OFFSET, 0x00000101u},  // one bit
      {HB_CAPS_RANGE_STATE_OFFSET, bits(-1.0f)},
      {HB_CAPS_RANGE_J4_OFFSET, bits(std::numeric_limits<float>::quiet_NaN())},
      {HB_CAPS_KT_MAX_OFFSET, bits(std::numeric_limits<float>::infinity())},
  };
  for (const auto& [offset, value] : wrong) {
    const std::uint32_t right = std::exchange(words_[offset], value);
    hb_capabilities_t caps{};
    caps.cells = 77;
    EXPECT_EQ(get(&caps), HB_DEVICE) << std::hex << offset << " = " << value;
    EXPECT_EQ(caps.cells, 77u);
    words_[offset] = right;
  }
}

TEST_F(CapabilityGet, RefusesNullWithoutAnAccess) {
  hb_capabilities_t caps{};
  EXPECT_EQ(hb_dif_capability_get(nullptr, &caps), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_capability_get(&mmio_, nullptr), HB_BAD_ARG);
}

}  // namespace
