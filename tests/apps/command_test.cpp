// The built command as a user runs it.

#include <fcntl.h>
#include <gmock/gmock.h>
#include <pty.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <csignal>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "heatbath/register_list.h"
#include "run_command.hpp"
#include "temporary_folder.hpp"

extern char** environ;

namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<char*> arguments_of(std::vector<std::string>& words) {
  words.insert(words.begin(), HEATBATH_COMMAND);
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

std::vector<std::string> operator+(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

const std::string kDevice = "func:profile=ideal&cells=1024&lanes=32&threads=2";
const std::vector<std::string> kSmallTraining{"train", "generate", "--hidden", "16",       "--updates",
                                              "2",     "--shots",  "4",        "--device", kDevice};
const std::array<const char*, 8> kOutputs{"samples.png", "trajectories.png", "receptive_fields.png", "training.png",
                                          "heat.png",    "report.json",      "report.html",          "model.h5"};

bool have_gnuplot() { return std::system("gnuplot --version >/dev/null 2>&1") == 0; }

TEST(Command, TrainsDrawsAndReportsThenDrawsMore) {
  const TemporaryFolder folder;
  const Outcome trained = heatbath(kSmallTraining + std::vector<std::string>{"--out", folder / "run", "--json"});
  ASSERT_EQ(trained.status, 0) << trained.error;
  EXPECT_EQ(trained.error, "") << "nothing but JSON with --json";

  const std::string written = content(folder / "run" / "report.json");
  EXPECT_EQ(trained.out, written);
  const nlohmann::json report = nlohmann::json::parse(written);
  for (const char* key :
       {"heat_mean_kT", "heat_sd_kT", "v0_kT", "vf_kT", "action_first", "action_last", "correlation"}) {
    EXPECT_TRUE(report[key].is_number()) << key;
  }
  EXPECT_EQ(report["class_fractions"].size(), 3u);
  EXPECT_EQ(report["optimizer"], "gradient");
  EXPECT_EQ(report["seed"], 1);
  EXPECT_EQ(report["heat_source"], "meter");
  EXPECT_EQ(report["settings"]["updates"], 2);
  EXPECT_LT(report["action_last"], report["action_first"]);
  EXPECT_GT(report["seconds"]["total"], 0.0);

  std::size_t expected = kOutputs.size();
  for (const char* name : kOutputs) {
    if (!have_gnuplot() && report["pictures"].contains(name) && report["pictures"][name] != true) {
      --expected;
      continue;
    }
    EXPECT_TRUE(std::filesystem::exists(folder / "run" / name)) << name;
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "run"), {}), static_cast<long>(expected));

  const std::vector<std::string> draw{"generate", "--model", folder / "run" / "model.h5", "--shots", "3",
                                      "--device", kDevice};
  const Outcome more = heatbath(draw + std::vector<std::string>{"--out", folder / "more"});
  ASSERT_EQ(more.status, 0) << more.error;
  const nlohmann::json again = nlohmann::json::parse(content(folder / "more" / "report.json"));
  EXPECT_EQ(again["action_first"], report["action_first"]);
  EXPECT_EQ(again["shots"], 3);
  EXPECT_TRUE(std::filesystem::exists(folder / "more" / "report.html"));
  EXPECT_FALSE(std::filesystem::exists(folder / "more" / "model.h5"));
}

TEST(Command, TrainersRefuseCellsOfOtherKindsAndNameWhatWouldDo) {
  const TemporaryFolder folder;
  for (const std::string kind : {"underdamped", "rlc", "phase", "pbit", "categorical"}) {
    const std::string device = "func:threads=1&cell=" + kind;
    for (const std::vector<std::string>& command : {std::vector<std::string>{"train", "generate", "--updates", "1"}, {"bound"}}) {
      const Outcome refused = heatbath(command + std::vector<std::string>{"--device", device, "--out", folder / "out"});
      EXPECT_EQ(refused.status, 2) << kind;
      EXPECT_THAT(refused.error, HasSubstr("needs CAPS_CELL.KIND overdamped; this device has " + kind +
                                           " cells"));
      EXPECT_EQ(std::count(refused.error.begin(), refused.error.end(), '\n'), 1);
    }
  }
  // Ergodicity opens boards of several kinds itself.
  const Outcome chosen = heatbath({"train", "ergodicity", "--device", "func:cell=underdamped", "--out", folder / "out"});
  EXPECT_EQ(chosen.status, 2);
  EXPECT_THAT(chosen.error, HasSubstr("leave out cell"));
}

TEST(Command, RunGivesTheActivityOfCells) {
  const TemporaryFolder folder;
  std::ofstream(folder / "spins.toml") << "[network]\ncells = 3\nbias = 0.2\nkT = 1.0\n"
                                          "[[schedule]]\nop = \"evolve\"\nduration = 100\n[[schedule]]\nop = \"meters\"\n"
                                          "[samples]\nshots = 5\nactivity = true\nactivity_per_cell = true\n";
  const std::vector<std::string> command{"run", folder / "spins.toml", "--device", "func:cell=pbit&threads=1"};
  const Outcome text = heatbath(command);
  ASSERT_EQ(text.status, 0) << text.error;
  EXPECT_THAT(text.out, HasSubstr("\n  activity     mean "));
  EXPECT_THAT(text.out, HasSubstr("\n  activity_per_cell\n       0       mean "));
  for (const std::string name : {"spins.npz", "spins.h5"}) {
    const Outcome run = heatbath(command + std::vector<std::string>{"--json", "--out", folder / name});
    ASSERT_EQ(run.status, 0) << run.error;
    const nlohmann::json meters = nlohmann::json::parse(run.out)["meters"][0];
    double cells = 0;
    for (const nlohmann::json& mean : meters["activity_per_cell"]["mean"]) cells += mean.get<double>();
    EXPECT_NEAR(meters["activity"]["mean"].get<double>(), cells, 1e-9);
    EXPECT_GT(cells, 100);
    EXPECT_THAT(content(folder / name), HasSubstr("activity_per_cell"));
  }
  const Outcome info = heatbath({"info", "--device", "func:threads=1", "--json"});
  EXPECT_EQ(nlohmann::json::parse(info.out)["meters"].back(), "activity_per_cell");
  EXPECT_EQ(nlohmann::json::parse(info.out)["features"]["activity"], true);
  const Outcome refused = heatbath({"run", folder / "spins.toml", "--device", "func:profile=silicon&threads=1"});
  EXPECT_EQ(refused.status, 2);
}

TEST(Command, RunGivesTheHeatOfCells) {
  const TemporaryFolder folder;
  std::ofstream(folder / "two.toml") << "[network]\ncells = 2\nkT = [2.0, 1.0]\ncouplings = [[0, 1, -1.0]]\n"
                                        "[[schedule]]\nop = \"evolve\"\nduration = 2.0\n[[schedule]]\nop = \"meters\"\n"
                                        "[samples]\nshots = 5\nheat_per_cell = true\n";
  for (const std::string name : {"two.npz", "two.h5"}) {
    const Outcome run = heatbath({"run", folder / "two.toml", "--device", "func:threads=1", "--json", "--out", folder / name});
    ASSERT_EQ(run.status, 0) << run.error;
    const nlohmann::json meters = nlohmann::json::parse(run.out)["meters"][0];
    ASSERT_EQ(meters["heat_per_cell"]["mean"].size(), 2u);
    EXPECT_NEAR(meters["heat_per_cell"]["mean"][0].get<double>() + meters["heat_per_cell"]["mean"][1].get<double>(),
                meters["heat_path"]["mean"].get<double>(), 1e-5);
    EXPECT_THAT(content(folder / name), HasSubstr("heat_per_cell"));
  }
  const Outcome refused = heatbath({"run", folder / "two.toml", "--device", "func:profile=silicon&threads=1"});
  EXPECT_EQ(refused.status, 2);
}

