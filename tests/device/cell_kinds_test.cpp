// Profiles and choices of cell kinds as registers show them, codes of every section, and states that leave their range.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <unistd.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <limits>
#include <numbers>
#include <stdexcept>

#include "board.hpp"
#include "heatbath/cells.h"
#include "heatbath/codes.h"
#include "hw_model/device/stability.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/topology.hpp"

namespace heatbath::model::bench {
namespace {

const ChipOptions one_lane{.cells = 0, .lanes = 1, .seed = 1, .threads = 1};

std::uint32_t cell_register(const Choices& choices, const std::string& profile = "ideal") {
  const Chip chip(load_profile(profile, choices), one_lane);
  return chip.read32(HB_CAPS_CELL_OFFSET);
}

float value_of(const Chip& chip, std::uint32_t offset) { return std::bit_cast<float>(chip.read32(offset)); }

TEST(CellNames, AreTheSameForHostsAndForThePhysics) {
  for (std::uint32_t n = 0; n < HB_CELL_KINDS; ++n)
    EXPECT_EQ(hb_cell_kind_name(n), physics::name(static_cast<physics::CellKind>(n)));
  for (std::uint32_t n = 0; n < HB_STEPPERS; ++n)
    EXPECT_EQ(hb_stepper_name(n), physics::name(static_cast<physics::Stepper>(n)));
}

TEST(Choices, ShowInTheCapabilityRegisters) {
  EXPECT_EQ(cell_register({}), 0x01010000u);
  EXPECT_EQ(cell_register({{"stepper", "heun"}}), 0x01020000u);
  EXPECT_EQ(cell_register({{"cell", "underdamped"}}), 0x02040001u) << "BAOAB comes with the kind";
  EXPECT_EQ(cell_register({{"cell", "underdamped"}, {"stepper", "exact-ou"}}), 0x02050001u);
  EXPECT_EQ(cell_register({{"cell", "phase"}, {"topology", "ring:5"}}), 0x02010102u);
  EXPECT_EQ(cell_register({{"cell", "rlc"}}), 0x02040003u);
  EXPECT_EQ(cell_register({{"cell", "pbit"}}), 0x01060004u) << "dense: sequential";
  EXPECT_EQ(cell_register({{"cell", "pbit"}, {"topology", "grid:3x3"}}), 0x01080104u) << "bipartite: two-colour";
  EXPECT_EQ(cell_register({{"cell", "pbit"}, {"topology", "ring:5"}}), 0x01060104u) << "odd ring: sequential";
  EXPECT_EQ(cell_register({{"cell", "categorical"}}), 0x01060005u) << "dense: sequential";
  EXPECT_EQ(cell_register({{"cell", "categorical"}, {"topology", "grid:3x3"}}), 0x01080105u) << "bipartite: two-colour";
  EXPECT_EQ(cell_register({{"cell", "phase"}}, "silicon"), 0x02000002u) << "a physical part shows no stepper";

  const auto caps = [](const Choices& choices) {
    return Chip(load_profile("ideal", choices), one_lane).read32(HB_CAPS_OFFSET);
  };
  EXPECT_TRUE(caps({}) & HB_CAPS_INCREMENTS_MARKOV_MASK);
  EXPECT_FALSE(caps({{"stepper", "heun"}}) & HB_CAPS_INCREMENTS_MARKOV_MASK);
  EXPECT_FALSE(caps({{"stepper", "leimkuhler-matthews"}}) & HB_CAPS_INCREMENTS_MARKOV_MASK);
  EXPECT_TRUE(caps({{"cell", "pbit"}}) & HB_CAPS_INCREMENTS_MARKOV_MASK);
  EXPECT_FALSE(caps({{"noise", "telegraph"}, {"noise_time", "0.1"}}) & HB_CAPS_INCREMENTS_MARKOV_MASK);
  EXPECT_FALSE(caps({{"noise_common", "0.5"}}) & HB_CAPS_REFINEMENT_MASK);
  EXPECT_FALSE(caps({{"cell", "pbit"}}) & HB_CAPS_REFINEMENT_MASK);

  const Chip phases(load_profile("ideal", {{"cell", "phase"}, {"topology", "king:3x3"}, {"reciprocal", "no"}}), one_lane);
  EXPECT_EQ(phases.read32(HB_CAPS_CELLS_OFFSET), 9u);
  EXPECT_EQ(phases.read32(HB_CAPS_COUPLERS_OFFSET), 20u);
  EXPECT_EQ(phases.topology_bytes(), 160u);
  EXPECT_EQ(phases.read32(HB_CAPS_PARAM_FORMAT_OFFSET), 1u << HB_CAPS_PARAM_FORMAT_LAYOUT_SHIFT);
  EXPECT_EQ(value_of(phases, HB_CAPS_RANGE_STATE_OFFSET), std::numbers::pi_v<float>);
  EXPECT_EQ(value_of(phases, HB_CAPS_RANGE_SECOND_OFFSET), 0x1p24f);
  EXPECT_EQ(phases.read32(HB_DT_TICKS_OFFSET), 1000u);
  const Chip bits(load_profile("ideal", {{"cell", "pbit"}}), one_lane);
  EXPECT_EQ(bits.read32(HB_DT_TICKS_OFFSET), 1000000u) << "a step is a sweep";
  EXPECT_EQ(value_of(bits, HB_CAPS_RANGE_STATE_OFFSET), 1.0f);
  EXPECT_EQ(value_of(bits, HB_CAPS_RANGE_SECOND_OFFSET), 0.0f);
}

TEST(Choices, SetTheStepAndKeepThatOfAProfile) {
  const auto ticks = [](const std::string& profile, const Choices& choices) {
    return load_profile(profile, choices).dt_ticks;
  };
  EXPECT_EQ(ticks("ideal", {{"dt", "0.02"}}), 20000u);
  EXPECT_EQ(ticks("coded", {{"dt", "3.3333333e-4"}}), 333u) << "to the nearest tick";
  EXPECT_EQ(ticks("ideal", {{"dt", "0.125"}, {"cell", "pbit"}}), 125000u);
  EXPECT_EQ(ticks("ideal", {{"cell", "pbit"}}), 1000000u);

  // Of a profile whose step is its own, cells of another kind take nothing away.
  std::ifstream in(std::string(HEATBATH_SOURCE_DIR) + "/hw_model/profiles/ideal.toml");
  std::string text(std::istreambuf_iterator<char>(in), {});
  const std::string step = "dt_ticks = 1000 ";
  ASSERT_NE(text.find(step), std::string::npos);
  text.replace(text.find(step), step.size(), "dt_ticks = 62500 ");
  const auto path = std::filesystem::temp_directory_path() / ("heatbath_step_" + std::to_string(getpid()) + ".toml");
  std::ofstream(path) << text;
  EXPECT_EQ(ticks(path.string(), {{"cell", "pbit"}, {"stepper", "random-sequential"}}), 62500u);
  EXPECT_EQ(ticks(path.string(), {{"cell", "underdamped"}}), 62500u);
  EXPECT_EQ(ticks(path.string(), {{"cell", "pbit"}, {"dt", "0.5"}}), 500000u);
  std::filesystem::remove(path);
}

TEST(Choices, ThatCannotBeAreOneLine) {
  const auto refused = [](const Choices& choices, const std::string& part) {
    EXPECT_THAT([&] { load_profile("ideal", choices); },
                testing::ThrowsMessage<std::invalid_argument>(testing::HasSubstr(part)));
  };
  refused({{"cell", "phase"}, {"stepper", "baoab"}}, "stepper baoab is not for cells of kind phase");
  refused({{"stepper", "sequential"}}, "stepper sequential is not for cells of kind overdamped");
  refused({{"topology", "torus:2x5"}}, "torus");
  refused({{"noise", "pink"}}, "correlation time > 0");
  refused({{"stepper", "exact-ou"}, {"noise", "pink"}, {"noise_time", "1"}}, "needs stepper euler-maruyama or heun");
  refused({{"colour", "white"}}, "'colour' is nothing to choose");
  refused({{"dt", "1.4e-6"}}, "dt=1.4e-6: a step has whole ticks of 1e-06 time units; the nearest is 1e-06");
  for (const std::string wrong : {"0", "-1", "1e-7", "nan", "1e9", "0,1", "fast"}) refused({{"dt", wrong}}, "dt=" + wrong);
  EXPECT_THAT([&] { load_profile("silicon", {{"dt", "0.002"}}); },
              testing::ThrowsMessage<std::invalid_argument>(testing::HasSubstr("the step of this profile is fixed")));
  refused({{"noise_time", "0.5"}}, "white noise has no correlation time");
  EXPECT_NO_THROW(load_profile("ideal", {{"noise_time", "0.5"}, {"noise", "pink"}, {"stepper", "heun"}}));
}

TEST(Topology, OfAFileNamesItsBadLine) {
  const auto path = std::filesystem::temp_directory_path() / ("heatbath_graph_" + std::to_string(getpid()));
  const auto with = [&](const std::string& text) {
    std::ofstream(path) << text;
    return load_profile("ideal", {{"topology", path.string()}});
  };
  const Profile good = with("# a triangle and a tail\n0 1\n1 2\n\n2 0\n2 3\n");
  EXPECT_EQ(good.graph->cells(), 4u);
  EXPECT_EQ(good.graph->couplers()[1], (physics::Coupler{0, 2}));
  const auto refused = [&](const std::string& text, const std::string& part) {
    EXPECT_THAT([&] { with(text); }, testing::ThrowsMessage<std::invalid_argument>(
                                         testing::AllOf(testing::HasSubstr(path.string()), testing::HasSubstr(part))));
  };
  refused("0 1\n1 one\n", "line 2");
  refused("0 1\n1 0\n", "line 2");
  refused("0 1\n3 3\n", "line 2");
  refused("%%MatrixMarket matrix coordinate pattern general\n3 3 3\n1 2\n2 1\n1 3\n", "line 5");
  refused("%%MatrixMarket matrix coordinate pattern symmetric\n3 3 1\n4 1\n", "line 3");
  std::filesystem::remove(path);
}

TEST(Sections, OfCodesAreRoundedReadBackAndRefusedByEntry) {
  const Profile profile = load_profile("silicon", {{"cell", "underdamped"}});
  Board board(profile, {.cells = 4, .lanes = 1, .seed = 1, .threads = 1});
  const auto code = [&](float value, float range) {
    return static_cast<std::int16_t>(hb_value_to_code(value, range, profile.parameter_bits));
  };
  const std::vector<std::int16_t> mass{code(1, 8), code(2.5f, 8), code(7.9f, 8), code(0.1f, 8)};
  board.put(operands_at, mass);
  board.finish();
  ASSERT_EQ(board.start({load_from(HB_SECTION_MASS, operands_at), load(HB_SECTION_DAMPING, -3), op(HB_OP_COMMIT),
                         readback(HB_SECTION_MASS, readback_at), readback(HB_SECTION_DAMPING, readback_at + 64)}),
            HB_OK);
  board.finish();
  ASSERT_TRUE(board.done());
  EXPECT_EQ(board.get<std::int16_t>(readback_at, 4), mass);
  EXPECT_EQ(board.get<std::int16_t>(readback_at + 64, 4), (std::vector<std::int16_t>(4, 0))) << "clipped to 0";
  EXPECT_EQ(board.r(HB_CLIP_COUNT_OFFSET), 4u);
  EXPECT_EQ(board.chip.sequencer().live().mass[1], hb_code_to_value(mass[1], 8, profile.parameter_bits));

  board.put(operands_at, std::vector<std::int16_t>{code(1, 8), 0, code(1, 8), code(1, 8)});
  ASSERT_EQ(board.start({load_from(HB_SECTION_MASS, operands_at), op(HB_OP_COMMIT)}), HB_OK);
  board.finish();
  EXPECT_EQ(board.r(HB_FAULT_CODE_OFFSET), static_cast<std::uint32_t>(HB_BAD_PROGRAM));
  EXPECT_EQ(board.r(HB_FAULT_PC_OFFSET), 0u) << "the LOAD";
  EXPECT_EQ(board.r(HB_FAULT_FIELD_OFFSET), static_cast<std::uint32_t>(HB_FIELD_OPERAND));
  EXPECT_EQ(board.r(HB_FAULT_INFO_OFFSET), 1u) << "a mass of zero";
}

TEST(Sections, OfTemperaturesRefuseTheEntryOutOfRange) {
  Board board;
  for (const float wrong : {-0.5f, 2000.0f, std::numeric_limits<float>::quiet_NaN()}) {
    board.put(operands_at, std::vector<float>{1, 1, 1, 1, 1, wrong, 1, 1});
    ASSERT_EQ(board.start({load_from(HB_SECTION_KT, operands_at), op(HB_OP_COMMIT)}), HB_OK);
    board.finish();
    EXPECT_EQ(board.r(HB_FAULT_CODE_OFFSET), static_cast<std::uint32_t>(HB_BAD_PROGRAM));
    EXPECT_EQ(board.r(HB_FAULT_INFO_OFFSET), 5u) << wrong;
  }
}

TEST(FullCouplings, RefuseACellCoupledToItself) {
  Board board(load_profile("ideal", {{"reciprocal", "no"}}), {.cells = 3, .lanes = 1, .seed = 1, .threads = 1});
  board.put(operands_at, std::vector<float>{0, 1, 2, 3, 0, 4, 5, 6, 0.5f});
  ASSERT_EQ(board.start({load_from(HB_SECTION_COUPLING, operands_at), op(HB_OP_COMMIT)}), HB_OK);
  board.finish();
  EXPECT_EQ(board.r(HB_FAULT_INFO_OFFSET), 8u);
  board.put(operands_at + 32, std::vector<float>{0});
  ASSERT_EQ(board.start({load_from(HB_SECTION_COUPLING, operands_at), op(HB_OP_COMMIT)}), HB_OK);
  board.finish();
  ASSERT_TRUE(board.done());
  EXPECT_EQ(board.chip.sequencer().live().couplings->at(0, 1), 1.0f) << "what cell 1 does to cell 0";
  EXPECT_EQ(board.chip.sequencer().live().couplings->at(1, 0), 3.0f);
}

TEST(StateVariables, OfTheSecondComponentAreWrittenCapturedAndClamped) {
  Board board(load_profile("ideal", {{"cell", "underdamped"}}), {.cells = 3, .lanes = 1, .seed = 1, .threads = 1});
  board.w(HB_CAPTURE_CELLS_OFFSET, 6);
  const auto records =
      board.run({cells_to(HB_OP_SET, 0, 6, 2), op(HB_OP_SAMPLE), cells_to(HB_OP_CLAMP, 1, 1, 5), op(HB_OP_SAMPLE)});
  ASSERT_EQ(records.size(), 2u);
  EXPECT_EQ(records[0].values, (std::vector<float>{2, 2, 2, 2, 2, 2}));
  EXPECT_EQ(records[1].values, (std::vector<float>{2, 5, 2, 2, 0, 2})) << "a clamped cell does not move";
  board.w(HB_CAPTURE_CELL0_OFFSET, 4);
  board.w(HB_CAPTURE_CELLS_OFFSET, 0);
  const auto rest = board.run({cells_to(HB_OP_SET, 3, 3, 7), op(HB_OP_SAMPLE)});
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].values, (std::vector<float>{7, 7})) << "all cells from there on, of that component";
  const auto field = [&](std::vector<hb_instruction_t> program) {
    EXPECT_EQ(board.start(std::move(program)), HB_BAD_PROGRAM);
    return board.r(HB_FAULT_FIELD_OFFSET);
  };
  EXPECT_EQ(field({cells_to(HB_OP_SET, 5, 2, 0)}), static_cast<std::uint32_t>(HB_FIELD_COUNT));
  EXPECT_EQ(field({cells_to(HB_OP_CLAMP, 3, 1, 0)}), static_cast<std::uint32_t>(HB_FIELD_FIRST));
  board.w(HB_CAPTURE_CELL0_OFFSET, 6);
  EXPECT_EQ(board.start({op(HB_OP_SAMPLE)}), HB_BAD_ARG);
}

