// Problems from the files of other tools: what each format means, and what is refused.
#include "files/problem_file.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <fstream>
#include <random>

#include "tests/apps/error_of.hpp"
#include "tests/apps/temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ProblemFile : public testing::Test {
 protected:
  Problem read(const std::string& name, const std::string& text, std::optional<ProblemKind> wanted = std::nullopt) {
    std::ofstream(folder_.path() / name) << text;
    return read_problem(folder_.path() / name, wanted);
  }
  std::string refused(const std::string& name, const std::string& text, std::optional<ProblemKind> wanted = std::nullopt) {
    return error_of(HB_BAD_ARG, [&] { read(name, text, wanted); });
  }
  TemporaryFolder folder_;
};

/// All states of a few cells as spins.
std::vector<std::vector<float>> all_states(std::uint32_t cells) {
  std::vector<std::vector<float>> states;
  for (std::uint32_t k = 0; k < 1u << cells; ++k) {
    std::vector<float> s;
    for (std::uint32_t i = 0; i < cells; ++i) s.push_back(k >> i & 1 ? 1.0f : -1.0f);
    states.push_back(std::move(s));
  }
  return states;
}

double bit(float spin) { return spin > 0 ? 1 : 0; }

TEST_F(ProblemFile, RudyIsAMaxCutCountedFromOne) {
  const Problem p = read("g.txt", "\xef\xbb\xbf" "4 4\r\n1 2 1\r\n2 3 2\r\n\r\n3 3 5\r\n4 1 -1\r\n");
  EXPECT_EQ(p.kind, ProblemKind::max_cut);
  EXPECT_EQ(p.format, "rudy");
  EXPECT_EQ(p.variables, 4u);
  EXPECT_THAT(p.notes, ElementsAre(HasSubstr("1 edges join a cell with itself")));
  for (const auto& s : all_states(4))
    EXPECT_DOUBLE_EQ(p.value(s), (s[0] != s[1]) * 1.0 + (s[1] != s[2]) * 2.0 - (s[3] != s[0]) * 1.0);
}

TEST_F(ProblemFile, EmptyAndDisconnectedGraphsAreProblems) {
  const Problem none = read("g.mtx", "%%MatrixMarket matrix coordinate real symmetric\n3 3 0\n", ProblemKind::max_cut);
  EXPECT_EQ(none.network.cells(), 3u);
  EXPECT_EQ(none.value(std::vector<float>{1, 1, -1}), 0);
  const Problem apart = read("g.txt", "6 2\n1 2 1\n5 6 1\n");
  EXPECT_EQ(apart.network.cells(), 6u);
  EXPECT_EQ(apart.value(std::vector<float>{1, -1, 1, 1, -1, 1}), 2);
}

TEST_F(ProblemFile, PairsWithoutAProblemAskForOne) {
  EXPECT_THAT(refused("g.mtx", "%%MatrixMarket matrix coordinate real symmetric\n2 2 1\n2 1 3\n"), HasSubstr("give --as max-cut, ising, qubo, gaussian or phase"));
  EXPECT_THAT(refused("g.edges", "0 1 3\n"), HasSubstr("edge list does not say"));
  EXPECT_THAT(refused("g.txt", "3 2\n1 2 1\n2 1 1\n"), HasSubstr("comes twice"));
  EXPECT_THAT(refused("g.txt", "3 2\n1 2 1\n2 4 1\n"), HasSubstr("line 3"));
  EXPECT_THAT(refused("g.txt", "200000000 1\n1 2 1\n"), HasSubstr("at most 16777216"));
}

TEST_F(ProblemFile, AMatrixIsAQuadraticFunctionWithItsDiagonal) {
  // General and symmetric forms of x'Qx, and of sum J s s with a constant on the diagonal.
  const Problem general = read("q.mtx", "%%MatrixMarket matrix coordinate real general\n2 2 3\n1 1 -1\n1 2 3\n2 2 2\n", ProblemKind::qubo);
  const Problem symmetric = read("q.mtx", "%%MatrixMarket matrix coordinate real symmetric\n2 2 3\n1 1 -1\n2 1 1.5\n2 2 2\n", ProblemKind::qubo);
  const Problem spins = read("q.mtx", "%%MatrixMarket matrix coordinate real symmetric\n2 2 3\n1 1 -1\n2 1 1.5\n2 2 3\n", ProblemKind::ising);
  EXPECT_THAT(spins.notes, ElementsAre(HasSubstr("constant 2")));
  for (const auto& s : all_states(2)) {
    const double x = bit(s[0]), y = bit(s[1]);
    EXPECT_DOUBLE_EQ(general.value(s), -x + 3 * x * y + 2 * y);
    EXPECT_DOUBLE_EQ(symmetric.value(s), general.value(s));
    EXPECT_DOUBLE_EQ(spins.value(s), 1.5 * static_cast<double>(s[0] * s[1]) + 2);
  }
}

