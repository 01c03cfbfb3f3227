// heatbath-bench: how long the work takes, as ratios taken in one run.

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "bench/rows.hpp"
#include "heatbath/error.hpp"

namespace heatbath::bench {
namespace {

struct Options {
  std::vector<std::string> rows;  ///< names; empty: all
  std::filesystem::path peers;    ///< folder with peer.py; empty: peers are not run
  double seconds = 2;             ///< per row, about
  bool list = false;              ///< only name the rows
  bool json = false;
};

nlohmann::json described(const Row& row) {
  const auto number = [](bool known, double value) { return known ? nlohmann::json(value) : nlohmann::json(); };
  const auto between = [](bool known, const Spread& s) {
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
          {"goal_of", row.info->goal_of == GoalOf::value ? "value" : "ratio"},
          {"met", row.met},
          {"turns", row.turns},
          {"note", row.note}};
}

void print(const Row& row) {
  const auto cell = [](bool known, double value) { return known ? fmt::format("{:.4g}", value) : std::string("-"); };
  fmt::print("{:<26} {:>10} {:>10} {:>8} {:>6} {:>8} {:<4} {}; against: {}{}\n", row.info->name,
             cell(row.measured, row.value.median), cell(row.compared, row.reference.median),
             cell(row.compared, row.ratio.median), row.info->goal_of == GoalOf::value ? "value" : "ratio",
             cell(true, row.info->goal), row.met ? "yes" : "no", row.info->unit, row.info->reference,
             row.note.empty() ? "" : "; " + row.note);
  std::fflush(stdout);
}

int run(const Options& options) {
  if (options.list) {
    for (const RowInfo& info : rows())
      fmt::print("{:<26} {}; against: {}\n", info.name, info.work, info.reference);
    return 0;
  }
  std::vector<const RowInfo*> chosen;
  for (const std::string& name : options.rows) {
    const RowInfo* info = find_row(name);
    if (!info)
      throw Error(HB_BAD_ARG, fmt::format("--row {}: there is no such row; heatbath-bench --list names them", name));
    chosen.push_back(info);
  }
  if (chosen.empty())
    for (const RowInfo& info : rows()) chosen.push_back(&info);
  if (!options.peers.empty() && !std::filesystem::exists(options.peers / "peer.py"))
    throw Error(HB_BAD_ARG,
                fmt::format("--peers {}: holds no peer.py; bench/peers of the sources does", options.peers.string()));

  if (!options.json)
    fmt::print("{:<26} {:>10} {:>10} {:>8} {:>6} {:>8} {:<4}\n", "row", "value", "reference", "ratio", "goal",
               "at most", "met");
  nlohmann::json table = nlohmann::json::array();
  for (const RowInfo* info : chosen) {
    const Row row = measure(*info, {.seconds = options.seconds, .peers = options.peers});
    if (options.json) {
      table.push_back(described(row));
    } else {
      print(row);
    }
  }
  if (options.json) fmt::print("{}\n", nlohmann::json{{"rows", table}}.dump(2));
  return 0;
}

}  // namespace
}  // namespace heatbath::bench

int main(int count, char** words) {
  heatbath::bench::Options options;
  CLI::App app("How long the work takes, beside limits and peers in the same run.", "heatbath-bench");
  app.add_option("--row", options.rows, "only this row; may be given again (default: all)")
      ->expected(1)->take_all()->option_text("NAME");
  app.add_flag("--list", options.list, "name the rows and stop");
  app.add_option("--peers", options.peers, "folder with peer.py (bench/peers): run the peers, too")->option_text("DIR");
  app.add_option("--seconds", options.seconds, "time for each row, about (default 2)")
      ->check(CLI::Range(0.01, 3600.0))->option_text("S");
  app.add_flag("--json", options.json, "print one JSON document instead of text");
  app.footer("Times on one thread are processor times; ratios are ours over the reference, taken in turns.");
  try {
    app.parse(count, words);
    return heatbath::bench::run(options);
  } catch (const CLI::ParseError& end) {
    const int status = app.exit(end);
    return status == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    fmt::print(stderr, "heatbath-bench: {}\n", error.what());
    return 2;
  }
}
