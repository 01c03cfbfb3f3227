#include <gtest/gtest.h>

#include <sstream>

#include "hw_model/physics/array.hpp"
#include "hw_model/physics/graph.hpp"

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

std::shared_ptr<const Graph> read(const std::string& text) {
  std::istringstream in(text);
  return read_graph(in, "net.txt");
}

TEST(Graph, NamedFormsHaveTheirCouplers) {
  EXPECT_EQ(named_graph("grid:5x4")->couplers().size(), 4u * 4 + 5 * 3);
  EXPECT_EQ(named_graph("torus:4x4")->couplers().size(), 32u);
  EXPECT_EQ(named_graph("king:3x3")->couplers().size(), 12u + 8);
  EXPECT_EQ(named_graph("chain:7")->couplers().size(), 6u);
  EXPECT_EQ(named_graph("ring:7")->couplers().size(), 7u);
  EXPECT_EQ(named_graph("ring:7")->neighbours(0)[1], 6u);
  const auto torus = named_graph("torus:4x3");
  EXPECT_EQ(torus->cells(), 12u);
  for (std::uint32_t i = 0; i < 12; ++i) {
    ASSERT_EQ(torus->neighbours(i).size(), 4u);
    EXPECT_TRUE(std::is_sorted(torus->neighbours(i).begin(), torus->neighbours(i).end()));
    for (std::size_t n = 0; n < 4; ++n) {
      const Coupler c = torus->couplers()[torus->coupler_ordinals(i)[n]];
      EXPECT_EQ(c.i + c.j, i + torus->neighbours(i)[n]);
    }
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

TEST(Graph, IsReadFromMatrixMarketAndEdgeLists) {
  const std::vector<Coupler> expected{{0, 1}, {0, 2}, {2, 3}};
  const auto same = [&](const Graph& g) {
    return g.cells() == 4 && std::vector<Coupler>(g.couplers().begin(), g.couplers().end()) == expected;
  };
  EXPECT_TRUE(same(*read("# a net\n2 0\n\n1 0\n 3 2\n")));
  EXPECT_TRUE(
      same(*read("%%MatrixMarket matrix coordinate real symmetric\n% c\n4 4 4\n1 1 5\n2 1 .5\n3 1 -1\n4 3 2\n")));
  EXPECT_TRUE(same(*read("%%MatrixMarket matrix coordinate pattern general\n4 4 6\n2 1\n1 2\n3 1\n1 3\n4 3\n3 4\n")));
}

TEST(Graph, BadTextIsRefusedWithItsLine) {
  const auto line = [](const std::string& text) { return message([&] { read(text); }); };
  EXPECT_EQ(line("0 1\n1 x\n"), "net.txt, line 2: '1 x' where the two cells of a coupler belong");
  EXPECT_EQ(line("0 1\n1 0\n"), "net.txt, line 2: entry (1, 0), counted from 0, comes twice");
  EXPECT_EQ(line("0 1\n3 3\n"), "net.txt, line 2: entry (3, 3), counted from 0, joins a cell with itself");
  EXPECT_EQ(line("# nothing\n"), "net.txt: no coupler: a line 'i j' each, cells counted from 0");
  EXPECT_EQ(line("%%MatrixMarket matrix coordinate real general\n3 3 1\n2 1 1\n"),
            "net.txt, line 3: entry (1, 0), counted from 0, lacks its mirror image: the pattern must be symmetric");
  EXPECT_EQ(line("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n4 1 1\n"),
            "net.txt, line 3: entry (4, 1) is not in 1..3");
  EXPECT_EQ(line("%%MatrixMarket matrix coordinate real symmetric\n3 3 2\n2 1 1\n"),
            "net.txt, line 3: ends after 1 of 2 entries");
  EXPECT_NE(line("%%MatrixMarket matrix array real general\n").find("line 1"), std::string::npos);
  EXPECT_NE(message([] { named_graph("torus:2x4"); }).find("at least 3"), std::string::npos);
  EXPECT_NE(message([] { named_graph("star:4"); }).find("grid:WxH"), std::string::npos);
  EXPECT_NE(message([] { load_graph("no/such/file"); }).find("no such file"), std::string::npos);
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
            "random-sequential, two-colour");
}

}  // namespace
}  // namespace heatbath::physics
