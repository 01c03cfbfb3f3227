#include "files/toml_network.hpp"

#include <algorithm>
#include <filesystem>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "files/array_file.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/lattice.hpp"
#include "heatbath/numerics/pair_file.hpp"

namespace heatbath::apps {

namespace {

using Form = CouplingSource::Form;

/// A file that a program names: in the program's folder, unless the name is absolute or the program comes from a pipe.
std::filesystem::path beside(const Item& item, const std::string& name) {
  std::error_code error;
  const std::filesystem::path program(item.path());
  return std::filesystem::is_regular_file(program, error) ? program.parent_path() / name : std::filesystem::path(name);
}

/// Runs read(), whose errors get the place of the item.
template <typename Read>
auto at_place(const Item& item, const Read& read) {
  try {
    return read();
  } catch (const std::invalid_argument& wrong) {
    item.fail(wrong.what());
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}: {}", item.where(), item.name(), error.what()));
  }
}

CouplingSource read_coupling_list(const Item& item, std::uint32_t cells, bool directed = false) {
  CouplingSource couplings;
  couplings.directed = directed;
  const Items entries = item.array("[i, j, J]");
  for (const Item& entry : entries) {
    const Items triple = entry.array("i, j and J");
    if (triple.size() != 3) entry.fail(fmt::format("has {} values; needs [i, j, J]", triple.size()));
    const std::uint32_t i = triple[0].count(0, cells - 1), j = triple[1].count(0, cells - 1);
    if (i == j) entry.fail("couples a cell to itself; use j2 for that");
    couplings.list.push_back({i, j, triple[2].real()});
  }
  if (const std::size_t again = repeated_entry(couplings); again != couplings.list.size()) {
    const Coupling& pair = couplings.list[again];
    entries[again].fail(fmt::format("the pair {}, {} is given twice; each pair counts once", pair.i, pair.j));
  }
  return couplings;
}

/// The first fault of a matrix of couplings, in a few words; empty where it has none.
std::string fault_of_matrix(const std::vector<float>& matrix, std::size_t cells, bool directed) {
  for (std::size_t i = 0; i < cells; ++i) {
    if (matrix[i * (cells + 1)] != 0)
      return fmt::format("couples cell {} to itself; the diagonal is zero, use j2 for that", i);
    for (std::size_t j = 0; j < i && !directed; ++j) {
      const float value = matrix[i * cells + j], mirror = matrix[j * cells + i];
      if (value != mirror)
        return fmt::format("J[{}][{}] = {} but J[{}][{}] = {}; needs a symmetric matrix, or directed, for couplings that are "
                           "one way",
                           i, j, value, j, i, mirror);
    }
  }
  return {};
}

CouplingSource read_coupling_matrix(const Item& item, std::uint32_t cells) {
  CouplingSource couplings;
  couplings.form = Form::matrix;
  const Items rows = item.array("rows");
  if (rows.size() != cells)
    item.fail(fmt::format("has {} rows; needs {} rows of {} numbers", rows.size(), cells, cells));
  couplings.matrix.reserve(std::size_t{cells} * cells);
  for (const Item& line : rows) {
    const std::vector<float> row = line.reals();
    if (row.size() != cells) line.fail(fmt::format("has {} values; needs {}", row.size(), cells));
    couplings.matrix.insert(couplings.matrix.end(), row.begin(), row.end());
  }
  if (const std::string fault = fault_of_matrix(couplings.matrix, cells, false); !fault.empty()) item.fail(fault);
  return couplings;
}

CouplingSource uniform_list(const std::vector<numerics::Pair>& pairs, float value) {
  CouplingSource couplings;
  couplings.list.reserve(pairs.size());
  for (const numerics::Pair& pair : pairs) couplings.list.push_back({pair.i, pair.j, value});
  return couplings;
}

CouplingSource one_value(Form form, float value) {
  CouplingSource couplings;
  couplings.form = form;
  couplings.value = value;
  return couplings;
}

/// { file, array, directed, scale }.
CouplingSource read_coupling_file(const Item& item, const Table& table, std::uint32_t cells, bool directed) {
  const auto scaled = table.find("scale");
  const float scale = scaled ? scaled->real() : 1.0f;
  const auto array = table.find("array");
  const std::filesystem::path file = beside(item, item.text());
  CouplingSource couplings;
  couplings.directed = directed;
  if (file.extension() == ".npy" || file.extension() == ".npz") {
    couplings.form = Form::matrix;
    const auto check = [&](const std::vector<std::uint64_t>& shape) {
      return shape == std::vector<std::uint64_t>{cells, cells}
                 ? std::string()
                 : fmt::format("has the shape ({}); couplings of {} cells need ({}, {})", fmt::join(shape, ", "), cells, cells,
                               cells);
    };
    couplings.matrix = at_place(item, [&] { return read_array(file, array ? array->text() : "", 0, check).values; });
    if (const std::string fault = fault_of_matrix(couplings.matrix, cells, directed); !fault.empty()) item.fail(fault);
    for (float& value : couplings.matrix) value *= scale;
    return couplings;
  }
  if (array) array->fail("is for .npz files");
  const auto directions = directed ? numerics::Directions::one_way : numerics::Directions::alike;
  const numerics::PairList pairs = at_place(item, [&] { return numerics::read_pairs(file.string(), directions); });
  if (pairs.cells > cells || (pairs.cells < cells && !pairs.open))
    item.fail(fmt::format("has {} cells; the network has {}", pairs.cells, cells));
  if (pairs.values.empty()) item.fail("has pairs without values; a third number in each line, or field real, is the coupling");
  couplings.list.reserve(pairs.values.size());
  for (std::size_t k = 0; k < pairs.pairs.size(); ++k) {
    const auto [i, j] = pairs.pairs[k];
    if (!directed) {
      couplings.list.push_back({i, j, scale * pairs.values[k]});
      continue;
    }
    couplings.list.push_back({i, j, scale * pairs.values[2 * k]});
    couplings.list.push_back({j, i, scale * pairs.values[2 * k + 1]});
  }
  return couplings;
}

CouplingSource read_couplings(const Item& item, std::uint32_t cells) {
  if (item.is_array()) return read_coupling_list(item, cells);
  const Table table(item, {"matrix", "chain", "grid", "value", "all", "each", "graph", "file", "array", "scale", "directed",
                           "periodic"});
  const auto matrix = table.find("matrix"), chain = table.find("chain"), grid = table.find("grid"),
             all = table.find("all"), each = table.find("each"), graph = table.find("graph"), file = table.find("file"),
             directed = table.find("directed"), value = table.find("value"), periodic = table.find("periodic");
  const bool directed_list = directed && !file;
  if (!!matrix + !!chain + !!grid + !!all + !!each + !!graph + !!file + directed_list != 1) {
    item.fail("needs a list of [i, j, J], or a table with one of matrix, chain, grid, all, each, graph, file, directed");
  }
  if (directed_list) return read_coupling_list(*directed, cells, true);
  if (value && !grid) value->fail("belongs to grid; chain, all and each carry the value themselves");
  if (periodic && !grid && !chain) periodic->fail("belongs to chain or grid");
  for (const char* key : {"array", "scale"})
    if (const auto of_file = table.find(key); of_file && !file) of_file->fail("belongs to file");
  const bool closed = periodic && periodic->boolean();
  if (matrix) return read_coupling_matrix(*matrix, cells);
  if (file) return read_coupling_file(*file, table, cells, directed && directed->boolean());
  if (all) return one_value(Form::all, all->real());
  if (each) return one_value(Form::each, each->real());
  if (graph) return one_value(Form::graph, graph->real());
  if (chain) return uniform_list(numerics::chain_pairs(cells, closed), chain->real());
  const Items sides = grid->array("two whole numbers");
  if (sides.size() != 2) grid->fail("needs [rows, columns]");
  const std::uint32_t rows = sides[0].count(1, cells), columns = sides[1].count(1, cells);
  if (std::uint64_t{rows} * columns != cells) {
    grid->fail(fmt::format("{} x {} are not the {} cells of the network", rows, columns, cells));
  }
  return uniform_list(numerics::grid_pairs(columns, rows, closed), table.at("value").real());
}

}  // namespace

