#pragma once
// A program running on a device, and what it leaves.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <new>
#include <optional>
#include <span>
#include <vector>

#include "heatbath/meter_list.hpp"
#include "heatbath/program.h"
#include "heatbath/ticks.hpp"

namespace heatbath {

class Device;
class Program;

namespace detail {

/// Memory of captured states, in large pages where the system has them. Not cleared: a result holds no value that was
/// not written. Throws std::bad_alloc.
void* allocate_states(std::size_t bytes);
void free_states(void* memory, std::size_t bytes);

/// Memory of captured states: huge pages where the system has them, and left as it is found, not zeroed.
template <class T>
struct StateAllocator {
  using value_type = T;
  StateAllocator() = default;
  template <class U>
  StateAllocator(const StateAllocator<U>&) {}
  T* allocate(std::size_t count) { return static_cast<T*>(allocate_states(count * sizeof(T))); }
  void deallocate(T* p, std::size_t count) { free_states(p, count * sizeof(T)); }
  template <class U>
  void construct(U* p) noexcept {
    ::new (static_cast<void*>(p)) U;
  }
  template <class U>
  bool operator==(const StateAllocator<U>&) const {
    return true;
  }
};

}  // namespace detail

/// Called with the fraction done, 0 to 1, in rising order; returning false cancels the work, which then ends with
/// Error(ABORTED). May be empty. All long work in this project reports through this type. It may not use the device.
using Progress = std::function<bool(double fraction)>;

/// Values that lie `stride` apart in memory that something else owns.
class StridedValues {
 public:
  /// `size` values from `first` on, `stride` floats apart; the memory must outlive this.
  StridedValues(const float* first, std::size_t size, std::size_t stride) : first_(first), size_(size), stride_(stride) {}
  std::size_t size() const { return size_; }
  std::size_t stride() const { return stride_; }
  const float* data() const { return first_; }
  float operator[](std::size_t index) const { return first_[index * stride_]; }

 private:
  const float* first_;
  std::size_t size_, stride_;
};

/// Captured states of a job, in physical units: shots x records x captured state variables (cells, unless the job asked
/// for more), row-major.
class Capture {
 public:
  Capture() = default;
  /// `first`: the first of the captured variables (JobOptions::capture_first).
  Capture(std::uint32_t shots, std::uint32_t cells, std::uint32_t first = 0) : shots_(shots), cells_(cells), first_(first) {}

  /// Of the job: shots; captured variables, cells times components; records of each shot.
  std::uint32_t shots() const { return shots_; }
  std::uint32_t cells() const { return cells_; }
  /// The first captured variable: c * (cells of the program) + i is component c of cell i.
  std::uint32_t first() const { return first_; }
  std::uint64_t records() const { return ticks_.size(); }  ///< of each shot
  /// Ticks the array had evolved in the job at each record; the same for every shot.
  const std::vector<Ticks>& ticks() const { return ticks_; }
  /// State of one shot at one record.
  std::span<const float> state(std::uint32_t shot, std::uint64_t record) const {
    return {values_.data() + (shot * records() + record) * cells_, cells_};
  }
  /// One captured state variable, 0..cells() - 1. Full turns of phases are exact here where the device counts them in
  /// integers (Capabilities::whole_turns); state() and trajectory() hold the nearest float32, exact to 2^24.
  double value(std::uint32_t shot, std::uint64_t record, std::uint32_t variable) const {
    if (variable < cells_ - turn_cells_) return state(shot, record)[variable];
    return turns_[(shot * records() + record) * turn_cells_ + (variable - (cells_ - turn_cells_))];
  }
  /// How many of the captured variables, the last ones, are full turns in integers.
  std::uint32_t whole_turns() const { return turn_cells_; }
  /// Those integers: shots x records x whole_turns(), row-major.
  std::span<const std::int32_t> turns() const { return turns_; }
  /// Trajectory of one shot: records x cells, row-major.
  std::span<const float> trajectory(std::uint32_t shot) const {
    return {values_.data() + shot * records() * cells_, records() * cells_};
  }

