#pragma once
// Many devices as one.

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "heatbath/transport.hpp"

namespace heatbath {

/// A device of a rack.
struct RackDevice {
  std::string uri;    ///< for messages and results
  double weight = 1;  ///< its speed relative to the others', until they have been measured
  /// Opens its link; called in the thread that owns it from then on, and again after it was lost. Throws Error.
  std::function<std::unique_ptr<Transport>()> open;
};

/// What a rack allows.
struct RackOptions {
  std::string uri = {};     ///< of the rack
  bool mixed = false;       ///< devices may differ in identity, arithmetic and prices
  bool incomplete = false;  ///< devices that do not answer at the opening are left out until they do
};

/// What Device takes to be one device with the lanes of all of these: its jobs are cut into ranges of shots, which the
/// devices run at the same time, each in a thread that owns it. Results come in the order of shots and, with a seed, have
/// the bits of the first device alone, however the ranges fell. A device that is lost gives its range back, and so does
/// one that others overtake; Result::shares says who did what, Device::members who is there.
///
/// Opens all devices at once. Throws Error(BAD_ARG) for no device, a weight that is not above 0, or devices that are not
/// alike: all capabilities but lanes and memory, the graph, the step, and the identity with its serial number (`mixed`);
/// else what opening a device throws, with its URI. Registers and memory of a rack have no address: accesses of this
/// transport throw Error(UNSUPPORTED).
std::unique_ptr<Transport> make_rack(std::vector<RackDevice> devices, RackOptions options = {});

}  // namespace heatbath
