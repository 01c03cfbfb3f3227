#pragma once
// What a chip does to the values it is given and to those it shows, beside its converters.

#include <cstdint>
#include <span>

#include "heatbath/cells.h"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::physics {
class Array;
class Graph;
struct ArraySpec;
struct Parameters;
}  // namespace heatbath::physics

namespace heatbath::model {

/// Nominal couplings as they were loaded: of a graph one value per coupler (two, J_ij then J_ji, where not reciprocal);
/// else row-major i < j, or all pairs i, k where not reciprocal.
struct LoadedCouplings {
  std::span<float> values;
  std::uint32_t cells = 0;
  const physics::Graph* graph = nullptr;  ///< null: dense
  bool reciprocal = true;
};

/// A cell that stands at a value.
struct HeldCell {
  std::uint32_t cell = 0;
  float state = 0;
};

/// Where the randomness of one conversion lies: that of the job, at the step after which the state is read.
struct ReadAddress {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;
  std::uint32_t shot = 0;
  std::uint32_t repeat = 0;  ///< how many records the program took at this step before
};

/// An instant between two steps, as slow things see it.
struct Moment {
  double time = 0;            ///< since the part was first powered on, time units
  bool running = false;       ///< whether a job has run since the moment before
  std::uint64_t period = 0;   ///< number of the period that begins, by the step numbers of the noise
  std::uint64_t seed = 0;     ///< of the noise
  std::uint32_t shot0 = 0, lanes = 0, cells = 0;
  double period_time = 0;     ///< length of a period, time units
  const physics::Array* array = nullptr;  ///< as it is then
};

/// One of them. It acts at the instants whose functions it overrides; all are pure functions of the part and of what
/// they are given, whatever ran before. Where an imperfection of no size would act, none is made: a nominal chip has an
/// empty list and nominal bits.
class Imperfection {
 public:
  virtual ~Imperfection() = default;

  /// A parameter is loaded, after its converter: the values of a section (of one lane): one for each cell, or,
  /// of biases, for each of its states.
  virtual void load(hb_section_t, std::span<float>) {}
  virtual void load_couplings(const LoadedCouplings&) {}
  /// Whether it gives cells temperatures of their own; one temperature for all is then loaded as one per cell.
  virtual bool spreads_temperature() const { return false; }
  /// Whether couplers of value 0 couple.
  virtual bool offsets_couplings() const { return false; }
  /// Cells that never move, by cell.
  virtual std::span<const HeldCell> held() const { return {}; }

  /// Whether it changes live parameters as device time passes. If so, `pass` is called at the start of a job, at the first
  /// step of every period and at the end of a job, in order; then `act` on the parameters of a stretch, live or the
  /// target of a ramp, which are those of the last commit each time.
  virtual bool moves() const { return false; }
  virtual void pass(const Moment&) {}
  virtual void act(physics::Parameters&) const {}
  /// Temperature of the die at the last moment, where it is its affair; 0 else.
  virtual double kelvin() const { return 0; }
  /// An array without a past begins a job: what the array's noise has left is forgotten, the part's age is not.
  virtual void restart() {}
  /// The part is powered on for the first time.
  virtual void power_on() {}

  /// Writes or reads what it keeps from one moment to the next, which is not a pure function of the part. `cells` and
  /// `lanes` are those of the parameters on which `act` may be called before the next `pass`; 0: it is not. Throws
  /// Archive::Refused for what does not fit them.
  virtual void exchange(numerics::Archive&, std::uint32_t /*cells*/, std::uint32_t /*lanes*/) {}

  /// An array is made, which makes the steps.
  virtual void step(physics::ArraySpec&) const {}

  /// A job begins whose records hold so many cells.
  virtual void prepare_read_out(std::uint32_t) {}
  /// Whether read_out does anything.
  virtual bool reads_out() const { return false; }
  /// A state is read, before its converter: component `component` of cells first..first+values.size()-1, which the
  /// converters take one after the other. `address` null: an observer looks, and nothing random is added. May be called
  /// by several threads at once.
  virtual void read_out(std::uint32_t /*component*/, std::uint32_t /*first*/, std::span<float>,
                        const ReadAddress* /*address*/) const {}
};

}  // namespace heatbath::model
