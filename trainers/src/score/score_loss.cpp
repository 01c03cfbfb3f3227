#include "score_loss.hpp"

#include <algorithm>
#include <cstddef>

#include "heatbath/numerics/matrix_product.hpp"
#include "heatbath/numerics/thread_team.hpp"

namespace heatbath::trainers {

double ScoreLoss::evaluate(std::span<const float> parameters, const ScoreBatch& batch, std::span<float> gradient) {
  const std::size_t rows = batch.rows, visible = layout_.visible(), hidden = layout_.hidden(), labels = layout_.labels();
  const float* weights = parameters.data();
  const float* a = parameters.data() + layout_.a();
  const float* c = parameters.data() + layout_.c();
  const float* L = parameters.data() + layout_.L();
  const float* b = parameters.data() + layout_.b();
  const float* U = parameters.data() + layout_.U();
  const auto stride = [](std::size_t n) { return static_cast<std::ptrdiff_t>(n); };
  const numerics::MatrixView W{weights, stride(visible)}, X{batch.x.data(), stride(visible)};
  force_.resize(rows * visible);
  field_.resize(rows * hidden);
  mean_.resize(rows * hidden);
  slope_.resize(rows * hidden);
  row_loss_.resize(rows);

  numerics::matrix_product(rows, hidden, visible, X, W.transposed(), field_.data(), hidden, false, team_);
  team_->run(rows, [&](std::size_t r) {
    float* u = field_.data() + r * hidden;
    const std::int32_t label = batch.labels[r];
    const float* own = label >= 0 && labels > 0 ? U + static_cast<std::size_t>(label) * hidden : nullptr;
    for (std::size_t k = 0; k < hidden; ++k) u[k] += own ? b[k] + own[k] : b[k];
    law_->of({u, hidden}, {mean_.data() + r * hidden, hidden}, {slope_.data() + r * hidden, hidden});
  });
  const numerics::MatrixView M{mean_.data(), stride(hidden)};
  numerics::matrix_product(rows, visible, hidden, M, W, force_.data(), visible, false, team_);
  const bool wanted = !gradient.empty();
  const float share = 1.0f / static_cast<float>(rows);
  team_->run(rows, [&](std::size_t r) {
    float* f = force_.data() + r * visible;
    const float* x = batch.x.data() + r * visible;
    const float* n = batch.noise.data() + r * visible;
    const float sigma = batch.sigma[r], half = sigma / 2, factor = sigma * share;
    const std::int32_t label = batch.labels[r];
    const float* own = label >= 0 && labels > 0 ? L + static_cast<std::size_t>(label) * visible : nullptr;
    double sum = 0;
    for (std::size_t i = 0; i < visible; ++i) {
      f[i] += a[i] * x[i] + (own ? c[i] + own[i] : c[i]);
      const float residual = half * (f[i] - x[i]) + n[i];
      sum += double{residual} * double{residual};
      if (wanted) f[i] = factor * residual;  // dloss/dF from here on
    }
    row_loss_[r] = sum;
  });
  double loss = 0;
  for (std::size_t r = 0; r < rows; ++r) loss += row_loss_[r];
  loss /= static_cast<double>(rows);
  if (!wanted) return loss;

  const numerics::MatrixView G{force_.data(), stride(visible)};
  // field_ becomes dloss/du.
  numerics::matrix_product(rows, hidden, visible, G, W.transposed(), field_.data(), hidden, false, team_);
  team_->run(rows, [&](std::size_t r) {
    float* u = field_.data() + r * hidden;
    const float* s = slope_.data() + r * hidden;
    for (std::size_t k = 0; k < hidden; ++k) u[k] *= s[k];
  });
  const numerics::MatrixView D{field_.data(), stride(hidden)};
  numerics::matrix_product(hidden, visible, rows, M.transposed(), G, gradient.data(), visible, false, team_);
  numerics::matrix_product(hidden, visible, rows, D.transposed(), X, gradient.data(), visible, true, team_);
  const std::size_t visible_pieces = (visible + kSumColumns - 1) / kSumColumns, hidden_pieces = (hidden + kSumColumns - 1) / kSumColumns;
  std::fill(gradient.begin() + stride(layout_.a()), gradient.end(), 0.0f);
  team_->run(visible_pieces + hidden_pieces, [&](std::size_t piece) {
    const bool of_visible = piece < visible_pieces;
    const std::size_t width = of_visible ? visible : hidden;
    const std::size_t first = (of_visible ? piece : piece - visible_pieces) * kSumColumns, last = std::min(first + kSumColumns, width);
    for (std::size_t r = 0; r < rows; ++r) {
      const std::int32_t label = batch.labels[r];
      const float* d = (of_visible ? force_.data() : field_.data()) + r * width;
      float* plain = gradient.data() + (of_visible ? layout_.c() : layout_.b());
      for (std::size_t i = first; i < last; ++i) plain[i] += d[i];
      if (of_visible) {
        const float* x = batch.x.data() + r * visible;
        float* linear = gradient.data() + layout_.a();
        for (std::size_t i = first; i < last; ++i) linear[i] += d[i] * x[i];
      }
      if (label >= 0 && labels > 0) {
        float* own = gradient.data() + (of_visible ? layout_.L() : layout_.U()) + static_cast<std::size_t>(label) * width;
        for (std::size_t i = first; i < last; ++i) own[i] += d[i];
      }
    }
  });
  return loss;
}

}  // namespace heatbath::trainers
