// Programs in TOML on an emulated device: steps, durations, statistics.

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>

#include <nlohmann/json.hpp>

#include "apps/cli/halve.hpp"
#include "apps/cli/run_certificate.hpp"
#include "apps/cli/run_job.hpp"
#include "apps/cli/sweep.hpp"
#include "error_of.hpp"
#include "files/program_builder.hpp"
#include "files/step_bias.hpp"
#include "heatbath/open.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

TomlProgram parse(const std::string& text) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.toml") << text;
  return read_toml_program(folder / "p.toml");
}

std::string steps(const std::string& lines) { return "[network]\ncells = 2\n" + lines; }

std::string evolve(const std::string& duration) { return "[[schedule]]\nop = \"evolve\"\nduration = " + duration + "\n"; }

Ticks duration(Device& device, const std::string& text) {
  const TomlProgram description = parse(text);
  set_step(device, description);
  return build_program(description, device).duration();
}

TEST(Durations, BeyondOnePercentAreRefusedWithWhatFits) {
  Device device = open("func:cells=2&threads=1");
  const auto refused = [&](const std::string& text) {
    return error_of(HB_BAD_ARG, [&] { (void)duration(device, steps(text)); });
  };
  EXPECT_THAT(refused(evolve("1e-9")), AllOf(HasSubstr("p.toml:5: schedule[0].duration: 1e-09 time units"),
                                             HasSubstr("whole steps of 0.001"), HasSubstr("the nearest is 0.001"),
                                             HasSubstr("a step of 1e-09 would fit")));
  EXPECT_THAT(refused("[[schedule]]\nop = \"repeat\"\ntimes = 500\nsteps = [ { op = \"evolve\", duration = 0.0007 } ]\n"),
              AllOf(HasSubstr("p.toml:6"), HasSubstr("7e-04 time units"), HasSubstr("a step of 7e-04 would fit")));
  EXPECT_THAT(refused(evolve("0.0154")), HasSubstr("the nearest is 0.015; a step of 0.0009625 would fit"));
  EXPECT_THAT(refused("[[schedule]]\nop = \"ramp\"\nbias = 1\nduration = 0.0015\n"), HasSubstr("schedule[0].duration"));
  EXPECT_THAT(refused("[[schedule]]\nop = \"capture\"\nperiod = 0.0035\n" + evolve("1")),
              AllOf(HasSubstr("p.toml:5: schedule[0].period"), HasSubstr("0.0035")));

  Device bits = open("func:cell=pbit&cells=2&threads=1");
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { (void)duration(bits, steps(evolve("0.4"))); }), AllOf(HasSubstr("whole steps of 1 "), HasSubstr("a whole sweep")));
  EXPECT_EQ(duration(bits, steps(evolve("3"))).count, 3000000u);
  Device silicon = open("func:profile=silicon&cells=2&threads=1");
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { (void)duration(silicon, steps(evolve("0.0124"))); }),
              AllOf(HasSubstr("whole steps of 0.001"), ::testing::Not(HasSubstr("would fit"))));
}

TEST(Durations, AddUpInExactTime) {
  Device device = open("func:cells=2&threads=1");
  const auto ticks = [&](const std::string& text) { return duration(device, steps(text)).count; };
  EXPECT_EQ(ticks(evolve("0.1") + evolve("0.2")), 300000u);
  const std::string third = evolve("0.33333333333333331");
  EXPECT_EQ(ticks(third + third + third), 1000000u);
  const auto repeat = [](int times, const std::string& inner) {
    return "[[schedule]]\nop = \"repeat\"\ntimes = " + std::to_string(times) + "\nsteps = [ " + inner + " ]\n";
  };
  EXPECT_EQ(ticks(repeat(10, "{ op = \"evolve\", duration = 0.0503 }")), 503000u);
  EXPECT_EQ(ticks(repeat(1234, "{ op = \"evolve\", duration = 0.0503 }")), 62070000u) << "62.0702, the last 4 written out";
  EXPECT_EQ(ticks(repeat(4, "{ op = \"evolve\", duration = 0.1004 }, { op = \"repeat\", times = 3, steps = [ { op = "
                            "\"evolve\", duration = 0.0503 } ] }")),
            1005000u)
      << "4 (0.1004 + 3 x 0.0503) = 1.0052";
  EXPECT_EQ(ticks(evolve("0.0504") + repeat(5, "{ op = \"evolve\", duration = 0.0502 }") + evolve("0.0506")), 352000u);
  // Written out it would not fit: then every turn is off by less than 1 %, and what follows is not.
  const double wanted = 100000 * 0.12345678912;
  const double long_loop =
      1e-6 * static_cast<double>(ticks(repeat(100000, "{ op = \"evolve\", duration = 0.12345678912 }") + evolve("2")));
  EXPECT_NEAR(long_loop - 2, wanted, 0.01 * wanted);
  // Whole steps stay a loop of their own.
  EXPECT_EQ(build_program(parse(steps(repeat(7, "{ op = \"evolve\", duration = 0.3 }"))), device).steps().size(),
            build_program(parse(steps(evolve("0.3"))), device).steps().size() + 2);
}

