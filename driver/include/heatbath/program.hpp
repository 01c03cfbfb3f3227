#pragma once
// Builds the program a device runs without the host.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "heatbath/capabilities.hpp"
#include "heatbath/cell_enums.hpp"
#include "heatbath/meter_list.hpp"
#include "heatbath/program.h"
#include "heatbath/ticks.hpp"

namespace heatbath {

/// A coupling J of cells i and j.
struct Coupling {
  std::uint32_t i = 0, j = 0;  ///< cells, i != j
  float value = 0;  ///< J, energy units; the energy has + J x_i x_j
  bool operator==(const Coupling&) const = default;
};

/// Meters that a snapshot holds on request, besides those of every snapshot (MeterFacts::flag 0).
class MeterSet {
 public:
  constexpr MeterSet() = default;
  MeterSet(Meter meter) : flags_(facts(meter).flag) {}
  MeterSet(std::initializer_list<Meter> meters) {
    for (const Meter meter : meters) flags_ |= facts(meter).flag;
  }
  /// Those of HB_FLAG_*.
  static MeterSet of_flags(std::uint32_t flags) {
    MeterSet set;
    set.flags_ = flags & HB_METER_FLAGS;
    return set;
  }
  /// Adds one; the flags of METER_SNAPSHOT for all of them; whether one is among them, as those of every snapshot are.
  void add(Meter meter) { flags_ |= facts(meter).flag; }
  std::uint32_t flags() const { return flags_; }
  bool has(Meter meter) const { return facts(meter).flag == 0 || (flags_ & facts(meter).flag) != 0; }
  bool operator==(const MeterSet&) const = default;

 private:
  std::uint32_t flags_ = 0;
};

/// A program: instructions and the operands they use, in physical units; nothing touches a device before
/// Device::start. Each function appends an instruction, returns *this, and throws Error(BAD_ARG) that names the
/// entry when a size, a NaN or a sign is wrong, or Error(UNSUPPORTED) that names the missing capability; a program
/// that was refused a call is unchanged. Values outside the device's ranges are not errors: they are clipped and
/// counted (Result::clips). Copying is cheap enough to use a program as a template.
///
/// Energy (signs) of overdamped and underdamped cells:
///   V = sum_i (J2_i x_i^2 + J4_i x_i^4 + b_i x_i) + gain * sum_{i<j} J_ij x_i x_j.
/// p-bits: V = sum_i b_i s_i + gain * sum_{i<j} J_ij s_i s_j. Phases: b cos th and J2 cos 2th for b x and J2 x^2, and
/// cos(th_i - th_j) for x_i x_j. RLC nodes: as the first without couplings, and C_ij = gain J_ij couples the voltages.
class Program {
 public:
  /// A program for cells 0..cells-1 of a device with these capabilities. cells: 1..capabilities.cells.
  Program(const Capabilities& capabilities, std::uint32_t cells);

  std::uint32_t cells() const { return cells_; }  ///< that take part, from 0 on

