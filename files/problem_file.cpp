#include "files/problem_file.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <stdexcept>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/array_file.hpp"
#include "files/clauses.hpp"
#include "files/toml_item.hpp"
#include "files/toml_network.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/pair_file.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath::apps {

namespace {

using network::Edge;
using network::Network;
using numerics::quoted;

constexpr std::uint32_t kMostCells = 1u << 24;
constexpr std::size_t kLongestProblem = std::size_t{1} << 30;
constexpr std::uint32_t kMostDense = 16384;

[[noreturn]] void wrong(const std::string& what) { throw Error(HB_BAD_ARG, what); }

/// Entries of a quadratic function of numbered variables, added where they come again.
struct Entries {
  std::vector<Edge> pairs;
  std::vector<double> own;
  double constant = 0;
  bool spins = true;

  /// Makes room for variable `i`; says where there is none.
  void need(std::uint64_t i, const std::string& where) {
    if (i >= kMostCells) wrong(fmt::format("{}: variable {}; a problem has at most {}", where, i, kMostCells));
    if (i >= own.size()) own.resize(i + 1, 0.0);
  }
  void add(std::uint32_t i, std::uint32_t j, double value) {
    if (i == j) own[i] += value;
    else pairs.push_back({std::min(i, j), std::max(i, j), value});
  }
  /// Adds the entries of equal pairs; how many there were too many.
  std::uint64_t merge() {
    std::ranges::stable_sort(pairs, [](const Edge& a, const Edge& b) { return a.i != b.i ? a.i < b.i : a.j < b.j; });
    std::size_t kept = 0;
    for (std::size_t k = 0; k < pairs.size(); ++k) {
      if (kept > 0 && pairs[kept - 1].i == pairs[k].i && pairs[kept - 1].j == pairs[k].j) pairs[kept - 1].value += pairs[k].value;
      else pairs[kept++] = pairs[k];
    }
    const std::uint64_t more = pairs.size() - kept;
    pairs.resize(kept);
    return more;
  }
};

/// V = sum J s s + sum h s, or sum Q x x + sum q x, and the constant.
Network network_of(const Entries& entries) {
  if (entries.spins) {
    Network network(CellKind::pbit, static_cast<std::uint32_t>(entries.own.size()));
    network.set_couplings(entries.pairs).set(CellSection::bias, entries.own);
    return std::move(network.set_constant(entries.constant));
  }
  Network network = Network::qubo(entries.pairs, entries.own);
  return std::move(network.set_constant(network.constant() + entries.constant));
}

void finish(Problem& problem, Entries& entries, const std::string& where) {
  if (entries.own.empty()) wrong(where + ": no variable; a problem has at least 1");
  if (const std::uint64_t more = entries.merge(); more > 0)
    problem.notes.push_back(fmt::format("{} entries of pairs that come again were added", more));
  for (const Edge& edge : entries.pairs)
    if (!std::isfinite(edge.value)) wrong(fmt::format("{}: the entries of variables {} and {} add up to no finite number", where, edge.i, edge.j));
  problem.network = network_of(entries);
  problem.variables = problem.network.cells();
}

double number_of(std::string_view word, const std::string& where) {
  const auto value = numerics::parse_number<double>(word);
  if (!value || !std::isfinite(*value)) wrong(where + ": " + quoted(word) + " is no finite number");
  return *value;
}

std::uint64_t index_of(std::string_view word, const std::string& where) {
  const auto value = numerics::parse_number<std::uint64_t>(word);
  if (!value) wrong(where + ": " + quoted(word) + " is no whole number of 0 or more");
  return *value;
}

std::vector<std::string_view> words_of(std::string_view line, std::size_t most) {
  std::vector<std::string_view> words;
  for (std::string_view word = numerics::take_word(line); !word.empty() && words.size() <= most; word = numerics::take_word(line))
    words.push_back(word);
  return words;
}

ProblemKind quadratic_kind(std::optional<ProblemKind> wanted, std::optional<ProblemKind> own, const std::string& where) {
  if (own && wanted && *own != *wanted)
    wrong(fmt::format("{}: is of the kind {}, not {}", where, name_of(*own), name_of(*wanted)));
  if (!own && !wanted) wrong(where + ": does not say what its numbers are; give --as ising or --as qubo");
  const ProblemKind kind = own ? *own : *wanted;
  if (kind != ProblemKind::ising && kind != ProblemKind::qubo)
    wrong(fmt::format("{}: its entries are of ising or qubo, not of {}", where, name_of(kind)));
  return kind;
}

// -- formats ---------------------------------------------------------------------------------------------------------

Problem read_pair_problem(const std::string& text, const std::string& where, std::optional<ProblemKind> wanted) {
  Problem problem;
  const bool matrix = text.starts_with('%') || where.ends_with(".mtx");
  const bool both = matrix && wanted == ProblemKind::qubo;
  numerics::PairList list;
  try {
    list = numerics::parse_pairs(text, where, both ? numerics::Directions::two : numerics::Directions::alike, numerics::Loops::kept);
  } catch (const std::invalid_argument& error) {
    wrong(error.what());
  }
  const bool rudy = !matrix && !list.open;
  problem.format = matrix ? "MatrixMarket" : rudy ? "rudy" : "edge list";
  if (!wanted && !rudy)
    wrong(where + (matrix ? ": a MatrixMarket file" : ": an edge list") +
          " does not say what its pairs are; give --as max-cut, ising, qubo, gaussian or phase");
  problem.kind = wanted.value_or(ProblemKind::max_cut);
  if (problem.kind == ProblemKind::max_sat) wrong(where + ": pairs of cells are no clauses; max-sat is read from .cnf and .wcnf");
  if (problem.kind == ProblemKind::potts || problem.kind == ProblemKind::quartic)
    wrong(fmt::format("{}: pairs alone make no {} energy; a .toml with [{}] does", where, name_of(problem.kind), name_of(problem.kind)));
  if (list.cells > kMostCells) wrong(fmt::format("{}: {} cells; a problem has at most {}", where, list.cells, kMostCells));
  Entries entries;
  entries.own.assign(list.cells, 0.0);
  entries.spins = problem.kind != ProblemKind::qubo;
  for (std::size_t k = 0; k < list.pairs.size(); ++k) {
    const double value = list.values.empty() ? 1
                         : both             ? static_cast<double>(list.values[2 * k]) + static_cast<double>(list.values[2 * k + 1])
                                            : static_cast<double>(list.values[k]);
    if (value != 0) entries.pairs.push_back({list.pairs[k].i, list.pairs[k].j, value});
  }
  if (problem.kind == ProblemKind::gaussian || problem.kind == ProblemKind::phase) {
    if (list.cells == 0) wrong(where + ": no variable; a problem has at least 1");
    problem.network = Network(problem.kind == ProblemKind::phase ? CellKind::phase : CellKind::overdamped, list.cells);
    problem.network.set_couplings(entries.pairs);
    problem.variables = list.cells;
    if (problem.kind == ProblemKind::phase) {
      if (!list.loops.empty()) wrong(where + ": joins a phase with itself");
      return problem;
    }
    std::vector<double> half(list.cells, 0.0);
    for (const numerics::Loop& loop : list.loops) half[loop.cell] += static_cast<double>(loop.value) / 2;
    problem.network.set(CellSection::j2, half);
    return problem;
  }
  double loops = 0;
  for (const numerics::Loop& loop : list.loops) {
    if (problem.kind == ProblemKind::qubo) entries.own[loop.cell] += static_cast<double>(loop.value);
    else loops += static_cast<double>(loop.value);
  }
  if (problem.kind == ProblemKind::max_cut) {
    if (!list.loops.empty()) problem.notes.push_back(fmt::format("{} edges join a cell with itself, which no cut cuts", list.loops.size()));
    problem.network = Network::max_cut(list.cells, entries.pairs);
    problem.variables = list.cells;
    return problem;
  }
  if (problem.kind == ProblemKind::ising && !list.loops.empty()) {
    entries.constant = loops;
    problem.notes.push_back(fmt::format("{} entries of a spin with itself are the constant {}", list.loops.size(), numerics::general(loops)));
  }
  finish(problem, entries, where);
  return problem;
}

Problem read_coordinates(const std::string& text, const std::string& where, std::optional<ProblemKind> wanted) {
  Problem problem;
  problem.format = "COO";
  Entries entries;
  std::optional<ProblemKind> own;
  numerics::TextLines lines(text);
  while (lines.next()) {
    const std::string at = where + ", line " + std::to_string(lines.number());
    const std::string_view line = numerics::trimmed(lines.line());
    if (line.empty()) continue;
    if (line.front() == '#') {
      if (const auto place = line.find("vartype="); place != std::string_view::npos) {
        const std::string_view type = line.substr(place + 8);
        if (type.starts_with("SPIN")) own = ProblemKind::ising;
        else if (type.starts_with("BINARY")) own = ProblemKind::qubo;
        else wrong(at + ": vartype " + quoted(type) + "; SPIN or BINARY");
      }
      continue;
    }
    const auto words = words_of(line, 3);
    if (words.size() != 3) wrong(at + ": " + quoted(line) + " where 'i j value' belongs");
    const std::uint64_t i = index_of(words[0], at), j = index_of(words[1], at);
    entries.need(std::max(i, j), at);
    entries.add(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j), number_of(words[2], at));
  }
  problem.kind = quadratic_kind(wanted, own, where);
  entries.spins = problem.kind == ProblemKind::ising;
  finish(problem, entries, where);
  return problem;
}

