#include "link/scheme.hpp"

#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "link/etherbone_transport.hpp"
#include "link/faulty_link.hpp"
#include "link/recording.hpp"
#include "link/remote_transport.hpp"
#include "link/uio_transport.hpp"

namespace heatbath {
namespace {

/// Refuses to overwrite an existing file with a record, unless the URI has replace=yes.
void refuse_existing(const Uri& record) {
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

std::unique_ptr<Transport> open_record(const Uri& record, const OpenInner& open_inner) {
  if (!record.keys.contains("device"))
    throw Error(HB_BAD_ARG, "device URI '" + record.text + "': it names no device; write it as record:FILE?device=URI");
  if (scheme_of(record.get("device")) == "rack")
    throw Error(HB_BAD_ARG, "device URI '" + record.text + "': a rack has no registers whose accesses could be recorded; record its "
                                "devices one by one");
  std::unique_ptr<Transport> device = open_inner(record.get("device"));
  refuse_existing(record);
  return std::make_unique<RecordTransport>(std::move(device), record.address);
}

std::unique_ptr<Transport> open_faulty(const Uri& faulty, const OpenInner& open_inner) {
  if (!faulty.keys.contains("device"))
    throw Error(HB_BAD_ARG, "device URI '" + faulty.text + "': it names no device; write it as faulty:KIND@FRAME?device=URI");
  return std::make_unique<FaultyLink>(open_inner(faulty.get("device")), faulty.address, faulty.number("retries", 0, 100, 0));
}

template <typename Link>
std::unique_ptr<Transport> open_one(const Uri& uri, const OpenInner&) {
  return std::make_unique<Link>(uri);
}

std::unique_ptr<Transport> open_replay(const Uri& uri, const OpenInner&) {
  return std::make_unique<ReplayTransport>(uri.address);
}

}  // namespace

const std::vector<Scheme>& link_schemes() {
  static const std::vector<std::string_view> served{"token_file", "link_timeout_ms", "queue_timeout_ms"};
  static const std::vector<Scheme> schemes{
      {"tcp", UriAddress::host, served, Reopened::fresh, open_one<RemoteTransport>},
      {"unix", UriAddress::name, served, Reopened::fresh, open_one<RemoteTransport>},
      {"shm", UriAddress::name, served, Reopened::fresh, open_one<RemoteTransport>},
      {"etherbone", UriAddress::host,
       {"base", "burst", "records", "in_flight", "local_port", "link_timeout_ms", "queue_timeout_ms"},
       Reopened::used, open_one<EtherboneTransport>},
      {"uio", UriAddress::name, {"memory", "link_timeout_ms"}, Reopened::used, open_one<UioTransport>},
      {"record", UriAddress::name, {"device", "replace"}, Reopened::anew, open_record},
      {"replay", UriAddress::name, {}, Reopened::fresh, open_replay},
      {"faulty", UriAddress::name, {"device", "retries"}, Reopened::fresh, open_faulty},
  };
  return schemes;
}

const Scheme* find_scheme(std::span<const Scheme> schemes, std::string_view name) {
  const auto found = std::ranges::find(schemes, name, &Scheme::name);
  return found == schemes.end() ? nullptr : &*found;
}

std::string names_of(std::span<const Scheme> schemes) {
  std::string names;
  for (const Scheme& scheme : schemes) names.append(names.empty() ? "" : ", ").append(scheme.name);
  return names;
}

std::unique_ptr<Transport> open_link_transport(const std::string& text) {
  const Scheme* const scheme = find_scheme(link_schemes(), scheme_of(text));
  if (scheme == nullptr)
    throw Error(HB_BAD_ARG, "device URI '" + numerics::escaped(text, 400) + "': scheme '" +
                                numerics::escaped(scheme_of(text), 400) + "' is no link; there are " +
                                names_of(link_schemes()));
  return scheme->open(parse_uri(text, scheme->address, scheme->keys), open_link_transport);
}

}  // namespace heatbath
