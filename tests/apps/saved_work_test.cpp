// What a command leaves when it is ended, killed, started again, or cannot write.

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <map>
#include <set>
#include <thread>

#include <nlohmann/json.hpp>

#include "run_command.hpp"

namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using namespace std::chrono_literals;

const std::string kDevice = "func:profile=ideal&cells=1024&lanes=8&threads=1";

std::vector<std::string> training(const std::string& optimizer, int updates, const std::filesystem::path& out) {
  return {"train",    "generate", "--hidden", "16",   "--updates",           std::to_string(updates), "--shots",
          "2",        "--device", kDevice,    "--optimizer", optimizer,      "--checkpoint-every",    "0",
          "--out",    out};
}

std::vector<std::string> operator+(std::vector<std::string> words, const std::vector<std::string>& more) {
  words.insert(words.end(), more.begin(), more.end());
  return words;
}

bool appears(const std::filesystem::path& path) {
  for (int i = 0; i < 12000 && !std::filesystem::exists(path); ++i) std::this_thread::sleep_for(10ms);
  return std::filesystem::exists(path);
}

/// True as soon as the command takes this signal itself: before, the signal ends it without a word.
bool watches(pid_t child, int signal) {
  for (int i = 0; i < 12000; ++i) {
    std::ifstream status("/proc/" + std::to_string(child) + "/status");
    for (std::string line; std::getline(status, line);)
      if (line.starts_with("SigCgt:") && (std::stoull(line.substr(7), nullptr, 16) >> (signal - 1) & 1) != 0) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

std::size_t hidden_files(const std::filesystem::path& folder) {
  std::size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) count += entry.path().filename().string()[0] == '.';
  return count;
}

struct Ending {
  const char* optimizer;
  int signal, times, status;
};
void PrintTo(const Ending& ending, std::ostream* out) { *out << ending.optimizer << " by signal " << ending.signal; }

constexpr int kUpdates = 24;

/// The model of a training that nobody ended.
const std::string& unbroken(const std::string& optimizer) {
  static std::map<std::string, std::string> models;
  std::string& model = models[optimizer];
  if (model.empty()) {
    const TemporaryFolder folder;
    EXPECT_EQ(heatbath(training(optimizer, kUpdates, folder.path())).status, 0);
    model = content(folder / "model.h5");
  }
  return model;
}

class Ended : public ::testing::TestWithParam<Ending> {};

TEST_P(Ended, ATrainingGoesOnToTheBitsOfAnUnbrokenOne) {
  const Ending ending = GetParam();
  const TemporaryFolder folder;
  const std::vector<std::string> job = training(ending.optimizer, kUpdates, folder / "run");
  const pid_t child = start_heatbath(job, folder.path());
  ASSERT_TRUE(appears(folder / "run" / "model.h5"));
  for (int i = 0; i < ending.times; ++i) ::kill(child, ending.signal);
  const int status = status_of(child);
  EXPECT_TRUE(status == 0 || status == ending.status) << status << ' ' << content(folder / "error");
  const Outcome continued = heatbath(job + std::vector<std::string>{"--continue"});
  ASSERT_EQ(continued.status, 0) << continued.error;
  EXPECT_EQ(hidden_files(folder / "run"), 0u) << "temporary files of what was killed are gone";
  EXPECT_EQ(content(folder / "run" / "model.h5"), unbroken(ending.optimizer));
}

INSTANTIATE_TEST_SUITE_P(Training, Ended,
                         ::testing::Values(Ending{"gradient", SIGTERM, 2, 143}, Ending{"gradient", SIGHUP, 1, 129},
                                           Ending{"gradient", SIGINT, 2, 130}, Ending{"gradient", SIGKILL, 1, -SIGKILL},
                                           Ending{"online", SIGTERM, 1, 143}, Ending{"online", SIGKILL, 1, -SIGKILL},
                                           Ending{"least-squares", SIGTERM, 1, 143},
                                           Ending{"least-squares", SIGKILL, 1, -SIGKILL}));

TEST(HangUp, IsIgnoredUnderNohup) {
  const TemporaryFolder folder;
  const pid_t child = start_heatbath(training("gradient", 10, folder / "run"), folder.path(), {.ignored = {SIGHUP}});
  ASSERT_TRUE(appears(folder / "run" / "model.h5"));
  ::kill(child, SIGHUP);
  EXPECT_EQ(status_of(child), 0) << content(folder / "error");
}

TEST(Validation, EndedKeepsWhatWasMeasured) {
  const TemporaryFolder folder;
  const pid_t child = start_heatbath({"validate", "--suite", "limits", "--suite", "equilibrium", "--threads", "1", "--effort",
                                      "30", "--table", folder / "t.md", "--json"},
                                     folder.path());
  ASSERT_TRUE(watches(child, SIGTERM));
  std::this_thread::sleep_for(4s);
  ::kill(child, SIGTERM);
  const int status = status_of(child);
  if (status == 0) GTEST_SKIP() << "it was faster";
  EXPECT_EQ(status, 143);
  if (content(folder / "out").empty()) {  // stopped within the first row
    EXPECT_THAT(content(folder / "error"), HasSubstr("nothing was written"));
    return;
  }
  const nlohmann::json outcome = nlohmann::json::parse(content(folder / "out"));
  EXPECT_GT(outcome["checks"].size(), 0u);
  EXPECT_TRUE(outcome["stopped_at"].is_string());
  EXPECT_THAT(content(folder / "t.md"), HasSubstr("Stopped at " + outcome["stopped_at"].get<std::string>()));
}

TEST(Conformance, EndedKeepsTheClaimsBefore) {
  const TemporaryFolder folder;
  const pid_t child = start_heatbath({"conformance", "--device", "func:cells=2048&lanes=64&threads=1", "--json"}, folder.path());
  ASSERT_TRUE(watches(child, SIGINT));
  std::this_thread::sleep_for(1s);
  ::kill(child, SIGINT);
  const int status = status_of(child);
  if (status == 0) GTEST_SKIP() << "it was faster";
  ASSERT_EQ(status, 130) << content(folder / "error");
  const nlohmann::json told = nlohmann::json::parse(content(folder / "out"));
  EXPECT_TRUE(told["stopped_at"].is_string());
  EXPECT_EQ(told["broken"], 0) << "what was interrupted is not broken";
  for (const nlohmann::json& claim : told["claims"]) EXPECT_EQ(claim["verdict"], "kept");
  EXPECT_THAT(content(folder / "error"), HasSubstr("interrupted at "));
}

TEST(Continue, NamesWhatChanged) {
  const TemporaryFolder folder;
  const std::vector<std::string> job = training("gradient", 3, folder / "run");
  ASSERT_EQ(heatbath(job).status, 0);
  const std::string model = content(folder / "run" / "model.h5");
  const auto refused = [&](const std::vector<std::string>& more) {
    const Outcome outcome = heatbath(job + (std::vector<std::string>{"--continue"} + more));
    EXPECT_EQ(outcome.status, 2);
    return outcome.error;
  };
  EXPECT_THAT(refused({"--capture-period", "5000"}), HasSubstr("capture period (time units) was "));
  EXPECT_THAT(refused({"--seed", "7", "--drive", "projection"}), HasSubstr("seed was 1 and is 7, drive was pixel and is projection"));
  std::vector<std::string> fewer = training("gradient", 2, folder / "run");
  const Outcome outcome = heatbath(fewer + std::vector<std::string>{"--continue"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_THAT(outcome.error, HasSubstr("updates is 2, the model has made 3"));
  EXPECT_EQ(content(folder / "run" / "model.h5"), model);
  std::vector<std::string> elsewhere = job + std::vector<std::string>{"--continue"};
  *std::ranges::find(elsewhere, kDevice) = "func:profile=ideal&cells=1024&lanes=8&threads=2";
  const Outcome moved = heatbath(elsewhere);
  EXPECT_EQ(moved.status, 0);
  EXPECT_THAT(moved.error, HasSubstr("--continue: trained on func:profile=ideal&cells=1024&lanes=8"));
}

TEST(FullDisk, LeavesTheOldModelAndOneLine) {
  const TemporaryFolder folder;
  const std::vector<std::string> job = training("gradient", 2, folder / "run");
  ASSERT_EQ(heatbath(job).status, 0);
  const std::string model = content(folder / "run" / "model.h5");
  ASSERT_GT(model.size(), 40000u);
  for (const rlim_t bytes : {1000u, 20000u, 40000u}) {
    const Outcome full = heatbath(job, {.file_bytes = bytes});
    EXPECT_EQ(full.status, 2) << full.error;
    EXPECT_THAT(full.error, HasSubstr("model.h5: cannot write"));
    EXPECT_EQ(content(folder / "run" / "model.h5"), model);
    EXPECT_EQ(hidden_files(folder / "run"), 0u);
  }
}

TEST(FullDisk, OfADiskOfItsOwnLeavesTheOldModelAndOneLine) {
  if (std::system("unshare --map-root-user --mount true 2>/dev/null") != 0)
    GTEST_SKIP() << "no disk of its own can be mounted here (unshare --map-root-user --mount)";
  const TemporaryFolder folder;
  std::ofstream(folder / "script") << R"(mount -t tmpfs -o size="$2" heatbath "$1" || exit 99
disk=$1
shift 2
"$@" --out "$disk/run" || exit 98
cp "$disk/run/model.h5" "$disk/../before"
cat /dev/zero > "$disk/other" 2> /dev/null
"$@" --out "$disk/run"
status=$?
cp "$disk/run/model.h5" "$disk/../after"
ls -A "$disk/run" > "$disk/../left"
exit $status
)";
  std::filesystem::create_directory(folder / "disk");
  // The model is larger than all the pictures, which make room when the second training begins.
  const auto job = [&](const std::filesystem::path& out) {
    std::vector<std::string> words = training("gradient", 2, out);
    *std::ranges::find(words, "16") = "240";
    return words;
  };
  ASSERT_EQ(heatbath(job(folder / "run")).status, 0);
  std::uintmax_t bytes = 0;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "run"))
    bytes += (entry.file_size() + 4095) / 4096 * 4096;
  const std::uintmax_t model = std::filesystem::file_size(folder / "run" / "model.h5");
  ASSERT_LT(bytes, 2 * model * 8 / 10);
  std::string command = "cd " + folder.path().string() + " && unshare --map-root-user --mount sh script " +
                        (folder / "disk").string() + ' ' + std::to_string(bytes + 2 * model) + ' ' + HEATBATH_COMMAND;
  for (const std::string& word : job("")) command += word.empty() || word == "--out" ? "" : " '" + word + "'";
  const int status = std::system((command + " > out 2> error").c_str());
  ASSERT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 2) << content(folder / "error");
  EXPECT_THAT(content(folder / "error"), HasSubstr("model.h5: cannot write"));
  EXPECT_EQ(content(folder / "after"), content(folder / "before"));
  EXPECT_GT(content(folder / "after").size(), 0u);
  EXPECT_THAT("\n" + content(folder / "left"), Not(HasSubstr("\n."))) << "temporary files are gone";
}

