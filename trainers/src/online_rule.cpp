#include "online_rule.hpp"

#include <algorithm>
#include <array>

#include "heatbath/cells/quartic.hpp"
#include "heatbath/numerics/matrix_product.hpp"
#include "heatbath/numerics/thread_team.hpp"

namespace heatbath::trainers {
namespace {

// Steps of a block: work inside a block grows with its square, work on the matrix falls with it.
constexpr std::size_t kBlock = 32;
constexpr std::size_t kSlab = 112;  // columns of the force per piece of work

/// Inner product as 16 interleaved sums, added in order.
float dot(const float* a, const float* b, std::size_t n) {
  std::array<float, 16> sums{};
  std::size_t i = 0;
  for (; i + 16 <= n; i += 16) {
    for (std::size_t lane = 0; lane < 16; ++lane) sums[lane] += a[i + lane] * b[i + lane];
  }
  for (; i < n; ++i) sums[i % 16] += a[i] * b[i];
  float sum = 0;
  for (const float part : sums) sum += part;
  return sum;
}

}  // namespace

ReverseAction OnlineRule::descend(Trainable& theta, std::span<const float> trajectory, const PathScale& scale,
                                  float rate) {
  const std::size_t n = theta.cells(), v = theta.visible, h = theta.hidden;
  const std::size_t steps = trajectory.size() / n - 1;
  const auto stride = static_cast<std::ptrdiff_t>(n);
  const numerics::MatrixView j_vh{theta.visible_hidden.data(), static_cast<std::ptrdiff_t>(h), 1};
  const numerics::MatrixView j_hh{theta.hidden_hidden.data(), static_cast<std::ptrdiff_t>(h), 1};
  residual_.resize(kBlock * n);       // row k: force, then residual r_k
  step_residual_.resize(kBlock * n);  // -rate r_k
  product_.resize(h * h);
  // Sum over pending steps of 2 r_a x_a: the part of the updates that is discarded because J_aa = 0.
  std::vector<float> diagonal(h);

  const float two_j2 = 2.0f * scale.j2, four_j4 = 4.0f * scale.j4;
  const float drift = static_cast<float>(scale.mobility * scale.period);
  const float half_beta = static_cast<float>(0.5 / scale.kT);
  double squares = 0, moves = 0;

  for (std::size_t first = 0; first < steps; first += kBlock) {
    const std::size_t count = std::min(kBlock, steps - first);
    const float* states = trajectory.data() + (first + 1) * n;  // x', row k of the block
    const numerics::MatrixView x_v{states, stride, 1}, x_h{states + v, stride, 1};

    // Force of the parameters at the start of the block.
    const std::size_t visible_slabs = (v + kSlab - 1) / kSlab, hidden_slabs = (h + kSlab - 1) / kSlab;
    team_.run(visible_slabs + hidden_slabs, [&](std::size_t slab) {
      if (slab < visible_slabs) {
        const std::size_t c = slab * kSlab, width = std::min(kSlab, v - c);
        const numerics::MatrixView rows{j_vh.data + c * h, j_vh.row_stride, 1};
        numerics::matrix_product(count, width, h, x_h, rows.transposed(), residual_.data() + c, n);
      } else {
        const std::size_t c = (slab - visible_slabs) * kSlab, width = std::min(kSlab, h - c);
        float* force = residual_.data() + v + c;
        numerics::matrix_product(count, width, v, x_v, {j_vh.data + c, j_vh.row_stride, 1}, force, n);
        numerics::matrix_product(count, width, h, x_h, {j_hh.data + c, j_hh.row_stride, 1}, force, n, true);
      }
    });

    std::fill(diagonal.begin(), diagonal.end(), 0.0f);
    for (std::size_t k = 0; k < count; ++k) {
      const float* x = states + k * n;
      const float* before = x - n;
      float* r = residual_.data() + k * n;
      // Updates pending in this block: J -= rate (r_j x_j^T + x_j r_j^T) off the diagonal and outside the
      // visible-visible block, b_h -= rate r_j, for each earlier step j.
      for (std::size_t a = 0; a < h; ++a) r[v + a] += theta.bias[a] + rate * diagonal[a] * x[v + a];
      for (std::size_t j = 0; j < k; ++j) {
        const float* xj = states + j * n;
        const float* rj = residual_.data() + j * n;
        const float xx_h = dot(xj + v, x + v, h), rx_h = dot(rj + v, x + v, h);
        const float xx = dot(xj, x, v) + xx_h, rx = dot(rj, x, v) + rx_h;
        const float visible_r = rate * xx_h, visible_x = rate * rx_h;
        for (std::size_t i = 0; i < v; ++i) r[i] -= visible_r * rj[i] + visible_x * xj[i];
        const float hidden_r = rate * (xx + 1.0f), hidden_x = rate * rx;
        for (std::size_t i = v; i < n; ++i) r[i] -= hidden_r * rj[i] + hidden_x * xj[i];
      }
      for (std::size_t i = 0; i < n; ++i) {
        r[i] = drift * (r[i] + cells::quartic_gradient(two_j2, four_j4, x[i])) - (x[i] - before[i]);
      }
      for (std::size_t i = 0; i < n; ++i) {
        const double e = r[i], dx = x[i] - before[i];
        squares += e * e;
        moves += dx * dx;
      }
      for (std::size_t i = 0; i < n; ++i) r[i] *= half_beta;
      for (std::size_t a = 0; a < h; ++a) diagonal[a] += 2.0f * r[v + a] * x[v + a];
      for (std::size_t i = 0; i < n; ++i) step_residual_[k * n + i] = -rate * r[i];
    }

    // The updates of the block, into the matrix.
    const numerics::MatrixView r_v{step_residual_.data(), stride, 1}, r_h{step_residual_.data() + v, stride, 1};
    numerics::matrix_product(v, h, count, r_v.transposed(), x_h, theta.visible_hidden.data(), h, true, &team_);
    numerics::matrix_product(v, h, count, x_v.transposed(), r_h, theta.visible_hidden.data(), h, true, &team_);
    numerics::matrix_product(h, h, count, r_h.transposed(), x_h, product_.data(), h, false, &team_);
    for (std::size_t a = 0; a < h; ++a) {
      for (std::size_t b = 0; b < h; ++b) {
        if (a != b) theta.hidden_hidden[a * h + b] += product_[a * h + b] + product_[b * h + a];
      }
      for (std::size_t k = 0; k < count; ++k) theta.bias[a] += step_residual_[k * n + v + a];
    }
  }
  const double weight = 1.0 / (4.0 * scale.mobility * scale.kT * scale.period * static_cast<double>(steps));
  return {squares * weight, moves * weight};
}

}  // namespace heatbath::trainers
