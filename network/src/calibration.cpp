#include "heatbath/network/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::network {
namespace {

constexpr double least_gain = 0.2;  // below it an element is dead: nothing it could be loaded with would do

double or_else(const measure::Estimate& estimate, double usual) {
  return std::isnan(estimate.value) ? usual : estimate.value;
}

double alive(const measure::Estimate& gain, const std::string& what) {
  const double value = or_else(gain, 1);
  if (!(value >= least_gain))
    throw Error(HB_UNSUPPORTED, "calibration: " + what + " is dead: its gain is " + std::to_string(value));
  return value;
}

std::string chip_text(std::uint32_t vendor, std::uint32_t part, std::uint64_t serial) {
  return "vendor " + std::to_string(vendor) + ", part " + std::to_string(part) + ", serial " + std::to_string(serial);
}

}  // namespace

std::string_view name(CalibrationState state) {
  switch (state) {
    case CalibrationState::needed: return "calibration needed";
    case CalibrationState::expired: return "calibration expired";
    default: return "valid";
  }
}

CalibrationStanding Calibration::standing(const ChipCondition& now) const {
  CalibrationStanding is;
  const auto limit = [&](CalibrationState state, double gone, double allowed, const std::string& why) {
    is.left = std::min(is.left, std::max(0.0, 1 - gone / allowed));
    if (gone <= allowed || is.state != CalibrationState::valid) return;
    is.state = state;
    is.why = std::string(name(state)) + ": " + why + "; calibrate again, or say that it may be used";
  };
  const auto seconds = now.seconds - made_at;
  if (valid_seconds > 0)
    limit(CalibrationState::expired, static_cast<double>(seconds), static_cast<double>(valid_seconds),
          "it was made " + std::to_string(seconds) + " s ago and is valid for " + std::to_string(valid_seconds) + " s");
  if (valid_time > 0 && now.resets == resets && now.time >= made_time)
    limit(CalibrationState::expired, now.time - made_time, valid_time,
          "the device has worked " + numerics::general(now.time - made_time) + " time units since it was made, and drifts so that it is valid for " +
              numerics::general(valid_time));
  if (valid_kelvin > 0 && std::isfinite(now.kelvin) && std::isfinite(die_temperature))
    limit(CalibrationState::needed, std::fabs(now.kelvin - die_temperature), valid_kelvin,
          "the die is at " + numerics::general(now.kelvin) + " K, when it was made it was at " + numerics::general(die_temperature) +
              " K, and may be " + numerics::general(valid_kelvin) + " K away from that");
  return is;
}

void Calibration::require(const Identity& chip, const ChipCondition& now, Expired expired) const {
  if (chip.vendor != vendor || chip.part != part || chip.serial != serial)
    throw Error(HB_BAD_ARG, "calibration of another chip: it is of " + chip_text(vendor, part, serial) + ", the device is " +
                                chip_text(chip.vendor, chip.part, chip.serial));
  if (expired == Expired::used) return;
  if (const CalibrationStanding is = standing(now); is.state != CalibrationState::valid) throw Error(HB_BAD_ARG, is.why);
}

void Calibration::require(Device& device, Expired expired) const { require(device.identity(), condition_of(device), expired); }

