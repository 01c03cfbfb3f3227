#include "heatbath/network/calibration.hpp"

#include <algorithm>
#include <cmath>
#include <ctime>
#include <string>
#include <utility>

#include "heatbath/chip_correction.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::network {
namespace {

constexpr double least_gain = 0.2;  // below it an element is dead: nothing it could be loaded with would do

double or_else(const measure::Estimate& estimate, double usual) {
  return std::isnan(estimate.value) ? usual : estimate.value;
}

/// Throws for what is not; then it is to be left as it is.
template <class What>
bool alive(const measure::Estimate& gain, Dead dead, const What& what) {
  const double value = or_else(gain, 1);
  if (value >= least_gain) return true;
  if (dead == Dead::left) return false;
  throw Error(HB_UNSUPPORTED, "calibration: " + what() + " is dead: its gain is " + std::to_string(value));
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

double Calibration::loaded(CellSection section, std::uint32_t cell, double wanted, Dead dead) const {
  const CellFigures& is = cells.at(cell);
  const auto through = [&](const measure::Estimate& gain, double offset) {
    if (!alive(gain, dead, [&] { return "cell " + std::to_string(cell); })) return wanted;
    return (or_else(is.temperature, 1) * wanted - offset) / or_else(gain, 1);
  };
  switch (section) {
    case CellSection::j2: return through(is.j2_gain, 0);
    case CellSection::j4: return through(is.j4_gain, 0);
    case CellSection::bias: return through(is.bias_gain, or_else(is.bias_offset, 0));
    default: return wanted;
  }
}

double Calibration::loaded(std::uint32_t i, std::uint32_t j, const CouplerFigures* figures, double wanted, Dead dead) const {
  const double value = (or_else(cells.at(i).temperature, 1) + or_else(cells.at(j).temperature, 1)) / 2 * wanted;
  if (figures == nullptr) return value;
  const double gain = std::max(or_else(figures->gain, 1), least_gain);
  if (wanted != 0) {
    const auto pair = [&] { return "the coupler of cells " + std::to_string(i) + " and " + std::to_string(j); };
    if (!alive(figures->gain, dead, pair)) return wanted;
  }
  return (value - or_else(figures->offset, 0)) / gain;
}

namespace {

/// A calibration for programs.
class ByCalibration final : public ChipCorrection {
 public:
  ByCalibration(Calibration calibration, Expired expired, Dead dead)
      : calibration_(std::move(calibration)), expired_(expired), dead_(dead), row_(calibration_.cells.size() + 1) {
    for (const CouplerFigures& one : calibration_.couplers) ++row_[one.i + 1];
    for (std::size_t i = 1; i < row_.size(); ++i) row_[i] += row_[i - 1];
  }
  std::uint32_t cells() const override { return static_cast<std::uint32_t>(calibration_.cells.size()); }
  void correct(CellSection section, std::span<float> values) const override {
    for (std::uint32_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(calibration_.loaded(section, i, static_cast<double>(values[i]), dead_));
  }
  float coupling(std::uint32_t i, std::uint32_t j, float wanted) const override {
    return static_cast<float>(calibration_.loaded(i, j, figures_of(i, j), static_cast<double>(wanted), dead_));
  }
  double step() const override { return calibration_.step.value > 0 ? calibration_.step.value : 0; }
  void require(Device& device) const override { calibration_.require(device, expired_); }
  std::string text() const override {
    const std::time_t made = calibration_.made_at;
    std::tm utc{};
    gmtime_r(&made, &utc);
    char day[32];
    std::strftime(day, sizeof day, "%Y-%m-%d %H:%M UTC", &utc);
    return std::string("calibrated ") + day + ": " + std::to_string(calibration_.cells.size()) + " cells, " +
           std::to_string(calibration_.couplers.size()) + " couplers" + (expired_ == Expired::used ? ", used whatever its state" : "");
  }

 private:
  /// Couplers are sorted by i, then j.
  const CouplerFigures* figures_of(std::uint32_t i, std::uint32_t j) const {
    const std::uint32_t first = row_[i], count = row_[i + 1] - first;
    const CouplerFigures* const row = calibration_.couplers.data() + first;
    if (j - i - 1 < count && row[j - i - 1].j == j) return row + (j - i - 1);  // of a dense chip
    const auto at = std::lower_bound(row, row + count, j, [](const CouplerFigures& one, std::uint32_t wanted) { return one.j < wanted; });
    return at != row + count && at->j == j ? at : nullptr;
  }

  Calibration calibration_;
  Expired expired_;
  Dead dead_;
  std::vector<std::uint32_t> row_;  ///< where those of cell i begin
};

}  // namespace

void correct(Device& device, Calibration calibration, Expired expired, Dead dead) {
  calibration.require(device, expired);
  for (std::size_t k = 0; k < calibration.couplers.size(); ++k) {
    const auto& at = calibration.couplers[k];
    const bool follows = k == 0 || std::pair(calibration.couplers[k - 1].i, calibration.couplers[k - 1].j) < std::pair(at.i, at.j);
    if (!follows || at.i >= at.j || at.j >= calibration.cells.size())
      throw Error(HB_BAD_ARG, "calibration: coupler " + std::to_string(k) + " is (" + std::to_string(at.i) + "," + std::to_string(at.j) +
                                  "); pairs i < j of its " + std::to_string(calibration.cells.size()) +
                                  " cells are needed, sorted, each once");
  }
  device.correct(std::make_shared<const ByCalibration>(std::move(calibration), expired, dead));
}

Network stiffened(const Network& wanted, double step, std::span<const Coupler> couplers) {
  if (step == 0 || wanted.kind() != CellKind::overdamped || wanted.directed() || wanted.largest(CellSection::j4) != 0) return wanted;
  const std::uint32_t count = wanted.cells();
  std::vector<std::vector<std::pair<std::uint32_t, double>>> rows(count);
  std::vector<double> j2(count), bias(count);
  for (std::uint32_t i = 0; i < count; ++i) {
    j2[i] = wanted.value(CellSection::j2, i), bias[i] = wanted.value(CellSection::bias, i);
    rows[i].emplace_back(i, 2 * j2[i]);
  }
  for (const Edge& edge : wanted.couplings()) rows[edge.i].emplace_back(edge.j, edge.value), rows[edge.j].emplace_back(edge.i, edge.value);
  std::vector<Edge> edges;
  std::vector<double> moved = bias, row(count);  // of A + A^2 step/2
  auto known = couplers.begin();
  for (std::uint32_t i = 0; i < count; ++i) {
    std::ranges::fill(row, 0.0);
    for (const auto& [l, value] : rows[i]) {
      moved[i] += step / 2 * value * bias[l];
      row[l] += value;
      for (const auto& [j, other] : rows[l]) row[j] += step / 2 * value * other;
    }
    j2[i] = row[i] / 2;
    if (wanted.couplings().empty()) continue;
    if (couplers.empty())
      for (std::uint32_t j = i + 1; j < count; ++j) edges.push_back({i, j, row[j]});
    while (known != couplers.end() && known->i < i) ++known;
    for (; known != couplers.end() && known->i == i; ++known)
      if (known->j < count) edges.push_back({i, known->j, row[known->j]});
  }
  Network network = wanted;
  network.set(CellSection::j2, j2).set(CellSection::bias, moved);
  if (!edges.empty()) network.set_couplings(edges);
  return network;
}

}  // namespace heatbath::network
