// Single faults drawn from a seed, over every class, in sampling and in training: each is detected by name, put right,
// or leaves the results as they are. HEATBATH_FAULTS: how many (default 150), HEATBATH_FAULTS_SEED: of the draws;
// tools/fault_campaign.sh runs 10,000.
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "heatbath/numerics/random.hpp"
#include "heatbath/open.hpp"

namespace heatbath {
namespace {

constexpr std::uint32_t cells = 8, shots = 4;
constexpr std::uint64_t memory_bytes = 1 << 18;

/// A chip with little memory, whose faults are noticed or not.
class Chip {
 public:
  explicit Chip(bool monitors)
      : path_(std::filesystem::temp_directory_path() /
              ("heatbath_faults_" + std::to_string(getpid()) + (monitors ? "_seen" : "_unseen") + ".toml")) {
    std::ofstream(path_) << "[memory]\nbytes = " << memory_bytes << "\n[faults]\nmonitors = " << (monitors ? "true" : "false")
                         << "\n";
  }
  ~Chip() { std::filesystem::remove(path_); }
  std::string uri() const { return "func:profile=" + path_.string() + "&cells=8&lanes=2&threads=1"; }

 private:
  std::filesystem::path path_;
};

struct Outcome {
  hb_status_t code = HB_OK;
  std::string message;
  std::vector<float> numbers;
  bool counted = false;  ///< the device counted something wrong
};

Program program_for(const Device& device, const std::vector<float>& couplings) {
  Program program(device.capabilities(), cells);
  program.load(CellSection::j2, 1.0f).load(CellSection::bias, std::vector<float>(cells, 0.5f)).load_couplings(couplings).commit();
  return program.capture_start(Ticks{2000}, false).evolve(Ticks{8000}).capture_stop();
}

/// Samples of one network.
void sample(Device& device, Outcome& outcome) {
  const Result result = device.run(program_for(device, std::vector<float>(cells * cells, 0.0f)), {.shots = shots, .seed = 7});
  outcome.numbers.assign(result.capture.values().begin(), result.capture.values().end());
  outcome.counted = result.capture_clips > 0;
}

/// Three updates of couplings by the correlations that were sampled.
void train(Device& device, Outcome& outcome) {
  std::vector<float> couplings(cells * cells, 0.0f);
  for (std::uint32_t update = 0; update < 3; ++update) {
    const Result result = device.run(program_for(device, couplings), {.shots = shots, .seed = 7, .first_shot = update * shots});
    outcome.counted |= result.capture_clips > 0;
    for (std::uint32_t i = 0; i < cells; ++i)
      for (std::uint32_t j = 0; j < cells; ++j) {
        float sum = 0;
        for (std::uint32_t shot = 0; shot < shots; ++shot)
          for (std::uint64_t k = 0; k < result.capture.records(); ++k)
            sum += result.capture.state(shot, k)[i] * result.capture.state(shot, k)[j];
        if (i != j) couplings[i * cells + j] -= 0.1f * sum / (shots * 4);
      }
  }
  outcome.numbers = couplings;
}

Outcome outcome_of(const std::string& uri, bool training) {
  Outcome outcome;
  try {
    Device device = open(uri);
    training ? train(device, outcome) : sample(device, outcome);
  } catch (const Error& error) {
    outcome.code = error.code();
    outcome.message = error.what();
    outcome.numbers.clear();
  }
  return outcome;
}

struct Tally {
  int detected = 0, harmless = 0, silent = 0;
};

constexpr std::array<const char*, 15> kinds{
    "cell-dead", "cell-stuck", "coupler-flip", "memory-flip", "converter-saturated", "interrupt-lost", "interrupt-spurious",
    "hang", "thermal-trip", "brown-out", "dropped", "reordered", "duplicated", "truncated", "corrupted"};

std::map<std::string, Tally> campaign(const Chip& chip, unsigned count, std::uint64_t seed) {
  const Outcome sound[2] = {outcome_of(chip.uri(), false), outcome_of(chip.uri(), true)};
  EXPECT_EQ(sound[0].code, HB_OK) << sound[0].message;
  EXPECT_EQ(sound[1].code, HB_OK) << sound[1].message;
  std::map<std::string, Tally> table;
  numerics::RandomStream random(seed);
  for (unsigned n = 0; n < count; ++n) {
    const std::string kind = kinds[n % kinds.size()];
    const bool training = n / kinds.size() % 2 == 1;
    const auto draw = [&](std::uint64_t below) { return random.word() % below; };
    std::string uri;
    if (n % kinds.size() < 10) {
      // Passes take 8,000 ticks each; sampling has two, training six.
      const std::uint64_t tick = draw(training ? 52000 : 18000);
      const std::uint64_t target = kind == "memory-flip" ? draw(memory_bytes * 8) : draw(kind == "coupler-flip" ? 28 : cells);
      const bool targeted = kind.find("cell") == 0 || kind == "coupler-flip" || kind == "memory-flip" || kind.find("conv") == 0;
      uri = chip.uri() + "&faults=" + kind + "@" + std::to_string(tick) + (targeted ? ":" + std::to_string(target) : "");
    } else {
      uri = "faulty:" + kind + "@" + std::to_string(draw(training ? 1200 : 400)) + "?device=" + chip.uri();
    }
    const Outcome found = outcome_of(uri, training);
    Tally& tally = table[kind];
    if (found.code != HB_OK || found.counted) ++tally.detected;
    else if (found.numbers == sound[training].numbers) ++tally.harmless;
    else {
      ++tally.silent;
      if (chip.uri().find("unseen") == std::string::npos) std::printf("silent: %s\n", uri.c_str());
    }
  }
  return table;
}

unsigned count_wanted() {
  const char* const wanted = std::getenv("HEATBATH_FAULTS");
  return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : 150;
}

std::uint64_t seed_wanted() {
  const char* const wanted = std::getenv("HEATBATH_FAULTS_SEED");
  return wanted != nullptr ? std::strtoull(wanted, nullptr, 10) : 1;
}

void print(const std::map<std::string, Tally>& table, const char* title) {
  std::printf("| %s | detected | harmless | silent |\n|---|---|---|---|\n", title);
  for (const char* const kind : kinds)
    if (const auto at = table.find(kind); at != table.end())
      std::printf("| `%s` | %d | %d | %d |\n", kind, at->second.detected, at->second.harmless, at->second.silent);
}

TEST(FaultCampaign, NoFaultOfAChipWithMonitorsIsSilent) {
  const auto table = campaign(Chip(true), count_wanted(), 2 * seed_wanted() - 1);
  print(table, "with monitors");
  int detected = 0;
  for (const auto& [kind, tally] : table) {
    EXPECT_EQ(tally.silent, 0) << kind;
    detected += tally.detected;
  }
  EXPECT_GT(detected, static_cast<int>(count_wanted() / 3)) << "the faults hit";
}

TEST(FaultCampaign, WithoutMonitorsOnlyTheDeclaredClassesAreSilent) {
  const auto table = campaign(Chip(false), count_wanted(), 2 * seed_wanted());
  print(table, "without monitors");
  for (const auto& [kind, tally] : table) {
    if (kind == "cell-dead" || kind == "cell-stuck" || kind == "coupler-flip" || kind == "memory-flip") continue;
    EXPECT_EQ(tally.silent, 0) << kind;
  }
  EXPECT_GT(table.at("cell-stuck").silent, 0);
}

}  // namespace
}  // namespace heatbath
