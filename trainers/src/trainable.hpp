#pragma once
// The trainable parameters as the blocks they come in: the visible-visible block is zero and never stored.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace heatbath::numerics {
class ThreadTeam;
}

namespace heatbath::trainers {

struct GenerativeModel;

/// Couplings and biases, or a gradient with respect to them.
struct Trainable {
  std::uint32_t visible = 0, hidden = 0;
  std::vector<float> visible_hidden;  ///< visible x hidden
  std::vector<float> hidden_hidden;   ///< hidden x hidden, symmetric, zero diagonal
  std::vector<float> bias;            ///< hidden
  std::vector<float> visible_bias;    ///< visible, or empty: all 0

  /// All zero.
  Trainable(std::uint32_t visible, std::uint32_t hidden);
  /// Those of one segment of a model. label: the label cell that is clamped to 1, whose couplings count as biases; -1:
  /// none.
  explicit Trainable(const GenerativeModel& model, std::uint32_t segment = 0, int label = -1);

  std::size_t cells() const { return std::size_t{visible} + hidden; }

  /// theta <- theta - rate * gradient.
  void descend(const Trainable& gradient, float rate, numerics::ThreadTeam& team);
  /// Writes the full symmetric matrix, cells x cells, with its zero visible-visible block.
  void write_couplings(std::span<float> matrix, numerics::ThreadTeam& team) const;
  /// Writes one bias per cell, 0 for visible cells.
  void write_bias(std::span<float> bias) const;
};

}  // namespace heatbath::trainers
