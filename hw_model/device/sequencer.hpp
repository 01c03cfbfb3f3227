#pragma once
// Runs programs on the array, and keeps the time of both.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "hw_model/device/capture_ring.hpp"
#include "hw_model/device/fault.hpp"
#include "hw_model/device/interrupts.hpp"
#include "hw_model/device/job.hpp"
#include "hw_model/device/parameter_bank.hpp"
#include "hw_model/device/planned_faults.hpp"
#include "hw_model/device/profile.hpp"
#include "hw_model/physics/array.hpp"

namespace heatbath::model {

/// Makes an array that is not physics::make_array's: one that is cut over ranks.
using ArrayMaker = std::function<std::unique_ptr<physics::Array>(const physics::ArraySpec&)>;

/// What an observer of the sequencer is told of.
enum class Mark : std::uint8_t { interrupt_instruction, record };

/// The sequencer and the array behind it.
///
/// Time. The grid is the multiples of the step. START and ABORT take effect at the first grid point not before the
/// write: at the write itself when that is a grid point. `advance_to(t)` completes every instant up to and including t
/// and no step that ends after t; writes of the host act after the instant at which they are made. At one instant: the
/// step ends; the record due is taken; an abort acts; instructions follow in program order until one takes time (a
/// record that waits for room in the ring holds them back).
///
/// State at START. An array that is not free-running starts a job from zero states, reset parameters and released
/// cells, so that bits do not depend on history; only a seeded job with JOB_STEP0 != 0 and the cells and shots of the
/// job before it continues with the states, parameters and clamped cells it left. A free-running array keeps them
/// always, and evolves from the end of one job to the start of the next; when ACTIVE_CELLS or SHOTS changes it comes up
/// with reset parameters and states at random.
///
/// Noise. Seeded job: key JOB_SEED, shots from JOB_SHOT0, steps from JOB_STEP0. Unseeded: the part's seed, shots from
/// those started since reset, steps from 0. Free-running: the part's seed mixed with the number of resets, shots from
/// 0, steps from reset, in jobs and between them.
///
/// Slow imperfections (die temperature, drift, supply, flicker) change parameters at the first step of every period of
/// [imperfections] `period`, counted by the step numbers of the noise, and at the start of a job; the change of V is
/// work. Device time and the state of the die go on over jobs and resets.
///
/// Planned faults (planned_faults.hpp) befall a running job before the first step at or after their time, which is
/// counted from power-on and goes on over resets.
///
/// Aperture jitter. A periodic record is taken up to its period early, all lanes alike; it says the time it was due.
///
/// Defects. Dead and stuck cells of the part are held at their states like clamped ones, whatever a program does.
///
/// Costs. With `timed`, instructions take what [timing] of the profile says, rounded up to whole steps: fetch and
/// operand before the effect, settling and conversion after it. A free-running array evolves meanwhile with its live
/// parameters, and records are taken; another one holds.
///
/// COMMIT, RAMP, CLAMP and RELEASE fail with UNSTABLE when the step is too long for the cells that move then
/// (stability.hpp; of a RAMP, with the parameters at its end), COMMIT and RAMP with BAD_PROGRAM when the array cannot
/// work with them: J4 of a cell with the exact-ou stepper, a capacitance matrix that is not positive definite.
///
/// A RAMP that is aborted or fails falls back to the live parameters it started from.
class Sequencer {
 public:
  static constexpr std::uint64_t never = ~std::uint64_t{0};

  /// All references are borrowed; `team` may be null. `maker` may be empty: physics::make_array.
  Sequencer(const Profile& profile, std::uint64_t seed, bool timed, std::span<std::byte> memory, Interrupts& interrupts,
            numerics::ThreadTeam* team, ArrayMaker maker = {});

  /// Accepts a job at the present time; the sequencer must not be running. Throws std::bad_alloc when the host cannot
  /// hold the array; then nothing was done.
  void start(Job job);
  /// A job that was refused: its fault is shown and nothing runs.
  void refuse(const Fault& fault);
  /// Asks the running job to stop.
  void abort();
  /// Time 0, no job, array and parameters as after reset. `reset_count` keys the noise of a free-running array.
  void reset(std::uint32_t reset_count);

  std::uint64_t now() const { return now_; }
  std::uint64_t next_event() const;
  /// Earliest time at which an enabled interrupt may rise by itself; a lower bound that skips records which raise none.
  std::uint64_t next_interrupt() const;
  /// Called at each INTERRUPT instruction and each record with the device time; may be empty.
  void observe(std::function<void(Mark, std::uint64_t)> observer) { observer_ = std::move(observer); }
  /// False when a numerics::WorkWatch of this thread was asked to stop before `time`: the device is between two steps,
  /// instructions or lanes then, and goes on from there with the next call, to the same bits.
  bool advance_to(std::uint64_t time, bool stop_at_interrupt);

