// The closed list of backends behind one URI.

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "functional_transport.hpp"
#include "heatbath/numerics/nearest_word.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/open.hpp"
#include "heatbath/open_around.hpp"
#include "heatbath/rack.hpp"
#include "heatbath/rack_file.hpp"
#include "link/scheme.hpp"
#include "open_transport.hpp"
#include "ranks_link.hpp"
#include "rtl_chip.hpp"
#include "tlm_chip.hpp"

namespace heatbath {
namespace {

/// An emulator as its URI describes it.
struct Emulator {
  std::string profile_key;
  model::Choices choices;
  model::Profile profile;
  model::ChipOptions options;
  bool approximate = false;  // timing=at
  std::string uri;           // with all keys
};

Emulator emulator_of(const Uri& uri) {
  const bool timed = uri.scheme == "tlm";
  Emulator emulator;
  emulator.profile_key = uri.get("profile", "ideal");
  for (const std::string_view choice : model::choice_names())
    if (const auto at = uri.keys.find(std::string(choice)); at != uri.keys.end()) emulator.choices.insert(*at);
  emulator.profile = model::load_profile(emulator.profile_key, emulator.choices);
  const model::Profile& profile = emulator.profile;
  model::ChipOptions& options = emulator.options;
  // Of a graph the chip says what is wrong.
  const std::uint64_t most_cells = profile.graph ? std::numeric_limits<std::uint32_t>::max() : profile.cells_max;
  options.cells = static_cast<std::uint32_t>(uri.number("cells", 1, most_cells, profile.cells));
  options.lanes = static_cast<std::uint32_t>(uri.number("lanes", 1, profile.lanes_max, profile.lanes));
  options.seed = uri.number("seed", 0, std::numeric_limits<std::uint64_t>::max(), options.seed);
  options.threads =
      static_cast<unsigned>(uri.number("threads", 1, 1024, std::max(1u, std::thread::hardware_concurrency())));
  const std::string timing = uri.get("timing", "lt");
  if (timing != "lt" && timing != "at")
    throw Error(HB_BAD_ARG,
                "device URI: timing=" + timing + " is unknown; it is lt (loosely timed) or at (approximately timed)");
  emulator.approximate = timing == "at";
  emulator.uri = uri.scheme + ":profile=" + emulator.profile_key + "&cells=" + std::to_string(options.cells) +
                 "&lanes=" + std::to_string(options.lanes) + "&seed=" + std::to_string(options.seed) +
                 (uri.scheme == "mpi" ? "" : "&threads=" + std::to_string(options.threads)) +
                 (timed ? "&timing=" + timing : "");
  for (const auto& [choice, value] : emulator.choices) emulator.uri.append("&").append(choice).append("=").append(value);
  return emulator;
}

std::unique_ptr<Transport> link_to(const Uri& uri) {
  const Emulator emulator = emulator_of(uri);
  if (uri.scheme == "mpi") {
    if (heatbath_open_ranks == nullptr)
      throw Error(HB_BAD_ARG, "device URI: this program has no MPI, which mpi: needs; build it where MPI is (Debian's "
                              "package libopenmpi-dev, HEATBATH_MPI=ON), or use func:");
    return std::unique_ptr<Transport>(heatbath_open_ranks(emulator.profile, emulator.options, emulator.uri));
  }
  if (uri.scheme == "func")
    return std::make_unique<FunctionalTransport>(emulator.profile, emulator.options, emulator.uri);
  if (heatbath_open_tlm == nullptr)
    throw Error(HB_BAD_ARG,
                "device URI: this program has no SystemC, which tlm: needs; link it with heatbath::tlm, which a build "
                "with libsystemc-dev has (HEATBATH_SYSTEMC=ON), or use func:");
  return std::unique_ptr<Transport>(heatbath_open_tlm({emulator.profile_key, emulator.options, emulator.approximate,
                                                       emulator.choices, emulator.profile.memory_bytes, emulator.uri}));
}

/// Runs open(), with what the model throws as the driver's errors.
template <typename Open>
auto guarded(Open&& open) {
  try {
    return open();
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, std::string("device URI: ") + wrong.what());
  } catch (const std::bad_alloc&) {
    throw Error(HB_OUT_OF_MEMORY,
                "device URI: this computer has not enough memory for the emulated chip; ask for fewer cells or lanes");
  } catch (const std::system_error& failure) {
    throw Error(HB_OUT_OF_MEMORY, std::string("device URI: this computer refuses what the emulated chip needs: ") +
                                      failure.what());
  }
}

std::unique_ptr<Transport> open_emulator(const Uri& uri, const OpenInner&) {
  return guarded([&] { return link_to(uri); });
}

/// The chip in Verilog. Its figures are those of the profile that it is compared with.
std::unique_ptr<Transport> open_rtl(const Uri& uri, const OpenInner&) {
  return guarded([&] {
    const model::Profile profile = model::load_profile("fpga-pbit");
    RtlChip chip;
    chip.cells = static_cast<std::uint32_t>(uri.number("cells", 1, profile.cells_max, profile.cells));
    chip.seed = uri.number("seed", 0, std::numeric_limits<std::uint64_t>::max(), 1);
    chip.serial = uri.number("chip", 0, std::numeric_limits<std::int64_t>::max(), profile.serial);
    chip.uri = "rtl:cells=" + std::to_string(chip.cells) + "&seed=" + std::to_string(chip.seed) +
               "&chip=" + std::to_string(chip.serial);
    if (heatbath_open_rtl == nullptr)
      throw Error(HB_BAD_ARG, "device URI: this program has no Verilog, which rtl: needs; build it where Verilator is "
                              "(Debian's package verilator, HEATBATH_RTL=ON), or use func:profile=fpga-pbit");
    return std::unique_ptr<Transport>(heatbath_open_rtl(chip));
  });
}

/// The devices that a rack's file lists, as one.
std::unique_ptr<Transport> open_rack(const Uri& rack, const OpenInner& open_inner) {
  const RackFile file = read_rack_file(rack.address);
  std::vector<RackDevice> devices;
  for (const RackFile::Server& server : file.devices) {
    if (scheme_of(server.uri) == "rack")
      throw Error(HB_BAD_ARG, rack.address + ": device '" + server.uri + "' is a rack; list its devices instead");
    std::string uri = server.uri;
    if (!server.token_file.empty()) {
      const std::filesystem::path token = std::filesystem::path(rack.address).parent_path() / server.token_file;
      uri += (uri.find('?') == std::string::npos ? "?token_file=" : "&token_file=") + token.string();
    }
    devices.push_back({server.uri, server.weight, [uri, open_inner] { return open_inner(uri); }});
  }
  return make_rack(std::move(devices), {rack.text, file.mixed, file.incomplete});
}

Uri functional_uri(const std::string& text) {
  const Scheme& func = device_schemes().front();
  if (scheme_of(text) != func.name)
    throw Error(HB_BAD_ARG, "device URI '" + text + "': only func: can have its memory in a file");
  return parse_uri(text, func.address, func.keys);
}

}  // namespace

