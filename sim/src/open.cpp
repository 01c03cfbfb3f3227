// The closed list of backends behind one URI.

#include <algorithm>
#include <array>
#include <cstdlib>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <thread>

#include "functional_transport.hpp"
#include "heatbath/device.hpp"
#include "uri.hpp"
#ifdef HEATBATH_HAS_SYSTEMC
#include "tlm_transport.hpp"
#endif

namespace heatbath {
namespace {

constexpr std::array emulator_keys{"profile", "cells", "lanes", "seed", "threads"};
#ifdef HEATBATH_HAS_SYSTEMC
constexpr const char* built_schemes = "func, tlm";
#else
constexpr const char* built_schemes = "func";
#endif
constexpr std::array later_schemes{"tcp", "unix", "shm", "uio", "etherbone", "record", "replay"};

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
    throw Error(HB_BAD_ARG, "device URI: key '" + key + "' is unknown; " + uri.scheme + ": has " + known);
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
  options.cells = static_cast<std::uint32_t>(number("cells", 1, profile.cells_max, profile.cells));
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
#ifdef HEATBATH_HAS_SYSTEMC
  const model::ChipOptions& options = emulator.options;
  const systemc::HostChip chip{emulator.profile_key, options.cells,        options.lanes,   options.seed,
                               options.threads,      emulator.approximate, emulator.choices};
  return std::make_unique<TlmTransport>(chip, emulator.profile.memory_bytes, emulator.uri);
#else
  throw Error(HB_BAD_ARG,
              "device URI: this build has no SystemC, which tlm: needs; install libsystemc-dev and configure "
              "the build again with HEATBATH_SYSTEMC=ON, or use func:");
#endif
}

std::unique_ptr<Transport> open_emulator(const Uri& uri) {
  try {
    return link_to(uri);
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, std::string("device URI: ") + wrong.what());
  } catch (const std::bad_alloc&) {
    throw Error(HB_OUT_OF_MEMORY,
                "device URI: this computer has not enough memory for the emulated chip; ask for fewer cells or lanes");
  }
}

}  // namespace

Device open(std::string_view text) {
  std::string chosen(text);
  if (chosen.empty()) {
    const char* environment = std::getenv("HEATBATH_DEVICE");
    chosen = environment != nullptr && *environment != '\0' ? environment : "func:";
  }
  const Uri uri = parse_uri(chosen);
  if (uri.scheme == "func" || uri.scheme == "tlm") return Device(open_emulator(uri));
  if (std::find(later_schemes.begin(), later_schemes.end(), uri.scheme) != later_schemes.end())
    throw Error(HB_BAD_ARG, "device URI '" + chosen + "': this build has no backend for scheme '" + uri.scheme +
                                "'; it has " + built_schemes);
  throw Error(HB_BAD_ARG,
              "device URI '" + chosen + "': scheme '" + uri.scheme + "' is unknown; this build has " + built_schemes);
}

}  // namespace heatbath