TEST(StateVariables, OfCodesHaveTheFullScaleOfTheirComponent) {
  Profile profile = load_profile("ideal", {{"cell", "underdamped"}});
  profile.capture_storage = Storage::code16;
  profile.capture_bits = 10;
  profile.velocity_range = 2;
  Board board(profile, {.cells = 2, .lanes = 1, .seed = 1, .threads = 1});
  board.w(HB_CAPTURE_CELLS_OFFSET, 4);
  ASSERT_EQ(board.start({cells_to(HB_OP_SET, 0, 4, 1), op(HB_OP_SAMPLE)}), HB_OK);
  board.finish();
  EXPECT_EQ(board.get<std::int16_t>(ring_at + sizeof(hb_record_header_t), 4), (std::vector<std::int16_t>{8, 8, 256, 256}));
}

TEST(StateVariables, BeyondTheirConverterAreCounted) {
  Profile profile = load_profile("ideal", {{"cell", "underdamped"}});
  profile.capture_storage = Storage::code8;
  profile.capture_bits = 6;
  profile.velocity_range = 2;  // codes end at 2 - 1/16
  Board board(profile, {.cells = 2, .lanes = 3, .seed = 1, .threads = 1});
  board.w(HB_SHOTS_OFFSET, 3);
  board.w(HB_CAPTURE_CELLS_OFFSET, 4);
  const auto run = [&](float velocity) {
    EXPECT_EQ(board.start({cells_to(HB_OP_SET, 2, 2, velocity), op(HB_OP_SAMPLE), op(HB_OP_SAMPLE)}), HB_OK);
    board.finish();
    EXPECT_EQ((board.r(HB_STATUS_OFFSET) & HB_STATUS_CAPTURE_CLIP_MASK) != 0, board.r(HB_CAPTURE_CLIP_COUNT_OFFSET) > 0);
    return board.r(HB_CAPTURE_CLIP_COUNT_OFFSET);
  };
  EXPECT_EQ(run(1.9f), 0u);
  EXPECT_EQ(run(2.5f), 12u) << "two velocities of three lanes, twice";
  EXPECT_EQ(run(-2.0f), 0u) << "of the job alone";
  EXPECT_EQ(run(-2.1f), 12u);
}