TEST(Command, PrintsTheRegisterMapInFiveForms) {
  const nlohmann::json map = nlohmann::json::parse(heatbath({"regs", "--format", "json"}).out);
  std::map<std::string, std::uint32_t> offsets;
  for (const auto& entry : map["registers"]) offsets[entry["name"]] = entry["offset"];
#define X(NAME, offset, access, reset, value, mask) EXPECT_EQ(offsets.at(#NAME), offset) << #NAME;
  HB_REGISTER_LIST(X)
#undef X
  EXPECT_THAT(heatbath({"regs"}).out, ::testing::StartsWith("register,offset,access,reset,field"));
  EXPECT_THAT(heatbath({"regs", "--format", "svd"}).out, HasSubstr("</device>"));
  const TemporaryFolder folder;
  EXPECT_EQ(heatbath({"regs", "--format", "rdl", "--out", folder.path() / "map.rdl"}).status, 0);
  EXPECT_THAT(content(folder.path() / "map.rdl"), HasSubstr("addrmap heatbath"));

  // A base moves every address, and the map must end within 32 bits.
  const std::string moved = heatbath({"regs", "--format", "litex", "--base", "0x40000000"}).out;
  for (const char* line : {"csr_base,heatbath,0x40000000,,", "csr_register,heatbath_scratch,0x40000020,1,rw",
                           "memory_region,heatbath_memory,0x50000000,268435456,io", "constant,config_csr_data_width,32,,"})
    EXPECT_THAT(moved, HasSubstr(line));
  EXPECT_THAT(heatbath({"regs", "--format", "svd", "--base", "0x40000000"}).out,
              HasSubstr("<baseAddress>0x40000000</baseAddress>"));
  EXPECT_THAT(heatbath({"regs", "--format", "csv", "--base", "4096"}).error, HasSubstr("svd and litex"));
  EXPECT_THAT(heatbath({"regs", "--format", "litex", "--base", "0xF8000000"}).error, HasSubstr("32 bits"));
}

TEST(Command, SameSeedGivesTheSameModelAndTheSameDrawings) {
  const TemporaryFolder folder;
  const std::vector<std::string> job = kSmallTraining + std::vector<std::string>{"--seed", "7", "--json"};
  ASSERT_EQ(heatbath(job + std::vector<std::string>{"--threads", "1", "--out", folder / "a"}).status, 0);
  ASSERT_EQ(heatbath(job + std::vector<std::string>{"--threads", "2", "--out", folder / "b"}).status, 0);
  for (const char* name : {"model.h5", "samples.png", "trajectories.png"}) {
    EXPECT_EQ(content(folder / "a" / name), content(folder / "b" / name)) << name;
  }
}

TEST(Command, RecipeNamesTheOptionsOfTheScheduleAndYieldsToThem) {
  const TemporaryFolder folder;
  const Outcome trained = heatbath({"train", "generate", "--recipe", "schedule", "--segments", "2", "--balance", "1",
                                    "--hidden", "8", "--updates", "6", "--shots", "3", "--held-out", "4", "--device",
                                    kDevice, "--out", folder / "run", "--json"});
  ASSERT_EQ(trained.status, 0) << trained.error;
  const nlohmann::json report = nlohmann::json::parse(trained.out);
  EXPECT_EQ(report["optimizer"], "least-squares");
  EXPECT_EQ(report["settings"]["drive"], "projection");
  EXPECT_EQ(report["settings"]["ramp_end"], 0.35);
  EXPECT_EQ(report["settings"]["segments"], 2);
  EXPECT_EQ(report["training"]["held_out_above_floor"].size(), 4u);
  EXPECT_EQ(report["training"]["image_weights"].size(), 3u);
  EXPECT_TRUE(report["training"]["noise_memory_nats"].is_number());
  EXPECT_TRUE(report["quality"]["images_held"].is_number());
}

TEST(Command, TrainsAMachineOnAGraphFromSamplesOfAnother) {
  const TemporaryFolder folder;
  const std::string graph = HEATBATH_SOURCE_DIR "/examples/spin_glass.mtx";
  const Outcome sampled = heatbath({"sample", graph, "--as", "ising", "--kT", "2", "--records", "20", "--out", folder / "s.npz"});
  ASSERT_EQ(sampled.status, 0) << sampled.error;
  const auto training = [&](const char* out) {
    return std::vector<std::string>{"train", "graph", "--patterns", folder / "s.npz", "--array", "states", "--held-out", "256", "--updates", "30",
                                    "--device", "func:cell=pbit&threads=1&topology=" + graph, "--out", folder / out, "--json"};
  };
  const Outcome trained = heatbath(training("one"));
  ASSERT_EQ(trained.status, 0) << trained.error;
  const nlohmann::json report = nlohmann::json::parse(trained.out);
  EXPECT_EQ(report["learned"], 1024);
  EXPECT_EQ(report["held_out"], 256);
  EXPECT_GT(report["pseudolikelihood_held_out"], report["pseudolikelihood_held_out_first"].get<double>() + 0.1);
  const std::string machine = content(folder / "one" / "machine.npz");
  // Ended where it has ended, and taken up: the same machine.
  std::vector<std::string> again = training("one");
  again.push_back("--continue");
  ASSERT_EQ(heatbath(again).status, 0);
  EXPECT_EQ(content(folder / "one" / "machine.npz"), machine);
  *std::ranges::find(again, "30") = "31";
  const Outcome other = heatbath(again);
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.error, HasSubstr("updates"));
  const Outcome dense = heatbath({"train", "graph", "--patterns", folder / "s.npz", "--out", folder / "two"});
  EXPECT_EQ(dense.status, 2);
  EXPECT_THAT(dense.error, HasSubstr("a device with a list of couplers"));
}

TEST(Command, TrainsSegmentsWithLabelsDrawsWhatIsAskedAndGoesOn) {
  const TemporaryFolder folder;
  const std::vector<std::string> job{"train", "generate", "--optimizer", "least-squares", "--segments", "2", "--ramp-end",
                                     "0.5", "--labels", "--hidden", "8", "--updates", "6", "--shots", "3", "--device",
                                     kDevice, "--out", folder / "run", "--json"};
  const Outcome trained = heatbath(job);
  ASSERT_EQ(trained.status, 0) << trained.error;
  const nlohmann::json report = nlohmann::json::parse(trained.out);
  EXPECT_EQ(report["optimizer"], "least-squares");
  EXPECT_EQ(report["settings"]["segments"], 2);
  EXPECT_EQ(report["settings"]["labels"], 3);
  EXPECT_EQ(report["settings"]["ramp_end"], 0.5);
  EXPECT_TRUE(report["asked_fraction"].is_number());
  EXPECT_TRUE(report["quality"]["recognised"].is_number());
  EXPECT_TRUE(report["training"]["in_sample_last"]["per_step"].is_number());
  EXPECT_LT(report["action_last"], report["action_first"]);

  const std::string model = content(folder / "run" / "model.h5");
  const Outcome more = heatbath({"generate", "--model", folder / "run" / "model.h5", "--shots", "2", "--ask", "2",
                                 "--device", kDevice, "--out", folder / "more"});
  EXPECT_EQ(more.status, 0) << more.error;
  const Outcome wrong = heatbath({"generate", "--model", folder / "run" / "model.h5", "--ask", "7", "--device", kDevice,
                                  "--out", folder / "more"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.error, HasSubstr("class 7"));

  // Continuing a finished training gives the same result; another seed is another training.
  EXPECT_EQ(heatbath(job + std::vector<std::string>{"--continue"}).status, 0);
  EXPECT_EQ(content(folder / "run" / "model.h5"), model);
  const Outcome other = heatbath(job + std::vector<std::string>{"--continue", "--seed", "2"});
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.error, HasSubstr("seed was 1 and is"));
}

