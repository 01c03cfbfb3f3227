#pragma once
// Runs the suites on devices.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/device.hpp"
#include "validate/check.hpp"

namespace heatbath::validation {

struct LadderOptions {
  /// Suites, or single rows as SUITE/ROW (slow or not); empty: all suites. Error(BAD_ARG) lists the known ones.
  std::vector<std::string> suites;
  bool slow = false;                ///< rows over a minute, too
  std::uint64_t seed = 1;
  /// Samples relative to the full ladder. Below 1 the errors are larger than promised and are not judged.
  double effort = 1;
  unsigned threads = 0;  ///< of the emulators that the ladder opens; 0: theirs by default
  /// Called before each row, and often within it with an empty name. False ends the ladder: the
  /// outcome holds the rows that were whole by then.
  std::function<bool(double fraction, std::string_view row)> progress = nullptr;
};

/// Runs the ladder on the emulators that suit each row best.
Outcome climb(const LadderOptions& options);

/// Runs it on given devices: each row on the first that has what the row needs; rows that none can run are skipped
/// with the missing capability. Settings of the devices (step) are changed, and nothing else.
Outcome climb(std::span<Device> devices, const LadderOptions& options);

}  // namespace heatbath::validation
