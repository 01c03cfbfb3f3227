// The kernels over the systems of `heatbath-bench`, under Google Benchmark: processor time per call and cells (or
// normals, or flips) per second. Comparisons and goals are in `heatbath-bench`; this is for looking at one kernel, with
// --benchmark_filter and its other options.
#include <benchmark/benchmark.h>

#include <memory>
#include <random>
#include <vector>

#include "bench/systems.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/topology.hpp"
#include "hw_model/physics/noise.hpp"

namespace heatbath::bench {
namespace {

using physics::ArraySpec;
using physics::Parameters;

void noise(benchmark::State& state) {
  std::vector<float> out(1 << 16);
  std::uint64_t step = 0;
  for (auto _ : state) physics::normals(1, step++, 0, static_cast<std::uint32_t>(out.size()), out.data());
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(out.size()));
}
BENCHMARK(noise);

void run(benchmark::State& state, ArraySpec spec, const Parameters& p, std::uint64_t steps) {
  spec.cells = static_cast<std::uint32_t>(p.j2.size());
  spec.graph = p.couplings->graph();
  spec.rail = 16.0f;
  const auto array = physics::make_array(spec, nullptr);
  physics::Run r;
  r.steps = steps;
  r.dt = spec.kind == physics::CellKind::pbit ? 1.0 : step_time;
  r.noise.seed = 1;
  array->advance(r, p);  // packs the couplings
  for (auto _ : state) {
    array->advance(r, p);
    r.noise.step += steps;
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(steps * spec.cells * spec.lanes));
}

// Arguments: cells (side, of a grid), lanes, steps per call.
ArraySpec lanes(const benchmark::State& state) {
  ArraySpec spec;
  spec.lanes = static_cast<std::uint32_t>(state.range(1));
  return spec;
}
std::uint32_t size(const benchmark::State& state) { return static_cast<std::uint32_t>(state.range(0)); }
std::uint64_t steps(const benchmark::State& state) { return static_cast<std::uint64_t>(state.range(2)); }

void dense_cells(benchmark::State& state) { run(state, lanes(state), dense(size(state)), steps(state)); }
BENCHMARK(dense_cells)->Args({64, 1, 2000})->Args({64, 256, 50})->Args({1024, 1, 50})->Args({1024, 256, 4});

void dense_codes(benchmark::State& state) { run(state, lanes(state), dense(size(state), true), steps(state)); }
BENCHMARK(dense_codes)->Args({1024, 1, 50})->Args({1024, 256, 4});

void exact_ou(benchmark::State& state) {
  Parameters p = dense(size(state));
  p.j4.assign(p.j4.size(), 0.0f);
  ArraySpec spec = lanes(state);
  spec.stepper = physics::Stepper::exact_ou;
  run(state, spec, p, steps(state));
}
BENCHMARK(exact_ou)->Args({64, 1, 1000})->Args({64, 256, 20});

void phases(benchmark::State& state) {
  ArraySpec spec = lanes(state);
  spec.kind = physics::CellKind::phase;
  run(state, spec, dense(size(state)), steps(state));
}
BENCHMARK(phases)->Args({64, 1, 1000})->Args({64, 256, 20});

void grid(benchmark::State& state) {
  const auto side = std::to_string(size(state));
  run(state, lanes(state), on_graph(physics::named_graph("grid:" + side + "x" + side)), steps(state));
}
BENCHMARK(grid)->Args({32, 1, 1000})->Args({1024, 1, 10});

void sparse(benchmark::State& state) { run(state, lanes(state), on_graph(random_graph(size(state))), steps(state)); }
BENCHMARK(sparse)->Args({1000, 1, 1000})->Args({100000, 1, 20});

void pbits(benchmark::State& state) {
  const auto side = std::to_string(size(state));
  const auto graph = physics::named_graph("torus:" + side + "x" + side);
  std::vector<float> values(graph->couplers().size());
  std::mt19937 random(1);
  for (float& v : values) v = random() & 1u ? 1.0f : -1.0f;
  Parameters p = uncoupled(graph->cells());
  p.couplings = std::make_shared<const physics::Couplings>(graph, std::move(values));
  ArraySpec spec = lanes(state);
  spec.kind = physics::CellKind::pbit;
  run(state, spec, p, steps(state));
}
BENCHMARK(pbits)->Args({512, 1, 100})->Args({128, 16, 10});

}  // namespace
}  // namespace heatbath::bench

BENCHMARK_MAIN();
