#include "apps/files/toml_network.hpp"

#include <utility>

#include <fmt/format.h>

namespace heatbath::apps {

namespace {

class CouplingMatrix {
 public:
  explicit CouplingMatrix(std::uint32_t cells) : cells_(cells), values_(std::size_t{cells} * cells, 0.0f) {}

  float at(std::size_t i, std::size_t j) const { return values_[i * cells_ + j]; }
  void set(std::size_t i, std::size_t j, float value) { values_[i * cells_ + j] = values_[j * cells_ + i] = value; }
  void set_one(std::size_t i, std::size_t k, float value) { values_[i * cells_ + k] = value; }
  std::vector<float> take() { return std::move(values_); }

 private:
  std::size_t cells_;
  std::vector<float> values_;
};

std::vector<float> read_coupling_list(const Item& item, std::uint32_t cells, bool directed = false) {
  CouplingMatrix matrix(cells);
  std::vector<bool> given(std::size_t{cells} * cells, false);
  for (const Item& entry : item.array("[i, j, J]")) {
    const Items triple = entry.array("i, j and J");
    if (triple.size() != 3) entry.fail(fmt::format("has {} values; needs [i, j, J]", triple.size()));
    const std::size_t i = triple[0].count(0, cells - 1), j = triple[1].count(0, cells - 1);
    if (i == j) entry.fail("couples a cell to itself; use j2 for that");
    if (given[i * cells + j]) entry.fail(fmt::format("the pair {}, {} is given twice; each pair counts once", i, j));
    given[i * cells + j] = true;
    if (directed) {
      matrix.set_one(i, j, triple[2].real());
    } else {
      given[j * cells + i] = true;
      matrix.set(i, j, triple[2].real());
    }
  }
  return matrix.take();
}

std::vector<float> read_coupling_matrix(const Item& item, std::uint32_t cells) {
  CouplingMatrix matrix(cells);
  const Items rows = item.array("rows");
  if (rows.size() != cells)
    item.fail(fmt::format("has {} rows; needs {} rows of {} numbers", rows.size(), cells, cells));
  for (std::size_t i = 0; i < cells; ++i) {
    const std::vector<float> row = rows[i].reals();
    if (row.size() != cells) rows[i].fail(fmt::format("has {} values; needs {}", row.size(), cells));
    if (row[i] != 0) rows[i].fail(fmt::format("couples cell {} to itself; the diagonal is zero, use j2 for that", i));
    for (std::size_t j = 0; j < i; ++j) {
      if (matrix.at(i, j) != row[j]) {
        rows[i].fail(fmt::format("J[{}][{}] = {} but J[{}][{}] = {}; needs a symmetric matrix", i, j, row[j], j, i,
                                 matrix.at(i, j)));
      }
    }
    for (std::size_t j = i + 1; j < cells; ++j) matrix.set(i, j, row[j]);
  }
  return matrix.take();
}

std::vector<float> make_chain(std::uint32_t cells, float value, bool periodic) {
  CouplingMatrix matrix(cells);
  for (std::size_t i = 0; i + 1 < cells; ++i) matrix.set(i, i + 1, value);
  if (periodic && cells > 2) matrix.set(0, cells - 1, value);
  return matrix.take();
}

std::vector<float> make_grid(std::uint32_t rows, std::uint32_t columns, float value, bool periodic) {
  CouplingMatrix matrix(rows * columns);
  for (std::uint32_t r = 0; r < rows; ++r) {
    for (std::uint32_t c = 0; c < columns; ++c) {
      const std::size_t here = std::size_t{r} * columns + c;
      if (c + 1 < columns) matrix.set(here, here + 1, value);
      if (r + 1 < rows) matrix.set(here, here + columns, value);
      if (periodic && columns > 2 && c == 0) matrix.set(here, here + columns - 1, value);
      if (periodic && rows > 2 && r == 0) matrix.set(here, here + std::size_t{rows - 1} * columns, value);
    }
  }
  return matrix.take();
}

std::vector<float> read_couplings(const Item& item, std::uint32_t cells) {
  if (item.is_array()) return read_coupling_list(item, cells);
  const Table table(item, {"matrix", "chain", "grid", "value", "all", "directed", "periodic"});
  const auto matrix = table.find("matrix"), chain = table.find("chain"), grid = table.find("grid"),
             all = table.find("all"), directed = table.find("directed"), value = table.find("value"),
             periodic = table.find("periodic");
  if (!!matrix + !!chain + !!grid + !!all + !!directed != 1) {
    item.fail("needs a list of [i, j, J], or a table with one of matrix, chain, grid, all, directed");
  }
  if (directed) return read_coupling_list(*directed, cells, true);
  if (value && !grid) value->fail("belongs to grid; chain and all carry the value themselves");
  if (periodic && !grid && !chain) periodic->fail("belongs to chain or grid");
  const bool closed = periodic && periodic->boolean();
  if (matrix) return read_coupling_matrix(*matrix, cells);
  if (chain) return make_chain(cells, chain->real(), closed);
  if (grid) {
    const Items sides = grid->array("two whole numbers");
    if (sides.size() != 2) grid->fail("needs [rows, columns]");
    const std::uint32_t rows = sides[0].count(1, cells), columns = sides[1].count(1, cells);
    if (std::uint64_t{rows} * columns != cells) {
      grid->fail(fmt::format("{} x {} are not the {} cells of the network", rows, columns, cells));
    }
    return make_grid(rows, columns, table.at("value").real(), closed);
  }
  CouplingMatrix full(cells);
  for (std::size_t i = 0; i < cells; ++i) {
    for (std::size_t j = 0; j < i; ++j) full.set(i, j, all->real());
  }
  return full.take();
}

}  // namespace

ParameterSet read_parameters(const Table& table, std::uint32_t cells) {
  ParameterSet set;
  if (const auto item = table.find("j2")) set.j2 = item->per_cell(cells);
  if (const auto item = table.find("j4")) {
    set.j4 = item->per_cell(cells);
    for (const float value : *set.j4) {
      if (value < 0) item->fail(fmt::format("{} is negative: the energy would have no floor; needs 0 or more", value));
    }
  }
  if (const auto item = table.find("bias")) set.bias = item->per_cell(cells);
  if (const auto item = table.find("couplings")) set.couplings = read_couplings(*item, cells);
  if (const auto item = table.find("gain")) set.gain = item->real();
  if (const auto item = table.find("kT")) {
    set.kT = item->per_cell(cells);
    for (const float value : *set.kT) {
      if (value < 0) item->fail(fmt::format("{} is negative; needs a temperature in energy units", value));
    }
  }
  if (const auto item = table.find("mass")) {
    set.mass = item->per_cell(cells);
    for (const float value : *set.mass) {
      if (!(value > 0)) item->fail(fmt::format("{} is not positive; needs a mass", value));
    }
  }
  if (const auto item = table.find("damping")) {
    set.damping = item->per_cell(cells);
    for (const float value : *set.damping) {
      if (value < 0) item->fail(fmt::format("{} is negative; needs a damping of 0 or more", value));
    }
  }
  if (const auto item = table.find("frequency")) set.frequency = item->per_cell(cells);
  return set;
}

}  // namespace heatbath::apps