const std::vector<Scheme>& device_schemes() {
  static const std::vector<Scheme> schemes = [] {
    std::vector<std::string_view> keys{"profile", "cells", "lanes", "seed", "threads"}, timed = keys, ranked = keys;
    ranked.pop_back();
    timed.push_back("timing");
    const auto& choices = model::choice_names();
    keys.insert(keys.end(), choices.begin(), choices.end());
    timed.insert(timed.end(), choices.begin(), choices.end());
    ranked.insert(ranked.end(), choices.begin(), choices.end());
    std::vector<Scheme> all{{"func", UriAddress::none, keys, Reopened::fresh, open_emulator},
                            {"tlm", UriAddress::none, timed, Reopened::once, open_emulator},
                            {"rtl", UriAddress::none, {"cells", "seed", "chip"}, Reopened::fresh, open_rtl},
                            {"mpi", UriAddress::none, ranked, Reopened::fresh, open_emulator}};
    all.insert(all.end(), link_schemes().begin(), link_schemes().end());
    all.push_back({"rack", UriAddress::name, {}, Reopened::fresh, open_rack});
    return all;
  }();
  return schemes;
}

std::unique_ptr<Transport> open_transport(const std::string& text) {
  const std::string_view name = scheme_of(text);
  if (name.empty())
    throw Error(HB_BAD_ARG, "device URI '" + numerics::escaped(text, 400) +
                                "': no scheme; write it as func:profile=ideal&cells=64");
  const Scheme* const scheme = find_scheme(device_schemes(), name);
  if (scheme == nullptr) {
    std::vector<Scheme> here = device_schemes();
    if (heatbath_open_tlm == nullptr) std::erase_if(here, [](const Scheme& one) { return one.reopened == Reopened::once; });
    if (heatbath_open_ranks == nullptr) std::erase_if(here, [](const Scheme& one) { return one.name == "mpi"; });
    if (heatbath_open_rtl == nullptr) std::erase_if(here, [](const Scheme& one) { return one.open == open_rtl; });
    std::vector<std::string_view> names;
    for (const Scheme& one : here) names.push_back(one.name);
    throw Error(HB_BAD_ARG, "device URI '" + numerics::escaped(text, 400) + "': scheme " + numerics::quoted(name) +
                                " is unknown" + numerics::did_you_mean(name, names) + "; this build has " + names_of(here));
  }
  return scheme->open(parse_uri(text, scheme->address, scheme->keys), open_transport);
}

std::string uri_or_default(std::string_view uri) {
  if (!uri.empty()) return std::string(uri);
  const char* environment = std::getenv("HEATBATH_DEVICE");
  return environment != nullptr && *environment != '\0' ? environment : "func:";
}

std::unique_ptr<Transport> open_with_memory(const std::string& text, int file, std::uint64_t offset) {
  const Uri uri = functional_uri(text);
  return guarded([&] {
    Emulator emulator = emulator_of(uri);
    emulator.options.memory_file = file;
    emulator.options.memory_offset = offset;
    return std::make_unique<FunctionalTransport>(emulator.profile, emulator.options, emulator.uri);
  });
}

EmulatedWindows emulated_windows(const std::string& text) {
  const Uri uri = functional_uri(text);
  return guarded([&] {
    const model::Profile profile = emulator_of(uri).profile;
    return EmulatedWindows{profile.memory_bytes, profile.topology_bytes()};
  });
}

Device open(std::string_view uri) { return Device(open_transport(uri_or_default(uri))); }

Device open_around(std::string_view uri, const AroundLink& around) {
  const std::string text = uri_or_default(uri);
  std::unique_ptr<Transport> link = open_transport(text);
  return Device(scheme_of(text) == "rack" ? std::move(link) : around(std::move(link)));
}

}  // namespace heatbath
