#pragma once
// Cells and couplers that do not work.

#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "hw_model/analog/imperfection.hpp"

namespace heatbath::model {

/// Which elements of a part are dead or stuck, by name or, with a probability each, by the chip id.
struct DefectList {
  std::vector<std::uint32_t> dead_cells;
  std::vector<HeldCell> stuck_cells;
  std::vector<std::pair<std::uint32_t, std::uint32_t>> dead_couplers;  ///< i < j
  double dead_cell_rate = 0, stuck_cell_rate = 0, dead_coupler_rate = 0;
  float stuck_at = 1;  ///< where cells drawn by stuck_cell_rate stand: + or - this
  bool spins = false;  ///< p-bits: a dead one stands at -1, a stuck one at +1 or -1
};

/// "3, 7, 12-15" as cells; "3:1.0, 7:-1" as stuck ones; "0-1, 4-9" as couplers. Throws std::invalid_argument in one
/// line that says what is no such thing.
std::vector<std::uint32_t> parse_cells(std::string_view text);
std::vector<HeldCell> parse_stuck_cells(std::string_view text);
std::vector<std::pair<std::uint32_t, std::uint32_t>> parse_couplers(std::string_view text);

/// A dead cell drives nothing: its couplers are 0, it stands at 0 and is read as that. A stuck cell stands at its value
/// and drives its neighbours from there. Both are held, like clamped cells that no RELEASE frees and no SET moves. A
/// dead coupler is 0 whatever it is loaded with.
class Defects : public Imperfection {
 public:
  Defects(DefectList list, std::uint64_t serial, std::uint32_t cells);

  void load_couplings(const LoadedCouplings& couplings) override;
  std::span<const HeldCell> held() const override { return held_; }

 private:
  bool dead(std::uint32_t i, std::uint32_t k) const;

  DefectList list_;
  std::uint64_t key_;
  std::vector<std::uint8_t> dead_cell_;  // by cell
  std::vector<HeldCell> held_;           // by cell
};

}  // namespace heatbath::model