std::vector<float> cell_values(const Item& item, std::uint32_t cells, bool per_shot) {
  if (!item.is_table()) return item.per_cell(cells);
  const Table table(item, {"file", "array"});
  const Item file = table.at("file");
  const auto array = table.find("array");
  const auto check = [&](const std::vector<std::uint64_t>& shape) {
    const bool one_row = shape.size() == 1 && shape[0] == cells;
    const bool rows = per_shot && shape.size() == 2 && shape[1] == cells && shape[0] >= 1 && shape[0] <= 0xFFFFFFFFu;
    if (one_row || rows) return std::string();
    return fmt::format("has the shape ({}{}); needs ({},){}", fmt::join(shape, ", "), shape.size() == 1 ? "," : "", cells,
                       per_shot ? fmt::format(", or (shots, {})", cells) : "");
  };
  const std::string name = array ? array->text() : "";
  return at_place(file, [&] { return read_array(beside(file, file.text()), name, cells, check).values; });
}

namespace {

/// As of any section, or a list for each cell, of one bias for each of its states.
void read_bias(const Item& item, std::uint32_t cells, ParameterSet& set) {
  const auto plain = [&] { set.bias = cell_values(item, cells, true); };
  if (!item.is_array()) return plain();
  const Items rows = item.array("a list for each cell");
  if (rows.size() == 0 || !rows[0].is_array()) return plain();
  if (rows.size() != cells)
    item.fail(fmt::format("has {} lists; needs one for each of the {} cells", rows.size(), cells));
  set.bias.emplace();
  set.bias_states = 0;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const Items states = rows[i].array("a bias for each state");
    if (i == 0) set.bias_states = static_cast<std::uint32_t>(states.size());
    if (states.size() != set.bias_states || states.size() < 2)
      rows[i].fail(fmt::format("has {} biases; needs one for each state of a cell, as many as the other cells and two at "
                               "least",
                               states.size()));
    for (std::size_t s = 0; s < states.size(); ++s) set.bias->push_back(states[s].real());
  }
}

}  // namespace