  // -- parameters: to the shadow; COMMIT or RAMP makes them live --------------------------------------------------
  /// One value per cell, biases of categorical cells one per state, those of a cell together; or the same for all. Error(UNSUPPORTED) for a section that the device's cell kind lacks,
  /// and for a temperature per cell without capabilities.kT_per_cell. Masses must be positive, J4 and dampings not
  /// negative; a temperature outside capabilities.kT_min..kT_max is an error, as with load_temperature.
  Program& load(CellSection section, std::span<const float> values);
  Program& load(CellSection section, float value);
  /// Biases that differ from shot to shot: shots x cells (x states), row-major. The job must run exactly that many shots.
  Program& load_bias_per_shot(std::span<const float> values, std::uint32_t shots);
  /// Couplings J, cells x cells row-major, zero diagonal; symmetric unless capabilities.couplings_full: then J_ik is
  /// what cell k does to cell i. On a sparse device the entries of pairs without a coupler must be zero.
  Program& load_couplings(std::span<const float> matrix);
  /// Couplings of the pairs in a list, in any order; those of all other pairs are zero. Each pair once, either way
  /// round, with i != j; with capabilities.couplings_full an entry is J_ij, what cell j does to cell i, and both may be
  /// there. On a sparse device each pair must have a coupler. Costs the memory of the device's own section.
  Program& load_coupling_list(std::span<const Coupling> list);
  /// The same coupling for every pair that has a coupler; on a dense device these are all.
  Program& load_couplings(float value);
  /// Couplings of a sparse device (else Error(UNSUPPORTED)): one value for each coupler of couplers(), in its order;
  /// two, J_ij then J_ji, with capabilities.couplings_full.
  Program& load_coupler_values(std::span<const float> values);
  /// The device's couplers between the cells of this program, in the device's order; empty where all pairs have one.
  std::vector<Coupler> couplers() const;
  /// Global factor on all couplings (1 after reset); 0 switches them off.
  Program& load_gain(float gain);
  /// Temperature kT in energy units. Outside capabilities.kT_min..kT_max it is an error, never clipped: a result at
  /// another temperature would be wrong.
  Program& load_temperature(float kT);
  /// The same where the device takes a temperature. Nothing on a device that has one alone (capabilities.kT_reset), and
  /// Error(UNSUPPORTED) where that is another, by more than 1e-5 of it.
  Program& at_temperature(float kT);
  Program& commit();

  // -- time ------------------------------------------------------------------------------------------------------
  /// The array evolves for `duration`, a multiple of the step.
  Program& evolve(Ticks duration);
  /// Live parameters go linearly to the shadow during `duration` while the array evolves; step k uses the value at
  /// its start.
  Program& ramp(Ticks duration);

  // -- states ----------------------------------------------------------------------------------------------------
  /// Writes state variables first.. (capabilities.state_write): variable c * cells() + i is component c of cell i.
  /// Phases are taken to [-pi, pi), spins to their sign.
  Program& set(std::uint32_t first, std::span<const float> values);
  Program& set(std::uint32_t first, std::uint32_t count, float value);
  /// States that differ from shot to shot: shots x count, row-major. The job must run exactly that many shots.
  Program& set_per_shot(std::uint32_t first, std::uint32_t count, std::span<const float> values, std::uint32_t shots);
  /// Holds cells first.. at values until released.
  Program& clamp(std::uint32_t first, std::span<const float> values);
  Program& clamp(std::uint32_t first, std::uint32_t count, float value);
  /// Clamp values that differ from shot to shot: shots x count, row-major.
  Program& clamp_per_shot(std::uint32_t first, std::uint32_t count, std::span<const float> values, std::uint32_t shots);
  Program& release(std::uint32_t first, std::uint32_t count);

  // -- records ---------------------------------------------------------------------------------------------------
  /// A record of the states at this instant.
  Program& sample();
  /// A record every `period` from now on (period >= capabilities.capture_min); the first at once with `now`.
  Program& capture_start(Ticks period, bool now = true);
  Program& capture_stop();
  Program& meter_clear();
  /// Meters of every shot at this instant: Result::meters gets one more row, and Result::on_request one for each of
  /// `also`, which the device must have (MeterFacts::needs). A program that asks for meters of cells runs slower.
  Program& meter_snapshot(MeterSet also = {});
  /// Live parameters as applied (capabilities.readback): Result::readback gets one more row. Of biases that differ
  /// from shot to shot, those of the job's first shot. In a loop a row holds the last iteration's values, as with
  /// meter_snapshot.
  Program& readback(CellSection section);
  /// Couplings: the matrix, cells x cells; at most matrix_cells of them, else Error(BAD_ARG).
  Program& readback_couplings();
  static constexpr std::uint32_t matrix_cells = 16384;
  /// Couplings of a sparse device (else Error(UNSUPPORTED)) in the form of load_coupler_values.
  Program& readback_coupler_values();

  // -- control ---------------------------------------------------------------------------------------------------
  /// What stands up to loop_end() runs `times` times. Loops nest as deep as the device allows.
  Program& loop_begin(std::uint32_t times);
  Program& loop_end();
  /// Raises the interrupt PROGRAM with this tag.
  Program& interrupt(std::uint32_t tag);

