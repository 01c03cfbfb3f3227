#include "solvers/src/ladder.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::solvers {

namespace {

TemperatureRange range_of(const SpinGraph& graph) {
  if (graph.largest_field() == 0) return {1, 1};
  TemperatureRange range{2 * graph.small_field() / std::log(100.0), 2 * graph.largest_field()};
  range.coldest = std::max({range.coldest, 0.05 * graph.typical_field(), 1e-4 * range.hottest});
  return range;
}

}  // namespace

TemperatureRange chosen_range(const SpinGraph& graph, double coldest, double hottest) {
  TemperatureRange range = range_of(graph);
  if (coldest != 0) range.coldest = coldest;
  if (hottest != 0) range.hottest = hottest;
  if (coldest != 0 && hottest == 0) range.hottest = std::max(range.hottest, range.coldest);
  if (hottest != 0 && coldest == 0) range.coldest = std::min(range.coldest, range.hottest);
  if (!(range.coldest > 0) || !(range.hottest >= range.coldest) || !std::isfinite(range.hottest))
    throw Error(HB_BAD_ARG, "solvers: temperatures from " + numerics::general(range.coldest, 4) + " to " +
                                numerics::general(range.hottest, 4) + "; the coldest is above 0 and no warmer than the hottest");
  return range;
}

TemperatureRange temperature_range(const network::Network& network) { return range_of(SpinGraph(network)); }

std::vector<double> equal_refusal(std::span<const double> ladder, std::span<const double> rates) {
  std::vector<double> moved(ladder.begin(), ladder.end());
  std::vector<double> sum{0};
  for (const double rate : rates) sum.push_back(sum.back() + std::max(rate, 1e-3));  // rising: a ladder has no two equal steps
  if (std::ranges::all_of(rates, [](double rate) { return rate == 0; })) return moved;
  for (std::size_t t = 1, k = 0; t + 1 < ladder.size(); ++t) {
    const double wanted = sum.back() * static_cast<double>(t) / static_cast<double>(rates.size());
    while (sum[k + 1] < wanted) ++k;
    const double part = (wanted - sum[k]) / (sum[k + 1] - sum[k]);
    moved[t] = 1 / ((1 - part) / ladder[k] + part / ladder[k + 1]);
  }
  return moved;
}

}  // namespace heatbath::solvers
