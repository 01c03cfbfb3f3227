// Standard streams that are full, closed or without a reader; names that are no UTF-8.

#include <gmock/gmock.h>

#include <algorithm>
#include <array>

#include <nlohmann/json.hpp>

#include "run_command.hpp"

namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr const char* kFull = "/dev/full";
const std::string kDevice = "func:cells=8&lanes=4&threads=1";

std::filesystem::path program_in(const std::filesystem::path& folder) {
  std::ofstream(folder / "p.toml") << R"([network]
cells = 3
j2 = 1.5
[[schedule]]
op = "evolve"
duration = 0.4
[[schedule]]
op = "meters"
name = "end"
)";
  return folder / "p.toml";
}

bool one_line(const std::string& text) { return std::ranges::count(text, '\n') == 1 && text.ends_with('\n'); }

/// A command of each kind that has something to print.
std::vector<std::vector<std::string>> talkative(const std::filesystem::path& folder) {
  const std::string program = program_in(folder), out = folder / "folder";
  return {{"--help"},
          {"--version"},
          {"run", "--help"},
          {"info", "--device", kDevice},
          {"info", "--json", "--device", kDevice},
          {"run", program, "--device", kDevice},
          {"run", program, "--json", "--device", kDevice},
          {"validate", "--list"},
          {"validate", "--list", "--json"},
          {"conformance", "--list"},
          {"conformance", "--only", "identity", "--device", kDevice, "--json"},
          {"regs"},
          {"regs", "--format", "json"},
          {"netlist", "--program", program, "--out", folder / "c.cir"},
          {"netlist", "--program", program, "--out", folder / "c.cir", "--json"},
          {"fmu", "--cells", "2", "--out", folder / "c.fmu"},
          {"bound", "--samples", "64", "--levels", "8", "--out", out, "--device", "func:threads=1"}};
}

TEST(StandardOutput, WhatCouldNotBeWrittenIsStatusOneAndOneLine) {
  const TemporaryFolder folder;
  for (const std::vector<std::string>& words : talkative(folder.path())) {
    SCOPED_TRACE(words.front() + " " + words.back());
    ASSERT_EQ(heatbath(words).status, 0);
    const Outcome full = heatbath(words, {.out = kFull});
    EXPECT_EQ(full.status, 1);
    EXPECT_THAT(full.error, EndsWith("heatbath: standard output cannot be written: No space left on device\n"));
    const Outcome closed = heatbath(words, {.closed = {1}});
    EXPECT_EQ(closed.status, 1);
    EXPECT_THAT(closed.error, EndsWith("heatbath: standard output cannot be written: Bad file descriptor\n"));
    const Outcome limited = heatbath(words, {.file_bytes = 1});
    EXPECT_NE(limited.status, 0);
    EXPECT_GT(limited.status, 0) << "no signal";
  }
}

TEST(StandardOutput, AnErrorKeepsItsStatus) {
  EXPECT_EQ(heatbath({"info", "--device", "nosuch:"}, {.out = kFull}).status, 2);
  EXPECT_EQ(heatbath({"nosuch"}, {.closed = {0, 1, 2}}).status, 2);
}

TEST(StandardError, NeverEndsARunOrChangesWhatItLeaves) {
  const TemporaryFolder folder;
  const std::string program = program_in(folder.path());
  const std::vector<std::string> run{"run", program, "--device", kDevice, "--seed", "5", "--vcd"};
  const auto with = [&](std::vector<std::string> words, const std::string& name) {
    words.push_back(folder / name);
    return words;
  };
  ASSERT_EQ(heatbath(with(run, "usual.vcd")).status, 0);
  const std::string usual = content(folder / "usual.vcd");
  ASSERT_GT(usual.size(), 100u);
  const std::array<Surroundings, 3> all{{{.error = kFull}, {.closed = {2}}, {.closed = {0, 2}}}};
  for (const Surroundings& surroundings : all) {
    const Outcome outcome = heatbath(with(run, "r.vcd"), surroundings);
    EXPECT_EQ(outcome.status, 0);
    EXPECT_THAT(outcome.out, HasSubstr("final states"));
    EXPECT_EQ(content(folder / "r.vcd"), usual);
    EXPECT_EQ(heatbath({"info", "--device", "nosuch:"}, surroundings).status, 2);
    EXPECT_EQ(heatbath({"run", folder / "missing.toml"}, surroundings).status, 2);
    EXPECT_EQ(heatbath({"nosuch"}, surroundings).status, 2);
    EXPECT_EQ(heatbath({"bound", "--samples", "64", "--levels", "8", "--out", folder / "b", "--device", "func:threads=1"},
                       surroundings)
                  .status,
              0);
    EXPECT_EQ(heatbath({"train", "generate", "--hidden", "4", "--updates", "1", "--shots", "2", "--device",
                        "func:threads=1&cells=1024", "--out", folder / "t"},
                       surroundings)
                  .status,
              0);
    EXPECT_TRUE(std::filesystem::exists(folder / "t" / "model.h5"));
    EXPECT_TRUE(std::filesystem::exists(folder / "t" / "report.html"));
  }
}

