#include "apps/files/score_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/files/setting_names.hpp"
#include "apps/files/utf8.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

constexpr const char* kFormat = "heatbath score 1";

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(HB_IO, fmt::format("{}: {}", path.string(), what));
}

std::ifstream open_text(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in || std::filesystem::is_directory(path)) fail(path, "no such file, or it cannot be read");
  return in;
}

}  // namespace

StandardValues read_values(const std::filesystem::path& path) {
  std::ifstream in = open_text(path);
  StandardValues data;
  std::string line;
  for (int row = 1; std::getline(in, line); ++row) {
    line.resize(std::min(line.size(), line.find('#')));
    for (char& c : line) c = c == ',' || c == ';' ? ' ' : c;
    std::istringstream words(line);
    for (std::string word; words >> word;) {
      char* end = nullptr;
      const double value = std::strtod(word.c_str(), &end);
      if (end != word.c_str() + word.size() || !std::isfinite(value)) {
        throw Error(HB_IO, fmt::format("{}:{}: \"{}\" is not a finite number; the file holds numbers and # comments",
                                       path.string(), row, word));
      }
      data.values.push_back(value);
    }
  }
  const auto count = static_cast<double>(data.values.size());
  if (data.values.size() < 16) fail(path, fmt::format("{} values, at least 16 are needed", data.values.size()));
  // From the least value on and in units of the range: neither squares nor a far origin take anything away.
  const auto [low, high] = std::ranges::minmax(data.values);
  const double range = high - low;
  if (!(range > 0)) fail(path, "all values are equal; a law has some width");
  if (!std::isfinite(range)) fail(path, fmt::format("values from {:g} to {:g} lie further apart than a number reaches", low, high));
  double mean = 0, squares = 0;
  for (double& value : data.values) {
    value = (value - low) / range;
    mean += value / count;
  }
  for (const double value : data.values) squares += (value - mean) * (value - mean) / count;
  const double deviation = std::sqrt(squares);
  for (double& value : data.values) value = (value - mean) / deviation;
  data.mean = low + range * mean;
  data.deviation = range * deviation;
  return data;
}

std::string score_text(const trainers::ScoreModel& score) {
  const nlohmann::json json{{"format", kFormat},
                            {"process", name_of(score.process)},
                            {"kind", name_of(score.kind)},
                            {"clock", score.clock},
                            {"shift", score.shift},
                            {"scale", score.scale},
                            {"centres", score.centres},
                            {"width", score.width},
                            {"coefficients", score.coefficients}};
  return json_text(json, 1) + "\n";
}

trainers::ScoreModel read_score(const std::filesystem::path& path) {
  std::ifstream in = open_text(path);
  trainers::ScoreModel score;
  try {
    const nlohmann::json json = nlohmann::json::parse(in);
    if (!json.is_object() || json.value("format", "") != kFormat) {
      fail(path, "not a score; use a score.json that heatbath bound wrote");
    }
    score.process = process_named(json.at("process").get<std::string>(), path.string() + ": process");
    score.kind = score_kind_named(json.at("kind").get<std::string>(), path.string() + ": kind");
    json.at("clock").get_to(score.clock);
    json.at("shift").get_to(score.shift);
    json.at("scale").get_to(score.scale);
    json.at("centres").get_to(score.centres);
    json.at("width").get_to(score.width);
    json.at("coefficients").get_to(score.coefficients);
  } catch (const nlohmann::json::exception& error) {
    fail(path, fmt::format("not a score: {}", error.what()));
  }
  score.check(path.string());
  return score;
}

}  // namespace heatbath::apps
