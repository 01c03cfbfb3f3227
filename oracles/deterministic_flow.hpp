#pragma once
// The noiseless path of any network (temperature 0), by a controlled Runge–Kutta method.

#include <functional>
#include <span>
#include <vector>

namespace heatbath::reference {

/// Writes dx/dt at state `x` and `time` into `rate`, which has the size of `x`.
using FlowRate = std::function<void(std::span<const double> x, std::span<double> rate, double time)>;

/// State at time `to` of dx/dt = rate(x, t) from `x` at time `from`, by Boost.Odeint's dopri5 with step control.
/// `tolerance` is absolute and relative, per step.
std::vector<double> deterministic_flow(const FlowRate& rate, std::vector<double> x, double from, double to,
                                       double tolerance = 1e-12);

}  // namespace heatbath::reference