TEST_F(ProblemFile, CoordinatesOfDimodAddWhatComesAgain) {
  const Problem spins = read("p.coo", "# vartype=SPIN\n0 0 1.5\n0 2 -1\n2 0 -0.5\n");
  EXPECT_THAT(spins.notes, ElementsAre(HasSubstr("1 entries")));
  const Problem bits = read("p.coo", "# vartype=BINARY\r\n0 0 1.5\r\n0 2 -1\r\n2 0 -0.5\r\n");
  EXPECT_EQ(bits.kind, ProblemKind::qubo);
  for (const auto& s : all_states(3)) {
    EXPECT_DOUBLE_EQ(spins.value(s), 1.5 * static_cast<double>(s[0]) - 1.5 * static_cast<double>(s[0] * s[2]));
    EXPECT_DOUBLE_EQ(bits.value(s), 1.5 * bit(s[0]) - 1.5 * bit(s[0]) * bit(s[2]));
  }
  EXPECT_THAT(refused("p.coo", "0 1 1\n"), HasSubstr("give --as ising or --as qubo"));
  EXPECT_THAT(refused("p.coo", "# vartype=SPIN\n0 1 1\n", ProblemKind::qubo), HasSubstr("of the kind ising"));
  EXPECT_THAT(refused("p.coo", "# vartype=SPIN\n0 1 x\n"), HasSubstr("line 2: 'x' is no finite number"));
  EXPECT_THAT(refused("p.coo", "# vartype=SPIN\n0 1 nan\n"), HasSubstr("no finite"));
  EXPECT_THAT(refused("p.coo", "# vartype=SPIN\n4000000000 1 1\n"), HasSubstr("at most 16777216"));
  EXPECT_THAT(refused("p.coo", "# vartype=SPIN\n"), HasSubstr("no variable"));
}

TEST_F(ProblemFile, ADimodModelHasItsOffset) {
  const std::string text =
      R"({"type": "BinaryQuadraticModel", "version": {"bqm_schema": "3.0.0"}, "use_bytes": false, "index_type": "int32",
          "bias_type": "float64", "num_variables": 2, "num_interactions": 1, "variable_labels": ["a", "b"],
          "variable_type": "SPIN", "offset": 3.0, "info": {}, "linear_biases": [1.0, -2.0],
          "quadratic_biases": [0.5], "quadratic_head": [0], "quadratic_tail": [1]})";
  const Problem p = read("m.json", text);
  for (const auto& s : all_states(2))
    EXPECT_DOUBLE_EQ(p.value(s), 3 + static_cast<double>(s[0] - 2 * s[1]) + 0.5 * static_cast<double>(s[0] * s[1]));
  EXPECT_THAT(refused("m.json", "{}"), HasSubstr("no dimod BinaryQuadraticModel"));
  EXPECT_THAT(refused("m.json", "[1"), HasSubstr("no dimod BinaryQuadraticModel"));
  std::string far = text;
  far.replace(far.find("\"quadratic_tail\": [1]"), 21, "\"quadratic_tail\": [7]");
  EXPECT_THAT(refused("m.json", far), HasSubstr("quadratic entry 0"));
}

TEST_F(ProblemFile, QbsolvAnnouncesWhatItHas) {
  const Problem p = read("p.qubo", "c a comment\np qubo 0 3 2 1\n0 0 -1\n2 2 4\n0 2 2\n");
  for (const auto& s : all_states(3)) EXPECT_DOUBLE_EQ(p.value(s), -bit(s[0]) + 4 * bit(s[2]) + 2 * bit(s[0]) * bit(s[2]));
  EXPECT_THAT(refused("p.qubo", "p qubo 0 3 2 1\n0 0 -1\n"), HasSubstr("has 1 entries; 3 are announced"));
  EXPECT_THAT(refused("p.qubo", "p qubo 0 3 1 0\n0 3 -1\n"), HasSubstr("not in 0..2"));
  EXPECT_THAT(refused("p.qubo", "0 0 1\n"), HasSubstr("'p qubo 0 n diagonals couplers' belongs"));
}

