// Convergence orders of every stepper, on nested Brownian paths and by exact one-step operators; T = 0; the steppers
// under Boost.Odeint.
#include <gtest/gtest.h>

#include <Eigen/Core>
#include <boost/numeric/odeint/integrate/integrate_const.hpp>
#include <cmath>
#include <functional>

#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/physics/odeint_steppers.hpp"
#include "hw_model/physics/array.hpp"
#include "oracles/boltzmann_cell.hpp"
#include "oracles/dense_algebra.hpp"
#include "oracles/deterministic_flow.hpp"
#include "oracles/exact_ou.hpp"

namespace heatbath::physics {
namespace {

using Values = std::vector<double>;

// -- strong orders: the array on nested paths ------------------------------------------------------------------------

// Root mean square distance of the states at time 1 between neighbouring levels of refinement, coarse first.
Values strong_distances(CellKind kind, Stepper stepper, double dt) {
  constexpr std::uint32_t cells = 32, lanes = 32, levels = 5;
  ArraySpec spec;
  spec.kind = kind;
  spec.stepper = stepper;
  spec.cells = cells;
  spec.lanes = lanes;
  Parameters p;
  std::vector<float> matrix(cells * cells, 0.0f);
  for (std::uint32_t i = 0; i < cells; ++i) {
    p.j2.push_back(-0.5f);
    p.j4.push_back(0.25f);
    p.bias.push_back(0.3f * std::sin(0.7f * static_cast<float>(i)));
    for (std::uint32_t k = 0; k < i; ++k)
      matrix[i * cells + k] = matrix[k * cells + i] = 0.1f * std::sin(static_cast<float>(3 * i + k));
  }
  if (kind == CellKind::phase) p.j4.assign(cells, 0.0f), p.frequency.assign(cells, 0.5f);
  if (kind == CellKind::rlc)
    for (float& c : matrix) c *= 0.2f;
  p.couplings = std::make_shared<const Couplings>(cells, matrix);
  p.kT = 0.5f;
  std::vector<std::vector<float>> ends;
  for (std::uint32_t level = 0; level < levels; ++level) {
    const auto array = make_array(spec, nullptr);
    physics::Run r;
    r.steps = static_cast<std::uint64_t>(std::llround(1.0 / dt)) << level;
    r.dt = dt / static_cast<double>(1u << level);
    r.noise = {17, 0, 0, level};
    array->advance(r, p);
    auto& end = ends.emplace_back();
    std::vector<float> state(array->variables());
    for (std::uint32_t l = 0; l < lanes; ++l) {
      array->read(l, state);
      for (std::uint32_t i = 0; i < cells; ++i)
        end.push_back(kind == CellKind::phase ? state[i] + 6.2831853f * state[cells + i] : state[i]);
    }
  }
  Values distances;
  for (std::uint32_t level = 0; level + 1 < levels; ++level) {
    double sum = 0;
    for (std::size_t i = 0; i < ends[level].size(); ++i) sum += std::pow(ends[level][i] - ends[level + 1][i], 2);
    distances.push_back(std::sqrt(sum / static_cast<double>(ends[level].size())));
  }
  return distances;
}

TEST(StrongOrder, OfEveryStepperOnNestedBrownianPaths) {
  const struct {
    CellKind kind;
    Stepper stepper;
    double order;
  } table[] = {{CellKind::overdamped, Stepper::euler_maruyama, 1.0},
               {CellKind::overdamped, Stepper::heun, 1.0},
               {CellKind::overdamped, Stepper::leimkuhler_matthews, 0.5},
               {CellKind::underdamped, Stepper::baoab, 1.0},
               {CellKind::rlc, Stepper::baoab, 1.0},
               {CellKind::phase, Stepper::euler_maruyama, 1.0},
               {CellKind::phase, Stepper::heun, 1.0},
               {CellKind::underdamped, Stepper::euler_maruyama, 1.0}};
  for (const auto& [kind, stepper, order] : table) {
    const Values d = strong_distances(kind, stepper, 0.03125);
    const double slope = std::log2(d.front() / d.back()) / static_cast<double>(d.size() - 1);
    RecordProperty(std::string(name(kind)) + "_" + std::string(name(stepper)), std::to_string(slope));
    EXPECT_NEAR(slope, order, 0.15) << name(kind) << ' ' << name(stepper) << ": " << d.front() << " … " << d.back();
  }
}

// -- weak orders: one-step operators by quadrature over the noise ----------------------------------------------------

// The noise of a step as it is put in.
struct Injected {
  double now = 0, ahead = 0;
  void normals(std::uint64_t step, std::span<double> out) const { out[0] = step == 0 ? now : ahead; }
};

// Nodes and weights of the normal law (Golub and Welsch): eigenvalues of the Hermite Jacobi matrix.
struct NormalRule {
  Eigen::VectorXd node, weight;
  explicit NormalRule(int n) {
    Eigen::MatrixXd jacobi = Eigen::MatrixXd::Zero(n, n);
    for (int i = 1; i < n; ++i) jacobi(i, i - 1) = jacobi(i - 1, i) = std::sqrt(static_cast<double>(i));
    const reference::Modes modes = reference::modes_of(jacobi);
    node = modes.values;
    weight = modes.vectors.row(0).array().square();
  }
};

enum class Method { euler, heun, leimkuhler_matthews };

// One quartic cell under a stepper: averages of functions of x after steps of dt, by quadrature.
class Operator {
 public:
  Operator(Method method, double j2, double j4, double bias, double kT, double dt)
      : method_(method), cell_{j2, j4, bias}, sigma_(std::sqrt(2 * kT * dt)), dt_(dt), rule_(41) {
    for (int i = 0; i < points; ++i) {
      const double y = at(i);
      for (Eigen::Index q = 0; q < rule_.node.size(); ++q) {
        // Leimkuhler–Matthews is Markov in y = x - sigma n / 2, n the noise that the next step shares.
        const double n = rule_.node[q];
        add_row(i, method == Method::leimkuhler_matthews ? step(y + 0.5 * sigma_ * n, n, 0) : step(y, n, 0),
                rule_.weight[q]);
      }
    }
  }
  // One step of the stepper itself, in double.
  double step(double x, double now, double ahead) const {
    Values state{x};
    const auto system = std::pair{[this](const Values& s, Values& f, double) { f[0] = cell_.force(s[0]); },
                                  [this](Values& b, double) { b[0] = sigma_ / std::sqrt(dt_); }};
    const Injected path{now, ahead};
    switch (method_) {
      case Method::euler:
        EulerMaruyama<Injected>(path).do_step(system, state, 0.0, dt_);
        break;
      case Method::heun:
        Heun<Injected>(path).do_step(system, state, 0.0, dt_);
        break;
      case Method::leimkuhler_matthews:
        LeimkuhlerMatthews<Injected>(path).do_step(system, state, 0.0, dt_);
        break;
    }
    return state[0];
  }
  // <x^2> after `steps` steps from x.
  double square_after(double x, int steps) const {
    Values g = squares();
    if (method_ != Method::leimkuhler_matthews) {
      for (int s = 0; s < steps; ++s) g = apply(g);
      return value(g, x);
    }
    for (int s = 1; s < steps; ++s) g = apply(g);
    double sum = 0;  // the first step begins at x itself
    for (Eigen::Index q = 0; q < rule_.node.size(); ++q) sum += rule_.weight[q] * value(g, step(x, rule_.node[q], 0));
    return sum;
  }
  // <x^2> of the stationary law.
  double stationary_square() const {
    Values g = squares();
    double last = 0;
    for (int s = 0; s < 200000; ++s) {
      g = apply(g);
      if (s % 16 != 15) continue;
      if (std::abs(value(g, 0.2) - value(g, 1.1)) < 1e-10 && std::abs(value(g, 0.2) - last) < 1e-10) break;
      last = value(g, 0.2);
    }
    return value(g, 0.2);
  }

