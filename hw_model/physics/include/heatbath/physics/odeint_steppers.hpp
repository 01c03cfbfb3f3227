#pragma once
// The stochastic steppers in double precision, after Boost.Odeint's Stepper concept, which has none of its own: they
// work with odeint's integrate_const, integrate_n_steps and make_const_step_iterator.
//
// The sequences of operations are those of the device (schemes.hpp), the formulas too (formulas.hpp).

#include <boost/numeric/odeint/stepper/stepper_categories.hpp>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "heatbath/physics/formulas.hpp"
#include "heatbath/physics/schemes.hpp"
#include "heatbath/physics/wiener_path.hpp"

namespace heatbath::physics {

/// A path without noise, for systems at T = 0 and for probing a stepper.
struct StillPath {
  void normals(std::uint64_t, std::span<double> out) const {
    for (double& n : out) n = 0;
  }
};

namespace odeint_detail {

using State = std::vector<double>;

struct Fused {
  HEATBATH_FORMULA double operator()(double a, double b, double c) const { return std::fma(a, b, c); }
};

/// The space of schemes.hpp on a state vector. `system` is a pair (drift, spread), see StochasticStepper.
template <class System, class Path>
struct VectorSpace {
  System& system;
  const Path& path;
  double t, dt;
  State &state, guess, k1, k2, n1, n2, sigma;

  VectorSpace(System& s, const Path& p, State& x, double time, double step)
      : system(s),
        path(p),
        t(time),
        dt(step),
        state(x),
        guess(x.size()),
        k1(guess),
        k2(guess),
        n1(guess),
        n2(guess),
        sigma(guess) {
    system.second(sigma, t);
    for (double& b : sigma) b *= std::sqrt(dt);
  }
  std::uint64_t number() const { return static_cast<std::uint64_t>(std::llround(t / dt)); }

  void slope(const State& at, State& k) { system.first(at, k, t); }
  void draw(State& n, std::uint64_t ahead) { path.normals(number() + ahead, n); }
  void move(State& to, const State& from, const State& k, const State& n) {
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = formulas::moved(Fused{}, from[i], dt, k[i], sigma[i], n[i]);
  }
  void mean(State& out, const State& p, const State& q) {
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = formulas::mean(p[i], q[i], 0.5);
  }
};

struct EulerMaruyamaScheme {
  static constexpr unsigned short order = 1;
  template <class Space>
  static void step(Space& s) {
    schemes::euler_maruyama(s);
  }
};
struct HeunScheme {
  static constexpr unsigned short order = 2;
  template <class Space>
  static void step(Space& s) {
    schemes::heun(s);
  }
};
struct LeimkuhlerMatthewsScheme {
  static constexpr unsigned short order = 1;
  template <class Space>
  static void step(Space& s) {
    schemes::leimkuhler_matthews(s);
  }
};

}  // namespace odeint_detail

/// A stepper of dx = f(x, t) dt + b(t) dW, components with independent noise. A system is a std::pair of
///   drift(const State& x, State& dxdt, double t)    and    spread(State& b, double t).
/// The noise of a step is that of the interval [t, t + dt] of the path: step number round(t / dt), so t >= 0 and dt
/// does not change. Copies are independent; a stepper keeps nothing between steps.
template <class Scheme, class Path = WienerPath>
class StochasticStepper {
 public:
  using state_type = odeint_detail::State;
  using deriv_type = odeint_detail::State;
  using value_type = double;
  using time_type = double;
  using order_type = unsigned short;
  using stepper_category = boost::numeric::odeint::stepper_tag;

  explicit StochasticStepper(Path path) : path_(std::move(path)) {}

  /// Weak order of averages at a finite time.
  order_type order() const { return Scheme::order; }

  template <class System>
  void do_step(System system, state_type& x, double t, double dt) const {
    odeint_detail::VectorSpace<System, Path> space(system, path_, x, t, dt);
    Scheme::step(space);
  }

