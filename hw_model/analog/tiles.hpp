#pragma once
// Several chips on one board: an array cut into tiles that hear of each other now and then.

#include <cstdint>
#include <memory>
#include <vector>

#include "hw_model/analog/imperfection.hpp"

namespace heatbath::physics {
class Couplings;
}

namespace heatbath::model {

/// How tiles talk.
struct TileLaw {
  std::uint32_t tiles = 1;    ///< of equal size: cell i of n is on tile i tiles / n
  std::uint32_t latency = 0;  ///< periods until a value has arrived
  std::uint32_t bits = 0;     ///< of a value over the rail; 0: exact. Spins need no more than one
  double lost = 0;            ///< probability that what a tile sends in a period does not arrive
  float range = 1;            ///< of a value
};

/// A coupler within a tile works as ever. One between tiles acts with the state that its far cell had when it was last
/// heard of: a constant within a period, as a bias is, for each lane. At the beginning of each period every tile sends the
/// states of its boundary; what is lost leaves the old ones in place. At the start of a job tiles know each other's states.
class Tiles : public Imperfection {
 public:
  explicit Tiles(const TileLaw& law) : law_(law) {}

  bool moves() const override { return law_.tiles > 1; }
  void pass(const Moment& moment) override;
  void act(physics::Parameters& parameters) const override;
  void exchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t lanes) override;
  void restart() override { sent_.clear(); }

 private:
  struct Cut {
    std::shared_ptr<const physics::Couplings> whole, inner;
    struct Between {
      std::uint32_t i, k;  ///< k acts on i
      float value;
    };
    std::vector<Between> between;
  };
  const Cut& cut(const std::shared_ptr<const physics::Couplings>& couplings) const;
  std::uint32_t tile(std::uint32_t cell) const {
    return static_cast<std::uint32_t>(std::uint64_t{cell} * law_.tiles / cells_);
  }

  TileLaw law_;
  std::uint32_t cells_ = 0, lanes_ = 0;
  std::vector<std::vector<float>> sent_;  // lanes x cells of each of the last periods, the newest behind
  std::vector<float> heard_;              // lanes x cells
  mutable std::vector<Cut> cuts_;         // of the couplings seen last
};

}  // namespace heatbath::model
