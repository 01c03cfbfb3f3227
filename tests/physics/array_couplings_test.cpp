// Couplings on a graph, and couplings summed in integers, in the fused kernel.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "heatbath/numerics/isa.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/numerics/work_watch.hpp"
#include "hw_model/physics/code_products.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/topology.hpp"
#include "hw_model/physics/noise.hpp"
#include "hw_model/physics/packed_couplings.hpp"
#include "hw_model/physics/quartic_array.hpp"
#include "tests/physics/reference_array.hpp"

namespace heatbath::physics {
namespace {

using reference_array::Network;

constexpr float rail = 4.0f;

Parameters parameters(const Network& n, std::shared_ptr<const Couplings> couplings) {
  Parameters p;
  p.j2 = n.j2;
  p.j4 = n.j4;
  p.bias = n.bias;
  p.gain = n.gain;
  p.kT = 0.5f;
  p.couplings = std::move(couplings);
  return p;
}

ArraySpec spec_of(const Parameters& p, std::uint32_t lanes) {
  ArraySpec spec;
  spec.cells = static_cast<std::uint32_t>(p.j2.size());
  spec.lanes = lanes;
  spec.rail = rail;
  spec.graph = p.couplings->graph();
  return spec;
}

// Every lane's state after `steps` steps from 0, cut into pieces; lane l has shot shot0 + l.
std::vector<std::vector<float>> run(const Parameters& p, std::uint32_t lanes, std::uint64_t steps, std::uint64_t piece,
                                    unsigned threads, std::uint32_t shot0 = 0, const Parameters* target = nullptr) {
  numerics::ThreadTeam team(threads);
  QuarticArray array(spec_of(p, lanes), &team);
  for (std::uint64_t done = 0; done < steps;) {
    physics::Run r;
    r.steps = std::min(piece, steps - done);
    r.dt = 0.004;
    r.noise = {42, shot0, done};
    if (target) r.target = target, r.ramp_steps = steps, r.ramp_first = done;
    array.advance(r, p);
    done += r.steps;
  }
  std::vector<std::vector<float>> states(lanes, std::vector<float>(array.cells()));
  for (std::uint32_t lane = 0; lane < lanes; ++lane) array.read(lane, states[lane]);
  return states;
}

class ArrayCouplings : public ::testing::Test {
 protected:
  ~ArrayCouplings() override { numerics::select_isa(before_); }
  numerics::Isa before_ = numerics::active_isa();
};

// A graph with values, and the dense network that is the same system.
struct GraphCase {
  Network network;
  std::shared_ptr<const Couplings> couplings;
};

GraphCase on_graph(const std::shared_ptr<const Graph>& graph, double flavour, bool uniform = false) {
  GraphCase c;
  const std::uint32_t cells = graph->cells();
  c.network = reference_array::example(cells, flavour, 0.0);
  std::vector<float> values;
  for (const Coupler& coupler : graph->couplers()) {
    values.push_back(static_cast<float>(0.3 * std::sin(uniform ? flavour : 0.9 * values.size() + flavour)));
    c.network.couplings[coupler.i * cells + coupler.j] = c.network.couplings[coupler.j * cells + coupler.i] =
        values.back();
  }
  c.couplings = std::make_shared<const Couplings>(graph, std::move(values));
  return c;
}

std::shared_ptr<const Graph> random_graph(std::uint32_t cells, std::uint32_t couplers) {
  std::mt19937 random(3);
  std::vector<Coupler> list;
  while (list.size() < couplers) {
    const std::uint32_t a = random() % cells, b = random() % cells;
    const Coupler c{std::min(a, b), std::max(a, b)};
    if (a != b && std::find(list.begin(), list.end(), c) == list.end()) list.push_back(c);
  }
  return std::make_shared<const Graph>(cells, list);
}

TEST_F(ArrayCouplings, OnAGraphAreThoseOfAPlainLoopOverAllPairs) {
  const auto grid = named_graph("grid:40x13");   // groups at distances and groups that gather, in one run
  const auto chain = named_graph("chain:320");  // inner groups with the same coupling in all rows
  std::vector<std::pair<std::shared_ptr<const Graph>, GraphCase>> cases{{chain, on_graph(chain, 0.3, true)}};
  EXPECT_EQ(cases[0].second.couplings->packed(Couplings::PackedFor::one_lane).view.graph->groups[2].uniform, 1u);
  for (const auto& graph : {named_graph("grid:9x15"), named_graph("torus:16x12"), named_graph("king:20x10"),
                            named_graph("chain:130"), random_graph(150, 400), grid})
    cases.emplace_back(graph, on_graph(graph, 0.3));
  for (const auto& [graph, c] : cases) {
    const Parameters p = parameters(c.network, c.couplings);
    const auto sigma = static_cast<float>(std::sqrt(2.0 * 0.004 * 0.5));
    std::vector<float> x(graph->cells(), 0.0f), noise(graph->cells());
    for (std::uint64_t step = 0; step < 20; ++step) {
      for (std::uint32_t cell = 0; cell < graph->cells(); ++cell) noise[cell] = normal(42, cell, step, 7);
      x = reference_array::step(c.network, x, noise, 0.004f, sigma);
    }
    for (const auto isa : numerics::available_isas()) {
      ASSERT_TRUE(numerics::select_isa(isa));
      EXPECT_EQ(run(p, 1, 20, 20, 1, 7)[0], x) << numerics::name(isa) << ", one lane, " << graph->cells() << " cells";
      EXPECT_EQ(run(p, 16, 20, 7, 1, 2)[5], x)
          << numerics::name(isa) << ", lane 5 of 16, " << graph->cells() << " cells";
    }
  }
}

TEST_F(ArrayCouplings, OnAGraphRampAsTheDenseOnes) {
  for (const auto& graph : {random_graph(130, 300), named_graph("grid:40x13")}) {
    const GraphCase a = on_graph(graph, 0.3), b = on_graph(graph, 1.7);
    const auto dense_couplings = [&](const GraphCase& c) {
      return std::make_shared<const Couplings>(graph->cells(), c.network.couplings);
    };
    const auto dense_a = dense_couplings(a), dense_b = dense_couplings(b);
    const Parameters from = parameters(a.network, a.couplings), dense_from = parameters(a.network, dense_a);
    const Parameters to = parameters(b.network, b.couplings), dense_to = parameters(b.network, dense_b);
    EXPECT_EQ(run(from, 19, 30, 11, 2, 0, &to), run(dense_from, 19, 30, 30, 1, 0, &dense_to)) << graph->cells();
    // The same couplings all along: only what cells have of their own changes.
    const Parameters own = parameters(b.network, a.couplings), dense_own = parameters(b.network, dense_a);
    EXPECT_EQ(run(from, 19, 30, 11, 2, 0, &own), run(dense_from, 19, 30, 30, 1, 0, &dense_own)) << graph->cells();
  }
}

TEST_F(ArrayCouplings, OnALargeGraphFarCellsAreFelt) {
  // So many cells that their states are gathered in the way of far ones, and few couplers.
  const std::uint32_t cells = (1u << 18) + 70;
  std::vector<Coupler> list;
  for (std::uint32_t i = 0; i < 300; ++i) list.push_back({i * 401 + i * i % 400, 150000 + i * 370 + i * i % 369});
  const auto graph = std::make_shared<const Graph>(cells, list);
  Network n;
  n.j2.assign(cells, 1.0f);
  n.j4.assign(cells, 0.25f);
  n.bias.assign(cells, 0.0f);
  const Parameters p = parameters(n, std::make_shared<const Couplings>(graph, std::vector<float>(list.size(), 0.5f)));
  const Parameters apart = parameters(n, std::make_shared<const Couplings>(graph, std::vector<float>(list.size(), 0.0f)));
  const auto expected = run(p, 16, 3, 3, 1)[0];
  EXPECT_NE(expected, run(apart, 16, 3, 3, 1)[0]);
  for (const auto isa : numerics::available_isas()) {
    ASSERT_TRUE(numerics::select_isa(isa));
    EXPECT_TRUE(run(p, 1, 3, 3, 1)[0] == expected) << numerics::name(isa);
  }
}

TEST_F(ArrayCouplings, OnAGraphTheirPackingCanBeStoppedAndIsMadeAgain) {
  const auto graph = named_graph("torus:64x64");
  std::vector<float> values(graph->couplers().size());  // none like the others: groups are packed one by one
  for (std::size_t k = 0; k < values.size(); ++k) values[k] = 0.5f + static_cast<float>(k) * 0x1p-14f;
  const Couplings couplings(graph, values);
  int looks = 0;
  {
    const std::function<numerics::Wish()> stop = [&] { return ++looks < 3 ? numerics::Wish::go_on : numerics::Wish::stop; };
    const numerics::WorkWatch watch(stop, 1u << 16);
    EXPECT_THROW(couplings.packed(Couplings::PackedFor::one_lane), numerics::WorkStopped);
  }
  EXPECT_EQ(looks, 3);
  const Couplings unbroken(graph, values);
  EXPECT_EQ(couplings.packed(Couplings::PackedFor::one_lane).graph_groups.size(),
            unbroken.packed(Couplings::PackedFor::one_lane).graph_groups.size());
}

TEST_F(ArrayCouplings, OnAGraphClampedCellsHoldAsTheDenseOnes) {
  const auto graph = named_graph("grid:40x13");
  const GraphCase c = on_graph(graph, 0.3);
  std::vector<std::uint8_t> clamped(graph->cells(), 0);
  for (std::uint32_t i = 128; i < 256; ++i) clamped[i] = 1;  // a pair of groups
  clamped[300] = clamped[519] = 1;
  const auto states = [&](const Parameters& p) {
    QuarticArray array(spec_of(p, 3));
    for (std::uint32_t lane = 0; lane < 3; ++lane) array.write(lane, 0, std::vector<float>(graph->cells(), 0.25f), p);
    array.set_clamped(clamped, p);
    physics::Run r;
    r.steps = 20;
    r.dt = 0.004;
    r.noise = {42, 0, 0};
    array.advance(r, p);
    std::vector<float> all(std::size_t{3} * graph->cells());
    for (std::uint32_t lane = 0; lane < 3; ++lane) array.read(lane, {all.data() + lane * graph->cells(), graph->cells()});
    return all;
  };
  const auto expected =
      states(parameters(c.network, std::make_shared<const Couplings>(graph->cells(), c.network.couplings)));
  EXPECT_EQ(expected[200], 0.25f);
  EXPECT_NE(expected[256], 0.25f);
  for (const auto isa : numerics::available_isas()) {
    ASSERT_TRUE(numerics::select_isa(isa));
    EXPECT_EQ(states(parameters(c.network, c.couplings)), expected) << numerics::name(isa);
  }
}

TEST_F(ArrayCouplings, MetersOnAGraphAreThoseOfTheDenseCouplings) {
  const auto graph = named_graph("torus:12x11");
  const GraphCase a = on_graph(graph, 0.3), b = on_graph(graph, 1.7);
  const auto metered = [&](const Parameters& from, const Parameters& to) {
    QuarticArray array(spec_of(from, 17));
    array.enable_meters(true);
    for (std::uint64_t done = 0; done < 40; done += 20) {
      physics::Run r;
      r.steps = 20;
      r.dt = 0.004;
      r.noise = {42, 0, done};
      r.target = &to, r.ramp_steps = 60, r.ramp_first = done;
      array.advance(r, from);
    }
    std::vector<double> values;
    for (std::uint32_t lane = 0; lane < 17; ++lane) {
      const LaneMeters m = array.meters(lane, from);
      values.insert(values.end(), {m.work, m.heat_path, array.energy(lane, from)});
    }
    return values;
  };
  const auto dense = [&](const GraphCase& c) {
    return parameters(c.network, std::make_shared<const Couplings>(graph->cells(), c.network.couplings));
  };
  const auto sparse_values = metered(parameters(a.network, a.couplings), parameters(b.network, b.couplings));
  EXPECT_EQ(sparse_values, metered(dense(a), dense(b)));
}

// -- integers -----------------------------------------------------------------------------------------------------

// Couplings of codes, and the steps written out: integer state, integer sums per stretch, one chain over the stretches.
struct CodeCase {
  Network network;
  std::vector<std::int64_t> codes;
  CodeGrid grid;
  std::shared_ptr<const Couplings> couplings;

