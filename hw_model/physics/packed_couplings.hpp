#pragma once
// A coupling matrix in the order the step kernels read it.

#include <cstdint>
#include <vector>

#include "hw_model/physics/parameters.hpp"
#include "hw_model/physics/step_kernels.hpp"

namespace heatbath::physics {

struct Couplings::Packed {
  std::uint32_t panel_rows = 0;
  std::uint64_t floats = 0;
  std::vector<std::uint32_t> run_begin;
  std::vector<CouplingRun> runs;
  std::vector<std::uint64_t> offset;
  std::vector<float> panels, rows;  ///< filled for the use that asks for them
  PackedCouplings view{};

  void find_runs(const Couplings& couplings);
  void pack_panels(const Couplings& couplings);
  void pack_rows(const Couplings& couplings);
};

}  // namespace heatbath::physics
