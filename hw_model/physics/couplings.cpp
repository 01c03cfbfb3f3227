#include <algorithm>
#include <bit>
#include <cmath>
#include <mutex>
#include <stdexcept>
#include <string>

#include "hw_model/physics/coupling_rows.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/archive.hpp"
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
  for (std::uint32_t i0 = 0; i0 < cells && symmetric_; i0 += block)
    for (std::uint32_t k0 = i0; k0 < cells && symmetric_; k0 += block)
      for (std::uint32_t i = i0; i < std::min(i0 + block, cells); ++i)
        for (std::uint32_t k = std::max(k0, i + 1); k < std::min(k0 + block, cells); ++k)
          symmetric_ = symmetric_ && matrix[std::size_t{i} * cells + k] == matrix[std::size_t{k} * cells + i];
  transpose_ = std::move(matrix);
}

Couplings::Couplings(std::uint32_t cells, std::vector<float> matrix, const CodeGrid& grid)
    : Couplings(cells, std::move(matrix)) {
  if (grid.bits < 2 || grid.bits > code_bits_max || !(grid.range > 0))
    throw std::invalid_argument("integer arithmetic takes codes of 2 to " + std::to_string(code_bits_max) +
                                " bits and a positive range; got " + std::to_string(grid.bits) + " bits, range " +
                                numerics::general(grid.range));
  for (std::uint32_t i = 0; i < cells_ && !zero_; ++i)
    for (std::uint32_t k = 0; k < cells_; ++k) {
      const long code = std::lrint(at(i, k) / grid.step()), top = 1L << (grid.bits - 1);
      if (static_cast<float>(code) * grid.step() != at(i, k) || code < -top || code >= top)
        throw std::invalid_argument("coupling (" + std::to_string(i) + ", " + std::to_string(k) +
                                    ") = " + numerics::general(at(i, k)) + " is no code of " + std::to_string(grid.bits) +
                                    " bits in +-" + numerics::general(grid.range));
    }
  code_grid_ = grid;
}

namespace {

bool all_zero(const ValueList& values) {
  if (values.one_value()) return values.empty() || values.front() == 0.0f;
  return std::all_of(values.begin(), values.end(), [](float v) { return v == 0.0f; });
}

}  // namespace

Couplings::Couplings(std::shared_ptr<const Graph> graph, ValueList values)
    : cells_(graph->cells()), zero_(all_zero(values)), graph_(std::move(graph)), values_(std::move(values)) {
  const std::size_t couplers = graph_->couplers().size();
  if (values_.size() != couplers && values_.size() != 2 * couplers)
    throw std::invalid_argument("a graph of " + std::to_string(couplers) + " couplers takes " + std::to_string(couplers) +
                                " values, or two per coupler; got " + std::to_string(values_.size()));
  if (values_.size() == couplers || values_.one_value()) return;
  const ValueList& all = values_;
  for (std::size_t c = 0; c < couplers; ++c) symmetric_ = symmetric_ && all[2 * c] == all[2 * c + 1];
}

float Couplings::on_graph(std::uint32_t i, std::uint32_t k) const {
  const std::uint32_t c = graph_->coupler_between(i, k);
  const std::size_t couplers = graph_->couplers().size();
  if (c == couplers) return 0.0f;
  return values_.size() == couplers ? values_[c] : values_[std::size_t{2} * c + (i < k ? 0 : 1)];
}

std::vector<double> Couplings::row_sums() const {
  std::vector<double> sums(cells_, 0.0);
  if (zero_) return sums;
  if (graph_) {
    const std::size_t ways = values_.size() == graph_->couplers().size() ? 1 : 2;
    std::size_t c = 0;
    for (const Coupler& at : graph_->couplers()) {
      sums[at.i] += std::abs(values_[ways * c]);
      sums[at.j] += std::abs(values_[ways * c + ways - 1]);
      ++c;
    }
  } else {
    for (std::uint32_t k = 0; k < cells_; ++k)
      for (std::uint32_t i = 0; i < cells_; ++i) sums[i] += std::abs(transpose_[std::size_t{k} * cells_ + i]);
  }
  return sums;
}

Couplings::Rows Couplings::rows() const {
  const std::lock_guard lock(rows_making_);
  if (row_values_.empty() && graph_) {
    const std::size_t couplers = graph_->couplers().size();
    row_begin_.reserve(std::size_t{cells_} + 1);
    row_columns_.reserve(2 * couplers);
    row_values_.reserve(2 * couplers);
    row_begin_.push_back(0);
    for (std::uint32_t i = 0; i < cells_; ++i) {
      for_row(*this, i, [&](std::uint32_t k, float value) {
        row_columns_.push_back(k);
        row_values_.push_back(value);
      });
      row_begin_.push_back(static_cast<std::uint32_t>(row_columns_.size()));
    }
  } else if (row_values_.empty()) {
    row_values_.resize(transpose_.size());
    for (std::uint32_t k = 0; k < cells_; ++k)
      for (std::uint32_t i = 0; i < cells_; ++i)
        row_values_[std::size_t{i} * cells_ + k] = transpose_[std::size_t{k} * cells_ + i];
  }
  return {graph_ ? row_begin_.data() : nullptr, graph_ ? row_columns_.data() : nullptr, row_values_.data(), cells_};
}

