// heatbath info: what a device says of itself.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
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

}  // namespace

int run_info(const InfoOptions& options) {
  const Device device = open(options.device);
  const nlohmann::json description = describe_device(device);
  if (options.json) {
    put("{}\n", json_text(description, 2));
    return 0;
  }
  put("{}\n{}\n\n", version_line(), device_line(device));
  print_table(description);
  return 0;
}

}  // namespace heatbath::apps