  // -- what the driver needs to place it ---------------------------------------------------------------------------
  /// An operand: values encoded in the device's parameter format (or float32 states), one row per shot or one row.
  struct Operand {
    std::shared_ptr<const std::vector<std::byte>> bytes;  ///< as they lie in device memory, all rows
    std::uint32_t rows = 1;  ///< shots, for per-shot operands
  };
  /// An instruction with the index of its operand (-1: none) and of its result slot (-1: none).
  struct Step {
    hb_instruction_t instruction{};  ///< with addresses left at 0
    std::int32_t operand = -1;  ///< in operands()
    std::int32_t snapshot = -1;  ///< among the snapshots
    std::int32_t readback = -1;  ///< among the readbacks
  };
  /// All instructions so far, and the operands that they name.
  const std::vector<Step>& steps() const { return steps_; }
  const std::vector<Operand>& operands() const { return operands_; }
  /// The program for `shots` of the shots that per-shot operands are for, from `first` on: with their rows alone. The
  /// same program where there are none.
  Program rows(std::uint32_t first, std::uint32_t shots) const;
  /// Shots that per-shot operands fix; 0 when the program runs any number.
  std::uint32_t fixed_shots() const { return fixed_shots_; }
  std::uint32_t snapshots() const { return static_cast<std::uint32_t>(snapshots_.size()); }  ///< meter snapshots
  /// Of each snapshot, in order.
  const std::vector<MeterSet>& snapshot_contents() const { return snapshots_; }
  /// What a readback is of.
  struct Readback {
    hb_section_t section;  ///< of the parameters
    bool matrix = false;  ///< couplings as cells x cells, not as they lie in device memory
  };
  /// Each readback, in order.
  const std::vector<Readback>& readbacks() const { return readbacks_; }
  /// Records one shot takes, and ticks it evolves, loops unrolled.
  std::uint64_t records() const;
  Ticks duration() const;
  /// Loops begun and not ended; a device runs a program only when there is none.
  std::uint32_t open_loops() const { return open_loops_; }
  /// Number of values that the encoding clipped to the converter range.
  std::uint64_t clips() const { return clips_; }
  /// Parameter values that the device's codes hold with an error of more than 1 % of the value (clipped ones aside),
  /// and the largest such error as a part of the value. Readback has what is held.
  struct Rounding {
    std::uint64_t values = 0;  ///< how many
    double worst = 0;  ///< relative, of all values
  };
  const Rounding& rounding() const { return rounding_; }  ///< of all loads so far
  /// Values of a section as it lies in device memory.
  std::uint64_t values_of(hb_section_t section) const;
  /// State variables: cells x components.
  std::uint32_t variables() const { return cells_ * capabilities_.components; }
  const Capabilities& capabilities() const { return capabilities_; }  ///< that it was made for

 private:
  Capabilities capabilities_;
  std::uint32_t cells_;
  std::vector<Step> steps_;
  std::vector<Operand> operands_;
  std::uint32_t fixed_shots_ = 0;
  std::vector<MeterSet> snapshots_;
  std::vector<Readback> readbacks_;
  std::uint64_t couplers_ = 0;  // between cells of the program
  std::uint64_t clips_ = 0;
  Rounding rounding_;
  std::uint32_t open_loops_ = 0;

  void check_room() const;
  std::string shape_of(hb_section_t section) const;
  void check_section(CellSection section, std::span<const float> values, const std::string& where) const;
  Program& load_operand(hb_section_t section, std::span<const float> values, std::uint32_t rows);
  /// Counts what a converter of this range does to a value.
  void count_rounding(float range, std::span<const float> values);
  Program& load_immediate(hb_section_t section, float value);
  Program& readback_section(hb_section_t section, bool matrix);
  Program& load_bytes(hb_section_t section, std::vector<std::byte> bytes, std::uint64_t clips, std::uint32_t rows);
  Step& append(hb_op_t op);
  std::int32_t store(std::vector<std::byte> bytes, std::uint32_t rows);
  Program& write_states(hb_op_t op, std::uint32_t first, std::uint32_t count, std::span<const float> values,
                        std::uint32_t rows);
};

}  // namespace heatbath
