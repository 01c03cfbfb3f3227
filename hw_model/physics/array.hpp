#pragma once
// An array of cells on several lanes, advanced step by step.

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "hw_model/physics/cell_kinds.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::numerics {
class Archive;
class ThreadTeam;
}

namespace heatbath::physics {

class Exchange;

/// What the bits of a seeded run depend on, beside its parameters: the revision of the arithmetic. docs/dynamics.md
/// lists what each changed.
constexpr std::uint32_t arithmetic_revision = 2;
/// That of p-bits in integers (integer_spins.hpp).
constexpr std::uint32_t integer_spins_revision = 3;
/// Those of p-bits whose random words are planes, in float32 and in integers.
constexpr std::uint32_t plane_spins_revision = 4, plane_integer_spins_revision = 5;

/// How the random words of p-bits are addressed (noise.hpp): a block for four cells of a shot, or planes of 32 shots.
enum class SpinNoise : std::uint8_t { words, planes };

/// Path meters of one lane since Array::clear_meters, in energy units, double precision. V is the energy that
/// Array::energy returns (with inertia: the kinetic energy, too), dE its change.
///
/// heat_path, positive when emitted, per stepper (docs/dynamics.md has the formulas and the orders of their means):
/// - Euler–Maruyama on overdamped and phase cells under white noise: sum of kT_i (|w~_i|^2 - |w_i|^2) / 2, from the
///   noises of the step and of its reverse (exact-problems.md 5, generative.md 1.2);
/// - Heun on overdamped and phase cells and rlc nodes under white noise: mu F^2 dt + F o noise, v^2 dt/R - v o noise;
/// - Leimkuhler–Matthews, coloured noise, other steps with inertia: F o dx with the mean of the forces at both ends,
///   with inertia less the change of the kinetic energy;
/// - BAOAB: minus the change of the kinetic energy in O;
/// - lattice walk: kT_i ln of the probability of the step over that of its reverse at the same parameters, F o dx where a
///   rail ends the step;
/// - exact Ornstein–Uhlenbeck with a potential, and discrete cells: minus dE at fixed parameters; without a potential F o dx and the
///   mean of what it misses (exact_heat.hpp).
///
/// Where forces have no potential (couplings that are not reciprocal, frequencies that are not 0), heat is heat_path
/// and work is dE + heat: work counts what keeps the currents going, and the shadow work dE - work + heat_path is 0.
struct LaneMeters {
  double work = 0;       ///< sum of the changes of V at fixed state
  double heat_path = 0;  ///< the heat of the path, see above
};

/// Where the noise of a run lies (see noise.hpp). Lane l uses shot shot0 + l.
struct NoiseOrigin {
  std::uint64_t seed = 0;
  std::uint32_t shot0 = 0;
  std::uint64_t step = 0;        ///< step number of the first step of the run
  std::uint32_t refinement = 0;  ///< level, 0..refinement_max: step s refines the path of step s >> level at level 0
};

/// A stretch of equal steps. Step k of the stretch uses the state at its start and the parameters at its start, or,
/// where takes_middle(stepper), those of its middle: they change by one half before the step and by the other after it.
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
  /// each for its own lanes. ordinal counts the records of this stretch from 0. `state` has variables() values.
  std::uint64_t record_period = 0;
  std::uint64_t record_first = 0;
  std::function<void(std::uint64_t ordinal, std::uint32_t lane, std::span<const float> state)> record;
};

/// The two ends of a ramp.
struct Ramp {
  const Parameters& live;
  const Parameters& target;
};

/// The codes of p-bits that are updated in integers; 0 bits: float32.
struct SpinCodes {
  std::uint32_t bits = 0;
  float range_coupling = 0, range_bias = 0;
};

