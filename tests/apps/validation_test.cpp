// The ladder: its verdicts, its report, and that it fails devices that are broken.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <iterator>
#include <limits>
#include <memory>
#include <set>

#include <nlohmann/json.hpp>

#include "heatbath/open.hpp"
#include "heatbath/program.h"
#include "tests/apps/temporary_folder.hpp"
#include "validate/bench.hpp"
#include "validate/emulators.hpp"
#include "validate/report.hpp"

namespace heatbath::validation {
namespace {

Check measured(double value, double error, Bound bound = Bound::equal) {
  Check check;
  check.suite = "suite";
  check.name = "name";
  check.expected = 1;
  check.measured = value;
  check.standard_error = error;
  check.effective_samples = 100;
  check.bound = bound;
  return check;
}

bool passes(std::vector<Check> checks, bool precise = true) {
  judge(checks, precise);
  return checks.back().pass;
}

TEST(Judgement, CorrectsForTheNumberOfChecks) {
  const Check fine = measured(1, 0.005), odd = measured(1 + 3.2 * 0.005, 0.005);
  EXPECT_FALSE(passes({odd})) << "p = 0.0014 alone";
  std::vector<Check> many(50, fine);
  many.push_back(odd);
  EXPECT_TRUE(passes(many)) << "among 51 checks one such is no surprise";
  many.back() = measured(1 + 5 * 0.005, 0.005);
  EXPECT_FALSE(passes(many));
}

TEST(Judgement, InequalitiesHaveOneSide) {
  EXPECT_TRUE(passes({measured(9, 0.1, Bound::at_least)}));
  EXPECT_FALSE(passes({measured(0, 0.1, Bound::at_least)}));
  EXPECT_TRUE(passes({measured(0, 0.1, Bound::at_most)}));
  EXPECT_FALSE(passes({measured(9, 0.1, Bound::at_most)}));
  EXPECT_TRUE(passes({measured(9, 0, Bound::at_least)})) << "all samples agree";
  EXPECT_FALSE(passes({measured(0, 0, Bound::at_least)}));
}

TEST(Judgement, WantsSmallErrorsAndSmallerBiases) {
  EXPECT_FALSE(passes({measured(1, 0.02)})) << "standard error above 1 %";
  EXPECT_TRUE(passes({measured(1, 0.02)}, false)) << "unless the effort was reduced";
  EXPECT_TRUE(passes({measured(1, 0.0115)})) << "an error is an estimate, too: four of its own standard deviations";
  EXPECT_FALSE(passes({measured(1, 0.0121)}));
  EXPECT_FALSE(passes({measured(1, std::numeric_limits<double>::infinity())}));
  Check biased = measured(1, 0.005);
  biased.bias = 0.002;
  EXPECT_FALSE(passes({biased})) << "more than a quarter of the standard error";
  EXPECT_FALSE(passes({measured(std::nan(""), 0.005)}));
  EXPECT_FALSE(passes({measured(2, 0, Bound::exact)}));
  EXPECT_TRUE(passes({measured(1, 0, Bound::exact)}));
}

TEST(Ladder, RowsAndSuitesHaveDifferentNames) {
  std::set<std::string_view> suites_seen;
  for (const Suite& suite : suites()) {
    EXPECT_TRUE(suites_seen.insert(suite.name).second) << suite.name;
    std::set<std::string_view> rows;
    for (const Row& row : suite.rows) EXPECT_TRUE(rows.insert(row.name).second) << row.name;
  }
  LadderOptions options;
  options.suites = {"equilibrum"};
  try {
    climb(options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_BAD_ARG);
    EXPECT_NE(std::string(error.what()).find("equilibrium, work, free-energy"), std::string::npos) << error.what();
  }
}

TEST(Ladder, ErrorsOfTheLargestPairCurrentDoNotDependOnHowLargeItIs) {
  double least = 1, most = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    LadderOptions options;
    options.suites = {"currents/reciprocal"};
    options.effort = 0.07;
    options.threads = 1;
    options.seed = seed;
    const Outcome outcome = climb(options);
    const Check& current = outcome.checks.front();
    ASSERT_EQ(current.name, "largest pair current of a reciprocal linear network");
    least = std::min(least, current.standard_error);
    most = std::max(most, current.standard_error);
  }
  EXPECT_LT(most, 1.5 * least) << "256 shots: 4 standard deviations of 4.4 % each way";
}

TEST(Ladder, JsonAndPagesSayWhatWasMeasured) {
  LadderOptions options;
  options.suites = {"limits", "linear-solver"};
  options.effort = 0.02;
  options.threads = 1;
  const Outcome outcome = climb(options);
  const nlohmann::json json = outcome_json(outcome);
  ASSERT_GT(json["checks"].size(), 10u);
  for (const nlohmann::json& check : json["checks"]) {
    for (const char* key : {"suite", "name", "device", "bound", "failure"}) EXPECT_TRUE(check[key].is_string()) << key;
    for (const char* key : {"expected", "bias", "measured", "stderr", "stderr_limit", "z", "p", "ess", "seconds"})
      EXPECT_TRUE(check[key].is_number()) << key;
    EXPECT_TRUE(check["pass"].is_boolean());
  }
  EXPECT_EQ(json["passed"].get<std::size_t>() + json["failed"].get<std::size_t>(), json["checks"].size());
  EXPECT_EQ(json["failed"], 0) << outcome_text(outcome);
  const std::string page = outcome_html(outcome);
  EXPECT_EQ(page.find("src=\"http"), std::string::npos) << "self-contained";
  EXPECT_NE(page.find("mean of x0 at t = 0.5"), std::string::npos);
  EXPECT_NE(outcome_markdown(outcome).find("| mean of x0 at t = 0.5 |"), std::string::npos);
  // The same seed, the same numbers.
  const Outcome again = climb(options);
  for (std::size_t k = 0; k < outcome.checks.size(); ++k) EXPECT_EQ(again.checks[k].measured, outcome.checks[k].measured);
}

TEST(Ladder, ASingleRowRunsByItsName) {
  LadderOptions options;
  options.suites = {"limits/rail"};
  const Outcome outcome = climb(options);
  ASSERT_EQ(outcome.checks.size(), 2u);
  EXPECT_EQ(outcome.checks[0].name, "a runaway cell is held at its rail");
  options.suites = {"limits/rails"};
  EXPECT_THROW(climb(options), Error);
}

std::set<std::string> failures(const Outcome& outcome) {
  std::set<std::string> names;
  for (const Check& check : outcome.checks) {
    if (!check.pass) names.insert(check.name);
  }
  return names;
}

TEST(BrokenDevice, MismatchFailsTheRowsThatKnowTheStiffness) {
  std::ifstream in(HEATBATH_SOURCE_DIR "/hw_model/profiles/ideal.toml");
  std::string profile{std::istreambuf_iterator<char>(in), {}};
  const std::string sound = "cell_gain_sd = 0.0";
  ASSERT_NE(profile.find(sound), std::string::npos);
  profile.replace(profile.find(sound), sound.size(), "cell_gain_sd = 0.4");
  const TemporaryFolder folder;
  std::ofstream(folder / "uneven.toml") << profile;
  std::vector<Device> devices;
  devices.push_back(open("func:profile=" + (folder / "uneven.toml").string() + "&cells=256&lanes=64&threads=1"));
  LadderOptions options;
  options.suites = {"equilibrium"};
  options.effort = 0.25;
  const std::set<std::string> failed = failures(climb(devices, options));
  EXPECT_TRUE(failed.contains("variance of a linear cell"));
  EXPECT_TRUE(failed.contains("<x^2> of a single well"));
}

/// A link to a device whose thermostat is off: every temperature that a program asks for is 10 % higher.
class HotLink : public Transport {
 public:
  explicit HotLink(Transport& device) : device_(device) {}
  std::uint32_t read32(std::uint64_t address) override { return device_.read32(address); }
  void write32(std::uint64_t address, std::uint32_t value) override { device_.write32(address, value); }
  void read_block(std::uint64_t address, std::span<std::byte> out) override { device_.read_block(address, out); }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override {
    std::vector<std::byte> copy(data.begin(), data.end());
    for (std::size_t at = 0; at + sizeof(hb_instruction_t) <= copy.size(); at += sizeof(hb_instruction_t)) {
      hb_instruction_t instruction;
      std::memcpy(&instruction, copy.data() + at, sizeof instruction);
      if (instruction.op != HB_OP_LOAD || instruction.section != HB_SECTION_KT || instruction.flags != HB_FLAG_IMMEDIATE ||
          instruction.reserved[0] != 0)
        continue;
      float kT;
      std::memcpy(&kT, &instruction.imm, sizeof kT);
      kT *= 1.1f;
      std::memcpy(&instruction.imm, &kT, sizeof kT);
      std::memcpy(copy.data() + at, &instruction, sizeof instruction);
      ++warmed;
    }
    device_.write_block(address, copy);
  }
  std::optional<std::span<std::byte>> map(std::uint64_t, std::uint64_t) override { return std::nullopt; }
  bool wait_irq(std::uint64_t limit) override { return device_.wait_irq(limit); }
  LinkInfo info() const override { return device_.info(); }

