#pragma once
// The law that a stepper's finite steps give to two noisy phases: averages after any number of steps, without sampling.

#include <array>
#include <functional>
#include <vector>

namespace heatbath::reference {

/// dth_i = (frequency_i - mobility dV/dth_i) dt + sqrt(2 mobility T_i) dW, V = sum_i (b_i cos th_i + j2_i cos 2 th_i),
/// and coupling[i] (th_i - th_k) pulls i with the force coupling[i] sin(th_i - th_k): the same for both in a V.
struct TwoPhases {
  std::array<double, 2> bias{}, j2{}, frequency{}, coupling{}, temperature{1, 1};
  std::array<bool, 2> held{};
  double mobility = 1;

  bool operator==(const TwoPhases&) const = default;
};

enum class PhaseRule { euler_maruyama, heun, leimkuhler_matthews };

/// E[f(th(steps))], for each f of `of`, of phases that begin at `start`. `at(step)`: parameters of each step;
/// temperatures do not move. Each f is a trigonometric polynomial of degree 8 at most in each phase. Backwards: e^{i(k
/// th_0 + l th_1)}, |k|, |l| <= 8, on as many points, and Gauss–Hermite quadrature over the noise of a step.
std::vector<double> stepped_phase_averages(const std::function<TwoPhases(int step)>& at, PhaseRule rule, double dt,
                                           int steps, std::array<double, 2> start,
                                           const std::vector<std::function<double(double, double)>>& of);

}  // namespace heatbath::reference