/// What an array is made as.
struct ArraySpec {
  CellKind kind = CellKind::overdamped;
  Stepper stepper = Stepper::none;  ///< none: the default of the kind (default_stepper)
  std::uint32_t cells = 0, lanes = 1;
  std::uint32_t states = 0;            ///< of categorical cells: 2..16
  float mobility = 1.0f;               ///< of overdamped and phase cells
  float rail = 64.0f;                  ///< |state| of overdamped and underdamped cells and rlc nodes ends here, finite
  std::shared_ptr<const Graph> graph;  ///< null: dense. Its cells must be `cells`
  bool reciprocal = true;              ///< whether all couplings it will get are symmetric
  NoiseColour colour;
  SpinCodes spin_codes;                ///< of p-bits
  SpinNoise spin_noise = SpinNoise::words;  ///< of p-bits
  std::shared_ptr<Exchange> exchange;  ///< of a rank's part of a cut array (exchange.hpp); null: the array is whole
};

/// Why something was refused.
struct Refusal {
  std::string what;                  ///< one line
  std::uint32_t cell = 0xFFFFFFFFu;  ///< the cell it is about, if any
};

/// The stepper that `none` stands for: Euler–Maruyama; BAOAB with inertia; two-colour for discrete cells on a bipartite graph,
/// else sequential.
Stepper default_stepper(CellKind kind, const Graph* graph);

/// Why no array can be made so; nothing when one can.
std::optional<Refusal> refusal(const ArraySpec& spec);

/// Why an array of that make cannot work with these parameters: exact-ou with J4 != 0, lattice-walk at kT = 0,
/// couplings in integers where there is no kernel for them, an rlc capacitance matrix that is not positive definite, a
/// mass that is not positive, a damping or a temperature below 0. Costs O(cells), O(cells^3) for rlc. Nothing when it
/// can.
std::optional<Refusal> refusal(const ArraySpec& spec, const Parameters& parameters);

/// Why no array of that make can be cut over ranks (exchange.hpp); nothing when it can.
std::optional<Refusal> refusal_of_cut(const ArraySpec& spec);

/// Whether the array takes the noise of a refined path (noise.hpp): white noise of rules that a Brownian path drives.
bool can_refine(const ArraySpec& spec);

/// Why steps of dt (time units) cannot be made: sequential and two-colour sweeps need dt = 1, random-sequential at
/// least one update.
std::optional<Refusal> refusal_of_step(const ArraySpec& spec, double dt);

/// Throws std::invalid_argument where an array cannot make the steps of a run.
void check_run(const ArraySpec& spec, const Run& run);

/// State of lanes x variables float32 values, and the rule that advances it. For overdamped cells, Euler–Maruyama:
///   x_i += -mu dV/dx_i dt + sqrt(2 mu kT dt) n_i           (generative.md 1)
/// held to [-rail, rail]; the other kinds and steppers are in docs/dynamics.md. Bits do not depend on threads, on how a
/// stretch is cut into runs, on the number of lanes, or on the instruction set. No clock, no registers: the caller says
/// how many steps.
class Array {
 public:
  virtual ~Array();
  Array(const Array&) = delete;
  Array& operator=(const Array&) = delete;

  /// With the stepper that stands for `none`.
  const ArraySpec& spec() const { return spec_; }
  std::uint32_t cells() const { return spec_.cells; }
  std::uint32_t lanes() const { return spec_.lanes; }
  /// State variables per lane: components(kind) * cells().
  std::uint32_t variables() const { return components(spec_.kind) * spec_.cells; }

  /// State of one lane: copies variables() values.
  virtual void read(std::uint32_t lane, std::span<float> out) const = 0;
  /// One variable of one lane.
  virtual float state(std::uint32_t lane, std::uint32_t variable) const = 0;
  /// Full turns of a phase, exact up to +-2147483520, where they are held and counted as at a rail; its second variable
  /// is the nearest float32. 0 for other kinds. Within Run::record as of that record, for a lane of the call.
  virtual std::int32_t turns(std::uint32_t lane, std::uint32_t cell) const;
  /// Writes variables first.. of one lane at fixed parameters; the change of V is work. Values beyond the rail are held
  /// to it; phases are wrapped, p-bits become +1 (>= 0) or -1; turns are rounded, categorical
  /// cells to a state that there is.
  virtual void write(std::uint32_t lane, std::uint32_t first, std::span<const float> values,
                     const Parameters& live) = 0;

