#pragma once
// Runs the suites on devices.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/device.hpp"
#include "validate/bench.hpp"
#include "validate/check.hpp"

namespace heatbath::validation {

struct LadderOptions {
  /// Suites, or single rows as SUITE/ROW (slow or not); empty: all suites. Error(BAD_ARG) lists the known ones.
  std::vector<std::string> suites;
  bool slow = false;                ///< rows over a minute, too
  std::uint64_t seed = 1;
  /// Samples relative to the full ladder. Below 1 the errors are larger than their limits, which are then not applied.
  double effort = 1;
  unsigned threads = 0;  ///< of the emulators that are opened for it; 0: theirs by default
  /// Called before each row, and often within it with an empty name. False ends the ladder: the
  /// outcome holds the rows that were whole by then.
  std::function<bool(double fraction, std::string_view row)> progress = nullptr;
};

/// Gives the device of a row by what the row needs; null, with the missing capability by name, where there is none.
using DeviceFor = std::function<Device*(const Needs& needs, std::string& missing)>;

/// Runs the ladder on the devices of `device_for`, one row after the other. Settings of the devices (step) are changed,
/// and nothing else. (validate/emulators.hpp runs it on emulators.)
Outcome climb(const LadderOptions& options, const DeviceFor& device_for);

/// Runs it on given devices: each row on the first that has what the row needs; rows that none can run are skipped
/// with the missing capability.
Outcome climb(std::span<Device> devices, const LadderOptions& options);

}  // namespace heatbath::validation
