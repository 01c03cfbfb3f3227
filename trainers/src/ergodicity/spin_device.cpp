#include "heatbath/trainers/ergodicity/spin_device.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "cell_requirements.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::trainers {
namespace {

constexpr double kRandomSweeps = 8;                   // enough for every p-bit to be drawn anew
constexpr double kStepStiffness = 0.064;              // step times curvature of a well: 3 % on the width in the well
constexpr double kRandomTime = 4;                     // bistable cells leave the top within one time unit

}  // namespace

SpinDevice::SpinDevice(Device& device, std::uint64_t seed, std::uint32_t first_shot)
    : device_(&device), shots_(device, {.seed_where_taken = seed, .first_shot = first_shot}) {
  require_cells(device.capabilities(), "a machine of spins", CellKind::pbit, 1);
  if (device.capabilities().dt_programmable) device.set_step_time_units(1.0);
}

SpinDevice::SpinDevice(Device& device, std::uint64_t seed, const BistableCells& cells, std::uint32_t first_shot)
    : device_(&device), shots_(device, {.seed_where_taken = seed, .first_shot = first_shot}), bistable_(cells) {
  const Capabilities& capabilities = device.capabilities();
  require_cells(capabilities, "a machine of bistable cells", CellKind::overdamped, 1);
  if (!(cells.height > 0))
    throw Error(HB_BAD_ARG, "bistable cells of height " + numerics::general(cells.height) + "; above 0");
  if (capabilities.dt_programmable) {
    const double stiffness = 8 * cells.height * static_cast<double>(capabilities.mobility);
    device.set_step_time_units(kStepStiffness / stiffness);
  }
}

network::Network SpinDevice::network_of_cells(const network::Network& spins, double kT) const {
  require_cells(device_->capabilities(), "this machine", bistable_ ? CellKind::overdamped : CellKind::pbit, spins.cells());
  if (!(kT > 0) || !std::isfinite(kT)) throw Error(HB_BAD_ARG, "a machine at kT = " + numerics::general(kT) + "; above 0");
  if (!bistable_) return spins;
  if (kT != 1)
    throw Error(HB_BAD_ARG, "bistable cells act as spins at kT = 1 of the machine, not " + numerics::general(kT));
  network::Network cells = network::Network::double_wells(spins.cells(), bistable_->height);
  const auto field_scale = static_cast<double>(static_cast<float>(bistable_->field_scale));
  const auto coupling_scale = static_cast<double>(static_cast<float>(bistable_->coupling_scale));
  std::vector<double> field(spins.cells());
  for (std::uint32_t i = 0; i < spins.cells(); ++i) field[i] = -spins.value(CellSection::bias, i) * field_scale;
  std::vector<network::Edge> edges(spins.couplings().begin(), spins.couplings().end());
  for (network::Edge& edge : edges) edge.value *= coupling_scale;
  cells.set_fields(field).set_couplings(edges);
  return cells;
}

network::Scaling SpinDevice::scaling(const network::Network& network, double kT) const {
  // Energies stay as they are, but for a device that cannot be as cold.
  const Capabilities& caps = device_->capabilities();
  const auto coldest = static_cast<double>(caps.kT_programmable ? caps.kT_min : caps.kT_reset);
  return {network, caps, {.kT = kT, .most_energy = std::max(1.0, coldest / kT), .keep_states = true}};
}

SpinRecords SpinDevice::run(const SpinMachine& machine, double kT, const Run& run) {
  return this->run(network_of(machine), kT, run);
}

