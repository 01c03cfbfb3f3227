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

/// All within 4.5 error bars, and a fifth of them at least within one.
void expect_matrix(const LinearResult& found, const Eigen::MatrixXd& exact) {
  ASSERT_EQ(found.values.size(), static_cast<std::size_t>(exact.size()));
  int inside = 0;
  for (Eigen::Index i = 0; i < exact.rows(); ++i)
    for (Eigen::Index j = 0; j < exact.cols(); ++j) {
      const auto at = static_cast<std::size_t>(i * exact.cols() + j);
      const double off = std::abs(found.values[at] - exact(i, j));
      EXPECT_LT(off, 4.5 * found.standard_errors[at]) << i << ", " << j << ": " << found.values[at] << " for " << exact(i, j);
      inside += off <= found.standard_errors[at];
    }
  EXPECT_GE(5 * inside, exact.size());
}

/// exp(M) by its series of M/2^10, squared again.
Eigen::MatrixXd exponential_of(const Eigen::MatrixXd& M) {
  const Eigen::MatrixXd part = M / 1024;
  Eigen::MatrixXd sum = Eigen::MatrixXd::Identity(M.rows(), M.cols()), term = sum;
  for (int k = 1; k < 20; ++k) sum += term = (term * part / k).eval();
  for (int k = 0; k < 10; ++k) sum = (sum * sum).eval();
  return sum;
}

Numbers rows_of(const Eigen::MatrixXd& M) {
  const Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> rows = M;
  return {rows.data(), rows.data() + rows.size()};
}

TEST(Exponential, OfASymmetricMatrixIsALaggedCovariance) {
  const System s = random_system(5, 6, 8);
  Device device = open(uri(5));
  const LinearResult r = exponential(device, s.a(), 0.4, {.tolerance = 0.02});
  EXPECT_TRUE(r.reached);
  expect_matrix(r, exponential_of(-0.4 * s.A));
}

TEST(Exponential, OfAnyMatrixTakesAShiftAndCouplingsOfTwoDirections) {
  Eigen::MatrixXd A(3, 3);
  A << 1, 2, 0, -1, 0.2, 0.5, 0, -0.5, 0.4;  // whose symmetric part has an eigenvalue of about 0
  const auto in_device = [&](const char* name) {
    Device device = open(name);
    return exponential(device, rows_of(A), 0.7, {.tolerance = 0.02});
  };
  const LinearResult r = in_device("func:cells=3&lanes=64&threads=1&reciprocal=no");
  EXPECT_TRUE(r.reached);
  expect_matrix(r, exponential_of(-0.7 * A));
  EXPECT_NE(r.notes.front().find("was taken"), std::string::npos) << r.notes.front();
  EXPECT_THROW(in_device("func:cells=3&lanes=64&threads=1"), Error);
}

TEST(Lyapunov, IsTheCovarianceUnderNoiseOfAnyShape) {
  Eigen::MatrixXd A(3, 3), R(3, 3);
  A << 2, 0.7, 0, -0.3, 1.5, 0.4, 0.2, -0.6, 1;
  R << 1, 0.4, 0, 0.4, 2, -0.3, 0, -0.3, 0.7;
  // A S + S A' = R as one linear system.
  const Eigen::MatrixXd one = Eigen::MatrixXd::Identity(3, 3);
  Eigen::MatrixXd both(9, 9);
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 3; ++j)
      for (int k = 0; k < 3; ++k)
        for (int l = 0; l < 3; ++l) both(3 * i + j, 3 * k + l) = A(i, k) * one(j, l) + one(i, k) * A(j, l);
  const Numbers r_rows = rows_of(R);
  const Eigen::VectorXd flat = both.partialPivLu().solve(Eigen::Map<const Eigen::VectorXd>(r_rows.data(), 9));
  Device device = open("func:cells=3&lanes=64&threads=1&reciprocal=no");
  const LinearResult r = lyapunov(device, rows_of(A), r_rows, {.tolerance = 0.01});
  EXPECT_TRUE(r.reached);
  expect_matrix(r, Eigen::Map<const Eigen::Matrix<double, 3, 3, Eigen::RowMajor>>(flat.data()));
  // A symmetric one with noise alike on all: A S = R/2, on cells that are coupled both ways.
  const System s = random_system(4, 5, 9);
  Device plain = open(uri(4));
  const LinearResult half = lyapunov(plain, s.a(), rows_of(0.5 * Eigen::MatrixXd::Identity(4, 4)), {.tolerance = 0.02});
  expect_matrix(half, 0.25 * s.A.inverse());
}