  std::vector<float> step(const std::vector<float>& x, const std::vector<float>& noise, float mu_dt,
                          float sigma) const {
    const std::size_t n = x.size();
    const float quantum = rail / 16383.0f, scale = grid.step() * quantum;
    const std::size_t stretch = std::size_t{1} << (18 - grid.bits);
    std::vector<std::int64_t> q(n);
    for (std::size_t i = 0; i < n; ++i) q[i] = std::llrint(static_cast<double>(x[i]) * (1.0f / quantum));
    std::vector<float> next(n);
    for (std::size_t i = 0; i < n; ++i) {
      float y = 0.0f;
      for (std::size_t k0 = 0; k0 < n; k0 += stretch) {
        std::int64_t sum = 0;
        for (std::size_t k = k0; k < std::min(n, k0 + stretch); ++k) sum += codes[i * n + k] * q[k];
        y = std::fma(static_cast<float>(sum), scale, y);
      }
      const float own =
          std::fma(std::fma(4.0f * network.j4[i], x[i] * x[i], 2.0f * network.j2[i]), x[i], network.bias[i]);
      next[i] = std::fma(sigma, noise[i], std::fma(-mu_dt, std::fma(network.gain, y, own), x[i]));
    }
    return next;
  }
};

CodeCase with_codes(std::uint32_t cells, std::uint32_t bits, double strength = 1.0) {
  CodeCase c;
  c.grid = {bits, static_cast<float>(1.0 / std::sqrt(static_cast<double>(cells)))};
  c.network = reference_array::example(cells, 0.3, 0.0);
  c.codes.assign(std::size_t{cells} * cells, 0);
  const double top = (1 << (bits - 1)) - 1;
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t k = 0; k < i; ++k) {
      const auto code = static_cast<std::int64_t>(std::rint(strength * top * std::sin(0.37 * i * k + i + k)));
      c.codes[i * cells + k] = c.codes[k * cells + i] = code;
      c.network.couplings[i * cells + k] = c.network.couplings[k * cells + i] =
          static_cast<float>(code) * c.grid.step();
    }
  c.couplings = std::make_shared<const Couplings>(cells, c.network.couplings, c.grid);
  return c;
}

// Changes the coupling of cell k into cell i.
void set_code(CodeCase& c, std::uint32_t i, std::uint32_t k, std::int64_t code) {
  const std::size_t at = i * c.network.j2.size() + k;
  c.codes[at] = code;
  c.network.couplings[at] = static_cast<float>(code) * c.grid.step();
}

TEST_F(ArrayCouplings, InIntegersAreThoseOfAPlainLoop) {
  std::vector<std::pair<std::string, CodeCase>> cases;
  for (const auto& [cells, bits] : {std::pair{150u, 8u}, std::pair{64u, 2u}}) cases.emplace_back("one sum", with_codes(cells, bits));
  cases.emplace_back("stretches of 64 cells, half a pair at the end", with_codes(201, 12));
  cases.emplace_back("just no triangle", with_codes(511, 8));
  cases.emplace_back("the smallest triangle", with_codes(512, 8));
  cases.emplace_back("a triangle of bytes, a few rows in the last group", with_codes(601, 8));
  cases.emplace_back("a triangle of half bytes", with_codes(600, 4));
  cases.emplace_back("a triangle over two stretches", with_codes(1101, 8));
  cases.emplace_back("a matrix that is not symmetric", with_codes(600, 8));
  set_code(cases.back().second, 590, 3, 77);
  set_code(cases.back().second, 3, 590, -78);
  cases.emplace_back("blocks left out", with_codes(600, 8));
  for (std::uint32_t i = 0; i < 64; ++i)
    for (std::uint32_t k = 320; k < 600; ++k) {
      set_code(cases.back().second, i, k, 0);
      set_code(cases.back().second, k, i, 0);
    }
  constexpr std::uint64_t steps = 8;
  for (auto& [name, c] : cases) {
    const auto cells = static_cast<std::uint32_t>(c.network.j2.size());
    c.couplings = std::make_shared<const Couplings>(cells, c.network.couplings, c.grid);
    const Parameters p = parameters(c.network, c.couplings);
    std::vector<float> x(cells, 0.0f), noise(cells);
    for (std::uint64_t step = 0; step < steps; ++step) {
      for (std::uint32_t cell = 0; cell < cells; ++cell) noise[cell] = normal(42, cell, step, 7);
      x = c.step(x, noise, 0.004f, static_cast<float>(std::sqrt(2.0 * 0.004 * 0.5)));
    }
    for (const auto isa : numerics::available_isas()) {
      ASSERT_TRUE(numerics::select_isa(isa));
      EXPECT_EQ(run(p, 1, steps, steps, 1, 7)[0], x) << numerics::name(isa) << ", one lane: " << name;
      EXPECT_EQ(run(p, 16, steps, steps, 1, 2)[5], x) << numerics::name(isa) << ", lane 5 of 16: " << name;
      EXPECT_EQ(run(p, 37, steps, 3, 2, 1)[6], x) << numerics::name(isa) << ", lane 6 of 37: " << name;
    }
  }
}

TEST_F(ArrayCouplings, InIntegersLargeSymmetricMatricesAreTriangles) {
  const auto triangle = [](const CodeCase& c) {
    return c.couplings->packed(Couplings::PackedFor::one_lane).view.codes->triangle;
  };
  for (const auto isa : numerics::available_isas()) {
    ASSERT_TRUE(numerics::select_isa(isa));
    EXPECT_EQ(triangle(with_codes(512, 8)), code_products().triangles) << numerics::name(isa);
    EXPECT_FALSE(triangle(with_codes(511, 8)));
  }
}

TEST_F(ArrayCouplings, InIntegersRampFromOneMatrixToAnother) {
  const CodeCase a = with_codes(601, 8), b = with_codes(601, 8, 0.5);
  const Parameters from = parameters(a.network, a.couplings), to = parameters(b.network, b.couplings);
  ASSERT_TRUE(numerics::select_isa(numerics::Isa::portable));
  const auto expected = run(from, 16, 20, 20, 1, 0, &to)[0];
  for (const auto isa : numerics::available_isas()) {
    ASSERT_TRUE(numerics::select_isa(isa));
    EXPECT_EQ(run(from, 1, 20, 7, 1, 0, &to)[0], expected) << numerics::name(isa);
  }
}

TEST_F(ArrayCouplings, InIntegersCannotOverflow) {
  // All couplings at the end of their range, all states at the rail: the largest sums there are.
  const std::uint32_t cells = 1024;
  const CodeGrid grid{8, 1.0f};
  std::vector<float> matrix(std::size_t{cells} * cells, -1.0f);
  for (std::uint32_t i = 0; i < cells; ++i) matrix[std::size_t{i} * cells + i] = 0.0f;
  Network n;
  n.j2.assign(cells, 0.0f);
  n.j4 = n.bias = n.j2;
  for (const auto isa : numerics::available_isas()) {
    ASSERT_TRUE(numerics::select_isa(isa));
    for (const std::uint32_t lanes : {1u, 16u}) {
      Parameters p = parameters(n, std::make_shared<const Couplings>(cells, matrix, grid));
      QuarticArray array(spec_of(p, lanes));
      array.write(0, 0, std::vector<float>(cells, rail), p);
      // sum over pairs of -rail^2
      EXPECT_NEAR(array.energy(0, p) / (-0.5 * rail * rail * cells * (cells - 1.0)), 1.0, 1e-6) << numerics::name(isa);
    }
  }
}

TEST_F(ArrayCouplings, InIntegersBiasNoAverageBeyondATenthOfItsStandardError) {
  // The same noise with both arithmetics: their paths stay together, so the difference is the bias and little else.
  const std::uint32_t cells = 64, lanes = 256;
  const CodeCase c = with_codes(cells, 8);
  const Parameters integer = parameters(c.network, c.couplings);
  const Parameters floating = parameters(c.network, std::make_shared<const Couplings>(cells, c.network.couplings));
  numerics::ThreadTeam team(2);
  QuarticArray a(spec_of(integer, lanes), &team), b(spec_of(floating, lanes), &team);
  physics::Run r;
  r.dt = 0.01;
  r.steps = 400;
  r.noise = {5, 0, 0};
  double difference[2] = {0, 0}, square[2] = {0, 0}, mean[2] = {0, 0};
  constexpr int samples = 10;
  std::vector<double> sums(2 * lanes);
  for (int sample = 0; sample < samples; ++sample) {
    a.advance(r, integer);
    b.advance(r, floating);
    r.noise.step += r.steps;
    r.steps = 100;
    std::vector<float> x(cells), y(cells);
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      a.read(lane, x);
      b.read(lane, y);
      double x2 = 0, y2 = 0;
      for (std::uint32_t i = 0; i < cells; ++i) x2 += x[i] * x[i], y2 += y[i] * y[i];
      const double energies[2] = {a.energy(lane, integer), b.energy(lane, floating)};
      difference[0] += (x2 - y2) / (samples * lanes);
      difference[1] += (energies[0] - energies[1]) / (samples * lanes);
      sums[lane] += y2 / samples;
      sums[lanes + lane] += energies[1] / samples;
    }
  }
  for (int what = 0; what < 2; ++what) {
    for (std::uint32_t lane = 0; lane < lanes; ++lane) {
      mean[what] += sums[what * lanes + lane] / lanes;
      square[what] += sums[what * lanes + lane] * sums[what * lanes + lane] / lanes;
    }
    const double error = std::sqrt((square[what] - mean[what] * mean[what]) / (lanes - 1));
    EXPECT_LT(std::abs(difference[what]), 0.1 * error) << (what ? "energy" : "<x^2>") << " of " << mean[what];
    EXPECT_NE(difference[what], 0.0);
  }
}