 private:
  Path path_;
};

/// Weak order 1, strong order 1.
template <class Path = WienerPath>
using EulerMaruyama = StochasticStepper<odeint_detail::EulerMaruyamaScheme, Path>;
/// Weak order 2, strong order 1.
template <class Path = WienerPath>
using Heun = StochasticStepper<odeint_detail::HeunScheme, Path>;
/// Stationary averages of order 2, averages at a finite time of order 1. Strong order 1/2.
template <class Path = WienerPath>
using LeimkuhlerMatthews = StochasticStepper<odeint_detail::LeimkuhlerMatthewsScheme, Path>;

/// Langevin dynamics m dv = F(x) dt - gamma v dt + sqrt(2 gamma kT) dW, dx = v dt, by BAOAB. A system provides
///   force(const State& x, State& f, double t), mass(i), damping(i), kT(i).
/// The state is a pair (positions, velocities). Weak order 2.
template <class Path = WienerPath>
class Baoab {
 public:
  using state_type = std::pair<odeint_detail::State, odeint_detail::State>;
  using deriv_type = state_type;
  using value_type = double;
  using time_type = double;
  using order_type = unsigned short;
  using stepper_category = boost::numeric::odeint::stepper_tag;

  explicit Baoab(Path path) : path_(std::move(path)) {}
  order_type order() const { return 2; }

  template <class System>
  void do_step(System system, state_type& xv, double t, double dt) const {
    Space<System> space{system, path_, xv.first, xv.second, t, dt, odeint_detail::State(xv.first.size())};
    schemes::baoab(space);
  }

 private:
  template <class System>
  struct Space {
    System& system;
    const Path& path;
    odeint_detail::State &x, &v;
    double t, dt;
    odeint_detail::State f;
    using Fused = odeint_detail::Fused;

    void force() { system.force(x, f, t); }
    void kick() {
      for (std::size_t i = 0; i < v.size(); ++i) v[i] = formulas::moved(Fused{}, v[i], 0.5 * dt / system.mass(i), f[i]);
    }
    void drift() {
      for (std::size_t i = 0; i < x.size(); ++i) x[i] = formulas::moved(Fused{}, x[i], 0.5 * dt, v[i]);
    }
    void bath() {
      odeint_detail::State n(v.size());
      path.normals(static_cast<std::uint64_t>(std::llround(t / dt)), n);
      for (std::size_t i = 0; i < v.size(); ++i) {
        const double keep = std::exp(-system.damping(i) * dt / system.mass(i));
        v[i] =
            formulas::damped(Fused{}, keep, v[i], std::sqrt(system.kT(i) / system.mass(i) * (1 - keep * keep)), n[i]);
      }
    }
  };
  Path path_;
};

/// The reference for a path: Heun steps halved until one step, its halves and its quarters, on the same Brownian path,
/// agree within `tolerance` in every component, at most `refinement_limit` times. (Two levels: by chance one bridge can
/// be 0.) A step of dt is resolved as a whole.
class AdaptiveHeun {
 public:
  using state_type = odeint_detail::State;
  using deriv_type = odeint_detail::State;
  using value_type = double;
  using time_type = double;
  using order_type = unsigned short;
  using stepper_category = boost::numeric::odeint::stepper_tag;

  static constexpr std::uint32_t refinement_limit = 8;

  AdaptiveHeun(WienerPath path, double tolerance) : path_(path), tolerance_(tolerance) {}
  order_type order() const { return 2; }

  template <class System>
  void do_step(System system, state_type& x, double t, double dt) const {
    resolve(system, path_, x, t, dt);
  }

 private:
  // 2^halvings Heun steps over [t, t + dt].
  template <class System>
  state_type steps(System& system, const WienerPath& path, state_type x, double t, double dt, unsigned halvings) const {
    WienerPath finer = path;
    for (unsigned h = 0; h < halvings; ++h) finer = finer.refined();
    const unsigned count = 1u << halvings;
    for (unsigned s = 0; s < count; ++s) Heun<>(finer).do_step(system, x, t + dt * s / count, dt / count);
    return x;
  }
  static double distance(const state_type& a, const state_type& b) {
    double largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) largest = std::fmax(largest, std::abs(a[i] - b[i]));
    return largest;
  }
  template <class System>
  void resolve(System& system, const WienerPath& path, state_type& x, double t, double dt) const {
    const unsigned left = refinement_limit - path.refinement();
    if (left <= 2) {
      x = steps(system, path, std::move(x), t, dt, left);
      return;
    }
    state_type quarters = steps(system, path, x, t, dt, 2);
    const state_type halves = steps(system, path, x, t, dt, 1);
    if (distance(halves, quarters) < tolerance_ && distance(steps(system, path, x, t, dt, 0), quarters) < tolerance_) {
      x = std::move(quarters);
      return;
    }
    const WienerPath finer = path.refined();
    for (const double from : {t, t + 0.5 * dt}) resolve(system, finer, x, from, 0.5 * dt);
  }

  WienerPath path_;
  double tolerance_;
};

}  // namespace heatbath::physics