  CaptureRing& ring() { return ring_; }
  const Imperfections& imperfections() const { return imperfections_; }
  void set_watermark(std::uint32_t records) { watermark_ = records; }

  bool running() const { return phase_ != Phase::idle; }
  bool stalled() const { return stalled_; }
  bool done() const { return outcome_ == Outcome::done; }
  bool aborted() const { return outcome_ == Outcome::aborted; }
  bool faulted() const { return outcome_ == Outcome::fault; }
  const Fault& fault() const { return fault_; }
  std::uint32_t shot_count() const { return shot_count_; }
  std::uint32_t pc() const { return pc_; }
  std::uint64_t job_ticks() const { return job_steps_ * job_.dt_ticks; }
  std::uint64_t stall_ticks() const { return stall_ticks_ + (stalled_ ? now_ - stall_begin_ : 0); }
  std::uint64_t clip_count() const { return clip_count_; }
  std::uint64_t clipped_captures() const { return ring_.clipped(); }
  std::uint64_t rail_count() const { return array_ && job_shown_ ? array_->rail_count() : 0; }
  // Views for observers, without side effects.
  /// The array; null before the first job since reset.
  const physics::Array* array() const { return array_.get(); }
  /// Parameters as the array applies them now.
  const physics::Parameters& live() const { return imperfections_.moves() ? live_now_ : parameters_.live(); }
  /// Where the noise of the next step lies.
  physics::NoiseOrigin noise() const;
  /// Meters of a lane of a metered job.
  hb_meters_t meters(std::uint32_t lane) const;
  bool metered() const { return job_shown_ && job_.metered; }

  /// Temperature passed the limit and has not fallen yet: jobs are refused.
  bool tripped() const { return age_ + now_ < cool_at_; }
  /// Whether a bit flipped in these bytes of memory and stands there still; counted and then forgotten.
  bool finds_flip(std::uint64_t first, std::uint64_t bytes);
  std::uint32_t parity_errors() const { return parity_errors_; }
  /// Whether the supply has failed since this was last asked: what memory held is lost.
  bool take_memory_loss() { return std::exchange(memory_lost_, false); }

  std::uint32_t rail_cell() const { return array_ && job_shown_ ? array_->rail_cell() : 0xFFFFFFFFu; }

  /// Writes or reads everything that changes, array and parameters included, as it is between two calls; `caps` is the
  /// CAPS register, `cells` and `lanes` are the chip's. Throws Archive::Refused, and is then fit for reset() only.
  void exchange(numerics::Archive& archive, std::uint32_t caps, std::uint32_t cells, std::uint32_t lanes);

 private:
  enum class Phase : std::uint8_t { idle, waiting, running };
  enum class Outcome : std::uint8_t { none, done, aborted, fault };
  struct Loop {
    std::uint32_t begin;  // pc after LOOP_BEGIN
    std::uint32_t left;   // iterations after the present one
    void exchange(numerics::Archive& archive);
  };

  std::uint64_t grid_point(std::uint64_t time) const;
  bool due(const std::optional<std::uint64_t>& time, std::uint64_t by) const { return time && *time <= by; }
  std::unique_ptr<physics::Array> new_array(std::uint32_t cells, std::uint32_t lanes) const;
  void prepare_array();
  void begin();
  void settle_in();
  bool evolve_idle();
  void end(Outcome outcome);
  void fail(const Fault& fault);

  bool settle_record(std::uint64_t time);
  void take_record();
  void write_lane(std::uint64_t ahead, std::uint32_t lane, std::span<const float> state, const ReadAddress& address);
  ReadAddress read_address(std::uint32_t lane, std::uint64_t steps_ahead) const;
  void hold_defects(std::uint32_t lane);
  bool fault_due() const;
  std::uint64_t steps_to_fault() const;
  void strike();
  void break_cell(std::uint32_t cell, float state);
  void halt();
  void check_watchdog(std::uint64_t time);
  bool operands_flipped(const hb_instruction_t& instruction, std::uint64_t row_bytes, std::uint32_t rows);
  std::uint64_t early_by(std::uint64_t step) const;
  Moment moment(bool running) const;
  physics::Parameters moved(const physics::Parameters& nominal) const;
  void follow(bool running);
  std::uint64_t period_steps() const;
  std::uint64_t steps_to_period() const;
  void keep_held(std::vector<std::uint8_t>& clamped) const;
  void announce_records();
  void evolve(std::uint64_t limit, bool stop_at_interrupt);
  std::uint64_t stretch_steps(bool stop_at_interrupt) const;
  std::uint64_t cost_before(const hb_instruction_t& instruction) const;
  std::uint64_t cost_after(const hb_instruction_t& instruction) const;
  void let_pass(std::uint64_t ticks);
  void execute();
  void perform(const hb_instruction_t& instruction);
  template <class Piece>
  void for_each_lane(std::uint64_t units, Piece&& piece);
  std::uint64_t lane_units() const;
  std::uint64_t steps_to_look(std::uint64_t steps) const;
  std::uint64_t make_steps(const physics::Run& run);
  std::optional<std::uint32_t> stable_ticks(const physics::Parameters& parameters,
                                            std::span<const std::uint8_t> clamped) const;
  bool check_step(const physics::Parameters& parameters, std::span<const std::uint8_t> clamped);
  bool check_live();
  void set_clamped(std::vector<std::uint8_t> clamped);
  bool check_shadow();
  void execute_load(const hb_instruction_t& instruction);
  void execute_states(const hb_instruction_t& instruction);
  void release(const hb_instruction_t& instruction);
  void clear_meters();
  void snapshot_meters(const hb_instruction_t& instruction);
  physics::Run stretch(std::uint64_t steps) const;
  void exchange_array(numerics::Archive& archive);
  bool consistent() const;
  bool loops_as_nested() const;

