#pragma once
// One job on the devices of a rack: who takes which shots, and the result in their order.

#include <atomic>
#include <chrono>
#include <cstdint>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "heatbath/job.hpp"
#include "heatbath/program.hpp"
#include "rack.hpp"

namespace heatbath {

/// Shared with the threads of the devices, which may end a range after the job has ended. All that is not said to be the
/// owner's is guarded by the rack's mutex.
class RackJob : public std::enable_shared_from_this<RackJob> {
 public:
  /// Checked already by the rules of one device.
  RackJob(std::shared_ptr<Rack> rack, const Program& program, const JobOptions& options);

  /// Sets the devices to work.
  void begin();
  // For Job, which documents them; the owner's.
  Job::State poll();
  Result wait();
  void cancel() noexcept { asked_to_stop_.store(true, std::memory_order_relaxed); }
  /// Ends the job as failed, unless it has ended; its devices stop by themselves. The owner's.
  void lose(const Error& error) noexcept;

 private:
  using Clock = std::chrono::steady_clock;
  using Member = Rack::Member;

  /// Shots that a device runs.
  struct Range {
    std::uint32_t first = 0, count = 0;
    std::uint32_t device = 0;
    bool redone = false;     ///< it was another device's
    bool overtaken = false;  ///< others may run its shots, too
    Clock::time_point began;
    std::atomic<bool> cancelled{false};
    std::atomic<double> fraction{0};
    std::uint32_t end() const { return first + count; }
  };
  struct Shots {
    std::uint32_t first, count;
    bool redone;
    std::uint32_t end() const { return first + count; }
  };
  struct Done {
    Result result;
    Share share;
  };

  // In the thread of a device.
  void work_on(std::uint32_t device);
  void run(Member& member, const std::shared_ptr<Range>& range);

  // With the mutex.
  bool over() const { return ended_ || covered() >= end_; }
  std::uint64_t covered() const;
  bool is_covered(std::uint32_t first, std::uint32_t end) const;
  /// Shots for this device, or none for now.
  std::shared_ptr<Range> next(std::uint32_t device);
  std::uint32_t size_for(const Member& member, std::uint64_t left) const;
  double speed_of(const Member& member) const;
  void overtake(const Member& member);
  void give_back(std::uint32_t first, std::uint32_t count);
  void take_in(const Range& range, Result&& result, double seconds);
  void fail(std::uint32_t first, std::exception_ptr why);
  void learn_speed(Member& member, double shots, double seconds);
  void stop_all();

  // The owner's.
  void collect();
  void hand_over(bool rest);
  bool report();
  void end(Job::State state);
  double fraction();

  const std::shared_ptr<Rack> shared_;
  Rack& rack_;            ///< the same
  const Program program_;
  JobOptions options_;    ///< without what is called, which is the owner's
  const bool streams_;    ///< records are handed over
  const std::uint32_t variables_;
  const double ticks_of_shot_;
  std::atomic<bool> asked_to_stop_{false};

  std::uint32_t end_;        ///< shots that are wanted: all, or those before the one that failed
  std::uint32_t next_ = 0;   ///< the first that was given to nobody
  std::vector<Shots> back_;  ///< given back, sorted by shot
  std::vector<std::shared_ptr<Range>> running_;
  std::map<std::uint32_t, Done> done_;  ///< by first shot, not merged yet
  std::uint32_t merged_ = 0;
  std::vector<std::uint32_t> losses_;   ///< of each device in this job
  std::size_t present_ = 0;             ///< devices that work on it
  std::uint32_t idle_ = 0;              ///< of those, that wait for something to do
  std::exception_ptr failure_;
  bool ended_ = false;

  // The owner's; what is called goes with the end of the job.
  Progress progress_;
  std::function<void(const RecordOfPass&)> take_record_;
  Job::State state_ = Job::State::running;
  bool taken_ = false;
  Result result_;
  std::vector<Share> shares_;
  std::uint64_t clips_ = 0;
  Capture records_;              ///< to be handed over
  std::uint32_t handed_ = 0;     ///< shots that were
  std::uint32_t first_kept_ = 0; ///< shot of the job at which records_ begins
  double told_ = 0;
  Clock::time_point told_at_ = Clock::now();
};

/// Throws Error(UNSUPPORTED) for anything in a result that was held at the end of its range (JobOptions::strict).
void check_strictly(const Result& result, const Capabilities& capabilities);

}  // namespace heatbath
