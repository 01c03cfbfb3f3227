#include "bench/systems.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "hw_model/physics/graph.hpp"

namespace heatbath::bench {

using physics::Parameters;

Parameters uncoupled(std::uint32_t cells) {
  Parameters p;
  p.j2.assign(cells, 1.0f);
  p.j4.assign(cells, 0.25f);
  p.bias.assign(cells, 0.0f);
  p.kT = 1.0f;
  p.couplings = std::make_shared<const physics::Couplings>(cells);
  return p;
}

Parameters dense(std::uint32_t cells, bool codes) {
  Parameters p = uncoupled(cells);
  std::vector<float> matrix(std::size_t{cells} * cells, 0.0f);
  const physics::CodeGrid grid{8, static_cast<float>(1.0 / std::sqrt(static_cast<double>(cells)))};
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t k = 0; k < i; ++k) {
      const double code = std::rint(127.0 * std::sin(0.37 * i * k + i + k));
      matrix[std::size_t{i} * cells + k] = matrix[std::size_t{k} * cells + i] = static_cast<float>(code) * grid.step();
    }
  p.couplings = codes ? std::make_shared<const physics::Couplings>(cells, std::move(matrix), grid)
                      : std::make_shared<const physics::Couplings>(cells, std::move(matrix));
  return p;
}

Parameters on_graph(std::shared_ptr<const physics::Graph> graph) {
  Parameters p = uncoupled(graph->cells());
  p.couplings = std::make_shared<const physics::Couplings>(graph, std::vector<float>(graph->couplers().size(), -0.2f));
  return p;
}

std::shared_ptr<const physics::Graph> random_graph(std::uint32_t cells) {
  std::uint64_t state = 1;
  const auto draw = [&] {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>((state >> 33) % cells);
  };
  std::vector<physics::Coupler> couplers;
  std::vector<std::uint64_t> seen;
  const std::size_t wanted = std::size_t{3} * cells;
  while (couplers.size() < wanted) {
    // Draw what is missing, then drop doubles: sorting is cheaper than a set.
    while (seen.size() < wanted) {
      const std::uint32_t a = draw(), b = draw();
      if (a != b) seen.push_back(std::uint64_t{std::min(a, b)} << 32 | std::max(a, b));
    }
    std::sort(seen.begin(), seen.end());
    seen.erase(std::unique(seen.begin(), seen.end()), seen.end());
    if (seen.size() < wanted) continue;
    for (const std::uint64_t pair : seen)
      couplers.push_back({static_cast<std::uint32_t>(pair >> 32), static_cast<std::uint32_t>(pair)});
  }
  return std::make_shared<const physics::Graph>(cells, std::move(couplers));
}

Statistics statistics(physics::Array& array, const Parameters& p) {
  constexpr std::uint32_t groups = 16;
  const std::uint32_t cells = array.cells(), lanes = array.lanes();
  std::array<double, groups> square{}, pair{};
  std::vector<float> x(array.variables());  // first components come first
  physics::Run run;
  run.dt = step_time;
  run.noise.seed = 1;
  constexpr int samples = 10;
  const auto rows = p.couplings->rows();
  for (int sample = 0; sample < samples; ++sample) {
    run.steps = sample == 0 ? 300 : 50;  // a free cell relaxes in 50 steps
    array.advance(run, p);
    run.noise.step += run.steps;
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      array.read(lane, x);
      for (std::uint32_t i = 0; i < cells; ++i) {
        const std::uint64_t part =
            lanes >= groups ? std::uint64_t{lane} * groups / lanes : std::uint64_t{i} * groups / cells;
        double field = 0;
        const std::uint32_t begin = rows.begin ? rows.begin[i] : i * cells,
                            end = rows.begin ? rows.begin[i + 1] : begin + cells;
        for (std::uint32_t e = begin; e != end; ++e)
          field += rows.values[e] * x[rows.columns ? rows.columns[e] : e - begin];
        square[part] += static_cast<double>(x[i]) * x[i];
        pair[part] += 0.5 * x[i] * field;
      }
    }
  }
  const double per_group = static_cast<double>(cells) * lanes * samples / groups;
  const auto mean_of = [&](const std::array<double, groups>& sums, double& mean, double& error) {
    double sum = 0, squares = 0;
    for (const double s : sums) sum += s / per_group;
    mean = sum / groups;
    for (const double s : sums) squares += (s / per_group - mean) * (s / per_group - mean);
    error = std::sqrt(squares / (groups - 1) / groups);
  };
  Statistics s;
  mean_of(square, s.square, s.square_error);
  mean_of(pair, s.pair, s.pair_error);
  return s;
}

}  // namespace heatbath::bench