SpinRecords SpinDevice::run(const network::Network& spins, double kT, const Run& run) {
  const std::uint32_t cells = spins.cells();
  const std::size_t n = cells;
  if (run.shots == 0 || run.records == 0) throw Error(HB_BAD_ARG, "a run of no shots or records");
  if (!run.starts.empty() && run.starts.size() != n * run.shots)
    throw Error(HB_BAD_ARG, std::to_string(run.starts.size()) +
                                " start spins; shots x cells = " + std::to_string(n * run.shots) + " are needed");
  if (spins.kind() != CellKind::pbit) throw Error(HB_BAD_ARG, std::string("a network of spins is needed, not of ") + name(spins.kind()) + " cells");
  if (!run.held.empty() && run.starts.empty()) throw Error(HB_BAD_ARG, "cells held at their start, and no start spins");
  std::uint64_t held_to = 0;
  for (const Cells& held : run.held) {
    const std::uint64_t end = std::uint64_t{held.first} + held.count;
    if (held.count == 0 || held.first < held_to || end > n)
      throw Error(HB_BAD_ARG, std::to_string(held.count) + " cells from " + std::to_string(held.first) +
                                  " on held at their start; ranges rise, do not overlap and lie within " + std::to_string(n) + " cells");
    held_to = end;
  }
  const network::Network network = network_of_cells(spins, kT);
  const network::Scaling scaling = this->scaling(network, kT);
  const network::Network alone = bistable_ ? network::Network::double_wells(cells, bistable_->height)
                                           : network::Network(CellKind::pbit, cells);
  const auto ticks = [&](double duration) { return device_->ticks(duration / scaling.factors().time); };
  SpinRecords records{run.shots, run.records, cells, {}};
  records.spins.resize(std::size_t{run.shots} * run.records * n);
  const std::uint64_t shot_bytes = std::uint64_t{run.records} * n * sizeof(float);
  const auto program_of = [&](std::uint32_t done, std::uint32_t shots) {
    Program program(device_->capabilities(), cells);
    scaling.load_into(program, alone);
    program.commit();
    if (run.starts.empty()) {
      if (bistable_) program.clamp(0, cells, 0.0f).release(0, cells);
      program.evolve(ticks(bistable_ ? kRandomTime : kRandomSweeps));
    }
    scaling.load_into(program);
    program.commit();
    if (!run.starts.empty()) {
      const std::span<const Spin> starts = run.starts.subspan(done * n, shots * n);
      const std::vector<float> values(starts.begin(), starts.end());
      program.clamp_per_shot(0, cells, values, shots);
      std::uint32_t from = 0;
      for (const Cells& held : run.held) {
        if (held.first > from) program.release(from, held.first - from);
        from = held.first + held.count;
      }
      if (from < cells) program.release(from, cells - from);
      if (!run.held.empty()) {
        const Ticks settle = ticks(run.settle);
        if (settle.count > 0) program.evolve(settle);
        if (run.held.size() == 1) program.release(run.held.front().first, run.held.front().count);
        else program.release(0, cells);
      }
    }
    const Ticks burn = ticks(run.burn);
    if (burn.count > 0) program.evolve(burn);
    program.sample();
    if (run.records > 1) program.loop_begin(run.records - 1).evolve(ticks(run.interval)).sample().loop_end();
    return program;
  };
  shots_.run(run.shots, shot_bytes, program_of, [&](std::uint32_t done, Result&& result) {
    std::ranges::copy(result.capture.spins(), records.spins.begin() + static_cast<std::ptrdiff_t>(std::size_t{done} * run.records * n));
  });
  return records;
}

SpinDevice::FreeEnergy SpinDevice::free_energy(const SpinMachine& machine, double kT, std::uint32_t shots,
                                               double duration) {
  if (bistable_) throw Error(HB_BAD_ARG, "the free energy of a machine of spins is measured on p-bits");
  require(device_->capabilities().meters, "the free energy of a machine", "METERS");
  if (shots < 2) throw Error(HB_BAD_ARG, "a free energy from " + std::to_string(shots) + " ramps; at least 2");
  const network::Scaling scaling = this->scaling(network_of_cells(network_of(machine), kT), kT);
  Program program(device_->capabilities(), machine.cells);
  scaling.load_into(program, network::Network(CellKind::pbit, machine.cells));
  program.load_gain(1.0f).commit().evolve(device_->ticks(kRandomSweeps)).meter_clear();
  scaling.load_into(program);
  program.ramp(device_->ticks(duration)).meter_snapshot();
  const Result result = shots_.run(program, shots);

  const double scale = scaling.device_kT();
  std::vector<double> exponents;  // -(W + shadow)/T
  for (const hb_meters_t& meters : result.meters.front())
    exponents.push_back(-(meters.work + meters.work_shadow) / scale);
  if (!std::ranges::all_of(exponents, [](double exponent) { return std::isfinite(exponent); }))
    throw Error(HB_DEVICE, "the free energy of a machine: a metered work is not a finite number");
  const double highest = *std::ranges::max_element(exponents);
  double sum = 0, squares = 0;
  for (const double exponent : exponents) {
    const double weight = std::exp(exponent - highest);
    sum += weight;
    squares += weight * weight;
  }
  FreeEnergy free_energy;
  free_energy.value = -kT * (machine.cells * std::numbers::ln2 + highest + std::log(sum / static_cast<double>(shots)));
  free_energy.effective = sum * sum / squares;
  free_energy.standard_error = kT * std::sqrt(std::max(0.0, 1 / free_energy.effective - 1 / static_cast<double>(shots)));
  return free_energy;
}

