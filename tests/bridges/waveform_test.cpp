#include "bridges/waveform.hpp"

#include <gtest/gtest.h>

#include <map>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "files/run_result.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {
namespace {

/// Two shots of three cells from cell 4 on, two records, one meter snapshot between them.
RunResult result() {
  RunResult run;
  run.shots = 2;
  run.cells = 3;
  run.records = 2;
  run.ticks = {0, 2000};
  run.time = {0, 0.002};
  for (int i = 0; i < 12; ++i) run.states.push_back(0.1f * static_cast<float>(i));
  run.meters = {{hb_meters_t{1.5, 0.25, -1.0, 0, 0, 1000}, hb_meters_t{2.5, 0.5, -2.0, 0, 0, 1000}}};
  return run;
}

/// Values of a VCD file: time, name, value.
std::map<std::pair<std::uint64_t, std::string>, double> read(const std::string& text) {
  std::istringstream in(text);
  std::map<std::string, std::string> names;
  std::map<std::pair<std::uint64_t, std::string>, double> values;
  std::uint64_t time = 0, last = 0;
  bool defined = false;
  std::vector<std::string> scopes;
  for (std::string line; std::getline(in, line);) {
    std::istringstream words(line);
    std::string word, kind, bits, code, name;
    words >> word;
    if (word == "$scope") {
      words >> kind >> name;
      scopes.push_back(name);
    } else if (word == "$upscope") {
      EXPECT_FALSE(scopes.empty());
      scopes.pop_back();
    } else if (word == "$var") {
      words >> kind >> bits >> code >> name;
      EXPECT_EQ(kind + bits, "real64");
      EXPECT_TRUE(names.emplace(code, scopes.back() + "." + name).second) << "an identifier is not unique";
    } else if (word == "$enddefinitions") {
      defined = true;
      EXPECT_TRUE(scopes.empty());
    } else if (word == "$dumpvars") {
      EXPECT_TRUE(values.empty()) << "all that is known at first";
    } else if (word == "$end") {
      EXPECT_FALSE(values.empty());
    } else if (word[0] == '#') {
      time = std::stoull(word.substr(1));
      EXPECT_TRUE(values.empty() || time > last) << "times rise";
      last = time;
    } else if (word[0] == 'r') {
      EXPECT_TRUE(defined);
      words >> code;
      EXPECT_EQ(names.count(code), 1u);
      values[{time, names[code]}] = std::stod(word.substr(1));
    }
  }
  return values;
}

TEST(Waveform, HasTheRecordsAndMetersOfAShotAtTheirTimes) {
  const RunResult run = result();
  const auto values = read(waveform(run, waveform_selection("cells=5..6,meters,shot=1", run, 4), 4, 10));
  EXPECT_EQ(values.size(), 2u * 2 + 5);
  EXPECT_FLOAT_EQ(static_cast<float>(values.at({0, "array.x_5"})), 0.7f);
  EXPECT_FLOAT_EQ(static_cast<float>(values.at({20000, "array.x_6"})), 1.1f);
  EXPECT_EQ(values.at({10000, "meters.energy"}), 2.5);
  EXPECT_EQ(values.at({10000, "meters.heat"}), -2.0);
}

TEST(Waveform, AnEmptySelectionIsEverythingOfShot0) {
  const RunResult run = result();
  const auto values = read(waveform(run, waveform_selection("", run, 4), 4, 1));
  EXPECT_EQ(values.size(), 3u * 2 + 5);
  EXPECT_EQ(values.at({1000, "meters.work"}), 0.25);
}

TEST(Waveform, IdentifiersOfManyCellsAreUnique) {
  RunResult run;
  run.shots = run.records = 1;
  run.cells = 10000;
  run.ticks = {5};
  run.states.assign(run.cells, 1.0f);
  EXPECT_EQ(read(waveform(run, waveform_selection("", run, 0), 0, 1)).size(), 10000u);
}

TEST(Waveform, MistakesNameTheWordAndWhatThereIs) {
  const RunResult run = result();
  const auto refusal = [&](const char* text) -> std::string {
    try {
      waveform_selection(text, run, 4);
    } catch (const Error& error) {
      return error.what();
    }
    return "accepted";
  };
  EXPECT_NE(refusal("cells=4..7").find("the run has 4..6"), std::string::npos);
  EXPECT_NE(refusal("cells=3").find("the run has 4..6"), std::string::npos);
  EXPECT_NE(refusal("shot=2").find("the run has 0..1"), std::string::npos);
  for (const char* text : {"cells=6..5", "cells=", "cell=4", ",meters", "shot=x", "cells=4..5..6"})
    EXPECT_NE(refusal(text).find("is none of"), std::string::npos) << text;
}

}  // namespace
}  // namespace heatbath::apps
