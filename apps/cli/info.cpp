// heatbath info: what a device says of itself.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/device_choice.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/datasheet.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {

namespace {

void print_table(const nlohmann::json& tables) {
  for (const auto& [title, table] : tables.items()) {
    put("{}\n", title);
    for (const auto& [key, value] : table.items()) {
      put("  {:<20} {}\n", key, value.is_string() ? value.get<std::string>() : json_text(value));
    }
  }
}

/// The datasheet of a profile; its grades are those of [evidence].
int print_datasheet(const InfoOptions& options) {
  const std::vector<DatasheetEntry> entries = datasheet(options.profile);
  if (options.json) {
    nlohmann::json rows = nlohmann::json::array();
    for (const DatasheetEntry& entry : entries)
      rows.push_back({{"table", entry.table}, {"key", entry.key}, {"value", entry.value}, {"grade", entry.grade},
                      {"source", entry.source}});
    put("{}\n", json_text({{"profile", options.profile}, {"datasheet", rows}}, 2));
    return 0;
  }
  put("{}\n\n", options.profile);
  std::string table;
  for (const DatasheetEntry& entry : entries) {
    if (entry.table != table) put("[{}]\n", table = entry.table);
    put("  {:<26} {:<22} {:<10} {}\n", entry.key, entry.value, entry.grade, entry.source);
  }
  put("\nOf an unstated key the value is the emulator's own. Grades, from strong to weak: metered, measured, simulated, "
      "derived, projected, unstated; a product has the weaker one.\n");
  return 0;
}

}  // namespace

int run_info(const InfoOptions& options) {
  if (!options.profile.empty()) return print_datasheet(options);
  Device device = open(options.device);
  nlohmann::json description = describe_device(device);
  if (device.members().empty()) description["calibration"]["kept"] = kept_calibration_state(device);
  if (options.json) {
    put("{}\n", json_text(description, 2));
    return 0;
  }
  put("{}\n{}\n\n", version_line(), device_line(device));
  print_table(description);
  return 0;
}

}  // namespace heatbath::apps
