#include "files/score_file.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/trainers/setting_names.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

constexpr const char* kScoreFormat = "heatbath score 1";
constexpr std::size_t kLongestValues = std::size_t{256} << 20, kLongestScore = std::size_t{4} << 20;

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(HB_IO, fmt::format("{}: {}", path.string(), what));
}

std::string text_of(const std::filesystem::path& path, std::size_t longest) {
  try {
    return numerics::read_text_file(path, longest);
  } catch (const numerics::UnreadableFile& unreadable) {
    fail(path, unreadable.what());
  }
}

/// The numbers of a file: one a line, or all in one line.
std::vector<double> numbers_of(const std::filesystem::path& path) {
  const std::string text = text_of(path, kLongestValues);
  std::vector<double> values;
  bool rows = false;  // more than one line holds numbers
  std::size_t crowded = 0;
  for (numerics::TextLines lines(text); lines.next();) {
    const std::size_t before = values.size();
    std::string_view line = lines.line().substr(0, lines.line().find('#'));
    for (;;) {
      constexpr std::string_view separators = " \t\v\f\r,;";
      line.remove_prefix(std::min(line.find_first_not_of(separators), line.size()));
      if (line.empty()) break;
      const std::string_view word = line.substr(0, line.find_first_of(separators));
      line.remove_prefix(word.size());
      const auto value = numerics::parse_number<double>(word);
      if (!value || !std::isfinite(*value)) {
        throw Error(HB_IO, fmt::format("{}:{}: \"{}\" is not a finite number; the file holds numbers and # comments",
                                       path.string(), lines.number(), numerics::escaped(word, 80)));
      }
      values.push_back(*value);
    }
    rows = rows || (before > 0 && values.size() > before);
    if (values.size() > before + 1 && crowded == 0) crowded = lines.number();
    if (rows && crowded > 0) {
      throw Error(HB_IO, fmt::format("{}:{}: more than one number in a line of several; the values of one variable are "
                                     "needed: one number a line, or all in one line",
                                     path.string(), crowded));
    }
  }
  return values;
}

}  // namespace

StandardValues read_values(const std::filesystem::path& path) {
  StandardValues data{numbers_of(path)};
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
  const nlohmann::json json{{"format", kScoreFormat},
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
  const std::string text = text_of(path, kLongestScore);
  trainers::ScoreModel score;
  try {
    const nlohmann::json json = parsed_json(text);
    if (!json.is_object() || json.value("format", "") != kScoreFormat) {
      fail(path, "not a score; use a score.json that heatbath bound wrote");
    }
    score.process = trainers::process_named(json.at("process").get<std::string>(), path.string() + ": process");
    score.kind = trainers::score_kind_named(json.at("kind").get<std::string>(), path.string() + ": kind");
    json.at("clock").get_to(score.clock);
    json.at("shift").get_to(score.shift);
    json.at("scale").get_to(score.scale);
    json.at("centres").get_to(score.centres);
    json.at("width").get_to(score.width);
    json.at("coefficients").get_to(score.coefficients);
  } catch (const nlohmann::json::exception& error) {
    fail(path, fmt::format("not a score: {}", numerics::escaped(error.what(), 200)));
  }
  score.check(path.string());
  return score;
}

}  // namespace heatbath::apps
