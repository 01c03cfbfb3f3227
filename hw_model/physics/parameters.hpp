#pragma once
// The parameters of an array of overdamped quartic cells.

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <vector>

namespace heatbath::physics {

class Couplings;

/// V = sum_i (j2_i x_i^2 + j4_i x_i^4 + bias_i x_i) + gain * sum_{i<j} J_ij x_i x_j   (generative.md 1 [G, D]).
/// Values as the array applies them (after conversion and mismatch). Energies and kT in one energy unit.
struct Parameters {
  std::vector<float> j2, j4;  ///< one per cell
  std::vector<float> bias;    ///< one per cell; or lanes x cells, row-major, when bias_per_lane
  bool bias_per_lane = false;
  std::shared_ptr<const Couplings> couplings;  ///< never null
  float gain = 1.0f;
  float kT = 0.0f;
};

/// A dense coupling matrix, immutable, kept with the index of its non-zero blocks so that absent couplings cost
/// nothing. J_ik couples cell k into the force on cell i.
class Couplings {
 public:
  /// All zero.
  explicit Couplings(std::uint32_t cells);
  /// matrix: cells x cells row-major, zero diagonal, finite.
  Couplings(std::uint32_t cells, std::vector<float> matrix);
  ~Couplings();

  std::uint32_t cells() const { return cells_; }
  bool zero() const { return zero_; }
  /// J_ik; 0 for an all-zero matrix.
  float at(std::uint32_t i, std::uint32_t k) const { return zero_ ? 0.0f : transpose_[std::size_t{k} * cells_ + i]; }

  struct Packed;  ///< what the step kernels read; see packed_couplings.hpp
  enum class PackedFor { one_lane, many_lanes };
  /// Packed for the active instruction set; made at first use, safe from several threads.
  const Packed& packed(PackedFor use) const;

 private:
  std::uint32_t cells_;
  bool zero_;
  std::vector<float> transpose_;  // [k][i]: the chain over k reads rows
  mutable std::mutex packing_;
  mutable std::unique_ptr<Packed> packed_;
};

}  // namespace heatbath::physics
