#include "bridges/fmi/chip_unit.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <initializer_list>
#include <limits>

#include <nlohmann/json.hpp>

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
  std::vector<float> j2, j4, bias, couplings, initial;
  float gain = 1, kT = 1;
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
    archive.check(it.x.size() == it.cells && fits(it.inputs) && fits(it.applied), "number of cells");
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
    json.at("j2").get_to(d->j2), json.at("j4").get_to(d->j4), json.at("bias").get_to(d->bias);
    json.at("couplings").get_to(d->couplings), json.at("initial").get_to(d->initial);
    json.at("gain").get_to(d->gain), json.at("kT").get_to(d->kT);
    const auto profile = json.at("profile").get<std::string>();
    d->device = "func:profile=" + (profile.ends_with(".toml") ? path + profile : profile);
  } catch (const nlohmann::json::exception& error) {
    refuse(path + "chip.json is not the description of this unit: " + error.what());
  }
  if (token != d->token) refuse("the instantiation token is '" + token + "'; that of this unit is '" + d->token + "'");
  const std::size_t n = d->cells;
  if (n == 0 || d->j2.size() != n || d->j4.size() != n || d->bias.size() != n || d->initial.size() != n ||
      (!d->couplings.empty() && d->couplings.size() != n * n))
    refuse(path + "chip.json: the sizes of its arrays do not agree");
  Device device = [&] {
    try {
      return open(d->device + "&lanes=1&threads=1&cells=" + std::to_string(n));
    } catch (const Error& error) {
      throw Error(error.code(), "a unit of " + std::to_string(n) + " cells: " + error.what());
    }
  }();
  const Capabilities& caps = device.capabilities();
  require(caps.seeded, "a functional mock-up unit", "SEEDED");
  require(caps.state_write, "a functional mock-up unit", "STATE_WRITE");
  require(caps.meters, "a functional mock-up unit", "METERS");
  require(caps.dt_programmable, "a functional mock-up unit", "DT_PROGRAMMABLE");
  if (caps.capture_number != Number::float32 || caps.cell_kind != CellKind::overdamped)
    throw Error(HB_UNSUPPORTED, "a functional mock-up unit needs overdamped cells and float32 captures, which this device "
                                "lacks");
  device.set_step({d->dt_ticks});
  dt_seconds_ = caps.tick_seconds() * d->dt_ticks;
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
  state_.inputs.clamp_value.assign(cells, 0.0);
  state_.applied = state_.inputs;
  state_.x.assign(description_->initial.begin(), description_->initial.begin() + n);
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
  state_ = state;
  follows_ = false;
}

// -- variables --------------------------------------------------------------------------------------------------------

namespace {

const VariableInfo& known(std::uint32_t reference, Type type) {
  const VariableInfo* const it = find(reference);
  if (it == nullptr) refuse("value reference " + std::to_string(reference) + " is none of this unit");
  if (it->type != type) refuse(std::string("variable ") + it->name + " has another type");
  return *it;
}

template <class To, class From>
void copy_out(const std::vector<From>& from, std::span<To> to) {
  std::transform(from.begin(), from.end(), to.begin(), [](const auto value) { return static_cast<To>(value); });
}

}  // namespace

std::size_t ChipUnit::size(std::uint32_t reference, Type type) const {
  return known(reference, type).array ? state_.cells : 1;
}

const VariableInfo& ChipUnit::readable(std::uint32_t reference, Type type) const {
  const VariableInfo& it = known(reference, type);
  require_mode({Mode::initialization, Mode::stepping, Mode::updating, Mode::terminated},
               (std::string("reading ") + it.name).c_str());
  return it;
}

const VariableInfo& ChipUnit::writable(std::uint32_t reference, Type type) const {
  const VariableInfo& it = known(reference, type);
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
  return it;
}

void ChipUnit::get(std::uint32_t reference, std::span<double> values) {
  switch (readable(reference, Type::float64).id) {
    case Variable::time: values[0] = state_.time(); break;
    case Variable::intermediate_period: values[0] = state_.intermediate_period; break;
    case Variable::coupling_scale: values[0] = state_.inputs.coupling_scale; break;
    case Variable::temperature: values[0] = state_.inputs.temperature; break;
    case Variable::bias: copy_out(state_.inputs.bias, values); break;
    case Variable::clamp_value: copy_out(state_.inputs.clamp_value, values); break;
    default:
      // Outputs. While initializing they follow the inputs at once.
      if (mode() == Mode::initialization) {
        state_.applied = state_.inputs;
        follows_ = false;
        advance(0);
      }
      switch (static_cast<Variable>(reference)) {
        case Variable::x: copy_out(state_.x, values); break;
        case Variable::energy: values[0] = state_.energy; break;
        case Variable::work: values[0] = state_.work; break;
        default: values[0] = state_.heat; break;
      }
  }
}

void ChipUnit::get(std::uint32_t reference, std::span<std::uint64_t> values) {
  values[0] = readable(reference, Type::uint64).id == Variable::cells ? state_.cells : state_.seed;
}

void ChipUnit::get(std::uint32_t reference, std::span<bool> values) {
  readable(reference, Type::boolean);
  std::copy(state_.inputs.clamp.begin(), state_.inputs.clamp.end(), values.begin());
}

void ChipUnit::set(std::uint32_t reference, std::span<const double> values) {
  const VariableInfo& it = writable(reference, Type::float64);
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
    case Variable::bias: state_.inputs.bias.assign(values.begin(), values.end()); break;
    default: state_.inputs.clamp_value.assign(values.begin(), values.end()); break;
  }
}

void ChipUnit::set(std::uint32_t reference, std::span<const std::uint64_t> values) {
  if (writable(reference, Type::uint64).id == Variable::seed) {
    state_.seed = values[0];
    return;
  }
  if (values[0] == 0 || values[0] > description_->cells)
    refuse("writing cells: " + std::to_string(values[0]) + "; this unit has 1.." + std::to_string(description_->cells));
  resize(values[0]);
}

void ChipUnit::set(std::uint32_t reference, std::span<const bool> values) {
  writable(reference, Type::boolean);
  state_.inputs.clamp.assign(values.begin(), values.end());
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
    program.load(CellSection::j2, std::span(d.j2).first(n)).load(CellSection::j4, std::span(d.j4).first(n));
    if (!d.couplings.empty()) {
      std::vector<float> matrix(std::size_t{n} * n);
      for (std::size_t i = 0; i < n; ++i)
        std::copy_n(d.couplings.begin() + static_cast<std::ptrdiff_t>(i * d.cells), n,
                    matrix.begin() + static_cast<std::ptrdiff_t>(i * n));
      program.load_couplings(matrix);
    }
    program.load(CellSection::bias, floats(as.bias)).load_gain(static_cast<float>(as.coupling_scale));
    program.load_temperature(static_cast<float>(as.temperature)).commit();
    program.release(0, n).set(0, state_.x);
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
