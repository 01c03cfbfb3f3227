#pragma once
// What a row of the ladder uses: a device that can run it, in units where kT = 1, and a list for its checks.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/network/shots.hpp"
#include "validate/check.hpp"

namespace heatbath::validation {

/// What a row needs of a device; energies in kT, states in the device's unit. A device whose ranges are too small for
/// kT = 1 is used at a lower temperature, and longer by as much: only ratios matter. Cells with inertia have a time of
/// their own and need kT = 1; discrete cells count sweeps.
struct Needs {
  CellKind kind = CellKind::overdamped;
  std::uint32_t cells = 1;  ///< least
  bool meters = false;
  bool increments_markov = false;  ///< path weights
  bool kT_zero = false;
  bool step = false;               ///< a step that the row chooses
  bool full_couplings = false;     ///< not reciprocal
  bool kT_per_cell = false;
  double j2 = 0, j4 = 0, bias = 0, coupling = 0, state = 0;  ///< largest magnitudes
  std::uint32_t states = 1;                                              ///< of a categorical cell
  Stepper stepper = Stepper::none;  ///< where the row is about one; none: any
  std::span<const std::pair<std::uint32_t, std::uint32_t>> pairs = {};  ///< couplers it must have; empty: all
  bool emulator = false;  ///< its noise is not white, which no register tells: on emulators of its own only
  /// Keys of the emulator's URI that suit the row best, after "func:", beside cells and lanes.
  std::string_view keys = {};
  std::uint32_t best_cells = 1, best_lanes = 4096;  ///< size of that emulator
};

/// Name of the first capability that the needs want and the device lacks; empty when it has all.
std::string missing(const Needs& needs, const Capabilities& capabilities);

/// A row's access to a device: scales energies, times and temperature, and chooses seeds.
class Machine {
 public:
  Machine(Device& device, const Needs& needs, std::uint64_t seed, double effort, Progress progress);

  const Capabilities& capabilities() const { return device_.capabilities(); }
  /// Cells and shots to use at once: at most `wanted`.
  std::uint32_t cells(std::uint32_t wanted) const { return std::min(wanted, capabilities().cells); }
  /// `wanted` samples, scaled by the effort of the ladder; at least `least`.
  std::uint32_t count(double wanted, std::uint32_t least = 256) const;

  /// Sets the step to `first_order` or, where the stepper's stationary and finite-time errors are of second order, to
  /// `second_order` (time units at kT = 1). Returns the step in use; 0 where the device hides it, which has no bias
  /// that could be predicted.
  double step(double first_order, double second_order);
  double dt() const { return dt_; }
  Stepper stepper() const { return capabilities().stepper; }

  double kT() const { return kT_; }
  /// Duration in time units at kT = 1 (sweeps of discrete cells).
  Ticks time(double units) const;
  /// time(units) in time units at kT = 1, as rounded.
  double rounded(double units) const;

  /// An empty program at temperature kT, couplings off.
  Program program(std::uint32_t cells) const;
  void load(Program& program, CellSection section, double value) const;
  void load(Program& program, CellSection section, std::span<const double> values) const;
  void quartic(Program& program, double j2, double j4, double bias) const;
  /// n x n row-major.
  void couplings(Program& program, std::span<const double> matrix) const;
  /// Couplings of copies of one network side by side, size x size row-major; cells in program: copies x size.
  void copies(Program& program, std::span<const double> matrix, std::uint32_t size) const;
  /// Starts every shot at its own states (shots x cells, row-major), by clamping and releasing.
  void start_at(Program& program, std::span<const float> states) const;

  /// Runs with a new seed where the device can be seeded. Throws Error(ABORTED) when interrupted.
  /// `variables`: how many state variables are captured; 0: the first component of all cells.
  Result run(const Program& program, std::uint32_t shots, std::uint32_t variables = 0);

  /// Heat, work and energy of each shot of a snapshot, in kT.
  std::vector<hb_meters_t> meters(const Result& result, std::size_t snapshot = 0) const;

  /// A seed for randomness on the host.
  std::uint64_t next_seed();

 private:
  Device& device_;
  numerics::RandomStream seeds_;
  double effort_, kT_, pace_, dt_ = 0;  // pace_: time units at kT = 1 in one of the device
  network::Shots shots_;

  double scale(CellSection section) const;
};

/// Where a row puts its checks.
class Bench {
 public:
  Bench(Machine& machine, std::string suite, std::vector<Check>& checks)
      : machine_(machine), suite_(std::move(suite)), checks_(checks) {}

  Machine& machine() { return machine_; }

  /// A check against `expected`; more of it can be set on the reference returned, until the next call.
  Check& check(std::string name, double expected, const measure::Estimate& measured, double bias = 0);

  /// The check made last: valid until the next one.
  Check& last() { return checks_.back(); }

 private:
  Machine& machine_;
  std::string suite_;
  std::vector<Check>& checks_;
};

/// A row of the ladder.
struct Row {
  std::string_view name;
  std::string_view says;  ///< one line: what is measured, against what
  Needs needs;
  bool slow = false;  ///< over a minute: with --long only
  void (*run)(Bench&) = nullptr;
};

struct Suite {
  std::string_view name;
  std::string_view says;
  std::span<const Row> rows;
};

/// All suites, in the order of use.
std::span<const Suite> suites();

}  // namespace heatbath::validation
