#pragma once
// The schemes of device URIs, one row for each: those of links are here, those of emulators in sim/.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/transport.hpp"
#include "link/uri.hpp"

namespace heatbath {

/// The state of a device that is opened a second time.
enum class Reopened : std::uint8_t {
  fresh,  ///< a device as after power-on
  used,   ///< the device as it was left
  once,   ///< in the same process an error: a process opens it once
  anew,   ///< opening again would overwrite what the first opening made (a record)
};

/// Opens the device that stands in a URI as the value of its key `device`.
using OpenInner = std::function<std::unique_ptr<Transport>(const std::string& uri)>;

struct Scheme {
  std::string_view name;
  UriAddress address = UriAddress::name;
  std::vector<std::string_view> keys;
  Reopened reopened = Reopened::used;
  /// Opens the device of a URI of this scheme. Throws what its transport throws.
  std::unique_ptr<Transport> (*open)(const Uri& uri, const OpenInner& open_inner) = nullptr;
};

/// The links, in the order in which messages list them.
const std::vector<Scheme>& link_schemes();

/// The row of a name; null when there is none.
const Scheme* find_scheme(std::span<const Scheme> schemes, std::string_view name);
/// "tcp, unix, ..."
std::string names_of(std::span<const Scheme> schemes);

/// The transport of a link for hosts that have no emulator: what is recorded must be behind a link, too. Throws
/// Error(BAD_ARG) that lists schemes or keys; otherwise what the transports throw.
std::unique_ptr<Transport> open_link_transport(const std::string& uri);

}  // namespace heatbath
