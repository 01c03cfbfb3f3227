#include "apps/cli/emulator_for.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <string_view>

#include <fmt/format.h>

#include "files/atomic_file.hpp"
#include "files/temporary_name.hpp"
#include "heatbath/error.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {

namespace {

bool has_key(std::string_view uri, std::string_view key) {
  for (std::string_view rest = uri.substr(uri.find(':') + 1); !rest.empty();) {
    const std::string_view part = rest.substr(0, rest.find('&'));
    if (part.substr(0, part.find('=')) == key) return true;
    rest.remove_prefix(std::min(rest.size(), part.size() + 1));
  }
  return false;
}

/// A file that is removed again.
struct TemporaryFile {
  std::filesystem::path path = std::filesystem::temp_directory_path() / (temporary_name() + ".mtx");
  ~TemporaryFile() {
    std::error_code none;
    std::filesystem::remove(path, none);
  }
};

std::string graph_text(const network::Network& network) {
  std::string text = fmt::format("%%MatrixMarket matrix coordinate pattern symmetric\n{0} {0} {1}\n", network.cells(), network.couplings().size());
  for (const network::Edge& edge : network.couplings())
    text += fmt::format("{} {}\n", std::max(edge.i, edge.j) + 1, std::min(edge.i, edge.j) + 1);
  return text;
}

/// Whether p-bits of this network run as bits where noise comes in planes: a choice of speed alone, for such a device takes
/// all networks.
bool small_multiples(const network::Network& network) {
  if (network.kind() != CellKind::pbit || network.directed()) return false;
  double smallest = 0, largest = 0;
  for (const network::Edge& edge : network.couplings()) {
    const double size = std::abs(edge.value);
    if (size != 0 && (smallest == 0 || size < smallest)) smallest = size;
    largest = std::max(largest, size);
  }
  return smallest > 0 && largest <= 64 * smallest &&
         std::ranges::all_of(network.couplings(), [&](const network::Edge& edge) { return std::remainder(edge.value, smallest) == 0; });
}

std::string device_name(const std::string& uri) {
  if (!uri.empty()) return uri;
  const char* environment = std::getenv("HEATBATH_DEVICE");
  return environment && *environment != 0 ? environment : "func:";
}

bool is_emulator(std::string_view name) { return name.starts_with("func:") || name.starts_with("tlm:"); }

/// As open_for, of a URI.
Device opened(const std::string& uri, const network::Network& network, std::uint32_t lanes, bool two_ways) {
  std::string name = device_name(uri);
  if (is_emulator(name)) {
    const auto add = [&](std::string_view key, const std::string& value) {
      if (!has_key(name, key)) name += fmt::format("{}{}={}", name.ends_with(':') ? "" : "&", key, value);
    };
    add("cell", heatbath::name(network.kind()));
    if (network.states() > 1) add("states", std::to_string(network.states()));
    if (!has_key(name, "profile")) add("lanes", std::to_string(lanes));  // others may have a number of their own
    if (network.kind() != CellKind::overdamped && !has_key(name, "integer_sums")) name += "&integer_sums=no";  // which such cells have not
    if (two_ways) add("reciprocal", "no");
    const double cells = network.cells();
    const bool dense = network.couplings().empty() || static_cast<double>(network.couplings().size()) > 0.6 * cells * (cells - 1) / 2;
    if (has_key(name, "topology")) return open(name);
    if (dense) {
      add("cells", std::to_string(network.cells()));
      return open(name);
    }
    if (!has_key(name, "cells")) {
      const TemporaryFile graph;
      write_file(graph.path, graph_text(network));
      add("topology", graph.path.string());
      return open(name);
    }
  }
  return open(name);
}

}  // namespace

Device open_for(const DeviceChoice& choice, const network::Network& network, std::uint32_t lanes, bool two_ways) {
  Device device = opened(choice.uri, network, lanes, two_ways);
  correct_by(device, choice);
  return device;
}

Device open_for_runs(const DeviceChoice& choice, const network::Network& network, std::uint32_t runs) {
  const std::string name = device_name(choice.uri);
  const bool open_choice = is_emulator(name) && std::ranges::none_of(std::initializer_list<std::string_view>{"profile", "lanes", "noise", "noise_planes", "stepper", "integer_sums"},
                                                                     [&](std::string_view key) { return has_key(name, key); });
  if (runs < 64 || !open_choice || !small_multiples(network)) return open_for(choice, network, std::min(runs, 64u));
  DeviceChoice with_planes = choice;
  with_planes.uri = name + (name.ends_with(':') ? "" : "&") + "noise_planes=yes";
  return open_for(with_planes, network, std::min(runs, 512u));
}

}  // namespace heatbath::apps
