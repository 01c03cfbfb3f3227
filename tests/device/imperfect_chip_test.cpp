// What a chip id fixes: laws of the patterns, where they act, and that each can be switched off.
#include <gtest/gtest.h>

#include <cmath>
#include <numeric>
#include <vector>

#include "board.hpp"
#include "changed_profile.hpp"
#include "heatbath/codes.h"
#include "hw_model/analog/defects.hpp"
#include "hw_model/analog/mismatch.hpp"
#include "hw_model/analog/parameter_curve.hpp"
#include "hw_model/analog/part_pattern.hpp"
#include "hw_model/analog/read_out_noise.hpp"
#include "hw_model/physics/topology.hpp"

namespace heatbath::model {
namespace {

using namespace bench;

double mean_square(const std::vector<double>& values) {
  return std::inner_product(values.begin(), values.end(), values.begin(), 0.0) / static_cast<double>(values.size());
}

/// Hat-function weights of the nodes around a place, written out from the definition.
double hat(double distance) { return std::max(0.0, 1 - std::abs(distance)); }
double field_covariance(double u, double v, double u2, double v2) {
  double both = 0, one = 0, two = 0;
  for (int a = 0; a < 40; ++a)
    for (int b = 0; b < 40; ++b) {
      const double w = hat(u - a) * hat(v - b), w2 = hat(u2 - a) * hat(v2 - b);
      both += w * w2, one += w * w, two += w2 * w2;
    }
  return both / std::sqrt(one * two);
}

TEST(PartField, HasUnitVarianceAndTheCovarianceOfItsHats) {
  constexpr int parts = 4000;
  const DieLayout die{1, 4, 32};
  const auto covariance = [&](double x, double y, double x2, double y2) {
    double sum = 0;
    for (std::uint64_t part = 0; part < parts; ++part)
      sum += static_cast<double>(part_field(key_of_part(part), PartPattern::cell_gain, die, x, y)) *
             static_cast<double>(part_field(key_of_part(part), PartPattern::cell_gain, die, x2, y2));
    return sum / parts;
  };
  for (const auto& [x, y, x2, y2] : {std::array{3.0, 5.0, 3.0, 5.0}, std::array{3.0, 5.0, 4.0, 5.0},
                                     std::array{3.5, 5.5, 6.0, 7.5}, std::array{2.0, 2.0, 12.0, 2.0}}) {
    const double expected = field_covariance(x / 4, y / 4, x2 / 4, y2 / 4);
    EXPECT_NEAR(covariance(x, y, x2, y2), expected, 4 * std::sqrt((1 + expected * expected) / parts)) << x << ' ' << x2;
  }
}

TEST(PartPattern, MixesOwnAndCommonPartsAndKeepsItsVariance) {
  const DieLayout die{0.5f, 6, 32};
  const std::vector<float> few = part_pattern(5, PartPattern::bias_offset, die, 40),
                           many = part_pattern(5, PartPattern::bias_offset, die, 1024);
  EXPECT_TRUE(std::equal(few.begin(), few.end(), many.begin()));
  EXPECT_EQ(part_pattern(5, PartPattern::bias_offset, DieLayout{}, 40), part_pattern(5, PartPattern::bias_offset, 0, 40));
  double squares = 0, neighbours = 0;
  constexpr int parts = 60;
  for (std::uint64_t part = 0; part < parts; ++part) {
    const auto p = part_pattern(part, PartPattern::bias_offset, die, 1024);
    for (std::uint32_t i = 0; i + 1 < 1024; ++i) {
      squares += static_cast<double>(p[i]) * static_cast<double>(p[i]) / (parts * 1023.0);
      if (i % 32 != 31) neighbours += static_cast<double>(p[i]) * static_cast<double>(p[i + 1]) / (parts * 992.0);
    }
  }
  EXPECT_NEAR(squares, 1, 0.05);
  double expected = 0;  // half of the mean covariance of neighbours, over the places of a row and a column of nodes
  for (int x = 0; x < 6; ++x)
    for (int y = 0; y < 6; ++y) expected += 0.5 * field_covariance(x / 6.0, y / 6.0, (x + 1) / 6.0, y / 6.0) / 36;
  EXPECT_NEAR(neighbours, expected, 0.05);
}

TEST(Mismatch, OffsetsEveryCouplerThereIs) {
  MismatchSpread spread;
  spread.coupling_offset = 0.01f;
  spread.coupling_gain = 0.03f;
  spread.die = {0.3f, 4, 8};
  Mismatch dense(spread, 3), sparse(spread, 3);
  constexpr std::uint32_t n = 64;
  std::vector<float> triangle(n * (n - 1) / 2, 0.0f);
  dense.load_couplings({triangle, n, nullptr, true});
  double squares = 0;
  for (const float value : triangle) squares += static_cast<double>(value) * static_cast<double>(value);
  EXPECT_NEAR(std::sqrt(squares / static_cast<double>(triangle.size())), 0.01, 0.0012);
  const auto graph = physics::named_graph("grid:8x8");
  std::vector<float> on_graph(graph->couplers().size(), 2.0f);
  sparse.load_couplings({on_graph, n, graph.get(), true});
  for (std::size_t k = 0; k < on_graph.size(); ++k) {
    const auto at = graph->couplers()[k];
    EXPECT_FLOAT_EQ(on_graph[k], 2 * sparse.coupling_gain(at.i, at.j) + triangle[at.i * (2 * n - at.i - 1) / 2 + at.j - at.i - 1]);
  }
}

TEST(ParameterCurve, HasTheBowTheSAndTheStepsItWasGiven) {
  constexpr std::uint32_t bits = 8, codes = 256;
  constexpr double step = 2.0 / 256, c = 2.598076211353316;
  const std::vector<ParameterCurve::Scale> scales(HB_SECTION_FREQUENCY + 1, {1.0f, bits});
  const auto errors = [&](float inl, float dnl, std::uint64_t part) {
    ParameterCurve curve(inl, dnl, scales, part);
    std::vector<float> values(codes);
    for (std::uint32_t k = 0; k < codes; ++k) values[k] = hb_code_to_value(static_cast<std::int32_t>(k) - 128, 1, bits);
    const auto nominal = values;
    curve.load(HB_SECTION_BIAS, values);
    std::vector<double> out(codes);
    for (std::uint32_t k = 0; k < codes; ++k)
      out[k] = (static_cast<double>(values[k]) - static_cast<double>(nominal[k])) / step;
    return out;
  };
  double bows = 0, steps = 0;
  constexpr int parts = 300;
  for (std::uint64_t part = 0; part < parts; ++part) {
    const auto curve = errors(2, 0, part);
    const double bow = curve[128], at = 0.5, ess = (curve[192] - bow * (1 - at * at)) / (c * (at - at * at * at));
    for (const std::uint32_t k : {0u, 40u, 100u, 230u}) {
      const double z = (k - 128.0) / 128;
      EXPECT_NEAR(curve[k], bow * (1 - z * z) + ess * c * (z - z * z * z), 2e-3);
    }
    bows += bow * bow / parts;
    const auto uneven = errors(0, 0.6f, part);
    for (std::uint32_t k = 0; k + 1 < codes; ++k)
      steps += (uneven[k + 1] - uneven[k]) * (uneven[k + 1] - uneven[k]) / (parts * 255.0);
  }
  EXPECT_NEAR(std::sqrt(bows), 2, 4 * 2 / std::sqrt(2.0 * parts));
  EXPECT_NEAR(std::sqrt(steps), 0.6, 0.01);
}

TEST(ReadOutNoise, IsWhiteHasItsAddressAndIsNotForObservers) {
  const ReadOutNoise noise(0.5f, {ReadOutCurve::Component{4.0f, 0.01f}, ReadOutCurve::Component{}});
  const auto draw = [&](const ReadAddress& at, std::uint32_t first = 0, std::uint32_t count = 4096) {
    std::vector<float> values(count, 0.0f);
    noise.read_out(0, first, values, &at);
    return std::vector<double>(values.begin(), values.end());
  };
  const ReadAddress here{7, 100, 3, 0};
  const auto one = draw(here);
  EXPECT_NEAR(std::sqrt(mean_square(one)), 0.005, 5 * 0.005 / std::sqrt(2 * 4096.0));
  EXPECT_EQ(one, draw(here));
  EXPECT_EQ(draw(here, 50, 1)[0], one[50]);
  for (const ReadAddress& other : {ReadAddress{7, 101, 3, 0}, ReadAddress{7, 100, 4, 0}, ReadAddress{7, 100, 3, 1},
                                   ReadAddress{8, 100, 3, 0}}) {
    const auto two = draw(other);
    EXPECT_LT(std::abs(std::inner_product(one.begin(), one.end(), two.begin(), 0.0)) / 4096, 5 * 2.5e-5 / 64);
  }
  std::vector<float> looked(3, 1.5f);
  noise.read_out(0, 0, looked, nullptr);
  EXPECT_EQ(looked, std::vector<float>(3, 1.5f));
}

TEST(ReadOutSteps, DifferByTheirStandardDeviation) {
  constexpr std::uint32_t cells = 64;
  ReadOutSteps steps(0.8f, {ReadOutCurve::Component{1.0f, 1.0f / 128}, ReadOutCurve::Component{}}, 8, 5);
  steps.prepare_read_out(cells);
  std::vector<double> before(cells), differences;
  for (int code = -127; code < 127; ++code) {
    std::vector<float> values(cells, static_cast<float>(code) / 128);
    steps.read_out(0, 0, values, nullptr);
    for (std::uint32_t i = 0; i < cells; ++i) {
      const double error = static_cast<double>(values[i]) * 128 - code;
      if (code > -127) differences.push_back(error - before[i]);
      before[i] = error;
    }
  }
  EXPECT_NEAR(std::sqrt(mean_square(differences)), 0.8, 0.02);
}

TEST(Crosstalk, TakesAFractionOfTheChannelBefore) {
  std::vector<float> values{1, 3, -1};
  Crosstalk(0.25f).read_out(0, 0, values, nullptr);
  EXPECT_EQ(values, (std::vector<float>{1, 2.5f, 0}));
}

TEST(Defects, AreReadFromListsAndDrawnByTheChip) {
  EXPECT_EQ(parse_cells("3, 7,12-14"), (std::vector<std::uint32_t>{3, 7, 12, 13, 14}));
  EXPECT_EQ(parse_couplers("4-1"), (std::vector<std::pair<std::uint32_t, std::uint32_t>>{{1, 4}}));
  EXPECT_THROW(parse_cells("3;4"), std::invalid_argument);
  EXPECT_THROW(parse_couplers("3-3"), std::invalid_argument);
  EXPECT_THROW(parse_stuck_cells("3"), std::invalid_argument);
  DefectList list;
  list.dead_cell_rate = 0.1;
  int dead = 0;
  for (std::uint64_t part = 0; part < 50; ++part) dead += static_cast<int>(Defects(list, part, 400).held().size());
  EXPECT_NEAR(dead / 20000.0, 0.1, 5 * std::sqrt(0.09 / 20000));
  DefectList couplers;
  couplers.dead_coupler_rate = 0.2;
  std::vector<float> values(200 * 199 / 2, 1.0f);
  Defects(couplers, 4, 200).load_couplings({values, 200, nullptr, true});
  EXPECT_NEAR(static_cast<double>(std::ranges::count(values, 0.0f)) / 19900, 0.2, 5 * std::sqrt(0.16 / 19900));
}

TEST(Defects, HoldCellsWhateverAProgramDoes) {
  const ChangedProfile profile("ideal", {});
  Profile p = load_profile(profile.path());
  p.dead_cells = "2";
  p.stuck_cells = "5:1.5";
  Board board(p, {.cells = 8, .lanes = 2, .threads = 1});
  board.w(HB_SHOTS_OFFSET, 2);
  const auto records = board.run({load(HB_SECTION_COUPLING, -1.0f), load(HB_SECTION_J2, 2.0f), op(HB_OP_COMMIT),
                                  cells_to(HB_OP_SET, 0, 8, 0.7f), op(HB_OP_SAMPLE), cells_to(HB_OP_CLAMP, 0, 8, 0.3f),
                                  cells(HB_OP_RELEASE, 0, 8), timed(HB_OP_EVOLVE, 1000000), op(HB_OP_SAMPLE)});
  ASSERT_EQ(records.size(), 2u);
  for (const Record& record : records)
    for (std::uint32_t lane = 0; lane < 2; ++lane) {
      EXPECT_EQ(record.values[lane * 8 + 2], 0.0f);
      EXPECT_EQ(record.values[lane * 8 + 5], 1.5f);
      if (&record != &records.back()) continue;
      EXPECT_NE(record.values[lane * 8 + 1], record.values[lane * 8 + 6]);
    }
  EXPECT_EQ(board.chip.sequencer().live().couplings->at(2, 3), 0.0f);
  EXPECT_EQ(board.chip.sequencer().live().couplings->at(5, 3), -1.0f);
}

TEST(ImperfectChip, SpreadsItsTemperatureOverCells) {
  Profile p = load_profile("ideal");
  p.kT_sd = 0.05f;
  Board board(p, {.cells = 2048, .lanes = 1, .threads = 1});
  ASSERT_EQ(board.start({load(HB_SECTION_KT, 2.0f), op(HB_OP_COMMIT)}), HB_OK);
  board.finish();
  const auto& live = board.chip.sequencer().live();
  ASSERT_EQ(live.kT_cell.size(), 2048u);
  std::vector<double> spread;
  for (const float kT : live.kT_cell) spread.push_back(static_cast<double>(kT) / 2 - 1);
  EXPECT_NEAR(std::sqrt(mean_square(spread)), 0.05, 5 * 0.05 / 64);
}

/// Records of a short program on hb-1024.
std::vector<std::int16_t> codes_of(const Choices& choices, const std::string& profile = "hb-1024") {
  Board board(load_profile(profile, choices), {.cells = 16, .lanes = 1, .seed = 9, .threads = 1});
  EXPECT_EQ(board.start({load(HB_SECTION_J2, 1.0f), load(HB_SECTION_BIAS, -1.0f), load(HB_SECTION_COUPLING, 0.1f),
                         op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, 5000), op(HB_OP_SAMPLE)}), HB_OK);
  board.finish();
  EXPECT_TRUE(board.done());
  return board.get<std::int16_t>(ring_at + sizeof(hb_record_header_t), 16);
}

TEST(ImperfectChip, IsTheChipOfItsNumber) {
  EXPECT_EQ(codes_of({}), codes_of({{"chip", "1"}}));
  EXPECT_NE(codes_of({{"chip", "2"}}), codes_of({{"chip", "1"}}));
  EXPECT_EQ(load_profile("hb-1024", {{"chip", "17"}}).serial, 17u);
}

TEST(ImperfectChip, IsPerfectWhereItIsSwitchedOff) {
  const auto as_new = codes_of({{"perfect", "all"}});
  EXPECT_EQ(as_new, codes_of({{"perfect", "all"}, {"chip", "2"}}));
  EXPECT_NE(as_new, codes_of({}));
  EXPECT_NE(codes_of({{"perfect", "mismatch"}}), codes_of({}));
  EXPECT_NE(codes_of({{"perfect", "read-out"}}), codes_of({}));
  const Profile p = load_profile("hb-1024", {{"perfect", "mismatch, read-out"}});
  EXPECT_EQ(p.coupling_gain_sd, 0);
  EXPECT_EQ(p.read_out_noise_sd_steps, 0);
  EXPECT_GT(p.parameter_dnl_sd_steps, 0);
  for (const std::string_view name : imperfection_names)
    EXPECT_NO_THROW(load_profile("hb-1024", {{"perfect", std::string(name)}}));
}

TEST(BuiltInChips, RunAndSayHowTheirNumbersAreKnown) {
  for (const std::string& name : profile_names()) {
    const Profile profile = load_profile(name);
    Board board(profile, {.lanes = 1, .threads = 1});
    const std::uint64_t ticks = 2 * profile.time_unit_ticks;
    ASSERT_EQ(board.start({op(HB_OP_COMMIT), timed(HB_OP_EVOLVE, ticks), op(HB_OP_SAMPLE)}), HB_OK) << name;
    board.finish();
    EXPECT_TRUE(board.done()) << name;
    const auto sheet = datasheet(profile);
    EXPECT_GT(sheet.size(), 100u);
    if (name != "ideal") continue;
    EXPECT_EQ(sheet.front().key, "name");
    EXPECT_EQ(sheet.front().value, "ideal");
  }
  const Profile z1 = load_profile("z1-grid");
  EXPECT_EQ(z1.evidence_of("cost", "read_J").grade, Grade::simulated);
  EXPECT_EQ(z1.evidence_of("parameters", "bits").grade, Grade::unstated);
  EXPECT_EQ(z1.cost_grades(), 0x333u);
  EXPECT_EQ(load_profile("spu-8").evidence_of("array", "cells").grade, Grade::measured);
}

TEST(ImperfectChip, WrongKeysAreRefusedByName) {
  const auto complaint = [](const std::string& base, const std::string& key, const std::string& value) {
    const ChangedProfile profile(base, {{key, value}});
    try {
      load_profile(profile.path());
    } catch (const std::invalid_argument& wrong) {
      return std::string(wrong.what());
    }
    return std::string();
  };
  EXPECT_NE(complaint("hb-1024", "crosstalk", "0.7").find("[capture] crosstalk: found 0.7; it must be a number in 0..0.5"),
            std::string::npos);
  EXPECT_NE(complaint("hb-1024", "correlated_fraction", "-1").find("must be a number in 0..1"), std::string::npos);
  EXPECT_NE(complaint("hb-1024", "die_columns", "0").find("line "), std::string::npos);
  EXPECT_NE(complaint("hb-1024", "usual", "\"guessed\"").find("Grades: unstated, projected"), std::string::npos);
  EXPECT_THROW(load_profile("hb-1024", {{"perfect", "nois"}}), std::invalid_argument);
  EXPECT_THROW(load_profile("hb-1024", {{"chip", "-3"}}), std::invalid_argument);
}

}  // namespace
}  // namespace heatbath::model