TEST(StateVariables, OfCodesHoldSpinsTurnsAndAnglesAsTheyAre) {
  for (const auto& [storage, bits] : {std::pair{Storage::code8, 2u}, {Storage::code8, 8u}, {Storage::code16, 10u}, {Storage::code16, 16u}}) {
    const std::int32_t half = 1 << (bits - 1u);
    Profile spins = load_profile("ideal", {{"cell", "pbit"}});
    spins.capture_storage = storage, spins.capture_bits = bits;
    float values[] = {1, -1};
    for (float& value : values) EXPECT_EQ(convert(value, spins.state_converter()).clipped, 0u);
    EXPECT_EQ(values[0], 1) << bits;
    EXPECT_EQ(values[1], -1) << bits;

    Profile phases = load_profile("ideal", {{"cell", "phase"}});
    phases.capture_storage = storage, phases.capture_bits = bits;
    for (std::int32_t turn = -half; turn < half; ++turn) {
      auto value = static_cast<float>(turn);
      EXPECT_EQ(convert(value, phases.second_converter()).clipped, 0u) << turn;
      EXPECT_EQ(value, static_cast<float>(turn)) << bits;
    }
    auto beyond = static_cast<float>(half);
    EXPECT_EQ(convert(beyond, phases.second_converter()).clipped, 1u);
    EXPECT_EQ(beyond, static_cast<float>(half - 1));
    // An angle slightly below pi is nearer to -pi, a code, than to the last one.
    constexpr auto pi = std::numbers::pi_v<float>;
    float angle = pi - 0.2f * pi / static_cast<float>(half);
    EXPECT_EQ(convert(angle, phases.state_converter()).clipped, 0u);
    EXPECT_EQ(angle, -pi) << bits;
  }
}