 private:
  static constexpr int points = 401, width = 8;
  static constexpr double end = 4.0, spacing = 2 * end / (points - 1);
  static double at(int i) { return -end + spacing * i; }

  // E[x^2] given y.
  Values squares() const {
    Values g(points);
    for (int i = 0; i < points; ++i) {
      const double spread = method_ == Method::leimkuhler_matthews ? 0.25 * sigma_ * sigma_ : 0.0;
      g[i] = at(i) * at(i) + spread;
    }
    return g;
  }
  // Weights of eight neighbouring points for the value at y (Lagrange).
  static int stencil(double y, double w[width]) {
    const double u = (std::clamp(y, -end, end) + end) / spacing;
    const int first = std::clamp(static_cast<int>(u) - width / 2 + 1, 0, points - width);
    for (int j = 0; j < width; ++j) {
      w[j] = 1;
      for (int k = 0; k < width; ++k)
        if (k != j) w[j] *= (u - first - k) / (j - k);
    }
    return first;
  }
  void add_row(int i, double y, double weight) {
    double w[width];
    const int first = stencil(y, w);
    for (int j = 0; j < width; ++j) matrix_(i, first + j) += weight * w[j];
  }
  static double value(const Values& g, double y) {
    double w[width], sum = 0;
    const int first = stencil(y, w);
    for (int j = 0; j < width; ++j) sum += w[j] * g[first + j];
    return sum;
  }
  Values apply(const Values& g) const {
    const Eigen::VectorXd r = matrix_ * Eigen::Map<const Eigen::VectorXd>(g.data(), points);
    return {r.data(), r.data() + points};
  }