TEST(Command, ContinuesToTheModelOfAnUnbrokenTraining) {
  const TemporaryFolder folder;
  std::vector<std::string> job = kSmallTraining;
  ASSERT_EQ(heatbath(job + std::vector<std::string>{"--out", folder / "a"}).status, 0);
  job[5] = "4";
  ASSERT_EQ(heatbath(job + std::vector<std::string>{"--out", folder / "a", "--continue"}).status, 0);
  ASSERT_EQ(heatbath(job + std::vector<std::string>{"--out", folder / "b"}).status, 0);
  EXPECT_EQ(content(folder / "a" / "model.h5"), content(folder / "b" / "model.h5"));
}

TEST(Command, ATrainingSurvivesFaultsThatPassAndSaysSo) {
  const TemporaryFolder folder;
  ASSERT_EQ(heatbath(kSmallTraining + std::vector<std::string>{"--out", folder / "a"}).status, 0);
  std::vector<std::string> job = kSmallTraining;
  for (std::string& word : job)
    if (word == kDevice) word += "&faults=thermal-trip@9000000,cell-dead@9500000:5,memory-flip@1200000000:99,hang@2500000000";
  const Outcome survived = heatbath(job + std::vector<std::string>{"--out", folder / "b"});
  ASSERT_EQ(survived.status, 0) << survived.error;
  EXPECT_THAT(survived.error, HasSubstr("OVERHEATED"));
  EXPECT_THAT(survived.error, HasSubstr("DEFECT"));
  EXPECT_THAT(survived.error, HasSubstr("goes on after update"));
  const auto updates = [&](const char* run) {
    return nlohmann::json::parse(content(folder / run / "report.json"))["training"]["action_above_floor_by_update"].size();
  };
  EXPECT_EQ(updates("b"), updates("a")) << "no update is left out";
}

TEST(Command, ShowsTheGapOfAModel) {
  const TemporaryFolder folder;
  ASSERT_EQ(heatbath(kSmallTraining + std::vector<std::string>{"--out", folder / "a"}).status, 0);
  const std::vector<std::string> job{"gap", "--model", folder / "a" / "model.h5", "--shots", "2"};
  const Outcome shown = heatbath(job + std::vector<std::string>{"--profiles", "ideal,spu-8", "--out", folder / "gap", "--json"});
  ASSERT_EQ(shown.status, 0) << shown.error;
  const nlohmann::json report = nlohmann::json::parse(shown.out);
  EXPECT_TRUE(report["chips"][0]["likeness"].is_number());
  EXPECT_EQ(report["chips"][0]["electricity"]["items"].size(), 0u);
  EXPECT_THAT(report["chips"][1]["refused"].get<std::string>(), HasSubstr("8"));
  EXPECT_THAT(content(folder / "gap" / "gap.md"), HasSubstr("| ideal | as it is |"));
  const Outcome tuned = heatbath(job + std::vector<std::string>{"--profiles", "ideal", "--tune", "2", "--json"});
  ASSERT_EQ(tuned.status, 0) << tuned.error;
  const nlohmann::json rows = nlohmann::json::parse(tuned.out)["chips"];
  ASSERT_EQ(rows.size(), 2u);
  EXPECT_EQ(rows[1]["treatment"], "tuned");
  EXPECT_GT(rows[1]["tuning"]["device_seconds"].get<double>(), 0);
  EXPECT_NE(rows[1]["heat_mean_kT"], rows[0]["heat_mean_kT"]) << "another model";
  const Outcome wrong = heatbath(job + std::vector<std::string>{"--profiles", "gold"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.error, HasSubstr("gold"));
}

TEST(Command, CalibrationsCorrectADeviceOrAreRefusedByName) {
  const TemporaryFolder folder;
  const std::string device = "func:profile=hb-1024&cells=4&chip=3&threads=1", calibration = folder / "chip.json", cool = folder / "cool.json";
  std::ofstream(folder / "springs.toml") << "[network]\ncells = 4\nj2 = 1.0\nkT = 0.1\n[[schedule]]\nop = \"evolve\"\nduration = 5.0\n[[schedule]]\nop = \"sample\"\n"
                                            "[samples]\nshots = 3\n";
  const std::vector<std::string> calibrate{"calibrate", "--device", device, "--effort", "0.02"}, run{"run", folder / "springs.toml", "--json", "--device"};
  ASSERT_EQ(heatbath(calibrate + std::vector<std::string>{"--out", calibration}).status, 0);
  const Outcome plain = heatbath(run + std::vector<std::string>{device});
  ASSERT_EQ(plain.status, 0) << plain.error;
  EXPECT_FALSE(nlohmann::json::parse(plain.out)["device"].contains("calibration"));
  const Outcome corrected = heatbath(run + std::vector<std::string>{device, "--calibration", calibration});
  ASSERT_EQ(corrected.status, 0) << corrected.error;
  EXPECT_THAT(nlohmann::json::parse(corrected.out)["device"]["calibration"]["used"].get<std::string>(), HasSubstr("4 cells, 6 couplers"));
  const Outcome claims = heatbath({"conformance", "--device", device, "--calibration", calibration, "--only", "readback", "--only", "clipping"});
  EXPECT_EQ(claims.status, 0) << claims.out << claims.error;

  const auto refusal = [&](const std::vector<std::string>& words) {
    const Outcome refused = heatbath(words);
    EXPECT_EQ(refused.status, 2);
    return refused.error;
  };
  EXPECT_THAT(refusal(run + std::vector<std::string>{"func:profile=hb-1024&cells=4&chip=4&threads=1", "--calibration", calibration}),
              HasSubstr("calibration of another chip"));
  EXPECT_THAT(refusal(run + std::vector<std::string>{device, "--use-expired"}), HasSubstr("give that, too"));
  EXPECT_THAT(refusal(run + std::vector<std::string>{device, "--calibration", folder / "none.json"}), HasSubstr("none.json"));
  // A die that is as cold as at power-on, and a calibration that was made when it was warm, and is narrow.
  ASSERT_EQ(heatbath(calibrate + std::vector<std::string>{"--tolerance", "1e-6", "--out", cool}).status, 0);
  EXPECT_THAT(refusal(run + std::vector<std::string>{device, "--calibration", cool}), HasSubstr("calibration needed: the die is at"));
  EXPECT_EQ(heatbath(run + std::vector<std::string>{device, "--calibration", cool, "--use-expired"}).status, 0);
  // What is kept is in the cache folder of the user.
  const char* const cache = std::getenv("XDG_CACHE_HOME");
  const std::optional<std::string> before = cache == nullptr ? std::nullopt : std::optional<std::string>(cache);
  ::setenv("XDG_CACHE_HOME", (folder / "cache").c_str(), 1);
  EXPECT_THAT(heatbath({"info", "--device", device}).out, HasSubstr("none kept for this serial number"));
  ASSERT_EQ(heatbath(calibrate).status, 0);
  EXPECT_THAT(heatbath({"info", "--device", device}).out, HasSubstr("4 cells, 6 couplers"));
  if (before) ::setenv("XDG_CACHE_HOME", before->c_str(), 1);
  else ::unsetenv("XDG_CACHE_HOME");
}

TEST(Command, PrintsADatasheetWithGrades) {
  const Outcome sheet = heatbath({"info", "--profile", "z1-grid"});
  ASSERT_EQ(sheet.status, 0) << sheet.error;
  EXPECT_THAT(sheet.out, HasSubstr("Thermalizers, arXiv:2608.01615"));
  EXPECT_THAT(sheet.out, HasSubstr("unstated"));
  EXPECT_EQ(heatbath({"info", "--profile", "gold"}).status, 2);
}

TEST(Command, BoundsAScoreAndKeepsIt) {
  const TemporaryFolder folder;
  const std::vector<std::string> job{"bound", "--score", "device", "--samples", "1024", "--duration", "0.5",
                                     "--levels", "12", "--device", kDevice, "--json"};
  const Outcome first = heatbath(job + std::vector<std::string>{"--out", folder / "a"});
  ASSERT_EQ(first.status, 0) << first.error;
  const nlohmann::json report = nlohmann::json::parse(first.out);
  for (const char* key : {"nll", "bound", "gap", "half_kl", "production", "heat_total", "gap_se"}) {
    EXPECT_TRUE(report[key].is_number()) << key;
  }
  EXPECT_TRUE(report["identity_ratio"].is_null());
  EXPECT_EQ(report["rates"].size(), 12u);
  EXPECT_EQ(report["generations"].size(), 6u);
  for (const char* name : {"report.html", "report.json", "score.json"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / "a" / name)) << name;
  }
  // A score of other levels is refused, that of the same is used.
  std::vector<std::string> again = job;
  again[2] = folder / "a" / "score.json";
  EXPECT_EQ(heatbath(again + std::vector<std::string>{"--out", folder / "b"}).status, 0);
  again[8] = "13";
  const Outcome other = heatbath(again + std::vector<std::string>{"--out", folder / "c"});
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.error, HasSubstr("has 12 levels of noise, this run has 13"));
}