TEST(Step, OfTheProgramTheOptionAndTheUri) {
  Device device = open("func:cells=2&threads=1&dt=0.004");
  EXPECT_EQ(device.step().count, 4000u);
  EXPECT_EQ(duration(device, steps("dt = 0.0007\n") + evolve("0.35")).count, 350000u);
  EXPECT_EQ(device.step().count, 700u);
  TomlProgram description = parse(steps("dt = 1.3e-6\n") + evolve("1"));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { set_step(device, description); }),
              AllOf(HasSubstr("p.toml:3: network.dt: "), HasSubstr("1.3e-06 time units")));
  description.places["network.dt"] = "--step";
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { set_step(device, description); }), ::testing::StartsWith("--step: "));
  Device silicon = open("func:profile=silicon&cells=2&threads=1");
  EXPECT_THAT(error_of(HB_UNSUPPORTED, [&] { set_step(silicon, parse(steps("dt = 0.001\n") + evolve("1"))); }),
              AllOf(HasSubstr("p.toml:3: network.dt"), HasSubstr("CAPS.DT_PROGRAMMABLE")));
  Device bits = open("func:cell=pbit&cells=2&threads=1");
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { set_step(bits, parse(steps("dt = 0.5\n") + evolve("1"))); }),
              HasSubstr("p.toml:3: network.dt: 0.5; a step of this device is a whole sweep"));
  EXPECT_THAT(error_of(HB_BAD_ARG, [] { parse(steps("dt = 0\n") + evolve("1")); }), HasSubstr("network.dt: 0 is not positive"));
}

TEST(Step, OfCellsUpdatedAtRandomIsWholeUpdates) {
  Device device = open("func:cell=pbit&stepper=random-sequential&cells=12&threads=1&dt=0.25");
  const auto run = [&](std::uint32_t cells) {
    Program program(device.capabilities(), cells);
    program.evolve(device.ticks(0.5));
    return device.run(program).array_ticks.count;
  };
  EXPECT_EQ(run(12), 500000u);
  EXPECT_EQ(run(8), 500000u);
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { run(10); }), AllOf(HasSubstr("2.5 updates of 10 cells"), HasSubstr("a step of 0.3")));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { run(1); }), HasSubstr("a step of 1 is needed"));
}

TEST(Step, ItsBiasIsSaid) {
  const auto words = [](const std::string& text, const std::string& uri) {
    Device device = open(uri);
    const TomlProgram description = parse(text);
    set_step(device, description);
    const auto bias = step_bias(build_program(description, device), device.time_units(device.step()));
    return bias ? in_words(*bias) : "nothing";
  };
  // x' = (1 - k dt) x + sqrt(2 kT dt) n has variance kT/k (1 - k dt/2)^-1: k = 3 with the spring, dt = 0.02.
  const std::string two = "[network]\ncells = 2\ndt = 0.02\nj2 = 1\nj4 = 0\ncouplings = [[0, 1, -1.0]]\n" + evolve("1");
  EXPECT_EQ(words(two, "func:cells=2&threads=1"), "variances up to 3.1 % too large (linear part)");
  EXPECT_EQ(words(two, "func:cells=2&threads=1&reciprocal=no"), "variances up to 3.1 % too large (linear part)");
  EXPECT_EQ(words(two, "func:topology=chain:2&threads=1"), "variances up to 3.1 % too large (linear part)");
  EXPECT_EQ(words(two, "func:cells=2&threads=1&stepper=exact-ou"), "");
  EXPECT_EQ(words("[network]\ncells = 2\n" + evolve("1"), "func:cell=pbit&cells=2&threads=1"), "");
}

struct Wrong {
  const char* name;
  std::string text, device;
  const char* says;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }
class WrongOnDevice : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongOnDevice, NamesFileLineAndKey) {
  Device device = open(GetParam().device);
  try {
    const TomlProgram description = parse(GetParam().text);
    const Program program = build_program(description, device);
    if (description.statistics) RunStatistics(description, program);
    ADD_FAILURE() << "was taken";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr(GetParam().says));
    EXPECT_THAT(error.what(), HasSubstr("p.toml"));
  }
}

