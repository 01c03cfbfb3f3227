#pragma once
// What a chip does to the values it is given, measured from its own samples, and values that undo it.

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "heatbath/chip_condition.hpp"
#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/network/network.hpp"

namespace heatbath::network {

/// A cell: what acts is gain times what was loaded, plus the offset. Offsets are in the device's units. What was not
/// measured is NaN, and taken as 1 (gains) or 0 (offsets).
struct CellFigures {
  measure::Estimate j2_gain, j4_gain, bias_gain, bias_offset;  ///< of what was loaded
  measure::Estimate temperature;  ///< of its noise, over the kT that was loaded
  measure::Estimate read_offset = {};  ///< what its converter reads too much about 0; units of the device's state
};

/// A coupler i < j, likewise.
struct CouplerFigures {
  std::uint32_t i = 0, j = 0;  ///< cells
  measure::Estimate gain, offset;  ///< of what was loaded
};

/// How a chip stands to its calibration: `needed`: it is not as it was then (the temperature of its die); `expired`: so
/// much time has passed that its figures may have moved too far.
enum class CalibrationState : std::uint8_t { valid, needed, expired };
/// "valid", "calibration needed", "calibration expired".
std::string_view name(CalibrationState state);

/// Whether a calibration whose state is not valid is used.
enum class Expired : std::uint8_t { refused, used };

/// What becomes of a cell or coupler that is dead (gain below 0.2), which nothing it could be loaded with would help: it is
/// refused by name, or loaded as it was wanted.
enum class Dead : std::uint8_t { refused, left };

/// How a chip stands to its calibration, and why.
struct CalibrationStanding {
  CalibrationState state = CalibrationState::valid;  ///< valid, or not
  std::string why;      ///< it is not valid, with its name in front; empty else
  double left = 1;      ///< part of its time that is left, the least of what limits it: 1 new, 0 over
};

/// What was measured of one chip, when, and for how long it holds.
struct Calibration {
  std::uint32_t vendor = 0, part = 0;  ///< of the chip, as its identity says
  std::uint64_t serial = 0;  ///< of the chip
  std::int64_t made_at = 0;          ///< seconds since 1970, by the clock of the host
  std::int64_t valid_seconds = 0;    ///< from then on; 0: for ever
  std::uint32_t resets = 0;          ///< RESET_COUNT then
  double made_time = std::numeric_limits<double>::quiet_NaN();  ///< device time since that reset, time units; NaN: not known
  /// Time units of the device for which its figures hold, by the rates that were measured; 0: not known. It counts as
  /// long as the device is not reset: a host does not see how old a part is.
  double valid_time = 0;
  double die_temperature = std::numeric_limits<double>::quiet_NaN();  ///< kelvin; NaN where the chip does not tell
  double valid_kelvin = 0;           ///< by which the die may be warmer or colder; 0: by any
  /// By how much variances grow with stiffness: 1 + stiffness step/2, as by a finite step of the array; units of the
  /// device's J2 to the power -1. 0 where none was seen, NaN where none was measured.
  measure::Estimate step;
  /// Relative changes of J2 and J4, and of couplers, per time unit of the device, when it was made; NaN where they were
  /// not measured.
  measure::Estimate cell_rate, coupler_rate;
  std::vector<CellFigures> cells;
  std::vector<CouplerFigures> couplers;  ///< of pairs of those cells, sorted

  /// By the clocks and the die's temperature of `now`; no access.
  CalibrationStanding standing(const ChipCondition& now) const;
  /// Throws Error(BAD_ARG) that names the reason: it is of another chip, or its state is not valid and `expired` refuses
  /// that.
  void require(const Identity& chip, const ChipCondition& now, Expired expired = Expired::refused) const;
  /// The same of a device as it is.
  void require(Device& device, Expired expired = Expired::refused) const;

