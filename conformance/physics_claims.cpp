// Claims on meters, parameters and equilibrium, against closed formulas and quadrature.

#include <algorithm>
#include <cmath>
#include <vector>

#include "conformance/claims.hpp"
#include "conformance/expect.hpp"
#include "conformance/repeatable.hpp"
#include "heatbath/cells.h"
#include "heatbath/codes.h"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"

namespace heatbath::conformance {
namespace {

constexpr std::uint32_t samples = 16384;
bool has(const Capabilities& caps, CellSection section) {
  return has_section(caps.cell_kind, static_cast<hb_section_t>(section));
}

/// The closed formulas are those of overdamped cells.
void needs_overdamped(const Capabilities& caps) {
  if (caps.cell_kind != CellKind::overdamped)
    throw Skipped(std::string("its cells are ") + name(caps.cell_kind) + "; their equilibrium stands in statistics");
}

/// Clamped cells that are then let go, metered: at rest, and while their biases are ramped.
Program driven(const Device& device, std::uint32_t cells, MeterSet also) {
  const Capabilities& caps = device.capabilities();
  Program program(caps, cells);
  if (has(caps, CellSection::j2)) program.load(CellSection::j2, 1.0f);
  if (has(caps, CellSection::j4) && caps.stepper != Stepper::exact_ou) program.load(CellSection::j4, 0.5f);
  program.load(CellSection::bias, 0.0f).commit();
  program.clamp(0, cells, 0.5f).evolve(device.capture_period(Ticks{1})).release(0, cells);
  const Ticks while_driven = device.nearest_ticks(0.3);  // of spins a whole sweep
  program.meter_clear().meter_snapshot(also).evolve(while_driven);
  // No sum of these with signs is 0, as codes either: even spins that do not move feel the ramp.
  const float least = caps.parameter_number == Number::float32 ? 0.1f : std::max(0.125f, hb_code_step(caps.range_bias, caps.parameter_bits));
  std::vector<float> bias(program.values_of(HB_SECTION_BIAS));
  for (std::size_t i = 0; i < bias.size(); ++i) bias[i] = least * static_cast<float>(1u << i % 16);
  program.load(CellSection::bias, bias).ramp(while_driven).meter_snapshot(also);
  return program;
}

float temperature(const Capabilities& caps) {
  return caps.kT_programmable ? std::clamp(0.25f, caps.kT_min, caps.kT_max) : caps.kT_reset;
}

/// States of uncoupled cells that relaxed from 0 for `time_units`.
std::vector<float> relaxed(Device& device, float j2, float j4, double time_units) {
  const Capabilities& caps = device.capabilities();
  const std::uint32_t cells = std::min(caps.cells, 512u), shots = (samples + cells - 1) / cells;
  Program program(caps, cells);
  program.load(CellSection::j2, j2).load(CellSection::j4, j4).load(CellSection::bias, 0.0f).load_gain(0.0f);
  program.at_temperature(temperature(caps));
  program.commit().clamp(0, cells, 0.0f).evolve(device.capture_period(Ticks{1})).release(0, cells);
  program.evolve(device.ticks(time_units)).sample();
  const JobOptions options = repeatable(caps, shots, 2024);
  const Result result = device.run(program, options);
  std::vector<float> all;
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const auto states = result.capture.trajectory(shot);
    all.insert(all.end(), states.begin(), states.end());
  }
  return all;
}

/// Judges the mean of x^2 against `exact`, whose variance over cells is known from x^4.
void expect_second_moment(const Device& device, const std::vector<float>& x, double exact, double fourth, double tolerance) {
  double sum = 0, mean = 0;
  for (const float value : x) {
    mean += value;
    sum += double{value} * value;
  }
  const double count = static_cast<double>(x.size());
  const double found = sum / count, error = std::sqrt((fourth - exact * exact) / count);
  const double systematic = exact * (device.step().count == 0 ? silicon_tolerance : tolerance);
  expect(std::fabs(found - exact) <= z_bound * error + systematic,
         "<x^2> is " + numerics::general(found) + ", expected " + numerics::general(exact) + " +- " + numerics::general(error) +
             " (statistical) +- " + numerics::general(systematic) + " (systematic)");
  const double drift = device.step().count == 0 ? silicon_tolerance * std::sqrt(exact) : 0;
  expect(std::fabs(mean / count) <= z_bound * std::sqrt(exact / count) + drift,
         "<x> is " + numerics::general(mean / count) + " in a symmetric potential");
}

/// <x^power> of exp(-(j2 x^2 + j4 x^4)/kT) by the trapezoidal rule, which converges fast for such integrands.
double boltzmann_moment(double j2, double j4, double kT, int power) {
  double weighted = 0, norm = 0;
  for (int k = -4000; k <= 4000; ++k) {
    const double x = k * 1e-3, weight = std::exp(-(j2 * x * x + j4 * x * x * x * x) / kT);
    weighted += weight * std::pow(x, power);
    norm += weight;
  }
  return weighted / norm;
}

}  // namespace