const std::string kPlain = "func:cells=4&threads=1";
const std::string kSample = "[[schedule]]\nop = \"sample\"\n";
std::string with_statistics(const std::string& keys) {
  return "[network]\ncells = 4\n[[schedule]]\nop = \"capture\"\nperiod = 0.05\n[[schedule]]\nop = \"evolve\"\nduration = 1\n"
         "[samples]\ncells = 3\n[statistics]\n" + keys;
}

INSTANTIATE_TEST_SUITE_P(
    Table, WrongOnDevice,
    ::testing::Values(
        Wrong{"FirstCell", steps(kSample + "[samples]\nfirst_cell = 2\n"), kPlain, "p.toml:6: samples.first_cell: 2"},
        Wrong{"Cells", steps(kSample + "[samples]\nfirst_cell = 1\ncells = 2\n"), kPlain, "p.toml:7: samples.cells: 2 from 1"},
        Wrong{"Seed", steps(kSample + "[samples]\nseed = 4\n"), "func:profile=silicon&cells=4&threads=1",
              "p.toml:6: samples.seed: this device makes its own noise"},
        Wrong{"LoopsTooDeep",
              steps("[[schedule]]\nop = \"repeat\"\ntimes = 2\nsteps = [ { op = \"repeat\", times = 2, steps = [\n{ op = "
                    "\"repeat\", times = 2, steps = [ { op = \"repeat\", times = 2, steps = [\n{ op = \"repeat\", times = 2, "
                    "steps = [ { op = \"evolve\", duration = 1 } ] } ] } ] } ] } ]\n"),
              kPlain, "p.toml:8: Program::loop_begin: loop 5 deep"},
        Wrong{"TooHot", steps("j2 = 1\nkT = [1, 1001]\n" + kSample), kPlain,
              "p.toml:4: network.kT: Program::load(kT): value 1 is 1001; this device takes 0..1000"},
        Wrong{"OfOtherCells", steps("mass = 2\n" + kSample), kPlain, "p.toml:3: network.mass: Program::load(mass): this device's"},
        Wrong{"BeyondTheRail", steps("initial = [1, -65]\n" + kSample), kPlain,
              "p.toml:3: network.initial: state variable 1 is to be -65; this device holds -64 to 64"},
        Wrong{"ClampBeyondTheRail", steps("[[schedule]]\nop = \"clamp\"\nvalue = 70\n"), kPlain, "p.toml:3: state variable 0"},
        Wrong{"BitOfAThird", steps("initial = 0.3\n" + kSample), "func:cell=pbit&cells=4&threads=1", "a p-bit is 1 or -1"},
        Wrong{"SetBit", steps("[[schedule]]\nop = \"set\"\nfirst = 1\nvalues = [0.5]\n"), "func:cell=pbit&cells=4&threads=1",
              "p.toml:3: state variable 1 is to be 0.5; a p-bit is 1 or -1"},
        Wrong{"StateBeyondTheLast", steps("initial = 3\n" + kSample), "func:cell=categorical&cells=4&threads=1",
              "p.toml:3: network.initial: state variable 0 is to be 3; a state of these cells is one of 0 to 2"},
        Wrong{"BiasOfACell", steps("bias = [1, 2]\n" + kSample), "func:cell=categorical&cells=4&threads=1",
              "network.bias: one bias for each cell; cells of this device have 3 states"},
        Wrong{"BiasesOfTwoStates", steps("bias = [[1, 2], [1, 2]]\n" + kSample),
              "func:cell=categorical&cells=4&threads=1", "2 biases for each cell; cells of this device have 3 states"},
        Wrong{"BiasesOfStatesOnBits", steps("bias = [[1, 2], [1, 2]]\n" + kSample),
              "func:cell=pbit&cells=4&threads=1", "a list of 2 biases for each cell; pbit cells have one bias"},
        Wrong{"BiasesOfDifferentLengths", steps("bias = [[1, 2, 3], [1, 2]]\n" + kSample),
              "func:cell=categorical&cells=4&threads=1", "network.bias[1]: has 2 biases"},
        Wrong{"LagsOffTheGrid", with_statistics("lags = [0.1, 0.12]\n"), kPlain,
              "p.toml:12: statistics.lags: 0.12 time units; the records are 0.05 apart, so the nearest is 0.1"},
        Wrong{"LagTooLong", with_statistics("lags = [1.05]\n"), kPlain, "longer than the 21 records"},
        Wrong{"NotCaptured", with_statistics("cells = [0, 3]\n"), kPlain, "state variable 3 is not captured; 0 to 2 are"},
        Wrong{"NotCapturedObservable", with_statistics("observables = [{ name = \"a\", terms = [[1.0, 3]] }]\n"), kPlain,
              "statistics.observables: state variable 3"},
        Wrong{"FromTooLate", with_statistics("from = 1.5\n"), kPlain, "statistics.from: 1.5 time units: no record"},
        Wrong{"NoMeters", with_statistics("entropy_production = true\n"), kPlain, "no step with op = \"meters\""},
        Wrong{"UnknownKey", with_statistics("lag = 1\n"), kPlain, "statistics.lag: unknown key"},
        Wrong{"CellTwice", with_statistics("cells = [1, 1]\n"), kPlain, "statistics.cells[1]: is given twice"}),
    [](const auto& instance) { return std::string(instance.param.name); });

