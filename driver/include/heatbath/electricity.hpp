#pragma once
// What a device's work costs: counts of what it did, its own prices, and how well both are known.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/capabilities.hpp"

namespace heatbath {

class Program;

/// How a number is known, from weak to strong; numbers as in CAPS_COST_GRADES.
enum class Grade : std::uint8_t { unstated, projected, derived, simulated, measured, metered };
std::string_view name(Grade grade);  ///< the word itself, "measured"
/// Of a product or a sum: the weaker one.
constexpr Grade weaker(Grade a, Grade b) { return a < b ? a : b; }

/// What a device did, counted from the programs it ran and the bytes that went to and fro: the same for any number of
/// lanes, since each shot of a program does all of it. No estimate.
struct Work {
  double samples = 0;         ///< cells times time units; of p-bits, updates
  std::uint64_t reads = 0;    ///< state values captured
  std::uint64_t writes = 0;   ///< parameter and state values that instructions wrote
  std::uint64_t link_bytes = 0;  ///< program, operands and records between host and device
  double busy_seconds = 0;    ///< device time that arrays evolved, one lane's; of all passes
  double device_seconds = 0;  ///< device time since the device's reset, jobs or not
};

/// What one shot of a program does: samples, reads, writes and busy_seconds. `captured`: state variables of a record.
Work work_of_shot(const Program& program, std::uint32_t captured);

/// One item of a bill.
struct Cost {
  std::string item;  ///< samples, reads, writes, conversions, link, standby
  double count = 0;  ///< of standby: seconds
  double price = 0;  ///< joules of one
  double joules = 0;
  Grade grade = Grade::unstated;
};

/// Electrical energy by item. Items without a price are in `unpriced`, not in the sum.
struct Bill {
  std::vector<Cost> items;  ///< what has a price
  std::vector<std::string> unpriced;  ///< names of what has none
  double joules = 0;  ///< sum of the items
  Grade grade = Grade::unstated;  ///< the weakest of the items
  double duty = 0;                ///< busy_seconds over device_seconds; 0: no time has passed

  /// Part of the sum that is not samples: reading, writing, converting, sending.
  double overhead() const;
  /// One line that says what dominates, with shares; empty where nothing has a price.
  std::string verdict() const;
};

/// Empty items for a device that states no prices (capabilities.priced).
Bill bill(const Capabilities& capabilities, const Work& work);

}  // namespace heatbath