  static inline int warmed = 0;

 private:
  Transport& device_;
};

TEST(BrokenDevice, WrongTemperatureFailsEquipartitionAndWork) {
  Device sound = open("func:cells=256&lanes=512&threads=1");
  std::vector<Device> devices;
  devices.emplace_back(std::make_unique<HotLink>(sound.transport()));
  LadderOptions options;
  options.suites = {"equilibrium", "work"};
  options.effort = 0.25;
  const Outcome outcome = climb(devices, options);
  ASSERT_GT(HotLink::warmed, 0) << "the fault was not built in";
  const std::set<std::string> failed = failures(outcome);
  EXPECT_TRUE(failed.contains("variance of a linear cell"));
  EXPECT_TRUE(failed.contains("effective temperature of a single well"));
  EXPECT_TRUE(failed.contains("<x^2> of a ring of 8"));
  EXPECT_TRUE(failed.contains("dragged trap at t = 2.0: Var W"));
}

TEST(GivenDevice, RowsItCannotRunAreSkippedByTheNameOfWhatItLacks) {
  std::vector<Device> devices;
  devices.push_back(open("func:profile=silicon&threads=1"));
  std::size_t skipped = 0;
  for (const Suite& suite : suites()) {
    for (const Row& row : suite.rows) {
      const std::string lacking = missing(row.needs, devices[0].capabilities());
      if (suite.name == "work") {
        EXPECT_EQ(lacking, "CAPS.METERS") << row.name;
      }
      if (suite.name == "phase") {
        EXPECT_EQ(lacking, "phase cells (CAPS_CELL.KIND)") << row.name;
      }
      skipped += !lacking.empty();
    }
  }
  EXPECT_GT(skipped, 20u);
  EXPECT_EQ(missing(suites()[0].rows[0].needs, devices[0].capabilities()), "") << "a linear cell it can do";
}

TEST(GivenDevice, ALowerTemperatureIsUsedWhereRangesAskForIt) {
  // Height 8 wants J2 = -16; the chip has 8 and so runs at kT = 1/2, for twice the time.
  const Device silicon = open("func:profile=silicon&threads=1");
  const auto escape = std::ranges::find(suites(), "escape", &Suite::name);
  ASSERT_NE(escape, suites().end());
  const Row& row = escape->rows[3];
  ASSERT_EQ(row.needs.j2, 16);
  EXPECT_EQ(missing(row.needs, silicon.capabilities()), "");
  Device device = open("func:profile=silicon&threads=1");
  const Machine machine(device, row.needs, 1, 1, nullptr);
  EXPECT_EQ(machine.kT(), 0.5);
  EXPECT_EQ(machine.time(3).count, device.ticks(6).count);
}

}  // namespace
}  // namespace heatbath::validation
