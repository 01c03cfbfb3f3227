#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <ostream>

#include "board.hpp"

namespace heatbath::model::bench {
namespace {

using Program = std::vector<hb_instruction_t>;

/// One rule: a program that breaks it, and who is named.
struct Rule {
  const char* name;
  Program program;  // as it is, HALT not appended
  hb_status_t code;
  std::uint32_t pc;
  hb_field_t field;
  const char* profile = "ideal";
};
void PrintTo(const Rule& rule, std::ostream* out) { *out << rule.name; }

hb_instruction_t with(hb_instruction_t it, const std::function<void(hb_instruction_t&)>& change) {
  change(it);
  return it;
}

const hb_instruction_t halt = op(HB_OP_HALT);
const hb_instruction_t evolve = timed(HB_OP_EVOLVE, 1000);
constexpr std::uint64_t memory = 512u << 20;
const float nan = std::numeric_limits<float>::quiet_NaN();
constexpr hb_status_t bad = HB_BAD_PROGRAM;

std::vector<Rule> rules() {
  const auto reserved = with(evolve, [](auto& it) { it.reserved[2] = 1; });
  std::vector<Rule> list = {
      {"UnknownOperation", {evolve, with(halt, [](auto& it) { it.op = 17; }), halt}, bad, 1, HB_FIELD_OP},
      {"ProgramWithoutHalt", {evolve, evolve}, bad, 1, HB_FIELD_OP},
      {"ReservedWord", {reserved, halt}, bad, 0, HB_FIELD_RESERVED},

      {"SectionOfEvolve", {with(evolve, [](auto& it) { it.section = 1; }), halt}, bad, 0, HB_FIELD_SECTION},
      {"FlagsOfEvolve", {with(evolve, [](auto& it) { it.flags = 1; }), halt}, bad, 0, HB_FIELD_FLAGS},
      {"FirstOfCommit", {with(op(HB_OP_COMMIT), [](auto& it) { it.first = 1; }), halt}, bad, 0, HB_FIELD_FIRST},
      {"CountOfSample", {with(op(HB_OP_SAMPLE), [](auto& it) { it.count = 1; }), halt}, bad, 0, HB_FIELD_COUNT},
      {"ImmediateOfHalt", {with(halt, [](auto& it) { it.imm = 1; })}, bad, 0, HB_FIELD_IMM},
      {"StrideOfReadback",
       {with(readback(HB_SECTION_J2, 0), [](auto& it) { it.lane_stride = 64; }), halt},
       bad,
       0,
       HB_FIELD_LANE_STRIDE},
      {"AddressOfRelease",
       {with(cells(HB_OP_RELEASE, 0, 1), [](auto& it) { it.addr = 64; }), halt},
       bad,
       0,
       HB_FIELD_ADDR},
      {"TicksOfInterrupt", {with(interrupt(1), [](auto& it) { it.ticks = 1000; }), halt}, bad, 0, HB_FIELD_TICKS},

      {"UnknownFlagOfLoad",
       {with(load(HB_SECTION_J2, 1), [](auto& it) { it.flags |= 4; }), halt},
       bad,
       0,
       HB_FIELD_FLAGS},
      {"NowFlagOfSet",
       {with(cells_to(HB_OP_SET, 0, 1, 0), [](auto& it) { it.flags = HB_FLAG_NOW; }), halt},
       bad,
       0,
       HB_FIELD_FLAGS},
      {"UnknownSection",
       {with(load(HB_SECTION_J2, 1), [](auto& it) { it.section = 9; }), halt},
       bad,
       0,
       HB_FIELD_SECTION},
      {"GainFromMemory", {load_from(HB_SECTION_GAIN, 0), halt}, bad, 0, HB_FIELD_FLAGS},
      {"TemperatureOfCellsPerLane", {load_from(HB_SECTION_KT, 0, 64), halt}, bad, 0, HB_FIELD_LANE_STRIDE},
      {"TemperatureOfCellsWithoutTheFeature",
       {load_from(HB_SECTION_KT, 0), halt},
       HB_UNSUPPORTED,
       0,
       HB_FIELD_FLAGS,
       "silicon"},
      {"MassOfAnOverdampedCell", {load(HB_SECTION_MASS, 1), halt}, HB_UNSUPPORTED, 0, HB_FIELD_SECTION},
      {"FrequencyOfAnOverdampedCell", {load(HB_SECTION_FREQUENCY, 1), halt}, HB_UNSUPPORTED, 0, HB_FIELD_SECTION},
      {"ReadbackOfADampingThatIsNotThere", {readback(HB_SECTION_DAMPING, 0), halt}, HB_UNSUPPORTED, 0, HB_FIELD_SECTION},
      {"ReadbackOfTheGain", {readback(HB_SECTION_GAIN, 0), halt}, bad, 0, HB_FIELD_SECTION},
      {"GainInfinite", {load(HB_SECTION_GAIN, INFINITY), halt}, bad, 0, HB_FIELD_IMM},
      {"ImmediateNaN", {load(HB_SECTION_BIAS, nan), halt}, bad, 0, HB_FIELD_IMM},
      {"TemperatureNegative", {load(HB_SECTION_KT, -0.1f), halt}, bad, 0, HB_FIELD_IMM},
      {"TemperatureTooHigh", {evolve, load(HB_SECTION_KT, 1001), halt}, bad, 1, HB_FIELD_IMM},
      {"TemperatureNaN", {load(HB_SECTION_KT, nan), halt}, bad, 0, HB_FIELD_IMM},
      {"ImmediateWithAddress",
       {with(load(HB_SECTION_J2, 1), [](auto& it) { it.addr = 64; }), halt},
       bad,
       0,
       HB_FIELD_ADDR},
      {"MemoryWithImmediate",
       {with(load_from(HB_SECTION_J2, 0), [](auto& it) { it.imm = 1; }), halt},
       bad,
       0,
       HB_FIELD_IMM},
      {"OperandUnaligned", {load_from(HB_SECTION_J2, 2), halt}, bad, 0, HB_FIELD_ADDR},
      {"OperandBeyondMemory", {load_from(HB_SECTION_J2, memory - 28), halt}, bad, 0, HB_FIELD_ADDR},
      {"OperandAddressWraps", {load_from(HB_SECTION_J2, ~std::uint64_t{3}), halt}, bad, 0, HB_FIELD_ADDR},
      {"CouplingsBeyondMemory", {load_from(HB_SECTION_COUPLING, memory - 108), halt}, bad, 0, HB_FIELD_ADDR},
      {"LanesBeyondMemory", {load_from(HB_SECTION_BIAS, memory - 64, 64), halt}, bad, 0, HB_FIELD_ADDR},
      {"StrideUnaligned", {load_from(HB_SECTION_BIAS, 0, 30), halt}, bad, 0, HB_FIELD_LANE_STRIDE},
      {"StrideOfJ2", {load_from(HB_SECTION_J2, 0, 64), halt}, bad, 0, HB_FIELD_LANE_STRIDE},
      {"ReadbackOfGain", {readback(HB_SECTION_GAIN, 0), halt}, bad, 0, HB_FIELD_SECTION},
      {"ReadbackBeyondMemory", {readback(HB_SECTION_BIAS, memory - 28), halt}, bad, 0, HB_FIELD_ADDR},

      {"FirstBeyondCells", {cells_to(HB_OP_SET, 8, 1, 0), halt}, bad, 0, HB_FIELD_FIRST},
      {"CountBeyondCells", {cells_to(HB_OP_CLAMP, 3, 6, 0), halt}, bad, 0, HB_FIELD_COUNT},
      {"CountZero", {cells(HB_OP_RELEASE, 0, 0), halt}, bad, 0, HB_FIELD_COUNT},
      {"StateNaN", {cells_to(HB_OP_SET, 0, 8, nan), halt}, bad, 0, HB_FIELD_IMM},
      {"StatesBeyondMemory", {cells_from(HB_OP_CLAMP, 0, 8, memory - 28), halt}, bad, 0, HB_FIELD_ADDR},

      {"EvolveForNothing", {timed(HB_OP_EVOLVE, 0), halt}, bad, 0, HB_FIELD_TICKS},
      {"EvolveOffTheGrid", {timed(HB_OP_EVOLVE, 1500), halt}, bad, 0, HB_FIELD_TICKS},
      {"RampOffTheGrid", {timed(HB_OP_RAMP, 999), halt}, bad, 0, HB_FIELD_TICKS},
      {"CapturePeriodZero", {timed(HB_OP_CAPTURE_START, 0), halt}, bad, 0, HB_FIELD_TICKS},
      {"CapturePeriodOffTheGrid", {timed(HB_OP_CAPTURE_START, 2001), halt}, bad, 0, HB_FIELD_TICKS},

      {"LoopOfNoTurns", {loop(0), evolve, op(HB_OP_LOOP_END), halt}, bad, 0, HB_FIELD_COUNT},
      {"LoopLeftOpen", {evolve, loop(2), evolve, halt}, bad, 1, HB_FIELD_OP},
      {"LoopEndAlone", {evolve, op(HB_OP_LOOP_END), halt}, bad, 1, HB_FIELD_OP},
      {"LoopsTooDeep", {loop(1), loop(1), loop(1), loop(1), loop(1), halt}, bad, 4, HB_FIELD_OP},
      {"LoopThatTakesNoTimeAndTooLong",
       {loop(4000000000u), op(HB_OP_COMMIT), op(HB_OP_LOOP_END), halt},
       bad,
       0,
       HB_FIELD_COUNT},
      {"LoopsThatTakeNoTimeAndTooLong",
       {loop(4000), loop(4000), op(HB_OP_COMMIT), op(HB_OP_LOOP_END), op(HB_OP_LOOP_END), halt},
       bad,
       0,
       HB_FIELD_COUNT},
      {"SnapshotBeyondMemory", {snapshot(memory - 92), halt}, bad, 0, HB_FIELD_ADDR},

      {"SetWithoutTheFeature", {cells_to(HB_OP_SET, 0, 1, 0), halt}, HB_UNSUPPORTED, 0, HB_FIELD_OP, "silicon"},
      {"MetersWithoutTheFeature", {evolve, op(HB_OP_METER_CLEAR), halt}, HB_UNSUPPORTED, 1, HB_FIELD_OP, "silicon"},
      {"SnapshotWithoutTheFeature", {snapshot(0), halt}, HB_UNSUPPORTED, 0, HB_FIELD_OP, "silicon"},
      {"StrideWithoutTheFeature",
       {load_from(HB_SECTION_BIAS, 0, 64), halt},
       HB_UNSUPPORTED,
       0,
       HB_FIELD_LANE_STRIDE,
       "silicon"},
      {"CaptureTooFast", {timed(HB_OP_CAPTURE_START, 24), halt}, bad, 0, HB_FIELD_TICKS, "silicon"},
      {"TemperatureTooLow", {load(HB_SECTION_KT, 0.001f), halt}, bad, 0, HB_FIELD_IMM, "silicon"},
  };
  return list;
}

class ProgramCheck : public testing::TestWithParam<Rule> {};

TEST_P(ProgramCheck, NamesInstructionAndFieldAndRunsNothing) {
  const Rule& rule = GetParam();
  const bool ideal = std::string(rule.profile) == "ideal";
  Board board(rule.profile, {.cells = 8, .lanes = ideal ? 2u : 1u, .seed = 1, .threads = 1});
  board.w(HB_SHOTS_OFFSET, ideal ? 2 : 1);
  EXPECT_EQ(board.start_bare(rule.program), rule.code);
  EXPECT_EQ(board.r(HB_STATUS_OFFSET), HB_STATUS_FAULT_MASK);
  EXPECT_EQ(board.r(HB_INTR_STATE_OFFSET), HB_INTR_STATE_FAULT_MASK);
  EXPECT_EQ(board.r(HB_FAULT_CODE_OFFSET), rule.code);
  EXPECT_EQ(board.r(HB_FAULT_PC_OFFSET), rule.pc);
  EXPECT_EQ(board.r(HB_FAULT_FIELD_OFFSET), rule.field);
  EXPECT_EQ(board.r(HB_FAULT_INFO_OFFSET), 0u);
  EXPECT_EQ(board.r(HB_SHOT_COUNT_OFFSET), 0u);
  EXPECT_EQ(board.chip.next_event(), Chip::never);
}

INSTANTIATE_TEST_SUITE_P(Rules, ProgramCheck, testing::ValuesIn(rules()), testing::PrintToStringParamName());

struct Setting {
  const char* name;
  std::uint32_t offset, value, blamed;
  hb_status_t code = HB_BAD_ARG;
  const char* profile = "ideal";
};
void PrintTo(const Setting& setting, std::ostream* out) { *out << setting.name; }

class JobRegisters : public testing::TestWithParam<Setting> {};

TEST_P(JobRegisters, OutOfRangeAreNamedAndNothingRuns) {
  const Setting& setting = GetParam();
  Board board(setting.profile, {.cells = 8, .threads = 1});
  const Program program{timed(HB_OP_EVOLVE, 1000), op(HB_OP_SAMPLE), halt};
  board.put(program_at, program);
  board.w(HB_PROGRAM_COUNT_OFFSET, 3);
  if (setting.offset == HB_JOB_STEP0_HI_OFFSET) board.seed(1);
  board.w(setting.offset, setting.value);
  EXPECT_EQ(board.command(HB_COMMAND_OP_START), setting.code);
  EXPECT_EQ(board.r(HB_STATUS_OFFSET), HB_STATUS_FAULT_MASK);
  EXPECT_EQ(board.r(HB_FAULT_CODE_OFFSET), setting.code);
  EXPECT_EQ(board.r(HB_FAULT_PC_OFFSET), 0xFFFFFFFFu);
  EXPECT_EQ(board.r(HB_FAULT_FIELD_OFFSET), setting.blamed);
  EXPECT_EQ(board.chip.next_event(), Chip::never);
}

INSTANTIATE_TEST_SUITE_P(
    Settings, JobRegisters,
    testing::Values(
        Setting{"NoCells", HB_ACTIVE_CELLS_OFFSET, 0, HB_ACTIVE_CELLS_OFFSET},
        Setting{"TooManyCells", HB_ACTIVE_CELLS_OFFSET, 9, HB_ACTIVE_CELLS_OFFSET},
        Setting{"NoShots", HB_SHOTS_OFFSET, 0, HB_SHOTS_OFFSET},
        Setting{"MoreShotsThanLanes", HB_SHOTS_OFFSET, 257, HB_SHOTS_OFFSET},
        Setting{"ProgramUnaligned", HB_PROGRAM_ADDR_LO_OFFSET, 4, HB_PROGRAM_ADDR_LO_OFFSET},
        Setting{"ProgramBeyondMemory", HB_PROGRAM_ADDR_HI_OFFSET, 1, HB_PROGRAM_ADDR_LO_OFFSET},
        Setting{"ProgramEndsBeyondMemory", HB_PROGRAM_ADDR_LO_OFFSET, (512u << 20) - 64, HB_PROGRAM_COUNT_OFFSET},
        Setting{"NoProgram", HB_PROGRAM_COUNT_OFFSET, 0, HB_PROGRAM_COUNT_OFFSET},
        Setting{"ProgramTooLong", HB_PROGRAM_COUNT_OFFSET, 65537, HB_PROGRAM_COUNT_OFFSET},
        Setting{"NoRing", HB_CAPTURE_SLOTS_OFFSET, 0, HB_CAPTURE_SLOTS_OFFSET},
        Setting{"RingTooLong", HB_CAPTURE_SLOTS_OFFSET, 0xFFFFFFFF, HB_CAPTURE_SLOTS_OFFSET},
        Setting{"RingUnaligned", HB_CAPTURE_BASE_LO_OFFSET, 32, HB_CAPTURE_BASE_LO_OFFSET},
        Setting{"RingBeyondMemory", HB_CAPTURE_BASE_HI_OFFSET, 1, HB_CAPTURE_BASE_LO_OFFSET},
        Setting{"CapturedCellBeyondCells", HB_CAPTURE_CELL0_OFFSET, 8, HB_CAPTURE_CELL0_OFFSET},
        Setting{"CapturedCellsBeyondCells", HB_CAPTURE_CELLS_OFFSET, 9, HB_CAPTURE_CELLS_OFFSET},
        Setting{"StepNumberTooLarge", HB_JOB_STEP0_HI_OFFSET, 0x10000, HB_JOB_STEP0_HI_OFFSET},
        Setting{"SeedWithoutTheFeature", HB_JOB_FLAGS_OFFSET, 1, HB_JOB_FLAGS_OFFSET, HB_UNSUPPORTED, "silicon"}),
    testing::PrintToStringParamName());

TEST(Program, MayUseEveryOperation) {
  Board board;
  board.w(HB_SHOTS_OFFSET, 4);
  const std::vector<hb_instruction_t> program{
      load(HB_SECTION_J2, 1), load_from(HB_SECTION_J4, operands_at), load_from(HB_SECTION_BIAS, operands_at, 32),
      load(HB_SECTION_COUPLING, 0.1f), load(HB_SECTION_GAIN, -1), load(HB_SECTION_KT, 0), op(HB_OP_COMMIT),
      op(HB_OP_METER_CLEAR), cells_to(HB_OP_SET, 0, 8, 1), cells_from(HB_OP_CLAMP, 2, 2, operands_at, 8),
      timed(HB_OP_CAPTURE_START, 2000, HB_FLAG_NOW), loop(3), timed(HB_OP_EVOLVE, 3000), op(HB_OP_SAMPLE),
      op(HB_OP_LOOP_END), op(HB_OP_CAPTURE_STOP), cells(HB_OP_RELEASE, 2, 1), load(HB_SECTION_GAIN, 0),
      timed(HB_OP_RAMP, 2000), snapshot(meters_at), readback(HB_SECTION_COUPLING, readback_at), interrupt(7)};
  EXPECT_EQ(board.run(program).size(), 1u + 4u + 3u);
  EXPECT_TRUE(board.done());
  EXPECT_EQ(board.r(HB_FAULT_CODE_OFFSET), HB_OK);
}

TEST(Program, NeedsNoRingWithoutRecords) {
  Board board;
  board.w(HB_CAPTURE_SLOTS_OFFSET, 0);
  EXPECT_EQ(board.start({timed(HB_OP_EVOLVE, 1000)}), HB_OK);
  board.finish();
  EXPECT_TRUE(board.done());
  EXPECT_EQ(board.r(HB_CAPTURE_RECORD_BYTES_OFFSET), 0u);
}

TEST(Operands, ThatAreNaNFailTheJobAndNameTheEntry) {
  Board board;
  std::vector<float> values(28, 0.5f);
  values[13] = nan;
  board.put(operands_at, values);
  for (const auto& [instruction, entry] : {std::pair{load_from(HB_SECTION_COUPLING, operands_at), 13u},
                                           std::pair{load_from(HB_SECTION_J2, operands_at + 24), 7u},
                                           std::pair{cells_from(HB_OP_SET, 2, 3, operands_at + 48), 1u}}) {
    ASSERT_EQ(board.start({timed(HB_OP_EVOLVE, 1000), instruction, timed(HB_OP_EVOLVE, 1000)}), HB_OK);
    board.finish();
    EXPECT_EQ(board.r(HB_STATUS_OFFSET), HB_STATUS_FAULT_MASK);
    EXPECT_EQ(board.r(HB_FAULT_CODE_OFFSET), HB_BAD_PROGRAM);
    EXPECT_EQ(board.r(HB_FAULT_PC_OFFSET), 1u);
    EXPECT_EQ(board.r(HB_FAULT_FIELD_OFFSET), HB_FIELD_OPERAND);
    EXPECT_EQ(board.r(HB_FAULT_INFO_OFFSET), entry);
    EXPECT_EQ(board.r64(HB_JOB_TICKS_LO_OFFSET), 1000u);
  }
}

TEST(Operands, PerLaneNameLaneAndCell) {
  Board board;
  board.w(HB_SHOTS_OFFSET, 3);
  std::vector<float> values(24, 0.5f);
  values[8 + 5] = nan;
  board.put(operands_at, values);
  ASSERT_EQ(board.start({load_from(HB_SECTION_BIAS, operands_at, 32)}), HB_OK);
  board.finish();
  EXPECT_EQ(board.r(HB_FAULT_INFO_OFFSET), 13u);
}

}  // namespace
}  // namespace heatbath::model::bench