TEST(Command, RunsATomlProgram) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.toml") << "[network]\ncells = 2\nkT = 0.0\nj4 = 0\nj2 = 0.5\nbias = -1.0\n"
                                      "[[schedule]]\nop = \"evolve\"\nduration = 20\n[[schedule]]\nop = \"meters\"\n"
                                      "[samples]\nshots = 3\n";
  const Outcome run = heatbath({"run", folder / "p.toml", "--device", kDevice, "--out", folder / "r.npz", "--json"});
  ASSERT_EQ(run.status, 0) << run.error;
  EXPECT_EQ(run.error, "");
  const nlohmann::json summary = nlohmann::json::parse(run.out);
  // Without noise the cells relax to 2 J2 x + b = 0, but for a force so small that dt times it rounds to nothing.
  EXPECT_NEAR(summary["final_states"]["mean"][1].get<double>(), 1.0, 1e-4);
  EXPECT_NEAR(summary["meters"][0]["heat"]["mean"].get<double>(), 1.0, 1e-3);
  EXPECT_EQ(summary["shots"], 3);
  EXPECT_TRUE(std::filesystem::exists(folder / "r.npz"));
  const Outcome hdf5 =
      heatbath({"run", folder / "p.toml", "--device", kDevice, "--shots", "2", "--out", folder / "r.h5"});
  EXPECT_EQ(hdf5.status, 0) << hdf5.error;
  EXPECT_THAT(hdf5.out, HasSubstr("2 shots"));
  EXPECT_EQ(content(folder / "r.h5").substr(1, 3), "HDF");
  EXPECT_EQ(folder.entries(), 3u);
}

const std::string kStatistics =
    "[network]\ncells = 2\ndt = 0.01\nj2 = 0.5\nj4 = 0\nkT = 0.5\n[[schedule]]\nop = \"evolve\"\nduration = 3\n"
    "[[schedule]]\nop = \"capture\"\nperiod = 0.5\n[[schedule]]\nop = \"evolve\"\nduration = 5\n"
    "[samples]\nshots = 70\n[statistics]\nfrom = 3.0\nlags = [1.0]\n";

TEST(Command, RunKeepsTheStepOfTheProgramAndSaysItsBias) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.toml") << kStatistics;
  const auto step = [&](const std::vector<std::string>& more) {
    const Outcome run = heatbath(std::vector<std::string>{"run", folder / "p.toml", "--json"} + more);
    EXPECT_EQ(run.status, 0) << run.error;
    return nlohmann::json::parse(run.out)["step"];
  };
  const std::string plain = "func:cells=2&threads=1";
  EXPECT_EQ(step({"--device", plain})["time_units"], 0.01);
  EXPECT_EQ(step({"--device", plain + "&dt=0.5"})["from"], "network.dt");
  EXPECT_EQ(step({"--device", plain, "--step", "0.1"})["time_units"], 0.1);
  // The variance of x' = (1 - k dt) x + noise is 1/(1 - k dt/2) of the exact one: k = 1, dt = 0.1.
  EXPECT_NEAR(step({"--device", plain, "--step", "0.1"})["bias"]["position"].get<double>(), 1 / 0.95 - 1, 1e-6);
  const Outcome text = heatbath({"run", folder / "p.toml", "--device", plain, "--step", "0.1"});
  EXPECT_THAT(text.out, HasSubstr("step 0.1 time units (--step): variances up to 5.3 % too large (linear part)"));
  EXPECT_THAT(heatbath({"run", folder / "p.toml", "--device", "func:profile=silicon&threads=1"}).error,
              HasSubstr("network.dt"));
  EXPECT_EQ(heatbath({"run", folder / "p.toml", "--device", plain, "--step", "0.03"}).status, 2) << "periods of 0.5";
}

TEST(Command, RunEstimatesSweepsAndHalves) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.toml") << kStatistics;
  const std::vector<std::string> job{"run", folder / "p.toml", "--device", "func:cells=2&threads=1"};
  const Outcome run = heatbath(job + std::vector<std::string>{"--out", folder / "r.npz", "--json", "--halve"});
  ASSERT_EQ(run.status, 0) << run.error;
  const nlohmann::json summary = nlohmann::json::parse(run.out);
  EXPECT_EQ(summary["statistics"]["samples"], 70 * 11);
  EXPECT_NEAR(summary["statistics"]["variance"]["value"][0].get<double>(), 0.5,
              5 * summary["statistics"]["variance"]["standard_error"][0].get<double>());
  EXPECT_EQ(summary["halve"]["step"], 0.005);
  EXPECT_EQ(summary["halve"]["statistics"].size(), 2u);
  EXPECT_THAT(content(folder / "r.npz"), HasSubstr("statistics_lagged_covariance_error"));
  EXPECT_THAT(heatbath(job).out, HasSubstr("statistics of 770 samples from time 3 to 8"));

  const std::vector<std::string> sweep{"--sweep", "network.kT=0.25:1:4", "--sweep", "network.bias=0,2"};
  const Outcome swept = heatbath(job + sweep + std::vector<std::string>{"--out", folder / "s.h5", "--json"});
  ASSERT_EQ(swept.status, 0) << swept.error;
  const nlohmann::json grid = nlohmann::json::parse(swept.out);
  ASSERT_EQ(grid["points"].size(), 8u);
  const nlohmann::json& last = grid["points"][7];
  EXPECT_EQ(last["at"]["network.kT"], 1);
  EXPECT_EQ(last["at"]["network.bias"], 2);
  EXPECT_EQ(last["first_shot"], 490);
  const auto near = [](const nlohmann::json& of, double exact) {
    EXPECT_NEAR(of["value"][0].get<double>(), exact, 5 * of["standard_error"][0].get<double>() + 0.01 * std::fabs(exact));
  };
  near(last["statistics"]["mean"], -2);  // stiffness 1
  near(last["statistics"]["variance"], 1);
  near(grid["points"][0]["statistics"]["variance"], 0.25);
  EXPECT_NE(grid["points"][0]["final_states"]["mean"][0], grid["points"][2]["final_states"]["mean"][0]);
  EXPECT_THAT(content(folder / "s.h5"), ::testing::AllOf(HasSubstr("sweep_network.kT"), HasSubstr("statistics_mean_error"), HasSubstr("final_sd")));
  const nlohmann::json common =
      nlohmann::json::parse(heatbath(job + std::vector<std::string>{"--sweep", "network.bias=0,2", "--common-noise", "--json"}).out);
  EXPECT_NEAR(common["points"][1]["final_states"]["mean"][0].get<double>() -
                  common["points"][0]["final_states"]["mean"][0].get<double>(),
              -2 * (1 - std::exp(-8.0)), 0.01)
      << "the noise is the same, so the difference is the mean's";
  EXPECT_EQ(folder.entries(), 3u);
}

