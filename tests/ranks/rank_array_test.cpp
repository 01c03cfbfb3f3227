// An array cut over the ranks of this program against a whole one on the first: states, records, meters, all bits.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <random>
#include <set>

#include "heatbath/numerics/archive.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/topology.hpp"
#include "hw_model/ranks/rank_array.hpp"

namespace heatbath::ranks {
namespace {

using namespace physics;

/// What two arrays must have in common, as bits.
struct Outcome {
  std::vector<std::uint32_t> states, records;
  std::vector<std::int32_t> turns;
  std::vector<std::uint64_t> meters, cell_meters;
  std::uint64_t rails = 0;
  std::vector<std::byte> kept;  ///< in the middle
};

struct Make {
  ArraySpec spec;
  std::string graph;
  bool two_couplings = false;  // a ramp between two matrices
  bool no_couplings = false;
  bool signs = false;  // couplings of one size, one bias, one temperature: spins as bits
};

std::shared_ptr<const Graph> random_graph(std::uint32_t cells, std::uint32_t couplers) {
  std::mt19937 engine(7);
  std::set<std::pair<std::uint32_t, std::uint32_t>> pairs;
  while (pairs.size() < couplers) {
    const std::uint32_t i = engine() % cells, j = engine() % cells;
    if (i != j) pairs.insert({std::min(i, j), std::max(i, j)});
  }
  std::vector<Coupler> list;
  for (const auto& [i, j] : pairs) list.push_back({i, j});
  return std::make_shared<const Graph>(cells, std::move(list));
}

Parameters parameters(const Make& make, unsigned seed, std::shared_ptr<const Couplings> couplings) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<float> some(0.2f, 1.0f), either(-0.5f, 0.5f);
  const ArraySpec& spec = make.spec;
  const auto list = [&](std::size_t size, auto& values) {
    std::vector<float> of(size);
    for (float& value : of) value = values(engine);
    if (spec.spin_codes.bits != 0)
      for (float& value : of) value = std::nearbyint(128 * value) / 128;  // codes
    return of;
  };
  Parameters p;
  p.j2 = list(spec.cells, some);
  p.j4 = list(spec.cells, some);
  p.bias = list(std::size_t{spec.cells} * (has_labels(spec.kind) ? spec.states : 1), either);
  p.gain = 0.75f;
  p.kT = 0.40625f;
  if (make.signs) {
    p.j2 = p.j4 = ValueList(spec.cells, 0.0f);
    p.bias = ValueList(spec.cells, seed % 2 == 0 ? 0.125f : -0.0625f);
    p.kT = seed % 2 == 0 ? 1.5f : 0.90625f;
    std::vector<float> signs(spec.graph->couplers().size());
    for (float& value : signs) value = either(engine) < 0 ? -0.375f : 0.375f;
    p.couplings = couplings ? couplings : std::make_shared<const Couplings>(spec.graph, std::move(signs));
    return p;
  }
  if (seed % 2 == 0) p.kT_cell = list(spec.cells, some);
  if (spec.kind == CellKind::underdamped) p.mass = list(spec.cells, some), p.damping = list(spec.cells, some);
  if (spec.kind == CellKind::phase && seed % 2 == 0) p.frequency = list(spec.cells, either);
  if (!couplings && make.no_couplings) couplings = std::make_shared<const Couplings>(spec.cells);
  if (!couplings) couplings = std::make_shared<const Couplings>(
        spec.graph, list(spec.graph->couplers().size() * (spec.reciprocal ? 1 : 2), either));
  p.couplings = couplings;
  return p;
}

using Maker = std::function<std::unique_ptr<Array>(const ArraySpec&)>;

/// In the middle the array is kept, and another one goes on that reads `bytes`, or, without them, what was kept.
Outcome outcome(const Maker& maker, const Make& make, bool metered, std::span<const std::byte> bytes) {
  std::unique_ptr<Array> begun = maker(make.spec), later;
  const ArraySpec spec = begun->spec();
  const auto& array_of = [&]() -> Array& { return later ? *later : *begun; };
  const Parameters p = parameters(make, 3, nullptr), q = parameters(make, 4, make.two_couplings ? nullptr : p.couplings);
  std::mt19937 engine(5);
  std::uniform_real_distribution<float> wide(-1.5f, 2.5f);
  Outcome o;
  const auto bits = [](double value) { return std::bit_cast<std::uint64_t>(value); };
  std::vector<std::uint8_t> held(spec.cells, 0);
  array_of().set_clamped(held, p);
  std::vector<float> state(array_of().variables());
  for (std::uint32_t lane = 0; lane < spec.lanes; ++lane) {
    for (float& value : state) value = wide(engine);
    array_of().write(lane, 0, state, p);
  }
  if (metered) {
    array_of().enable_meters(true);
    array_of().enable_cell_meter(CellMeter::heat);
    array_of().enable_cell_meter(CellMeter::activity);
  }
  std::vector<std::uint32_t> ends{0};  // lanes whose meters are looked at: each look is a talk of all ranks
  if (spec.lanes > 1) ends.push_back(spec.lanes - 1);
  const auto look = [&](const Parameters& live) {
    if (!metered) return;
    for (const std::uint32_t lane : ends) {
      const LaneMeters m = array_of().meters(lane, live);
      for (const double value : {m.work, m.heat_path, array_of().energy(lane, live)}) o.meters.push_back(bits(value));
    }
  };
  std::vector<std::uint32_t> records(4 * array_of().variables() * std::size_t{spec.lanes});
  Run run;
  run.dt = is_discrete(spec.kind) ? 1.0 : 0.02;
  run.noise = {11, 2, (1ULL << 32) - 3, 0};
  run.steps = 7;
  run.record_period = 2;
  run.record_first = 1;
  std::vector<std::int32_t> turns(4 * std::size_t{spec.lanes});
  run.record = [&](std::uint64_t ordinal, std::uint32_t lane, std::span<const float> values) {
    for (std::size_t v = 0; v < values.size(); ++v)
      records[(ordinal * spec.lanes + lane) * values.size() + v] = std::bit_cast<std::uint32_t>(values[v]);
    turns[ordinal * spec.lanes + lane] = array_of().turns(lane, spec.cells / 2);
  };
  array_of().advance(run, p);
  o.records = records;
  o.turns = turns;
  look(p);
  held[spec.cells / 3] = held[5] = held[spec.cells - 1] = 1;
  array_of().set_clamped(held, p);
  array_of().write(spec.lanes - 1, spec.cells / 2 - 3, std::vector<float>(70, 0.5f), p);
  array_of().change_parameters(p, q);
  numerics::Archive writes(1);
  array_of().exchange(writes);
  o.kept = writes.take();
  later = maker(make.spec);
  numerics::Archive reads(bytes.empty() ? std::span<const std::byte>(o.kept) : bytes, 1);
  later->exchange(reads);
  reads.end();
  begun.reset();
  run.record_period = 0;
  run.steps = 3;
  run.noise.step += 7;
  array_of().advance(run, q);
  look(q);
  run.noise.step += 3;
  run.target = &p;
  run.ramp_steps = 5;
  for (const std::uint64_t first : {0u, 2u}) {
    run.ramp_first = first;
    run.steps = first == 0 ? 2 : 3;
    array_of().advance(run, q);
    run.noise.step += run.steps;
  }
  look(p);
  for (std::uint32_t lane = 0; lane < spec.lanes; ++lane) {
    array_of().read(lane, state);
    for (const float value : state) o.states.push_back(std::bit_cast<std::uint32_t>(value));
    for (std::uint32_t cell = 0; cell < spec.cells; cell += 17) o.turns.push_back(array_of().turns(lane, cell));
    if (!metered || std::ranges::find(ends, lane) == ends.end()) continue;
    std::vector<double> cells(spec.cells);
    for (const CellMeter meter : {CellMeter::heat, CellMeter::activity}) {
      array_of().cell_meter(meter, lane, cells);
      for (const double value : cells) o.cell_meters.push_back(bits(value));
    }
  }
  o.rails = array_of().rail_count() << 32 | array_of().rail_cell();
  return o;
}

/// With `side` a large array of each kind, with its default stepper, instead of small ones of every make.
std::vector<Make> makes(std::uint32_t side) {
  std::vector<Make> all;
  const bool large = side != 0;
  const auto graphs = {std::pair<std::string, std::shared_ptr<const Graph>>{"torus", named_graph(large ? "torus:" + std::to_string(side) + "x" + std::to_string(side) : "torus:22x20")},
                       {"random", large ? random_graph(side * side, 2 * side * side) : random_graph(500, 900)}};
  for (const auto& [graph_name, graph] : graphs)
    for (const auto kind : {CellKind::overdamped, CellKind::underdamped, CellKind::phase, CellKind::pbit, CellKind::categorical})
      for (std::uint8_t by = 1; by <= static_cast<std::uint8_t>(Stepper::lattice_walk); ++by)
        for (const std::uint32_t lanes : {1u, 18u})
          for (const bool reciprocal : {true, false}) {
            Make make;
            make.graph = graph_name;
            make.spec.kind = kind;
            make.spec.stepper = static_cast<Stepper>(by);
            make.spec.graph = graph;
            make.spec.cells = graph->cells();
            make.spec.lanes = lanes;
            make.spec.states = kind == CellKind::categorical ? 3 : 0;
            make.spec.reciprocal = reciprocal;
            make.spec.rail = 1.75f;
            if (large && (lanes > 1 || !reciprocal || make.spec.stepper != default_stepper(kind, graph.get()))) continue;
            if (!goes_with(make.spec.stepper, kind) || refusal(make.spec) || refusal_of_cut(make.spec)) continue;
            make.two_couplings = reciprocal;
            all.push_back(make);
            if (kind != CellKind::pbit || !reciprocal || large) continue;
            make.spec.spin_noise = SpinNoise::planes;
            all.push_back(make);
            make.spec.spin_noise = SpinNoise::words;
            make.spec.spin_codes = {8, 1.0f, 1.0f};
            all.push_back(make);
          }
  Make empty;  // whose sums the fused kernel makes in another order
  empty.graph = "torus without couplings";
  empty.spec = all.front().spec;
  empty.no_couplings = true;
  all.push_back(empty);
  return all;
}

TEST(RankArray, HasTheBitsOfAWholeArray) {
  // Each number of ranks checks some of the makes, so that four in a row check all, unless it is asked for all.
  const char* const large = std::getenv("HEATBATH_RANK_SIDE");  // by hand: side * side cells
  const bool all = large != nullptr || std::getenv("HEATBATH_ALL_MAKES") != nullptr;
  std::uint32_t checked = 0, number = 0;
  for (const Make& make : makes(large ? static_cast<std::uint32_t>(std::atoi(large)) : 0)) {
    if (!all && ++number % 4 != Communicator::world().size() % 4) continue;
    for (const bool metered : {false, true}) {
      if (large && !metered) continue;
      SCOPED_TRACE(std::string(name(make.spec.kind)) + ", " + std::string(name(make.spec.stepper)) + ", " + make.graph + ", " +
                   std::to_string(make.spec.lanes) + " lanes" + (make.spec.reciprocal ? "" : ", not reciprocal") +
                   (make.spec.spin_codes.bits != 0 ? ", in integers" : "") +
                   (metered ? ", metered" : ""));
      const Maker whole = [](const ArraySpec& spec) { return make_array(spec, nullptr); };
      const Maker cut = [](const ArraySpec& spec) { return make_rank_array(spec, Communicator::world()); };
      const Outcome right = outcome(whole, make, metered, {});
      const Outcome here = outcome(cut, make, metered, right.kept);  // goes on from what the whole one kept
      EXPECT_TRUE(here.kept == right.kept);
      EXPECT_TRUE(here.states == right.states);
      EXPECT_TRUE(here.records == right.records);
      EXPECT_TRUE(here.turns == right.turns);
      EXPECT_EQ(here.meters, right.meters);
      EXPECT_TRUE(here.cell_meters == right.cell_meters);
      EXPECT_EQ(here.rails, right.rails);
      ++checked;
    }
  }
  EXPECT_GE(checked, large ? 10u : all ? 160u : 40u);
  std::printf("%u arrays checked\n", checked);
}

TEST(RankArray, SpinsAsBitsHaveTheBitsOfAWholeArray) {
  // Blocks of 512 cells: several of them to a rank, one for two ranks, neighbours in the same block and
  // far from it.
  for (const char* graph : {"torus:72x40", "torus:22x20", "grid:130x9", "ring:1400", "chain:1026"})
    for (const std::uint32_t lanes : {1u, 3u, 18u}) {
      Make make;
      make.graph = graph;
      make.signs = true;
      make.spec.kind = CellKind::pbit;
      make.spec.stepper = Stepper::two_colour;
      make.spec.graph = named_graph(graph);
      make.spec.cells = make.spec.graph->cells();
      make.spec.lanes = lanes;
      SCOPED_TRACE(std::string(graph) + ", " + std::to_string(lanes) + " lanes");
      const Outcome right = outcome([](const ArraySpec& spec) { return make_array(spec, nullptr); }, make, false, {});
      const Outcome here =
          outcome([](const ArraySpec& spec) { return make_rank_array(spec, Communicator::world()); }, make, false, right.kept);
      EXPECT_TRUE(here.kept == right.kept);
      EXPECT_TRUE(here.states == right.states);
      EXPECT_TRUE(here.records == right.records);
    }
}

TEST(RankArray, RefusesByName) {
  const auto why = [](ArraySpec spec) -> std::string {
    try {
      make_rank_array(spec, Communicator::world());
      return "";
    } catch (const std::invalid_argument& refused) {
      return refused.what();
    }
  };
  ArraySpec spec;
  spec.cells = 300;
  EXPECT_NE(why(spec).find("is on a graph"), std::string::npos);
  spec.graph = random_graph(300, 500);
  spec.stepper = Stepper::exact_ou;
  EXPECT_NE(why(spec).find("exact-ou"), std::string::npos);
  spec.stepper = Stepper::none;
  spec.colour.common = 0.5;
  EXPECT_NE(why(spec).find("white noise"), std::string::npos);
  spec.colour = {};
  spec.kind = CellKind::rlc;
  EXPECT_NE(why(spec).find("rlc"), std::string::npos);
  spec.kind = CellKind::pbit;
  spec.stepper = Stepper::random_sequential;
  EXPECT_NE(why(spec).find("random-sequential"), std::string::npos);
}

}  // namespace
}  // namespace heatbath::ranks

int main(int argc, char** argv) {
  auto& world = heatbath::ranks::Communicator::world();
  int status = 0;
  if (world.rank() == 0) {
    ::testing::InitGoogleTest(&argc, argv);
    status = RUN_ALL_TESTS();
    heatbath::ranks::end_orders(world);
  } else {
    heatbath::ranks::serve_orders(world);
  }
  world.end();
  return status;
}
