#include "link_transport.hpp"

#include <algorithm>
#include <array>

#include "heatbath/device.hpp"
#include "heatbath/error.hpp"
#include "link_uri.hpp"
#include "remote_transport.hpp"

namespace heatbath {
namespace {

constexpr std::array served{"tcp", "unix", "shm"};

template <std::size_t count>
bool holds(const std::array<const char*, count>& names, std::string_view scheme) {
  return std::any_of(names.begin(), names.end(), [&](const char* name) { return scheme == name; });
}

std::unique_ptr<Transport> open_link_only(const std::string& uri) {
  const std::string_view scheme = scheme_of(uri);
  if (!is_link_scheme(scheme))
    throw Error(HB_BAD_ARG, "device URI '" + uri + "': scheme '" + std::string(scheme) + "' is no link; there are " + link_schemes);
  return open_link_transport(uri, open_link_only);
}

}  // namespace

const char* const link_schemes = "tcp, unix, shm";

bool is_link_scheme(std::string_view scheme) { return holds(served, scheme); }

std::unique_ptr<Transport> open_link_transport(
    const std::string& uri, const std::function<std::unique_ptr<Transport>(const std::string&)>&) {
  return std::make_unique<RemoteTransport>(uri);
}

Device open_link(std::string_view uri) { return Device(open_link_only(std::string(uri))); }

}  // namespace heatbath
