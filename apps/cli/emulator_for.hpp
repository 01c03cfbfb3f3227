#pragma once
// The emulator that suits a network, where the user does not say which.

#include <cstdint>

#include "apps/cli/device_choice.hpp"
#include "heatbath/device.hpp"
#include "heatbath/network/network.hpp"

namespace heatbath::apps {

/// Opens a device (open_chosen). Of an emulator (func:, tlm:) the keys that the network decides
/// are added where the URI leaves them out: cell, and its graph as topology (dense where a graph would have as many
/// couplers, or none), or the number of cells; and,
/// without a profile, `lanes`. `two_ways`: couplings of a dense array are wanted that may differ in their two directions
/// (reciprocal=no). Throws as heatbath::open, and Error(BAD_ARG) for a device
/// with too few cells.
Device open_for(const DeviceChoice& choice, const network::Network& network, std::uint32_t lanes, bool two_ways = false);

/// The same for `runs` of p-bits side by side: from 64 on, where their couplings are whole multiples of the smallest and
/// the URI says nothing of lanes, noise and stepper, an emulator without a profile gets noise_planes=yes and up to 512
/// lanes, which is many times faster; else up to 64 lanes.
Device open_for_runs(const DeviceChoice& choice, const network::Network& network, std::uint32_t runs);

}  // namespace heatbath::apps