  // -- other views of the same values: valid as long as the capture; only functions that return a vector copy ---------
  /// Everything: shots x records x cells, row-major.
  std::span<const float> values() const { return {values_.data(), values_.size()}; }
  /// One variable in all shots at all records: shots x records, row-major. Error(BAD_ARG) for one that was not
  /// captured.
  StridedValues column(std::uint32_t variable) const;
  /// One variable in all shots at one record.
  StridedValues column(std::uint32_t variable, std::uint64_t record) const;
  /// Mean over all shots and records: of one variable, or of each. Error(BAD_ARG) where nothing was captured.
  double mean(std::uint32_t variable) const;
  std::vector<double> means() const;
  /// Signs: +1 for a state of 0 or more, else -1; shots x records x cells, row-major.
  std::vector<std::int8_t> spins() const;
  /// States of categorical cells, 0 .. capabilities.states - 1, in the same order.
  std::vector<std::uint8_t> labels() const;

  /// Appends the shots of `more`. Error(BAD_ARG) where its records or variables differ from those of this capture; an
  /// empty capture takes the records and variables of `more`.
  void append(Capture&& more);
  /// Reserves memory for `shots` shots in all, so that append need not copy.
  void reserve(std::uint32_t shots);

 private:
  friend class Job;
  std::uint32_t shots_ = 0, cells_ = 0, first_ = 0;
  std::vector<Ticks> ticks_;
  std::vector<float, detail::StateAllocator<float>> values_;
  std::uint32_t turn_cells_ = 0;
  std::vector<std::int32_t> turns_;  // shots x records x turn_cells_
};

/// By meter: [snapshot][value].
using MetersOnRequest = std::map<Meter, std::vector<std::vector<double>>>;

/// Shots that one device of a rack ran for a job.
struct Share {
  std::uint32_t device = 0;      ///< in Device::members()
  std::uint32_t first_shot = 0;  ///< of the job: 0 for its first shot
  std::uint32_t shots = 0;
  double seconds = 0;            ///< of the wall clock
  bool redone = false;           ///< another device had them before and gave them back
  bool operator==(const Share&) const = default;
};

/// What a finished job leaves. Nothing of it is partial.
struct Result {
  Capture capture;  ///< states of all records
  std::vector<std::vector<hb_meters_t>> meters;  ///< [snapshot][shot]
  /// Of each meter that a snapshot asked for besides: [snapshot][shot], or of cells [snapshot][shot x cells, row-major],
  /// energy units or counts, which are exact up to 2^53. Empty rows where a snapshot did not ask for it.
  MetersOnRequest on_request;
  /// Its values of a snapshot; empty where that did not ask for it.
  std::span<const double> meter(Meter meter, std::size_t snapshot = 0) const {
    const auto taken = on_request.find(meter);
    if (taken == on_request.end() || snapshot >= taken->second.size()) return {};
    return taken->second[snapshot];
  }
  std::vector<std::vector<float>> readback;      ///< [readback]: values as applied (codes decoded nominally)
  std::uint64_t clips = 0;                       ///< parameter values clipped, by the encoding and by the device
  std::uint64_t capture_clips = 0;               ///< captured velocities, voltages or turns beyond their converter
  std::uint64_t rails = 0;                       ///< cell-steps at which a state was held at a rail
  std::uint32_t rail_cell = 0xFFFFFFFFu;         ///< lowest such cell
  Ticks array_ticks;                             ///< ticks the array evolved, per shot
  Ticks stall_ticks;                             ///< ticks it waited for the capture ring, all passes
  std::vector<Share> shares;                     ///< of a rack: who did what, in the order of shots; else empty
};

/// Adds the shots of `more` behind those of `all`: captures, meters, heat and shares one after the other; counters of
/// captures and rails and stalls summed; clips of parameters, which every part of one job repeats, the most; readback,
/// array time those of the first. An empty Result takes over what comes first.
void merge(Result& all, Result&& more);

/// One record of the shots of a pass, in physical units.
struct RecordOfPass {
  std::uint32_t first_shot = 0;   ///< of the job: 0 for its first shot
  std::uint64_t record = 0;       ///< of each shot
  Ticks ticks;                    ///< that the array had evolved in the job
  std::span<const float> states;  ///< shots of the pass x captured state variables, row-major; valid during the call
};

/// How a job is kept while it runs, so that another process goes on with it to the same bits (docs/checkpoints.md). For
/// links that are Restorable: emulators in this process.
struct Checkpoints {
  /// Asked between slices of device time; true: the job is saved now. Empty: never.
  std::function<bool()> due = nullptr;
  /// Takes what was saved: the device, and what the job has fetched so far. It may not use the device.
  std::function<void(std::vector<std::byte>&& saved)> take = nullptr;
  /// Not empty: what a job of the same program and options left. This one goes on from there, in the place of whatever
  /// the device was. Error(BAD_ARG) for bytes of another job or device, or damaged ones; nothing was started then.
  std::vector<std::byte> from = {};
};

/// How a program is run: how often, with which noise, and what is told on the way.
struct JobOptions {
  std::uint32_t shots = 1;  ///< independent runs of the program
  /// Noise key. Error(UNSUPPORTED) on a device without CAPS.SEEDED; left empty the device uses its own.
  std::optional<std::uint64_t> seed = std::nullopt;
  /// Number of the job's first shot, and of its first step; with a seed only. A job with a first step goes on from the
  /// states and parameters the job before it left (same program cells, same shots), and so must fit one pass:
  /// Error(BAD_ARG) when shots exceed the lanes.
  /// A rack refuses a first step: Error(UNSUPPORTED).
  std::uint32_t first_shot = 0;
  std::uint64_t first_step = 0;
  /// Level r of the noise, 0..8; with a seed only, above 0 with capabilities.refinement. Step s of a job at level r
  /// refines the Brownian path of step s >> r of the same job at level 0: with the step of the array halved r times and
  /// the same durations, both follow one path.
  std::uint32_t refinement = 0;
  /// Captured state variables (variable c * cells + i is component c of cell i): count 0 means all cells from first on,
  /// of first's component.
  std::uint32_t capture_first = 0, capture_cells = 0;
  /// Longest the job may take in device ticks, stalls included; 0: no limit. Error(TIMEOUT) aborts the job. On a rack,
  /// that any part of the job may take that one device runs.
  Ticks limit{0};
  /// Called between slices of device time with the fraction done, and about ten times a second inside a slice that
  /// lasts longer, with an unchanged fraction; returning false cancels the job. May be empty. It may not use the
  /// device.
  Progress progress = nullptr;
  /// Receives every record instead of Result::capture, which stays empty: for runs larger than memory. Called while
  /// the job is polled or waited for, pass by pass and in order; an Error that it throws ends the job. May be empty.
  std::function<void(const RecordOfPass&)> records = nullptr;
  /// Refuses values beyond their range: Error(UNSUPPORTED) names a parameter that was clipped (before the start, where
  /// the encoding clipped it), a capture that was clipped, or a state that was held at a rail.
  bool strict = false;
  /// Error(UNSUPPORTED) where the link cannot. What options.records was given before is the caller's to keep.
  Checkpoints checkpoints = {};
};

class RackJob;

/// A job: one program, any number of shots, split over the device's lanes and as many passes as that takes, or over the
/// devices of a rack. Move-only; the Device must outlive it. Destroying an unfinished job aborts it.
class Job {
 public:
  /// Only `running` changes, once.
  enum class State { running, done, failed, cancelled };

  Job(Job&&) noexcept;
  Job& operator=(Job&&) noexcept;
  ~Job();

  /// Polls the device once, without waiting: fetches captures, starts the next pass. Costs register accesses,
  /// and so as many ticks. Does not throw for a failed job; wait() does.
  State poll();

  /// Advances device time until the job has ended and returns its result. To be called once.
  /// Throws Error: TIMEOUT (limit passed), ABORTED (cancelled), CAPTURE_OVERRUN (first lost record named),
  /// BAD_PROGRAM or BAD_ARG (instruction and field named), LINK.
  Result wait();

  /// Asks the job to stop; it ends as cancelled within some tenths of a second, also inside a slice where the link can
  /// (Interruptible). Safe from a signal handler and other threads.
  void cancel() noexcept;

 private:
  friend class Device;
  struct Impl;
  explicit Job(std::unique_ptr<Impl> impl);
  explicit Job(std::shared_ptr<RackJob> job);
  std::unique_ptr<Impl> impl_;
  std::shared_ptr<RackJob> rack_;  // or this
};

}  // namespace heatbath
