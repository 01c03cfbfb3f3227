#pragma once
// The closed list of links behind one URI.

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "heatbath/transport.hpp"

namespace heatbath {

/// Schemes of the links, for messages.
extern const char* const link_schemes;

bool is_link_scheme(std::string_view scheme);

/// The transport of a URI whose scheme is a link's; `open_inner` opens the device whose session is recorded. Throws
/// Error(BAD_ARG) that lists keys and values; otherwise what the transports throw.
std::unique_ptr<Transport> open_link_transport(
    const std::string& uri, const std::function<std::unique_ptr<Transport>(const std::string&)>& open_inner);

/// The same for hosts that link no emulator: what is recorded must be behind a link, too. Error(BAD_ARG) that lists the
/// links for another scheme.
std::unique_ptr<Transport> open_link_transport(const std::string& uri);

}  // namespace heatbath
