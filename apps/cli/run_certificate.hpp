#pragma once
// The certificate of a run whose states follow a law.

#include <cstdint>
#include <optional>
#include <string>

#include "files/run_result.hpp"
#include "files/toml_program.hpp"
#include "heatbath/capabilities.hpp"
#include "heatbath/measure/certificate.hpp"
#include "heatbath/network/network.hpp"

namespace heatbath::apps {

/// The energy and the temperature that a program leaves as they are from the start, in the device's units.
struct RunLaw {
  network::Network network;
  double kT = 1;
};

/// Of spins and of overdamped cells at one temperature, whose schedule changes and holds nothing. Otherwise nothing, and
/// `why` says what is in the way.
std::optional<RunLaw> law_of(const TomlProgram& description, const Capabilities& capabilities, std::string& why);

struct RunCertificate {
  measure::Certificate certificate;
  double from = 0, to = 0;     ///< of its records, time units
  std::uint64_t records = 0;   ///< of each shot
  std::uint32_t shots = 0;     ///< the first so many: those whose energies take some tenths of a second
};

/// Of the records from `from` on; where that is not given, of the later half of those of each shot, the earlier being left
/// for the start to be forgotten; of the last ones where there are too many. Nothing, and why, where there are fewer than 2 samples or not all cells were captured.
std::optional<RunCertificate> certificate_of(const RunLaw& law, const RunResult& run, std::optional<double> from, std::string& why);

}  // namespace heatbath::apps