/// What a run of `text` leaves, kept and streamed.
struct Ran {
  RunOutcome outcome;
  nlohmann::json statistics;
};
Ran run(const std::string& text, const std::string& uri, bool keep, Checkpoints checkpoints = {}) {
  Device device = open(uri);
  TomlProgram description = parse(text);
  description.seed = description.seed.value_or(1);
  set_step(device, description);
  const Program program = build_program(description, device);
  RunStatistics statistics(description, program);
  RunPlan plan;
  plan.keep = keep;
  plan.checkpoints = std::move(checkpoints);
  RunOutcome outcome = run_shots(device, program, description, plan, &statistics);
  return {std::move(outcome), statistics.json()};
}

const std::string kTwoSprings = R"([network]
cells = 3
dt = 0.005
j2 = [0.6, 0.9, 0.5]
j4 = 0
bias = [0.3, 0, -0.2]
kT = 0.7
couplings = [[0, 1, -0.4]]
[[schedule]]
op = "evolve"
duration = 6
[[schedule]]
op = "capture"
period = 0.25
now = false
[[schedule]]
op = "repeat"
times = 8
steps = [ { op = "evolve", duration = 2.5 } ]
[samples]
shots = 300
[statistics]
from = 6.5
observables = [ { name = "pair", terms = [[1.0, 0, 1], [0.5, 2]] } ]
lags = [0.0, 0.5]
histogram = { low = -1.0, high = 1.0, bins = 4 }
)";

TEST(Statistics, StreamedAreThoseOfTheKeptStates) {
  const Ran kept = run(kTwoSprings, "func:cells=3&lanes=32&threads=1", true);
  const Ran streamed = run(kTwoSprings, "func:cells=3&lanes=128&threads=2", false);
  EXPECT_EQ(kept.outcome.records, streamed.outcome.records);
  EXPECT_EQ(streamed.outcome.result.states.size(), 0u);
  ASSERT_EQ(kept.outcome.final_states.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k)
    EXPECT_NEAR(kept.outcome.final_states[k].mean, streamed.outcome.final_states[k].mean, 1e-12);
  // The records from 6.5 on: 2 to 80 of 81 (the last repeats the 80th and was dropped).
  const RunResult& result = kept.outcome.result;
  ASSERT_EQ(result.records, 80u);
  const std::size_t first = 1, used = 79;
  EXPECT_EQ(streamed.statistics["samples"], 300 * used);
  EXPECT_EQ(streamed.statistics["columns"], (nlohmann::json{"x0", "x1", "x2", "pair"}));
  const auto x = [&](std::size_t shot, std::size_t record, std::size_t column) -> double {
    const float* at = result.states.data() + (shot * result.records + first + record) * 3;
    return column < 3 ? at[column] : double{at[0]} * at[1] + 0.5 * at[2];
  };
  for (std::size_t i = 0; i < 4; ++i) {
    double mean = 0, below = 0, second = 0;
    for (std::size_t s = 0; s < 300; ++s)
      for (std::size_t r = 0; r < used; ++r) {
        mean += x(s, r, i) / (300.0 * used);
        below += x(s, r, i) < -1 ? 1 / (300.0 * used) : 0;
        second += x(s, r, i) >= -0.5 && x(s, r, i) < 0 ? 1 / (300.0 * used) : 0;
      }
    for (const nlohmann::json& is : {kept.statistics, streamed.statistics}) {
      EXPECT_NEAR(is["mean"]["value"][i].get<double>(), mean, 1e-10);
      EXPECT_NEAR(is["histogram"]["below"][i].get<double>(), below, 1e-10);
      EXPECT_NEAR(is["histogram"]["value"][i][1].get<double>(), second, 1e-10);
      for (std::size_t j = 0; j < 4; ++j) {
        double lagged = 0;
        double mean_j = 0;
        for (std::size_t s = 0; s < 300; ++s)
          for (std::size_t r = 0; r < used; ++r) mean_j += x(s, r, j) / (300.0 * used);
        for (std::size_t s = 0; s < 300; ++s)
          for (std::size_t r = 0; r + 2 < used; ++r)
            lagged += (x(s, r, i) - mean) * (x(s, r + 2, j) - mean_j) / (300.0 * (used - 2));
        // Less a bias of order 1/n.
        EXPECT_NEAR(is["lagged_covariance"]["value"][1][i][j].get<double>(), lagged, 2e-3);
      }
    }
  }
  EXPECT_EQ(kept.statistics["covariance"]["standard_error"].size(), 4u);
  EXPECT_NEAR(kept.statistics["covariance"]["value"][0][1].get<double>(),
              streamed.statistics["covariance"]["value"][0][1].get<double>(), 1e-12);
}

