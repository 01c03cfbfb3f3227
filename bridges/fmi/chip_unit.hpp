#pragma once
// The chip as a co-simulation unit, without the C interface around it.

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "bridges/fmi/variables.hpp"

namespace heatbath {
class Device;
}

namespace heatbath::apps::fmi {

/// What an importer may set while the simulation runs.
struct Inputs {
  double coupling_scale = 1, temperature = 1;
  std::vector<double> bias, clamp_value;
  std::vector<bool> clamp;
  bool operator==(const Inputs&) const = default;
};

/// Everything that distinguishes one moment of a unit from another.
struct UnitState {
  std::uint8_t mode = 0;
  std::uint64_t cells = 0, seed = 1;
  double intermediate_period = 0;
  Inputs inputs;   ///< as set
  Inputs applied;  ///< as the array had them in the last step
  std::vector<float> x;  ///< state variables: cell by cell, then the second ones
  double energy = 0, work = 0, heat = 0;
  double start_time = 0, elapsed = 0;  ///< seconds, and since then
  std::uint64_t steps = 0;             ///< of the array since initialization

  double time() const { return start_time + elapsed; }

  /// A portable sequence of bytes with a checksum, and back; `unit` names the unit it belongs to. Throws Error(BAD_ARG)
  /// when the bytes are not a whole state of that unit.
  std::vector<std::uint8_t> bytes(const std::string& unit) const;
  static UnitState from_bytes(std::span<const std::uint8_t> bytes, const std::string& unit);
};

/// Called at an intermediate instant with its time; returns the time at which the step shall return early, or a
/// negative number.
using IntermediateUpdate = std::function<double(double seconds)>;

/// One instance. Every function throws Error in one line, and then has done nothing; a function that is not allowed in
/// the present mode does so, too.
class ChipUnit {
 public:
  /// Reads chip.json in the folder of the unit's resources. Throws when the token is not that of the unit, when the
  /// device of its profile cannot do what a unit must (require_unit_device), or when it has fewer cells than the
  /// network.
  ChipUnit(const std::string& resources, const std::string& token);
  ~ChipUnit();

  void enter_configuration();
  void exit_configuration();
  void enter_initialization(double start_time);
  void exit_initialization();
  void terminate();
  void reset();

  /// Values a variable has: as many as cells for an array, else 1. Throws for a reference that is none, or of another type.
  std::size_t size(std::uint32_t reference, Type type) const;
  void get(std::uint32_t reference, std::span<double> values);
  void get(std::uint32_t reference, std::span<std::uint64_t> values);
  void get(std::uint32_t reference, std::span<bool> values);
  void set(std::uint32_t reference, std::span<const double> values);
  void set(std::uint32_t reference, std::span<const std::uint64_t> values);
  void set(std::uint32_t reference, std::span<const bool> values);

  /// Advances from the last communication point to `point` + `size` seconds. Inputs set before hold during it. Returns
  /// the time reached, which is less when `update` asked for an early return. The array moves on the grid of its steps,
  /// numbered from initialization: it shows the last one not after the communication point. Where doubles near `point`
  /// are too far apart to tell steps of the array, the sizes of the steps count and are added up.
  double step(double point, double size, const IntermediateUpdate& update);

  const UnitState& state() const { return state_; }
  void set_state(const UnitState& state);
  const std::string& token() const;

 private:
  enum class Mode : std::uint8_t { instantiated, configuration, initialization, stepping, updating, terminated };
  struct Description;

  Mode mode() const { return static_cast<Mode>(state_.mode); }
  void require_mode(std::initializer_list<Mode> allowed, const char* what) const;
  Place known(std::uint32_t reference, Type type) const;
  Place readable(std::uint32_t reference, Type type) const;
  Place writable(std::uint32_t reference, Type type) const;
  void start_values();
  void resize(std::uint64_t cells);
  void advance(std::uint64_t steps);

  std::unique_ptr<const Description> description_;
  std::unique_ptr<Device> device_;
  Interface interface_;
  double dt_seconds_ = 0;
  UnitState state_;
  bool follows_ = false;  // the device holds state_.x under state_.applied
};

}  // namespace heatbath::apps::fmi