TEST(StateVariables, OfPhasesAreCapturedAsIntegersWhenAsked) {
  Board phases(load_profile("ideal", {{"cell", "phase"}}), {.cells = 2, .lanes = 1, .seed = 1, .threads = 1});
  phases.w(HB_CAPTURE_CELLS_OFFSET, 4);
  phases.w(HB_JOB_FLAGS_OFFSET, HB_JOB_FLAGS_WHOLE_TURNS_MASK);
  ASSERT_EQ(phases.start({cells_to(HB_OP_SET, 2, 2, 50331648.0f), cells_to(HB_OP_SET, 0, 1, 6.5f), op(HB_OP_SAMPLE)}), HB_OK);
  phases.finish();
  EXPECT_EQ(phases.get<std::int32_t>(ring_at + sizeof(hb_record_header_t) + 8, 2),
            (std::vector<std::int32_t>{50331649, 50331648}));
  EXPECT_EQ(phases.r(HB_CAPTURE_CLIP_COUNT_OFFSET), 0u);
  phases.w(HB_JOB_FLAGS_OFFSET, 0);
  ASSERT_EQ(phases.start({cells_to(HB_OP_SET, 2, 2, 50331648.0f), op(HB_OP_SAMPLE)}), HB_OK);
  phases.finish();
  EXPECT_EQ(phases.r(HB_CAPTURE_CLIP_COUNT_OFFSET), 2u) << "float32 turns end at 2^24";
  Board wells;
  wells.w(HB_JOB_FLAGS_OFFSET, HB_JOB_FLAGS_WHOLE_TURNS_MASK);
  EXPECT_EQ(wells.start({op(HB_OP_SAMPLE)}), HB_UNSUPPORTED);
  EXPECT_EQ(wells.r(HB_FAULT_FIELD_OFFSET), HB_JOB_FLAGS_OFFSET);
}