namespace {

/// What a chip whose variances grow with stiffness by 1 + k step/2 needs for the law of a linear network with the matrix
/// A: A + A^2 step/2, and biases with the same mean. Couplings are those of the network and of `couplers`.
Network stiffened(const Network& wanted, double step, const std::vector<CouplerFigures>& couplers) {
  const std::uint32_t count = wanted.cells();
  std::vector<std::vector<std::pair<std::uint32_t, double>>> rows(count);
  std::vector<double> j2(count), bias(count), squares(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    j2[i] = wanted.value(CellSection::j2, i), bias[i] = wanted.value(CellSection::bias, i);
    rows[i].emplace_back(i, 2 * j2[i]);
  }
  for (const Edge& edge : wanted.couplings()) rows[edge.i].emplace_back(edge.j, edge.value), rows[edge.j].emplace_back(edge.i, edge.value);
  std::vector<Edge> edges;
  std::vector<double> moved = bias;
  auto known = couplers.begin();
  auto own = wanted.couplings().begin();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::ranges::fill(squares, 0.0);
    for (const auto& [l, value] : rows[i]) {
      moved[i] += step / 2 * value * bias[l];
      for (const auto& [j, other] : rows[l]) squares[j] += value * other;
    }
    j2[i] += step / 4 * squares[i];
    // Both lists are sorted by i, then j.
    while (true) {
      while (known != couplers.end() && (known->i < i || known->j >= count)) ++known;
      const bool has_known = known != couplers.end() && known->i == i, has_own = own != wanted.couplings().end() && own->i == i;
      if (!has_known && !has_own) break;
      const std::uint32_t j = has_known && (!has_own || known->j <= own->j) ? known->j : own->j;
      double value = step / 2 * squares[j];
      if (has_own && own->j == j) value += own->value, ++own;
      if (has_known && known->j == j) ++known;
      edges.push_back({i, j, value});
    }
  }
  Network network = wanted;
  network.set(CellSection::j2, j2).set(CellSection::bias, moved).set_couplings(edges);
  return network;
}

}  // namespace

Network Calibration::corrected(const Network& asked) const {
  const bool linear = asked.kind() == CellKind::overdamped && !asked.directed() && asked.largest(CellSection::j4) == 0;
  const Network wanted = linear && step.value > 0 ? stiffened(asked, step.value, couplers) : asked;
  const std::uint32_t count = wanted.cells();
  if (count > cells.size())
    throw Error(HB_BAD_ARG, "calibration: a network of " + std::to_string(count) + " cells; " + std::to_string(cells.size()) +
                                " were calibrated");
  if (wanted.kind() != CellKind::overdamped)
    throw Error(HB_UNSUPPORTED, "calibration: it is of overdamped cells; the network's are " + std::string(name(wanted.kind())));
  if (wanted.directed())
    throw Error(HB_UNSUPPORTED, "calibration: couplings that differ in their two directions are not corrected");
  Network network = wanted;
  std::vector<double> j2(count), j4(count), bias(count), warmth(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    const CellFigures& cell = cells[i];
    const std::string who = "cell " + std::to_string(i);
    warmth[i] = or_else(cell.temperature, 1);
    j2[i] = warmth[i] * wanted.value(CellSection::j2, i) / alive(cell.j2_gain, who);
    j4[i] = warmth[i] * wanted.value(CellSection::j4, i) / alive(cell.j4_gain, who);
    bias[i] = (warmth[i] * wanted.value(CellSection::bias, i) - or_else(cell.bias_offset, 0)) / alive(cell.bias_gain, who);
  }
  network.set(CellSection::j2, j2).set(CellSection::j4, j4).set(CellSection::bias, bias);
  // Both lists are sorted by i, then j.
  std::vector<Edge> edges;
  auto at = couplers.begin();
  const auto correct = [&](std::uint32_t i, std::uint32_t j, double value, const CouplerFigures* figures) {
    value *= (warmth[i] + warmth[j]) / 2;
    if (figures != nullptr)
      value = (value - or_else(figures->offset, 0)) /
              (value == 0 ? std::max(or_else(figures->gain, 1), least_gain)
                          : alive(figures->gain, "the coupler of cells " + std::to_string(i) + " and " + std::to_string(j)));
    edges.push_back({i, j, value});
  };
  const auto before = [](std::uint32_t i, std::uint32_t j, const Edge& edge) { return std::pair(i, j) < std::pair(edge.i, edge.j); };
  for (const Edge& edge : wanted.couplings()) {
    for (; at != couplers.end() && before(at->i, at->j, edge); ++at)
      if (at->j < count) correct(at->i, at->j, 0, &*at);
    const bool known = at != couplers.end() && at->i == edge.i && at->j == edge.j;
    correct(edge.i, edge.j, edge.value, known ? &*at : nullptr);
    if (known) ++at;
  }
  for (; at != couplers.end(); ++at)
    if (at->j < count) correct(at->i, at->j, 0, &*at);
  network.set_couplings(edges);
  return network;
}

std::shared_ptr<const Calibration> usable(Calibration calibration, Device& device, Expired expired) {
  calibration.require(device, expired);
  return std::make_shared<const Calibration>(std::move(calibration));
}

}  // namespace heatbath::network
