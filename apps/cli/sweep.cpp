#include "apps/cli/sweep.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <string_view>

#include <fmt/format.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

constexpr std::size_t most_values = 100000;

[[noreturn]] void bad(const std::string& text, const std::string& what) {
  throw Error(HB_BAD_ARG, fmt::format("--sweep {}: {}", numerics::escaped(text, 80), what));
}

double number_of(const std::string& text, std::string_view part) {
  const auto value = numerics::parse_number<double>(part);
  if (!value || !std::isfinite(*value) || std::fabs(*value) > static_cast<double>(std::numeric_limits<float>::max()))
    bad(text, fmt::format("{} is not a finite number", numerics::quoted(part)));
  return *value;
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

/// Puts the value into the parameter of this name; false where there is none.
bool put_parameter(ParameterSet& set, std::string_view name, float value) {
  if (name == "gain") {
    set.gain = value;
    return true;
  }
  for (const auto& [known, values] :
       {std::pair{"j2", &set.j2}, {"j4", &set.j4}, {"bias", &set.bias}, {"kT", &set.kT}, {"mass", &set.mass},
        {"damping", &set.damping}, {"frequency", &set.frequency}}) {
    if (name != known) continue;
    *values = std::vector<float>{value};
    return true;
  }
  return false;
}

constexpr const char* keys =
    "the keys are network.dt, j2, j4, bias, kT, gain, mass, damping, frequency, initial, initial_second; and of a step, "
    "schedule[K], duration, period, value and its parameters";

}  // namespace

Sweep parse_sweep(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos || equals == 0 || equals + 1 == text.size())
    bad(text, "needs KEY=FROM:TO:COUNT or KEY=A,B,C, as in network.kT=0.5:2:7");
  Sweep sweep{text.substr(0, equals), {}};
  const std::string_view range = std::string_view(text).substr(equals + 1);
  const auto ends = split(range, ':');
  if (ends.size() == 1) {
    for (const std::string_view part : split(range, ',')) sweep.values.push_back(number_of(text, part));
    return sweep;
  }
  if (ends.size() != 3) bad(text, "a range is FROM:TO:COUNT");
  const double from = number_of(text, ends[0]), to = number_of(text, ends[1]);
  const auto count = numerics::parse_number<std::uint32_t>(ends[2]);
  if (!count || *count < 2 || *count > most_values) bad(text, fmt::format("COUNT is a whole number from 2 to {}", most_values));
  for (std::uint32_t k = 0; k < *count; ++k)
    sweep.values.push_back(k + 1 == *count ? to : from + (to - from) * k / (*count - 1));
  return sweep;
}

void put(TomlProgram& description, const std::string& key, double value) {
  const auto fail = [&](const std::string& what) {
    throw Error(HB_BAD_ARG, fmt::format("--sweep {}={}: {}", numerics::escaped(key, 80), numerics::text_of(value), what));
  };
  const auto single = static_cast<float>(value);
  constexpr std::string_view network = "network.", schedule = "schedule[";
  if (key.starts_with(network)) {
    const std::string name = key.substr(network.size());
    description.places[key] = "--sweep " + key;
    if (name == "dt") description.dt = value;
    else if (name == "initial") description.initial = std::vector<float>{single};
    else if (name == "initial_second") description.initial_second = std::vector<float>{single};
    else if (!put_parameter(description.network, name, single)) fail(keys);
    return;
  }
  const std::size_t close = key.find("].");
  if (!key.starts_with(schedule) || close == std::string::npos) fail(keys);
  const auto index = numerics::parse_number<std::uint32_t>(std::string_view(key).substr(schedule.size(), close - schedule.size()));
  if (!index || *index >= description.schedule.size())
    fail(fmt::format("the schedule has the steps 0 to {}", description.schedule.size() - 1));
  ScheduleStep& step = description.schedule[*index];
  const std::string name = key.substr(close + 2);
  using Op = ScheduleStep::Op;
  if (name == "duration" || name == "period") {
    const bool has = name == "period" ? step.op == Op::capture : step.op == Op::evolve || step.op == Op::ramp;
    if (!has) fail(fmt::format("{} has no {}", step.where, name));
    if (!(value > 0)) fail("needs a time above 0");
    step.duration = value;
  } else if (name == "value") {
    if (step.op != Op::set && step.op != Op::clamp) fail(fmt::format("{} has no value", step.where));
    step.values.assign(1, single);
  } else {
    if (step.op != Op::load && step.op != Op::ramp) fail(fmt::format("{} has no parameters", step.where));
    if (!put_parameter(step.parameters, name, single)) fail(keys);
  }
}

}  // namespace heatbath::apps
