#pragma once
// p-bits of many lanes whose couplings are small multiples of one size: spins as bits, decided by planes of random bits.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "hw_model/physics/array.hpp"
#include "hw_model/physics/general_kernels.hpp"

namespace heatbath::physics {

/// What couples the cells, in units of one size.
class SpinPlanes {
 public:
  /// For couplings J_ik = unit k with whole k whose |k| add up to at most 4095 per cell, and a unit whose multiples up
  /// to most() are exact in float32, so that the order of a sum does not matter. Null for others. O(couplings).
  static std::shared_ptr<const SpinPlanes> of(const Couplings& couplings);

  float unit() const { return unit_; }
  /// 255 where no cell's sum is larger, else 4095.
  std::uint32_t most() const { return most_; }
  /// Sum of |k| of a cell's couplings.
  std::uint32_t total(std::uint32_t cell) const { return total_[cell]; }
  const std::vector<PlaneInput>& inputs() const { return inputs_; }
  /// The cell without its rule.
  PlaneCell cell(std::uint32_t i) const { return {i, begin_[i], begin_[i + 1] - begin_[i], 0}; }

 private:
  float unit_ = 1;
  std::uint32_t most_ = (1u << plane_count_bits) - 1;
  std::vector<std::uint32_t> begin_{0}, total_;
  std::vector<PlaneInput> inputs_;
};

/// The rules of kinds of cells, at one instant.
struct PlaneRules {
  std::vector<PlaneRule> rules;
  std::vector<std::uint8_t> values, threshold_of, lists;
  std::vector<std::uint32_t> tables;

  /// Adds the rule of cells whose couplings add up to `total` units of `unit`, after which it has the number rules.size()
  /// - 1.
  void add(std::uint32_t total, float unit, float gain, float bias, float two_over_kT);
};

/// A stretch of sweeps of cells that are alike in kinds: what may differ between two kinds is a total, a bias or a
/// temperature, at either end of a ramp.
class PlaneKinds {
 public:
  static constexpr std::uint32_t most = 4096;  ///< kinds: with more, rules cost what planes save

  /// Of the cells of `order` that move (`free`: ~0), between two sets of parameters that have these couplings in common.
  PlaneKinds(const SpinPlanes& planes, const Parameters& from, const Parameters& to,
             std::span<const std::vector<std::uint32_t>> order, std::span<const std::uint32_t> free);

  bool few() const { return of_kind_.size() <= most; }
  /// The cells in the order of their update, with their rules.
  const std::vector<PlaneCell>& cells() const { return cells_; }
  /// The rules at a position 0..1 of a ramp between the two.
  PlaneRules rules(double position) const;

 private:
  const SpinPlanes& planes_;
  const Parameters &from_, &to_;
  std::vector<PlaneCell> cells_;
  std::vector<std::uint32_t> of_kind_;  ///< a cell of each kind
};

/// Whether all fields and energies under these parameters, which have these couplings, are exact in float32 and sums of
/// them in double, so that a meter may take differences of energies for sums over flips.
bool exact_energies(const SpinPlanes& planes, const Parameters& parameters);

/// 32 `groups` lanes at most, from `first` on.
struct Slab {
  std::uint32_t first, count;
};
/// Lanes cut at shots that are multiples of 32, into as many slabs as keep `threads` busy; `groups`: words of a slab that
/// a vector holds at most.
struct Slabs {
  Slabs(std::uint32_t lanes, std::uint32_t shot0, std::uint32_t threads, std::uint32_t most_groups);
  std::uint32_t groups;  ///< words of each slab: a power of two
  std::vector<Slab> slabs;
};

}  // namespace heatbath::physics
