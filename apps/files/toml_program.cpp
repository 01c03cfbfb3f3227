#include "apps/files/toml_program.hpp"

#include <array>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <toml.hpp>

#include "heatbath/cells.h"
#include "heatbath/error.hpp"
#include "heatbath/regs.h"

namespace heatbath::apps {

namespace {

using Op = ScheduleStep::Op;

constexpr std::uint32_t kMost = std::numeric_limits<std::uint32_t>::max();

struct OpName {
  Op op;
  const char* name;
};
constexpr std::array<OpName, 14> kOps{{{Op::evolve, "evolve"},
                                       {Op::load, "load"},
                                       {Op::commit, "commit"},
                                       {Op::ramp, "ramp"},
                                       {Op::set, "set"},
                                       {Op::clamp, "clamp"},
                                       {Op::release, "release"},
                                       {Op::sample, "sample"},
                                       {Op::capture, "capture"},
                                       {Op::capture_stop, "capture_stop"},
                                       {Op::meters, "meters"},
                                       {Op::meters_clear, "meters_clear"},
                                       {Op::readback, "readback"},
                                       {Op::repeat, "repeat"}}};

/// A value with its name and place, for errors.
class Item {
 public:
  Item(const std::string& path, std::string name, const toml::value& value)
      : path_(path), name_(std::move(name)), value_(value) {}

  std::string where() const { return fmt::format("{}:{}", path_, value_.location().line()); }

  [[noreturn]] void fail(const std::string& what) const {
    throw Error(HB_BAD_ARG, fmt::format("{}: {}: {}", where(), name_, what));
  }

  bool is_array() const { return value_.is_array(); }
  bool is_table() const { return value_.is_table(); }

  double number() const {
    double number = 0;
    if (value_.is_floating()) number = value_.as_floating();
    else if (value_.is_integer()) number = static_cast<double>(value_.as_integer());
    else fail("needs a number");
    if (!std::isfinite(number) || std::fabs(number) > std::numeric_limits<float>::max()) fail("needs a finite number");
    return number;
  }

  float real() const { return static_cast<float>(number()); }

  double positive(const char* unit) const {
    const double number = this->number();
    if (!(number > 0)) fail(fmt::format("{} is not positive; needs a duration in {}", number, unit));
    return number;
  }

  std::uint64_t whole(std::uint64_t lowest, std::uint64_t highest) const {
    const bool good = value_.is_integer() && value_.as_integer() >= 0 &&
                      static_cast<std::uint64_t>(value_.as_integer()) >= lowest &&
                      static_cast<std::uint64_t>(value_.as_integer()) <= highest;
    if (!good) fail(fmt::format("needs a whole number from {} to {}", lowest, highest));
    return static_cast<std::uint64_t>(value_.as_integer());
  }

  std::uint32_t count(std::uint64_t lowest, std::uint64_t highest) const {
    return static_cast<std::uint32_t>(whole(lowest, highest));
  }

  bool boolean() const {
    if (!value_.is_boolean()) fail("needs true or false");
    return value_.as_boolean();
  }

  std::string text() const {
    if (!value_.is_string()) fail("needs a text in quotes");
    return value_.as_string().str;
  }

  std::vector<Item> array(const char* of) const {
    if (!value_.is_array()) fail(fmt::format("needs a list of {}", of));
    std::vector<Item> items;
    for (std::size_t i = 0; i < value_.as_array().size(); ++i) {
      items.emplace_back(path_, fmt::format("{}[{}]", name_, i), value_.as_array()[i]);
    }
    return items;
  }

  std::vector<float> reals() const {
    std::vector<float> values;
    for (const Item& item : array("numbers")) values.push_back(item.real());
    return values;
  }

  /// One number, or one for each cell.
  std::vector<float> per_cell(std::uint32_t cells) const {
    if (!is_array()) return {real()};
    std::vector<float> values = reals();
    if (values.size() != cells) fail(fmt::format("has {} values; needs one number or {}", values.size(), cells));
    return values;
  }

  const toml::value& value() const { return value_; }
  const std::string& path() const { return path_; }
  const std::string& name() const { return name_; }

 private:
  const std::string& path_;
  std::string name_;
  const toml::value& value_;
};

/// A table of which every key must be known.
class Table {
 public:
  Table(const Item& item, std::initializer_list<const char*> keys) : item_(item) {
    if (!item.is_table()) item.fail("needs a table");
    for (const auto& [key, value] : item.value().as_table()) {
      bool known = false;
      for (const char* name : keys) known = known || key == name;
      if (!known)
        Item(item.path(), child(key), value).fail(fmt::format("unknown key; the keys are {}", fmt::join(keys, ", ")));
    }
  }

