#include "monitor/graph_places.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <numbers>
#include <utility>

namespace heatbath::monitor {

namespace {

using Point = std::array<double, 2>;

/// Couplings between each pair of cells: cells x cells; of two parts one more than the longest way in any.
std::vector<double> distances(std::uint32_t cells, const std::vector<Coupling>& couplings) {
  std::vector<std::vector<std::uint32_t>> neighbours(cells);
  for (const Coupling& one : couplings) {
    neighbours[one.i].push_back(one.j);
    neighbours[one.j].push_back(one.i);
  }
  constexpr double apart = -1;
  std::vector<double> ways(std::size_t{cells} * cells, apart);
  double longest = 1;
  for (std::uint32_t from = 0; from < cells; ++from) {
    double* const row = &ways[std::size_t{from} * cells];
    row[from] = 0;
    for (std::deque<std::uint32_t> next{from}; !next.empty(); next.pop_front())
      for (const std::uint32_t to : neighbours[next.front()])
        if (row[to] == apart) {
          row[to] = row[next.front()] + 1;
          longest = std::max(longest, row[to]);
          next.push_back(to);
        }
  }
  std::ranges::replace(ways, apart, longest + 1);
  return ways;
}

/// Moves each point in turn to where the weighted stress of its pairs is least majorized; the stress at the end.
double relax(std::vector<Point>& points, const std::vector<double>& ways) {
  constexpr int sweeps = 150;
  const std::size_t n = points.size();
  double stress = 0;
  for (int sweep = 0; sweep < sweeps; ++sweep) {
    stress = 0;
    for (std::size_t i = 0; i < n; ++i) {
      double weights = 0;
      Point to{};
      for (std::size_t j = 0; j < n; ++j) {
        if (i == j) continue;
        const double way = ways[i * n + j], weight = 1 / (way * way);
        const double dx = points[i][0] - points[j][0], dy = points[i][1] - points[j][1];
        const double distance = std::max(std::hypot(dx, dy), 1e-9);
        to[0] += weight * (points[j][0] + way * dx / distance);
        to[1] += weight * (points[j][1] + way * dy / distance);
        weights += weight;
        stress += weight * (distance - way) * (distance - way);
      }
      if (weights > 0) points[i] = {to[0] / weights, to[1] / weights};
    }
  }
  return stress;
}

/// By the distances to two pairs of cells that are far from each other. A little off, each in another direction, so that no two
/// begin at the same place.
std::vector<Point> pivots(std::uint32_t cells, const std::vector<double>& ways) {
  const auto farthest = [&](auto&& far) {
    std::uint32_t best = 0;
    for (std::uint32_t cell = 1; cell < cells; ++cell)
      if (far(cell) > far(best)) best = cell;
    return best;
  };
  const auto way = [&](std::uint32_t i, std::uint32_t j) { return ways[std::size_t{i} * cells + j]; };
  const std::uint32_t a = farthest([&](std::uint32_t cell) { return way(0, cell); });
  const std::uint32_t b = farthest([&](std::uint32_t cell) { return way(a, cell); });
  const std::uint32_t c = farthest([&](std::uint32_t cell) { return way(a, cell) + way(b, cell) - std::fabs(way(a, cell) - way(b, cell)); });
  const std::uint32_t d = farthest([&](std::uint32_t cell) { return way(c, cell); });
  std::vector<Point> points(cells);
  for (std::uint32_t cell = 0; cell < cells; ++cell) {
    const double turn = 2 * std::numbers::pi * std::numbers::phi * cell;
    points[cell] = {way(a, cell) - way(b, cell) + 0.1 * std::cos(turn), way(c, cell) - way(d, cell) + 0.1 * std::sin(turn)};
  }
  return points;
}

}  // namespace

std::vector<Place> circle_places(std::uint32_t cells) {
  std::vector<Place> places(cells);
  for (std::uint32_t cell = 0; cell < cells; ++cell) {
    const double turn = 2 * std::numbers::pi * cell / cells;
    places[cell] = {static_cast<float>(0.5 + 0.5 * std::sin(turn)), static_cast<float>(0.5 - 0.5 * std::cos(turn))};
  }
  return places;
}

std::vector<Place> graph_places(std::uint32_t cells, const std::vector<Coupling>& couplings) {
  const std::vector<double> ways = distances(cells, couplings);
  std::vector<Point> points = pivots(cells, ways), others(cells);
  const std::vector<Place> circle = circle_places(cells);
  const double radius = *std::ranges::max_element(ways);
  for (std::uint32_t cell = 0; cell < cells; ++cell) others[cell] = {radius * circle[cell][0], radius * circle[cell][1]};
  if (relax(others, ways) < relax(points, ways)) std::swap(points, others);
  std::vector<Place> places(cells);
  for (const std::size_t axis : {0u, 1u}) {
    const auto [low, high] = std::ranges::minmax_element(points, {}, [axis](const Point& point) { return point[axis]; });
    const double first = (*low)[axis], width = (*high)[axis] - first;
    for (std::uint32_t cell = 0; cell < cells; ++cell)
      places[cell][axis] = static_cast<float>(width > 1e-6 ? (points[cell][axis] - first) / width : 0.5);
  }
  return places;
}

}  // namespace heatbath::monitor
