#include "heatbath/solvers/planted.hpp"

#include <algorithm>
#include <array>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"
#include "solvers/src/spin_runs.hpp"

namespace heatbath::solvers {

namespace {

constexpr std::uint64_t planted_stream = 0x91A47ED5EEDULL;  // other numbers than those of searches with the same seed

Planted with_energy(network::Network network, std::vector<float> state) {
  const double energy = network.energy(std::span<const float>(state));
  return {std::move(network), std::move(state), energy};
}

}  // namespace

Planted wishart(std::uint32_t cells, std::uint32_t columns, std::uint64_t seed) {
  if (cells < 2 || cells > 8192 || columns == 0 || columns > 65536)
    throw Error(HB_BAD_ARG, "wishart: " + std::to_string(cells) + " cells and " + std::to_string(columns) + " columns; 2 to 8192 cells, 1 to 65536 columns");
  numerics::RandomStream random(numerics::split_mix(seed ^ planted_stream));
  std::vector<float> state = random_spins(random.word(), cells);
  std::vector<double> couplings(std::size_t{cells} * cells, 0.0), column(cells);
  for (std::uint32_t m = 0; m < columns; ++m) {
    double along = 0;
    for (std::uint32_t i = 0; i < cells; ++i) column[i] = random.normal(), along += column[i] * static_cast<double>(state[i]) / cells;
    for (std::uint32_t i = 0; i < cells; ++i) column[i] -= along * static_cast<double>(state[i]);
    for (std::uint32_t i = 0; i < cells; ++i)
      for (std::uint32_t k = 0; k < i; ++k) couplings[std::size_t{i} * cells + k] += column[i] * column[k] / cells;
  }
  std::vector<network::Edge> edges;
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t k = 0; k < i; ++k) edges.push_back({k, i, couplings[std::size_t{i} * cells + k]});
  network::Network network(CellKind::pbit, cells);
  network.set_couplings(edges);
  return with_energy(std::move(network), std::move(state));
}

Planted tiles(std::uint32_t side, double weak, std::uint64_t seed) {
  if (side < 4 || side % 2 != 0 || side > 4096 || !(weak >= 0 && weak <= 1))
    throw Error(HB_BAD_ARG, "tiles: side " + std::to_string(side) + " and probability " + std::to_string(weak) + "; an even side from 4 to 4096, a probability from 0 to 1");
  numerics::RandomStream random(numerics::split_mix(seed ^ planted_stream));
  const std::uint32_t cells = side * side;
  std::vector<float> state = random_spins(random.word(), cells);
  std::vector<network::Edge> edges;
  for (std::uint32_t y = 0; y < side; ++y)
    for (std::uint32_t x = y % 2; x < side; x += 2) {
      const std::uint32_t right = (x + 1) % side, below = (y + 1) % side;
      const std::array<std::uint32_t, 4> corner{y * side + x, y * side + right, below * side + right, below * side + x};
      const auto violated = static_cast<std::uint32_t>(4 * random.uniform());
      for (std::uint32_t e = 0; e < 4; ++e) {
        const std::uint32_t i = corner[e], j = corner[(e + 1) % 4];
        const double size = e == violated ? -1.0 : random.uniform() < weak ? 1.0 : 2.0;
        edges.push_back({i, j, -size * static_cast<double>(state[i] * state[j])});
      }
    }
  network::Network network(CellKind::pbit, cells);
  network.set_couplings(edges);
  return with_energy(std::move(network), std::move(state));
}

network::Network sign_glass(std::uint32_t dimensions, std::uint32_t side, std::uint64_t seed) {
  if (dimensions < 2 || dimensions > 3 || side < 3 || side > 64)
    throw Error(HB_BAD_ARG, "glass: side " + std::to_string(side) + " in " + std::to_string(dimensions) + " dimensions; 3 to 64 in 2 or 3");
  numerics::RandomStream random(numerics::split_mix(seed ^ planted_stream));
  const std::uint32_t cells = dimensions == 2 ? side * side : side * side * side;
  std::vector<network::Edge> edges;
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t d = 0, apart = 1; d < dimensions; ++d, apart *= side) {
      const std::uint32_t next = i / apart % side + 1 == side ? i - (side - 1) * apart : i + apart;
      edges.push_back({i, next, random.uniform() < 0.5 ? -1.0 : 1.0});
    }
  network::Network network(CellKind::pbit, cells);
  return network.set_aligning(edges);
}

}  // namespace heatbath::solvers
