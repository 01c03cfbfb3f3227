#pragma once
// What a monitor looks at: the network that it programs, and where its cells stand in the picture.

#include <cstdint>
#include <string>
#include <vector>

#include "files/toml_program.hpp"
#include "heatbath/device.hpp"
#include "heatbath/network/network.hpp"
#include "monitor/graph_places.hpp"

namespace heatbath::monitor {

/// Where the cells stand: rows of `columns` cells, or of a ring and a graph each at a place of its own. A picture has at
/// most `most_shown` of them.
struct Layout {
  enum class Kind { image, grid, ring, graph, sample };
  static constexpr std::uint32_t most_shown = 16384;
  static constexpr std::uint32_t most_placed = 300;      ///< cells of a graph that are given places
  static constexpr std::uint32_t most_neighbours = 8;    ///< of a cell of such a graph, on average: of more no form is seen
  Kind kind = Kind::grid;
  std::uint32_t columns = 1, rows = 1;    ///< of the picture; of a ring the cells in one row
  std::vector<std::uint32_t> cells;       ///< shown, row by row; fewer than columns x rows: the last row ends early
  std::vector<Place> places = {};         ///< of all cells, of rings and graphs
};
const char* name(Layout::Kind kind);

/// A network with the temperature it begins with.
struct Scene {
  std::string source;  ///< the file, or what was chosen without one
  std::uint32_t cells = 0;
  apps::ParameterSet parameters;    ///< every one that the kind has; without temperature and gain
  std::vector<Coupling> couplings;  ///< the same as in parameters, pairs or (directed) both ways; empty above `most_listed`
  bool listed = true;               ///< whether `couplings` are all there are
  bool directed = false;
  double kT = 1, gain = 1;
  std::vector<float> initial;       ///< of all cells, or one value; empty: as found
  Layout layout;

  static constexpr std::size_t most_listed = 1u << 21;
};

/// The [network] of a program; its schedule and samples are not used. Throws Error(BAD_ARG, UNSUPPORTED) for what the
/// device cannot have.
Scene scene_of(const apps::TomlProgram& program, const Device& device);

/// Without a program: on a graph all its cells, neighbours that weakly want to agree; else 16 x 16 of them with
/// neighbours so coupled, or as many as the device has. Where the step can be chosen and is not a sweep, it becomes 0.01
/// time units: such cells bear it.
Scene usual_scene(Device& device);

/// The network in double, for laws and certificates: with gain and an added field. Only where `listed`, and of kinds
/// with an energy in network::Network.
network::Network network_of(const Scene& scene, CellKind kind, double gain, double field);

/// A program that shows the same at the same time.
struct Change {
  std::uint64_t tick = 0;  ///< of the array
  double kT = 0, gain = 0, field = 0;
};
/// TOML for `heatbath run` that repeats what a device did: its network, each change at its instant, and the end at
/// `tick`. Times in ticks become time units of `device`. `changes` begin with one at tick 0.
std::string repeating_program(const Scene& scene, const Device& device, const std::vector<Change>& changes,
                              std::uint64_t tick, std::uint32_t shots, std::uint64_t seed);

}  // namespace heatbath::monitor
