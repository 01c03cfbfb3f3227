#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <fstream>
#include <random>
#include <set>
#include <utility>

#include "heatbath/numerics/archive.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/steppers/stepper_rule.hpp"
#include "hw_model/physics/topology.hpp"
#include "tests/apps/temporary_folder.hpp"

namespace heatbath::physics {
namespace {

std::string message(const std::function<void()>& f) {
  try {
    f();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

TEST(Graph, NamedFormsHaveTheirCouplers) {
  EXPECT_EQ(named_graph("grid:5x4")->couplers().size(), 4u * 4 + 5 * 3);
  EXPECT_EQ(named_graph("torus:4x4")->couplers().size(), 32u);
  EXPECT_EQ(named_graph("king:3x3")->couplers().size(), 12u + 8);
  // Cells that no edge is near have all sixteen, and two colours suffice.
  const auto z1 = named_graph("z1:12x11");
  EXPECT_EQ(z1->neighbours(5 * 12 + 5).size(), 16u);
  for (const int far : {1, 12, 2 + 12, 1 - 24, 2 + 36, 3 - 24, 4 + 12, 1 - 48})
    EXPECT_TRUE(std::ranges::count(z1->neighbours(5 * 12 + 5), 65u + static_cast<std::uint32_t>(far)) == 1) << far;
  EXPECT_FALSE(z1->colours().empty());
  EXPECT_EQ(named_graph("chain:7")->couplers().size(), 6u);
  EXPECT_EQ(named_graph("ring:7")->couplers().size(), 7u);
  EXPECT_EQ(named_graph("ring:7")->neighbours(0)[1], 6u);
  const auto torus = named_graph("torus:4x3");
  EXPECT_EQ(torus->cells(), 12u);
  for (std::uint32_t i = 0; i < 12; ++i) {
    ASSERT_EQ(torus->neighbours(i).size(), 4u);
    EXPECT_TRUE(std::is_sorted(torus->neighbours(i).begin(), torus->neighbours(i).end()));
    for (std::uint32_t n = 0; n < 4; ++n) {
      const Coupler c = torus->couplers()[torus->coupler_ordinal(i, n)];
      EXPECT_EQ(c.i + c.j, i + torus->neighbours(i)[n]);
    }
  }
}

TEST(Graph, HasTheNeighboursOfItsPairsWhetherGroupsOfCellsAreAlikeOrNot) {
  std::mt19937 engine(3);
  std::set<std::pair<std::uint32_t, std::uint32_t>> some;
  while (some.size() < 500) {
    const std::uint32_t i = engine() % 300, j = engine() % 300;
    if (i / 64 != 2 && i < j) some.insert({i, j});  // some cells begin no coupler
  }
  std::vector<Coupler> random;
  for (const auto& [i, j] : some) random.push_back(engine() % 2 == 0 ? Coupler{i, j} : Coupler{j, i});
  std::ranges::shuffle(random, engine);
  const std::vector<std::pair<std::uint32_t, std::vector<Coupler>>> cases{
      {300, random}, {640 * 8, numerics::grid_pairs(640, 8, true)}, {130, numerics::chain_pairs(130, false)}, {5, {}}};
  for (const auto& [cells, pairs] : cases) {
    const Graph graph(cells, pairs);
    std::set<std::pair<std::uint32_t, std::uint32_t>> sorted;
    std::vector<std::set<std::uint32_t>> beside(cells);
    for (const Coupler& c : pairs) {
      sorted.insert(std::minmax(c.i, c.j));
      beside[c.i].insert(c.j), beside[c.j].insert(c.i);
    }
    ASSERT_EQ(graph.couplers().size(), sorted.size());
    std::size_t at = 0;
    auto next = graph.couplers().begin();
    for (const auto& [i, j] : sorted) {
      EXPECT_EQ(*next++, (Coupler{i, j}));
      EXPECT_EQ(graph.couplers()[at], (Coupler{i, j}));
      EXPECT_EQ(graph.coupler_between(j, i), at);
      ++at;
    }
    EXPECT_EQ(next, graph.couplers().end());
    for (std::uint32_t cell = 0; cell < cells; ++cell) {
      ASSERT_TRUE(std::ranges::equal(graph.neighbours(cell), beside[cell])) << cell;
      for (std::uint32_t n = 0; n < beside[cell].size(); ++n) {
        const auto [i, j] = graph.couplers()[graph.coupler_ordinal(cell, n)];
        EXPECT_EQ(i == cell ? j : i, graph.neighbours(cell)[n]);
        EXPECT_TRUE(i == cell || j == cell);
      }
      const std::uint32_t other = (cell + 7) % cells;
      if (!beside[cell].contains(other)) {
        EXPECT_EQ(graph.coupler_between(cell, other), sorted.size());
      }
    }
  }
  const auto torus = named_graph("torus:640x80");
  std::set<std::uint32_t> patterns;
  for (std::uint32_t group = 0; group < 800; ++group) patterns.insert(torus->pattern(group));
  EXPECT_LE(patterns.size(), 9u) << "corners, edges and the middle: such a graph takes no memory for its cells";
}

TEST(ValueList, ReadsAsAVectorDoes) {
  const std::vector<float> different{1, 2, 2, -0.0f}, alike(5, 0.25f), zeros{0.0f, -0.0f};
  for (const auto& values : {different, alike, zeros, std::vector<float>()}) {
    const ValueList list = values;
    ASSERT_EQ(list.size(), values.size());
    EXPECT_TRUE(std::ranges::equal(std::vector<float>(list.begin(), list.end()), values));
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_EQ(std::bit_cast<std::uint32_t>(list[i]), std::bit_cast<std::uint32_t>(values[i]));
    ValueList copy = list, other = list;
    EXPECT_EQ(copy, list);
    if (values.empty()) continue;
    copy[0] = 9;
    EXPECT_EQ(copy[0], 9);
    EXPECT_EQ(std::as_const(other)[0], values[0]) << "changing a copy changes no other";
    EXPECT_NE(copy, list);
    copy.push_back(3);
    EXPECT_EQ(copy.size(), values.size() + 1);
    EXPECT_EQ(copy.back(), 3);
    EXPECT_EQ(repeated(list, 3).size(), 3 * values.size());
    EXPECT_EQ(repeated(list, 3)[2 * values.size()], list[0]);
  }
  EXPECT_TRUE(ValueList(alike).one_value());
  EXPECT_FALSE(ValueList(different).one_value());
  EXPECT_FALSE(ValueList(zeros).one_value()) << "0 and -0 have other bits";
  for (const ValueList& list : {ValueList(10000, 0.5f), ValueList(different), ValueList()}) {
    numerics::Archive writes(1);
    ValueList written = list;
    std::vector<float> plain(list.begin(), list.end());
    writes(written);
    numerics::Archive as_vector(1);
    as_vector(plain);
    const auto bytes = writes.take();
    EXPECT_EQ(bytes, as_vector.take());
    numerics::Archive reads(bytes, 1);
    ValueList back;
    reads(back);
    EXPECT_EQ(back, list);
    EXPECT_EQ(back.one_value(), list.one_value());
  }
}

TEST(Graph, IsColouredUnlessAnOddCycleForbidsIt) {
  const auto grid = named_graph("grid:5x4");
  ASSERT_EQ(grid->colours().size(), 20u);
  for (const Coupler& c : grid->couplers()) EXPECT_NE(grid->colours()[c.i], grid->colours()[c.j]);
  const auto ring = named_graph("ring:5");
  EXPECT_TRUE(ring->colours().empty());
  EXPECT_NE(ring->coupler_between(ring->odd_coupler().i, ring->odd_coupler().j), ring->couplers().size());
}

TEST(Graph, IsReadFromAFileWithTheCouplingsOnIt) {
  const TemporaryFolder folder;
  const auto file = [&](const char* name, const std::string& text) {
    std::ofstream(folder / name) << text;
    return (folder / name).string();
  };
  const std::vector<Coupler> expected{{0, 1}, {0, 2}, {2, 3}};
  const auto same = [&](const Topology& t) {
    return t.graph->cells() == 4 && std::vector<Coupler>(t.graph->couplers().begin(), t.graph->couplers().end()) == expected;
  };
  const Topology plain = load_topology(file("plain.edges", "# a net\n2 0\n\n1 0\n 3 2\n"), true);
  EXPECT_TRUE(same(plain));
  EXPECT_TRUE(plain.couplings.empty());
  EXPECT_TRUE(plain.open);
  const std::string weighted =
      file("w.mtx", "%%MatrixMarket matrix coordinate real symmetric\n% c\n4 4 3\n2 1 .5\n3 1 -1\n4 3 2\n");
  EXPECT_TRUE(same(load_topology(weighted, true)));
  EXPECT_EQ(load_topology(weighted, true).couplings, (std::vector<float>{0.5f, -1, 2}));
  EXPECT_EQ(load_topology(weighted, false).couplings, (std::vector<float>{0.5f, 0.5f, -1, -1, 2, 2}));
  EXPECT_FALSE(load_topology(weighted, true).open);
  EXPECT_EQ(message([&] { load_topology(file("bad.edges", "0 1\n0 1.5\n"), true); }),
            (folder / "bad.edges").string() + ", line 2: '0 1.5' where the two cells of a coupler belong");
}

TEST(Graph, WrongNamesAreRefused) {
  EXPECT_NE(message([] { named_graph("torus:2x4"); }).find("from 3 to"), std::string::npos);
  EXPECT_NE(message([] { named_graph("grid:0x4"); }).find("from 1 to 268435456"), std::string::npos);
  EXPECT_NE(message([] { named_graph("grid:65536x65536"); }).find("more than 268435456 cells"), std::string::npos);
  EXPECT_NE(message([] { named_graph("grid:4x4x4"); }).find("'4x4' is no size"), std::string::npos);
  EXPECT_NE(message([] { named_graph("star:4"); }).find("grid:WxH"), std::string::npos);
  EXPECT_NE(message([] { load_topology("no/such/file", true); }).find("no such file, and none of dense, grid:WxH"),
            std::string::npos);
}

TEST(Makes, ThatCannotBeAreRefusedByName) {
  const auto why = [](CellKind kind, Stepper stepper, const char* graph) {
    ArraySpec s;
    s.kind = kind;
    s.stepper = stepper;
    s.cells = 5;
    if (graph) s.graph = named_graph(graph);
    return message([&] { make_array(s, nullptr); });
  };
  EXPECT_EQ(why(CellKind::phase, Stepper::baoab, nullptr), "stepper baoab is not for cells of kind phase");
  EXPECT_EQ(
      why(CellKind::pbit, Stepper::two_colour, "ring:5").find("two-colour updates need a bipartite graph: coupler ("),
      0u);
  EXPECT_EQ(why(CellKind::pbit, Stepper::two_colour, nullptr).find("two-colour updates need a graph"), 0u);
  EXPECT_EQ(why(CellKind::overdamped, Stepper::heun, "ring:4"), "a graph of 4 cells for an array of 5");
  ArraySpec s;
  s.cells = 3;
  s.kind = CellKind::rlc;
  Parameters p;
  p.j2 = {1, 1, 1};
  p.j4 = p.bias = {0, 0, 0};
  p.mass = {1, 1, 1};
  p.couplings = std::make_shared<const Couplings>(3, std::vector<float>{0, 0.5f, 0, 0.5f, 0, 1.2f, 0, 1.2f, 0});
  ASSERT_TRUE(refusal(s, p));
  EXPECT_EQ(refusal(s, p)->what, "the capacitance matrix is not positive definite: pivot of cell 2");
  p.gain = 0.1f;
  EXPECT_FALSE(refusal(s, p));
  s.kind = CellKind::overdamped;
  s.stepper = Stepper::exact_ou;
  p.j4[1] = 0.5f;
  EXPECT_EQ(refusal(s, p)->cell, 1u);
  p.j4[1] = 0;
  p.kT_cell = {1, 1, -0.5f};
  EXPECT_EQ(refusal(s, p)->what, "temperature below 0 of cell 2");
  s.kind = CellKind::pbit;
  s.stepper = Stepper::sequential;
  EXPECT_TRUE(refusal_of_step(s, 0.5));
  EXPECT_FALSE(refusal_of_step(s, 1.0));
  s.stepper = Stepper::random_sequential;
  EXPECT_TRUE(refusal_of_step(s, 0.1));
  EXPECT_FALSE(refusal_of_step(s, 0.4));
  EXPECT_EQ(default_stepper(CellKind::pbit, named_graph("grid:2x2").get()), Stepper::two_colour);
  EXPECT_EQ(default_stepper(CellKind::pbit, named_graph("ring:5").get()), Stepper::sequential);
  EXPECT_EQ(message([] { stepper("verlet"); }),
            "stepper 'verlet': one of euler-maruyama, heun, leimkuhler-matthews, baoab, exact-ou, sequential, "
            "random-sequential, two-colour, lattice-walk");
}

TEST(Steppers, HaveTheirRulesInTheOrderOfTheirNumbers) {
  for (std::uint8_t n = 1; n <= static_cast<std::uint8_t>(Stepper::lattice_walk); ++n) {
    ArraySpec spec;
    spec.stepper = static_cast<Stepper>(n);
    EXPECT_EQ(rule(spec).stepper, spec.stepper) << name(spec.stepper);
    EXPECT_EQ(rule(spec).longest || rule(spec).longest_inertial, has_longest_step(spec.stepper)) << name(spec.stepper);
  }
}

}  // namespace
}  // namespace heatbath::physics
