#include <algorithm>
#include <mutex>

#include "hw_model/physics/packed_couplings.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::physics {

Couplings::Couplings(std::uint32_t cells) : cells_(cells), zero_(true) {}

Couplings::Couplings(std::uint32_t cells, std::vector<float> matrix)
    : cells_(cells), zero_(std::all_of(matrix.begin(), matrix.end(), [](float v) { return v == 0.0f; })) {
  if (zero_) return;
  // In place: [i][k] -> [k][i], in blocks that fit the cache.
  constexpr std::uint32_t block = 32;
  for (std::uint32_t i0 = 0; i0 < cells; i0 += block)
    for (std::uint32_t k0 = i0; k0 < cells; k0 += block)
      for (std::uint32_t i = i0; i < std::min(i0 + block, cells); ++i)
        for (std::uint32_t k = std::max(k0, i + 1); k < std::min(k0 + block, cells); ++k)
          std::swap(matrix[std::size_t{i} * cells + k], matrix[std::size_t{k} * cells + i]);
  transpose_ = std::move(matrix);
}

Couplings::~Couplings() = default;

const Couplings::Packed& Couplings::packed(PackedFor use) const {
  const std::lock_guard lock(packing_);
  const StepKernels& kernels = step_kernels();
  if (!packed_ || packed_->panel_rows != kernels.panel_rows) {
    packed_ = std::make_unique<Packed>();
    packed_->panel_rows = kernels.panel_rows;
    packed_->find_runs(*this);
  }
  if (use == PackedFor::many_lanes && packed_->panels.empty()) packed_->pack_panels(*this);
  if (use == PackedFor::one_lane && packed_->rows.empty()) packed_->pack_rows(*this);
  packed_->view = {packed_->run_begin.data(), packed_->runs.data(), packed_->offset.data(), packed_->panels.data(),
                   packed_->rows.data()};
  return *packed_;
}

void Couplings::Packed::find_runs(const Couplings& couplings) {
  const std::uint32_t cells = couplings.cells(), groups = (cells + group_cells - 1) / group_cells;
  run_begin = {0};
  std::uint64_t size = 0;
  for (std::uint32_t group = 0; group < groups; ++group) {
    offset.push_back(size);
    const std::uint32_t rows_end = std::min((group + 1) * group_cells, cells);
    for (std::uint32_t k0 = 0; k0 < cells; k0 += group_cells) {
      const std::uint32_t k1 = std::min(k0 + group_cells, cells);
      bool any = false;
      for (std::uint32_t k = k0; k < k1 && !any; ++k)
        for (std::uint32_t i = group * group_cells; i < rows_end && !any; ++i) any = couplings.at(i, k) != 0.0f;
      if (!any) continue;
      size += std::uint64_t{k1 - k0} * group_cells;
      if (runs.size() > run_begin.back() && runs.back().first + runs.back().count == k0) {
        runs.back().count += k1 - k0;
      } else {
        runs.push_back({k0, k1 - k0});
      }
    }
    run_begin.push_back(static_cast<std::uint32_t>(runs.size()));
  }
  floats = size;
}

namespace {

// Rows first..first+count-1 of one group as [k][count] over the group's runs; zero beyond the last cell.
float* pack_rows_of_group(const Couplings& couplings, const Couplings::Packed& packed, std::uint32_t group,
                          std::uint32_t first, std::uint32_t count, float* out) {
  const std::uint32_t row0 = group * group_cells + first;
  const std::uint32_t used = row0 < couplings.cells() ? std::min(count, couplings.cells() - row0) : 0;
  for (std::uint32_t r = packed.run_begin[group]; r != packed.run_begin[group + 1]; ++r)
    for (std::uint32_t k = packed.runs[r].first; k < packed.runs[r].first + packed.runs[r].count; ++k) {
      for (std::uint32_t i = 0; i < used; ++i) out[i] = couplings.at(row0 + i, k);
      std::fill(out + used, out + count, 0.0f);
      out += count;
    }
  return out;
}

}  // namespace

void Couplings::Packed::pack_panels(const Couplings& couplings) {
  panels.resize(floats);
  float* out = panels.data();
  for (std::uint32_t group = 0; group < offset.size(); ++group)
    for (std::uint32_t first = 0; first < group_cells; first += panel_rows)
      out = pack_rows_of_group(couplings, *this, group, first, std::min(panel_rows, group_cells - first), out);
}

void Couplings::Packed::pack_rows(const Couplings& couplings) {
  rows.resize(floats);
  float* out = rows.data();
  for (std::uint32_t group = 0; group < offset.size(); ++group)
    out = pack_rows_of_group(couplings, *this, group, 0, group_cells, out);
}

}  // namespace heatbath::physics