Problem read_qbsolv(const std::string& text, const std::string& where, std::optional<ProblemKind> wanted) {
  Problem problem;
  problem.format = "qbsolv";
  problem.kind = quadratic_kind(wanted, ProblemKind::qubo, where);
  Entries entries;
  entries.spins = false;
  std::optional<std::uint64_t> cells;
  std::uint64_t announced = 0, had = 0;
  numerics::TextLines lines(text);
  while (lines.next()) {
    const std::string at = where + ", line " + std::to_string(lines.number());
    const std::string_view line = numerics::trimmed(lines.line());
    if (line.empty() || line.front() == 'c' || line.front() == '#') continue;
    const auto words = words_of(line, 6);
    if (!cells) {
      if (words.size() != 6 || words[0] != "p" || words[1] != "qubo") wrong(at + ": " + quoted(line) + " where 'p qubo 0 n diagonals couplers' belongs");
      cells = index_of(words[3], at);
      announced = index_of(words[4], at) + index_of(words[5], at);
      if (*cells == 0 || *cells > kMostCells) wrong(fmt::format("{}: {} variables; from 1 to {}", at, *cells, kMostCells));
      entries.own.assign(static_cast<std::size_t>(*cells), 0.0);
      continue;
    }
    if (words.size() != 3) wrong(at + ": " + quoted(line) + " where 'i j value' belongs");
    const std::uint64_t i = index_of(words[0], at), j = index_of(words[1], at);
    if (std::max(i, j) >= *cells) wrong(fmt::format("{}: entry ({}, {}) is not in 0..{}", at, i, j, *cells - 1));
    entries.add(static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j), number_of(words[2], at));
    ++had;
  }
  if (!cells) wrong(where + ": no line 'p qubo 0 n diagonals couplers'");
  if (had != announced) wrong(fmt::format("{}: has {} entries; {} are announced", where, had, announced));
  finish(problem, entries, where);
  return problem;
}