namespace checks {

void meters(Device& device) {
  const Capabilities& caps = device.capabilities();
  if (!caps.meters) {
    expect_error(HB_UNSUPPORTED, "a meter without CAPS.METERS", [&] { Program(caps, 1).meter_clear(); });
    throw Skipped("the device lacks CAPS.METERS");
  }
  const JobOptions options = repeatable(caps, 8, 3);
  const Result result = device.run(driven(device, std::min(4u, caps.cells), {}), options);
  for (std::uint32_t shot = 0; shot < options.shots; ++shot) {
    const hb_meters_t& before = result.meters[0][shot];
    const hb_meters_t& after = result.meters[1][shot];
    const double change = after.energy - before.energy, balance = after.work - after.heat;
    const double scale = std::fabs(after.energy) + std::fabs(after.work) + std::fabs(after.heat) + 1e-3;
    const std::string who = "shot " + std::to_string(shot);
    expect(before.work == 0 && before.heat == 0, who + ": METER_CLEAR left work or heat");
    expect(std::fabs(change - balance) <= 1e-4 * scale, who + ": dE = " + numerics::general(change) + ", W - Q = " + numerics::general(balance));
    expect(after.work != 0, who + ": a ramp of the biases did no work");
  }
}

void cell_heat(Device& device) {
  const Capabilities& caps = device.capabilities();
  if (!caps.heat_per_cell) {
    expect_error(HB_UNSUPPORTED, "heat of cells without CAPS.HEAT_PER_CELL",
                 [&] { Program(caps, 1).meter_snapshot(Meter::heat_per_cell); });
    throw Skipped("the device lacks CAPS.HEAT_PER_CELL");
  }
  const std::uint32_t cells = std::min(4u, caps.cells);
  const JobOptions options = repeatable(caps, 8, 3);
  const Result result = device.run(driven(device, cells, Meter::heat_per_cell), options);
  for (std::uint32_t shot = 0; shot < options.shots; ++shot) {
    double sum = 0, scale = 1e-3;
    for (std::uint32_t cell = 0; cell < cells; ++cell) {
      const double heat = result.meter(Meter::heat_per_cell, 1)[std::size_t{shot} * cells + cell];
      expect(result.meter(Meter::heat_per_cell)[std::size_t{shot} * cells + cell] == 0, "METER_CLEAR left heat of cells");
      sum += heat;
      scale += std::fabs(heat);
    }
    const double whole = result.meters[1][shot].heat_path;
    expect(std::fabs(sum - whole) <= 1e-4 * scale, "shot " + std::to_string(shot) + ": the heat of its cells adds up to " +
                                                       numerics::general(sum) + ", its path heat is " + numerics::general(whole));
  }
}

void readback(Device& device) {
  const Capabilities& caps = device.capabilities();
  needs(caps.readback, "READBACK");
  const std::uint32_t cells = std::min(6u, caps.cells);
  const auto step = [&](float range) {
    return caps.parameter_number == Number::float32 ? 0.0f : range / static_cast<float>((1u << (caps.parameter_bits - 1)) - 1);
  };
  // A part with mismatch shows what it applies: offsets of some codes, gains of some per cent.
  const auto close = [&](float applied, float wanted, float range) {
    return std::fabs(applied - wanted) <= 4 * step(range) + (step(range) > 0 ? 0.06f * std::fabs(wanted) : 0.0f);
  };
  const bool stiff = has(caps, CellSection::j2);
  // A large field holds a phase so stiffly that no step of ordinary length is stable.
  const float largest = has(caps, CellSection::frequency) ? std::min(1.0f, caps.range_bias) : caps.range_bias * 0.5f;
  Program program(caps, cells);
  std::vector<float> bias(program.values_of(HB_SECTION_BIAS)), j2(cells), couplings(std::size_t{cells} * cells, 0.0f);
  for (std::uint32_t i = 0; i < bias.size(); ++i) bias[i] = largest * std::sin(static_cast<float>(i));
  for (std::uint32_t i = 0; i < cells; ++i) j2[i] = std::min(1.0f, caps.range_j2) * std::cos(static_cast<float>(i));
  std::vector<Coupler> couplers = program.couplers();
  for (std::uint32_t i = 0; i < cells && !caps.sparse(); ++i)
    for (std::uint32_t j = i + 1; j < cells; ++j) couplers.push_back({i, j});
  for (const auto [i, j] : couplers)
    couplings[i * cells + j] = couplings[j * cells + i] = std::min(0.25f, caps.range_coupling) * std::cos(static_cast<float>(3 * j + i));
  program.load(CellSection::bias, bias);
  if (stiff) program.load(CellSection::j2, j2);
  if (cells > 1) program.load_couplings(couplings);
  program.commit().readback(CellSection::bias).readback(stiff ? CellSection::j2 : CellSection::bias);
  if (cells > 1) program.readback_couplings();
  const Result result = device.run(program);
  for (std::uint32_t i = 0; i < bias.size(); ++i)
    expect(close(result.readback[0][i], bias[i], caps.range_bias), "bias " + std::to_string(i) + " loaded as " + numerics::general(bias[i]) +
                                                                       " reads back as " + numerics::general(result.readback[0][i]));
  for (std::uint32_t i = 0; i < cells; ++i)
    if (stiff)
      expect(close(result.readback[1][i], j2[i], caps.range_j2), "J2 " + std::to_string(i) + " loaded as " + numerics::general(j2[i]) +
                                                                   " reads back as " + numerics::general(result.readback[1][i]));
  for (std::size_t k = 0; cells > 1 && k < couplings.size(); ++k)
    expect(close(result.readback[2][k], couplings[k], caps.range_coupling), "coupling " + std::to_string(k) + " reads back changed");
}

void clipping(Device& device) {
  const Capabilities& caps = device.capabilities();
  // The parameter that makes no step unstable, however large: a phase has its frequency, other cells have their bias.
  const bool phase = has(caps, CellSection::frequency);
  const CellSection section = phase ? CellSection::frequency : CellSection::bias;
  const float range = phase ? caps.range_frequency : caps.range_bias;
  const std::string what = phase ? "a frequency" : "a bias";
  Program inside(caps, 1), outside(caps, 1);
  inside.load(section, range * 0.9f).commit();
  outside.load(section, range * 1.5f).commit();
  if (caps.readback) outside.readback(section);
  expect(device.run(inside).clips == 0, what + " inside of its range is counted as clipped");
  const Result result = device.run(outside);
  const std::uint64_t clips = outside.values_of(static_cast<hb_section_t>(section));
  expect(result.clips == clips, what + " beyond its range is counted as " + std::to_string(result.clips) + " clips, expected " +
                                    std::to_string(clips));
  if (caps.readback)
    expect(result.readback[0][0] <= range * 1.1f, what + " beyond its range is applied as " + numerics::general(result.readback[0][0]));
}

void linear_cells(Device& device) {
  const Capabilities& caps = device.capabilities();
  needs_overdamped(caps);
  // V = x^2, k = V'' = 2: the variance is kT/k, of Euler's steps kT/k / (1 - mu k dt/2).
  const double kT = temperature(caps), k = 2, dt = device.time_units(device.step());
  const double variance = kT / k / (1 - caps.mobility * k * dt / 2);
  // After a time T from 0 a part exp(-2 mu k T) is missing.
  expect_second_moment(device, relaxed(device, 1, 0, 3 / caps.mobility), variance, 3 * variance * variance, 1e-4);
}

void quartic_cells(Device& device) {
  needs_overdamped(device.capabilities());
  if (device.capabilities().stepper == Stepper::exact_ou) throw Skipped("its stepper is for linear cells");
  const double kT = temperature(device.capabilities());
  const double second = boltzmann_moment(-1, 1, kT, 2), fourth = boltzmann_moment(-1, 1, kT, 4);
  expect_second_moment(device, relaxed(device, -1, 1, 6 / device.capabilities().mobility), second, fourth, 5e-3);
}

}  // namespace checks
}  // namespace heatbath::conformance
