#pragma once
// The transport behind any device URI.

#include <memory>
#include <string>
#include <string_view>

#include "heatbath/transport.hpp"

namespace heatbath {

/// The URI itself; when it is empty, the environment's, else `func:`.
std::string uri_or_default(std::string_view uri);

/// What open() hands to a Device; the same errors. `uri` is not empty.
std::unique_ptr<Transport> open_transport(const std::string& uri);

}  // namespace heatbath
