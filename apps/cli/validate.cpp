// heatbath validate: the ladder of exact results, on emulators or on given devices.

#include <memory>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "files/atomic_file.hpp"
#include "files/utf8.hpp"
#include "heatbath/open.hpp"
#include "validate/bench.hpp"
#include "validate/emulators.hpp"
#include "validate/report.hpp"

namespace heatbath::apps {

namespace {

int list_suites(bool json) {
  nlohmann::json rows = nlohmann::json::array();
  for (const validation::Suite& suite : validation::suites()) {
    if (!json) put("{:<14} {}\n", suite.name, suite.says);
    for (const validation::Row& row : suite.rows) {
      if (json) rows.push_back({{"suite", suite.name}, {"row", row.name}, {"says", row.says}, {"long", row.slow}});
      else put("  {:<20} {}{}\n", row.name, row.says, row.slow ? " (--long)" : "");
    }
  }
  if (json) put("{}\n", json_text(rows, 2));
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
  for (const auto& output : {options.report, options.table})
    if (!output.empty()) prepare_file(output);
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
  const bool stopped = !outcome.stopped_at.empty();
  if (stopped && outcome.checks.empty()) throw Error(HB_ABORTED, "stopped before the first row was whole");
  // Both or neither: the table and the page are of one ladder.
  std::vector<std::unique_ptr<AtomicFile>> files;
  const auto write = [&](const std::filesystem::path& path, std::string (*text_of)(const validation::Outcome&)) {
    if (path.empty()) return;
    const std::string text = text_of(outcome);
    files.push_back(std::make_unique<AtomicFile>(path));
    files.back()->write(std::as_bytes(std::span(text)));
  };
  write(options.report, validation::outcome_html);
  write(options.table, validation::outcome_markdown);
  for (const auto& file : files) file->commit();
  if (options.json) put("{}\n", json_text(validation::outcome_json(outcome), 2));
  else put("{}", validation::outcome_text(outcome));
  if (stopped) {
    note("heatbath: interrupted at {}; what was measured before it stands\n", outcome.stopped_at);
    return interrupted_status();
  }
  if (outcome.checks.empty()) throw Error(HB_UNSUPPORTED, "no row of these suites runs on the devices given");
  return outcome.failed() == 0 ? 0 : 1;
}

}  // namespace heatbath::apps