TEST(Refinement, IsCheckedAtStart) {
  Board board;
  const auto start = [&](std::uint32_t flags) {
    board.w(HB_JOB_FLAGS_OFFSET, flags);
    const hb_status_t status = board.start({timed(HB_OP_EVOLVE, 1000)});
    board.finish();
    return status;
  };
  constexpr std::uint32_t seeded = HB_JOB_FLAGS_SEEDED_MASK, level = 1u << HB_JOB_FLAGS_REFINEMENT_SHIFT;
  EXPECT_EQ(start(seeded | 8 * level), HB_OK);
  EXPECT_EQ(start(seeded | 9 * level), HB_BAD_ARG);
  EXPECT_EQ(board.r(HB_FAULT_FIELD_OFFSET), HB_JOB_FLAGS_OFFSET);
  EXPECT_EQ(start(level), HB_BAD_ARG) << "without a seed";
  Board bits(load_profile("ideal", {{"cell", "pbit"}}));
  bits.w(HB_JOB_FLAGS_OFFSET, seeded | level);
  EXPECT_EQ(bits.start({timed(HB_OP_EVOLVE, 1000000)}), HB_UNSUPPORTED);
}

// -- stability --------------------------------------------------------------------------------------------------------

physics::Parameters quartic(float j2, float j4, std::uint32_t cells = 2) {
  physics::Parameters p;
  p.j2.assign(cells, j2);
  p.j4.assign(cells, j4);
  p.bias.assign(cells, 0);
  p.couplings = std::make_shared<const physics::Couplings>(cells);
  return p;
}