TEST(Folder, HoldsTheResultsOfOneRun) {
  const TemporaryFolder folder;
  const std::vector<std::string> bound{"bound", "--samples", "64", "--levels", "8", "--device", "func:threads=1", "--out",
                                       folder / "b"};
  ASSERT_EQ(heatbath(bound + std::vector<std::string>{"--score", "linear"}).status, 0);
  const bool had_score = std::filesystem::exists(folder / "b" / "score.json");
  EXPECT_TRUE(had_score);
  ASSERT_LT(heatbath(bound + std::vector<std::string>{"--score", "exact"}).status, 2);
  const nlohmann::json report = nlohmann::json::parse(content(folder / "b" / "report.json"));
  std::set<std::string> listed(report["files"].begin(), report["files"].end()), found;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "b")) found.insert(entry.path().filename());
  EXPECT_EQ(found, listed);
  EXPECT_FALSE(found.contains("score.json"));

  // A second training that does not come to its end takes the report of the first with its model, or leaves both.
  const std::vector<std::string> job = training("gradient", 2, folder / "t");
  ASSERT_EQ(heatbath(job).status, 0);
  const std::string model = content(folder / "t" / "model.h5");
  const pid_t child = start_heatbath(training("gradient", 100000, folder / "t"), folder.path());
  for (int i = 0; i < 12000 && content(folder / "t" / "model.h5") == model; ++i) std::this_thread::sleep_for(10ms);
  ::kill(child, SIGTERM);
  EXPECT_EQ(status_of(child), 143);
  EXPECT_FALSE(std::filesystem::exists(folder / "t" / "report.json"));
  EXPECT_FALSE(std::filesystem::exists(folder / "t" / "samples.png"));
  EXPECT_TRUE(std::filesystem::exists(folder / "t" / "model.h5"));
}

