#pragma once
// Conformance: what every Heatbath device must do, checked through the driver and the register map only.

#include <functional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "heatbath/device.hpp"

namespace heatbath::conformance {

/// A claim about any device. `check` throws Broken when the device does not keep it, Skipped when the device does not
/// advertise what the claim is about. It begins with a reset and leaves the device usable; it runs jobs of its own.
struct Claim {
  const char* name;   ///< as on the command line
  const char* text;   ///< one sentence
  void (*check)(Device&);
};

/// One line: how the device broke the claim.
struct Broken : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// The capability that the device lacks.
struct Skipped : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// All claims, from the identity to the statistics: a later one relies on the earlier ones.
std::span<const Claim> claims();

/// The claims of these names, in the order of claims(); all where there are none. Error(BAD_ARG) names one that is no
/// claim.
std::vector<const Claim*> chosen_claims(std::span<const std::string> names);

struct Verdict {
  enum class Kind { kept, broken, skipped };
  const Claim* claim = nullptr;
  Kind kind = Kind::kept;
  std::string detail;  ///< of a broken or skipped claim
};

/// kept, BROKEN, skipped
const char* word_of(Verdict::Kind kind);

/// Checks one claim. An exception of the driver makes it broken.
Verdict check(const Claim& claim, Device& device);

}  // namespace heatbath::conformance
