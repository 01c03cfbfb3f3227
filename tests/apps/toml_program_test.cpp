#include "files/toml_program.hpp"

#include <gmock/gmock.h>

#include <fstream>

#include "error_of.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TomlProgram parse(const std::string& text) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.toml") << text;
  return read_toml_program(folder / "p.toml");
}

std::string with_network(const std::string& lines) {
  return "[network]\ncells = 3\n" + lines + "\n[[schedule]]\nop = \"sample\"\n";
}
std::string with_step(const std::string& lines) { return "[network]\ncells = 3\n[[schedule]]\n" + lines + "\n"; }

std::vector<float> couplings(const std::string& text) {
  return matrix_of(*parse(with_network("couplings = " + text)).network.couplings, 3);
}

TEST(TomlProgram, HeatOfCellsNeedsASnapshotThatTakesIt) {
  const std::string samples = "\n[samples]\nheat_per_cell = ";
  EXPECT_TRUE(parse(with_step("op = \"meters\"") + samples + "true\n").on_request.has(Meter::heat_per_cell));
  EXPECT_FALSE(parse(with_step("op = \"sample\"") + samples + "false\n").on_request.has(Meter::heat_per_cell));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { parse(with_step("op = \"sample\"") + samples + "true\n"); }),
              HasSubstr("no step with op = \"meters\""));
}

TEST(TomlProgram, TakesEveryMeterOnRequestByItsName) {
  const TomlProgram p = parse(with_step("op = \"meters\"") + "\n[samples]\nactivity = true\nactivity_per_cell = true\n");
  EXPECT_EQ(p.on_request, (MeterSet{Meter::activity, Meter::activity_per_cell}));
  EXPECT_THAT(error_of(HB_BAD_ARG, [] { parse(with_step("op = \"meters\"") + "\n[samples]\nactivities = true\n"); }),
              HasSubstr("the keys are shots, seed, first_cell, cells, heat_per_cell, activity, activity_per_cell"));
}

TEST(TomlProgram, ReadsNetworkScheduleAndSamples) {
  const TomlProgram p = parse(R"(
[network]
cells = 3
j2 = [1, 2.5, 3]
kT = 0.1
[[schedule]]
op = "clamp"
first = 1
values = [0.5, -0.5]
[[schedule]]
op = "meters"
[[schedule]]
op = "repeat"
times = 4
steps = [ { op = "evolve", duration = 2 }, { op = "sample" } ]
[[schedule]]
op = "meters"
name = "end"
[samples]
shots = 12
seed = 5
first_cell = 1
cells = 2
)");
  EXPECT_EQ(p.cells, 3u);
  EXPECT_THAT(*p.network.j2, ElementsAre(1, 2.5f, 3));
  EXPECT_FALSE(p.network.j4);
  EXPECT_FALSE(p.network.mass);
  EXPECT_THAT(*p.network.kT, ElementsAre(0.1f));
  ASSERT_EQ(p.schedule.size(), 4u);
  EXPECT_EQ(p.schedule[0].first, 1u);
  EXPECT_EQ(p.schedule[0].count, 2u);
  EXPECT_EQ(p.schedule[2].times, 4u);
  EXPECT_EQ(p.schedule[2].steps[0].duration, 2.0);
  EXPECT_THAT(p.meter_names(), ElementsAre("snapshot 0", "end"));
  EXPECT_EQ(p.shots, 12u);
  EXPECT_EQ(p.seed, 5u);
  EXPECT_EQ(p.first_cell, 1u);
  EXPECT_EQ(p.capture_cells, 2u);
}

TEST(TomlProgram, EveryFormOfCouplingsGivesASymmetricMatrix) {
  EXPECT_THAT(couplings("[[0, 1, -0.5], [2, 1, 0.25]]"), ElementsAre(0, -0.5f, 0, -0.5f, 0, 0.25f, 0, 0.25f, 0));
  EXPECT_THAT(couplings("{ matrix = [[0, 1, 2], [1, 0, 3], [2, 3, 0]] }"), ElementsAre(0, 1, 2, 1, 0, 3, 2, 3, 0));
  EXPECT_THAT(couplings("{ chain = 1 }"), ElementsAre(0, 1, 0, 1, 0, 1, 0, 1, 0));
  EXPECT_THAT(couplings("{ chain = 1, periodic = true }"), ElementsAre(0, 1, 1, 1, 0, 1, 1, 1, 0));
  EXPECT_THAT(couplings("{ grid = [3, 1], value = 2 }"), ElementsAre(0, 2, 0, 2, 0, 2, 0, 2, 0));
  EXPECT_THAT(couplings("{ all = 2 }"), ElementsAre(0, 2, 2, 2, 0, 2, 2, 2, 0));
}

