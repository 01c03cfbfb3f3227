#include "files/toml_schedule.hpp"

#include <array>
#include <limits>
#include <string>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "files/toml_network.hpp"
#include "heatbath/cells.h"
#include "heatbath/numerics/nearest_word.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

using Op = ScheduleStep::Op;


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

std::vector<ScheduleStep> read_steps(const Item& list, std::uint32_t cells, bool repeated);

ScheduleStep read_step(const Item& item, std::uint32_t cells, bool repeated) {
  if (!item.is_table()) item.fail("needs a table with op");
  const auto named = item.value().find("op");
  if (!named) item.fail("the key op is missing");
  const Item op_item(item.path(), item.name() + ".op", *named);
  const std::string op = op_item.text();

  ScheduleStep step;
  step.where = item.where();
  const OpName* found = nullptr;
  std::vector<std::string_view> names;
  for (const OpName& known : kOps) {
    names.emplace_back(known.name);
    if (op == known.name) found = &known;
  }
  if (!found) {
    op_item.fail(fmt::format("\"{}\" is unknown{}; the operations are {}", numerics::escaped(op, 80),
                             numerics::did_you_mean(op, names), fmt::join(names, ", ")));
  }
  step.op = found->op;
  if (repeated && (step.op == Op::meters || step.op == Op::readback)) {
    op_item.fail("a repeated snapshot would overwrite itself; put it outside of repeat");
  }

  const auto read_time = [&](const Item& time) {
    step.duration = time.positive("time units");
    step.duration_where = fmt::format("{}: {}", time.where(), time.name());
  };
  switch (step.op) {
    case Op::evolve: read_time(Table(item, {"op", "duration"}).at("duration")); break;
    case Op::ramp: {
      const Table table(item, {"op", "duration", "j2", "j4", "bias", "couplings", "gain", "kT", "mass", "damping", "frequency"});
      read_time(table.at("duration"));
      step.parameters = read_parameters(table, cells);
      break;
    }
    case Op::load: {
      const Table table(
          item, {"op", "j2", "j4", "bias", "couplings", "gain", "kT", "mass", "damping", "frequency"});
      if (item.value().entries().size() == 1)
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
      read_time(table.at("period"));
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
      if (step.name != "couplings" && step.name != "coupler_values" && !cell_section(step.name)) {
        section.fail(fmt::format(
            "\"{}\" is unknown; the sections are j2, j4, bias, kT, mass, damping, frequency, couplings, coupler_values", step.name));
      }
      break;
    }
    case Op::repeat: {
      const Table table(item, {"op", "times", "steps"});
      step.times = table.at("times").count(1, std::numeric_limits<std::uint32_t>::max());
      step.steps = read_steps(table.at("steps"), cells, true);
      break;
    }
    case Op::commit:
    case Op::sample:
    case Op::capture_stop:
    case Op::meters_clear: Table(item, {"op"}); break;
  }
  return step;
}

std::vector<ScheduleStep> read_steps(const Item& list, std::uint32_t cells, bool repeated) {
  std::vector<ScheduleStep> steps;
  for (const Item& item : list.array("steps, each a table with op")) steps.push_back(read_step(item, cells, repeated));
  if (steps.empty()) list.fail("is empty; needs one step or more");
  return steps;
}

}  // namespace

std::vector<ScheduleStep> read_schedule(const Item& list, std::uint32_t cells) { return read_steps(list, cells, false); }

std::optional<CellSection> cell_section(std::string_view name) {
  for (const CellSection section : {CellSection::j2, CellSection::j4, CellSection::bias, CellSection::kT,
                                    CellSection::mass, CellSection::damping, CellSection::frequency}) {
    if (name == hb_section_name(static_cast<hb_section_t>(section))) return section;
  }
  return std::nullopt;
}

}  // namespace heatbath::apps
