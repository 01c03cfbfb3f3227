#include "apps/cli/emulator_for.hpp"

#include <algorithm>
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

/// As open_for, of a URI.
Device opened(const std::string& uri, const network::Network& network, std::uint32_t lanes, bool two_ways) {
  std::string name = uri;
  if (name.empty())
    if (const char* environment = std::getenv("HEATBATH_DEVICE")) name = environment;
  if (name.empty()) name = "func:";
  if (name.starts_with("func:") || name.starts_with("tlm:")) {
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

}  // namespace heatbath::apps
