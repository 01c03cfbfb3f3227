#pragma once
// Meters of cells: which an array keeps, and their sums in a tile.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "hw_model/physics/cell_law.hpp"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::physics {

/// Which meters of cells are kept.
class CellMeterSet {
 public:
  void add(CellMeter meter) { bits_ |= bit(meter); }
  bool has(CellMeter meter) const { return (bits_ & bit(meter)) != 0; }
  bool any() const { return bits_ != 0; }
  /// Whether one of them is a StateMeter.
  bool of_states() const;
  void exchange(numerics::Archive& archive);

 private:
  static std::uint32_t bit(CellMeter meter) { return 1u << static_cast<std::uint32_t>(meter); }
  std::uint32_t bits_ = 0;
};

/// A meter that follows from the states of a cell at both ends of a step, or of an update where a step may make several
/// of one cell.
struct StateMeter {
  CellMeter meter;
  /// What a change of the first variable of a cell adds.
  double (*added)(const CellLaw& cell, float before, float after);
};

/// All of them.
std::span<const StateMeter> state_meters();

/// Sums of the meters of cells in a tile, as its states lie: [cell][lane].
class CellSums {
 public:
  /// From zero; `size` sums for each meter that is kept.
  void clear(CellMeterSet kept, std::size_t size);
  /// Empty where it is not kept.
  std::vector<double>& of(CellMeter meter) { return sums_[static_cast<std::size_t>(meter)]; }
  double at(CellMeter meter, std::size_t at) const {
    const auto& sums = sums_[static_cast<std::size_t>(meter)];
    return sums.empty() ? 0.0 : sums[at];
  }

  /// A step between two states, for the meters of states: begin() before it, end() after it.
  void begin(std::span<const float> states) { before_.assign(states.begin(), states.end()); }
  void end(const CellLaw& cell, std::span<const float> states);
  /// One change.
  void change(const CellLaw& cell, std::size_t at, float before, float after);

 private:
  std::vector<double> sums_[cell_meters];
  std::vector<float> before_;
};

}  // namespace heatbath::physics