TEST(Statistics, OfALinearNetworkAreItsLaw) {
  // Stiffness A = [[1.2, -0.4], [-0.4, 1.8]] (and 1 for cell 2), by hand: mean -A^-1 b, covariance kT A^-1 (1 + O(dt)).
  const Ran ran = run(kTwoSprings, "func:cells=3&threads=1", false);
  const double det = 1.2 * 1.8 - 0.16, kT = 0.7;
  const auto z = [&](const nlohmann::json& of, double exact, double dt_bias) {
    return (std::fabs(of["value"].get<double>() - exact) - dt_bias * std::fabs(exact)) / of["standard_error"].get<double>();
  };
  const auto at = [&](const char* key, std::size_t k) {
    return nlohmann::json{{"value", ran.statistics[key]["value"][k]}, {"standard_error", ran.statistics[key]["standard_error"][k]}};
  };
  EXPECT_LT(z(at("mean", 0), -0.3 * 1.8 / det, 0), 4);
  EXPECT_LT(z(at("mean", 1), -0.3 * 0.4 / det, 0), 4);
  EXPECT_LT(z(at("mean", 2), 0.2, 0), 4);
  EXPECT_LT(z(at("variance", 0), kT * 1.8 / det, 0.005), 4);
  EXPECT_LT(z(at("variance", 1), kT * 1.2 / det, 0.005), 4);
  EXPECT_LT(z(at("variance", 2), kT, 0.005), 4);
  const nlohmann::json& covariance = ran.statistics["covariance"];
  EXPECT_LT(z({{"value", covariance["value"][0][1]}, {"standard_error", covariance["standard_error"][0][1]}}, kT * 0.4 / det, 0.005), 4);
  const nlohmann::json& lagged = ran.statistics["lagged_covariance"];
  EXPECT_LT(z({{"value", lagged["value"][1][2][2]}, {"standard_error", lagged["standard_error"][1][2][2]}}, kT * std::exp(-0.5), 0.01), 4);
  // The integral of exp(-t) on records 0.25 apart by trapezes; trajectories of 20 relaxation times see 5 % less.
  const double time = 0.125 / std::tanh(0.125);
  EXPECT_NEAR(at("correlation_time", 2)["value"].get<double>(), time, 0.05 * time + 4 * at("correlation_time", 2)["standard_error"].get<double>());
}

TEST(Statistics, EntropyProductionIsHeatOverTheTemperatures) {
  // Two cells at 1.5 and 0.5 joined by a spring J: heat J^2 (kT_0 - kT_1)/(k_0 + k_1) per time unit flows (mobility 1).
  const double k = 1.4, j = 0.6, hot = 1.5, cold = 0.5, flow = j * j * (hot - cold) / (2 * k);
  const std::string text = "[network]\ncells = 2\ndt = 0.01\nj2 = 0.7\nj4 = 0\nkT = [1.5, 0.5]\ncouplings = [[0, 1, 0.6]]\n" +
                           evolve("5") + "[[schedule]]\nop = \"meters_clear\"\n" + evolve("30") +
                           "[[schedule]]\nop = \"meters\"\nname = \"steady\"\n[samples]\nshots = 200\n"
                           "[statistics]\ncells = []\nentropy_production = true\n";
  for (const bool keep : {true, false}) {
    const Ran ran = run(text, "func:cells=2&threads=2", keep);
    const nlohmann::json& is = ran.statistics["entropy_production"][0];
    EXPECT_EQ(is["meters"], "steady");
    EXPECT_EQ(is["duration"], 30);
    EXPECT_EQ(is["effective_samples"], 200);
    EXPECT_LT(std::fabs(is["value"].get<double>() - flow * (1 / cold - 1 / hot)), 4 * is["standard_error"].get<double>() + 0.01 * flow);
    EXPECT_LT(is["standard_error"].get<double>(), 0.35 * flow);
  }
  EXPECT_THAT(error_of(HB_BAD_ARG,
                       [&] {
                         std::string cooled = text;
                         cooled.replace(cooled.find("[[schedule]]"), 0, "[[schedule]]\nop = \"ramp\"\nduration = 1\nkT = 1\n");
                         (void)run(cooled, "func:cells=2&threads=1", true);
                       }),
              HasSubstr("statistics.entropy_production: the schedule changes kT"));
}

