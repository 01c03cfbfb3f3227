// The action, its gradient and the online rule against loops in double precision on trajectories made here.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "heatbath/error.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/trainers/generative.hpp"
#include "trainers/src/online_rule.hpp"

namespace heatbath::trainers {
namespace {

using Vector = std::vector<double>;

/// The machine in double precision, written down straight from generative.md 1.
struct Oracle {
  std::size_t visible, hidden;
  double j2 = 1, j4 = 1, kT = 0.1, dt = 1e-3, mu = 1;
  Vector couplings, bias;

  Oracle(std::size_t v, std::size_t h) : visible(v), hidden(h), couplings((v + h) * (v + h)), bias(v + h) {}
  std::size_t cells() const { return visible + hidden; }

  Vector force(const double* x) const {  // grad V
    Vector g(cells());
    for (std::size_t i = 0; i < cells(); ++i) {
      g[i] = 2 * j2 * x[i] + 4 * j4 * x[i] * x[i] * x[i] + bias[i];
      for (std::size_t j = 0; j < cells(); ++j) g[i] += couplings[i * cells() + j] * x[j];
    }
    return g;
  }

  double reverse_action(const Vector& path) const {
    double sum = 0;
    for (std::size_t k = 0; (k + 1) * cells() < path.size(); ++k) {
      const Vector g = force(&path[(k + 1) * cells()]);
      for (std::size_t i = 0; i < cells(); ++i) {
        const double dx = path[(k + 1) * cells() + i] - path[k * cells() + i];
        sum += std::pow(-dx + mu * g[i] * dt, 2) / (4 * mu * kT * dt);
      }
    }
    return sum;
  }

  double forward_action(const Vector& path) const {
    double sum = 0;
    for (std::size_t k = 0; (k + 1) * cells() < path.size(); ++k) {
      const Vector g = force(&path[k * cells()]);
      for (std::size_t i = 0; i < cells(); ++i) {
        const double dx = path[(k + 1) * cells() + i] - path[k * cells() + i];
        sum += std::pow(dx + mu * g[i] * dt, 2) / (4 * mu * kT * dt);
      }
    }
    return sum;
  }

  GenerativeModel model() const {
    GenerativeModel m;
    m.visible = static_cast<std::uint32_t>(visible);
    m.hidden = static_cast<std::uint32_t>(hidden);
    m.couplings.assign(couplings.begin(), couplings.end());
    m.bias.assign(bias.begin(), bias.end());
    m.j2 = static_cast<float>(j2);
    m.j4 = static_cast<float>(j4);
    m.kT = static_cast<float>(kT);
    return m;
  }

  /// Random couplings (none among visible cells) and hidden biases, exact in float.
  void randomise(std::mt19937_64& random, double size) {
    std::normal_distribution<double> normal(0, size);
    for (std::size_t i = 0; i < cells(); ++i) {
      if (i >= visible) bias[i] = static_cast<float>(normal(random));
      for (std::size_t j = std::max(i + 1, visible); j < cells(); ++j) {
        couplings[i * cells() + j] = couplings[j * cells() + i] = static_cast<float>(normal(random));
      }
    }
  }