Problem read_json(const std::string& text, const std::string& where, std::optional<ProblemKind> wanted) {
  Problem problem;
  problem.format = "dimod JSON";
  Entries entries;
  try {
    if (text.find("BinaryQuadraticModel") == std::string::npos)  // before a tree takes twenty times the text
      wrong(where + ": no dimod BinaryQuadraticModel: its key \"type\" says so");
    const nlohmann::json json = parsed_json(text);
    if (!json.is_object() || json.value("type", "") != "BinaryQuadraticModel")
      wrong(where + ": no dimod BinaryQuadraticModel: its key \"type\" says so");
    if (json.value("use_bytes", false)) wrong(where + ": its numbers are bytes; write it with to_serializable() without use_bytes");
    const std::string type = json.at("variable_type").get<std::string>();
    if (type != "SPIN" && type != "BINARY") wrong(where + ": variable_type " + numerics::quoted(type) + "; SPIN or BINARY");
    problem.kind = quadratic_kind(wanted, type == "SPIN" ? ProblemKind::ising : ProblemKind::qubo, where);
    entries.spins = problem.kind == ProblemKind::ising;
    entries.own = json.at("linear_biases").get<std::vector<double>>();
    entries.constant = json.value("offset", 0.0);
    if (entries.own.size() > kMostCells) wrong(fmt::format("{}: {} variables; at most {}", where, entries.own.size(), kMostCells));
    if (const std::size_t labels = json.at("variable_labels").size(); labels != entries.own.size())
      wrong(fmt::format("{}: {} variable_labels and {} linear_biases", where, labels, entries.own.size()));
    const auto heads = json.at("quadratic_head").get<std::vector<std::int64_t>>(), tails = json.at("quadratic_tail").get<std::vector<std::int64_t>>();
    const auto values = json.at("quadratic_biases").get<std::vector<double>>();
    if (heads.size() != tails.size() || heads.size() != values.size())
      wrong(fmt::format("{}: {} quadratic_head, {} quadratic_tail and {} quadratic_biases", where, heads.size(), tails.size(), values.size()));
    const auto cells = static_cast<std::int64_t>(entries.own.size());
    for (std::size_t k = 0; k < heads.size(); ++k) {
      if (heads[k] < 0 || heads[k] >= cells || tails[k] < 0 || tails[k] >= cells || heads[k] == tails[k])
        wrong(fmt::format("{}: quadratic entry {} is of variables {} and {}; two different ones of 0..{}", where, k, heads[k], tails[k], cells - 1));
      entries.add(static_cast<std::uint32_t>(heads[k]), static_cast<std::uint32_t>(tails[k]), values[k]);
    }
  } catch (const nlohmann::json::exception& error) {
    wrong(fmt::format("{}: no dimod BinaryQuadraticModel: {}", where, numerics::escaped(error.what(), 200)));
  }
  finish(problem, entries, where);
  return problem;
}

