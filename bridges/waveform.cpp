#include "bridges/waveform.hpp"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "files/provenance.hpp"
#include "files/run_result.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

std::optional<std::uint32_t> whole(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// Identifier of a variable: printable characters, base 94.
std::string identifier(std::size_t number) {
  std::string code;
  do {
    code += static_cast<char>('!' + number % 94);
    number /= 94;
  } while (number > 0);
  return code;
}

/// A meter's value in one shot of a snapshot; nothing where it was not taken or is of cells.
std::optional<double> meter_value(const RunResult& run, const MeterFacts& meter, std::size_t snapshot, std::uint32_t shot) {
  if (meter.in_record != nullptr) return run.meters[snapshot][shot].*meter.in_record;
  const auto taken = run.on_request.find(meter.meter);
  if (meter.per_cell || taken == run.on_request.end() || taken->second[snapshot].empty()) return std::nullopt;
  return taken->second[snapshot][shot];
}

}  // namespace

WaveformSelection waveform_selection(std::string_view text, const RunResult& run, std::uint32_t first_cell) {
  WaveformSelection selection;
  const auto add_cells = [&](std::uint32_t from, std::uint32_t to) {
    if (from < first_cell || to - first_cell >= run.cells)
      throw Error(HB_BAD_ARG, fmt::format("waveforms: cells {}..{} were not all captured; the run has {}..{}", from, to,
                                          first_cell, first_cell + run.cells - 1));
    for (std::uint32_t cell = from; cell <= to; ++cell) selection.cells.push_back(cell);
  };
  if (text.empty()) {
    if (run.cells > 0) add_cells(first_cell, first_cell + run.cells - 1);
    selection.meters = true;
  }
  while (!text.empty()) {
    const std::size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view{} : text.substr(comma + 1);
    const auto wrong = [&] {
      throw Error(HB_BAD_ARG,
                  fmt::format("waveforms: \"{}\" is none of cells=N, cells=FIRST..LAST, meters, shot=N", word));
    };
    if (word == "meters") {
      selection.meters = true;
    } else if (word.starts_with("shot=")) {
      const auto shot = whole(word.substr(5));
      if (!shot) wrong();
      selection.shot = *shot;
    } else if (word.starts_with("cells=")) {
      const std::string_view range = word.substr(6);
      const std::size_t dots = range.find("..");
      const auto from = whole(range.substr(0, dots));
      const auto to = dots == std::string_view::npos ? from : whole(range.substr(dots + 2));
      if (!from || !to || *to < *from) wrong();
      add_cells(*from, *to);
    } else {
      wrong();
    }
  }
  if (selection.shot >= run.shots)
    throw Error(HB_BAD_ARG, fmt::format("waveforms: there is no shot {}; the run has 0..{}", selection.shot, run.shots - 1));
  return selection;
}

std::string waveform(const RunResult& run, const WaveformSelection& selection, std::uint32_t first_cell,
                     std::uint32_t tick_ps) {
  std::string text;
  const auto out = std::back_inserter(text);
  fmt::format_to(out, "$version {} $end\n$comment shot {}; states are dimensionless, meters in energy units or counts $end\n",
                 version_line(), selection.shot);
  fmt::format_to(out, "$timescale 1 ps $end\n$scope module heatbath $end\n$scope module array $end\n");
  std::size_t variables = 0;
  for (const std::uint32_t cell : selection.cells)
    fmt::format_to(out, "$var real 64 {} x_{} $end\n", identifier(variables++), cell);
  fmt::format_to(out, "$upscope $end\n");
  const std::size_t meters_from = variables;
  if (selection.meters && !run.meters.empty()) {
    fmt::format_to(out, "$scope module meters $end\n");
    for (const MeterFacts& meter : meter_list)
      if (meter_value(run, meter, 0, selection.shot))
        fmt::format_to(out, "$var real 64 {} {} $end\n", identifier(variables++), meter.name);
    fmt::format_to(out, "$upscope $end\n");
  }
  fmt::format_to(out, "$upscope $end\n$enddefinitions $end\n");

  std::map<std::uint64_t, std::string> changes;  // by tick
  for (std::size_t record = 0; record < run.records; ++record) {
    const float* const state =
        run.states.data() + (std::size_t{selection.shot} * run.records + record) * run.cells;
    std::string& at = changes[run.ticks[record]];
    for (std::size_t i = 0; i < selection.cells.size(); ++i)
      fmt::format_to(std::back_inserter(at), "r{:.9g} {}\n", state[selection.cells[i] - first_cell], identifier(i));
  }
  if (selection.meters)
    for (std::size_t k = 0; k < run.meters.size(); ++k) {
      std::size_t variable = meters_from;
      for (const MeterFacts& meter : meter_list)
        if (const auto value = meter_value(run, meter, k, selection.shot))
          fmt::format_to(std::back_inserter(changes[run.meters[k][selection.shot].ticks]), "r{:.17g} {}\n", *value,
                         identifier(variable++));
    }
  bool first = true;
  for (const auto& [ticks, values] : changes) {
    fmt::format_to(out, "#{}\n{}{}{}", ticks * tick_ps, first ? "$dumpvars\n" : "", values, first ? "$end\n" : "");
    first = false;
  }
  return text;
}

}  // namespace heatbath::apps