Couplings::~Couplings() = default;

const Couplings::Packed& Couplings::packed(PackedFor use) const {
  const std::lock_guard lock(packing_);
  const StepKernels& kernels = step_kernels();
  if (!packed_ || packed_->panel_rows != kernels.panel_rows) {
    packed_ = std::make_unique<Packed>();
    packed_->panel_rows = kernels.panel_rows;
    if (!graph_) packed_->find_runs(*this);
    if (code_grid_) packed_->find_segments(*this);
  }
  Packed& p = *packed_;
  if (graph_) {
    try {
      if (p.graph_groups.empty()) p.pack_graph(*this);
      if (use == PackedFor::many_lanes) p.pack_graph_rows(*this);
    } catch (...) {
      packed_.reset();
      throw;
    }
  } else if (code_grid_) {
    p.pack_codes(*this, use);
  } else {
    if (use == PackedFor::many_lanes && p.panels.empty()) p.pack_panels(*this);
    if (use == PackedFor::one_lane && p.rows.empty() && p.halves.empty()) p.pack_rows(*this);
  }
  p.view = {p.run_begin.data(),
            p.runs.data(),
            p.offset.data(),
            p.panels.data(),
            p.rows.data(),
            p.halves.empty() ? nullptr : p.halves.data(),
            graph_ ? &p.graph : nullptr,
            code_grid_ ? &p.codes : nullptr};
  return p;
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
      const std::uint32_t rows_begin = group * group_cells;
      const auto any_in_row = [&](std::uint32_t i, std::uint32_t from, std::uint32_t to) {
        for (std::uint32_t k = from; k < to; ++k)
          if (couplings.at(i, k) != 0.0f) return true;
        return false;
      };
      // The first row of the group with a coupling to these cells, in steps of 16; group_cells: none.
      const auto first_row = [&](std::uint32_t from, std::uint32_t to) {
        for (std::uint32_t i = rows_begin; i < rows_end; ++i)
          if (any_in_row(i, from, to)) return (i - rows_begin) / 16 * 16;
        return group_cells;
      };
      const auto add = [&](std::uint32_t from, std::uint32_t to, std::uint32_t skip) {
        size += std::uint64_t{to - from} * group_cells;
        if (runs.size() > run_begin.back() && runs.back().first + runs.back().count == from &&
            runs.back().skip == skip) {
          runs.back().count += to - from;
        } else {
          runs.push_back({from, to - from, skip});
        }
      };
      if (first_row(k0, k1) == group_cells) continue;
      // In pieces where that leaves out rows, as in the root of a covariance; in one where it does not.
      const bool pieces = k0 / group_cells == group && first_row(k1 - std::min(k1 - k0, 16u), k1) > 0;
      for (std::uint32_t k = k0; k < k1; k = std::min(pieces ? k + 16 : k1, k1)) {
        const std::uint32_t to = pieces ? std::min(k + 16, k1) : k1, skip = first_row(k, to);
        if (skip < group_cells) add(k, to, skip);
      }
    }
    run_begin.push_back(static_cast<std::uint32_t>(runs.size()));
  }
  floats = size;
}