/// Entries [i, j, value] of a list.
void take_entries(const Item& list, std::uint32_t cells, const std::function<void(const Item&, std::uint32_t, std::uint32_t, double)>& take) {
  for (const Item& entry : list.array("entries [i, j, value]")) {
    const Items parts = entry.array("i, j and a value");
    if (parts.size() != 3) entry.fail("has " + std::to_string(parts.size()) + " values; [i, j, value] belongs there");
    take(entry, parts[0].count(0, cells - 1), parts[1].count(0, cells - 1), parts[2].number());
  }
}

/// Couplings of a table, which no device has to know.
std::vector<Edge> edges_of(const Item& item, const CouplingSource& couplings, std::uint32_t cells) {
  using Form = CouplingSource::Form;
  if (couplings.directed) item.fail("differ in their two directions, and have no energy");
  if (couplings.form == Form::each || couplings.form == Form::graph) item.fail("are those of a device's graph; an energy has its own");
  std::vector<Edge> edges;
  if (couplings.form == Form::list) {
    for (const Coupling& pair : couplings.list) edges.push_back({pair.i, pair.j, static_cast<double>(pair.value)});
    return edges;
  }
  if (cells > kMostDense) item.fail(fmt::format("are those of all pairs of {} cells; of at most {}", cells, kMostDense));
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t j = i + 1; j < cells; ++j) {
      const float value = couplings.form == Form::all ? couplings.value : couplings.matrix[std::size_t{i} * cells + j];
      if (value != 0) edges.push_back({i, j, static_cast<double>(value)});
    }
  return edges;
}

/// [quartic] and [phase]: parameters as [network] of a program has them, in the sign of V.
Network read_cells(const Item& item, CellKind kind, std::vector<const char*> sections) {
  sections.insert(sections.end(), {"cells", "couplings", "constant"});
  const Table table(item, sections);
  const std::uint32_t cells = table.at("cells").count(1, kMostCells);
  const ParameterSet set = read_parameters(table, cells);
  Network network(kind, cells);
  const auto give = [&](CellSection section, const std::optional<std::vector<float>>& values) {
    if (!values) return;
    const std::vector<double> wide(values->begin(), values->end());
    if (wide.size() == 1) network.set(section, wide[0]);
    else network.set(section, wide);
  };
  if (set.bias && set.bias->size() != 1 && set.bias->size() != cells) table.at("bias").fail("has other than one value for each cell");
  give(CellSection::j2, set.j2);
  give(CellSection::j4, set.j4);
  give(CellSection::bias, set.bias);
  if (set.couplings) network.set_couplings(edges_of(table.at("couplings"), *set.couplings, cells));
  if (const auto constant = table.find("constant")) network.set_constant(constant->number());
  return network;
}

