#include "hw_model/physics/noise.hpp"

#include <algorithm>
#include <vector>

#include "heatbath/physics/wiener_path.hpp"
#include "hw_model/physics/active_kernels.hpp"
#include "hw_model/physics/step_kernels.hpp"

namespace heatbath::physics {

static_assert(static_cast<std::uint32_t>(Purpose::thermal) == thermal_purpose);

const StepKernels& step_kernels() {
  return of_active_isa(portable::step_kernels, avx2::step_kernels, avx512::step_kernels);
}

NoiseCounter noise_counter(std::uint32_t cell, std::uint64_t step, std::uint32_t shot, Purpose purpose, std::uint32_t level) {
  const std::uint32_t block = (cell >> 6) * 16 + (cell & 15u);
  return {{block, static_cast<std::uint32_t>(step), shot,
           (static_cast<std::uint32_t>(step >> 32) & 0xffffu) | level << 16 |
               static_cast<std::uint32_t>(purpose) << 24}};
}

namespace {

void groups_of_normals(std::uint64_t seed, std::uint64_t step, std::uint32_t shot, Purpose purpose, std::uint32_t refinement,
                       std::uint32_t first, std::uint32_t groups, float* out) {
  const std::uint32_t key[2] = {static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)};
  step_kernels().normals(key, step, refinement, shot, static_cast<std::uint32_t>(purpose), first, groups, out);
}

}  // namespace

float normal(std::uint64_t seed, std::uint32_t cell, std::uint64_t step, std::uint32_t shot, Purpose purpose,
             std::uint32_t refinement) {
  float group[group_cells];
  groups_of_normals(seed, step, shot, purpose, refinement, cell / group_cells, 1, group);
  return group[cell % group_cells];
}

void normals(std::uint64_t seed, std::uint64_t step, std::uint32_t shot, std::uint32_t cells, float* out, Purpose purpose,
             std::uint32_t refinement) {
  const std::uint32_t whole = cells / group_cells, rest = cells % group_cells;
  groups_of_normals(seed, step, shot, purpose, refinement, 0, whole, out);
  if (rest == 0) return;
  float group[group_cells];
  groups_of_normals(seed, step, shot, purpose, refinement, whole, 1, group);
  std::copy(group, group + rest, out + whole * group_cells);
}

void WienerPath::normals(std::uint64_t step, std::span<double> out) const {
  std::vector<float> values(out.size());
  physics::normals(seed_, step, shot_, static_cast<std::uint32_t>(out.size()), values.data(), Purpose::thermal, refinement_);
  std::copy(values.begin(), values.end(), out.begin());
}

}  // namespace heatbath::physics