  /// Cells that do not move (all lanes): 1 in `clamped` (cells() entries). `live`: the parameters of the last step. A
  /// velocity of a clamped cell becomes 0.
  virtual void set_clamped(std::span<const std::uint8_t> clamped, const Parameters& live) = 0;

  /// Replaces the live parameters at fixed state: the change of V is work. Must be told, also outside of metering.
  virtual void change_parameters(const Parameters& from, const Parameters& to) = 0;
  /// The same in a ramp before its step `ramp_first`: both of its ends are replaced, at fixed state.
  virtual void change_ramp(const Ramp& from, const Ramp& to, std::uint64_t ramp_first, std::uint64_t ramp_steps) = 0;

  /// Advances all lanes. refusal(spec(), …) of `live` and of the target must be nothing. Returns the steps made: all,
  /// or fewer where a numerics::WorkWatch of this thread was asked to stop between two of them. Throws
  /// numerics::WorkStopped when that came before the first; nothing was done then.
  virtual std::uint64_t advance(const Run& run, const Parameters& live) = 0;

  /// Forgets what is kept beside the state: the next step starts coloured noise from its stationary law.
  virtual void restart() {}

  /// Writes or reads all that the next steps depend on beside spec() and the parameters: states and what is kept beside
  /// them, held cells, meters, rails. The bytes depend neither on threads nor on the instruction set. Throws
  /// Archive::Refused for what cannot be this array's; its state is then undefined until it is read again.
  virtual void exchange(numerics::Archive& archive) = 0;

  // -- meters ----------------------------------------------------------------------------------------------------
  /// Metering costs time; it is off after construction. Turning it on clears. Meters of cells are off afterwards.
  virtual void enable_meters(bool on) = 0;
  /// Besides the meters of lanes, which must be on, keeps a meter of each cell, until enable_meters is called. Clears.
  /// States and the meters of lanes keep their bits. A fused kernel goes step by step meanwhile; heat costs forces in
  /// double at both ends of each step besides.
  virtual void enable_cell_meter(CellMeter meter) = 0;
  virtual void clear_meters() = 0;
  /// Meters of one lane up to this instant, with the live parameters of the last step (or of change_parameters).
  virtual LaneMeters meters(std::uint32_t lane, const Parameters& live) const = 0;
  /// A meter of each cell of a lane since clear_meters, cells() values; all 0 without enable_cell_meter.
  /// heat: the path heat, energy units. Its sum over the cells is LaneMeters::heat_path within rounding (Sekimoto, Prog.
  /// Theor. Phys. Suppl. 130 (1998) 17: what the bath of cell i takes is minus its force on the cell, F_i o dx_i).
  virtual void cell_meter(CellMeter meter, std::uint32_t lane, std::span<double> out) const = 0;
  /// V of one lane at its state, with the kinetic energy where there is inertia, accumulated in double precision over
  /// terms in float32.
  virtual double energy(std::uint32_t lane, const Parameters& live) const = 0;

  /// Cell-steps at which a state was held at the rail since clear_rails, and the lowest such cell (0xFFFFFFFF: none).
  /// An overdamped step from |x| > (2 mu J4 dt)^(-1/2) goes farther out than it came from, so an unstable cell ends
  /// here in a few steps: held, counted and named, never NaN.
  virtual std::uint64_t rail_count() const = 0;
  virtual std::uint32_t rail_cell() const = 0;
  virtual void clear_rails() = 0;

 protected:
  explicit Array(ArraySpec spec);

 private:
  ArraySpec spec_;
};

/// The array for a make, or a rank's part of it: the fused kernel where there is one (overdamped, Euler–Maruyama, reciprocal, white noise),
/// else that of the kind, or the general one. All states 0 (p-bits +1). `team` is borrowed and may be null. Throws std::invalid_argument
/// with the refusal.
std::unique_ptr<Array> make_array(const ArraySpec& spec, numerics::ThreadTeam* team);

}  // namespace heatbath::physics