Network read_potts(const Item& item) {
  const Table table(item, {"cells", "states", "couplings", "fields", "constant"});
  const std::uint32_t cells = table.at("cells").count(1, kMostCells), states = table.at("states").count(2, 256);
  std::vector<Edge> edges;
  if (const auto couplings = table.find("couplings")) {
    CouplingSource read = *read_parameters(Table(item, {"cells", "states", "couplings", "fields", "constant"}), cells).couplings;
    edges = edges_of(*couplings, read, cells);
  }
  std::vector<double> fields(std::size_t{cells} * states, 0.0);
  if (const auto given = table.find("fields")) {
    const Items rows = given->array("a list for each cell");
    if (rows.size() != cells) given->fail(fmt::format("has {} lists; needs one for each of the {} cells", rows.size(), cells));
    std::size_t at = 0;
    for (const Item& row : rows) {
      const std::vector<float> values = row.reals();
      if (values.size() != states) row.fail(fmt::format("has {} fields; needs one for each of {} states", values.size(), states));
      for (const float value : values) fields[at++] = static_cast<double>(value);
    }
  }
  Network network = Network::potts(states, edges, fields);
  if (const auto constant = table.find("constant")) network.set_constant(network.constant() + constant->number());
  return network;
}

/// A square matrix of an array file.
std::vector<double> square_of(const std::filesystem::path& file, const std::string& array, std::size_t& rows) {
  const NumberArray read = read_array(file, array, std::uint64_t{kMostDense} * kMostDense, [](const std::vector<std::uint64_t>& shape) -> std::string {
    if (shape.size() == 2 && shape[0] == shape[1] && shape[0] > 0 && shape[0] <= kMostDense) return "";
    return fmt::format("is no square matrix of at most {} rows", kMostDense);
  });
  rows = static_cast<std::size_t>(read.shape[0]);
  return {read.values.begin(), read.values.end()};
}

Network read_gaussian(const Item& item, const std::string& where) {
  const Table table(item, {"precision", "linear", "constant"});
  const Item precision = table.at("precision");
  std::size_t n = 0;
  std::vector<double> A;
  if (precision.is_table()) {
    const Table source(precision, {"file", "array"});
    const auto array = source.find("array");
    A = square_of(std::filesystem::path(where).parent_path() / source.at("file").text(), array ? array->text() : "", n);
  } else {
    const Items rows = precision.array("rows");
    n = rows.size();
    if (n == 0) precision.fail("has no row");
    for (const Item& row : rows) {
      const std::vector<float> values = row.reals();
      if (values.size() != n) row.fail(fmt::format("has {} values; needs {}", values.size(), n));
      A.insert(A.end(), values.begin(), values.end());
    }
  }
  std::vector<double> b(n, 0.0);
  if (const auto linear = table.find("linear")) {
    const std::vector<float> values = cell_values(*linear, static_cast<std::uint32_t>(n), false);
    for (std::size_t i = 0; i < n; ++i) b[i] = static_cast<double>(values.size() == 1 ? values[0] : values[i]);
  }
  try {
    Network network = Network::quadratic_form(A, b);
    if (const auto constant = table.find("constant")) network.set_constant(constant->number());
    return network;
  } catch (const Error& error) {
    precision.fail(error.what());
  }
}

Problem read_matrix_array(const std::filesystem::path& file, std::optional<ProblemKind> wanted) {
  const std::string where = numerics::escaped(file.string());
  if (wanted != ProblemKind::gaussian) wrong(where + ": an array is read as a matrix A of V = x'Ax/2; give --as gaussian");
  Problem problem;
  problem.format = "array";
  problem.kind = ProblemKind::gaussian;
  std::size_t n = 0;
  const std::vector<double> A = square_of(file, "", n);
  try {
    problem.network = Network::quadratic_form(A, std::vector<double>(n));
  } catch (const Error& error) {
    wrong(where + ": " + error.what());
  }
  problem.variables = problem.network.cells();
  return problem;
}