namespace {

/// artanh of the mean of shots of +-1, with the error of the mean carried over.
measure::Estimate effective(const std::vector<double>& products) {
  double mean = 0;
  for (const double product : products) mean += product;
  mean /= static_cast<double>(products.size());
  // Independent shots of several records each: the error comes from the shots.
  double variance = 0;
  for (const double product : products) variance += (product - mean) * (product - mean);
  const auto n = static_cast<double>(products.size());
  const double error = std::sqrt(variance / (n * (n - 1)));
  return {std::atanh(mean), error / (1 - mean * mean)};
}

/// Effective field (first cell) and coupling (cells 1 and 2) of bistable cells with these scales.
struct Effective {
  measure::Estimate field, coupling;
};
Effective measure(Device& device, std::uint64_t seed, const BistableCells& cells, double target, std::uint32_t shots,
                  std::uint32_t& next_shot) {
  constexpr std::uint32_t kRecords = 16;
  SpinDevice spins(device, seed, cells, next_shot);
  SpinMachine machine(3);
  machine.field[0] = static_cast<float>(target);
  machine.couple(1, 2, static_cast<float>(target));
  // Both signs of each: half of the shots start up, half down, so that the law is met from both sides.
  std::vector<Spin> starts;
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    const Spin first = shot % 2 != 0 ? Spin{1} : Spin{-1}, second = shot / 2 % 2 != 0 ? Spin{1} : Spin{-1};
    starts.insert(starts.end(), {first, first, second});
  }
  const double relax = std::numbers::pi * std::exp(cells.height) / (std::sqrt(8.0) * 2 * cells.height);
  SpinDevice::Run run;
  run.shots = shots;
  run.starts = starts;
  run.burn = 6 * relax;
  run.records = kRecords;
  run.interval = relax;
  const SpinRecords records = spins.run(machine, 1, run);
  std::vector<double> single(shots, 0.0), pair(shots, 0.0);
  for (std::uint32_t shot = 0; shot < shots; ++shot) {
    for (std::uint32_t record = 0; record < kRecords; ++record) {
      const std::span<const Spin> state = records.state(shot, record);
      single[shot] += state[0] / static_cast<double>(kRecords);
      pair[shot] += state[1] * state[2] / static_cast<double>(kRecords);
    }
  }
  next_shot = spins.next_shot();
  return {effective(single), effective(pair)};
}

}  // namespace

Calibration calibrate(Device& device, std::uint64_t seed, double height, double target, std::uint32_t shots) {
  if (!(height > 0) || !(target > 0) || shots < 8)
    throw Error(HB_BAD_ARG, "calibrate: height and target above 0 and at least 8 shots are needed");
  std::uint32_t next_shot = 0;
  Calibration calibration;
  calibration.target = target;
  calibration.cells.height = height;
  const auto usable = [](const measure::Estimate& m) { return std::isfinite(m.value) && m.value > 2 * m.standard_error; };
  const auto measured = [&] {
    const Effective now = measure(device, seed, calibration.cells, target, shots, next_shot);
    if (!usable(now.field) || !usable(now.coupling))
      throw Error(HB_BAD_ARG, "calibrate: " + std::to_string(shots) +
                                  " shots do not tell the effective field and coupling of bistable cells from 0, or "
                                  "from infinity; more shots are needed");
    return now;
  };
  const Effective soft = measured();
  calibration.soft_coupling = soft.coupling;
  calibration.cells.coupling_scale = target / soft.coupling.value;
  calibration.cells.field_scale = target / soft.field.value;
  // The effective values are nearly linear in the strength: one correction leaves the second order of what is left.
  const Effective once = measured();
  calibration.cells.coupling_scale *= target / once.coupling.value;
  calibration.cells.field_scale *= target / once.field.value;
  const Effective last = measured();
  calibration.effective_coupling = last.coupling;
  calibration.effective_field = last.field;
  return calibration;
}

}  // namespace heatbath::trainers