TEST_F(ProblemFile, ATableHasTheSignsOfThePapers) {
  const Problem p = read("p.toml", "[ising]\nspins = 3\ncouplings = [[0, 1, 1.5], [2, 1, -1.0]]\nfields = [0.5, 0.0, 1.0]\nconstant = 2.0\n");
  for (const auto& s : all_states(3))
    EXPECT_DOUBLE_EQ(p.value(s), 2 - 1.5 * static_cast<double>(s[0] * s[1]) + static_cast<double>(s[1] * s[2]) - 0.5 * static_cast<double>(s[0]) - static_cast<double>(s[2]));
  EXPECT_EQ(read("p.toml", "[max-cut]\ncells = 2\nedges = [[0, 1, 2.0]]\n").value(std::vector<float>{1, -1}), 2);
  EXPECT_EQ(read("p.toml", "[qubo]\nbits = 2\nentries = [[0, 0, 1.0], [0, 1, 2.0]]\n").value(std::vector<float>{1, 1}), 3);
  EXPECT_THAT(refused("p.toml", "[ising]\nspins = 3\ncouplings = [[0, 3, 1.5]]\n"), HasSubstr("p.toml:3: ising.couplings[0][1]"));
  EXPECT_THAT(refused("p.toml", "[ising]\nspins = 3\ncouplings = [[1, 1, 1.5]]\n"), HasSubstr("with itself"));
  EXPECT_THAT(refused("p.toml", "[ising]\nspin = 3\n"), HasSubstr("spin"));
  EXPECT_THAT(refused("p.toml", "# nothing\n"), HasSubstr("needs one table"));
}

// The least energy over the helper cells is the weight of the clauses that are not met, for clauses of 0 to 6 literals.
TEST_F(ProblemFile, TheEnergyOfClausesIsTheirWeightWhereHelpersAreAtTheirBest) {
  const Problem p = read("f.wcnf", "c weights\np wcnf 5 7\n2 1 0\n3 -1 2 0\n1.5 1 -2\n 3 0\n4 -1 -2 4 5 0\n1 -3 1 2 -4 5 3 0\n7 0\n2 1 2 3 -4 -5 0\n");
  EXPECT_EQ(p.variables, 5u);
  const std::uint32_t cells = p.network.cells();
  ASSERT_GT(cells, 5u);
  ASSERT_LE(cells, 16u);
  std::vector<double> least(32, INFINITY);
  for (const auto& s : all_states(cells)) {
    std::uint32_t own = 0;
    for (std::uint32_t i = 0; i < 5; ++i) own |= (s[i] > 0) << i;
    least[own] = std::min(least[own], p.network.energy(std::span<const float>(s)));
  }
  for (std::uint32_t k = 0; k < 32; ++k) {
    const auto x = [&](int i) { return (k >> (i - 1) & 1) != 0; };
    const double unmet = 2 * !x(1) + 3 * !(!x(1) || x(2)) + 1.5 * !(x(1) || !x(2) || x(3)) + 4 * !(!x(1) || !x(2) || x(4) || x(5)) + 7 +
                         2 * !(x(1) || x(2) || x(3) || !x(4) || !x(5));
    EXPECT_NEAR(least[k], unmet, 1e-12) << k;
    std::vector<float> s(cells, 1.0f);
    for (std::uint32_t i = 0; i < 5; ++i) s[i] = k >> i & 1 ? 1.0f : -1.0f;
    EXPECT_DOUBLE_EQ(p.value(s), unmet);
  }
  EXPECT_THAT(refused("f.cnf", "p cnf 2 1\n1 3 0\n"), HasSubstr("a literal, 1 to 2"));
  EXPECT_THAT(refused("f.cnf", "p cnf 2 1\n1 2\n"), HasSubstr("ends within a clause"));
  EXPECT_THAT(refused("f.cnf", "p cnf 2 2\n1 2 0\n"), HasSubstr("1 of 2 clauses"));
  EXPECT_THAT(refused("f.cnf", "p cnf 2 1\n1 0\n2 0\n"), HasSubstr("a clause more"));
  EXPECT_THAT(refused("f.cnf", "p cnf 2 4000000000\n"), HasSubstr("are announced"));
  EXPECT_THAT(refused("f.cnf", "p cnf 4000000000 1\n1 0\n"), HasSubstr("at most 16777216"));
  EXPECT_THAT(refused("f.cnf", "1 2 0\n"), HasSubstr("'p cnf variables clauses'"));
}

TEST_F(ProblemFile, WhatCannotBeReadIsNamed) {
  EXPECT_THAT(error_of(HB_IO, [&] { read_problem(folder_.path() / "none.coo"); }), HasSubstr("no such file"));
  EXPECT_THAT(error_of(HB_IO, [&] { read_problem(folder_.path()); }), HasSubstr("is a folder"));
  EXPECT_THAT(error_of(HB_IO, [&] { read("empty.coo", ""); }), HasSubstr("is empty"));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { problem_kind_named("tsp", "--as"); }), HasSubstr("max-cut, ising, qubo, max-sat, potts, phase, quartic or gaussian"));
}