TEST(LogDeterminant, IsThatOfTheMatrixWithAnErrorBarThatHolds) {
  const System s = random_system(6, 20, 10);
  Device device = open(uri(6));
  const double exact = s.modes.array().log().sum();
  int inside = 0;
  double squares = 0, bars = 0;
  for (unsigned seed = 1; seed <= 12; ++seed) {
    const LinearResult r = log_determinant(device, s.a(), {.tolerance = 0.05, .seed = seed});
    EXPECT_TRUE(r.reached);
    EXPECT_LE(r.standard_errors[0], 0.05);
    const double off = r.values[0] - exact;
    inside += std::abs(off) <= r.standard_errors[0];
    squares += off * off, bars += r.standard_errors[0] * r.standard_errors[0];
  }
  EXPECT_GE(inside, 5);  // of 12 with 68 % each: below 5 once in 400 seeds
  EXPECT_LT(squares, 2.5 * bars);
  const LinearResult diagonal = log_determinant(device, rows_of(3 * Eigen::MatrixXd::Identity(6, 6)), {});
  EXPECT_NEAR(diagonal.values[0], 6 * std::log(3), 1e-12);
}

TEST(Posterior, IsThatOfAGaussianModel) {
  GaussianModel model{{2, 0.5, 0.5, 1}, {1, -1}, {1, 0, 1, 1, 0, 2}, {0.5}};
  const Numbers y{0.3, 1.2, -0.4};
  const Eigen::Map<const Eigen::Matrix<double, 3, 2, Eigen::RowMajor>> H(model.design.data());
  const Eigen::Map<const Eigen::Matrix2d> P(model.prior_precision.data());
  const Eigen::Matrix2d A = P + H.transpose() * H / 0.5;
  const Eigen::Vector2d mean = A.inverse() * (P * Eigen::Vector2d(1, -1) + H.transpose() * Eigen::Vector3d(0.3, 1.2, -0.4) / 0.5);
  Device device = open(uri(2));
  const PosteriorResult r = posterior(device, model, y, {.tolerance = 0.01});
  EXPECT_TRUE(r.mean.reached && r.covariance.reached);
  expect_matrix(r.mean, mean);
  expect_matrix(r.covariance, A.inverse());
  model.noise_variance = {0.5, 0};
  EXPECT_THROW(posterior(device, model, y), Error);
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
  EXPECT_NE(refusal({1, 1, 1, 1}, {}).find("its matrix is singular"), std::string::npos) << refusal({1, 1, 1, 1}, {});
  EXPECT_NE(refusal({1, 0.5, 0, 1}, {}).find("symmetric"), std::string::npos);
  EXPECT_NE(refusal({2, 0, 0, 2}, {.tolerance = 0}).find("tolerance"), std::string::npos);
  EXPECT_NE(refusal({2, 0, 0, 2}, {.shots = 3}).find("16 or more"), std::string::npos);
  EXPECT_NE(refusal({2, 0, 0}, {}).find("n x n"), std::string::npos);
  const auto message_of = [](const auto& run) -> std::string {
    try {
      run();
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const Numbers one{1, 0, 0, 1}, indefinite{1, 2, 2, 1}, skew{1, 0.5, 0, 1};
  EXPECT_NE(message_of([&] { log_determinant(device, indefinite); }).find("lowest eigenvalue is -1"), std::string::npos);
  EXPECT_NE(message_of([&] { log_determinant(device, skew); }).find("symmetric"), std::string::npos);
  EXPECT_NE(message_of([&] { lyapunov(device, one, skew); }).find("R is not symmetric"), std::string::npos);
  EXPECT_NE(message_of([&] { lyapunov(device, one, indefinite); }).find("R has the eigenvalue -1"), std::string::npos);
  EXPECT_NE(message_of([&] { lyapunov(device, indefinite, one); }).find("the eigenvalue -1"), std::string::npos);
  EXPECT_NE(message_of([&] { exponential(device, one, 0); }).find("above 0"), std::string::npos);
  EXPECT_NE(message_of([&] { exponential(device, Numbers{1, NAN, 0, 1}, 1); }).find("finite"), std::string::npos);
}

}  // namespace
}  // namespace heatbath::solvers
