// Energies of the named constructors against the formulas of their problems, and what is refused.
#include "heatbath/network/network.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <limits>
#include <random>

#include "heatbath/numerics/lattice.hpp"
#include "tests/network/message_of.hpp"

namespace heatbath::network {
namespace {

using Numbers = std::vector<double>;
using ::testing::HasSubstr;

/// A symmetric positive definite matrix.
Eigen::MatrixXd positive_matrix(int n, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Eigen::MatrixXd root(n, n);
  for (double& entry : root.reshaped()) entry = normal(random);
  return root * root.transpose() / n + 0.5 * Eigen::MatrixXd::Identity(n, n);
}

Numbers numbers_of(const Eigen::MatrixXd& matrix) { return Numbers(matrix.data(), matrix.data() + matrix.size()); }

/// All states of n spins.
std::vector<std::vector<std::int8_t>> all_spins(unsigned n) {
  std::vector<std::vector<std::int8_t>> states;
  for (unsigned bits = 0; bits < 1u << n; ++bits) {
    states.emplace_back();
    for (unsigned i = 0; i < n; ++i) states.back().push_back((bits >> i & 1) != 0 ? 1 : -1);
  }
  return states;
}

TEST(QuadraticForm, EnergyIsHalfXAxMinusBx) {
  const int n = 7;
  const Eigen::MatrixXd A = positive_matrix(n, 1);
  const Eigen::VectorXd b = Eigen::VectorXd::LinSpaced(n, -1, 2), x = Eigen::VectorXd::LinSpaced(n, 3, -2);
  const Network network = Network::quadratic_form(numbers_of(A), numbers_of(b));
  EXPECT_NEAR(network.energy(numbers_of(x)), 0.5 * x.dot(A * x) - b.dot(x), 1e-12);
  const Numbers gradient = network.gradient(numbers_of(x));
  const Eigen::VectorXd expected = A * x - b;
  for (int i = 0; i < n; ++i) EXPECT_NEAR(gradient[static_cast<std::size_t>(i)], expected(i), 1e-12);
}

TEST(QuadraticForm, CurvatureIsTheSpectrumOfTheMatrix) {
  const Eigen::MatrixXd A = positive_matrix(20, 2);
  const Eigen::VectorXd spectrum = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>(A).eigenvalues();
  const Network::Curvature curvature = Network::quadratic_form(numbers_of(A), Numbers(20, 1.0)).curvature(5);
  EXPECT_NEAR(curvature.lowest, spectrum(0), 1e-10);
  EXPECT_NEAR(curvature.highest, spectrum(19), 1e-10);
}

TEST(QuadraticForm, MatrixThatIsNotSymmetricIsRefusedByEntry) {
  const Numbers A{2, 1, 0, 2};
  const std::string message = message_of([&] { Network::quadratic_form(A, Numbers{1, 1}); }, HB_BAD_ARG);
  EXPECT_THAT(message, HasSubstr("entry (0, 1) is 1 and entry (1, 0) is 0"));
  EXPECT_THAT(message, HasSubstr("(A + A')/2"));
}

TEST(QuadraticForm, RoundingErrorsOfSymmetryAreTaken) {
  const double third = 1.0 / 3, near = std::nextafter(third, 1.0);
  const Network network = Network::quadratic_form(Numbers{1, third, near, 1}, Numbers{0, 0});
  EXPECT_NEAR(network.couplings()[0].value, third, 1e-16);
}

TEST(QuadraticForm, WrongSizesAndNumbersAreNamed) {
  EXPECT_THAT(message_of([] { Network::quadratic_form(Numbers{1, 0, 0}, Numbers{1, 1}); }, HB_BAD_ARG),
              HasSubstr("has 3 values; needs 4"));
  EXPECT_THAT(message_of([] { Network::quadratic_form({}, {}); }, HB_BAD_ARG), HasSubstr("one per cell"));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_THAT(message_of([&] { Network::quadratic_form(Numbers{1, 0, 0, nan}, Numbers{1, 1}); }, HB_BAD_ARG),
              HasSubstr("value 3 of A is nan"));
  EXPECT_THAT(message_of([&] { Network::quadratic_form(Numbers{1, 0, 0, 1}, Numbers{1, -INFINITY}); }, HB_BAD_ARG),
              HasSubstr("-inf"));
  message_of([] { Network::quadratic_form(Numbers{1}, Numbers{1}, CellKind::pbit); }, HB_UNSUPPORTED);
  message_of([] { Network(CellKind::rlc, 2).set_half_quadratic(Numbers{2, 1, 1, 2}); }, HB_UNSUPPORTED);
}

TEST(Ising, EnergyHasTheSignsOfThePapers) {
  const std::vector<Edge> J{{0, 1, 0.7}, {3, 1, -1.2}, {2, 3, 0.4}};
  const Numbers h{0.1, -0.2, 0.3, 0};
  const Network network = Network::ising(J, h);
  for (const auto& s : all_spins(4)) {
    double expected = 0;
    for (const Edge& e : J) expected -= e.value * s[e.i] * s[e.j];
    for (std::size_t i = 0; i < 4; ++i) expected -= h[i] * s[i];
    EXPECT_NEAR(network.energy(std::span<const std::int8_t>(s)), expected, 1e-14);
  }
}

TEST(Ising, MatrixAndEdgesAreOneNetwork) {
  const Numbers h{0.5, 0, 0};
  const Network of_edges = Network::ising(std::vector<Edge>{{2, 0, 1.5}, {0, 1, -1}}, h);
  const Network of_matrix = Network::ising(Numbers{0, -1, 1.5, -1, 0, 0, 1.5, 0, 0}, h);
  ASSERT_EQ(of_edges.couplings().size(), of_matrix.couplings().size());
  for (std::size_t k = 0; k < 2; ++k) EXPECT_EQ(of_edges.couplings()[k], of_matrix.couplings()[k]);
}

TEST(Qubo, EnergyIsThatOfTheBits) {
  std::mt19937 random(5);
  std::normal_distribution<double> normal;
  Numbers Q(25);
  for (double& entry : Q) entry = normal(random);  // neither symmetric nor triangular
  const Network network = Network::qubo(Q);
  for (const auto& s : all_spins(5)) {
    double expected = 0;
    for (std::size_t i = 0; i < 5; ++i)
      for (std::size_t j = 0; j < 5; ++j) expected += Q[5 * i + j] * (s[i] > 0) * (s[j] > 0);
    EXPECT_NEAR(network.energy(std::span<const std::int8_t>(s)), expected, 1e-13);
  }
  EXPECT_THAT(message_of([] { Network::qubo(Numbers(6)); }, HB_BAD_ARG), HasSubstr("square"));
}

TEST(MaxCut, EnergyIsMinusTheWeightCut) {
  const std::vector<Edge> weights{{0, 1, 2}, {1, 2, 3}, {0, 2, 0.5}, {2, 3, -1}};
  const Network network = Network::max_cut(4, weights);
  for (const auto& s : all_spins(4)) {
    double cut = 0;
    for (const Edge& e : weights) cut += s[e.i] != s[e.j] ? e.value : 0;
    EXPECT_NEAR(network.energy(std::span<const std::int8_t>(s)), -cut, 1e-14);
  }
}

TEST(Kuramoto, EnergyAndGradientAreThoseOfCosines) {
  const std::vector<Edge> K{{0, 1, 1.5}, {1, 2, 0.5}};
  Network network = Network::kuramoto(K, Numbers{0.1, 0.2, 0.3});
  network.set_fields(Numbers{0.4, 0, 0}).set(CellSection::j2, -0.3);
  const Numbers theta{0.3, -1.1, 2};
  const auto energy = [&](const Numbers& th) {
    double sum = -0.4 * std::cos(th[0]);
    for (const Edge& e : K) sum -= e.value * std::cos(th[e.i] - th[e.j]);
    for (const double one : th) sum -= 0.3 * std::cos(2 * one);
    return sum;
  };
  EXPECT_NEAR(network.energy(theta), energy(theta), 1e-14);
  const Numbers gradient = network.gradient(theta);
  for (std::size_t i = 0; i < 3; ++i) {
    Numbers up = theta, down = theta;
    up[i] += 1e-5;
    down[i] -= 1e-5;
    EXPECT_NEAR(gradient[i], (energy(up) - energy(down)) / 2e-5, 1e-9);
  }
}

TEST(DoubleWells, EnergyIsZeroAtTheWellsAndTheHeightBetween) {
  const Network network = Network::double_wells(2, 3);
  EXPECT_DOUBLE_EQ(network.energy(Numbers{1, -1}), 0);
  EXPECT_DOUBLE_EQ(network.energy(Numbers{0, 1}), 3);
  EXPECT_DOUBLE_EQ(network.energy(Numbers{2, 1}), 27);
  EXPECT_DOUBLE_EQ(network.gradient(Numbers{2, 1})[0], 3 * 2 * 3 * 4);
}

TEST(Network, ACaptureOfVelocitiesHasNoEnergies) {
  const Network network(CellKind::underdamped, 2);
  EXPECT_TRUE(network.energies(Capture(1, 2)).empty()) << "no records";
  EXPECT_THAT(message_of([&] { network.energies(Capture(1, 2, 2)); }, HB_BAD_ARG),
              ::testing::HasSubstr("2 variables from 2 on"));
}

TEST(Network, EnergiesOfManyStatesAreThoseOfEach) {
  const Network network = Network::quadratic_form(Numbers{2, 1, 1, 3}, Numbers{1, 0});
  const std::vector<float> states{0, 0, 1, 0, 0.5f, -2};
  EXPECT_THAT(network.energies(states), ::testing::ElementsAre(0.0, 0.0, 0.25 + 6 - 1 - 0.5));
  message_of([&] { network.energies(std::span(states).first(3)); }, HB_BAD_ARG);
  message_of([&] { network.energy(Numbers{1, 2, 3}); }, HB_BAD_ARG);
}

TEST(Network, DirectedCouplingsCountWithTheirMean) {
  Network network(CellKind::overdamped, 2);
  network.set_directed(std::vector<Edge>{{0, 1, 3}, {1, 0, 1}});
  EXPECT_DOUBLE_EQ(network.energy(Numbers{2, 5}), 20);
}

TEST(Network, CouplingsThatCannotBeAreNamed) {
  Network network(CellKind::pbit, 3);
  const auto refusal = [&](std::vector<Edge> edges) {
    return message_of([&] { network.set_couplings(edges); }, HB_BAD_ARG);
  };
  EXPECT_THAT(refusal({{0, 3, 1}}), HasSubstr("cells 0..2"));
  EXPECT_THAT(refusal({{1, 1, 1}}), HasSubstr("itself"));
  EXPECT_THAT(refusal({{0, 1, 1}, {1, 0, 1}}), HasSubstr("(0, 1) comes twice"));
  EXPECT_THAT(refusal({{0, 1, NAN}}), HasSubstr("nan"));
  EXPECT_TRUE(network.couplings().empty());
  EXPECT_THAT(message_of([&] { network.set_couplings(Numbers{1, 0, 0, 0, 0, 0, 0, 0, 0}); }, HB_BAD_ARG),
              HasSubstr("the diagonal is zero"));
}

TEST(Network, OfPottsAlignsAndFavoursWhatIsPositiveAndCountsBordersOfAColouring) {
  const std::vector<Edge> edges{{0, 1, 2}, {2, 1, -1}};
  const Network potts = Network::potts(3, edges, Numbers{0.1, 0.2, 0.3, 0, 0, 0.5, 1, 0, 0});
  EXPECT_EQ(potts.cells(), 3u);
  EXPECT_EQ(potts.states(), 3u);
  EXPECT_EQ(potts.values_in(CellSection::bias), 9u);
  EXPECT_DOUBLE_EQ(potts.energy(Numbers{2, 2, 2}), -2 + 1 - 0.3 - 0.5);
  EXPECT_DOUBLE_EQ(potts.energy(std::vector<float>{2, 2, 0}), -2 - 0.3 - 0.5 - 1);
  EXPECT_DOUBLE_EQ(potts.value(CellSection::bias, 5), -0.5);
  EXPECT_THAT(message_of([&] { potts.energy(Numbers{0, 3, 0}); }, HB_BAD_ARG), HasSubstr("cell 1 is in state 3; its states are 0 to 2"));
  EXPECT_THAT(message_of([&] { potts.energy(Numbers{0, 0.5, 0}); }, HB_BAD_ARG), HasSubstr("0.5"));
  const Network map = Network::colouring(4, 3, std::vector<Edge>{{0, 1, 1}, {1, 2, 1}, {2, 3, 1}});
  EXPECT_DOUBLE_EQ(map.energy(Numbers{0, 0, 1, 1}), 2);
  EXPECT_DOUBLE_EQ(map.energy(Numbers{0, 2, 1, 2}), 0);
  message_of([&] { map.gradient(Numbers{0, 1, 2, 0}); }, HB_UNSUPPORTED);
  EXPECT_THAT(message_of([] { Network(CellKind::categorical, 3); }, HB_BAD_ARG), HasSubstr("1 states of categorical cells; at least 2"));
  EXPECT_THAT(message_of([] { Network(CellKind::pbit, 3, 2); }, HB_BAD_ARG), HasSubstr("only categorical cells"));
  EXPECT_THAT(message_of([&] { Network::potts(3, edges, Numbers{1, 2}); }, HB_BAD_ARG), HasSubstr("3 states of every cell"));
}

TEST(Network, SectionsThatAKindLacksAreRefusedByName) {
  Network spins(CellKind::pbit, 2);
  EXPECT_THAT(message_of([&] { spins.set(CellSection::j2, 1); }, HB_UNSUPPORTED), HasSubstr("pbit cells have no j2"));
  EXPECT_THAT(message_of([&] { spins.set(CellSection::kT, 1); }, HB_UNSUPPORTED), HasSubstr("Scaling"));
  message_of([&] { spins.gradient(Numbers{1, 1}); }, HB_UNSUPPORTED);
  Network cells(CellKind::overdamped, 2);
  message_of([&] { cells.set(CellSection::frequency, 1); }, HB_UNSUPPORTED);
  EXPECT_THAT(message_of([&] { cells.set(CellSection::j4, -1); }, HB_BAD_ARG), HasSubstr("floor"));
  message_of([] { Network(CellKind::pbit, 0); }, HB_BAD_ARG);
}

TEST(Network, LatticesBecomeEdges) {
  const std::vector<Edge> edges = edges_of(numerics::grid_pairs(3, 2, false), -0.5);
  EXPECT_EQ(edges.size(), 7u);
  EXPECT_EQ(edges.front(), (Edge{0, 1, -0.5}));
}

}  // namespace
}  // namespace heatbath::network