ParameterSet read_parameters(const Table& table, std::uint32_t cells) {
  ParameterSet set;
  if (const auto item = table.find("j2")) set.j2 = cell_values(*item, cells, false);
  if (const auto item = table.find("j4")) {
    set.j4 = cell_values(*item, cells, false);
    for (const float value : *set.j4) {
      if (value < 0) item->fail(fmt::format("{} is negative: the energy would have no floor; needs 0 or more", value));
    }
  }
  if (const auto item = table.find("bias")) read_bias(*item, cells, set);
  if (const auto item = table.find("couplings"))
    set.couplings = std::make_shared<const CouplingSource>(read_couplings(*item, cells));
  if (const auto item = table.find("gain")) set.gain = item->real();
  if (const auto item = table.find("kT")) {
    set.kT = cell_values(*item, cells, false);
    for (const float value : *set.kT) {
      if (value < 0) item->fail(fmt::format("{} is negative; needs a temperature in energy units", value));
    }
  }
  if (const auto item = table.find("mass")) {
    set.mass = cell_values(*item, cells, false);
    for (const float value : *set.mass) {
      if (!(value > 0)) item->fail(fmt::format("{} is not positive; needs a mass", value));
    }
  }
  if (const auto item = table.find("damping")) {
    set.damping = cell_values(*item, cells, false);
    for (const float value : *set.damping) {
      if (value < 0) item->fail(fmt::format("{} is negative; needs a damping of 0 or more", value));
    }
  }
  if (const auto item = table.find("frequency")) set.frequency = cell_values(*item, cells, false);
  return set;
}

}  // namespace heatbath::apps