  const Profile& profile_;
  const std::uint64_t seed_;
  const bool timed_;
  std::function<void(Mark, std::uint64_t)> observer_;
  const std::span<std::byte> memory_;
  Interrupts& interrupts_;
  numerics::ThreadTeam* const team_;
  const ArrayMaker maker_;

  Imperfections imperfections_;
  ParameterBank parameters_;
  physics::Parameters live_now_, target_now_;  // where imperfections move: as they are in this period
  std::uint64_t followed_ = never;             // number of the period they belong to
  std::uint64_t age_ = 0;                      // ticks since power-on at the last reset
  CaptureRing ring_;
  std::uint32_t watermark_ = 1;
  std::unique_ptr<physics::Array> array_;
  std::vector<std::uint8_t> clamped_;
  std::uint64_t judged_dt_ = 0;  // step, in ticks, for which the live parameters are known to be stable; 0: not judged
  bool stable_when_free_ = true;  // they are known to be stable also when no cell is held
  std::uint32_t reset_count_ = 0;

  std::vector<PlannedFault> planned_;
  std::size_t next_fault_ = 0;
  std::vector<HeldCell> broken_;            // since power-on
  std::optional<std::uint32_t> noticed_;    // a cell that broke in this job
  struct Flip {
    std::uint64_t byte;
    std::byte value;  // that it had since
    void exchange(numerics::Archive& archive);
  };
  std::vector<Flip> flips_;
  std::uint32_t parity_errors_ = 0;
  bool memory_lost_ = false;
  std::uint64_t cool_at_ = 0;               // since power-on
  std::optional<std::uint64_t> hung_until_;

  std::uint64_t now_ = 0;
  std::uint64_t array_time_ = 0;  // grid point at which the state is
  Phase phase_ = Phase::idle;
  Outcome outcome_ = Outcome::none;
  Fault fault_;
  Job job_;
  bool job_shown_ = false;  // a job has begun since reset
  std::uint64_t start_time_ = 0;
  std::optional<std::uint64_t> abort_time_;
  std::uint32_t shot_count_ = 0;
  std::uint32_t first_shot_ = 0;  // of an unseeded job

  std::uint32_t pc_ = 0;
  std::uint32_t next_pc_ = 0;
  std::vector<Loop> loops_;
  std::uint64_t remaining_ = 0;  // steps left of EVOLVE or RAMP
  std::uint64_t ramp_steps_ = 0;  // length of the RAMP in progress; 0: none
  bool fetched_ = false;         // the cost before the next instruction is spent
  std::uint64_t held_ticks_ = 0;  // of a cost during which the array holds, left from array_time_ on
  std::uint64_t job_steps_ = 0;
  bool capturing_ = false;
  std::uint64_t capture_period_ = 0;  // steps
  std::uint64_t to_record_ = 0;       // steps to the next periodic record
  std::uint64_t early_ = 0;           // steps by which that comes before its time
  std::uint32_t owed_records_ = 0;    // due at array_time_, not yet taken
  std::uint32_t taken_here_ = 0;      // records taken at array_time_ since the array came there
  bool stalled_ = false;
  std::uint64_t stall_begin_ = 0;
  std::uint64_t stall_ticks_ = 0;
  std::uint64_t clip_count_ = 0;
  std::vector<double> energy_at_clear_;
  std::uint32_t lanes_done_ = 0;   // of the record, instruction or beginning in progress
  std::uint64_t look_steps_ = 0;   // steps between two looks at a watch; 0: not measured for these parameters
};

}  // namespace heatbath::model