  /// An Euler–Maruyama path of this machine, every value exact in float.
  Vector path(std::mt19937_64& random, std::size_t steps) const {
    std::normal_distribution<double> normal;
    Vector path(cells());
    for (double& x : path) x = static_cast<float>(0.3 * normal(random));
    for (std::size_t k = 0; k < steps; ++k) {
      const Vector g = force(&path[k * cells()]);
      for (std::size_t i = 0; i < cells(); ++i) {
        const double x = path[k * cells() + i];
        path.push_back(static_cast<float>(x - mu * g[i] * dt + std::sqrt(2 * mu * kT * dt) * normal(random)));
      }
    }
    return path;
  }
};

std::vector<float> narrow(const Vector& values) { return {values.begin(), values.end()}; }

class ReverseActionOfAPath : public ::testing::Test {
 protected:
  ReverseActionOfAPath() {
    Oracle driven(machine_.visible, machine_.hidden);
    std::normal_distribution<double> normal;
    for (double& b : driven.bias) b = 2 * normal(random_);
    path_ = driven.path(random_, 70);
    machine_.randomise(random_, 0.4);
  }
  std::mt19937_64 random_{12345};
  Oracle machine_{19, 13};
  Vector path_;
};

TEST_F(ReverseActionOfAPath, IsTheSumOfTheFormula) {
  const ReverseAction action = reverse_action(machine_.model(), narrow(path_), machine_.dt, 1.0, {}, {}, 1);
  EXPECT_NEAR(action.per_step * 70 / machine_.reverse_action(path_), 1, 1e-6);
  double moves = 0;
  for (std::size_t i = machine_.cells(); i < path_.size(); ++i) moves += std::pow(path_[i] - path_[i - machine_.cells()], 2);
  EXPECT_NEAR(action.floor * 70 * (4 * machine_.kT * machine_.dt) / moves, 1, 1e-6);
}

TEST_F(ReverseActionOfAPath, GradientIsTheFiniteDifference) {
  const std::size_t n = machine_.cells();
  std::vector<float> couplings(n * n), bias(n);
  reverse_action(machine_.model(), narrow(path_), machine_.dt, 1.0, couplings, bias, 1);
  // The action is quadratic in the parameters, so a central difference has no error of its own.
  const double h = 1e-2;
  double error = 0, size = 0;
  const auto compare = [&](double found, double difference) {
    error += std::pow(found - difference, 2);
    size += difference * difference;
  };
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = std::max(i + 1, machine_.visible); j < n; ++j) {
      Oracle up = machine_, down = machine_;
      up.couplings[i * n + j] += h, up.couplings[j * n + i] += h;
      down.couplings[i * n + j] -= h, down.couplings[j * n + i] -= h;
      compare(couplings[i * n + j], (up.reverse_action(path_) - down.reverse_action(path_)) / (2 * h));
    }
    if (i < machine_.visible) continue;
    Oracle up = machine_, down = machine_;
    up.bias[i] += h, down.bias[i] -= h;
    compare(bias[i], (up.reverse_action(path_) - down.reverse_action(path_)) / (2 * h));
  }
  EXPECT_LT(std::sqrt(error / size), 1e-6);
  for (std::size_t i = 0; i < n; ++i) {
    EXPECT_EQ(couplings[i * n + i], 0.0f);
    for (std::size_t j = 0; j < n; ++j) {
      EXPECT_EQ(couplings[i * n + j], couplings[j * n + i]);
      EXPECT_TRUE(i >= machine_.visible || j >= machine_.visible || couplings[i * n + j] == 0.0f);
    }
    EXPECT_TRUE(i >= machine_.visible || bias[i] == 0.0f);
  }
}

// generative.md 1.2: the action is what the ratio of path probabilities is made of.
TEST_F(ReverseActionOfAPath, GivesTheRatioOfPathProbabilities) {
  Oracle free(machine_.visible, machine_.hidden);
  const std::size_t n = machine_.cells();
  double exchanged = 0, squares = 0;
  for (std::size_t k = 0; k < 70; ++k) {
    const Vector after = machine_.force(&path_[(k + 1) * n]), before = free.force(&path_[k * n]);
    for (std::size_t i = 0; i < n; ++i) {
      exchanged += (path_[(k + 1) * n + i] - path_[k * n + i]) * (after[i] + before[i]);
      squares += after[i] * after[i] - before[i] * before[i];
    }
  }
  const double kT = machine_.kT, dt = machine_.dt;
  const double log_ratio = -exchanged / (2 * kT) + dt / (4 * kT) * squares;
  const double forward = free.forward_action(path_);
  EXPECT_NEAR(machine_.reverse_action(path_) - forward, log_ratio, 1e-8);
  const ReverseAction found = reverse_action(machine_.model(), narrow(path_), dt, 1.0, {}, {}, 1);
  EXPECT_NEAR(found.per_step * 70 - forward, log_ratio, 2e-6 * forward);
}

TEST_F(ReverseActionOfAPath, UsesPeriodAndMobilityWhereTheyBelong) {
  machine_.dt = 0.025;
  machine_.mu = 0.5;
  machine_.kT = 0.4;
  const ReverseAction action = reverse_action(machine_.model(), narrow(path_), machine_.dt, machine_.mu, {}, {}, 1);
  EXPECT_NEAR(action.per_step * 70 / machine_.reverse_action(path_), 1, 1e-6);
}

TEST_F(ReverseActionOfAPath, HasTheSameBitsOnAnyNumberOfThreads) {
  Oracle machine(150, 90);
  machine.randomise(random_, 0.1);
  const std::vector<float> path = narrow(machine.path(random_, 130));
  const std::size_t n = machine.cells();
  std::vector<float> couplings(n * n), bias(n), other_couplings(n * n), other_bias(n);
  const ReverseAction one = reverse_action(machine.model(), path, 1e-3, 1, couplings, bias, 1);
  for (const unsigned threads : {2u, 3u}) {
    const ReverseAction many = reverse_action(machine.model(), path, 1e-3, 1, other_couplings, other_bias, threads);
    EXPECT_EQ(one.per_step, many.per_step);
    EXPECT_EQ(one.floor, many.floor);
    EXPECT_EQ(couplings, other_couplings);
    EXPECT_EQ(bias, other_bias);
  }
}