TEST(Statistics, WithoutRecordsOfItsOwnAreThoseOfTheFinalState) {
  const Ran ran = run(steps("j2 = 0.5\nj4 = 0\n" + evolve("4") + "[samples]\nshots = 100\n[statistics]\n"), "func:cells=2&threads=1", false);
  EXPECT_EQ(ran.statistics["samples"], 100);
  EXPECT_EQ(ran.statistics["from"], 4);
  EXPECT_TRUE(ran.statistics["spacing"].is_null());
  EXPECT_FALSE(ran.statistics.contains("correlation_time"));
}

TEST(Statistics, ShortPartsOfFewShotsAreSaid) {
  const std::string text = steps("j2 = 0.5\nj4 = 0\n[[schedule]]\nop = \"capture\"\nperiod = 0.1\n" + evolve("20") +
                                 "[samples]\nshots = 2\n[statistics]\n");
  const Ran ran = run(text, "func:cells=2&threads=1", false);
  ASSERT_EQ(ran.statistics["notes"].size(), 1u);
  EXPECT_THAT(ran.statistics["notes"][0].get<std::string>(), HasSubstr("may be too small: the 32 parts of each shot"));
}

/// From every third of its checkpoints a run goes on, with other threads, to the statistics of one that was not stopped.
void goes_on(const std::string& text, const std::string& uri, bool keep) {
  const Ran whole = run(text, uri, keep);
  std::vector<std::vector<std::byte>> all;
  run(text, uri, keep, {.due = [] { return true; }, .take = [&](std::vector<std::byte>&& saved) { all.push_back(std::move(saved)); }});
  ASSERT_GT(all.size(), 20u);
  for (std::size_t k = 0; k < all.size(); k += 3) {
    SCOPED_TRACE("checkpoint " + std::to_string(k) + " of " + std::to_string(all.size()));
    const Ran ran = run(text, uri + "&threads=2", keep, {.from = all[k]});
    EXPECT_EQ(ran.statistics, whole.statistics);
    EXPECT_EQ(ran.outcome.records, whole.outcome.records);
    EXPECT_EQ(ran.outcome.result.states, whole.outcome.result.states);
    ASSERT_EQ(ran.outcome.final_states.size(), whole.outcome.final_states.size());
    for (std::size_t cell = 0; cell < ran.outcome.final_states.size(); ++cell) {
      EXPECT_EQ(ran.outcome.final_states[cell].mean, whole.outcome.final_states[cell].mean);
      EXPECT_EQ(ran.outcome.final_states[cell].squares, whole.outcome.final_states[cell].squares);
    }
  }
}

const std::string kLasting = "[network]\ncells = 3\nkT = 0.5\n[[schedule]]\nop = \"capture\"\nperiod = 0.05\n" + evolve("2") +
                             "[[schedule]]\nop = \"meters\"\nname = \"end\"\n[samples]\nshots = 11\n[statistics]\nlags = [0.1]\n"
                             "histogram = { low = -1, high = 1, bins = 5 }\nentropy_production = true\n";

/// The certificate of a run, or why there is none.
std::pair<std::optional<RunCertificate>, std::string> certified(const std::string& text, const std::string& uri) {
  TomlProgram description = parse(text);
  Device device = open(uri);
  set_step(device, description);
  std::string why;
  const std::optional<RunLaw> law = law_of(description, device.capabilities(), why);
  if (!law) return {std::nullopt, why};
  if (!description.seed) description.seed = 1;
  const RunOutcome outcome = run_shots(device, build_program(description, device), description, {}, nullptr);
  const auto certificate = certificate_of(*law, outcome.result, std::nullopt, why);
  return {certificate, why};
}

const std::string kSpins = "[network]\ncells = 4\nkT = 2.0\ngain = 2.0\nbias = [0.5, 0.0, -0.25, 0.0]\n"
                           "couplings = [[0, 1, -0.5], [1, 2, 0.25], [0, 3, 0.25]]\n"
                           "[[schedule]]\nop = \"capture\"\nperiod = 2.0\n";
const std::string kFor400 = "[[schedule]]\nop = \"evolve\"\nduration = 400.0\n[samples]\nshots = 32\n";