TEST(CtrlC, LeavesTheStatisticsOfARun) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.toml") << "[network]\ncells = 64\n[[schedule]]\nop = \"capture\"\nperiod = 0.1\n[[schedule]]\n"
                                      "op = \"evolve\"\nduration = 1000000\n[samples]\nshots = 100\n[statistics]\n"
                                      "cells = [0, 5]\nonly = true\n";
  std::vector<std::string> words{"run", folder / "p.toml", "--device", "func:cells=64&lanes=8&threads=1", "--out", folder / "r.npz", "--json"};
  const std::vector<char*> arguments = arguments_of(words);
  pid_t child = 0;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 1, (folder / "out").c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::posix_spawn(&child, HEATBATH_COMMAND, &actions, nullptr, arguments.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  ::usleep(5000000);
  ASSERT_EQ(::kill(child, SIGINT), 0);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  const nlohmann::json summary = nlohmann::json::parse(content(folder / "out"));
  EXPECT_EQ(summary["interrupted"], true);
  EXPECT_GT(summary["statistics"]["samples"], 8);
  EXPECT_GT(summary["statistics"]["variance"]["value"][1], 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "r.npz"));
}

TEST(Command, ZerosInFrontOfANumberAreDecimal) {
  const TemporaryFolder folder;
  std::ofstream(folder / "x.toml") << "[network]\ncells = 2\n[[schedule]]\nop = \"evolve\"\nduration = 0.5\n";
  const auto run = [&](const std::string& seed, const std::string& shots) {
    const Outcome outcome =
        heatbath({"run", (folder / "x.toml").string(), "--seed", seed, "--shots", shots, "--json", "--device", kDevice});
    EXPECT_EQ(outcome.status, 0) << outcome.error;
    nlohmann::json json = nlohmann::json::parse(outcome.out);
    return std::pair{json["final_states"], json["shots"]};
  };
  EXPECT_EQ(run("010", "012"), run("10", "12"));
  EXPECT_EQ(run("08", "0009"), run("8", "9"));
  EXPECT_NE(run("010", "12"), run("8", "12"));
}

TEST(Command, AnInstructionSetThatIsNoneIsRefused) {
  ::setenv("HEATBATH_ISA", "foo", 1);
  const Outcome outcome = heatbath({"info", "--device", kDevice});
  ::unsetenv("HEATBATH_ISA");
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.error, HasSubstr("HEATBATH_ISA is 'foo'; this processor has portable"));
}

TEST(Command, AProgramMayComeThroughAPipe) {
  const TemporaryFolder folder;
  const std::string pipe = (folder / "pipe").string();
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] {
    std::ofstream(pipe) << "[network]\ncells = 2\n[[schedule]]\nop = \"evolve\"\nduration = 0.5\n";
  });
  EXPECT_EQ(heatbath({"run", pipe, "--device", kDevice}).status, 0);
  writer.join();
}

TEST(Command, TellsWhatADeviceIs) {
  const Outcome table = heatbath({"info", "--device", kDevice});
  EXPECT_EQ(table.status, 0);
  EXPECT_THAT(table.out, HasSubstr("euler-maruyama (weak order 1, strong order 1 with additive noise)"));
  const nlohmann::json json = nlohmann::json::parse(heatbath({"info", "--device", kDevice, "--json"}).out);
  EXPECT_EQ(json["size"]["cells"], 1024);
  EXPECT_EQ(json["size"]["lanes"], 32);
  EXPECT_DOUBLE_EQ(json["time"]["time_unit_seconds"], 1e-6);
  EXPECT_EQ(json["cell"]["kind"], "overdamped");
  EXPECT_EQ(json["cell"]["topology"], "dense");
  const std::string spins = "func:cell=pbit&topology=torus:4x4&threads=1";
  const nlohmann::json pbits = nlohmann::json::parse(heatbath({"info", "--device", spins, "--json"}).out);
  EXPECT_EQ(pbits["cell"]["kind"], "pbit");
  EXPECT_EQ(pbits["cell"]["topology"], "sparse");
  EXPECT_EQ(pbits["cell"]["couplers"], 32);
  EXPECT_EQ(pbits["cell"]["parameters"], (nlohmann::json{"bias", "coupling", "gain", "kT"}));
  EXPECT_THAT(pbits["time"]["stepper"].get<std::string>(), HasSubstr("two-colour (exact conditional updates"));
}

TEST(Command, HelpAndVersionAreNoErrors) {
  EXPECT_EQ(heatbath({"--help"}).status, 0);
  EXPECT_EQ(heatbath({"train", "generate", "--help"}).status, 0);
  const Outcome version = heatbath({"--version"});
  EXPECT_EQ(version.status, 0);
  EXPECT_THAT(version.out, HasSubstr("heatbath 0."));
}

struct Wrong {
  const char* name;
  std::vector<std::string> words;
  const char* says;
};
void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

class WrongInput : public ::testing::TestWithParam<Wrong> {};

/// Every case gets "OUT" replaced by a folder that does not exist yet, and "FILE" by a file that is no model.
TEST_P(WrongInput, GivesOneLineAndStatusTwoAndWritesNothing) {
  const TemporaryFolder folder;
  std::ofstream(folder / "file") << "text\n";
  const TemporaryFolder elsewhere;
  {
    std::ofstream table(elsewhere / "table");
    for (int i = 0; i < 40; ++i) table << i << ' ' << i % 7 << '\n';
  }
  std::vector<std::string> words = GetParam().words;
  for (std::string& word : words) {
    if (const auto at = word.find("OUT"); at != std::string::npos) word.replace(at, 3, (folder / "out").string());
    if (word == "TABLE") word = (elsewhere / "table").string();
    if (const auto at = word.find("FILE"); at != std::string::npos) word.replace(at, 4, (folder / "file").string());
  }
  const Outcome outcome = heatbath(words);
  EXPECT_EQ(outcome.status, 2) << outcome.error;
  EXPECT_EQ(outcome.out, "");
  EXPECT_EQ(std::count(outcome.error.begin(), outcome.error.end(), '\n'), 1) << outcome.error;
  EXPECT_THAT(outcome.error, ::testing::StartsWith("heatbath: "));
  EXPECT_THAT(outcome.error, HasSubstr(GetParam().says));
  EXPECT_EQ(folder.entries(), 1u);
}

const std::vector<std::string> kTrain{"train", "generate", "--out", "OUT"};