TEST(Stability, BoundIsTheFormulaOfTheProfile) {
  Profile profile = load_profile("silicon");  // rail 4, refused by the rail
  const auto longest = [&](const physics::Parameters& p, double dt = 1) {
    return longest_stable_step(profile, profile.array(static_cast<std::uint32_t>(p.j2.size()), 1), p, {}, dt);
  };
  EXPECT_DOUBLE_EQ(longest(quartic(1, 1)), 2.0 / (2 + 12 * 16));
  physics::Parameters coupled = quartic(1, 0, 3);
  coupled.couplings = std::make_shared<const physics::Couplings>(3, std::vector<float>{0, 1, 0, 1, 0, 1, 0, 1, 0});
  EXPECT_NEAR(longest(coupled), 2 / (2 + std::sqrt(2.0)), 1e-12) << "chain of 3: lambda_max = sqrt 2";
  coupled.gain = -2;
  EXPECT_NEAR(longest(coupled), 2 / (2 + 2 * std::sqrt(2.0)), 1e-12);
  EXPECT_DOUBLE_EQ(longest(coupled, 1e-3), 2 / (2 + 4.0)) << "far from the limit the row sums are enough";
  profile.mobility = 2;
  EXPECT_NEAR(longest(coupled), 1 / (2 + 2 * std::sqrt(2.0)), 1e-12);
  profile.mobility = 1;
  profile.refuse_unstable = Stability::linear;
  EXPECT_DOUBLE_EQ(longest(quartic(1, 1)), 1.0);
  EXPECT_NEAR(longest(quartic(-1, 1)), 0.5, 1e-9) << "in a well the curvature is -4 J2";
  EXPECT_EQ(longest(quartic(-1, 0)), std::numeric_limits<double>::infinity()) << "an unstable fixed point";
  profile.refuse_unstable = Stability::never;
  EXPECT_EQ(longest(quartic(1, 1)), std::numeric_limits<double>::infinity());
  profile.refuse_unstable = Stability::rail;
  profile.stepper = physics::Stepper::exact_ou;
  EXPECT_EQ(longest(quartic(1, 0)), std::numeric_limits<double>::infinity()) << "stable at any step";
}