TEST(RunCertificate, FindsTheTemperatureOfTheLaterHalfOfTheRecords) {
  const auto [spins, none] = certified(kSpins + kFor400, "func:cell=pbit&cells=4&lanes=32&threads=1");
  ASSERT_TRUE(spins) << none;
  EXPECT_EQ(spins->shots, 32u);
  EXPECT_NEAR(static_cast<double>(spins->records), 100, 2);
  EXPECT_NEAR(spins->from, 200, 3);
  EXPECT_NEAR(spins->certificate.inverse_temperature.value, 0.5, 4.5 * spins->certificate.inverse_temperature.standard_error);
  EXPECT_LT(spins->certificate.inverse_temperature.standard_error, 0.03);
  EXPECT_TRUE(spins->certificate.clean());
  // The gain is a factor on the couplings.
  std::string other = kSpins + kFor400;
  other.replace(other.find("gain = 2.0"), 10, "gain = 1.0");
  std::string why;
  const auto wrong = law_of(parse(other), open("func:cell=pbit&cells=4&lanes=32&threads=1").capabilities(), why);
  ASSERT_TRUE(wrong);
  EXPECT_EQ(wrong->network.couplings().size(), 3u);
  EXPECT_NEAR(wrong->network.couplings()[0].value, -0.5, 1e-12);

  const auto [springs, nothing] = certified("[network]\ncells = 2\nj2 = 1.0\nj4 = 0.5\nkT = 0.5\ncouplings = [[0, 1, -0.5]]\n"
                                            "[[schedule]]\nop = \"capture\"\nperiod = 1.0\n" + std::string(kFor400), "func:cells=2&lanes=32&threads=1&dt=0.01");
  ASSERT_TRUE(springs) << nothing;
  EXPECT_NEAR(springs->certificate.inverse_temperature.value, 2, 0.02 + 4.5 * springs->certificate.inverse_temperature.standard_error);
}

TEST(RunCertificate, WhereThereIsNoLawItIsSaid) {
  const auto why = [](const std::string& text, const std::string& uri) { return certified(text, uri).second; };
  const std::string two = "[network]\ncells = 2\n", evolves = evolve("1.0");
  EXPECT_THAT(why(two + "[[schedule]]\nop = \"ramp\"\nduration = 1.0\nkT = 0.2\n", "func:cells=2"), HasSubstr("changes parameters or states"));
  EXPECT_THAT(why(two + "[[schedule]]\nop = \"clamp\"\nvalue = 1.0\n" + evolves, "func:cells=2"), HasSubstr("p.toml:"));
  EXPECT_THAT(why(two + evolves, "func:cell=underdamped&cells=2"), HasSubstr("underdamped"));
  EXPECT_THAT(why(two + evolves, "func:cells=2"), HasSubstr("fewer than 2 samples"));
  EXPECT_THAT(why(two + "kT = [0.1, 0.2]\n" + evolves, "func:cells=2"), HasSubstr("temperatures of their own"));
  EXPECT_THAT(why(two + evolves + "[samples]\nshots = 8\ncells = 1\n", "func:cells=2"), HasSubstr("not all cells"));
}

TEST(KeptRuns, GoOnToTheSameStatistics) { goes_on(kLasting, "func:cells=3&lanes=4", false); }
TEST(KeptRuns, GoOnToTheSameStates) { goes_on(kLasting, "func:cells=3&lanes=4", true); }

TEST(Halving, MeasuresTheErrorOfTheStep) {
  // x' = (1 - k dt) x + sqrt(2 kT dt) n: the variance is kT/k (1 - k dt/2)^-1, so half a step of 0.2 lowers it by
  // 1/(1 - 0.3) - 1/(1 - 0.15) at k = 3, kT = 1/2; means of a cell under no force differ by noise alone.
  const std::string text = "[network]\ncells = 1\ndt = 0.2\nj2 = 1.5\nj4 = 0\nkT = 0.5\n" + evolve("8") +
                           "[[schedule]]\nop = \"meters\"\nname = \"end\"\n[samples]\nshots = 20000\n[statistics]\n";
  Device device = open("func:cells=1&threads=2");
  TomlProgram description = parse(text);
  description.seed = 3;
  set_step(device, description);
  const Program program = build_program(description, device);
  check_halving(device, description, program);
  RunStatistics statistics(description, program);
  ShotValues values(description.shots, shot_columns(description, program));
  RunPlan plan;
  plan.keep = false;
  plan.shots = [&](std::uint64_t first, const RunResult& shots) { values.take(first, shots); };
  const RunOutcome whole = run_shots(device, program, description, plan, &statistics);
  const nlohmann::json halved = halve(device, program, description, whole, values, &statistics, plan);
  EXPECT_EQ(halved["step"], 0.1);
  EXPECT_EQ(device.step().count, 200000u) << "put back";
  const double exact = 0.5 / 3 * (1 / 0.85 - 1 / 0.7);
  const nlohmann::json& variance = halved["statistics"][0]["variance"];
  EXPECT_NEAR(variance["difference"].get<double>(), exact, 0.05 * std::fabs(exact));
  EXPECT_NEAR(variance["in_standard_errors"].get<double>(),
              variance["difference"].get<double>() / statistics.records().covariance(0, 0).standard_error, 1e-9);
  EXPECT_LT(variance["in_standard_errors"].get<double>(), -15);
  EXPECT_NEAR(variance["difference"].get<double>(), exact, 4 * variance["standard_error"].get<double>());
  EXPECT_LT(variance["standard_error"].get<double>(), 0.6 * statistics.records().covariance(0, 0).standard_error);
  // The energy is k x^2/2; shot by shot the two runs follow one path, so their difference is known better than either.
  const nlohmann::json& energy = halved["meters"][0]["energy"];
  EXPECT_NEAR(energy["difference"].get<double>(), 1.5 * exact, 4 * energy["standard_error"].get<double>());
  EXPECT_LT(energy["standard_error"].get<double>(), 0.6 * whole.snapshots[0].of.at(Meter::energy)[0].sd() / std::sqrt(20000.0));
  const nlohmann::json& state = halved["final_states"][0];
  EXPECT_LT(std::fabs(state["difference"].get<double>()), 4 * state["standard_error"].get<double>());

  Device exact_device = open("func:cells=1&threads=1&stepper=exact-ou");
  EXPECT_THAT(error_of(HB_UNSUPPORTED, [&] { check_halving(exact_device, description, program); }),
              AllOf(HasSubstr("--halve"), HasSubstr("REFINEMENT")));
  device.set_step({200001});
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { check_halving(device, description, program); }), HasSubstr("an odd number"));
}