Problem read_table(std::string text, const std::string& where, std::optional<ProblemKind> wanted) {
  std::optional<numerics::TomlText> document;
  try {
    document.emplace(std::move(text));
  } catch (const numerics::TomlError& error) {
    wrong(fmt::format("{}:{}: not TOML: {}", where, error.line(), error.what()));
  }
  const Item file(where, "", document->root());
  constexpr ProblemKind tables[] = {ProblemKind::ising, ProblemKind::qubo,    ProblemKind::max_cut, ProblemKind::potts,
                                    ProblemKind::phase, ProblemKind::quartic, ProblemKind::gaussian};
  const Table top(file, {"ising", "qubo", "max-cut", "potts", "phase", "quartic", "gaussian"});
  Problem problem;
  problem.format = "TOML";
  std::optional<Item> found;
  for (const ProblemKind kind : tables)
    if (const auto table = top.find(name_of(kind).data())) {
      if (found) wrong(where + ": has more than one table of an energy; needs one");
      found = table;
      problem.kind = kind;
    }
  if (!found) wrong(where + ": needs one table: [ising], [qubo], [max-cut], [potts], [phase], [quartic] or [gaussian]");
  if (wanted && *wanted != problem.kind) wrong(fmt::format("{}: is of the kind {}, not {}", where, name_of(problem.kind), name_of(*wanted)));
  Entries entries;
  const auto differ = [](const Item& item, std::uint32_t i, std::uint32_t j) {
    if (i == j) item.fail(fmt::format("joins {} with itself", i));
  };
  if (!of_spins(problem.kind)) {
    problem.network = problem.kind == ProblemKind::potts      ? read_potts(*found)
                      : problem.kind == ProblemKind::gaussian ? read_gaussian(*found, where)
                      : problem.kind == ProblemKind::phase    ? read_cells(*found, CellKind::phase, {"j2", "bias"})
                                                              : read_cells(*found, CellKind::overdamped, {"j2", "j4", "bias"});
    problem.variables = problem.network.cells();
    return problem;
  }
  if (problem.kind == ProblemKind::ising) {
    const Table table(*found, {"spins", "couplings", "fields", "constant"});
    const std::uint32_t cells = table.at("spins").count(1, kMostCells);
    entries.own.assign(cells, 0.0);
    if (const auto couplings = table.find("couplings"))
      take_entries(*couplings, cells, [&](const Item& item, std::uint32_t i, std::uint32_t j, double value) { differ(item, i, j), entries.add(i, j, 0 - value); });
    if (const auto fields = table.find("fields")) {
      const std::vector<float> values = fields->per_cell(cells);
      for (std::uint32_t i = 0; i < cells; ++i) entries.own[i] = 0 - static_cast<double>(values.size() == 1 ? values[0] : values[i]);
    }
    if (const auto constant = table.find("constant")) entries.constant = constant->number();
  } else if (problem.kind == ProblemKind::qubo) {
    const Table table(*found, {"bits", "entries", "constant"});
    const std::uint32_t cells = table.at("bits").count(1, kMostCells);
    entries.own.assign(cells, 0.0);
    entries.spins = false;
    if (const auto list = table.find("entries"))
      take_entries(*list, cells, [&](const Item&, std::uint32_t i, std::uint32_t j, double value) { entries.add(i, j, value); });
    if (const auto constant = table.find("constant")) entries.constant = constant->number();
  } else {
    const Table table(*found, {"cells", "edges"});
    const std::uint32_t cells = table.at("cells").count(1, kMostCells);
    entries.own.assign(cells, 0.0);
    take_entries(table.at("edges"), cells, [&](const Item& item, std::uint32_t i, std::uint32_t j, double value) { differ(item, i, j), entries.add(i, j, value); });
    if (const std::uint64_t more = entries.merge(); more > 0) problem.notes.push_back(fmt::format("{} entries of pairs that come again were added", more));
    problem.network = Network::max_cut(cells, entries.pairs);
    problem.variables = cells;
    return problem;
  }
  finish(problem, entries, where);
  return problem;
}

