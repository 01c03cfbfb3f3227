#include "bridges/fmi/chip_unit.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <map>

#include <nlohmann/json.hpp>

#include "bridges/fmi/unit_device.hpp"
#include "heatbath/numerics/archive.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/open.hpp"
#include "heatbath/regs.h"

namespace heatbath::apps::fmi {

struct ChipUnit::Description {
  std::string token;
  std::string device;  // URI
  std::uint32_t dt_ticks = 0;
  std::uint32_t cells = 0;
  double step_seconds = 0;  // of the simulation's time
  bool scalar = false;
  std::map<CellSection, std::vector<float>> sections;  // one value per cell, of those that never change
  std::vector<float> bias, couplings, initial, initial_second;
  float gain = 1, kT = 1;
  float held = 0;  // where a cell is clamped before a value is set
};

namespace {

[[noreturn]] void refuse(const std::string& what) { throw Error(HB_BAD_ARG, what); }

constexpr const char* mode_names[] = {"Instantiated",       "Configuration Mode", "Initialization Mode",
                                      "Step Mode",          "Intermediate Update Mode", "Terminated"};

// -- serialised states ------------------------------------------------------------------------------------------------
constexpr std::uint32_t unit_format = 1;

void exchange(numerics::Archive& archive, std::string& unit, UnitState& it) {
  archive(unit, it.mode, it.cells, it.seed, it.intermediate_period);
  for (Inputs* in : {&it.inputs, &it.applied})
    archive(in->coupling_scale, in->temperature, in->bias, in->clamp_value, in->clamp);
  archive(it.x, it.energy, it.work, it.heat, it.start_time, it.elapsed, it.steps);
}

}  // namespace

std::vector<std::uint8_t> UnitState::bytes(const std::string& unit) const {
  numerics::Archive archive(unit_format);
  std::string name = unit;
  UnitState copy = *this;
  exchange(archive, name, copy);
  const std::vector<std::byte> sealed = numerics::seal("unit", unit_format, archive.take());
  std::vector<std::uint8_t> bytes(sealed.size());
  std::ranges::transform(sealed, bytes.begin(), [](std::byte byte) { return static_cast<std::uint8_t>(byte); });
  return bytes;
}

UnitState UnitState::from_bytes(std::span<const std::uint8_t> bytes, const std::string& unit) {
  try {
    const numerics::Sealed sealed = numerics::unseal(std::as_bytes(bytes), "unit", unit_format);
    numerics::Archive archive(sealed.contents, sealed.version);
    std::string name;
    UnitState it;
    exchange(archive, name, it);
    archive.end();
    if (name != unit) archive.refuse("it is that of another unit");
    const auto fits = [&](const Inputs& given) {
      return given.bias.size() == it.cells && given.clamp.size() == it.cells && given.clamp_value.size() == it.cells;
    };
    archive.check(it.cells > 0 && it.x.size() % it.cells == 0 && fits(it.inputs) && fits(it.applied), "number of cells");
    archive.check(it.mode < std::size(mode_names), "mode");
    return it;
  } catch (const numerics::Archive::Refused& refused) {
    refuse(std::string("the serialized state: ") + refused.what());
  }
}

// -- instances --------------------------------------------------------------------------------------------------------

ChipUnit::ChipUnit(const std::string& resources, const std::string& token) {
  std::string path = resources;
  if (!path.empty() && path.back() != '/') path += '/';
  std::ifstream in(path + "chip.json");
  auto d = std::make_unique<Description>();
  try {
    const nlohmann::json json = nlohmann::json::parse(in);
    json.at("token").get_to(d->token);
    json.at("dt_ticks").get_to(d->dt_ticks);
    json.at("cells").get_to(d->cells);
    json.at("step_seconds").get_to(d->step_seconds), json.at("scalar").get_to(d->scalar);
    for (const CellSection section : {CellSection::j2, CellSection::j4, CellSection::mass, CellSection::damping,
                                      CellSection::frequency})
      if (const auto it = json.find(hb_section_name(static_cast<hb_section_t>(section))); it != json.end())
        it->get_to(d->sections[section]);
    json.at("bias").get_to(d->bias), json.at("couplings").get_to(d->couplings), json.at("initial").get_to(d->initial);
    if (json.contains("initial_second")) json.at("initial_second").get_to(d->initial_second);
    json.at("gain").get_to(d->gain), json.at("kT").get_to(d->kT), json.at("held").get_to(d->held);
    const auto profile = json.at("profile").get<std::string>();
    d->device = "func:profile=" + (profile.ends_with(".toml") ? path + profile : profile) +
                "&cell=" + json.at("cell").get<std::string>();
  } catch (const nlohmann::json::exception& error) {
    refuse(path + "chip.json is not the description of this unit: " + error.what());
  }
  if (token != d->token) refuse("the instantiation token is '" + token + "'; that of this unit is '" + d->token + "'");
  const std::size_t n = d->cells;
  if (n == 0 || d->bias.size() != n || d->initial.size() != n ||
      std::ranges::any_of(d->sections, [n](const auto& section) { return section.second.size() != n; }) ||
      (!d->initial_second.empty() && d->initial_second.size() != n) ||
      (!d->couplings.empty() && d->couplings.size() != n * n) || !(d->step_seconds > 0))
    refuse(path + "chip.json: the sizes of its arrays do not agree");
  Device device = [&] {
    try {
      return open(d->device + "&lanes=1&threads=1&cells=" + std::to_string(n));
    } catch (const Error& error) {
      throw Error(error.code(), "a unit of " + std::to_string(n) + " cells: " + error.what());
    }
  }();
  const Capabilities& caps = device.capabilities();
  require_unit_device(caps);
  interface_ = {d->scalar, caps.components};
  if (caps.components > 1 ? d->initial_second.size() != n : !d->initial_second.empty())
    refuse(path + "chip.json: initial_second is not one value for each cell that has a second state variable");
  device.set_step({d->dt_ticks});
  dt_seconds_ = d->step_seconds;
  device_ = std::make_unique<Device>(std::move(device));
  description_ = std::move(d);
  start_values();
}

ChipUnit::~ChipUnit() = default;

const std::string& ChipUnit::token() const { return description_->token; }

void ChipUnit::start_values() {
  state_ = {};
  state_.inputs.coupling_scale = static_cast<double>(description_->gain);
  state_.inputs.temperature = static_cast<double>(description_->kT);
  resize(description_->cells);
}

void ChipUnit::resize(std::uint64_t cells) {
  const auto n = static_cast<std::ptrdiff_t>(cells);
  state_.cells = cells;
  state_.inputs.bias.assign(description_->bias.begin(), description_->bias.begin() + n);
  state_.inputs.clamp.assign(cells, false);
  state_.inputs.clamp_value.assign(cells, static_cast<double>(description_->held));
  state_.applied = state_.inputs;
  state_.x.assign(description_->initial.begin(), description_->initial.begin() + n);
  if (const std::vector<float>& second = description_->initial_second; !second.empty())
    state_.x.insert(state_.x.end(), second.begin(), second.begin() + n);
  follows_ = false;
}

void ChipUnit::require_mode(std::initializer_list<Mode> allowed, const char* what) const {
  if (std::find(allowed.begin(), allowed.end(), mode()) == allowed.end())
    refuse(std::string(what) + " is not allowed in " + mode_names[state_.mode]);
}

void ChipUnit::enter_configuration() {
  require_mode({Mode::instantiated}, "fmi3EnterConfigurationMode");
  state_.mode = static_cast<std::uint8_t>(Mode::configuration);
}

void ChipUnit::exit_configuration() {
  require_mode({Mode::configuration}, "fmi3ExitConfigurationMode");
  state_.mode = static_cast<std::uint8_t>(Mode::instantiated);
}

void ChipUnit::enter_initialization(double start_time) {
  require_mode({Mode::instantiated}, "fmi3EnterInitializationMode");
  if (!std::isfinite(start_time)) refuse("fmi3EnterInitializationMode: the start time is not finite");
  state_.start_time = start_time;
  state_.elapsed = 0;
  state_.mode = static_cast<std::uint8_t>(Mode::initialization);
  follows_ = false;
}

void ChipUnit::exit_initialization() {
  require_mode({Mode::initialization}, "fmi3ExitInitializationMode");
  state_.applied = state_.inputs;
  advance(0);
  state_.mode = static_cast<std::uint8_t>(Mode::stepping);
}

void ChipUnit::terminate() {
  require_mode({Mode::stepping}, "fmi3Terminate");
  state_.mode = static_cast<std::uint8_t>(Mode::terminated);
}

void ChipUnit::reset() {
  require_mode({Mode::instantiated, Mode::configuration, Mode::initialization, Mode::stepping, Mode::terminated},
               "fmi3Reset");
  start_values();
}

void ChipUnit::set_state(const UnitState& state) {
  require_mode({Mode::instantiated, Mode::configuration, Mode::initialization, Mode::stepping, Mode::terminated},
               "fmi3SetFMUState");
  if (state.cells > description_->cells) refuse("the state has more cells than this unit");
  if (state.x.size() != interface_.components * state.cells) refuse("the state has other state variables than this unit");
  state_ = state;
  follows_ = false;
}

// -- variables --------------------------------------------------------------------------------------------------------

namespace {

/// The values of an array that a place names, from `first` on in `from`.
template <class To, class From>
void copy_out(const std::vector<From>& from, const Place& place, std::span<To> to, std::size_t first = 0) {
  for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<To>(from[first + place.cell.value_or(0) + i]);
}

template <class To, class From>
void copy_in(std::span<const From> from, const Place& place, std::vector<To>& to) {
  std::copy(from.begin(), from.end(), to.begin() + static_cast<std::ptrdiff_t>(place.cell.value_or(0)));
}

}  // namespace

Place ChipUnit::known(std::uint32_t reference, Type type) const {
  const Place it = find(reference, interface_, description_->cells);
  if (it.variable == nullptr) refuse("value reference " + std::to_string(reference) + " is none of this unit");
  if (it.variable->type != type) refuse(std::string("variable ") + it.variable->name + " has another type");
  return it;
}

std::size_t ChipUnit::size(std::uint32_t reference, Type type) const {
  const Place it = known(reference, type);
  return it.variable->array && !it.cell ? state_.cells : 1;
}

Place ChipUnit::readable(std::uint32_t reference, Type type) const {
  const Place it = known(reference, type);
  require_mode({Mode::initialization, Mode::stepping, Mode::updating, Mode::terminated},
               (std::string("reading ") + it.variable->name).c_str());
  return it;
}

Place ChipUnit::writable(std::uint32_t reference, Type type) const {
  const Place place = known(reference, type);
  const VariableInfo& it = *place.variable;
  const std::string what = std::string("writing ") + it.name;
  switch (it.causality) {
    case Causality::structural_parameter: require_mode({Mode::configuration}, what.c_str()); break;
    case Causality::parameter: require_mode({Mode::instantiated, Mode::initialization}, what.c_str()); break;
    case Causality::input:
      require_mode({Mode::instantiated, Mode::initialization, Mode::stepping}, what.c_str());
      break;
    case Causality::independent:
    case Causality::output: refuse(what + ": it is computed by the unit");
  }
  return place;
}

void ChipUnit::get(std::uint32_t reference, std::span<double> values) {
  const Place place = readable(reference, Type::float64);
  switch (place.variable->id) {
    case Variable::time: values[0] = state_.time(); break;
    case Variable::intermediate_period: values[0] = state_.intermediate_period; break;
    case Variable::coupling_scale: values[0] = state_.inputs.coupling_scale; break;
    case Variable::temperature: values[0] = state_.inputs.temperature; break;
    case Variable::bias: copy_out(state_.inputs.bias, place, values); break;
    case Variable::clamp_value: copy_out(state_.inputs.clamp_value, place, values); break;
    default:
      // Outputs. While initializing they follow the inputs at once.
      if (mode() == Mode::initialization) {
        state_.applied = state_.inputs;
        follows_ = false;
        advance(0);
      }
      switch (place.variable->id) {
        case Variable::x: copy_out(state_.x, place, values); break;
        case Variable::second: copy_out(state_.x, place, values, state_.cells); break;
        case Variable::energy: values[0] = state_.energy; break;
        case Variable::work: values[0] = state_.work; break;
        default: values[0] = state_.heat; break;
      }
  }
}

void ChipUnit::get(std::uint32_t reference, std::span<std::uint64_t> values) {
  values[0] = readable(reference, Type::uint64).variable->id == Variable::cells ? state_.cells : state_.seed;
}

void ChipUnit::get(std::uint32_t reference, std::span<bool> values) {
  copy_out(state_.inputs.clamp, readable(reference, Type::boolean), values);
}

void ChipUnit::set(std::uint32_t reference, std::span<const double> values) {
  const Place place = writable(reference, Type::float64);
  const VariableInfo& it = *place.variable;
  for (const double value : values)
    if (!(std::abs(value) <= static_cast<double>(std::numeric_limits<float>::max())))
      refuse(std::string("writing ") + it.name + ": a value is not a finite float32");
  switch (it.id) {
    case Variable::intermediate_period:
      if (values[0] < 0) refuse("writing intermediate_period: it must be 0 or more seconds");
      state_.intermediate_period = values[0];
      break;
    case Variable::coupling_scale: state_.inputs.coupling_scale = values[0]; break;
    case Variable::temperature: {
      const Capabilities& caps = device_->capabilities();
      const auto kT = static_cast<float>(values[0]);
      if (!(kT >= caps.kT_min && kT <= caps.kT_max))
        refuse("writing temperature: " + numerics::text_of(values[0]) + " is outside of " +
               numerics::text_of(caps.kT_min) + ".." + numerics::text_of(caps.kT_max) + " energy units");
      state_.inputs.temperature = values[0];
      break;
    }
    case Variable::bias: copy_in(values, place, state_.inputs.bias); break;
    default: copy_in(values, place, state_.inputs.clamp_value); break;
  }
}

void ChipUnit::set(std::uint32_t reference, std::span<const std::uint64_t> values) {
  if (writable(reference, Type::uint64).variable->id == Variable::seed) {
    state_.seed = values[0];
    return;
  }
  if (values[0] == 0 || values[0] > description_->cells)
    refuse("writing cells: " + std::to_string(values[0]) + "; this unit has 1.." + std::to_string(description_->cells));
  resize(values[0]);
}

void ChipUnit::set(std::uint32_t reference, std::span<const bool> values) {
  copy_in(values, writable(reference, Type::boolean), state_.inputs.clamp);
}

// -- time -------------------------------------------------------------------------------------------------------------

double ChipUnit::step(double point, double size, const IntermediateUpdate& update) {
  require_mode({Mode::stepping}, "fmi3DoStep");
  const double apart = std::nextafter(std::abs(point), HUGE_VAL) - std::abs(point);  // doubles near the point
  const bool by_points = apart <= 0.01 * dt_seconds_;
  const double slack = by_points ? 0.01 * dt_seconds_ : std::min(0.01 * dt_seconds_ + 2 * apart, 0.49 * dt_seconds_);
  // A clock that the sizes do not move may stand anywhere between the start and the time of the unit.
  const bool there = by_points ? std::abs(point - state_.time()) <= slack
                               : point >= state_.start_time - 2 * apart && point <= state_.time() + 2 * apart;
  if (!there)
    refuse("fmi3DoStep: the communication point is " + numerics::text_of(point) + " s, that of this unit " +
           numerics::text_of(state_.time()) + " s");
  if (!(size > 0) || !std::isfinite(point + size))
    refuse("fmi3DoStep: the step size is " + numerics::text_of(size) + " s; it must be positive and finite");
  const double end = by_points ? point + size - state_.start_time : state_.elapsed + size;
  if (!(end > state_.elapsed))
    refuse("fmi3DoStep: a step of " + numerics::text_of(size) + " s does not move the clock at " +
           numerics::text_of(point) + " s");
  const auto advance_to = [&](double elapsed) {
    const double whole = std::floor((elapsed + slack) / dt_seconds_);
    if (whole > 0x1p47)
      refuse("fmi3DoStep: the unit counts 2^47 steps of " + numerics::text_of(dt_seconds_) + " s");
    const auto steps = static_cast<std::uint64_t>(whole);
    advance(steps - std::min(steps, state_.steps));
    state_.elapsed = elapsed;
  };
  double goal = end;
  if (update && state_.intermediate_period > 0) {
    for (;;) {
      const double period = std::floor((state_.elapsed + slack) / state_.intermediate_period) + 1;
      const double next = period * state_.intermediate_period;
      if (!(next < goal - slack)) break;
      advance_to(next);
      state_.mode = static_cast<std::uint8_t>(Mode::updating);
      const double early = update(state_.time());
      state_.mode = static_cast<std::uint8_t>(Mode::stepping);
      if (early >= 0) goal = std::clamp(early - state_.start_time, state_.elapsed, end);
    }
  }
  if (goal > state_.elapsed) advance_to(goal);
  return by_points && goal == end ? point + size : state_.time();
}

/// Runs the array for some steps, after the changes of the inputs since the last ones, and reads it.
void ChipUnit::advance(std::uint64_t steps) {
  const auto n = static_cast<std::uint32_t>(state_.cells);
  const Description& d = *description_;
  Program program(device_->capabilities(), n);
  const auto floats = [](const std::vector<double>& values) { return std::vector<float>(values.begin(), values.end()); };
  const bool follows = follows_ && state_.steps > 0;
  if (!follows) {
    const Inputs& as = state_.applied;
    for (const auto& [section, values] : d.sections) program.load(section, std::span(values).first(n));
    if (!d.couplings.empty()) {
      std::vector<float> matrix(std::size_t{n} * n);
      for (std::size_t i = 0; i < n; ++i)
        std::copy_n(d.couplings.begin() + static_cast<std::ptrdiff_t>(i * d.cells), n,
                    matrix.begin() + static_cast<std::ptrdiff_t>(i * n));
      program.load_couplings(matrix);
    }
    program.load(CellSection::bias, floats(as.bias)).load_gain(static_cast<float>(as.coupling_scale));
    program.load_temperature(static_cast<float>(as.temperature)).commit();
    program.release(0, n);
    for (std::uint32_t first = 0; first < state_.x.size(); first += n)
      program.set(first, std::span(state_.x).subspan(first, n));
    for (std::uint32_t i = 0; i < n; ++i)
      if (as.clamp[i]) program.clamp(i, 1, static_cast<float>(as.clamp_value[i]));
    program.meter_clear();
  }
  const Inputs &now = state_.inputs, &before = state_.applied;
  if (now.bias != before.bias || now.coupling_scale != before.coupling_scale || now.temperature != before.temperature) {
    program.load(CellSection::bias, floats(now.bias)).load_gain(static_cast<float>(now.coupling_scale));
    program.load_temperature(static_cast<float>(now.temperature)).commit();
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    if (now.clamp[i] && (!before.clamp[i] || now.clamp_value[i] != before.clamp_value[i]))
      program.clamp(i, 1, static_cast<float>(now.clamp_value[i]));
    if (!now.clamp[i] && before.clamp[i]) program.release(i, 1);
  }
  if (steps > 0) program.evolve(device_->step() * steps);
  program.meter_snapshot().sample();

  JobOptions options;
  options.seed = state_.seed;
  options.first_step = state_.steps;
  options.capture_cells = n * interface_.components;
  follows_ = false;  // until the job has ended
  const Result result = device_->run(program, options);
  const auto x = result.capture.state(0, result.capture.records() - 1);
  const hb_meters_t& meters = result.meters.back().front();
  state_.x.assign(x.begin(), x.end());
  state_.energy = meters.energy;
  state_.work += meters.work;
  state_.heat += meters.heat;
  state_.applied = state_.inputs;
  state_.steps += steps;
  follows_ = true;
}

}  // namespace heatbath::apps::fmi