TEST(Stability, UnstableCommitFailsAndNamesTheStep) {
  Board board("silicon", {.cells = 4, .lanes = 1, .seed = 1, .threads = 1});
  Profile profile = load_profile("silicon");
  profile.dt_programmable = false;
  ASSERT_EQ(board.start({load(HB_SECTION_J4, 8), op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, 10)}), HB_OK);
  board.finish();
  EXPECT_TRUE(board.done()) << "2/(12 x 8 x 16) = 1.3e-3 is above the step of 1e-3";
  ASSERT_EQ(board.start({load(HB_SECTION_J4, 8), load(HB_SECTION_COUPLING, 0.5f), load(HB_SECTION_GAIN, 1000),
                         op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, 10)}),
            HB_OK);
  board.finish();
  EXPECT_EQ(board.r(HB_STATUS_OFFSET) & HB_STATUS_FAULT_MASK, HB_STATUS_FAULT_MASK);
  EXPECT_EQ(board.r(HB_FAULT_CODE_OFFSET), static_cast<std::uint32_t>(HB_UNSTABLE));
  EXPECT_EQ(board.r(HB_FAULT_PC_OFFSET), 3u);
  EXPECT_EQ(board.r(HB_FAULT_INFO_OFFSET), 0u) << "no whole tick is short enough";
}

TEST(Stability, AJobThatGoesOnWithALongerStepIsRefused) {
  Board board;
  board.seed(1);
  ASSERT_EQ(board.start({load(HB_SECTION_J2, 100), op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, 5000)}), HB_OK);
  board.finish();
  ASSERT_TRUE(board.done());
  board.seed(1, 0, 5);
  board.w(HB_DT_TICKS_OFFSET, 20000);  // 0.02 > 2/200
  ASSERT_EQ(board.start({timed(HB_OP_EVOLVE, 20000)}), HB_OK);
  board.finish();
  EXPECT_EQ(board.r(HB_FAULT_CODE_OFFSET), static_cast<std::uint32_t>(HB_UNSTABLE));
  EXPECT_EQ(board.r(HB_FAULT_PC_OFFSET), Fault::no_instruction);
  EXPECT_EQ(board.r(HB_FAULT_INFO_OFFSET), 9999u);
}

TEST(Rails, FarAwayHoldADivergingCellAndNameIt) {
  // Without rails worth the name |x| > (2 J4 dt)^(-1/2) = 1 diverges; it ends at the rail, finite, counted and named.
  for (const char* stepper : {"euler-maruyama", "heun", "leimkuhler-matthews"}) {
    SCOPED_TRACE(stepper);
    Profile profile = load_profile("ideal", {{"stepper", stepper}});
    profile.rail = 1e9f;
    Board board(profile, {.cells = 5, .lanes = 2, .seed = 1, .threads = 1});
    board.w(HB_SHOTS_OFFSET, 2);
    board.w(HB_DT_TICKS_OFFSET, 500000);
    const auto records =
        board.run({load(HB_SECTION_J4, 1), load(HB_SECTION_J2, 0), load(HB_SECTION_KT, 0), op(HB_OP_COMMIT),
                   cells_to(HB_OP_SET, 0, 5, 0.5f), cells_to(HB_OP_SET, 3, 1, 1.6f), op(HB_OP_METER_CLEAR),
                   timed(HB_OP_CAPTURE_START, 500000), timed(HB_OP_EVOLVE, 20000000), snapshot(meters_at)});
    ASSERT_EQ(records.size(), 40u);
    for (const Record& record : records)
      for (const float x : record.values) ASSERT_TRUE(std::isfinite(x));
    EXPECT_LT(std::abs(records.back().values[0]), 0.5f);
    EXPECT_TRUE(board.r(HB_STATUS_OFFSET) & HB_STATUS_RAIL_MASK);
    EXPECT_GE(board.r(HB_RAIL_COUNT_OFFSET), 2u) << "both lanes";
    EXPECT_EQ(board.r(HB_RAIL_CELL_OFFSET), 3u);
  }
}

}  // namespace
}  // namespace heatbath::model::bench
