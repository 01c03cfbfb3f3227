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
/// advertise what the claim is about. Where parameters are float32 and the step is known a device is held to "exact":
/// nothing but statistics and the predicted bias of the step; else to "within the tolerance of converters". It begins with a reset and leaves the device usable; it runs jobs of its own.
struct Claim {
  const char* name;   ///< as on the command line
  const char* text;   ///< one sentence
  std::string (*check)(Device&);  ///< returns what a person may want to know of a kept claim: figures, its grade
  bool of_law = false;  ///< about what the device samples: asked of a corrected device (Device::correct); others about what it is
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

/// How a device stood to a claim.
struct Verdict {
  /// `skipped`: the device lacks what the claim is about.
  enum class Kind { kept, broken, skipped };
  const Claim* claim = nullptr;  ///< that was judged
  Kind kind = Kind::kept;  ///< how it went
  std::string detail;  ///< of a broken or skipped claim why; of a kept one its figures, if it has any
};

/// kept, BROKEN, skipped
const char* word_of(Verdict::Kind kind);

/// What a table shows of a verdict: why a claim was broken or skipped; of a kept one its sentence, with figures.
std::string told(const Verdict& verdict);

/// Checks one claim. An exception of the driver makes it broken.
Verdict check(const Claim& claim, Device& device);

}  // namespace heatbath::conformance
