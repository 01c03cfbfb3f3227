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

namespace heatbath {
namespace {

constexpr std::array func_keys{"profile", "cells", "lanes", "seed", "threads"};
constexpr std::array later_schemes{"tlm", "tcp", "unix", "shm", "uio", "etherbone", "record", "replay"};

std::unique_ptr<Transport> open_functional(const Uri& uri) {
  for (const auto& [key, value] : uri.keys) {
    if (std::find(func_keys.begin(), func_keys.end(), key) == func_keys.end())
      throw Error(HB_BAD_ARG, "device URI: key '" + key + "' is unknown; func: has profile, cells, lanes, seed, threads");
  }
  const auto value_of = [&](const char* key) {
    const auto at = uri.keys.find(key);
    return at == uri.keys.end() ? std::string{} : at->second;
  };
  const auto number = [&](const char* key, std::uint64_t lowest, std::uint64_t highest, std::uint64_t otherwise) {
    const std::string value = value_of(key);
    return value.empty() ? otherwise : parse_number(key, value, lowest, highest);
  };
  const std::string profile_key = value_of("profile").empty() ? "ideal" : value_of("profile");
  try {
    const model::Profile profile = model::load_profile(profile_key);
    model::ChipOptions options;
    options.cells = static_cast<std::uint32_t>(number("cells", 1, profile.cells_max, profile.cells));
    options.lanes = static_cast<std::uint32_t>(number("lanes", 1, profile.lanes_max, profile.lanes));
    options.seed = number("seed", 0, std::numeric_limits<std::uint64_t>::max(), options.seed);
    options.threads = static_cast<unsigned>(number("threads", 1, 1024, std::max(1u, std::thread::hardware_concurrency())));
    const std::string full = "func:profile=" + profile_key + "&cells=" + std::to_string(options.cells) +
                             "&lanes=" + std::to_string(options.lanes) + "&seed=" + std::to_string(options.seed) +
                             "&threads=" + std::to_string(options.threads);
    return std::make_unique<FunctionalTransport>(profile, options, full);
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, std::string("device URI: ") + wrong.what());
  } catch (const std::bad_alloc&) {
    throw Error(HB_OUT_OF_MEMORY, "device URI: this computer has not enough memory for the emulated chip; ask for fewer cells or lanes");
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
  if (uri.scheme == "func") return Device(open_functional(uri));
  if (std::find(later_schemes.begin(), later_schemes.end(), uri.scheme) != later_schemes.end())
    throw Error(HB_BAD_ARG, "device URI '" + chosen + "': this build has no backend for scheme '" + uri.scheme + "'; it has func");
  throw Error(HB_BAD_ARG, "device URI '" + chosen + "': scheme '" + uri.scheme + "' is unknown; this build has func");
}

}  // namespace heatbath