Problem read_clause_problem(const std::string& text, const std::string& where, std::optional<ProblemKind> wanted) {
  if (wanted && *wanted != ProblemKind::max_sat) wrong(fmt::format("{}: clauses are of the kind max-sat, not {}", where, name_of(*wanted)));
  Clauses read = read_clauses(text, where);
  if (read.variables > kMostCells) wrong(fmt::format("{}: {} variables; a problem has at most {}", where, read.variables, kMostCells));
  Problem problem;
  problem.format = "DIMACS";
  problem.kind = ProblemKind::max_sat;
  problem.variables = read.variables;
  problem.clauses = std::move(read.clauses);
  ClauseEnergy energy = energy_of_clauses(problem.clauses, read.variables);
  if (energy.linear.size() > kMostCells) wrong(fmt::format("{}: its clauses need {} cells; a problem has at most {}", where, energy.linear.size(), kMostCells));
  if (energy.linear.size() > read.variables)
    problem.notes.push_back(fmt::format("{} helper cells stand for products of literals", energy.linear.size() - read.variables));
  Entries entries;
  entries.spins = false;
  entries.own = std::move(energy.linear);
  entries.pairs = std::move(energy.pairs);
  entries.constant = energy.constant;
  entries.merge();
  problem.network = network_of(entries);
  return problem;
}

}  // namespace

std::string_view name_of(ProblemKind kind) {
  switch (kind) {
    case ProblemKind::max_cut:
      return "max-cut";
    case ProblemKind::ising:
      return "ising";
    case ProblemKind::qubo:
      return "qubo";
    case ProblemKind::max_sat:
      return "max-sat";
    case ProblemKind::potts:
      return "potts";
    case ProblemKind::phase:
      return "phase";
    case ProblemKind::quartic:
      return "quartic";
    case ProblemKind::gaussian:
      break;
  }
  return "gaussian";
}

ProblemKind problem_kind_named(std::string_view name, std::string_view what) {
  for (const ProblemKind kind : {ProblemKind::max_cut, ProblemKind::ising, ProblemKind::qubo, ProblemKind::max_sat, ProblemKind::potts,
                                 ProblemKind::phase, ProblemKind::quartic, ProblemKind::gaussian})
    if (name == name_of(kind)) return kind;
  wrong(fmt::format("{} = {}: max-cut, ising, qubo, max-sat, potts, phase, quartic or gaussian", what, numerics::escaped(name, 80)));
}

bool of_spins(ProblemKind kind) { return kind <= ProblemKind::max_sat; }

double Problem::value(std::span<const float> state) const {
  if (kind != ProblemKind::max_sat) return larger_is_better() ? 0 - network.energy(state) : network.energy(state);
  double not_met = 0;
  for (const Clause& clause : clauses) {
    const bool met = std::ranges::any_of(clause.literals, [&](std::int32_t literal) {
      return (state[static_cast<std::size_t>(std::abs(literal)) - 1] > 0) == (literal > 0);
    });
    if (!met) not_met += clause.weight;
  }
  return not_met;
}

Problem read_problem(const std::filesystem::path& file, std::optional<ProblemKind> wanted) {
  const std::string where = numerics::escaped(file.string());
  if (file.extension() == ".npy" || file.extension() == ".npz") return read_matrix_array(file, wanted);
  std::string text;
  try {
    text = numerics::read_text_file(file == "-" ? "/dev/stdin" : file, kLongestProblem);
  } catch (const numerics::UnreadableFile& unreadable) {
    throw Error(HB_IO, where + ": " + unreadable.what());
  }
  const std::string ending = file.extension().string();
  if (ending == ".coo") return read_coordinates(text, where, wanted);
  if (ending == ".json") return read_json(text, where, wanted);
  if (ending == ".qubo") return read_qbsolv(text, where, wanted);
  if (ending == ".toml") return read_table(std::move(text), where, wanted);
  if (ending == ".cnf" || ending == ".wcnf") return read_clause_problem(text, where, wanted);
  return read_pair_problem(text, where, wanted);
}

}  // namespace heatbath::apps