TEST(SweepOption, TakesRangesAndLists) {
  EXPECT_THAT(parse_sweep("network.kT=0.5:2:4").values, ElementsAre(0.5, 1, 1.5, 2));
  EXPECT_THAT(parse_sweep("schedule[0].duration=3,1e-2").values, ElementsAre(3, 0.01));
  for (const std::string wrong : {"kT", "=1", "kT=", "kT=1:2", "kT=1:2:1", "kT=1:2:2.5", "kT=1,,2", "kT=nan", "kT=1:2:1e9", "kT=0x3"})
    EXPECT_THAT(error_of(HB_BAD_ARG, [&] { parse_sweep(wrong); }), ::testing::StartsWith("--sweep " + wrong)) << wrong;
}

TEST(SweepOption, PutsAValueWhereItsKeyIs) {
  TomlProgram description = parse(steps(evolve("1") + "[[schedule]]\nop = \"ramp\"\nduration = 2\nbias = [1, 2]\n"
                                        "[[schedule]]\nop = \"clamp\"\nvalue = 0\n"));
  put(description, "network.kT", 0.25);
  put(description, "network.gain", 3);
  put(description, "network.dt", 0.5);
  put(description, "network.initial", -1);
  put(description, "schedule[0].duration", 7);
  put(description, "schedule[1].bias", 4);
  put(description, "schedule[2].value", 5);
  EXPECT_THAT(*description.network.kT, ElementsAre(0.25f));
  EXPECT_EQ(*description.network.gain, 3);
  EXPECT_EQ(*description.dt, 0.5);
  EXPECT_THAT(*description.initial, ElementsAre(-1));
  EXPECT_EQ(description.schedule[0].duration, 7);
  EXPECT_THAT(*description.schedule[1].parameters.bias, ElementsAre(4));
  EXPECT_THAT(description.schedule[2].values, ElementsAre(5));
  for (const auto& [key, says] : {std::pair<std::string, std::string>{"network.cells", "the keys are network.dt"},
                                  {"kT", "the keys are"},
                                  {"schedule[9].duration", "the steps 0 to 2"},
                                  {"schedule[0].period", "p.toml:3 has no period"},
                                  {"schedule[0].bias", "has no parameters"},
                                  {"schedule[1].value", "has no value"}})
    EXPECT_THAT(error_of(HB_BAD_ARG, [&, name = key] { put(description, name, 1); }), HasSubstr(says)) << key;
}

TEST(Rounding, OfValuesToCodesIsCounted) {
  Device coded = open("func:profile=coded&cells=3&threads=1");
  const Capabilities& caps = coded.capabilities();
  const float step = caps.range_j2 / 128;
  Program program(caps, 3);
  program.load(CellSection::j2, std::vector<float>{4 * step, 2.4f * step, 0.3f * step}).load(CellSection::bias, 0.0f);
  EXPECT_EQ(program.rounding().values, 2u);
  EXPECT_NEAR(program.rounding().worst, 1, 1e-6) << "a third of a step is held as 0";
  Device ideal = open("func:cells=3&threads=1");
  Program exact(ideal.capabilities(), 3);
  exact.load(CellSection::j2, std::vector<float>{1e-9f, 2, 3});
  EXPECT_EQ(exact.rounding().values, 0u);
}

}  // namespace
}  // namespace heatbath::apps