TEST_F(ProblemFile, TomlHasEnergiesOfEveryKindOfCell) {
  const Problem potts = read("p.toml", "[potts]\ncells = 3\nstates = 3\ncouplings = [[0, 1, 1.0], [1, 2, -0.5]]\n"
                                       "fields = [[0.1, 0, 0], [0, 0, 0], [0, 0, 2]]\nconstant = 4\n");
  EXPECT_EQ(potts.kind, ProblemKind::potts);
  EXPECT_EQ(potts.network.states(), 3u);
  EXPECT_NEAR(potts.value(std::vector<float>{0, 0, 2}), 4 - 1 - 0.1 - 2, 1e-6);
  EXPECT_NEAR(potts.value(std::vector<float>{1, 2, 2}), 4 + 0.5 - 2, 1e-6);

  const Problem field = read("q.toml", "[quartic]\ncells = 4\nj2 = -1\nj4 = [1, 2, 3, 4]\nbias = 0.5\n"
                                       "couplings = { chain = -0.25, periodic = true }\n");
  EXPECT_EQ(field.kind, ProblemKind::quartic);
  EXPECT_EQ(field.network.kind(), CellKind::overdamped);
  EXPECT_NEAR(field.value(std::vector<float>{1, 1, 1, -1}), -4 + 10 + 0.5 * 2 - 0.25 * 0, 1e-6);

  const Problem phases = read("f.toml", "[phase]\ncells = 2\nj2 = 0.5\ncouplings = { all = -1.0 }\n");
  EXPECT_EQ(phases.network.kind(), CellKind::phase);
  EXPECT_NEAR(phases.value(std::vector<float>{0.25f, -0.5f}), -std::cos(0.75) + 0.5 * (std::cos(0.5) + std::cos(1.0)), 1e-6);

  const Problem gauss = read("g.toml", "[gaussian]\nprecision = [[2, -1], [-1, 3]]\nlinear = [1, 2]\nconstant = 1\n");
  EXPECT_NEAR(gauss.value(std::vector<float>{1, 2}), 1 + 0.5 * (2 - 4 + 12) - 1 - 4, 1e-6);

  EXPECT_THAT(refused("x.toml", "[potts]\ncells = 2\nstates = 3\nfields = [[0, 0, 0], [0, 0]]\n"), HasSubstr("x.toml:4: potts.fields[1]: has 2 fields"));
  EXPECT_THAT(refused("x.toml", "[potts]\ncells = 2\nstates = 1\n"), HasSubstr("states"));
  EXPECT_THAT(refused("x.toml", "[quartic]\ncells = 2\nj4 = -1\n"), HasSubstr("no floor"));
  EXPECT_THAT(refused("x.toml", "[quartic]\ncells = 2\ncouplings = { directed = [[0, 1, 1]] }\n"), HasSubstr("have no energy"));
  EXPECT_THAT(refused("x.toml", "[quartic]\ncells = 2\ncouplings = { graph = 1.0 }\n"), HasSubstr("a device's graph"));
  EXPECT_THAT(refused("x.toml", "[phase]\ncells = 2\nj4 = 1\n"), HasSubstr("j4"));
  EXPECT_THAT(refused("x.toml", "[gaussian]\nprecision = [[2, 1], [0, 2]]\n"), HasSubstr("symmetric"));
  EXPECT_THAT(refused("x.toml", "[gaussian]\nprecision = [[2, 1], [0]]\n"), HasSubstr("x.toml:2: gaussian.precision[1]: has 1 values; needs 2"));
  EXPECT_THAT(refused("x.toml", "[potts]\ncells = 2\nstates = 3\n[ising]\nspins = 2\n"), HasSubstr("more than one table"));
}

TEST_F(ProblemFile, MatricesAndPairsAreGaussianOrPhasesWhereAskedFor) {
  const Problem gauss = read("a.mtx", "%%MatrixMarket matrix coordinate real symmetric\r\n% a comment\r\n2 2 3\r\n1 1 2\r\n2 1 -1\r\n2 2 3\r\n",
                             ProblemKind::gaussian);
  EXPECT_NEAR(gauss.value(std::vector<float>{1, 2}), 0.5 * (2 - 4 + 12), 1e-6);
  const Problem phases = read("e.edges", "# pairs\n0 1 -1\n1 2 -0.5\n", ProblemKind::phase);
  EXPECT_NEAR(phases.value(std::vector<float>{0, 1, 3}), -std::cos(1.0) - 0.5 * std::cos(2.0), 1e-6);
  EXPECT_THAT(refused("e.edges", "0 0 1\n0 1 1\n", ProblemKind::phase), HasSubstr("with itself"));
  EXPECT_THAT(refused("e.edges", "0 1 1\n", ProblemKind::potts), HasSubstr("[potts]"));
}

}  // namespace
}  // namespace heatbath::apps
