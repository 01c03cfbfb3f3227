#include "hw_model/device/sequencer.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <new>
#include <numeric>
#include <utility>

#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/work_watch.hpp"
#include "heatbath/regs.h"
#include "hw_model/device/stability.hpp"
#include "hw_model/device/start_check.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/noise.hpp"
#include "hw_model/physics/stable_step.hpp"

namespace heatbath::model {
namespace {

using numerics::WorkStopped;
using numerics::WorkWatch;
using Clock = std::chrono::steady_clock;

// Units of work (work_watch.hpp) of an instruction and of a cell; couplings that a unit multiplies.
constexpr std::uint64_t instruction_units = 16, cell_units = 8, couplings_of_unit = 16;
/// Lanes whose fields are computed together.
constexpr std::uint64_t lanes_together = 32;
// Steps between two looks: a first guess, so many budgets from the units of a step, then by the clock.
constexpr std::uint64_t first_budgets = 2;
constexpr std::chrono::milliseconds short_stretch{50}, usual_stretch{100}, long_stretch{150};
constexpr std::uint64_t fastest_growth = 16;
/// Stretches of less work than this are run without reading the clock.
constexpr std::uint64_t unclocked_units = std::uint64_t{1} << 16;

/// What the array keeps for a meter on request: itself, or the meter of cells whose sum it is.
physics::CellMeter kept_for(const hb_meter_facts_t& meter) {
  const auto of_cells = meter.per_cell ? &meter - hb_meter_list : meter.sums;
  const auto before = std::count_if(hb_meter_list, hb_meter_list + of_cells, [](const auto& of) { return of.per_cell; });
  return static_cast<physics::CellMeter>(before);
}

std::uint64_t add(std::uint64_t a, std::uint64_t b) { return a > Sequencer::never - b ? Sequencer::never : a + b; }
std::uint64_t multiply(std::uint64_t a, std::uint64_t b) {
  return b != 0 && a > Sequencer::never / b ? Sequencer::never : a * b;
}

}  // namespace

Sequencer::Sequencer(const Profile& profile, std::uint64_t seed, bool timed, std::span<std::byte> memory,
                     Interrupts& interrupts, numerics::ThreadTeam* team, ArrayMaker maker)
    : profile_(profile),
      seed_(seed),
      timed_(timed),
      memory_(memory),
      interrupts_(interrupts),
      team_(team),
      maker_(std::move(maker)),
      imperfections_(profile),
      parameters_(profile, imperfections_),
      ring_(memory, profile.state_converter(), profile.second_converter(), imperfections_),
      planned_(parse_faults(profile.planned_faults)) {}

std::uint64_t Sequencer::grid_point(std::uint64_t time) const {
  const std::uint64_t past = time % job_.dt_ticks;
  return past == 0 ? time : add(time, job_.dt_ticks - past);
}

// -- start, stop, reset -----------------------------------------------------------------------------------------------

void Sequencer::start(Job job) {
  const bool fits = array_ && array_->cells() == job.cells && array_->lanes() == job.shots;
  std::unique_ptr<physics::Array> fresh;
  std::vector<std::uint8_t> free_cells(job.cells, 0);
  std::vector<double> energies(job.metered ? job.shots : 0);
  if (!fits) fresh = new_array(job.cells, job.shots);

  // From here on nothing can fail for lack of memory but the parameters, which are small beside the array.
  const bool keeps = fits && (profile_.free_running || job.continues);
  job_ = std::move(job);
  energy_at_clear_ = std::move(energies);
  start_time_ = grid_point(now_);
  if (fresh) {
    array_ = std::move(fresh);
    array_time_ = start_time_;
  }
  if (!keeps) {
    clamped_ = std::move(free_cells);
    keep_held(clamped_);
    array_->enable_meters(false);
    parameters_.reset(job_.cells, array_->spec().graph);
    judged_dt_ = 0;
    stable_when_free_ = false;
    imperfections_.restart();
    live_now_ = parameters_.live();
    array_->set_clamped(clamped_, live());
    prepare_array();
  }
  phase_ = Phase::waiting;
  outcome_ = Outcome::none;
  fault_ = {};
  abort_time_.reset();
  first_shot_ = shot_count_;
  shot_count_ += job_.shots;
  pc_ = next_pc_ = 0;
  loops_.clear();
  remaining_ = ramp_steps_ = 0;
  job_steps_ = stall_ticks_ = clip_count_ = held_ticks_ = 0;
  capturing_ = stalled_ = job_shown_ = fetched_ = false;
  owed_records_ = lanes_done_ = taken_here_ = 0;
  noticed_.reset();
  look_steps_ = 0;
  imperfections_.prepare_read_out(job_.cells);
  ring_.begin(job_.ring);
}

std::unique_ptr<physics::Array> Sequencer::new_array(std::uint32_t cells, std::uint32_t lanes) const {
  const physics::ArraySpec spec = profile_.array(cells, lanes);
  return maker_ ? maker_(spec) : physics::make_array(spec, team_);
}

/// States of an array without a past.
void Sequencer::prepare_array() {
  std::vector<float> states(job_.variables, 0.0f);
  array_->restart();
  for (std::uint32_t lane = 0; lane < job_.shots; ++lane) {
    if (profile_.free_running)
      physics::normals(noise().seed, start_time_ / job_.dt_ticks, lane, job_.cells, states.data(),
                       physics::Purpose::converter);
    array_->write(lane, 0, states, live());
    hold_defects(lane);
  }
}

// -- what moves slowly ------------------------------------------------------------------------------------------------

std::uint64_t Sequencer::period_steps() const {
  const double steps = static_cast<double>(profile_.slow_period) * profile_.time_unit_ticks / static_cast<double>(job_.dt_ticks);
  return std::max<std::uint64_t>(1, static_cast<std::uint64_t>(std::llround(steps)));
}

/// Steps from array_time_ to the end of the period; `never` where nothing moves.
std::uint64_t Sequencer::steps_to_period() const {
  if (!imperfections_.moves()) return never;
  return period_steps() - noise().step % period_steps();
}

Moment Sequencer::moment(bool running) const {
  const physics::NoiseOrigin at = noise();
  const double unit = profile_.time_unit_ticks;
  Moment moment;
  moment.time = static_cast<double>(age_ + array_time_) / unit;
  moment.running = running;
  moment.period = at.step / period_steps();
  moment.seed = at.seed;
  moment.shot0 = at.shot0;
  moment.lanes = job_.shots;
  moment.cells = job_.cells;
  moment.array = array_.get();
  moment.period_time = static_cast<double>(period_steps() * job_.dt_ticks) / unit;
  return moment;
}

physics::Parameters Sequencer::moved(const physics::Parameters& nominal) const {
  physics::Parameters parameters = nominal;
  imperfections_.act(parameters);
  return parameters;
}

/// Parameters follow what has moved up to array_time_.
void Sequencer::follow(bool running) {
  if (!imperfections_.moves()) return;
  imperfections_.pass(moment(running));
  followed_ = noise().step / period_steps();
  physics::Parameters now = moved(parameters_.live());
  if (ramp_steps_ > 0) {
    physics::Parameters target = moved(parameters_.shadow());
    array_->change_ramp({live_now_, target_now_}, {now, target}, ramp_steps_ - remaining_, ramp_steps_);
    target_now_ = std::move(target);
  } else {
    array_->change_parameters(live_now_, now);
  }
  live_now_ = std::move(now);
}

/// Cells that do not move stand where they always do.
void Sequencer::hold_defects(std::uint32_t lane) {
  for (const HeldCell& held : imperfections_.held())
    if (held.cell < job_.cells) array_->write(lane, held.cell, std::span(&held.state, 1), live());
  for (const HeldCell& held : broken_)
    if (held.cell < job_.cells) array_->write(lane, held.cell, std::span(&held.state, 1), live());
}

void Sequencer::keep_held(std::vector<std::uint8_t>& clamped) const {
  for (const HeldCell& held : imperfections_.held())
    if (held.cell < clamped.size()) clamped[held.cell] = 1;
  for (const HeldCell& held : broken_)
    if (held.cell < clamped.size()) clamped[held.cell] = 1;
}

void Sequencer::refuse(const Fault& fault) {
  outcome_ = Outcome::fault;
  fault_ = fault;
  interrupts_.raise(HB_INTR_STATE_FAULT_MASK);
}

void Sequencer::abort() {
  if (!abort_time_) abort_time_ = grid_point(now_);
}

void Sequencer::reset(std::uint32_t reset_count) {
  age_ = reset_count == 0 ? 0 : age_ + now_;
  if (reset_count == 0) {
    imperfections_.power_on();
    next_fault_ = 0;
    broken_.clear();
    flips_.clear();
    parity_errors_ = 0;
    cool_at_ = 0;
  }
  noticed_.reset();
  hung_until_.reset();
  followed_ = never;
  reset_count_ = reset_count;
  now_ = array_time_ = 0;
  array_.reset();
  phase_ = Phase::idle;
  outcome_ = Outcome::none;
  fault_ = {};
  job_ = {};
  job_shown_ = stalled_ = capturing_ = fetched_ = false;
  held_ticks_ = 0;
  abort_time_.reset();
  shot_count_ = 0;
  pc_ = next_pc_ = 0;
  remaining_ = ramp_steps_ = job_steps_ = stall_ticks_ = clip_count_ = 0;
  owed_records_ = lanes_done_ = 0;
  watermark_ = 1;
  ring_.begin({});
}

/// Begins a job: first the rest of the idle time before it, then the job itself. May be stopped in between.
void Sequencer::begin() {
  if (profile_.free_running && !evolve_idle()) return;
  array_time_ = start_time_;
  try {
    settle_in();
  } catch (const WorkStopped&) {
    // The next call starts it again.
  }
}

void Sequencer::settle_in() {
  // A job that goes on with the parameters of another may have a longer step.
  if (judged_dt_ != 0 && judged_dt_ != job_.dt_ticks) {
    if (const auto ticks = stable_ticks(live(), clamped_)) {
      fail({HB_UNSTABLE, Fault::no_instruction, HB_DT_TICKS_OFFSET, *ticks});
      return;
    }
    judged_dt_ = job_.dt_ticks;
    stable_when_free_ = false;
  }
  if (lanes_done_ == 0) {
    follow(false);
    array_->enable_meters(job_.metered);
    for (const hb_meter_facts_t& meter : hb_meter_list)
      if ((job_.meters & meter.flag) != 0) array_->enable_cell_meter(kept_for(meter));
    array_->clear_rails();
  }
  if (job_.metered) clear_meters();
  job_shown_ = true;
  phase_ = Phase::running;
}

void Sequencer::end(Outcome outcome) {
  if (imperfections_.moves() && phase_ == Phase::running) imperfections_.pass(moment(true));
  phase_ = Phase::idle;
  outcome_ = outcome;
  if (stalled_) stall_ticks_ += now_ - stall_begin_;
  stalled_ = capturing_ = false;
  owed_records_ = 0;
  if (ramp_steps_ > 0) stable_when_free_ = false;  // that was checked for the parameters at the end of the ramp
  remaining_ = ramp_steps_ = held_ticks_ = 0;
  lanes_done_ = 0;
  abort_time_.reset();
  hung_until_.reset();
  interrupts_.raise(outcome == Outcome::done      ? HB_INTR_STATE_JOB_DONE_MASK
                    : outcome == Outcome::aborted ? HB_INTR_STATE_ABORTED_MASK
                                                  : HB_INTR_STATE_FAULT_MASK);
}

void Sequencer::fail(const Fault& fault) {
  fault_ = fault;
  end(Outcome::fault);
}

// -- time -------------------------------------------------------------------------------------------------------------

std::uint64_t Sequencer::next_event() const {
  if (phase_ == Phase::idle) return never;
  if (phase_ == Phase::waiting) return start_time_;
  std::uint64_t next = abort_time_.value_or(never);
  if (hung_until_) return std::min(next, *hung_until_);
  if (stalled_) return ring_.full() ? next : std::min(next, grid_point(now_));
  if (held_ticks_ > 0) return std::min(next, add(array_time_, held_ticks_));
  next = std::min(next, add(array_time_, multiply(remaining_, job_.dt_ticks)));
  if (capturing_) next = std::min(next, add(array_time_, multiply(to_record_, job_.dt_ticks)));
  return next;
}

std::uint64_t Sequencer::next_interrupt() const {
  if (phase_ != Phase::running || stalled_ || held_ticks_ > 0 || hung_until_ || next_fault_ < planned_.size())
    return next_event();
  return std::min(abort_time_.value_or(never), add(array_time_, multiply(stretch_steps(true), job_.dt_ticks)));
}

bool Sequencer::advance_to(std::uint64_t time, bool stop_at_interrupt) {
  WorkWatch* const watch = WorkWatch::current();
  while (time >= now_) {
    if (watch != nullptr && watch->stopped()) return false;
    // Instants: everything that happens at array_time_.
    if (phase_ == Phase::running && !stalled_ && !hung_until_) {
      if (fault_due()) {
        strike();
        continue;
      }
      if (owed_records_ > 0) {
        take_record();
        continue;
      }
      if (due(abort_time_, array_time_)) {
        end(Outcome::aborted);
        continue;
      }
      if (remaining_ == 0 && held_ticks_ == 0) {
        execute();
        continue;
      }
    }
    // Everything at now_ has happened: time may pass.
    if (stop_at_interrupt && interrupts_.output()) return true;
    switch (phase_) {
      case Phase::idle: now_ = time; return true;
      case Phase::waiting:
        now_ = std::min(time, start_time_);
        if (time < start_time_) return true;
        if (abort_time_) {
          end(Outcome::aborted);
        } else {
          begin();
        }
        break;
      case Phase::running:
        if (hung_until_) {
          if (std::min(*hung_until_, abort_time_.value_or(never)) > time) {
            now_ = time;
            return true;
          }
          check_watchdog(time);
        } else if (stalled_) {
          if (!settle_record(time)) return true;
        } else if (held_ticks_ > 0) {
          const std::uint64_t stop = std::min(add(array_time_, held_ticks_), abort_time_.value_or(never));
          if (stop > time) {
            now_ = time;
            return true;
          }
          now_ = array_time_ = stop;
          held_ticks_ = 0;
        } else {
          const std::uint64_t limit = std::min(time, abort_time_.value_or(never));
          if (limit - array_time_ < job_.dt_ticks) {
            now_ = time;
            return true;
          }
          evolve(limit, stop_at_interrupt);
        }
        break;
    }
  }
  return true;
}

/// For a stalled array: resumes at the first grid point at which the ring has room, or ends at an abort. False when
/// neither happens by `time`.
bool Sequencer::settle_record(std::uint64_t time) {
  const std::optional<std::uint64_t> resume = ring_.full() ? std::nullopt : std::optional(grid_point(now_));
  if (due(abort_time_, time) && !(resume && *resume < *abort_time_)) {
    now_ = *abort_time_;
    end(Outcome::aborted);
    return true;
  }
  if (!due(resume, time)) {
    now_ = time;
    return false;
  }
  now_ = *resume;
  stall_ticks_ += now_ - stall_begin_;
  stalled_ = false;
  array_time_ = now_;
  return true;
}

physics::NoiseOrigin Sequencer::noise() const {
  if (profile_.free_running)
    return {numerics::split_mix(seed_ ^ numerics::split_mix(reset_count_)), 0,
            job_.dt_ticks == 0 ? 0 : array_time_ / job_.dt_ticks, 0};
  if (job_.seeded) return {job_.seed, job_.shot0, job_.step0 + job_steps_, job_.refinement};
  return {seed_, first_shot_, job_steps_, 0};
}

physics::Run Sequencer::stretch(std::uint64_t steps) const {
  physics::Run run;
  run.steps = steps;
  run.dt = static_cast<double>(job_.dt_ticks) / profile_.time_unit_ticks;
  run.noise = noise();
  return run;
}

/// Work of a step of one lane.
std::uint64_t Sequencer::lane_units() const {
  const std::uint64_t cells = array_->cells();
  const auto& graph = array_->spec().graph;
  return cell_units * cells + (graph ? 2 * graph->couplers().size() : cells * cells) / couplings_of_unit;
}

/// Steps of a stretch up to the next look.
std::uint64_t Sequencer::steps_to_look(std::uint64_t steps) const {
  const WorkWatch* const watch = WorkWatch::current();
  if (watch == nullptr) return steps;
  if (look_steps_ != 0) return std::min(steps, look_steps_);
  return std::clamp<std::uint64_t>(first_budgets * watch->budget() / (array_->lanes() * lane_units()), 1, steps);
}

/// Lets the array make the steps, and learns how long they take. Returns how many it made.
std::uint64_t Sequencer::make_steps(const physics::Run& run) {
  WorkWatch* const watch = WorkWatch::current();
  if (watch == nullptr) return array_->advance(run, live());
  const std::uint64_t units = multiply(run.steps, array_->lanes() * lane_units());
  const bool clocked = units >= unclocked_units;
  const auto began = clocked ? Clock::now() : Clock::time_point();
  std::uint64_t steps = 0;
  try {
    steps = array_->advance(run, live());
  } catch (const WorkStopped&) {
    return 0;
  }
  if (!clocked) {
    watch->spend(units);
    return steps;
  }
  const auto took = Clock::now() - began;
  watch->spend(static_cast<std::uint64_t>(std::chrono::nanoseconds(took).count()));
  if (took > long_stretch || (took < short_stretch && steps >= look_steps_)) {
    const double factor = std::chrono::duration<double>(usual_stretch) / std::max<Clock::duration>(took, Clock::duration(1));
    look_steps_ = std::max<std::uint64_t>(
        1, static_cast<std::uint64_t>(static_cast<double>(steps) * std::min(factor, double{fastest_growth})));
  }
  return steps;
}

/// The array's own evolution up to the start of the job, up to the next look. True when it has come there.
bool Sequencer::evolve_idle() {
  const std::uint64_t steps = (start_time_ - array_time_) / job_.dt_ticks;
  if (steps == 0) return true;
  array_->enable_meters(false);
  if (imperfections_.moves() && followed_ != noise().step / period_steps()) follow(false);
  const std::uint64_t made = make_steps(stretch(steps_to_look(std::min(steps, steps_to_period()))));
  array_time_ += made * job_.dt_ticks;
  return made == steps;
}

/// Steps from array_time_ to the end of the instruction, the first record that the ring has no room for, or, with
/// `stop_at_interrupt`, the record that raises an enabled interrupt.
std::uint64_t Sequencer::stretch_steps(bool stop_at_interrupt) const {
  if (!capturing_) return remaining_;
  if (profile_.aperture_jitter > 0) return std::min(remaining_, to_record_);
  const std::uint64_t steps = std::min(remaining_, add(to_record_, multiply(ring_.free(), capture_period_)));
  if (!stop_at_interrupt || !interrupts_.enabled(HB_INTR_STATE_CAPTURE_MASK)) return steps;
  const std::uint64_t threshold = ring_.threshold(watermark_);
  const std::uint64_t more = threshold > ring_.unread() ? threshold - ring_.unread() - 1 : 0;
  return std::min(steps, add(to_record_, multiply(more, capture_period_)));
}

/// Evolves towards `limit`, as far as one stretch goes: to its end, the end of the instruction, the first record that
/// the ring has no room for, or the record that raises an interrupt the caller wants to stop at.
void Sequencer::evolve(std::uint64_t limit, bool stop_at_interrupt) {
  const std::uint64_t dt = job_.dt_ticks;
  const std::uint64_t room = ring_.free();
  if (imperfections_.moves() && followed_ != noise().step / period_steps()) follow(true);
  physics::Run run = stretch(steps_to_look(
      std::min({stretch_steps(stop_at_interrupt), (limit - array_time_) / dt, steps_to_period(), steps_to_fault()})));
  if (capturing_) {
    run.record_period = capture_period_;
    run.record_first = to_record_;
    run.record = [this, room](std::uint64_t ordinal, std::uint32_t lane, std::span<const float> state) {
      if (ordinal < room)
        write_lane(ordinal, lane, state, read_address(lane, to_record_ + ordinal * capture_period_));
    };
  }
  if (ramp_steps_ > 0) {
    run.target = imperfections_.moves() ? &target_now_ : &parameters_.shadow();
    run.ramp_steps = ramp_steps_;
    run.ramp_first = ramp_steps_ - remaining_;
  }
  const std::uint64_t steps = make_steps(run);
  const std::uint64_t records =
      !capturing_ || steps < to_record_ ? 0 : 1 + (steps - to_record_) / capture_period_;
  const std::uint64_t written = std::min(records, room);
  for (std::uint64_t n = 0; n < written; ++n) {
    const std::uint64_t step = to_record_ + n * capture_period_;
    ring_.finish_record((job_steps_ + step + early_) * dt);
    if (observer_) observer_(Mark::record, array_time_ + step * dt);
  }
  if (written > 0) announce_records();
  owed_records_ = static_cast<std::uint32_t>(records - written);
  const bool at_record = records > 0 && steps == to_record_ + (records - 1) * capture_period_;
  if (capturing_) to_record_ = to_record_ + records * capture_period_ - steps;
  if (steps > 0) taken_here_ = written > 0 && at_record ? 1 : 0;
  job_steps_ += steps;
  remaining_ -= steps;
  array_time_ += steps * dt;
  now_ = array_time_;
  if (records > 0 && profile_.aperture_jitter > 0) {
    const std::uint64_t was = early_;
    early_ = early_by(noise().step + was + capture_period_);
    to_record_ += was - early_;
  }
  if (remaining_ == 0 && ramp_steps_ > 0) {
    ramp_steps_ = 0;
    parameters_.commit();  // the array has made the last change itself
    live_now_ = std::move(target_now_);
  }
}

// -- records ----------------------------------------------------------------------------------------------------------

/// Runs piece(lane) for the lanes from the one on at which a call before this was stopped. Throws WorkStopped between
/// two lanes.
template <class Piece>
void Sequencer::for_each_lane(std::uint64_t units, Piece&& piece) {
  while (lanes_done_ < job_.shots) {
    piece(lanes_done_);
    ++lanes_done_;
    if (lanes_done_ < job_.shots) numerics::pause_point(units);
  }
  lanes_done_ = 0;
}

void Sequencer::announce_records() {
  if (ring_.unread() >= ring_.threshold(watermark_)) interrupts_.raise(HB_INTR_STATE_CAPTURE_MASK);
}

/// By how many steps the record that is due at a step of the noise comes early.
std::uint64_t Sequencer::early_by(std::uint64_t step) const {
  if (profile_.aperture_jitter == 0) return 0;
  const float normal = physics::normal(numerics::split_mix(noise().seed), 0, step, 0, physics::Purpose::read_out);
  const double unit = static_cast<double>(profile_.time_unit_ticks) / static_cast<double>(job_.dt_ticks);
  const auto steps = static_cast<std::uint64_t>(std::llround(static_cast<double>(std::abs(normal) * profile_.aperture_jitter) * unit));
  return std::min(steps, capture_period_ - 1);
}

/// Where the noise of a conversion lies that is made `steps_ahead` after the array's present step.
ReadAddress Sequencer::read_address(std::uint32_t lane, std::uint64_t steps_ahead) const {
  const physics::NoiseOrigin at = noise();
  return {at.seed, at.step + steps_ahead, at.shot0 + lane, steps_ahead == 0 ? taken_here_ : 0};
}

/// The state of a lane, as it is now, into a record.
void Sequencer::write_lane(std::uint64_t ahead, std::uint32_t lane, std::span<const float> state,
                           const ReadAddress& address) {
  std::vector<std::int32_t> turns(job_.ring.whole_turns ? job_.cells : 0);
  for (std::uint32_t cell = 0; cell < turns.size(); ++cell) turns[cell] = array_->turns(lane, cell);
  ring_.write_lane(ahead, lane, state, turns, address);
}

/// Takes a record that is due now, or stalls, or fails.
void Sequencer::take_record() {
  if (ring_.full()) {
    if (profile_.capture_stalls) {
      stalled_ = true;
      stall_begin_ = array_time_;
      interrupts_.raise(HB_INTR_STATE_CAPTURE_MASK);
    } else {
      fail({HB_CAPTURE_OVERRUN, pc_, HB_FIELD_NONE, static_cast<std::uint32_t>(ring_.head())});
    }
    return;
  }
  std::vector<float> state(job_.variables);
  try {
    for_each_lane(cell_units * job_.variables, [&](std::uint32_t lane) {
      array_->read(lane, state);
      write_lane(0, lane, state, read_address(lane, 0));
    });
  } catch (const WorkStopped&) {
    return;  // the lanes that are left follow with the next call
  }
  --owed_records_;
  ++taken_here_;
  ring_.finish_record(job_ticks());
  if (observer_) observer_(Mark::record, array_time_);
  announce_records();
}

// -- instructions -----------------------------------------------------------------------------------------------------

std::uint64_t Sequencer::cost_before(const hb_instruction_t& it) const {
  const std::uint64_t rows = it.lane_stride != 0 ? job_.shots : 1;
  const bool immediate = (it.flags & HB_FLAG_IMMEDIATE) != 0;
  std::uint64_t bytes = 0;
  if (it.op == HB_OP_READBACK || (it.op == HB_OP_LOAD && !immediate))
    bytes = section_bytes(static_cast<hb_section_t>(it.section), job_.cells, profile_) * rows;
  if ((it.op == HB_OP_SET || it.op == HB_OP_CLAMP) && !immediate) bytes = rows * it.count * sizeof(float);
  const std::uint64_t rate = profile_.operand_bytes_per_tick;
  return profile_.fetch_ticks + (rate == 0 ? 0 : (bytes + rate - 1) / rate);
}

std::uint64_t Sequencer::cost_after(const hb_instruction_t& it) const {
  if (it.op == HB_OP_COMMIT || it.op == HB_OP_CLAMP) return profile_.dac_settle_ticks;
  return it.op == HB_OP_SAMPLE ? profile_.adc_conversion_ticks : 0;
}

/// Lets at least `ticks` pass before the next thing that the program does.
void Sequencer::let_pass(std::uint64_t ticks) {
  const std::uint64_t steps = (ticks + job_.dt_ticks - 1) / job_.dt_ticks;
  (profile_.free_running ? remaining_ : held_ticks_) = profile_.free_running ? steps : steps * job_.dt_ticks;
}

void Sequencer::execute() {
  if (timed_ && !fetched_) {
    fetched_ = true;
    let_pass(cost_before(job_.program[next_pc_]));
    return;
  }
  const std::uint32_t before = std::exchange(pc_, next_pc_++);
  const hb_instruction_t& it = job_.program[pc_];
  try {
    perform(it);
  } catch (const WorkStopped&) {
    next_pc_ = std::exchange(pc_, before);  // it is carried out, or goes on, with the next call
    return;
  }
  fetched_ = false;
  if (WorkWatch* const watch = WorkWatch::current()) watch->spend(instruction_units);
  if (timed_ && running() && cost_after(it) > 0) let_pass(cost_after(it));
}

void Sequencer::perform(const hb_instruction_t& it) {
  switch (static_cast<hb_op_t>(it.op)) {
    case HB_OP_HALT: halt(); break;
    case HB_OP_LOAD: execute_load(it); break;
    case HB_OP_COMMIT:
      if (!check_shadow()) break;
      if (imperfections_.moves()) target_now_ = moved(parameters_.shadow());
      array_->change_parameters(live(), imperfections_.moves() ? target_now_ : parameters_.shadow());
      clip_count_ += parameters_.take_clips();
      parameters_.commit();
      live_now_ = std::move(target_now_);
      look_steps_ = 0;
      judged_dt_ = job_.dt_ticks;
      break;
    case HB_OP_RAMP:
      if (!check_live() || !check_shadow()) break;
      clip_count_ += parameters_.take_clips();
      if (imperfections_.moves()) target_now_ = moved(parameters_.shadow());
      remaining_ = ramp_steps_ = it.ticks / job_.dt_ticks;
      look_steps_ = 0;
      break;
    case HB_OP_EVOLVE:
      if (check_live()) remaining_ = it.ticks / job_.dt_ticks;
      break;
    case HB_OP_SET:
    case HB_OP_CLAMP: execute_states(it); break;
    case HB_OP_RELEASE: release(it); break;
    case HB_OP_SAMPLE: owed_records_ = 1; break;
    case HB_OP_CAPTURE_START:
      capturing_ = true;
      capture_period_ = it.ticks / job_.dt_ticks;
      early_ = early_by(noise().step + capture_period_);
      to_record_ = capture_period_ - early_;
      owed_records_ = (it.flags & HB_FLAG_NOW) != 0 ? 1 : 0;
      break;
    case HB_OP_CAPTURE_STOP: capturing_ = false; break;
    case HB_OP_METER_CLEAR: clear_meters(); break;
    case HB_OP_METER_SNAPSHOT: snapshot_meters(it); break;
    case HB_OP_LOOP_BEGIN: loops_.push_back({next_pc_, it.count - 1}); break;
    case HB_OP_LOOP_END:
      if (loops_.back().left > 0) {
        --loops_.back().left;
        next_pc_ = loops_.back().begin;
      } else {
        loops_.pop_back();
      }
      break;
    case HB_OP_INTERRUPT:
      interrupts_.raise_program(it.imm);
      if (observer_) observer_(Mark::interrupt_instruction, array_time_);
      break;
    case HB_OP_READBACK: {
      const auto section = static_cast<hb_section_t>(it.section);
      const std::uint64_t bytes = section_bytes(section, job_.cells, profile_);
      numerics::pause_point(bytes);
      parameters_.readback(section, memory_.subspan(it.addr, bytes));
      break;
    }
  }
}

/// The longest stable step in ticks when that of the job is not stable with these parameters.
std::optional<std::uint32_t> Sequencer::stable_ticks(const physics::Parameters& parameters,
                                                     std::span<const std::uint8_t> clamped) const {
  const double unit = profile_.time_unit_ticks, dt = static_cast<double>(job_.dt_ticks) / unit;
  const double bound = longest_stable_step(profile_, array_->spec(), parameters, clamped, dt);
  if (dt < bound) return std::nullopt;
  // Slightly below the bound, so that a rounding error of the eigenvalue cannot yield a step that is refused in turn.
  return static_cast<std::uint32_t>(std::clamp(std::ceil(bound * unit * (1 - 1e-9)) - 1, 0.0, 4294967295.0));
}

/// Checks that the step is stable with these cells held. Otherwise the job fails and the result is false.
bool Sequencer::check_step(const physics::Parameters& parameters, std::span<const std::uint8_t> clamped) {
  // Where holding cells stabilises, a step that is stable with all cells free needs no check at CLAMP and RELEASE.
  const bool holds = std::any_of(clamped.begin(), clamped.end(), [](std::uint8_t held) { return held != 0; });
  const auto refused = stable_ticks(parameters, {});
  stable_when_free_ = !refused;
  if (!refused && (!holds || physics::holding_stabilises(array_->spec()))) return true;
  const auto ticks = holds ? stable_ticks(parameters, clamped) : refused;
  if (!ticks) return true;
  fail({HB_UNSTABLE, pc_, HB_FIELD_NONE, *ticks});
  return false;
}

/// Checks the step with the live parameters unless that was done: those of reset, before the first COMMIT.
bool Sequencer::check_live() {
  if (judged_dt_ == 0 && !check_step(live(), clamped_)) return false;
  judged_dt_ = job_.dt_ticks;
  return true;
}

/// Changes which cells are held, provided the step stays stable.
void Sequencer::set_clamped(std::vector<std::uint8_t> clamped) {
  const bool sure = stable_when_free_ && physics::holding_stabilises(array_->spec());
  if (judged_dt_ != 0 && !sure && !check_step(live(), clamped)) return;
  clamped_ = std::move(clamped);
  array_->set_clamped(clamped_, live());
}

/// Fails the job when the array cannot work with the shadow parameters.
bool Sequencer::check_shadow() {
  numerics::pause_point(couplings_of_unit * lane_units() + (job_.metered ? 4 * job_.shots * lane_units() : 0));
  if (const auto refused = physics::refusal(array_->spec(), parameters_.shadow())) {
    fail({HB_BAD_PROGRAM, pc_, HB_FIELD_OPERAND, refused->cell});
    return false;
  }
  return check_step(parameters_.shadow(), clamped_);
}

void Sequencer::execute_load(const hb_instruction_t& instruction) {
  const std::uint64_t rows = instruction.lane_stride != 0 ? job_.shots : 1;
  numerics::pause_point(4 * rows * section_bytes(static_cast<hb_section_t>(instruction.section), job_.cells, profile_));
  const bool immediate = (instruction.flags & HB_FLAG_IMMEDIATE) != 0 || instruction.section == HB_SECTION_GAIN;
  const auto section = static_cast<hb_section_t>(instruction.section);
  if (!immediate && operands_flipped(instruction, section_bytes(section, job_.cells, profile_), static_cast<std::uint32_t>(rows)))
    return;
  try {
    if (const auto entry = parameters_.load(instruction, memory_, job_.shots))
      fail({HB_BAD_PROGRAM, pc_, HB_FIELD_OPERAND, static_cast<std::uint32_t>(*entry)});
  } catch (const std::bad_alloc&) {
    fail({HB_OUT_OF_MEMORY, pc_, HB_FIELD_SECTION, 0});
  }
}

void Sequencer::execute_states(const hb_instruction_t& instruction) {
  const std::uint32_t count = instruction.count;
  const bool immediate = (instruction.flags & HB_FLAG_IMMEDIATE) != 0;
  const std::uint32_t rows = instruction.lane_stride != 0 ? job_.shots : 1;
  std::vector<float> values(std::size_t{rows} * count, immediate ? std::bit_cast<float>(instruction.imm) : 0.0f);
  if (!immediate) {
    if (operands_flipped(instruction, std::uint64_t{count} * sizeof(float), rows)) return;
    for (std::uint32_t row = 0; row < rows; ++row)
      std::memcpy(values.data() + std::size_t{row} * count,
                  memory_.data() + instruction.addr + std::uint64_t{row} * instruction.lane_stride,
                  count * sizeof(float));
    const auto nan = std::find_if(values.begin(), values.end(), [](float value) { return std::isnan(value); });
    if (nan != values.end()) {
      fail({HB_BAD_PROGRAM, pc_, HB_FIELD_OPERAND, static_cast<std::uint32_t>(nan - values.begin())});
      return;
    }
  }
  const std::uint64_t units = cell_units * count + (job_.metered ? 2 * lanes_together * lane_units() : 0);
  for_each_lane(units, [&](std::uint32_t lane) {
    const auto row = std::span(values).subspan(std::size_t{lane % rows} * count, count);
    array_->write(lane, instruction.first, row, live());
    hold_defects(lane);
  });
  if (instruction.op != HB_OP_CLAMP) return;
  std::vector<std::uint8_t> clamped = clamped_;
  std::fill_n(clamped.begin() + instruction.first, count, std::uint8_t{1});
  set_clamped(std::move(clamped));
}

void Sequencer::release(const hb_instruction_t& instruction) {
  std::vector<std::uint8_t> clamped = clamped_;
  std::fill_n(clamped.begin() + instruction.first, instruction.count, std::uint8_t{0});
  keep_held(clamped);
  set_clamped(std::move(clamped));
}

void Sequencer::clear_meters() {
  if (lanes_done_ == 0) array_->clear_meters();
  for_each_lane(lanes_together * lane_units(), [&](std::uint32_t lane) {
    energy_at_clear_[lane] = array_->energy(lane, live());
  });
}

hb_meters_t Sequencer::meters(std::uint32_t lane) const {
  const physics::LaneMeters path = array_->meters(lane, live());
  hb_meters_t meters{};
  meters.energy = array_->energy(lane, live());
  const double change = meters.energy - energy_at_clear_[lane];
  meters.work = path.work;
  meters.heat = path.work - change;
  meters.heat_path = path.heat_path;
  meters.work_shadow = change - path.work + path.heat_path;
  meters.ticks = job_ticks();
  return meters;
}

void Sequencer::snapshot_meters(const hb_instruction_t& instruction) {
  for_each_lane(2 * lanes_together * lane_units(), [&](std::uint32_t lane) {
    const hb_meters_t values = meters(lane);
    std::memcpy(memory_.data() + instruction.addr + std::uint64_t{lane} * sizeof values, &values, sizeof values);
  });
  std::vector<double> values;
  for (std::uint32_t m = 0; m < HB_METERS; ++m) {
    const hb_meter_facts_t& meter = hb_meter_list[m];
    if ((instruction.flags & meter.flag) == 0) continue;
    std::uint64_t at = instruction.addr +
                       hb_snapshot_offset(static_cast<hb_meter_t>(m), instruction.flags, job_.shots, job_.cells);
    for (std::uint32_t lane = 0; lane < job_.shots; ++lane) {
      values.resize(job_.cells);
      array_->cell_meter(kept_for(meter), lane, values);
      if (!meter.per_cell) values = {std::accumulate(values.begin(), values.end(), 0.0)};
      for (double& value : values)
        if (meter.counts) value = std::bit_cast<double>(static_cast<std::uint64_t>(value));
      std::memcpy(memory_.data() + at, values.data(), values.size() * sizeof(double));
      at += values.size() * sizeof(double);
    }
  }
}

}  // namespace heatbath::model
