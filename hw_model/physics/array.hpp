#pragma once
// An array of cells on several lanes, advanced step by step.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "hw_model/physics/parameters.hpp"

namespace heatbath::numerics {
class ThreadTeam;
}

namespace heatbath::physics {

/// Path meters of one lane since Array::clear_meters, in energy units, double precision.
struct LaneMeters {
  double work = 0;       ///< sum of the changes of V at fixed state
  double heat_path = 0;  ///< kT sum (|w~|^2 - |w|^2)/2 (exact-problems.md 5, generative.md 1.2)
};

/// Where the noise of a run lies (see noise.hpp). Lane l uses shot shot0 + l.
struct NoiseOrigin {
  std::uint64_t seed = 0;
  std::uint32_t shot0 = 0;
  std::uint64_t step = 0;  ///< step number of the first step of the run
};

/// A stretch of equal steps. Step k of the stretch uses state and parameters at its start.
struct Run {
  std::uint64_t steps = 0;
  double dt = 0;  ///< in time units
  NoiseOrigin noise;

  /// When ramp_steps > 0, parameters go from `live` to `target` in ramp_steps steps; this stretch starts at ramp step
  /// ramp_first (0 at the start of the ramp) and parameters at ramp step r are live + (r / ramp_steps)(target - live).
  const Parameters* target = nullptr;
  std::uint64_t ramp_steps = 0;
  std::uint64_t ramp_first = 0;

  /// When record_period > 0, `record` is called after step s (1-based, counted from the start of the stretch) whenever
  /// (s - record_first) is a multiple of record_period and s >= record_first. Calls come from several threads at once,
  /// each for its own lanes. ordinal counts the records of this stretch from 0.
  std::uint64_t record_period = 0;
  std::uint64_t record_first = 0;
  std::function<void(std::uint64_t ordinal, std::uint32_t lane, std::span<const float> state)> record;
};

/// State of lanes x cells float32 values, and the rule that advances it: synchronous Euler-Maruyama
///   x_i += -mu dV/dx_i dt + sqrt(2 mu kT dt) n_i           (generative.md 1)
/// held to [-rail, rail]. Bits do not depend on threads, on how a stretch is cut into runs, on the number of lanes, or
/// on the instruction set. No clock, no registers: the caller says how many steps.
class Array {
 public:
  /// `team` is borrowed and may be null.
  Array(std::uint32_t cells, std::uint32_t lanes, float mobility, float rail, numerics::ThreadTeam* team);
  ~Array();

  std::uint32_t cells() const;
  std::uint32_t lanes() const;

  /// State of one lane: copies cells() values.
  void read(std::uint32_t lane, std::span<float> out) const;
  /// State of one cell of one lane.
  float state(std::uint32_t lane, std::uint32_t cell) const;
  /// Writes cells first.. of one lane at fixed parameters; the change of V is work. Values beyond the rail are held to
  /// it.
  void write(std::uint32_t lane, std::uint32_t first, std::span<const float> values, const Parameters& live);

  /// Cells that do not move (all lanes): 1 in `clamped` (cells() entries). `live`: the parameters of the last step.
  void set_clamped(std::span<const std::uint8_t> clamped, const Parameters& live);

  /// Replaces the live parameters at fixed state: the change of V is work. Must be told, also outside of metering.
  void change_parameters(const Parameters& from, const Parameters& to);

  /// Advances all lanes.
  void advance(const Run& run, const Parameters& live);

  // -- meters ----------------------------------------------------------------------------------------------------
  /// Metering costs time; it is off after construction. Turning it on clears.
  void enable_meters(bool on);
  void clear_meters();
  /// Meters of one lane up to this instant, with the live parameters of the last step (or of change_parameters).
  LaneMeters meters(std::uint32_t lane, const Parameters& live) const;
  /// V of one lane at its state, accumulated in double precision over terms in float32.
  double energy(std::uint32_t lane, const Parameters& live) const;

  /// Cell-steps at which a state was held at the rail since clear_rails, and the lowest such cell (0xFFFFFFFF: none).
  std::uint64_t rail_count() const;
  std::uint32_t rail_cell() const;
  void clear_rails();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace heatbath::physics