TEST(TomlProgram, GridCouplesNeighboursOfRowAndColumn) {
  const TomlProgram p = parse("[network]\ncells = 6\ncouplings = { grid = [2, 3], value = 1 }\n"
                              "[[schedule]]\nop = \"sample\"\n");
  const std::vector<float> j = matrix_of(*p.network.couplings, 6);
  const auto coupled = [&](int a, int b) { return j[a * 6 + b] != 0; };
  EXPECT_TRUE(coupled(0, 1) && coupled(1, 2) && coupled(0, 3) && coupled(2, 5) && coupled(4, 5));
  EXPECT_FALSE(coupled(2, 3) || coupled(0, 4) || coupled(0, 2) || coupled(0, 5));
}

struct Wrong {
  const char* name;
  std::string text;
  const char* says;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

class WrongToml : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongToml, IsRefusedWithFileLineAndKey) {
  const std::string message = error_of(HB_BAD_ARG, [] { parse(GetParam().text); });
  EXPECT_THAT(message, HasSubstr("p.toml"));
  EXPECT_THAT(message, HasSubstr(GetParam().says));
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongToml,
    ::testing::Values(
        Wrong{"Syntax", "[network]\ncells = = 3\n", "p.toml:2: not TOML"},
        Wrong{"NoSchedule", "[network]\ncells = 3\n", "table schedule is missing"},
        Wrong{"UnknownTable", with_network("") + "[extra]\n", "extra: unknown key"},
        Wrong{"UnknownKey", with_network("j3 = 1"), "p.toml:3: network.j3: unknown key"},
        Wrong{"NoCells", "[network]\nj2 = 1\n[[schedule]]\nop = \"sample\"\n", "key cells is missing"},
        Wrong{"ZeroCells", "[network]\ncells = 0\n[[schedule]]\nop = \"sample\"\n",
              "network.cells: needs a whole number"},
        Wrong{"FractionalCells", "[network]\ncells = 2.5\n[[schedule]]\nop = \"sample\"\n", "needs a whole number"},
        Wrong{"WrongType", with_network("j2 = \"one\""), "network.j2: needs a number"},
        Wrong{"WrongLength", with_network("bias = [1, 2]"), "network.bias: has 2 values; needs one number or 3"},
        Wrong{"Nan", with_network("j2 = nan"), "finite"}, Wrong{"NegativeJ4", with_network("j4 = -1"), "negative"},
        Wrong{"NegativeTemperature", with_network("kT = -0.1"), "negative"},
        Wrong{"SelfCoupling", with_network("couplings = [[1, 1, 2.0]]"), "couplings[0]: couples a cell to itself"},
        Wrong{"PairTwice", with_network("couplings = [[0, 1, 2.0], [1, 0, 2.0]]"), "given twice"},
        Wrong{"CellOutOfRange", with_network("couplings = [[0, 3, 2.0]]"), "from 0 to 2"},
        Wrong{"NotATriple", with_network("couplings = [[0, 1]]"), "needs [i, j, J]"},
        Wrong{"Asymmetric", with_network("couplings = { matrix = [[0, 1, 0], [2, 0, 0], [0, 0, 0]] }"), "needs a symmetric matrix, or directed"},
        Wrong{"MatrixDiagonal", with_network("couplings = { matrix = [[1, 0, 0], [0, 0, 0], [0, 0, 0]] }"), "diagonal"},
        Wrong{"MatrixRows", with_network("couplings = { matrix = [[0, 1, 0]] }"), "has 1 rows; needs 3 rows"},
        Wrong{"TwoForms", with_network("couplings = { chain = 1, all = 1 }"), "one of matrix, chain, grid, all"},
        Wrong{"GridSize", with_network("couplings = { grid = [2, 2], value = 1 }"), "2 x 2 are not the 3 cells"},
        Wrong{"EmptySchedule", "schedule = []\n[network]\ncells = 3\n", "is empty"},
        Wrong{"UnknownOp", with_step("op = \"evole\""), "\"evole\" is unknown (did you mean evolve?); the operations are evolve"},
        Wrong{"NoDuration", with_step("op = \"evolve\""), "key duration is missing"},
        Wrong{"ZeroDuration", with_step("op = \"evolve\"\nduration = 0"), "not positive"},
        Wrong{"KeyOfAnotherOp", with_step("op = \"evolve\"\nduration = 1\nvalue = 2"), "value: unknown key"},
        Wrong{"EmptyLoad", with_step("op = \"load\""), "loads nothing"},
        Wrong{"ValueAndValues", with_step("op = \"clamp\"\nvalue = 1\nvalues = [1]"),
              "needs value (one number) or values"},
        Wrong{"TooManyValues", with_step("op = \"set\"\nfirst = 2\nvalues = [1, 2]"), "has 2 values"},
        Wrong{"CountTooLarge", with_step("op = \"release\"\nfirst = 2\ncount = 2"), "from 1 to 1"},
        Wrong{"RepeatedMeters", with_step("op = \"repeat\"\ntimes = 2\nsteps = [{ op = \"meters\" }]"),
              "outside of repeat"},
        Wrong{"UnknownSection", with_step("op = \"readback\"\nsection = \"gain\""),
              "sections are j2, j4, bias, kT, mass, damping, frequency, couplings"},
        Wrong{"NoShots", with_step("op = \"sample\"\n[samples]\nshots = 0"), "samples.shots: needs a whole number"},
        Wrong{"NegativeSeed", with_step("op = \"sample\"\n[samples]\nseed = -1"), "samples.seed"},
        Wrong{"CapturedCells", with_step("op = \"sample\"\n[samples]\nfirst_cell = 2\ncells = 5"), "from 1 to 4"},
        Wrong{"MassOfZero", with_network("mass = [1, 0, 1]"), "0 is not positive"},
        Wrong{"NegativeDamping", with_network("damping = -1"), "network.damping: -1 is negative"},
        Wrong{"SecondStatesOfOtherLength", with_network("initial_second = [1, 2]"), "has 2 values"},
        Wrong{"DirectedTwice", with_network("couplings = { directed = [[0, 1, 1.0], [0, 1, 2.0]] }"), "given twice"},
        Wrong{"SecondStateOutOfRange", with_step("op = \"set\"\nfirst = 6\nvalue = 1"), "from 0 to 5"}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(TomlProgram, ReadsParametersOfOtherCells) {
  const TomlProgram p = parse(with_network("mass = 2\ndamping = [0, 1, 2]\nfrequency = -3\nkT = [0, 1, 2]\n"
                                           "initial_second = 0.5\ncouplings = { directed = [[0, 1, 4.0]] }"));
  EXPECT_THAT(*p.network.mass, ElementsAre(2));
  EXPECT_THAT(*p.network.damping, ElementsAre(0, 1, 2));
  EXPECT_THAT(*p.network.frequency, ElementsAre(-3));
  EXPECT_THAT(*p.network.kT, ElementsAre(0, 1, 2));
  EXPECT_THAT(*p.initial_second, ElementsAre(0.5f));
  EXPECT_THAT(matrix_of(*p.network.couplings, 3), ElementsAre(0, 4, 0, 0, 0, 0, 0, 0, 0)) << "what cell 1 does to cell 0";
  const TomlProgram step = parse(with_step("op = \"set\"\nfirst = 4\nvalues = [1, 2]"));
  EXPECT_EQ(step.schedule[0].first, 4u);
}

TEST(TomlProgram, MissingFileIsNamed) {
  EXPECT_THAT(error_of(HB_IO, [] { read_toml_program("/nonexistent/p.toml"); }), HasSubstr("/nonexistent/p.toml"));
}

}  // namespace
}  // namespace heatbath::apps
