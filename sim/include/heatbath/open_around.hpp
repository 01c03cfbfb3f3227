#pragma once
// Any device by its URI, with a link of the caller's between driver and device.

#include <functional>
#include <memory>
#include <string_view>

#include "heatbath/device.hpp"

namespace heatbath {

/// Gets the link to a device and gives the one that the driver shall have: one of the caller's that passes calls on to it.
using AroundLink = std::function<std::unique_ptr<Transport>(std::unique_ptr<Transport> link)>;

/// open() of heatbath/open.hpp, to count or delay what passes between driver and device. A rack's devices are not wrapped:
/// `around` is not called. A link that is no Restorable makes jobs without checkpoints. The same errors.
Device open_around(std::string_view uri, const AroundLink& around);

}  // namespace heatbath
