#pragma once
// Electrical energy beside bath heat, as reports show it; energy of the computer that ran the emulator.

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "heatbath/electricity.hpp"

namespace heatbath {
class Device;
}

namespace heatbath::apps {

/// Joules that the processor packages of this computer take, by its own counters (RAPL, /sys/class/powercap), which
/// only some systems let a program read. All programs of the computer are in it.
class HostEnergy {
 public:
  HostEnergy();
  /// Since construction; nothing where the counters cannot be read.
  std::optional<double> joules() const;
  /// Why there is nothing; empty else.
  const std::string& absent() const { return absent_; }

 private:
  struct Counter {
    std::string file;
    std::uint64_t begin = 0, range = 0;  ///< microjoules
  };
  std::vector<Counter> counters_;
  std::string absent_;
};

/// What a report says of electricity.
struct Electricity {
  Work work;
  Bill bill;
  double bath_joules = 0;  ///< heat given to the bath; NaN: not known
  std::optional<double> host_joules;
  std::string host_absent;
};

/// Reads device time. `heat`: what the device's jobs gave to the bath, energy units; NaN: not known.
Electricity electricity_of(Device& device, double heat, const HostEnergy& host);

/// Keys: items, joules, grade, unpriced, verdict, duty_cycle, device_seconds, busy_seconds, bath_joules,
/// electrical_over_bath, host_joules (null with host_absent).
nlohmann::json electricity_json(const Electricity& electricity);
/// Title and text of each row of a table.
std::vector<std::pair<std::string, std::string>> electricity_rows(const Electricity& electricity);

}  // namespace heatbath::apps
