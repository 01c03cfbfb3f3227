#include "trainable.hpp"

#include <algorithm>

#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/trainers/generative.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::size_t kPiece = 1u << 14;

void subtract(std::vector<float>& from, const std::vector<float>& gradient, float rate, numerics::ThreadTeam& team) {
  team.run((from.size() + kPiece - 1) / kPiece, [&](std::size_t piece) {
    const std::size_t end = std::min(from.size(), (piece + 1) * kPiece);
    for (std::size_t i = piece * kPiece; i < end; ++i) from[i] -= rate * gradient[i];
  });
}

}  // namespace

Trainable::Trainable(std::uint32_t v, std::uint32_t h)
    : visible(v), hidden(h), visible_hidden(std::size_t{v} * h), hidden_hidden(std::size_t{h} * h), bias(h) {}

Trainable::Trainable(const GenerativeModel& model, std::uint32_t segment, int label)
    : Trainable(model.visible, model.hidden) {
  const std::size_t n = model.cells();
  const float* matrix = model.couplings_of(segment).data();
  const std::span<const float> biases = model.bias_of(segment);
  for (std::size_t i = 0; i < visible; ++i) {
    std::copy_n(matrix + i * n + visible, hidden, visible_hidden.data() + i * hidden);
  }
  for (std::size_t a = 0; a < hidden; ++a) {
    std::copy_n(matrix + (visible + a) * n + visible, hidden, hidden_hidden.data() + a * hidden);
    bias[a] = biases[visible + a];
  }
  if (model.segments > 1 || label >= 0) visible_bias.assign(biases.begin(), biases.begin() + visible);
  if (label < 0) return;
  const float* row = matrix + (cells() + static_cast<std::size_t>(label)) * n;
  for (std::size_t i = 0; i < visible; ++i) visible_bias[i] += row[i];
  for (std::size_t a = 0; a < hidden; ++a) bias[a] += row[visible + a];
}

void Trainable::descend(const Trainable& gradient, float rate, numerics::ThreadTeam& team) {
  subtract(visible_hidden, gradient.visible_hidden, rate, team);
  subtract(hidden_hidden, gradient.hidden_hidden, rate, team);
  subtract(bias, gradient.bias, rate, team);
}

void Trainable::write_couplings(std::span<float> matrix, numerics::ThreadTeam& team) const {
  const std::size_t n = cells();
  constexpr std::size_t kTile = 32;  // rows per piece; the transposed block is read down columns, a tile at a time
  team.run((n + kTile - 1) / kTile, [&](std::size_t piece) {
    for (std::size_t i = piece * kTile; i < std::min(n, (piece + 1) * kTile); ++i) {
      float* row = matrix.data() + i * n;
      if (i < visible) {
        std::fill_n(row, visible, 0.0f);
        std::copy_n(visible_hidden.data() + i * hidden, hidden, row + visible);
      } else {
        for (std::size_t j = 0; j < visible; ++j) row[j] = visible_hidden[j * hidden + (i - visible)];
        std::copy_n(hidden_hidden.data() + (i - visible) * hidden, hidden, row + visible);
      }
    }
  });
}

void Trainable::write_bias(std::span<float> out) const {
  std::fill_n(out.begin(), visible, 0.0f);
  std::copy(bias.begin(), bias.end(), out.begin() + visible);
}

}  // namespace heatbath::trainers