INSTANTIATE_TEST_SUITE_P(
    Table, WrongInput,
    ::testing::Values(
        Wrong{"NoCommand", {"--json"}, "info, doctor, run, validate, conformance, calibrate, monitor, serve, rack, merge, scaling, train"},
        Wrong{"ProfileOfAnotherCommand", {"conformance", "--profile", "coded"}, "--device func:profile=NAME"},
        Wrong{"UnknownCommand", {"quench"}, "unknown command \"quench\"; the commands are info, doctor, run, validate, conformance, calibrate, monitor, serve, rack, merge, scaling, train"},
        Wrong{"UnknownTrainer", {"train", "classify"}, "there is: generate, score, boltzmann, graph, memory, equilibrium, classifier, ergodicity"},
        Wrong{"UnknownOption", kTrain + std::vector<std::string>{"--frob"}, "--frob"},
        Wrong{"NoOutputFolder", {"train", "generate"}, "--out is required"},
        Wrong{"EmptyValueOfAList", {"train", "score", "--out", "OUT", "--guidance", "1,,2"}, "--guidance: \"\" is not a finite number from 0 to 100"},
        Wrong{"TooFewOfAList", {"train", "score", "--out", "OUT", "--class-guidance", "1,2"}, "2 values; 10 are needed"},
        Wrong{"UpdatesNotANumber", kTrain + std::vector<std::string>{"--updates", "many"},
              "\"many\" is not a whole number"},
        Wrong{"NegativeHidden", kTrain + std::vector<std::string>{"--hidden", "-3"}, "--hidden"},
        Wrong{"ShotsOutOfRange", kTrain + std::vector<std::string>{"--shots", "0"}, "--shots"},
        Wrong{"HugeSeed", kTrain + std::vector<std::string>{"--seed", "99999999999999999999"}, "--seed"},
        Wrong{"BadDigits", kTrain + std::vector<std::string>{"--digits", "0,a"}, "--digits 0,a"},
        Wrong{"DigitTwice", kTrain + std::vector<std::string>{"--digits", "1,1"}, "different digits"},
        Wrong{"BadScaling", kTrain + std::vector<std::string>{"--scaling", "none"}, "common-norm or unit-variance"},
        Wrong{"BadDrive", kTrain + std::vector<std::string>{"--drive", "none"}, "pixel or projection"},
        Wrong{"BadOptimizer", kTrain + std::vector<std::string>{"--optimizer", "adam"}, "gradient or online or least-squares"},
        Wrong{"BadRecipe", kTrain + std::vector<std::string>{"--recipe", "cake"}, "paper or schedule"},
        Wrong{"NothingBeside", kTrain + std::vector<std::string>{"--beside", "/nowhere"}, "report.json: no such file"},
        Wrong{"BalanceOfGradient", kTrain + std::vector<std::string>{"--balance", "2"}, "balance_rounds"},
        Wrong{"UnknownUriKey", kTrain + std::vector<std::string>{"--device", "func:cels=5"}, "cels"},
        Wrong{"UnknownScheme", kTrain + std::vector<std::string>{"--device", "warp:9"}, "warp"},
        Wrong{"TooManyCells", kTrain + std::vector<std::string>{"--device", "func:cells=800", "--hidden", "17"}, "800"},
        Wrong{"NoData", kTrain + std::vector<std::string>{"--data", "/nonexistent"}, "/nonexistent"},
        Wrong{"FileAsFolder", {"train", "generate", "--out", "FILE"}, "output folder"},
        Wrong{"FolderBelowFile", {"generate", "--model", "FILE", "--out", "FILE/x"}, "not an HDF5 file"},
        Wrong{"Columns", {"bound", "--out", "OUT", "--data", "TABLE"}, "one number a line"},
        Wrong{"HexadecimalSeed", kTrain + std::vector<std::string>{"--seed", "0x10"}, "\"0x10\" is not a whole number"},
        Wrong{"ThousandsOfShots", kTrain + std::vector<std::string>{"--shots", "1,000"}, "\"1,000\" is not a whole"},
        Wrong{"HexadecimalWidth", {"bound", "--out", "OUT", "--width", "0x1p3"}, "\"0x1p3\" is not a finite number"},
        Wrong{"CommaWidth", {"bound", "--out", "OUT", "--width", "1,5"}, "\"1,5\" is not a finite number"},
        Wrong{"EndlessTransient", {"netlist", "--program", "FILE", "--out", "OUT", "--tran", "inf"}, "\"inf\" is not a finite"},
        Wrong{"NegativeTransient", {"netlist", "--program", "FILE", "--out", "OUT", "--tran", "-1"}, "\"-1\" is not a finite"},
        Wrong{"HugeCapturePeriod", kTrain + std::vector<std::string>{"--capture-period", "18446744073709551615"},
              "does not fit 64 bits"},
        Wrong{"FolderAsProgram", {"run", "/tmp"}, "/tmp: is a folder"},
        Wrong{"NothingAsProgram", {"run", "/dev/null"}, "/dev/null: is empty"},
        Wrong{"EndlessProgram", {"run", "/dev/zero"}, "/dev/zero: is no text"},
        Wrong{"EndlessProfile", {"info", "--device", "func:profile=/nowhere/x.toml"}, "no such file"},
        Wrong{"EscapesInAnOption", kTrain + std::vector<std::string>{"--seed", "\x1b[31m"}, "\\x1b[31m"},
        Wrong{"NoModel", {"generate", "--model", "/nonexistent.h5", "--out", "OUT"}, "/nonexistent.h5: no such file"},
        Wrong{"TextAsModel", {"generate", "--model", "FILE", "--out", "OUT"}, "not an HDF5 file"},
        Wrong{"SegmentsByGradient", kTrain + std::vector<std::string>{"--segments", "2"}, "least-squares optimizer"},
        Wrong{"RampTooLong", kTrain + std::vector<std::string>{"--ramp-end", "1.5"}, "ramp_end"},
        Wrong{"NothingToContinue", kTrain + std::vector<std::string>{"--continue"}, "model.h5"},
        Wrong{"BadAsk", {"generate", "--model", "FILE", "--out", "OUT", "--ask", "x"}, "--ask x"},
        Wrong{"UnknownLaw", {"bound", "--out", "OUT", "--data", "cauchy"}, "gaussian, uniform, mixture or a file"},
        Wrong{"TextAsValues", {"bound", "--out", "OUT", "--data", "FILE"}, "\"text\" is not a finite number"},
        Wrong{"TextAsScore", {"bound", "--out", "OUT", "--score", "FILE"}, "not a score"},
        Wrong{"UnknownProcess", {"bound", "--out", "OUT", "--process", "vq"}, "vp or ve"},
        Wrong{"UnknownScore", {"bound", "--out", "OUT", "--score", "deep"}, "exact or linear or radial or device"},
        Wrong{"NoProgram", {"run", "/nonexistent.toml"}, "/nonexistent.toml: no such file"},
        Wrong{"TextAsProgram", {"run", "FILE"}, "not TOML"},
        Wrong{"InfoOfUnknownProfile", {"info", "--device", "func:profile=gold"}, "gold"}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(Help, ComesInBothOrders) {
  for (const std::vector<std::string>& words : {std::vector<std::string>{}, {"run"}, {"train"}, {"train", "generate"}}) {
    const Outcome help = heatbath(std::vector<std::string>{"help"} + words);
    EXPECT_EQ(help.status, 0) << help.error;
    EXPECT_EQ(help.out, heatbath(words + std::vector<std::string>{"--help"}).out);
  }
  EXPECT_EQ(heatbath({"help", "nosuch"}).status, 2);
}

TEST(NoWord, GreetsWithThreeThingsToTry) {
  const Outcome greeting = heatbath({});
  EXPECT_EQ(greeting.status, 0) << greeting.error;
  EXPECT_EQ(greeting.error, "");
  EXPECT_THAT(greeting.out, HasSubstr("To try:"));
  EXPECT_THAT(greeting.out, HasSubstr("heatbath doctor "));
  EXPECT_THAT(greeting.out, HasSubstr("heatbath train generate --out digits"));
}

TEST(Doctor, SaysWhatIsHereWhatIsMissingAndWhetherItWorks) {
  const Outcome doctor = heatbath({"doctor", "--json"});
  EXPECT_EQ(doctor.status, 0) << doctor.error << doctor.out;
  const nlohmann::json result = nlohmann::json::parse(doctor.out);
  EXPECT_TRUE(result["good"].get<bool>());
  for (const nlohmann::json& part : result["parts"]) {
    if (part["name"] == "gnuplot") { EXPECT_EQ(part["here"].get<bool>(), have_gnuplot()); }
    EXPECT_FALSE(part["gives"].get<std::string>().empty());
    EXPECT_FALSE(part["remedy"].get<std::string>().empty());
  }
  const auto here = [&](const char* name) {
    for (const nlohmann::json& part : result["parts"])
      if (part["name"] == name) return part["here"].get<bool>();
    ADD_FAILURE() << name;
    return false;
  };
  EXPECT_EQ(here("SystemC"), heatbath({"info", "--device", "tlm:cells=2"}).status == 0);
  EXPECT_EQ(here("Verilog"), heatbath({"info", "--device", "rtl:cells=2"}).status == 0);
  for (const char* name : {"MPI", "OpenSSL", "HTTP library", "ngspice", "numpy", "rapidcheck", "Doxygen", "RISC-V compiler", "Chromium"}) (void)here(name);
  EXPECT_EQ(result["trials"].size(), 2u);
}

TEST(Doctor, FailsWhereTheDeviceDoes) {
  const Outcome doctor = heatbath({"doctor", "--device", "unix:/nowhere"});
  EXPECT_EQ(doctor.status, 1) << doctor.error;
  EXPECT_THAT(doctor.out, HasSubstr("fails    device"));
  EXPECT_THAT(doctor.out, HasSubstr("/nowhere"));
  EXPECT_THAT(doctor.out, HasSubstr("works    emulator"));
}

TEST(Quiet, LeavesErrorsAlone) {
  const TemporaryFolder folder;
  const std::vector<std::string> bound{"bound", "--samples", "64", "--levels", "8", "--device", "func:threads=1", "--out", folder / "b"};
  EXPECT_NE(heatbath(bound).error, "");
  EXPECT_EQ(heatbath(bound + std::vector<std::string>{"--quiet"}).error, "");
  const Outcome wrong = heatbath({"run", folder / "none.toml", "--quiet"});
  EXPECT_EQ(wrong.status, 2);
  EXPECT_THAT(wrong.error, HasSubstr("no such file"));
}

TEST(Misspelt, NamesWhatWasMeant) {
  EXPECT_THAT(heatbath({"info", "--device", "fnuc:"}).error, HasSubstr("(did you mean func?)"));
  EXPECT_THAT(heatbath({"info", "--device", "func:cels=4"}).error, HasSubstr("(did you mean cells?)"));
  EXPECT_THAT(heatbath({"info", "--device", "func:profile=idael"}).error, HasSubstr("(did you mean ideal?)"));
  EXPECT_THAT(heatbath({"info", "--device", "func:cell=pbti"}).error, HasSubstr("(did you mean pbit?)"));
  EXPECT_THAT(heatbath({"validate", "--suite", "equilibirum"}).error, HasSubstr("(did you mean equilibrium?)"));
  EXPECT_THAT(heatbath({"conformance", "--only", "identiy"}).error, HasSubstr("(did you mean identity?)"));
  const TemporaryFolder folder;
  std::ofstream(folder / "p.toml") << "[network]\ncels = 8\n[[schedule]]\nop = \"sample\"\n";
  EXPECT_THAT(heatbath({"run", folder / "p.toml"}).error, HasSubstr("network.cels: unknown key (did you mean cells?)"));
  std::ofstream(folder / "q.toml") << "[network]\ncells = 8\n[[schedule]]\nop = \"evolv\"\n";
  EXPECT_THAT(heatbath({"run", folder / "q.toml"}).error, HasSubstr("\"evolv\" is unknown (did you mean evolve?)"));
  std::ofstream(folder / "c.toml") << "[array]\nmobilty = 8\n";
  EXPECT_THAT(heatbath({"info", "--device", "func:profile=" + (folder / "c.toml").string()}).error, HasSubstr("(did you mean mobility?)"));
  EXPECT_THAT(heatbath({"rnu"}).error, HasSubstr("unknown command \"rnu\" (did you mean run?)"));
  EXPECT_THAT(heatbath({"train", "generat"}).error, HasSubstr("(did you mean generate?)"));
  EXPECT_THAT(heatbath({"bound", "--out", "x", "--sampels=64"}).error, HasSubstr("(did you mean --samples?)"));
  EXPECT_THAT(heatbath({"bound", "--out", "x", "--entirely-other"}).error, Not(HasSubstr("did you mean")));
}

TEST(WrongResultName, IsRefusedBeforeTheRun) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.toml") << "[network]\ncells = 2\n[[schedule]]\nop = \"sample\"\n";
  const Outcome outcome = heatbath({"run", folder / "p.toml", "--out", folder / "r.csv"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.error, HasSubstr(".npz or .h5"));
}

TEST(WrongStep, NamesFileAndLineOfWhatTheDeviceLacks) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.toml") << "[network]\ncells = 2\n[[schedule]]\nop = \"meters\"\n";
  const Outcome outcome = heatbath({"run", folder / "p.toml", "--device", "func:profile=silicon"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.error, HasSubstr("p.toml:3"));
  EXPECT_THAT(outcome.error, HasSubstr("METERS"));
}

TEST(CtrlC, SavesTheLastModelAndExitsWith130) {
  const TemporaryFolder folder;
  std::vector<std::string> words{"train",  "generate", "--hidden", "16",    "--updates",
                                 "100000", "--device", kDevice,    "--out", folder / "run"};
  std::vector<char*> arguments = arguments_of(words);
  int terminal = -1;
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, nullptr);
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::execv(HEATBATH_COMMAND, arguments.data());
    ::_exit(127);
  }
  // The bar shows a rate once an update is made; then the user presses Ctrl-C.
  std::string seen;
  bool pressed = false;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(terminal, buffer, sizeof buffer)) > 0;) {
    seen.append(buffer, static_cast<std::size_t>(count));
    if (!pressed && seen.find("updates/s") != std::string::npos) {
      pressed = true;
      ASSERT_EQ(::write(terminal, "\x03", 1), 1);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  ::close(terminal);
  ASSERT_TRUE(pressed) << seen;
  ASSERT_TRUE(WIFEXITED(status)) << seen;
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_THAT(seen, HasSubstr("interrupted after update"));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "run"), {}), 1) << "model.h5 and nothing else";

  const Outcome drawn = heatbath({"generate", "--model", folder / "run" / "model.h5", "--shots", "1", "--device",
                                  kDevice, "--out", folder / "more"});
  EXPECT_EQ(drawn.status, 0) << drawn.error;
}

