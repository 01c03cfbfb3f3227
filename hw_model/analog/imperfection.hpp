#pragma once
// What a chip does to the values it is given and to those it shows, beside its converters.

#include <cstdint>
#include <span>

#include "heatbath/cells.h"

namespace heatbath::physics {
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

  /// Parameters become live.
  virtual void commit(physics::Parameters&) {}

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
