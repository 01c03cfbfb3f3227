#pragma once
// The device of a command, and the calibration by which its programs are corrected.

#include <string>

#include "heatbath/device.hpp"

namespace CLI {
class App;
}

namespace heatbath::apps {

struct DeviceChoice {
  std::string uri;           ///< empty: the environment's, else func:
  std::string calibration;   ///< a file, or "kept": that of the device's serial number; empty: none
  bool expired_too = false;  ///< whatever the state of the calibration
};

/// --device, --calibration and --use-expired.
void add_device(CLI::App* app, DeviceChoice& choice);

/// Opens it as heatbath::open, and has it corrected by the calibration (network::correct). Throws what these throw.
Device open_chosen(const DeviceChoice& choice);
/// The second half, for a device that is open.
void correct_by(Device& device, const DeviceChoice& choice);

/// How the device stands to the calibration that is kept for its serial number: "none kept for this serial number", or its
/// age and state, or why it cannot be read.
std::string kept_calibration_state(Device& device);

}  // namespace heatbath::apps
