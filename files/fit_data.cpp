#include "files/fit_data.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath::apps {

namespace {

constexpr std::size_t kLongestFile = std::size_t{1} << 30;

std::vector<std::string_view> fields_of(std::string_view line) {
  const bool marks = line.find_first_of(",;\t") != std::string_view::npos;
  std::vector<std::string_view> fields;
  if (!marks) {
    for (std::string_view word = numerics::take_word(line); !word.empty(); word = numerics::take_word(line)) fields.push_back(word);
    return fields;
  }
  for (;;) {
    const std::size_t end = line.find_first_of(",;\t");
    fields.push_back(numerics::trimmed(line.substr(0, end)));
    if (end == std::string_view::npos) return fields;
    line.remove_prefix(end + 1);
  }
}

}  // namespace

FitData read_fit_data(const std::filesystem::path& file) {
  const std::string where = numerics::escaped(file.string());
  std::string text;
  try {
    text = numerics::read_text_file(file == "-" ? "/dev/stdin" : file, kLongestFile);
  } catch (const numerics::UnreadableFile& unreadable) {
    throw Error(HB_IO, where + ": " + unreadable.what());
  }
  numerics::TextLines lines(text);
  std::map<std::string, std::size_t, std::less<>> columns;
  std::size_t width = 0;
  bool is_curve = false;
  std::vector<measure::CurvePoint> curve;
  std::vector<measure::TraceReading> traces;
  while (lines.next()) {
    const std::string at = where + ", line " + std::to_string(lines.number());
    const std::string_view line = numerics::trimmed(lines.line());
    if (line.empty() || line.front() == '#') continue;
    const auto fields = fields_of(line);
    if (width == 0) {
      constexpr std::string_view known[] = {"bias", "ones", "p", "trials", "time", "reading", "trace", "drive"};
      for (std::size_t k = 0; k < fields.size(); ++k) {
        if (std::ranges::find(known, fields[k]) == std::end(known))
          throw Error(HB_BAD_ARG, fmt::format("{}: column {}; bias, ones, p and trials of a curve, or time, reading, trace and drive of traces", at, numerics::quoted(fields[k])));
        if (!columns.emplace(fields[k], k).second) throw Error(HB_BAD_ARG, fmt::format("{}: column {} comes twice", at, fields[k]));
      }
      width = fields.size();
      const auto has = [&](const char* name) { return columns.contains(name); };
      is_curve = has("bias");
      const bool whole = is_curve ? has("trials") && has("ones") != has("p") && !has("time") && !has("reading") && !has("trace") && !has("drive")
                                  : has("time") && has("reading") && !has("ones") && !has("p") && !has("trials");
      if (!whole) throw Error(HB_BAD_ARG, at + ": a curve has the columns bias, trials and one of ones and p; traces have time and reading, and may have trace and drive");
      continue;
    }
    if (fields.size() != width) throw Error(HB_BAD_ARG, fmt::format("{}: {} values; {} columns are named", at, fields.size(), width));
    const auto value = [&](const char* name, double usual) {
      const auto column = columns.find(name);
      if (column == columns.end()) return usual;
      const auto number = numerics::parse_number<double>(fields[column->second]);
      if (!number || !std::isfinite(*number)) throw Error(HB_BAD_ARG, fmt::format("{}: {} of column {} is no finite number", at, numerics::quoted(fields[column->second]), name));
      return *number;
    };
    if (is_curve) {
      measure::CurvePoint point{value("bias", 0), value("ones", 0), value("trials", 0)};
      if (columns.contains("p")) {
        const double p = value("p", 0);
        if (!(p >= 0 && p <= 1)) throw Error(HB_BAD_ARG, fmt::format("{}: p is {}; from 0 to 1", at, p));
        point.ones = p * point.trials;
      }
      if (!(point.trials > 0) || point.ones < 0 || point.ones > point.trials)
        throw Error(HB_BAD_ARG, fmt::format("{}: {} ones of {} trials", at, point.ones, point.trials));
      curve.push_back(point);
      continue;
    }
    const double trace = value("trace", 0);
    if (trace < 0 || trace > 0xFFFFFFFFu || trace != std::floor(trace)) throw Error(HB_BAD_ARG, fmt::format("{}: trace {}; a whole number", at, trace));
    const measure::TraceReading reading{static_cast<std::uint32_t>(trace), value("time", 0), value("drive", 0), value("reading", 0)};
    if (!traces.empty() && traces.back().trace == reading.trace && !(reading.time > traces.back().time))
      throw Error(HB_BAD_ARG, fmt::format("{}: time {} is not after {}, the one before it in its trace", at, reading.time, traces.back().time));
    traces.push_back(reading);
  }
  if (width == 0) throw Error(HB_BAD_ARG, where + ": has no line of column names");
  if (is_curve) return curve;
  return traces;
}

}  // namespace heatbath::apps
