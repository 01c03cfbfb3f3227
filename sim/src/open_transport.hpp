#pragma once
// The transport behind any device URI.

#include <memory>
#include <string>

#include "heatbath/transport.hpp"

namespace heatbath {

/// What open() hands to a Device; the same errors. `uri` is not empty.
std::unique_ptr<Transport> open_transport(const std::string& uri);

}  // namespace heatbath