  Method method_;
  reference::QuarticCell cell_;
  double sigma_, dt_;
  NormalRule rule_;
  Eigen::MatrixXd matrix_ = Eigen::MatrixXd::Zero(points, points);
};

double order_of(const std::function<double(double dt)>& value, double coarse) {
  const double a = value(coarse), b = value(coarse / 2), c = value(coarse / 4);
  return std::log2((a - b) / (b - c));
}

TEST(WeakOrder, OfAveragesAtAFiniteTime) {
  const std::pair<Method, double> table[] = {{Method::euler, 1}, {Method::heun, 2}, {Method::leimkuhler_matthews, 1}};
  for (const auto& [method, order] : table) {
    const double measured = order_of(
        [method = method](double dt) {
          return Operator(method, 1, 0.5, 0.3, 1, dt).square_after(0.9, static_cast<int>(std::lround(0.4 / dt)));
        },
        0.02);
    EXPECT_NEAR(measured, order, 0.15) << static_cast<int>(method);
  }
}

TEST(WeakOrder, OfStationaryAverages) {
  const std::pair<Method, double> table[] = {{Method::euler, 1}, {Method::heun, 2}, {Method::leimkuhler_matthews, 2}};
  for (const auto& [method, order] : table) {
    const double measured =
        order_of([method = method](double dt) { return Operator(method, 1, 1, 0, 1, dt).stationary_square(); }, 0.02);
    EXPECT_NEAR(measured, order, 0.15) << static_cast<int>(method);
  }
}

TEST(WeakOrder, OfBaoabByLinearMoments) {
  // One step is linear: its matrix and noise follow from unit vectors; moments after k steps from powers of it.
  struct Cell {
    void force(const Values& x, Values& f, double) const { f[0] = -2.0 * x[0] + 0.7; }
    double mass(std::size_t) const { return 0.8; }
    double damping(std::size_t) const { return 0.6; }
    double kT(std::size_t) const { return 0.5; }
  };
  const auto network = reference::underdamped_cell(2.0, 0.8, 0.6, 0.5);
  const auto exact = reference::ou_transition(network, 1.6);
  const auto error = [&](double dt) {
    const auto step = [&](double x, double v, double n) {
      Baoab<Injected>::state_type s{{x}, {v}};
      Baoab<Injected>(Injected{n, 0}).do_step(Cell{}, s, 0.0, dt);
      return Eigen::Vector2d(s.first[0], s.second[0]);
    };
    const Eigen::Vector2d shift = step(0, 0, 0), noise = step(0, 0, 1) - shift;
    Eigen::Matrix2d m;
    m << step(1, 0, 0) - shift, step(0, 1, 0) - shift;
    Eigen::Vector2d mean(1.0 - 0.35, 0.0);  // about the fixed point 0.7 / 2
    Eigen::Matrix2d covariance = Eigen::Matrix2d::Zero();
    for (int k = 0; k < static_cast<int>(std::lround(1.6 / dt)); ++k) {
      mean = m * mean;
      covariance = m * covariance * m.transpose() + noise * noise.transpose();
    }
    const Eigen::VectorXd exact_mean = exact.propagator * Eigen::Vector2d(0.65, 0);
    return std::pair{(mean - exact_mean).norm(), (covariance - exact.covariance).norm()};
  };
  const auto a = error(0.1), b = error(0.05);
  EXPECT_NEAR(std::log2(a.first / b.first), 2, 0.15);
  EXPECT_NEAR(std::log2(a.second / b.second), 2, 0.15);
}

TEST(WeakOrder, LeimkuhlerMatthewsAllowsAThirtyfivefoldStep) {
  // The step at which the bias of <x^2> reaches 0.1 %, kT = 1: single well V = x^2 + x^4 and double well
  // V = 2 (x^2 - 1)^2.
  const reference::QuarticCell wells[] = {{1, 1, 0}, reference::double_well(2)};
  for (const auto& well : wells) {
    const double exact = well.law(1.0).average([](double x) { return x * x; });
    const auto largest_step = [&](Method method, double low, double high) {
      const auto bias = [&](double dt) {
        return std::abs(Operator(method, well.j2, well.j4, 0, 1, dt).stationary_square() / exact - 1);
      };
      for (int i = 0; i < 5; ++i) {
        const double middle = std::sqrt(low * high);
        (bias(middle) < 1e-3 ? low : high) = middle;
      }
      return method == Method::euler ? high : low;  // the ratio is at least what is stated
    };
    const double em = largest_step(Method::euler, 6e-4, 1.2e-3),
                 lm = largest_step(Method::leimkuhler_matthews, 3e-2, 6e-2);
    RecordProperty(well.j2 > 0 ? "single_well" : "double_well",
                   std::to_string(em) + " " + std::to_string(lm) + " " + std::to_string(lm / em));
    EXPECT_GE(lm / em, 35) << "Euler–Maruyama " << em << ", Leimkuhler–Matthews " << lm;
  }
}

// -- T = 0 -----------------------------------------------------------------------------------------------------------

constexpr std::size_t net = 8;

void network_force(const Values& x, Values& f) {
  for (std::size_t i = 0; i < net; ++i) {
    f[i] = -(2 * -0.6 * x[i] + 4 * 0.4 * x[i] * x[i] * x[i] + 0.2 * std::sin(static_cast<double>(i)));
    for (std::size_t k = 0; k < net; ++k)
      if (i != k) f[i] -= 0.25 * std::cos(static_cast<double>(i * k)) * x[k];
  }
}

Values network_start() {
  Values x(net);
  for (std::size_t i = 0; i < net; ++i) x[i] = std::cos(1.0 + static_cast<double>(i));
  return x;
}

double distance(const Values& a, const Values& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

TEST(ZeroTemperature, FollowsDopri5AtTheOrderOfTheStepper) {
  const Values exact = reference::deterministic_flow(
      [](std::span<const double> x, std::span<double> rate, double) {
        Values f(net);
        network_force(Values(x.begin(), x.end()), f);
        std::copy(f.begin(), f.end(), rate.begin());
      },
      network_start(), 0.0, 2.0);
  const auto system = std::pair{[](const Values& x, Values& f, double) { network_force(x, f); },
                                [](Values& b, double) { b.assign(b.size(), 0.0); }};
  const auto error = [&](auto stepper, double dt) {
    Values x = network_start();
    boost::numeric::odeint::integrate_const(stepper, system, x, 0.0, 2.0 + 0.5 * dt, dt);
    return distance(x, exact);
  };
  const EulerMaruyama<StillPath> euler{StillPath{}};
  const Heun<StillPath> heun{StillPath{}};
  EXPECT_NEAR(std::log2(error(euler, 0.01) / error(euler, 0.005)), 1, 0.15);
  EXPECT_NEAR(std::log2(error(heun, 0.01) / error(heun, 0.005)), 2, 0.15);
  RecordProperty("heun_1e_3", std::to_string(error(heun, 1e-3) * 1e9));
  EXPECT_LT(error(heun, 1e-3), 1e-6);

  // The device's array in float32.
  ArraySpec spec;
  spec.stepper = Stepper::heun;
  spec.cells = net;
  const auto array = make_array(spec, nullptr);
  Parameters p;
  p.j2.assign(net, -0.6f);
  p.j4.assign(net, 0.4f);
  std::vector<float> matrix(net * net, 0.0f), start;
  for (std::size_t i = 0; i < net; ++i) {
    p.bias.push_back(static_cast<float>(0.2 * std::sin(static_cast<double>(i))));
    start.push_back(static_cast<float>(network_start()[i]));
    for (std::size_t k = 0; k < net; ++k)
      if (i != k) matrix[i * net + k] = static_cast<float>(0.25 * std::cos(static_cast<double>(i * k)));
  }
  p.couplings = std::make_shared<const Couplings>(net, matrix);
  array->write(0, 0, start, p);
  physics::Run r;
  r.steps = 2000;
  r.dt = 1e-3;
  array->advance(r, p);
  std::vector<float> end(net);
  array->read(0, end);
  EXPECT_LT(distance(Values(end.begin(), end.end()), exact), 1e-5);
}

// -- under odeint ----------------------------------------------------------------------------------------------------

TEST(OdeintSteppers, MakeTheStepsOfTheDevice) {
  // Same path, same scheme: float32 and double stay together.
  const std::uint32_t cells = 8;
  Parameters p;
  p.j2.assign(cells, 1.0f);
  p.j4.assign(cells, 0.5f);
  p.bias.assign(cells, 0.25f);
  p.couplings = std::make_shared<const Couplings>(cells);
  p.kT = 0.5f;
  const auto system = std::pair{[](const Values& x, Values& f, double) {
                                  for (std::size_t i = 0; i < x.size(); ++i)
                                    f[i] = -(2 * x[i] + 2 * x[i] * x[i] * x[i] + 0.25);
                                },
                                [](Values& b, double) { b.assign(b.size(), 1.0); }};
  const auto compare = [&](Stepper which, auto stepper) {
    ArraySpec spec;
    spec.stepper = which;
    spec.cells = cells;
    const auto array = make_array(spec, nullptr);
    physics::Run r;
    r.steps = 200;
    r.dt = 0.01;
    r.noise = {5, 3, 0};
    array->advance(r, p);
    std::vector<float> end(cells);
    array->read(0, end);
    Values x(cells, 0.0);
    boost::numeric::odeint::integrate_const(stepper, system, x, 0.0, 2.005, 0.01);
    EXPECT_LT(distance(Values(end.begin(), end.end()), x), 3e-6) << name(which);
  };
  compare(Stepper::euler_maruyama, EulerMaruyama<>(WienerPath(5, 3)));
  compare(Stepper::heun, Heun<>(WienerPath(5, 3)));
  compare(Stepper::leimkuhler_matthews, LeimkuhlerMatthews<>(WienerPath(5, 3)));
}

TEST(OdeintSteppers, AdaptiveHeunResolvesThePathToItsTolerance) {
  const auto system = std::pair{[](const Values& x, Values& f, double) {
                                  for (std::size_t i = 0; i < x.size(); ++i)
                                    f[i] = -(2 * x[i] + 4 * x[i] * x[i] * x[i]);
                                },
                                [](Values& b, double) { b.assign(b.size(), 1.0); }};
  const WienerPath path(7);
  WienerPath finest = path;
  for (std::uint32_t level = 0; level < AdaptiveHeun::refinement_limit; ++level) finest = finest.refined();
  const Values start(6, 1.5);
  Values fine = start, loose = start, tight = start;
  boost::numeric::odeint::integrate_const(Heun<>(finest), system, fine, 0.0, 1.0 + 1e-4, 0.0625 / 256);
  boost::numeric::odeint::integrate_const(AdaptiveHeun(path, 3e-3), system, loose, 0.0, 1.0 + 0.01, 0.0625);
  boost::numeric::odeint::integrate_const(AdaptiveHeun(path, 1e-4), system, tight, 0.0, 1.0 + 0.01, 0.0625);
  RecordProperty("loose", std::to_string(distance(loose, fine)));
  RecordProperty("tight", std::to_string(distance(tight, fine)));
  EXPECT_LT(distance(loose, fine), 1e-2);
  EXPECT_LT(distance(tight, fine), 5e-4);
  EXPECT_LT(distance(tight, fine), distance(loose, fine));
}

}  // namespace
}  // namespace heatbath::physics