TEST(Outputs, AreRefusedBeforeTheWork) {
  const TemporaryFolder folder;
  std::ofstream(folder / "p.toml") << "[network]\ncells = 2\n[[schedule]]\nop = \"evolve\"\nduration = 1e9\n";
  std::filesystem::create_directory(folder / "taken.npz");
  std::ofstream(folder / "file") << "x";
  const std::string long_name = folder / (std::string(256, 'n') + ".vcd");
  const std::vector<std::vector<std::string>> commands{
      {"run", folder / "p.toml", "--device", "func:threads=1", "--out", folder / "taken.npz"},
      {"run", folder / "p.toml", "--device", "func:threads=1", "--vcd", long_name},
      {"run", folder / "p.toml", "--device", "func:threads=1", "--vcd", folder / "file" / "x.vcd"},
      {"run", folder / "p.toml", "--device", "func:threads=1", "--out", ""},
      {"validate", "--long", "--report", folder / "file" / "r.html"},
      {"validate", "--long", "--table", folder.path()},
      {"bound", "--samples", "100000000", "--out", folder / "file"},
      {"train", "ergodicity", "--updates", "1000000", "--out", folder / "file" / "x"},
      {"train", "generate", "--updates", "1000000", "--out", folder / "file" / "x"},
      {"regs", "--out", folder.path()},
      {"netlist", "--program", folder / "p.toml", "--out", long_name},
      {"fmu", "--out", long_name + ".fmu"}};
  for (const std::vector<std::string>& words : commands) {
    const Outcome outcome = heatbath(words);
    EXPECT_EQ(outcome.status, 2) << words.front() << ' ' << words.back();
    EXPECT_EQ(std::count(outcome.error.begin(), outcome.error.end(), '\n'), 1) << outcome.error;
    EXPECT_THAT(outcome.error, Not(HasSubstr("nothing was written")));
  }
  // Folders that are missing are made, for every output.
  EXPECT_EQ(heatbath({"regs", "--out", folder / "new" / "r.csv"}).status, 0);
  EXPECT_EQ(heatbath({"netlist", "--program", folder / "p.toml", "--out", folder / "new" / "er" / "c.cir"}).status, 0);
  EXPECT_TRUE(std::filesystem::exists(folder / "new" / "er" / "c.cir"));
}

TEST(Outputs, StandardOutputIsWrittenThrough) {
  const Outcome outcome = heatbath({"regs", "--out", "/dev/stdout"});
  EXPECT_EQ(outcome.status, 0) << outcome.error;
  EXPECT_EQ(outcome.out, heatbath({"regs"}).out);
  const Outcome full = heatbath({"regs", "--out", "/dev/stdout"}, {.out = "/dev/full"});
  EXPECT_EQ(full.status, 2);
  EXPECT_THAT(full.error, HasSubstr("No space left"));
}

}  // namespace
