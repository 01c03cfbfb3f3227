// Logistic regression on a device against the posterior on a grid, and the host's draws against their moments.
#include "heatbath/solvers/logistic.hpp"

#include <gtest/gtest.h>

#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/open.hpp"

namespace heatbath::solvers {
namespace {

TEST(PolyaGamma, HasItsMeanAndVariance) {
  for (const double z : {0.0, 0.5, 3.0, -12.0}) {
    numerics::RandomStream random(7);
    constexpr int count = 40000;
    double sum = 0, squares = 0, fourth = 0;
    // tanh(z/2)/(2 z) and (sinh z - z)/(4 z^3 cosh^2(z/2)).
    const double mean = z == 0 ? 0.25 : std::tanh(z / 2) / (2 * z);
    const double variance = z == 0 ? 1.0 / 24 : (std::sinh(z) - z) / (4 * z * z * z * std::cosh(z / 2) * std::cosh(z / 2));
    for (int k = 0; k < count; ++k) {
      const double w = polya_gamma(z, random) - mean;
      ASSERT_GT(w + mean, 0);
      sum += w, squares += w * w, fourth += w * w * w * w;
    }
    EXPECT_LT(std::abs(sum / count), 4 * std::sqrt(variance / count)) << z;
    EXPECT_LT(std::abs(squares / count - variance), 4 * std::sqrt(fourth / count / count)) << z;
  }
}

/// 12 rows of two columns, a constant and a value.
struct Data {
  std::vector<double> design, labels;
  Data() {
    for (int i = 0; i < 12; ++i) {
      design.push_back(1), design.push_back(0.4 * i - 2.1);
      labels.push_back(i == 2 || i == 5 || i > 6 ? 1 : 0);
    }
  }
};

TEST(Logistic, HasTheMomentsOfItsPosterior) {
  const Data data;
  const LogisticModel model{{0.5, 0.1, 0.1, 0.3}, {0.2, -0.4}, data.design};
  // The posterior itself on a grid, no augmentation.
  double Z = 0, m[2] = {}, s[3] = {};
  constexpr double d = 0.03;
  for (double a = -6; a < 7; a += d)
    for (double b = -5; b < 8; b += d) {
      const double x = a - 0.2, y = b + 0.4;
      double log_p = -0.5 * (0.5 * x * x + 0.2 * x * y + 0.3 * y * y);
      for (std::size_t i = 0; i < 12; ++i) {
        const double t = a + b * data.design[2 * i + 1];
        log_p -= std::log1p(std::exp(data.labels[i] > 0 ? -t : t));
      }
      const double p = std::exp(log_p);
      Z += p, m[0] += p * a, m[1] += p * b, s[0] += p * a * a, s[1] += p * a * b, s[2] += p * b * b;
    }
  const double mean[2] = {m[0] / Z, m[1] / Z};
  const double covariance[3] = {s[0] / Z - mean[0] * mean[0], s[1] / Z - mean[0] * mean[1], s[2] / Z - mean[1] * mean[1]};
  for (const char* uri : {"func:cells=2&stepper=exact-ou", "func:cells=2"}) {
    Device device = open(uri);
    const LogisticResult found = logistic(device, model, data.labels, {.chains = 8, .draws = 300, .seed = 3});
    ASSERT_EQ(found.draws.size(), 8u * 300 * 2);
    const auto expect = [&](const measure::Estimate& is, double exact) {
      EXPECT_LT(std::abs(is.value - exact), 4 * is.standard_error + 0.01 * std::abs(exact)) << uri << ": " << is.value << " for " << exact;
      EXPECT_LT(is.standard_error, 0.2);
    };
    expect(found.mean[0], mean[0]), expect(found.mean[1], mean[1]);
    expect(found.covariance[0], covariance[0]), expect(found.covariance[1], covariance[1]), expect(found.covariance[3], covariance[2]);
    EXPECT_EQ(found.covariance[1].value, found.covariance[2].value);
  }
}

TEST(Logistic, RefusesWhatIsNoProblem) {
  const Data data;
  Device device = open("func:cells=2&stepper=exact-ou");
  const auto refusal = [&](const LogisticModel& model, std::vector<double> labels) -> std::string {
    try {
      logistic(device, model, labels);
    } catch (const Error& error) {
      return error.what();
    }
    return "";
  };
  const LogisticModel good{{1, 0, 0, 1}, {}, data.design};
  std::vector<double> three = data.labels;
  three[4] = 3;
  EXPECT_NE(refusal(good, three).find("label 4 is 3"), std::string::npos);
  EXPECT_NE(refusal(good, std::vector<double>(5)).find("24 values for 5 labels"), std::string::npos);
  EXPECT_NE(refusal({{1}, {}, data.design}, data.labels).find("not of 2 parameters"), std::string::npos);
}

}  // namespace
}  // namespace heatbath::solvers
