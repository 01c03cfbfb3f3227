#include "link/link_transport.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <system_error>
#include <utility>

#include "heatbath/error.hpp"
#include "link/etherbone_transport.hpp"
#include "link/link_uri.hpp"
#include "link/recording.hpp"
#include "link/remote_transport.hpp"
#include "link/uio_transport.hpp"

namespace heatbath {
namespace {

constexpr std::array schemes{"tcp", "unix", "shm", "etherbone", "uio", "record", "replay"};

/// A record is not written over what a file holds, unless the URI says so.
void refuse_existing(const LinkUri& record) {
  const std::string replace = record.get("replace", "no");
  if (replace != "yes" && replace != "no")
    throw Error(HB_BAD_ARG, "device URI '" + record.text + "': replace=" + replace + " is unknown; it is yes or no");
  std::error_code none;
  const std::filesystem::path file = record.address;
  if (replace == "yes" || !std::filesystem::is_regular_file(file, none) || std::filesystem::file_size(file, none) == 0)
    return;
  throw Error(HB_IO, "record " + record.address + ": there is such a file already; choose another name, or write it as record:" +
                         record.address + "?replace=yes&device=URI");
}

}  // namespace

const char* const link_schemes = "tcp, unix, shm, etherbone, uio, record, replay";

bool is_link_scheme(std::string_view scheme) {
  return std::any_of(schemes.begin(), schemes.end(), [&](const char* name) { return scheme == name; });
}

std::unique_ptr<Transport> open_link_transport(
    const std::string& uri, const std::function<std::unique_ptr<Transport>(const std::string&)>& open_inner) {
  const std::string_view scheme = scheme_of(uri);
  if (scheme == "etherbone") return std::make_unique<EtherboneTransport>(uri);
  if (scheme == "uio") return std::make_unique<UioTransport>(uri);
  if (scheme == "replay") return std::make_unique<ReplayTransport>(parse_link_uri(uri, {}).address);
  if (scheme == "record") {
    const LinkUri record = parse_link_uri(uri, {"device", "replace"});
    if (!record.keys.contains("device"))
      throw Error(HB_BAD_ARG, "device URI '" + uri + "': it names no device; write it as record:FILE?device=URI");
    std::unique_ptr<Transport> device = open_inner(record.get("device"));
    refuse_existing(record);
    return std::make_unique<RecordTransport>(std::move(device), record.address);
  }
  return std::make_unique<RemoteTransport>(uri);
}

std::unique_ptr<Transport> open_link_transport(const std::string& uri) {
  const std::string_view scheme = scheme_of(uri);
  if (!is_link_scheme(scheme))
    throw Error(HB_BAD_ARG, "device URI '" + uri + "': scheme '" + std::string(scheme) + "' is no link; there are " + link_schemes);
  return open_link_transport(uri, [](const std::string& inner) { return open_link_transport(inner); });
}

}  // namespace heatbath
