#pragma once
// p-bits on a lattice whose couplings have one size and two signs: spins as bits, decisions by table.

#include <cstdint>
#include <memory>
#include <vector>

#include "heatbath/numerics/cache_line.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/exchange.hpp"
#include "hw_model/physics/general_kernels.hpp"

namespace heatbath::physics {

/// Two-colour sweeps of one lane, bit for bit those of the general kernels. A cell feels one of five fields, whose
/// thresholds are found once; what is left per flip is its random word, one comparison, and sums of bits.
class SignLattice {
 public:
  /// For couplings of +-c and 0 with 3 c exact in float32, at most four per cell, on a graph whose cells 2 i and 2 i +
  /// 1 have different colours for all i, and whose neighbours lie at few distances (grids, tori, chains, rings). Null
  /// for others. O(couplings). `exchange`: of a rank's part, whose bits lie where the whole array's would, N / 4 bytes
  /// of N cells; each rank judges for itself.
  static std::shared_ptr<const SignLattice> of(const Couplings& couplings, Exchange* exchange = nullptr);

  /// What all cells share.
  struct Climate {
    float gain, bias, two_over_kT;
  };

  /// Makes `steps` sweeps of the +-1 in state[rows]; noise.step is the number of the first, `free` as in MoveLimits. Of a
  /// cut array all ranks together; rows of others are up to date before and after.
  void sweep(float* state, std::uint64_t steps, const Climate& climate, const NoiseAddress& noise,
             const std::uint32_t* free) const;

 private:
  Exchange* exchange_ = nullptr;
  std::uint32_t begin_ = 0, end_ = 0;  // own cells
  std::uint32_t blocks_ = 0, word_slots_ = 0;
  float size_ = 0;
  std::vector<std::uint64_t> odd_;
  std::vector<SignRows> rows_[2];
  std::vector<SignSlot> slots_;
  std::vector<SignDegree> degrees_;
  std::vector<SignTask> tasks_;       // of a sweep
  std::uint32_t before_refresh_ = 0;  // so many of them need no colour 0 of other ranks
};

}  // namespace heatbath::physics
