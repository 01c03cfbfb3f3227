#include "validate/bench.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include <fmt/format.h>

#include "heatbath/regs.h"

namespace heatbath::validation {
namespace {

bool has_inertia(CellKind kind) {
  return kind == CellKind::underdamped || kind == CellKind::rlc;
}

/// Whether energies set the pace: mobility times force is a velocity.
bool has_mobility(CellKind kind) {
  return kind == CellKind::overdamped || kind == CellKind::phase;
}

// Largest kT, at most 1, at which the device's ranges hold what a row wants; 0 when there is none. A row that wants
// a range of 0 does not use the section.
double temperature_for(const Needs& needs, const Capabilities& caps, std::string* lacking) {
  double kT = std::min(1.0, double{caps.kT_max});
  if (!caps.kT_programmable) kT = caps.kT_reset;
  const auto limit = [&](double wanted, double range, const char* name) {
    if (wanted <= 0) return;
    const double most = range / wanted;
    if (most < caps.kT_min && lacking && lacking->empty()) {
      *lacking = fmt::format("{} of {:.3g} (it has {:.3g} at its lowest kT)", name, wanted * caps.kT_min, range);
    }
    kT = std::min(kT, most);
  };
  limit(needs.j2, caps.range_j2, "CAPS_RANGE_J2");
  limit(needs.j4, caps.range_j4, "CAPS_RANGE_J4");
  limit(needs.bias, caps.range_bias, "CAPS_RANGE_BIAS");
  limit(needs.coupling, caps.range_coupling, "CAPS_RANGE_COUPLING");
  if (has_inertia(needs.kind) && kT != 1 && lacking && lacking->empty()) *lacking = "kT of 1";
  return kT;
}

}  // namespace

std::string missing(const Needs& needs, const Capabilities& caps) {
  if (caps.cell_kind != needs.kind) return fmt::format("{} cells (CAPS_CELL.KIND)", name(needs.kind));
  if (caps.states != needs.states) return fmt::format("CAPS_STATES of {}", needs.states);
  if (needs.stepper != Stepper::none && caps.stepper != needs.stepper)
    return fmt::format("{} (CAPS_CELL.STEPPER)", name(needs.stepper));
  if (needs.j4 > 0 && caps.stepper == Stepper::exact_ou)
    return "J4, which the exact-ou stepper does not take (CAPS_CELL.STEPPER)";
  if (needs.emulator) return "noise that is not white, on an emulator of the ladder's own";
  if (caps.sparse()) {
    if (needs.cells > 1 && needs.pairs.empty()) return "a coupler for every pair (CAPS_CELL.TOPOLOGY)";
    for (const auto& [i, j] : needs.pairs) {
      if (std::ranges::find(caps.couplers(), Coupler{i, j}) == caps.couplers().end())
        return fmt::format("a coupler of cells {} and {}", i, j);
    }
  }
  if (caps.cells < needs.cells) return fmt::format("CAPS_CELLS of {}", needs.cells);
  if (needs.meters && !caps.meters) return "CAPS.METERS";
  if (needs.increments_markov && !caps.increments_markov) return "CAPS.INCREMENTS_MARKOV";
  if (needs.step && !caps.dt_programmable) return "CAPS.DT_PROGRAMMABLE";
  if (needs.kT_zero && (!caps.kT_programmable || caps.kT_min > 0)) return "CAPS_KT_MIN of 0";
  if (needs.kT_per_cell && !caps.kT_per_cell) return "CAPS.KT_PER_CELL";
  if (needs.full_couplings && !caps.couplings_full) return "CAPS_PARAM_FORMAT.LAYOUT FULL";
  if (!caps.kT_programmable && (caps.kT_reset <= 0)) return "CAPS.KT_PROGRAMMABLE";
  if (needs.state > caps.range_state) return fmt::format("CAPS_RANGE_STATE of {:.3g}", needs.state);
  std::string lacking;
  temperature_for(needs, caps, &lacking);
  return lacking;
}

Machine::Machine(Device& device, const Needs& needs, std::uint64_t seed, double effort, Progress progress)
    : device_(device),
      seeds_(seed),
      effort_(effort),
      kT_(static_cast<float>(temperature_for(needs, device.capabilities(), nullptr))),
      pace_(has_mobility(needs.kind) ? kT_ * device.capabilities().mobility : 1),
      shots_(device, {.progress = std::move(progress)}) {
  if (device.step().count > 0) dt_ = device.time_units(device.step()) * pace_;
}

std::uint32_t Machine::count(double wanted, std::uint32_t least) const {
  return std::max(least, static_cast<std::uint32_t>(std::lround(wanted * effort_)));
}

double Machine::step(double first_order, double second_order) {
  if (device_.step().count == 0) return dt_ = 0;
  const bool first = stepper() == Stepper::euler_maruyama || stepper() == Stepper::lattice_walk;
  if (capabilities().dt_programmable) {
    const auto unit = static_cast<double>(capabilities().time_unit.count);
    const double ticks = std::round((first ? first_order : second_order) / pace_ * unit);
    device_.set_step({static_cast<std::uint64_t>(std::max(1.0, ticks))});
  }
  return dt_ = device_.time_units(device_.step()) * pace_;
}

Ticks Machine::time(double units) const { return device_.nearest_ticks(units / pace_); }

double Machine::rounded(double units) const { return device_.time_units(time(units)) * pace_; }

Program Machine::program(std::uint32_t cells) const {
  Program program(capabilities(), cells);
  program.at_temperature(static_cast<float>(kT_)).load_gain(0);
  return program;
}

double Machine::scale(CellSection section) const {
  switch (section) {
    case CellSection::mass:
    case CellSection::damping: return 1;
    case CellSection::frequency: return pace_;
    default: return kT_;
  }
}

void Machine::load(Program& program, CellSection section, double value) const {
  program.load(section, static_cast<float>(value * scale(section)));
}

void Machine::load(Program& program, CellSection section, std::span<const double> values) const {
  std::vector<float> scaled;
  for (const double value : values) scaled.push_back(static_cast<float>(value * scale(section)));
  program.load(section, scaled);
}

void Machine::quartic(Program& program, double j2, double j4, double bias) const {
  load(program, CellSection::j2, j2);
  load(program, CellSection::j4, j4);
  load(program, CellSection::bias, bias);
}

void Machine::couplings(Program& program, std::span<const double> matrix) const {
  std::vector<float> scaled;
  for (const double value : matrix) scaled.push_back(static_cast<float>(value * kT_));
  program.load_couplings(scaled).load_gain(1);
}

void Machine::copies(Program& program, std::span<const double> matrix, std::uint32_t size) const {
  const std::uint32_t cells = program.cells();
  std::vector<double> all(std::size_t{cells} * cells);
  for (std::uint32_t i = 0; i < cells; ++i) {
    for (std::uint32_t k = 0; k < size; ++k) all[std::size_t{i} * cells + i / size * size + k] = matrix[i % size * size + k];
    all[std::size_t{i} * cells + i] = 0;
  }
  couplings(program, all);
}

void Machine::start_at(Program& program, std::span<const float> states) const {
  const std::uint32_t cells = program.cells();
  program.clamp_per_shot(0, cells, states, static_cast<std::uint32_t>(states.size() / cells)).release(0, cells);
}

Result Machine::run(const Program& program, std::uint32_t shots, std::uint32_t variables) {
  shots_.seek(next_seed(), 0);
  JobOptions job;
  job.capture_cells = variables;
  return shots_.run(program, shots, job);
}

std::vector<hb_meters_t> Machine::meters(const Result& result, std::size_t snapshot) const {
  std::vector<hb_meters_t> scaled = result.meters.at(snapshot);
  for (hb_meters_t& m : scaled)
    for (const MeterFacts& meter : meter_list)
      if (meter.in_record != nullptr) m.*meter.in_record /= kT_;
  return scaled;
}

std::uint64_t Machine::next_seed() { return seeds_.word(); }

Check& Bench::check(std::string name, double expected, const measure::Estimate& measured, double bias) {
  Check check;
  check.suite = suite_;
  check.name = std::move(name);
  check.expected = expected;
  check.bias = machine_.dt() > 0 ? bias : 0;
  check.measured = measured.value;
  check.standard_error = measured.standard_error;
  check.effective_samples = measured.effective_samples;
  checks_.push_back(std::move(check));
  return checks_.back();
}

}  // namespace heatbath::validation