TEST(ClosedStreams, NoResultIsTakenForOne) {
  const TemporaryFolder folder;
  const std::string program = program_in(folder.path());
  ASSERT_EQ(heatbath({"netlist", "--program", program, "--out", folder / "usual.cir"}).status, 0);
  // With all three closed, the first file that is opened would be standard input, output and error.
  EXPECT_EQ(heatbath({"netlist", "--program", program, "--out", folder / "c.cir"}, {.closed = {0, 1, 2}}).status, 1);
  EXPECT_EQ(content(folder / "c.cir"), content(folder / "usual.cir"));
}

TEST(Pipe, AReaderThatLeavesIsAFailedWriteAndNoSignal) {
  const TemporaryFolder folder;
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  ::close(ends[0]);
  const std::string stream = "/dev/fd/" + std::to_string(ends[1]);
  const Outcome outcome = heatbath({"regs"}, {.out = stream});
  EXPECT_EQ(outcome.status, 1);
  EXPECT_THAT(outcome.error, HasSubstr("standard output cannot be written: Broken pipe"));
  EXPECT_EQ(heatbath({"info", "--device", kDevice}, {.error = stream}).status, 0);
  EXPECT_EQ(heatbath({"run", "nosuch.toml"}, {.error = stream}).status, 2);
  ::close(ends[1]);
}

TEST(NoUtf8, ANameNeverCostsAResult) {
  const TemporaryFolder folder;
  const std::string name = (folder / "gr\xFC\xDF").string() + "e\xC3", bad = name + "/";
  std::filesystem::create_directories(bad);
  const std::string program = program_in(bad), replaced = "gr\uFFFD\uFFFDe\uFFFD/";
  for (const std::string result : {"r.npz", "r.h5", "r.vcd"}) {
    const Outcome run = heatbath({"run", program, "--device", kDevice, "--json", result.ends_with("vcd") ? "--vcd" : "--out",
                                  bad + result});
    ASSERT_EQ(run.status, 0) << run.error;
    EXPECT_THAT(nlohmann::json::parse(run.out)["program"].get<std::string>(), EndsWith(replaced + "p.toml"));
    EXPECT_TRUE(std::filesystem::exists(bad + result));
  }
  std::ofstream(bad + "own.toml") << content(std::string(HEATBATH_SOURCE_DIR) + "/hw_model/profiles/ideal.toml");
  const std::string device = "func:threads=1&cells=1024&profile=" + bad + "own.toml";
  const Outcome info = heatbath({"info", "--json", "--device", device});
  ASSERT_EQ(info.status, 0) << info.error;
  EXPECT_THAT(nlohmann::json::parse(info.out)["link"]["uri"].get<std::string>(), HasSubstr(replaced + "own.toml"));
  const std::vector<std::string> training{"train",     "generate", "--hidden", "4",     "--updates",   "1",
                                          "--shots",   "2",        "--device", device,  "--out",       bad + "t"};
  const Outcome trained = heatbath(training);
  ASSERT_EQ(trained.status, 0) << trained.error;
  EXPECT_THAT(nlohmann::json::parse(content(bad + "t/report.json"))["device"].get<std::string>(), HasSubstr(replaced));
  EXPECT_THAT(content(bad + "t/report.html"), HasSubstr(replaced));
  const Outcome drawn = heatbath({"generate", "--model", bad + "t/model.h5", "--shots", "2", "--device", device, "--out", bad + "g"});
  EXPECT_EQ(drawn.status, 0) << drawn.error;
  EXPECT_EQ(heatbath({"netlist", "--program", program, "--out", bad + "c.cir", "--json"}).status, 0);
  EXPECT_THAT(content(bad + "c.cir"), HasSubstr("gr\\xfc\\xdfe\\xc3/p.toml"));
  EXPECT_EQ(heatbath({"fmu", "--program", program, "--out", bad + "c.fmu", "--json"}).status, 0);

  std::ofstream(bad + "patterns") << "1100 3\n0011 1\n";
  const std::vector<std::string> ergodicity{"train",  "ergodicity", "--problem", bad + "patterns", "--updates", "2",
                                            "--effort", "0.1",      "--out",     bad + "e",        "--device",  "func:threads=1"};
  const Outcome studied = heatbath(ergodicity);
  EXPECT_LT(studied.status, 2) << studied.error;
  std::vector<std::string> again = ergodicity;
  again.push_back("--continue");
  const Outcome continued = heatbath(again);
  EXPECT_LT(continued.status, 2) << continued.error;
}

TEST(Messages, AreOneLineThatATerminalOnlyPrints) {
  const Outcome outcome = heatbath({"run", "no\x1b[31m\nsuch\xFF.toml"});
  EXPECT_EQ(outcome.status, 2);
  EXPECT_TRUE(one_line(outcome.error)) << outcome.error;
  EXPECT_THAT(outcome.error, StartsWith("heatbath: "));
  EXPECT_EQ(outcome.error.find('\x1b'), std::string::npos);
}

}  // namespace