  /// What to load in a section of a cell for `wanted`, in the device's units: V is what acts, and temperatures that differ
  /// from cell to cell are made up for by energies. J2, J4 and biases count times the temperature of the cell, couplings
  /// times the mean of their two cells, which is exact for one temperature and off by the square of the spread times the
  /// couplings else. Throws Error(UNSUPPORTED) that names a cell or coupler that is dead, unless a coupler of 0 is wanted.
  double loaded(CellSection section, std::uint32_t cell, double wanted, Dead dead = Dead::refused) const;
  /// The same of a coupler; null: it was not measured.
  double loaded(std::uint32_t i, std::uint32_t j, const CouplerFigures* figures, double wanted, Dead dead = Dead::refused) const;
};

/// Has the device undo what its chip does, by a calibration of it, in every program that is made for its capabilities from
/// now on (Device::correct); each job is refused by the name of the calibration's state, as Calibration::require does.
/// Scaling also makes up for the step in linear networks. Throws Error as of Calibration::require, Error(UNSUPPORTED) for a
/// rack.
void correct(Device& device, Calibration calibration, Expired expired = Expired::refused, Dead dead = Dead::refused);

/// What a chip whose variances grow with stiffness by 1 + k step/2 is to be given for the law of a linear network with the
/// matrix A: A + A^2 step/2, and biases with the same mean; where the network has couplings, with one for each of
/// `couplers` (sorted), or for all pairs where that is empty. Networks with J4 and other cells stay as they are.
Network stiffened(const Network& wanted, double step, std::span<const Coupler> couplers);

/// What is measured, and how well.
struct CalibrateOptions {
  std::uint32_t cells = 0;        ///< the first so many; 0: all
  double effort = 1;              ///< samples, relative to the usual number; errors fall with its root
  std::int64_t valid_seconds = 86400;
  /// Relative change of gains and of the temperature at which it is said to be over: with the rates that were measured,
  /// and two of their standard errors, it gives valid_time, and valid_kelvin. 0: never.
  double tolerance = 0.02;
  bool couplers = true;           ///< else cells alone: couplers take a job for each cell
  /// Those that will be used, sorted by i, then j; empty: all. Cells are clamped one after the other until each of these has
  /// been seen: of a network of two layers, those of the smaller one.
  std::vector<Coupler> used = {};
  std::uint64_t seed = 1;         ///< where the device takes one
  Progress progress = nullptr;
};

/// Measures the chip from its own states and codes, with nothing else.
/// P-bits: the curve of each cell, P(up) = 1/(1 + exp(2 (gain b + offset)/kT)), by greatest likelihood of how often it is up
/// under 16 biases, and couplers by fields on free cells beside a clamped one, at both signs of coupling and state. One
/// temperature is taken, the device's: what a cell's own differs by is in its gains and offsets. A cell that never turns
/// has gain 0. Where biases reach less than 0.1 kT, as of a chip that has none, there is no curve.
/// Overdamped cells, with couplings off:
/// - bias: drift of a cell without force from 0, x = -gain b t (1 - k t/2) with the k that code 0 of J2
///   leaves, absolute by the clock of the device;
/// - offsets of biases and of the read-out: means under the same biases and two stiffnesses; J4: <x^3> = -(bias + k x)/(4 J4),
///   exact at any temperature;
/// - temperature, step and J2: variances and means under two stiffnesses, from the same records;
/// - couplers: means of free cells beside a clamped one, at both signs of bias, coupling and state.
/// Phases that are compared come by turns, so that slow noise and drift are the same for all; couplers and J2 are measured
/// in up to four passes, whose differences are the rates at which they change, and figures are those of the end. Standard
/// errors count the correlation of consecutive samples.
/// A correction that the device has is off meanwhile.
/// Throws Error(UNSUPPORTED) for other cells, and for overdamped ones at a temperature that is fixed.
Calibration calibrate(Device& device, const CalibrateOptions& options = {});

}  // namespace heatbath::network
