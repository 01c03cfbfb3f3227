#pragma once
// A step of the general array on one tile: the space that the schemes (heatbath/physics/schemes.hpp) and the steppers'
// own rules (steppers/) work on.

#include <algorithm>
#include <limits>

#include "hw_model/physics/general_array_impl.hpp"

namespace heatbath::physics {

struct StepSpace {
  using Array = GeneralArray::Impl;
  using Tile = Array::LaneTile;

  Array& a;
  Tile& t;
  const StepTable& p;
  const NoiseOrigin& origin;
  std::uint64_t number;
  float *state, *guess, *k1, *k2, *n1, *n2;

  StepSpace(Array& array, Tile& tile, const StepTable& table, const NoiseOrigin& noise, std::uint64_t step)
      : a(array),
        t(tile),
        p(table),
        origin(noise),
        number(step),
        state(t.state.data()),
        guess(t.guess.data()),
        k1(t.k1.data()),
        k2(t.k2.data()),
        n1(t.n1.data()),
        n2(t.n2.data()) {}

  std::size_t second() const { return std::size_t{a.cells} * t.lanes; }
  FieldShape shape() const { return a.shape(t, a.cells); }
  // What a predictor does at the rail is not counted.
  MoveLimits limits(float limit, const float* to) const {
    const bool counts = to != guess && to != guess + second();
    return {a.free.data(), limit, counts ? &t.rail_count : &uncounted, counts ? &t.rail_cell : &unnamed};
  }
  MoveLimits position_limits(const float* to) const { return limits(a.phases ? phase_limit : a.spec.rail, to); }
  MoveLimits velocity_limits(const float* to) const { return limits(velocity_limit, to); }
  mutable std::uint64_t uncounted = 0;
  mutable std::uint32_t unnamed = 0;

  MoveLimits no_limits() const {
    return {a.free.data(), std::numeric_limits<float>::max(), &uncounted, &unnamed};
  }

  // Adds `increment` to a component of the state.
  void raise(const MoveLimits& limits, float* component, const float* increment) const {
    general_kernels().raise(shape(), limits, component, p.split ? t.low.data() + (component - state) : nullptr,
                            increment);
  }
  // to += step k + sigma n, n null: without noise.
  void move(const MoveLimits& limits, float* to, const float* from, const std::vector<float>& step, const float* k,
            const float* sigma, const float* n) const {
    if (!p.split || (to != state && to != state + second())) {
      general_kernels().move(shape(), limits, to, from, step.data(), k, sigma, n);
      return;
    }
    float* increment = t.increment.data();
    std::fill_n(increment, second(), 0.0f);
    general_kernels().move(shape(), no_limits(), increment, increment, step.data(), k, sigma, n);
    raise(limits, to, increment);
  }
  // Adds a step's part of a turn to phases: to the state both of its floats, to a predictor the larger.
  void drift_phases(float* to) const {
    float* increment = t.increment.data();
    for (const std::vector<float>* part : {&p.drift_high, &p.drift_low}) {
      if (part == &p.drift_low && to != state) break;
      for (std::uint32_t i = 0; i < a.cells; ++i) std::fill_n(increment + t.at(i, 0), t.lanes, (*part)[i]);
      if (to == state) {
        raise(position_limits(to), to, increment);
      } else {
        general_kernels().raise(shape(), position_limits(to), to, nullptr, increment);
      }
    }
  }
  // A step's whole turns.
  void count_drift() const {
    for (std::uint32_t i = 0; i < a.cells; ++i) {
      if (a.free[i] == 0 || p.drift_turns[i] == 0) continue;
      for (std::uint32_t l = 0; l < t.count; ++l) {
        constexpr auto most = static_cast<std::int64_t>(turns_limit);
        const std::int64_t sum = t.turns(t.at(i, l)) + p.drift_turns[i], held = std::clamp(sum, -most, most);
        if (sum != held) ++t.rail_count, t.rail_cell = std::min(t.rail_cell, i);
        t.counts[t.at(i, l)] = static_cast<std::uint32_t>(static_cast<std::int32_t>(held));
        state[second() + t.at(i, l)] = static_cast<float>(held);
      }
    }
  }
  // component = (p + q) + shift, which by_change are what it changes by.
  void settle(const MoveLimits& limits, float* component, const float* moved, const float* noise, const float* shift,
              const float* lane_shift) const {
    float* const to = p.by_change ? t.increment.data() : component;
    general_kernels().sum(shape(), p.by_change ? no_limits() : limits, to, moved, noise, shift, lane_shift);
    if (p.by_change) raise(limits, component, to);
  }

  void slope(const float* at, float* k) const {
    if (!a.inertia) {
      a.gradient(t, p, at, k, p.drifts());
      return;
    }
    const float* v = at + second();
    float* force = a.capacitive ? t.field_a.data() : k + second();
    a.gradient(t, p, at, force);
    general_kernels().add(shape(), force, p.damping.data(), v);
    if (a.capacitive) a.product(t, *p.inverse_capacitance, force, k + second());
    std::copy_n(v, second(), k);
  }
  void draw(float* n, std::uint64_t ahead) const {
    if (!p.noise_mix) {
      a.draw(t, p, origin, number + ahead, n);
      return;
    }
    a.draw(t, p, origin, number + ahead, t.field_a.data());
    a.product(t, *p.noise_mix, t.field_a.data(), n);
  }
  void move(float* to, const float* from, const float* k, const float* n) const {
    if (!a.inertia) {
      move(position_limits(to), to, from, p.step, k, p.sigma.data(), n);
      if (p.drifts()) drift_phases(to);
      return;
    }
    move(position_limits(to), to, from, p.whole_dt, k, nullptr, nullptr);
    move(velocity_limits(to + second()), to + second(), from + second(), p.step, k + second(), p.sigma.data(), n);
  }
  void mean(float* out, const float* x, const float* y) const {
    general_kernels().mean(a.shape(t, a.inertia ? 2 * a.cells : a.cells), out, x, y);
  }

  void force() const {
    if (t.fresh_force) return;
    if (a.capacitive) {
      a.gradient(t, p, state, k2);
      a.product(t, *p.inverse_capacitance, k2, k1);
    } else {
      a.gradient(t, p, state, k1);
    }
    t.fresh_force = true;
  }
  void kick() const {
    float* v = state + second();
    move(velocity_limits(v), v, v, p.half_kick, k1, nullptr, nullptr);
  }
  void drift() const {
    move(position_limits(state), state, state, p.half_dt, state + second(), nullptr, nullptr);
    t.fresh_force = false;
  }
  void bath() const;   ///< BAOAB's exact part: damping and noise of velocities (steppers/baoab.cpp)
  void exact() const;  ///< the whole step of a linear array (steppers/exact_ou.cpp)
};

}  // namespace heatbath::physics
