// heatbath validate: the ladder of exact results, on emulators or on given devices.

#include <cstdio>
#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "apps/files/atomic_file.hpp"
#include "apps/validate/bench.hpp"
#include "apps/validate/ladder.hpp"
#include "apps/validate/report.hpp"
#include "heatbath/device.hpp"

namespace heatbath::apps {

namespace {

int list_suites(bool json) {
  nlohmann::json rows = nlohmann::json::array();
  for (const validation::Suite& suite : validation::suites()) {
    if (!json) fmt::print("{:<14} {}\n", suite.name, suite.says);
    for (const validation::Row& row : suite.rows) {
      if (json) rows.push_back({{"suite", suite.name}, {"row", row.name}, {"says", row.says}, {"long", row.slow}});
      else fmt::print("  {:<20} {}{}\n", row.name, row.says, row.slow ? " (--long)" : "");
    }
  }
  if (json) fmt::print("{}\n", rows.dump(2));
  return 0;
}

}  // namespace

int run_validate(const ValidateOptions& options) {
  if (options.list) return list_suites(options.json);
  validation::LadderOptions ladder;
  ladder.suites = options.suites;
  ladder.slow = options.slow;
  ladder.seed = options.seed;
  ladder.effort = options.effort;
  ladder.threads = options.threads;
  std::vector<Device> devices;
  for (const std::string& uri : options.devices) devices.push_back(open(uri));
  watch_interrupts();
  validation::Outcome outcome;
  {
    ProgressBar bar(ProgressBar::style_for(options.json), "validate", 1, {});
    ladder.progress = [&, at = std::string()](double fraction, std::string_view row) mutable {
      if (!row.empty()) at = row;
      bar.update(fraction, at);
      return !interrupted();
    };
    outcome = devices.empty() ? validation::climb(ladder) : validation::climb(devices, ladder);
    bar.finish();
  }
  if (!options.report.empty()) write_file(options.report, validation::outcome_html(outcome));
  if (!options.table.empty()) write_file(options.table, validation::outcome_markdown(outcome));
  if (options.json) fmt::print("{}\n", validation::outcome_json(outcome).dump(2));
  else fmt::print("{}", validation::outcome_text(outcome));
  if (outcome.checks.empty()) throw Error(HB_UNSUPPORTED, "no row of these suites runs on the devices given");
  return outcome.failed() == 0 ? 0 : 1;
}

}  // namespace heatbath::apps