TEST_F(ReverseActionOfAPath, RefusesSizesThatDoNotFit) {
  const std::vector<float> path = narrow(path_);
  const std::span<const float> all(path);
  GenerativeModel model = machine_.model();
  std::vector<float> small(3);
  EXPECT_THROW(reverse_action(model, all.first(model.cells()), 1e-3, 1, {}, {}), Error);
  EXPECT_THROW(reverse_action(model, all.first(path.size() - 1), 1e-3, 1, {}, {}), Error);
  EXPECT_THROW(reverse_action(model, all, 1e-3, 1, small, {}), Error);
  EXPECT_THROW(reverse_action(model, all, 1e-3, 1, {}, small), Error);
  EXPECT_THROW(reverse_action(model, all, 0, 1, {}, {}), Error);
  model.bias.pop_back();
  EXPECT_THROW(reverse_action(model, all, 1e-3, 1, {}, {}), Error);
}

/// The online rule as it is written: the matrix changes after every step. Returns the summed action.
double descend_step_by_step(Oracle& machine, const Vector& path, double rate) {
  const std::size_t n = machine.cells();
  double action = 0;
  for (std::size_t k = 0; (k + 1) * n < path.size(); ++k) {
    const double* x = &path[(k + 1) * n];
    Vector r = machine.force(x);
    for (std::size_t i = 0; i < n; ++i) {
      r[i] = (-(x[i] - path[k * n + i]) + machine.mu * r[i] * machine.dt) / (2 * machine.kT);
      action += r[i] * r[i] * machine.kT / (machine.mu * machine.dt);
    }
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t j = 0; j < n; ++j) {
        if (i != j && (i >= machine.visible || j >= machine.visible)) {
          machine.couplings[i * n + j] -= rate * (r[i] * x[j] + r[j] * x[i]);
        }
      }
      if (i >= machine.visible) machine.bias[i] -= rate * r[i];
    }
  }
  return action;
}

TEST(OnlineUpdates, InBlocksAreTheUpdatesStepByStep) {
  std::mt19937_64 random(99);
  Oracle machine(19, 13);
  const Vector path = machine.path(random, 75);  // two blocks and a rest
  machine.randomise(random, 0.3);
  for (const double rate : {4e-4, 2e-2}) {  // the second is large enough for the pending updates to matter
    Oracle expected = machine;
    const double action = descend_step_by_step(expected, path, rate);
    numerics::ThreadTeam team(1);
    Trainable theta(machine.model());
    const ReverseAction found =
        OnlineRule(team).descend(theta, narrow(path), {1, 1, 0.1f, machine.dt, 1}, static_cast<float>(rate));
    EXPECT_NEAR(found.per_step * 75 / action, 1, 1e-5);
    std::vector<float> couplings(32 * 32), bias(32);
    theta.write_couplings(couplings, team);
    theta.write_bias(bias);
    double error = 0, change = 0, size = 0;
    for (std::size_t i = 0; i < couplings.size(); ++i) {
      error += std::pow(couplings[i] - expected.couplings[i], 2);
      size += std::pow(expected.couplings[i], 2);
      change += std::pow(expected.couplings[i] - machine.couplings[i], 2);
    }
    for (std::size_t i = 0; i < bias.size(); ++i) {
      error += std::pow(bias[i] - expected.bias[i], 2);
      change += std::pow(expected.bias[i] - machine.bias[i], 2);
    }
    // The 150 terms a coupling receives each round it in float: 2.5e-7 of its size; the changes are good to 1e-4.
    EXPECT_LT(std::sqrt(error), 1e-4 * std::sqrt(change) + 4e-7 * std::sqrt(size)) << "rate " << rate;
  }
}

TEST(OnlineUpdates, HaveTheSameBitsOnAnyNumberOfThreads) {
  std::mt19937_64 random(7);
  Oracle machine(150, 120);
  machine.randomise(random, 0.05);
  const std::vector<float> path = narrow(machine.path(random, 80));
  numerics::ThreadTeam one(1), three(3);
  Trainable a(machine.model()), b(machine.model());
  const PathScale scale{1, 1, 0.1f, 1e-3, 1};
  const ReverseAction action_a = OnlineRule(one).descend(a, path, scale, 4e-4f);
  const ReverseAction action_b = OnlineRule(three).descend(b, path, scale, 4e-4f);
  EXPECT_EQ(action_a.per_step, action_b.per_step);
  EXPECT_EQ(a.visible_hidden, b.visible_hidden);
  EXPECT_EQ(a.hidden_hidden, b.hidden_hidden);
  EXPECT_EQ(a.bias, b.bias);
}

}  // namespace
}  // namespace heatbath::trainers
