// The closed list of backends behind one URI.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <system_error>
#include <thread>

#include "functional_transport.hpp"
#include "heatbath/device.hpp"
#include "heatbath/numerics/text.hpp"
#include "link/link_transport.hpp"
#include "link/link_uri.hpp"
#include "open_transport.hpp"
#include "tlm_chip.hpp"
#include "uri.hpp"

namespace heatbath {
namespace {

constexpr std::array emulator_keys{"profile", "cells", "lanes", "seed", "threads"};

const char* emulators() { return heatbath_open_tlm != nullptr ? "func, tlm" : "func"; }

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
  for (const auto& [key, value] : uri.keys) {
    if (std::find(emulator_keys.begin(), emulator_keys.end(), key) != emulator_keys.end() || (timed && key == "timing"))
      continue;
    if (std::ranges::find(model::choice_names(), key) != model::choice_names().end()) continue;
    std::string known = "profile, cells, lanes, seed, threads";
    if (timed) known += ", timing";
    for (const std::string_view choice : model::choice_names()) known.append(", ").append(choice);
    throw Error(HB_BAD_ARG, "device URI: key " + numerics::quoted(key) + " is unknown; " + uri.scheme + ": has " + known);
  }
  const auto value_of = [&](const char* key) {
    const auto at = uri.keys.find(key);
    return at == uri.keys.end() ? std::string{} : at->second;
  };
  const auto number = [&](const char* key, std::uint64_t lowest, std::uint64_t highest, std::uint64_t otherwise) {
    const std::string value = value_of(key);
    return value.empty() ? otherwise : parse_number(key, value, lowest, highest);
  };
  Emulator emulator;
  emulator.profile_key = value_of("profile").empty() ? "ideal" : value_of("profile");
  for (const std::string_view choice : model::choice_names())
    if (const auto at = uri.keys.find(std::string(choice)); at != uri.keys.end()) emulator.choices.insert(*at);
  emulator.profile = model::load_profile(emulator.profile_key, emulator.choices);
  const model::Profile& profile = emulator.profile;
  model::ChipOptions& options = emulator.options;
  // Of a graph the chip says what is wrong.
  const std::uint64_t most_cells = profile.graph ? std::numeric_limits<std::uint32_t>::max() : profile.cells_max;
  options.cells = static_cast<std::uint32_t>(number("cells", 1, most_cells, profile.cells));
  options.lanes = static_cast<std::uint32_t>(number("lanes", 1, profile.lanes_max, profile.lanes));
  options.seed = number("seed", 0, std::numeric_limits<std::uint64_t>::max(), options.seed);
  options.threads =
      static_cast<unsigned>(number("threads", 1, 1024, std::max(1u, std::thread::hardware_concurrency())));
  const std::string timing = value_of("timing").empty() ? "lt" : value_of("timing");
  if (timing != "lt" && timing != "at")
    throw Error(HB_BAD_ARG,
                "device URI: timing=" + timing + " is unknown; it is lt (loosely timed) or at (approximately timed)");
  emulator.approximate = timing == "at";
  emulator.uri = uri.scheme + ":profile=" + emulator.profile_key + "&cells=" + std::to_string(options.cells) +
                 "&lanes=" + std::to_string(options.lanes) + "&seed=" + std::to_string(options.seed) +
                 "&threads=" + std::to_string(options.threads) + (timed ? "&timing=" + timing : "");
  for (const auto& [choice, value] : emulator.choices) emulator.uri.append("&").append(choice).append("=").append(value);
  return emulator;
}

std::unique_ptr<Transport> link_to(const Uri& uri) {
  const Emulator emulator = emulator_of(uri);
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

Uri functional_uri(const std::string& text) {
  Uri uri = parse_uri(text);
  if (uri.scheme != "func")
    throw Error(HB_BAD_ARG, "device URI '" + text + "': only func: can have its memory in a file");
  return uri;
}

}  // namespace

std::unique_ptr<Transport> open_transport(const std::string& text) {
  const std::string_view scheme = scheme_of(text);
  if (is_link_scheme(scheme)) return open_link_transport(text, open_transport);
  const Uri uri = parse_uri(text);
  if (uri.scheme == "func" || uri.scheme == "tlm") return guarded([&] { return link_to(uri); });
  throw Error(HB_BAD_ARG, "device URI '" + numerics::escaped(text, 400) + "': scheme " + numerics::quoted(uri.scheme) +
                              " is unknown; this build has " + emulators() + ", " + link_schemes);
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

}  // namespace heatbath
