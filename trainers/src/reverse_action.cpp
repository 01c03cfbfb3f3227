#include <algorithm>
#include <numeric>
#include <string>

#include "heatbath/cells/quartic.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/matrix_product.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/trainers/generative.hpp"
#include "path_action.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::size_t kRows = 32;  // rows of one partial sum: part of the order of summation
constexpr std::size_t kSums = 8;   // sums of squares side by side, likewise: one alone waits for its own additions

}  // namespace

ReverseAction PathAction::evaluate(const Trainable& theta, std::span<const float> trajectory, const PathScale& scale,
                                   Trainable* gradient) {
  const std::size_t n = theta.cells(), v = theta.visible, h = theta.hidden;
  const std::size_t steps = trajectory.size() / n - 1;
  const auto stride = static_cast<std::ptrdiff_t>(n);
  const float* ends = trajectory.data() + n;  // x', row k
  residual_.resize(steps * n);

  // Coupling force at x': F_v = X'_h J_vh^T, F_h = X'_v J_vh + X'_h J_hh.
  const numerics::MatrixView end_v{ends, stride, 1}, end_h{ends + v, stride, 1};
  const numerics::MatrixView j_vh{theta.visible_hidden.data(), static_cast<std::ptrdiff_t>(h), 1};
  const numerics::MatrixView j_hh{theta.hidden_hidden.data(), static_cast<std::ptrdiff_t>(h), 1};
  numerics::matrix_product(steps, v, h, end_h, j_vh.transposed(), residual_.data(), n, false, &team_);
  numerics::matrix_product(steps, h, v, end_v, j_vh, residual_.data() + v, n, false, &team_);
  numerics::matrix_product(steps, h, h, end_h, j_hh, residual_.data() + v, n, true, &team_);

  // r = (-dx + mu dV(x') D) / (2 kT); the action sums (2 kT r)^2 / (4 mu kT D).
  const std::size_t blocks = (steps + kRows - 1) / kRows;
  std::vector<double> action(blocks), floor(blocks), bias_sums(gradient ? blocks * h : 0);
  const float two_j2 = 2.0f * scale.j2, four_j4 = 4.0f * scale.j4;
  const float drift = static_cast<float>(scale.mobility * scale.period);
  const float half_beta = static_cast<float>(0.5 / scale.kT);
  team_.run(blocks, [&](std::size_t block) {
    double squares[kSums] = {}, moves[kSums] = {};
    double* sums = gradient ? bias_sums.data() + block * h : nullptr;
    for (std::size_t k = block * kRows; k < std::min(steps, (block + 1) * kRows); ++k) {
      const float* before = trajectory.data() + k * n;
      const float* x = before + n;
      float* r = residual_.data() + k * n;
      for (std::size_t a = 0; a < h; ++a) r[v + a] += theta.bias[a];
      for (std::size_t i = 0; i < theta.visible_bias.size(); ++i) r[i] += theta.visible_bias[i];
      for (std::size_t i = 0; i < n; ++i) {
        r[i] = drift * (r[i] + cells::quartic_gradient(two_j2, four_j4, x[i])) - (x[i] - before[i]);
      }
      const auto add = [&](std::size_t i, std::size_t s) {
        const double e = r[i], dx = x[i] - before[i];
        squares[s] += e * e;
        moves[s] += dx * dx;
      };
      std::size_t i = 0;
      for (; i + kSums <= n; i += kSums)
        for (std::size_t s = 0; s < kSums; ++s) add(i + s, s);
      for (; i < n; ++i) add(i, 0);
      for (i = 0; i < n; ++i) r[i] *= half_beta;
      if (sums) {
        for (std::size_t a = 0; a < h; ++a) sums[a] += r[v + a];
      }
    }
    action[block] = std::accumulate(squares, squares + kSums, 0.0);
    floor[block] = std::accumulate(moves, moves + kSums, 0.0);
  });
  ReverseAction result;
  for (std::size_t block = 0; block < blocks; ++block) {
    result.per_step += action[block];
    result.floor += floor[block];
  }
  const double weight = 1.0 / (4.0 * scale.mobility * scale.kT * scale.period * static_cast<double>(steps));
  result.per_step *= weight;
  result.floor *= weight;
  if (!gradient) return result;

  for (std::size_t a = 0; a < h; ++a) {
    double sum = 0;
    for (std::size_t block = 0; block < blocks; ++block) sum += bias_sums[block * h + a];
    gradient->bias[a] = static_cast<float>(sum);
  }
  // G = R^T X' + X'^T R.
  const numerics::MatrixView r_v{residual_.data(), stride, 1}, r_h{residual_.data() + v, stride, 1};
  numerics::matrix_product(v, h, steps, r_v.transposed(), end_h, gradient->visible_hidden.data(), h, false, &team_);
  numerics::matrix_product(v, h, steps, end_v.transposed(), r_h, gradient->visible_hidden.data(), h, true, &team_);
  product_.resize(h * h);
  numerics::matrix_product(h, h, steps, r_h.transposed(), end_h, product_.data(), h, false, &team_);
  for (std::size_t a = 0; a < h; ++a) {
    for (std::size_t b = 0; b < h; ++b) {
      gradient->hidden_hidden[a * h + b] = a == b ? 0.0f : product_[a * h + b] + product_[b * h + a];
    }
  }
  return result;
}

ReverseAction reverse_action(const GenerativeModel& model, std::span<const float> trajectory, double period,
                             double mobility, std::span<float> gradient_couplings, std::span<float> gradient_bias,
                             unsigned threads) {
  const std::size_t n = model.cells();
  const auto check = [](bool good, const std::string& what) {
    if (!good) throw Error(HB_BAD_ARG, "reverse_action: " + what);
  };
  check(model.segments == 1 && model.labels == 0, "the model has segments or labels, a plain one is needed");
  check(n > 0 && model.couplings.size() == n * n && model.bias.size() == n,
        "the model holds " + std::to_string(model.couplings.size()) + " couplings and " +
            std::to_string(model.bias.size()) + " biases, " + std::to_string(n) + " cells need " + std::to_string(n * n) +
            " and " + std::to_string(n));
  check(trajectory.size() % n == 0 && trajectory.size() / n >= 2,
        "a trajectory of " + std::to_string(trajectory.size()) + " values, at least two states of " + std::to_string(n) +
            " cells are needed");
  check(gradient_couplings.empty() || gradient_couplings.size() == n * n,
        "room for " + std::to_string(gradient_couplings.size()) + " coupling gradients, none or " +
            std::to_string(n * n) + " are needed");
  check(gradient_bias.empty() || gradient_bias.size() == n,
        "room for " + std::to_string(gradient_bias.size()) + " bias gradients, none or " + std::to_string(n) +
            " are needed");
  check(period > 0 && mobility > 0, "period and mobility must be positive");

  numerics::ThreadTeam team(threads);
  Trainable gradient(model.visible, model.hidden);
  const bool wanted = !gradient_couplings.empty() || !gradient_bias.empty();
  const ReverseAction action =
      PathAction(team).evaluate(Trainable(model), trajectory, {model.j2, model.j4, model.kT, period, mobility},
                                wanted ? &gradient : nullptr);
  if (!gradient_couplings.empty()) gradient.write_couplings(gradient_couplings, team);
  if (!gradient_bias.empty()) gradient.write_bias(gradient_bias);
  return action;
}

}  // namespace heatbath::trainers