  std::optional<Item> find(const char* key) const {
    const auto& table = item_.value().as_table();
    const auto found = table.find(key);
    if (found == table.end()) return std::nullopt;
    return Item(item_.path(), child(key), found->second);
  }

  Item at(const char* key) const {
    auto found = find(key);
    if (!found) item_.fail(fmt::format("the key {} is missing", key));
    return *found;
  }

 private:
  std::string child(const std::string& key) const {
    return item_.name().empty() ? key : fmt::format("{}.{}", item_.name(), key);
  }
  Item item_;
};

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
    const std::vector<Item> triple = entry.array("i, j and J");
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
  const std::vector<Item> rows = item.array("rows");
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
    const std::vector<Item> sides = grid->array("two whole numbers");
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

void read_cells(ScheduleStep& step, const Table& table, std::uint32_t cells) {
  if (const auto first = table.find("first")) step.first = first->count(0, cells - 1);
  const std::uint32_t rest = cells - step.first;
  step.count = rest;
  if (const auto count = table.find("count")) step.count = count->count(1, rest);
}

void read_values(ScheduleStep& step, const Item& item, const Table& table, std::uint32_t cells) {
  read_cells(step, table, cells);
  const auto value = table.find("value"), values = table.find("values");
  if (!!value + !!values != 1) item.fail("needs value (one number) or values (a list)");
  if (value) {
    step.values = {value->real()};
    return;
  }
  step.values = values->reals();
  const std::uint32_t rest = cells - step.first;
  if (step.values.empty() || step.values.size() > rest) {
    values->fail(
        fmt::format("has {} values; cells {} to {} take 1 to {}", step.values.size(), step.first, cells - 1, rest));
  }
  if (const auto count = table.find("count"); count && count->count(1, rest) != step.values.size()) {
    values->fail(fmt::format("has {} values but count = {}", step.values.size(), count->count(1, rest)));
  }
  step.count = static_cast<std::uint32_t>(step.values.size());
}

std::vector<ScheduleStep> read_schedule(const Item& list, std::uint32_t cells, bool repeated);

std::optional<CellSection> cell_section(std::string_view name) {
  for (const CellSection section : {CellSection::j2, CellSection::j4, CellSection::bias, CellSection::kT,
                                    CellSection::mass, CellSection::damping, CellSection::frequency}) {
    if (name == hb_section_name(static_cast<hb_section_t>(section))) return section;
  }
  return std::nullopt;
}

ScheduleStep read_step(const Item& item, std::uint32_t cells, bool repeated) {
  if (!item.is_table()) item.fail("needs a table with op");
  const auto& keys = item.value().as_table();
  const auto named = keys.find("op");
  if (named == keys.end()) item.fail("the key op is missing");
  const Item op_item(item.path(), item.name() + ".op", named->second);
  const std::string op = op_item.text();

  ScheduleStep step;
  step.where = item.where();
  const OpName* found = nullptr;
  std::vector<std::string_view> names;
  for (const OpName& known : kOps) {
    names.emplace_back(known.name);
    if (op == known.name) found = &known;
  }
  if (!found) op_item.fail(fmt::format("\"{}\" is unknown; the operations are {}", op, fmt::join(names, ", ")));
  step.op = found->op;
  if (repeated && (step.op == Op::meters || step.op == Op::readback)) {
    op_item.fail("a repeated snapshot would overwrite itself; put it outside of repeat");
  }

  switch (step.op) {
    case Op::evolve: step.duration = Table(item, {"op", "duration"}).at("duration").positive("time units"); break;
    case Op::ramp: {
      const Table table(item, {"op", "duration", "j2", "j4", "bias", "couplings", "gain", "kT", "mass", "damping", "frequency"});
      step.duration = table.at("duration").positive("time units");
      step.parameters = read_parameters(table, cells);
      break;
    }
    case Op::load: {
      const Table table(
          item, {"op", "j2", "j4", "bias", "couplings", "gain", "kT", "mass", "damping", "frequency"});
      if (keys.size() == 1)
        item.fail("loads nothing; needs j2, j4, bias, couplings, gain, kT, mass, damping or frequency");
      step.parameters = read_parameters(table, cells);
      break;
    }
    case Op::set: {
      // The second state variables follow the first; whether there are any, the device says.
      const Table table(item, {"op", "first", "count", "value", "values"});
      const auto first = table.find("first");
      const bool second = first && first->count(0, 2 * std::uint64_t{cells} - 1) >= cells;
      read_values(step, item, table, second ? 2 * cells : cells);
      break;
    }
    case Op::clamp: read_values(step, item, Table(item, {"op", "first", "count", "value", "values"}), cells); break;
    case Op::release: read_cells(step, Table(item, {"op", "first", "count"}), cells); break;
    case Op::capture: {
      const Table table(item, {"op", "period", "now"});
      step.duration = table.at("period").positive("time units");
      if (const auto now = table.find("now")) step.now = now->boolean();
      break;
    }
    case Op::meters: {
      const Table table(item, {"op", "name"});
      if (const auto name = table.find("name")) step.name = name->text();
      break;
    }
    case Op::readback: {
      const Item section = Table(item, {"op", "section"}).at("section");
      step.name = section.text();
      if (step.name != "couplings" && !cell_section(step.name)) {
        section.fail(fmt::format(
            "\"{}\" is unknown; the sections are j2, j4, bias, kT, mass, damping, frequency, couplings", step.name));
      }
      break;
    }
    case Op::repeat: {
      const Table table(item, {"op", "times", "steps"});
      step.times = table.at("times").count(1, kMost);
      step.steps = read_schedule(table.at("steps"), cells, true);
      break;
    }
    case Op::commit:
    case Op::sample:
    case Op::capture_stop:
    case Op::meters_clear: Table(item, {"op"}); break;
  }
  return step;
}

std::vector<ScheduleStep> read_schedule(const Item& list, std::uint32_t cells, bool repeated) {
  std::vector<ScheduleStep> steps;
  for (const Item& item : list.array("steps, each a table with op")) steps.push_back(read_step(item, cells, repeated));
  if (steps.empty()) list.fail("is empty; needs one step or more");
  return steps;
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

// -- building -----------------------------------------------------------------------------------------------------

void load(Program& program, const ParameterSet& set) {
  const auto section = [&](CellSection name, const std::optional<std::vector<float>>& values) {
    if (!values) return;
    if (values->size() == 1) program.load(name, values->front());
    else program.load(name, *values);
  };
  section(CellSection::j2, set.j2);
  section(CellSection::j4, set.j4);
  section(CellSection::bias, set.bias);
  section(CellSection::kT, set.kT);
  section(CellSection::mass, set.mass);
  section(CellSection::damping, set.damping);
  section(CellSection::frequency, set.frequency);
  if (set.couplings) program.load_couplings(*set.couplings);
  if (set.gain) program.load_gain(*set.gain);
}

void append(Program& program, const ScheduleStep& step, const Device& device, PerCell per_cell);

void append_all(Program& program, const std::vector<ScheduleStep>& steps, const Device& device,
                PerCell per_cell) {
  for (const ScheduleStep& step : steps) {
    try {
      append(program, step, device, per_cell);
    } catch (const Error& error) {
      if (step.op == Op::repeat) throw;
      throw Error(error.code(), fmt::format("{}: {}", step.where, error.what()));
    }
  }
}

void append(Program& program, const ScheduleStep& step, const Device& device, PerCell per_cell) {
  switch (step.op) {
    case Op::evolve: program.evolve(device.ticks(step.duration)); break;
    case Op::load: load(program, step.parameters); break;
    case Op::commit: program.commit(); break;
    case Op::ramp:
      load(program, step.parameters);
      program.ramp(device.ticks(step.duration));
      break;
    case Op::set:
      if (step.values.size() == 1) program.set(step.first, step.count, step.values.front());
      else program.set(step.first, step.values);
      break;
    case Op::clamp:
      if (step.values.size() == 1) program.clamp(step.first, step.count, step.values.front());
      else program.clamp(step.first, step.values);
      break;
    case Op::release: program.release(step.first, step.count); break;
    case Op::sample: program.sample(); break;
    case Op::capture: program.capture_start(device.ticks(step.duration), step.now); break;
    case Op::capture_stop: program.capture_stop(); break;
    case Op::meters: program.meter_snapshot(per_cell); break;
    case Op::meters_clear: program.meter_clear(); break;
    case Op::readback:
      if (step.name == "couplings") program.readback_couplings();
      else program.readback(*cell_section(step.name));
      break;
    case Op::repeat:
      program.loop_begin(step.times);
      append_all(program, step.steps, device, per_cell);
      program.loop_end();
      break;
  }
}

}  // namespace

std::vector<std::string> TomlProgram::meter_names() const {
  std::vector<std::string> names;
  for (const ScheduleStep& step : schedule) {
    if (step.op != Op::meters) continue;
    names.push_back(step.name.empty() ? fmt::format("snapshot {}", names.size()) : step.name);
  }
  return names;
}

std::vector<std::string> TomlProgram::readback_names() const {
  std::vector<std::string> names;
  for (const ScheduleStep& step : schedule) {
    if (step.op == Op::readback) names.push_back(step.name);
  }
  return names;
}

TomlProgram read_toml_program(const std::filesystem::path& path) {
  TomlProgram program;
  program.path = path.string();
  std::error_code error;
  if (!std::filesystem::is_regular_file(path, error)) throw Error(HB_IO, fmt::format("{}: no such file", program.path));
  toml::value root;
  try {
    root = toml::parse(program.path);
  } catch (const toml::syntax_error& syntax) {
    throw Error(HB_BAD_ARG,
                fmt::format("{}:{}: not TOML: {}", program.path, syntax.location().line(), first_line(syntax.what())));
  } catch (const std::exception& failure) {
    throw Error(HB_IO, fmt::format("{}: cannot be read: {}", program.path, first_line(failure.what())));
  }

  const Item file(program.path, "", root);
  const Table top(file, {"network", "schedule", "samples"});
  for (const char* key : {"network", "schedule"}) {
    if (!top.find(key)) {
      throw Error(HB_BAD_ARG, fmt::format("{}: the table {} is missing; a program has [network], [[schedule]] and "
                                          "optionally [samples]",
                                          program.path, key));
    }
  }

  const Table network(top.at("network"), {"cells", "j2", "j4", "bias", "kT", "gain", "mass", "damping", "frequency",
                                            "initial", "initial_second", "couplings"});
  program.cells = network.at("cells").count(1, 1u << 16);
  program.network = read_parameters(network, program.cells);
  if (const auto initial = network.find("initial")) program.initial = initial->per_cell(program.cells);

  if (const auto second = network.find("initial_second")) program.initial_second = second->per_cell(program.cells);

  program.schedule = read_schedule(top.at("schedule"), program.cells, false);

  if (const auto item = top.find("samples")) {
    const Table samples(*item, {"shots", "seed", "first_cell", "cells", "heat_per_cell"});
    if (const auto shots = samples.find("shots")) program.shots = shots->count(1, kMost);
    if (const auto seed = samples.find("seed")) {
      program.seed = seed->whole(0, static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()));
    }
    if (const auto first = samples.find("first_cell")) program.first_cell = first->count(0, 2 * program.cells - 1);
    if (const auto count = samples.find("cells")) {
      program.capture_cells = count->count(1, 2 * program.cells - program.first_cell);
    }
    if (const auto heat = samples.find("heat_per_cell")) {
      program.heat_per_cell = heat->boolean();
      if (program.heat_per_cell && program.meter_names().empty())
        heat->fail("is true, but the schedule has no step with op = \"meters\" that would take it");
    }
  }
  return program;
}

float default_j4(const Capabilities& capabilities) {
  return capabilities.cell_kind == HB_CAPS_CELL_KIND_OVERDAMPED && capabilities.stepper != HB_CAPS_CELL_STEPPER_EXACT_OU
             ? 1.0f
             : 0.0f;
}

Program build_program(const TomlProgram& description, const Device& device) {
  const Capabilities& caps = device.capabilities();
  if (description.cells > caps.cells) {
    throw Error(HB_BAD_ARG, fmt::format("{}: network.cells = {}: the device has {}", description.path,
                                        description.cells, caps.cells));
  }
  Program program(caps, description.cells);
  try {
    // Everything is loaded: what the device held before is not part of the description.
    ParameterSet all = description.network;
    const auto fill = [&](std::optional<std::vector<float>>& values, hb_section_t section, float value) {
      if (!values && hb_cell_has_section(caps.cell_kind, section)) values = std::vector<float>{value};
    };
    fill(all.j2, HB_SECTION_J2, caps.cell_kind == HB_CAPS_CELL_KIND_PHASE ? 0.0f : 1.0f);
    fill(all.j4, HB_SECTION_J4, default_j4(caps));
    fill(all.bias, HB_SECTION_BIAS, 0.0f);
    fill(all.mass, HB_SECTION_MASS, 1.0f);
    fill(all.damping, HB_SECTION_DAMPING, 1.0f);
    fill(all.frequency, HB_SECTION_FREQUENCY, 0.0f);
    if (!all.couplings) all.couplings.emplace(std::size_t{description.cells} * description.cells, 0.0f);
    if (!all.gain) all.gain = 1.0f;
    if (!all.kT && caps.kT_programmable) all.kT = std::vector<float>{caps.kT_reset};
    load(program, all);
    program.commit();
    if (description.initial || caps.state_write) {
      const std::vector<float> initial = description.initial.value_or(std::vector<float>{0.0f});
      if (initial.size() == 1) program.set(0, description.cells, initial.front());
      else program.set(0, initial);
    }
    if (description.initial_second || (caps.state_write && caps.components > 1)) {
      const std::vector<float> second = description.initial_second.value_or(std::vector<float>{0.0f});
      if (second.size() == 1) program.set(description.cells, description.cells, second.front());
      else program.set(description.cells, second);
    }
    if (caps.meters) program.meter_clear();
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: network: {}", description.path, error.what()));
  }
  append_all(program, description.schedule, device, description.heat_per_cell ? PerCell::heat : PerCell::nothing);
  program.sample();
  return program;
}

}  // namespace heatbath::apps