const std::vector<std::string> kErgodicity{"train", "ergodicity", "--device", "func:lanes=64&threads=2"};
const std::vector<std::string> kSmallErgodicity =
    kErgodicity + std::vector<std::string>{"--problem", "two-patterns", "--updates", "20", "--effort", "0.02", "--json"};

TEST(Ergodicity, ReportsAllItsFiguresAndTheirExactValues) {
  const TemporaryFolder folder;
  const Outcome run = heatbath(kSmallErgodicity + std::vector<std::string>{"--out", folder / "run"});
  ASSERT_EQ(run.status, 0) << run.error;
  EXPECT_EQ(run.error, "");
  const nlohmann::json report = nlohmann::json::parse(content(folder / "run" / "report.json"));
  EXPECT_EQ(report, nlohmann::json::parse(run.out));
  for (const char* key : {"kl_single", "kl_experts", "kl_single_exact", "kl_experts_exact", "t_star_exact", "r_hat_linear"})
    EXPECT_TRUE(report[key].is_number()) << key;
  EXPECT_EQ(report["experts"].size(), 2u);
  EXPECT_EQ(report["p_lib"].size(), 4u);
  EXPECT_EQ(report["escape_times"].size(), 8u);
  EXPECT_EQ(report["breaking"].size(), 3u);
  EXPECT_EQ(report["ladder"].size(), 4u);
  EXPECT_EQ(report["left_out"].size(), 0u);
  EXPECT_TRUE(report["likelihood_single"].is_null());
  for (const char* name : {"report.html", "machines.json"}) EXPECT_TRUE(std::filesystem::exists(folder / "run" / name)) << name;
  for (const auto& [name, drawn] : report["pictures"].items())
    EXPECT_EQ(drawn == true, std::filesystem::exists(folder / "run" / name)) << name;

  // A finished training has nothing to train; what is measured is the same, bit by bit.
  const Outcome again = heatbath(kSmallErgodicity + std::vector<std::string>{"--out", folder / "run", "--continue"});
  ASSERT_EQ(again.status, 0) << again.error;
  EXPECT_EQ(nlohmann::json::parse(again.out)["kl_experts"], report["kl_experts"]);
  const Outcome other =
      heatbath(kSmallErgodicity + std::vector<std::string>{"--out", folder / "run", "--continue", "--seed", "2"});
  EXPECT_EQ(other.status, 2);
  EXPECT_THAT(other.error, HasSubstr("same settings"));
  const Outcome shape = heatbath(kSmallErgodicity + std::vector<std::string>{"--out", folder / "run", "--continue", "--experts", "3"});
  EXPECT_EQ(shape.status, 2);
  EXPECT_THAT(shape.error, HasSubstr("experts was 2 and is 3"));
}