TEST_F(ArrayCouplings, InIntegersRefuseWhatIsNoCode) {
  const auto make = [](float value, CodeGrid grid) { return Couplings(2, {0.0f, value, value, 0.0f}, grid); };
  EXPECT_NO_THROW(make(0.25f, {8, 1.0f}));
  EXPECT_THROW(make(0.2501f, {8, 1.0f}), std::invalid_argument);
  EXPECT_THROW(make(1.0f, {8, 1.0f}), std::invalid_argument);  // the last code is 127/128
  EXPECT_THROW(make(0.25f, {13, 1.0f}), std::invalid_argument);
  EXPECT_THROW(make(0.25f, {8, 0.0f}), std::invalid_argument);
  try {
    make(0.2501f, {8, 1.0f});
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "coupling (0, 1) = 0.2501 is no code of 8 bits in +-1");
  }
}

TEST_F(ArrayCouplings, InIntegersAreForTheFusedKernelOnly) {
  const CodeCase c = with_codes(64, 8);
  const Parameters p = parameters(c.network, c.couplings);
  ArraySpec spec = spec_of(p, 1);
  EXPECT_FALSE(refusal(spec, p));
  spec.stepper = Stepper::heun;
  EXPECT_TRUE(refusal(spec, p));
}

}  // namespace
}  // namespace heatbath::physics