namespace {

// Rows first..first+count-1 of one group as [k][count] over a run; zero beyond the last cell.
float* pack_run(const Couplings& couplings, const CouplingRun& run, std::uint32_t group, std::uint32_t first,
                std::uint32_t count, float* out) {
  const std::uint32_t row0 = group * group_cells + first;
  const std::uint32_t used = row0 < couplings.cells() ? std::min(count, couplings.cells() - row0) : 0;
  for (std::uint32_t k = run.first; k < run.first + run.count; ++k) {
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
      for (std::uint32_t r = run_begin[group]; r != run_begin[group + 1]; ++r)
        out = pack_run(couplings, runs[r], group, first, std::min(panel_rows, group_cells - first), out);
}

void Couplings::Packed::pack_rows(const Couplings& couplings) {
  rows.resize(floats);
  std::uint32_t all_bits = 0;
  for (std::uint32_t group = 0; group < offset.size(); ++group) {
    float* out = rows.data() + offset[group];
    const float* const first = out;
    for (std::uint32_t r = run_begin[group]; r != run_begin[group + 1]; ++r)
      out = pack_run(couplings, runs[r], group, runs[r].skip, group_cells - runs[r].skip, out);
    for (const float* value = first; value != out; ++value) all_bits |= std::bit_cast<std::uint32_t>(*value);
  }
  if ((all_bits & 0xffffu) != 0) return;
  // Values of up to 8 significant bits, as codes are: half the memory to read in every step, and the same chains.
  halves.resize(floats);
  for (std::uint32_t group = 0; group < offset.size(); ++group) {
    const float* value = rows.data() + offset[group];
    std::uint32_t* out = halves.data() + offset[group];
    for (std::uint32_t r = run_begin[group]; r != run_begin[group + 1]; ++r) {
      const std::uint32_t count = runs[r].count, height = group_cells - runs[r].skip;
      for (std::uint32_t k = 0; k < count; k += 2, value += 2 * height)
        for (std::uint32_t i = 0; i < height; ++i) {
          const std::uint32_t odd = k + 1 < count ? std::bit_cast<std::uint32_t>(value[height + i]) : 0;
          *out++ = std::bit_cast<std::uint32_t>(value[i]) >> 16 | odd;
        }
      if (count % 2 != 0) value -= height;
    }
  }
  rows = {};
}

std::shared_ptr<const Couplings> Couplings::exchange(numerics::Archive& archive, std::shared_ptr<const Couplings> couplings,
                                                     std::uint32_t cells, const std::shared_ptr<const Graph>& graph) {
  bool zero = false, in_codes = false, on_graph = false;
  if (!archive.reads()) {
    zero = couplings->zero_;
    in_codes = couplings->code_grid_.has_value();
    on_graph = couplings->graph_ != nullptr;
  }
  archive(zero, on_graph, in_codes);
  archive.check(on_graph == (graph != nullptr) || (zero && !on_graph), "couplings");
  CodeGrid grid;
  ValueList on_couplers;
  std::vector<float> values;
  if (!archive.reads()) {
    grid = couplings->code_grid_.value_or(grid);
    if (on_graph) on_couplers = couplings->values_;
    else values = couplings->transpose_;
  }
  if (in_codes) archive(grid.bits, grid.range);
  if (on_graph) archive(on_couplers);
  else archive(values);
  if (!archive.reads()) return couplings;
  numerics::check_finite(archive, values, "couplings");
  numerics::check_finite(archive, std::as_const(on_couplers), "couplings");
  try {
    if (on_graph) return std::make_shared<const Couplings>(graph, std::move(on_couplers));
    archive.check(values.size() == (zero ? 0 : std::size_t{cells} * cells), "couplings");
    if (zero && !in_codes) return std::make_shared<const Couplings>(cells);
    values.resize(std::size_t{cells} * cells);
    std::vector<float> matrix(values.size());
    for (std::uint32_t k = 0; k < cells; ++k)
      for (std::uint32_t i = 0; i < cells; ++i) matrix[std::size_t{i} * cells + k] = values[std::size_t{k} * cells + i];
    if (in_codes) return std::make_shared<const Couplings>(cells, std::move(matrix), grid);
    return std::make_shared<const Couplings>(cells, std::move(matrix));
  } catch (const std::invalid_argument& wrong) {
    archive.refuse(wrong.what());
  }
}

ParameterExchange::ParameterExchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t lanes,
                                     std::uint32_t biases, std::shared_ptr<const Graph> graph)
    : archive_(archive), cells_(cells), lanes_(lanes), biases_(biases), graph_(std::move(graph)) {}

void ParameterExchange::operator()(Parameters& set) {
  // 0: no couplings; n: those of the n-th matrix met, new ones after all that are known.
  std::uint32_t number = 0;
  if (!archive_.reads() && set.couplings)
    number = static_cast<std::uint32_t>(std::ranges::find(known_, set.couplings) - known_.begin()) + 1;
  archive_(number);
  archive_.check(number <= known_.size() + 1, "order of couplings");
  if (archive_.reads()) set = {};
  if (number == 0) return;
  if (number == known_.size() + 1) known_.push_back(Couplings::exchange(archive_, set.couplings, cells_, graph_));
  if (archive_.reads()) set.couplings = known_[number - 1];
  archive_(set.j2, set.j4, set.bias, set.bias_per_lane, set.gain, set.kT, set.kT_cell, set.mass, set.damping, set.frequency);
  if (!archive_.reads()) return;
  const auto of_cells = [&](const ValueList& values, bool may_lack) {
    numerics::check_finite(archive_, values, "parameters");
    archive_.check(values.size() == cells_ || (may_lack && values.empty()), "number of parameters");
  };
  of_cells(set.j2, false), of_cells(set.j4, false);
  for (const auto* values : {&set.kT_cell, &set.mass, &set.damping, &set.frequency}) of_cells(*values, true);
  numerics::check_finite(archive_, std::as_const(set.bias), "biases");
  archive_.check(set.bias.size() == std::size_t{biases_} * (set.bias_per_lane ? lanes_ : 1), "number of biases");
  archive_.check(std::isfinite(set.gain) && std::isfinite(set.kT), "gain and temperature");
}

}  // namespace heatbath::physics