TEST(Ergodicity, CtrlCKeepsTheMachines) {
  const TemporaryFolder folder;
  std::vector<std::string> words = kErgodicity + std::vector<std::string>{"--updates", "1000000", "--out", folder / "run"};
  const std::vector<char*> arguments = arguments_of(words);
  pid_t child = 0;
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 2, (folder / "error").c_str(), O_WRONLY | O_CREAT, 0600);
  ASSERT_EQ(::posix_spawn(&child, HEATBATH_COMMAND, &actions, nullptr, arguments.data(), environ), 0);
  posix_spawn_file_actions_destroy(&actions);
  const std::filesystem::path machines = folder / "run" / "machines.json";
  for (int waited = 0; waited < 6000 && !std::filesystem::exists(machines); ++waited) ::usleep(10000);
  ASSERT_EQ(::kill(child, SIGINT), 0);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 130);
  EXPECT_THAT(content(folder / "error"), HasSubstr("--continue goes on from them"));
  EXPECT_GE(nlohmann::json::parse(content(machines))["single"]["updates"], 25);
}

INSTANTIATE_TEST_SUITE_P(
    Ergodicity, WrongInput,
    ::testing::Values(
        Wrong{"UnknownProblem", kErgodicity + std::vector<std::string>{"--out", "OUT", "--problem", "chess"},
              "--problem chess: needs parity, two-patterns, digits or a file"},
        Wrong{"NotBinary", kErgodicity + std::vector<std::string>{"--out", "OUT", "--problem", "FILE"},
              "file:1: \"text\" is not binary"},
        Wrong{"MoreExpertsThanPatterns",
              kErgodicity + std::vector<std::string>{"--out", "OUT", "--problem", "two-patterns", "--experts", "3"},
              "3 experts for 2 patterns"},
        Wrong{"LibraryOfNine", kErgodicity + std::vector<std::string>{"--out", "OUT", "--library", "9"}, "there are 8 and 16"},
        Wrong{"NoMachinesToContinue", kErgodicity + std::vector<std::string>{"--out", "OUT", "--continue"}, "machines.json"},
        Wrong{"CellsOfItsOwn", {"train", "ergodicity", "--out", "OUT", "--device", "func:cell=phase"}, "leave out cell"},
        Wrong{"EffortOfNothing", kErgodicity + std::vector<std::string>{"--out", "OUT", "--effort", "0"}, "--effort"},
        Wrong{"NoMeters", {"train", "ergodicity", "--out", "OUT", "--device", "func:profile=silicon"}, "METERS"}),
    [](const auto& instance) { return std::string(instance.param.name); });

TEST(Command, ScalingSaysWhatAClusterWouldGive) {
  const Outcome told = heatbath({"scaling", "--ns", "1.5", "--cells", "100000000", "--ranks", "1,4,1000", "--latency", "3", "--bandwidth", "2", "--json"});
  ASSERT_EQ(told.status, 0) << told.error;
  const nlohmann::json is = nlohmann::json::parse(told.out);
  const nlohmann::json& rows = is["ranks"];
  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0]["halo_s"], 0.0) << "a single rank has nobody to talk to";
  EXPECT_NEAR(rows[0]["computing_s"].get<double>(), 0.15, 1e-12);
  // 10,000 columns of 4 bytes out and in, to two neighbours: 80 KB at 2 GB/s are 40 us each way, and 3 us of latency.
  EXPECT_NEAR(rows[1]["halo_s"].get<double>(), 2 * (3e-6 + 40e-6), 1e-12);
  EXPECT_NEAR(rows[1]["computing_s"].get<double>(), 0.0375, 1e-12);
  EXPECT_NEAR(rows[1]["strong"].get<double>(), 0.0375 / 0.037586, 1e-9);
  EXPECT_NEAR(rows[2]["rows"].get<double>(), 10, 1e-9);
  EXPECT_NEAR(rows[2]["strong"].get<double>(), 150e-6 / 236e-6, 1e-9);
  // As many cells a rank as on the single one: 100,000 times sqrt(10) columns.
  EXPECT_NEAR(rows[2]["weak"].get<double>(), 0.15 / (0.15 + 2 * (3e-6 + 8 * std::sqrt(1e11) / 2e9)), 1e-9);
  EXPECT_TRUE(is["measured"].is_null());
  EXPECT_FALSE(is["assumes"].empty());
  const Outcome measured = heatbath({"scaling", "--device", "func:topology=torus:16x16&lanes=1&threads=1", "--json"});
  ASSERT_EQ(measured.status, 0) << measured.error;
  EXPECT_GT(nlohmann::json::parse(measured.out)["ns_per_cell_step"].get<double>(), 0.0);
  for (const char* wrong : {"0", "64,", "x", "-1"}) {
    const Outcome refused = heatbath({"scaling", "--ns", "1", "--ranks", wrong});
    EXPECT_EQ(refused.status, 2) << wrong;
    EXPECT_THAT(refused.error, HasSubstr("--ranks"));
  }
  EXPECT_EQ(heatbath({"scaling", "--ns", "1", "--device", "func:"}).status, 2);
}

}  // namespace
