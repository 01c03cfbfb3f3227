#include "solvers/src/spin_graph.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "heatbath/error.hpp"

namespace heatbath::solvers {

namespace {
constexpr std::size_t together = 8;  // states whose energies are summed at once

/// The upper one of two in the middle; 0 of none. Changes their order.
double median(std::vector<double>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}
}

SpinGraph::SpinGraph(const network::Network& network) : cells_(network.cells()), constant_(network.constant()) {
  if (network.kind() != CellKind::pbit)
    throw Error(HB_UNSUPPORTED, std::string("solvers: a problem of spins lies on pbit cells, not on ") + heatbath::name(network.kind()));
  if (network.directed()) throw Error(HB_UNSUPPORTED, "solvers: couplings that differ in their two directions have no energy");
  bias_.resize(cells_);
  for (std::uint32_t i = 0; i < cells_; ++i) bias_[i] = network.value(CellSection::bias, i);
  has_fields_ = std::ranges::any_of(bias_, [](double b) { return b != 0; });
  begin_.assign(cells_ + 1, 0);
  for (const network::Edge& edge : network.couplings()) ++begin_[edge.i + 1], ++begin_[edge.j + 1];
  for (std::uint32_t i = 0; i < cells_; ++i) begin_[i + 1] += begin_[i];
  neighbours_.resize(begin_[cells_]);
  values_.resize(begin_[cells_]);
  std::vector<std::uint32_t> next(begin_.begin(), begin_.end() - 1);
  // Edges are sorted by i < j: the lower neighbours of a cell come first, in order, then the upper ones.
  for (const network::Edge& edge : network.couplings()) neighbours_[next[edge.j]] = edge.i, values_[next[edge.j]++] = edge.value;
  upper_ = next;
  for (const network::Edge& edge : network.couplings()) neighbours_[next[edge.i]] = edge.j, values_[next[edge.i]++] = edge.value;
  std::vector<double> smallest, roots;
  for (std::uint32_t i = 0; i < cells_; ++i) {
    double squares = bias_[i] * bias_[i], least = bias_[i] != 0 ? std::abs(bias_[i]) : std::numeric_limits<double>::infinity();
    for (std::uint32_t e = begin_[i]; e < begin_[i + 1]; ++e) {
      squares += values_[e] * values_[e];
      if (values_[e] != 0) least = std::min(least, std::abs(values_[e]));
    }
    largest_field_ = std::max(largest_field_, std::sqrt(squares));
    if (squares > 0) roots.push_back(std::sqrt(squares));
    if (std::isfinite(least)) smallest.push_back(least);
  }
  small_field_ = median(smallest);
  typical_field_ = median(roots);
}

void SpinGraph::energies(std::span<const float> rows, std::span<double> energies) const {
  std::vector<float> turned(std::size_t{cells_} * together);
  for (std::size_t first = 0; first < energies.size(); first += together) {
    const std::size_t count = std::min(together, energies.size() - first);
    for (std::size_t k = 0; k < together; ++k) {
      const float* row = rows.data() + (first + std::min(k, count - 1)) * cells_;
      for (std::uint32_t i = 0; i < cells_; ++i) turned[i * together + k] = row[i];
    }
    double sum[together] = {};
    for (std::uint32_t i = 0; i < cells_; ++i) {
      double field[together];
      std::fill_n(field, together, bias_[i]);
      for (std::uint32_t e = upper_[i]; e < begin_[i + 1]; ++e) {
        const float* other = turned.data() + std::size_t{neighbours_[e]} * together;
        const double J = values_[e];
        for (std::size_t k = 0; k < together; ++k) field[k] += J * static_cast<double>(other[k]);
      }
      const float* own = turned.data() + std::size_t{i} * together;
      for (std::size_t k = 0; k < together; ++k) sum[k] += static_cast<double>(own[k]) * field[k];
    }
    for (std::size_t k = 0; k < count; ++k) energies[first + k] = constant_ + sum[k];
  }
}

double SpinGraph::energy(std::span<const float> row) const {
  double energy = 0;
  energies(row, {&energy, 1});
  return energy;
}

void SpinGraph::fields(std::span<const float> row, std::span<double> fields) const {
  for (std::uint32_t i = 0; i < cells_; ++i) {
    fields[i] = bias_[i];
    for (std::uint32_t e = begin_[i]; e < begin_[i + 1]; ++e) fields[i] += values_[e] * static_cast<double>(row[neighbours_[e]]);
  }
}

double SpinGraph::descend(std::span<float> row, double energy) const {
  // A flip must gain more than rounding, so this ends.
  const double least = 1e-12 * std::max(1.0, largest_field_);
  for (bool moved = true; moved;) {
    moved = false;
    for (std::uint32_t i = 0; i < cells_; ++i) {
      double field = bias_[i];
      for (std::uint32_t e = begin_[i]; e < begin_[i + 1]; ++e) field += values_[e] * static_cast<double>(row[neighbours_[e]]);
      const double change = -2 * static_cast<double>(row[i]) * field;
      if (change < -least) row[i] = -row[i], energy += change, moved = true;
    }
  }
  return this->energy(row);
}

std::uint32_t SpinGraph::exchange_cluster(std::span<float> a, std::span<float> b, double& energy_a, double& energy_b,
                                          numerics::RandomStream& random, std::vector<std::uint32_t>& memory) const {
  if (!has_fields_ && random.word() >> 63 != 0)
    for (float& spin : a) spin = -spin;
  // Any cell, until one differs: which one does not depend on the order of cells.
  std::uint32_t differ = 0;
  for (std::uint32_t i = 0; i < cells_; ++i) differ += a[i] != b[i];
  if (differ == 0) return 0;
  auto nth = static_cast<std::uint32_t>(random.uniform() * differ);
  std::uint32_t start = 0;
  for (std::uint32_t i = 0; i < cells_; ++i)
    if (a[i] != b[i]) {
      start = i;
      if (nth-- == 0) break;
    }
  // Cells that differ and hang together with the first one.
  memory.assign(cells_, 0);
  std::vector<std::uint32_t> cluster{start};
  memory[start] = 1;
  double change = 0;  // of the energy of a
  for (std::size_t k = 0; k < cluster.size(); ++k) {
    const std::uint32_t i = cluster[k];
    for (std::uint32_t e = begin_[i]; e < begin_[i + 1]; ++e) {
      const std::uint32_t j = neighbours_[e];
      if (memory[j] != 0 || a[j] == b[j] || values_[e] == 0) continue;
      memory[j] = 1;
      cluster.push_back(j);
    }
  }
  for (const std::uint32_t i : cluster) {
    double field = bias_[i];
    for (std::uint32_t e = begin_[i]; e < begin_[i + 1]; ++e)
      if (memory[neighbours_[e]] == 0) field += values_[e] * static_cast<double>(a[neighbours_[e]]);
    change -= 2 * static_cast<double>(a[i]) * field;
  }
  for (const std::uint32_t i : cluster) std::swap(a[i], b[i]);
  energy_a += change;
  energy_b -= change;
  return static_cast<std::uint32_t>(cluster.size());
}

void SpinGraph::take_better_groups(std::span<float> state, std::span<const float> other, numerics::RandomStream& random,
                                   GroupSearch& memory, bool parts) const {
  std::uint32_t differ = 0;
  for (std::uint32_t i = 0; i < cells_; ++i) differ += state[i] != other[i];
  const bool turned = !has_fields_ && 2 * std::uint64_t{differ} > cells_;
  if (turned) differ = cells_ - differ;
  if (differ == 0) return;
  const double least = 1e-12 * std::max(1.0, largest_field_);  // less is rounding
  const std::uint32_t mark = ++memory.mark;
  // A cell is put into one group only: those that were taken over agree from then on, the others are marked.
  const auto differs = [&](std::uint32_t i) { return (state[i] != other[i]) != turned; };
  for (std::uint32_t start = 0; start < cells_; ++start) {
    if (memory.seen[start] == mark || !differs(start)) continue;
    std::vector<std::uint32_t>& group = memory.group;
    group.assign(1, start);
    memory.seen[start] = mark;
    double change = 0;
    for (std::size_t k = 0; k < group.size(); ++k) {
      const std::uint32_t i = group[k];
      double field = bias_[i];
      for (std::uint32_t e = begin_[i]; e < begin_[i + 1]; ++e) {
        const std::uint32_t j = neighbours_[e];
        if (!differs(j)) {
          field += values_[e] * static_cast<double>(state[j]);
        } else if (memory.seen[j] != mark && values_[e] != 0) {
          memory.seen[j] = mark;
          group.push_back(j);
        }
      }
      change -= 2 * static_cast<double>(state[i]) * field;
    }
    ++memory.looked_at;
    memory.in_them += group.size();
    if (parts && 2 * group.size() > differ) continue;
    if (change < -least || (change <= least && random.word() >> 63 != 0))
      for (const std::uint32_t i : group) state[i] = -state[i];
  }
}

}  // namespace heatbath::solvers
