// Thermal linear algebra against Eigen: solutions, inverses, and error bars that are as wide as they say.
#include "heatbath/solvers/linear.hpp"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <cmath>
#include <random>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"

namespace heatbath::solvers {
namespace {

using Numbers = std::vector<double>;

struct System {
  Eigen::MatrixXd A;
  Eigen::VectorXd b, x, modes;
  Numbers a() const { return {A.data(), A.data() + A.size()}; }
  Numbers rhs() const { return {b.data(), b.data() + b.size()}; }
};

/// Eigenvalues from 1 to `condition` in equal ratios, in a random basis.
System random_system(int n, double condition, unsigned seed) {
  std::mt19937 random(seed);
  std::normal_distribution<double> normal;
  Eigen::MatrixXd g(n, n);
  for (double& entry : g.reshaped()) entry = normal(random);
  const Eigen::MatrixXd q = Eigen::HouseholderQR<Eigen::MatrixXd>(g).householderQ();
  System s;
  s.modes.resize(n);
  for (int k = 0; k < n; ++k) s.modes(k) = std::pow(condition, k / (n - 1.0));
  s.A = q * s.modes.asDiagonal() * q.transpose();
  s.A = (0.5 * (s.A + s.A.transpose())).eval();
  s.b.resize(n);
  for (double& entry : s.b) entry = normal(random);
  s.x = s.A.ldlt().solve(s.b);
  return s;
}

std::string uri(int n) { return "func:stepper=exact-ou&lanes=64&threads=1&cells=" + std::to_string(n); }

TEST(Solve, HasTheErrorThatTheLawSaysAndErrorBarsThatHold) {
  const System s = random_system(8, 10, 3);
  Device device = open(uri(8));
  constexpr int repeats = 60;
  double squares = 0, law = 0;
  int inside = 0;
  for (int k = 0; k < repeats; ++k) {
    const LinearResult r = solve(device, s.a(), s.rhs(), {.tolerance = 0.01, .kT = 0.2, .seed = 100u + static_cast<unsigned>(k)});
    ASSERT_TRUE(r.reached);
    EXPECT_LE(r.relative_error, 0.01);
    law += 2 * 0.2 / (r.averaged_time * 64) * s.modes.array().square().inverse().sum() / repeats;
    for (int i = 0; i < 8; ++i) {
      const double off = r.values[static_cast<std::size_t>(i)] - s.x(i);
      squares += off * off / repeats;
      inside += std::abs(off) <= r.standard_errors[static_cast<std::size_t>(i)];
    }
  }
  // 60 repeats of a sum of squares that few modes make: a standard error of some 9 %.
  EXPECT_NEAR(squares, law, 0.3 * law);
  EXPECT_NEAR(inside / (8.0 * repeats), 0.68, 0.08);
}

TEST(Solve, LawOfTheErrorWithinATenth) {
  // Many shots of a fixed time in place of a tolerance: the error bars themselves, which are averages, against the law.
  const System s = random_system(8, 10, 4);
  Device device = open(uri(8));
  const LinearResult r = solve(device, s.a(), s.rhs(), {.tolerance = 1e-9, .kT = 0.2, .shots = 2048, .most_time = 40});
  EXPECT_FALSE(r.reached);
  ASSERT_EQ(r.notes.size(), 1u);
  double bars = 0;
  for (const double e : r.standard_errors) bars += e * e;
  const double law = 2 * 0.2 / (r.averaged_time * 2048) * s.modes.array().square().inverse().sum();
  EXPECT_NEAR(bars, law, 0.1 * law);
}

TEST(Inverse, IsTheCovarianceAndHasTheErrorOfTheLaw) {
  const System s = random_system(6, 6, 5);
  Device device = open(uri(6));
  const LinearResult r = inverse(device, s.a(), {.tolerance = 1e-9, .shots = 1024, .most_time = 300});
  const Eigen::MatrixXd exact = s.A.inverse();
  double worst = 0, bars = 0, law = 0;
  for (int i = 0; i < 6; ++i)
    for (int j = 0; j < 6; ++j) {
      const auto at = static_cast<std::size_t>(6 * i + j);
      worst = std::max(worst, std::abs(r.values[at] - exact(i, j)) / r.standard_errors[at]);
      bars += r.standard_errors[at] * r.standard_errors[at];
      law += 2 / (r.averaged_time * 1024) * (1 + (i == j)) / (s.modes(i) * s.modes(j) * (s.modes(i) + s.modes(j)));
    }
  EXPECT_LT(worst, 4.5);
  EXPECT_NEAR(bars, law, 0.1 * law);
}

TEST(Solve, OnEveryProfileIsTheSolutionOfWhatIsHeld) {
  const System s = random_system(4, 4, 6);
  for (const char* device_uri : {"func:cells=4&lanes=32", "func:profile=coded&cells=4", "func:profile=silicon&cells=4"}) {
    Device device = open(device_uri);
    const LinearResult r = solve(device, s.a(), s.rhs(), {.tolerance = 0.02, .shots = 32});
    EXPECT_TRUE(r.reached) << device_uri;
    // Codes of 8 and 10 bits, a gain spread of 1 % and offsets of half a step: within a fifth; float32 within its bars.
    const double room = std::string(device_uri).find("profile") == std::string::npos ? 5 * 0.02 : 0.2;
    for (int i = 0; i < 4; ++i) EXPECT_NEAR(r.values[static_cast<std::size_t>(i)], s.x(i), room * s.x.norm()) << device_uri;
  }
}

TEST(Solve, RefusesByNameWhatHasNoThermalSolution) {
  Device device = open(uri(2));
  const auto refusal = [&](const Numbers& A, const LinearOptions& options) -> std::string {
    try {
      solve(device, A, Numbers{1, 1}, options);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_NE(refusal({1, 2, 2, 1}, {}).find("positive definite"), std::string::npos) << refusal({1, 2, 2, 1}, {});
  EXPECT_NE(refusal({1, 0.5, 0, 1}, {}).find("symmetric"), std::string::npos);
  EXPECT_NE(refusal({2, 0, 0, 2}, {.tolerance = 0}).find("tolerance"), std::string::npos);
  EXPECT_NE(refusal({2, 0, 0, 2}, {.shots = 3}).find("16 or more"), std::string::npos);
  EXPECT_NE(refusal({2, 0, 0}, {}).find("n x n"), std::string::npos);
}

}  // namespace
}  // namespace heatbath::solvers
