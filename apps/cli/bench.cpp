// heatbath bench: how long the work takes, as ratios taken in one run.

#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "bench/rows.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

nlohmann::json described(const bench::Row& row) {
  const auto number = [](bool known, double value) { return known ? nlohmann::json(value) : nlohmann::json(); };
  const auto between = [](bool known, const bench::Spread& s) {
    return known ? nlohmann::json{s.low, s.high} : nlohmann::json();
  };
  return {{"name", row.info->name},
          {"work", row.info->work},
          {"value", number(row.measured, row.value.median)},
          {"value_quartiles", between(row.measured, row.value)},
          {"unit", row.info->unit},
          {"reference", number(row.compared, row.reference.median)},
          {"reference_quartiles", between(row.compared, row.reference)},
          {"reference_is", row.info->reference},
          {"ratio", number(row.compared, row.ratio.median)},
          {"ratio_quartiles", between(row.compared, row.ratio)},
          {"goal", row.info->goal},
          {"goal_of", row.info->goal_of == bench::GoalOf::value ? "value" : "ratio"},
          {"met", row.met},
          {"turns", row.turns},
          {"note", row.note}};
}

void print(const bench::Row& row) {
  const auto cell = [](bool known, double value) { return known ? fmt::format("{:.4g}", value) : std::string("-"); };
  put("{:<26} {:>10} {:>10} {:>8} {:>6} {:>8} {:<4} {}; against: {}{}\n", row.info->name,
             cell(row.measured, row.value.median), cell(row.compared, row.reference.median),
             cell(row.compared, row.ratio.median), row.info->goal_of == bench::GoalOf::value ? "value" : "ratio",
             cell(true, row.info->goal), row.met ? "yes" : "no", row.info->unit, row.info->reference,
             row.note.empty() ? "" : "; " + row.note);
  flush_output();
}

}  // namespace

int run_bench(const BenchOptions& options) {
  if (options.list) {
    for (const bench::RowInfo& info : bench::rows())
      put("{:<26} {}; against: {}\n", info.name, info.work, info.reference);
    return 0;
  }
  std::vector<const bench::RowInfo*> chosen;
  for (const std::string& name : options.rows) {
    const bench::RowInfo* info = bench::find_row(name);
    if (!info)
      throw Error(HB_BAD_ARG, fmt::format("--row {}: there is no such row; heatbath bench --list names them", name));
    chosen.push_back(info);
  }
  if (chosen.empty())
    for (const bench::RowInfo& info : bench::rows()) chosen.push_back(&info);
  if (!options.peers.empty() && !std::filesystem::exists(options.peers / "peer.py"))
    throw Error(HB_BAD_ARG,
                fmt::format("--peers {}: holds no peer.py; bench/peers of the sources does", options.peers.string()));

  if (!options.json)
    put("{:<26} {:>10} {:>10} {:>8} {:>6} {:>8} {:<4}\n", "row", "value", "reference", "ratio", "goal",
               "at most", "met");
  nlohmann::json rows = nlohmann::json::array();
  for (const bench::RowInfo* info : chosen) {
    const bench::Row row = bench::measure(*info, {.seconds = options.seconds, .peers = options.peers});
    if (options.json) {
      rows.push_back(described(row));
    } else {
      print(row);
    }
  }
  if (options.json) put("{}\n", json_text({{"rows", rows}}, 2));
  return 0;
}

}  // namespace heatbath::apps
