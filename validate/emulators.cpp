#include "validate/emulators.hpp"

#include <memory>

#include <fmt/format.h>

#include "heatbath/open.hpp"

namespace heatbath::validation {

Outcome climb(const LadderOptions& options) {
  // One emulator at a time: the next row that wants another one closes it.
  std::string uri;
  std::unique_ptr<Device> device;
  return climb(options, [&](const Needs& of_row, std::string& missing) -> Device* {
    std::string wanted = fmt::format("func:cells={}&lanes={}", of_row.best_cells, of_row.best_lanes);
    if (!of_row.keys.empty()) wanted += fmt::format("&{}", of_row.keys);
    if (options.threads > 0) wanted += fmt::format("&threads={}", options.threads);
    if (wanted != uri) {
      device.reset();
      device = std::make_unique<Device>(open(wanted));
      uri = wanted;
    }
    Needs needs = of_row;
    needs.emulator = false;  // this one is
    missing = validation::missing(needs, device->capabilities());
    return missing.empty() ? device.get() : nullptr;
  });
}

}  // namespace heatbath::validation
