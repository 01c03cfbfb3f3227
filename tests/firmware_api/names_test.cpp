#include <gtest/gtest.h>

#include <set>
#include <string>

#include "heatbath/cells.h"
#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "heatbath/status.h"

namespace {

TEST(StatusNames, AreTheEnumeratorsWithoutPrefix) {
  EXPECT_STREQ(hb_status_name(HB_OK), "OK");
  EXPECT_STREQ(hb_status_name(HB_BAD_ARG), "BAD_ARG");
  EXPECT_STREQ(hb_status_name(HB_CAPTURE_OVERRUN), "CAPTURE_OVERRUN");
  EXPECT_STREQ(hb_status_name(HB_IO), "IO");
}

TEST(StatusNames, EveryStatusHasItsOwnNameAndMeaning) {
  std::set<std::string> names, meanings;
  for (int value = HB_OK; value <= HB_UNSTABLE; ++value) {
    names.insert(hb_status_name(static_cast<hb_status_t>(value)));
    meanings.insert(hb_status_meaning(static_cast<hb_status_t>(value)));
  }
  EXPECT_EQ(names.size(), 13u);
  EXPECT_EQ(meanings.size(), 13u);
  EXPECT_EQ(names.count("UNKNOWN"), 0u);
}

TEST(StatusNames, NumbersNeverChange) {
  EXPECT_EQ(HB_OK, 0);
  EXPECT_EQ(HB_BAD_ARG, 1);
  EXPECT_EQ(HB_BUSY, 2);
  EXPECT_EQ(HB_TIMEOUT, 3);
  EXPECT_EQ(HB_LINK, 4);
  EXPECT_EQ(HB_DEVICE, 5);
  EXPECT_EQ(HB_UNSUPPORTED, 6);
  EXPECT_EQ(HB_BAD_PROGRAM, 7);
  EXPECT_EQ(HB_CAPTURE_OVERRUN, 8);
  EXPECT_EQ(HB_ABORTED, 9);
  EXPECT_EQ(HB_OUT_OF_MEMORY, 10);
  EXPECT_EQ(HB_IO, 11);
  EXPECT_EQ(HB_UNSTABLE, 12);
  EXPECT_EQ(HB_PARITY, 13);
  EXPECT_EQ(HB_OVERHEATED, 14);
  EXPECT_EQ(HB_BROWN_OUT, 15);
  EXPECT_EQ(HB_WATCHDOG, 16);
  EXPECT_EQ(HB_DEFECT, 17);
}

TEST(StatusNames, ANumberOutsideOfTheListIsUnknown) {
  EXPECT_STREQ(hb_status_name(static_cast<hb_status_t>(18)), "UNKNOWN");
  EXPECT_NE(hb_status_meaning(static_cast<hb_status_t>(17)), nullptr);
}

TEST(OperationNames, AreTheEnumeratorsWithoutPrefix) {
  EXPECT_STREQ(hb_op_name(HB_OP_HALT), "HALT");
  EXPECT_STREQ(hb_op_name(HB_OP_METER_SNAPSHOT), "METER_SNAPSHOT");
  std::set<std::string> names;
  for (int op = HB_OP_HALT; op <= HB_OP_READBACK; ++op) names.insert(hb_op_name(static_cast<hb_op_t>(op)));
  EXPECT_EQ(names.size(), 17u);
  EXPECT_EQ(names.count("?"), 0u);
  EXPECT_STREQ(hb_op_name(static_cast<hb_op_t>(17)), "?");
}

TEST(FieldNames, AreTheMembersOfAnInstruction) {
  EXPECT_STREQ(hb_field_name(HB_FIELD_TICKS), "ticks");
  EXPECT_STREQ(hb_field_name(HB_FIELD_LANE_STRIDE), "lane_stride");
  std::set<std::string> names;
  for (int field = HB_FIELD_NONE; field <= HB_FIELD_OPERAND; ++field) {
    names.insert(hb_field_name(static_cast<hb_field_t>(field)));
  }
  EXPECT_EQ(names.size(), 12u);
  EXPECT_EQ(names.count("?"), 0u);
  EXPECT_STREQ(hb_field_name(static_cast<hb_field_t>(12)), "?");
}

TEST(RecordBytes, CoverHeaderAndValuesInMultiplesOf64) {
  EXPECT_EQ(hb_record_bytes(1, 8, 4), 64u);
  EXPECT_EQ(hb_record_bytes(1, 9, 4), 128u);
  EXPECT_EQ(hb_record_bytes(4096, 8192, 4), 4096ull * 8192 * 4 + 64);
}

TEST(CellNames, EveryKindTopologyStepperAndSectionHasItsOwn) {
  std::set<std::string> kinds, topologies, steppers, sections;
  for (std::uint32_t n = 0; n < HB_CELL_KINDS; ++n) kinds.insert(hb_cell_kind_name(n));
  for (std::uint32_t n = 0; n < HB_TOPOLOGIES; ++n) topologies.insert(hb_topology_name(n));
  for (std::uint32_t n = 0; n < HB_STEPPERS; ++n) {
    steppers.insert(hb_stepper_name(n));
    EXPECT_STRNE(hb_stepper_order(n), "?");
  }
  for (int n = HB_SECTION_J2; n < static_cast<int>(HB_SECTIONS); ++n) sections.insert(hb_section_name(static_cast<hb_section_t>(n)));
  EXPECT_EQ(kinds.size(), HB_CELL_KINDS);
  EXPECT_EQ(topologies.size(), HB_TOPOLOGIES);
  EXPECT_EQ(steppers.size(), HB_STEPPERS);
  EXPECT_EQ(sections.size(), 9u);
  EXPECT_EQ(kinds.count("?") + topologies.count("?") + steppers.count("?") + sections.count("?"), 0u);
  EXPECT_STREQ(hb_cell_kind_name(HB_CELL_KINDS), "?");
  EXPECT_STREQ(hb_topology_name(HB_TOPOLOGIES), "?");
  EXPECT_STREQ(hb_stepper_name(HB_STEPPERS), "?");
  EXPECT_STREQ(hb_stepper_order(HB_STEPPERS), "?");
  EXPECT_STREQ(hb_section_name(static_cast<hb_section_t>(9)), "?");
}

TEST(CellKinds, HaveTheSectionsOfTheirEnergy) {
  const auto sections = [](std::uint32_t kind) {
    std::string list;
    for (int n = HB_SECTION_J2; n <= static_cast<int>(HB_SECTIONS); ++n)
      if (hb_cell_has_section(kind, static_cast<hb_section_t>(n)))
        list.append(hb_section_name(static_cast<hb_section_t>(n))).append(" ");
    return list;
  };
  EXPECT_EQ(sections(HB_CAPS_CELL_KIND_OVERDAMPED), "j2 j4 bias coupling gain kT ");
  EXPECT_EQ(sections(HB_CAPS_CELL_KIND_UNDERDAMPED), "j2 j4 bias coupling gain kT mass damping ");
  EXPECT_EQ(sections(HB_CAPS_CELL_KIND_PHASE), "j2 bias coupling gain kT frequency ");
  EXPECT_EQ(sections(HB_CAPS_CELL_KIND_RLC), "j2 j4 bias coupling gain kT mass damping ");
  EXPECT_EQ(sections(HB_CAPS_CELL_KIND_PBIT), "bias coupling gain kT ");
  EXPECT_EQ(sections(HB_CELL_KINDS), "");
}

}  // namespace
