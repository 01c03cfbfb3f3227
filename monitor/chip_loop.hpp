#pragma once
// The loop that owns the device of a monitor: one short job after the other, and a frame of what is seen after each.

#include <array>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "monitor/certifier.hpp"
#include "monitor/exact_law.hpp"
#include "monitor/scene.hpp"

namespace heatbath::monitor {

/// What viewers may turn.
struct Knobs {
  double kT = 1, gain = 1, field = 0;
  std::uint64_t period = 1;  ///< of a record, ticks
  std::uint32_t histogram_cell = 0;
  std::vector<std::uint32_t> scope_cells{0};
  bool running = true;
};

/// What a viewer asks for; absent: as it is.
struct Request {
  std::optional<double> kT = {}, gain = {}, field = {}, period_time_units = {};
  std::optional<std::uint32_t> histogram_cell = {};
  std::optional<std::vector<std::uint32_t>> scope_cells = {};
  std::optional<bool> running = {};
  std::uint32_t steps = 0;  ///< frames to take while paused
};

struct LoopOptions {
  std::uint64_t seed = 1;
  std::uint32_t shots = 8;          ///< arrays side by side, chains of the certificate; no more than the device's lanes
  double frames_per_second = 30;    ///< jobs a second, each shown; 0: as many as the device makes
  std::string calibration = {};     ///< what is known of the chip's calibration, for people
};

/// Runs the device in the thread that calls run(); all else may be called from any thread.
class ChipLoop {
 public:
  static constexpr std::size_t most_scope_cells = 8, bins = 60, most_events = 200, most_changes = 1000;
  static constexpr int most_frames_per_second = 60;  ///< that viewers are sent; jobs may be more

  /// Sets the device up for the scene: throws what a refused program throws. The device must outlive it.
  ChipLoop(Device& device, Scene scene, LoopOptions options);
  ~ChipLoop();

  /// Runs jobs until `stop` says so; a job that failed is an event, a lost link ends it with Error(LINK). Without
  /// viewers it goes on, but makes no frames.
  void run(const std::function<bool()>& stop);

  /// Throws Error(BAD_ARG, UNSUPPORTED) that names what is wrong; then nothing is changed.
  void ask(const Request& request);

  using Frame = std::shared_ptr<const std::string>;
  struct Numbered {
    std::uint64_t number = 0;
    Frame frame;
  };
  /// The newest frame (JSON) where that is newer than `after`; waits for one at most `wait`. Empty frame: none came.
  Numbered newer(std::uint64_t after, std::chrono::milliseconds wait);
  /// A viewer comes, or goes: while there is one, frames are made.
  void add_viewers(int change);

  /// What does not change: device, scene, layout, couplings; JSON.
  const std::string& about() const { return about_; }
  /// Every register with its value, read by the loop's thread; JSON. Empty where that takes more than `wait`.
  std::string registers(std::chrono::milliseconds wait);
  /// TOML that repeats what was done, to the newest frame (repeating_program). Error(UNSUPPORTED) where it cannot.
  std::string program();
  /// All states of the first array in the newest frame's last record, as CSV: cell, state.
  std::string states();

 private:
  Device& device_;
  Scene scene_;
  LoopOptions options_;
  std::string about_;
  std::uint32_t shots_ = 1, records_ = 32;

  std::mutex mutex_;
  std::condition_variable turned_, framed_;
  Knobs knobs_;                       // under mutex_
  std::uint32_t steps_ = 0;           // frames to take while paused
  int viewers_ = 0;
  bool stale_ = false;                // the newest frame is not of now
  Numbered newest_;
  std::deque<std::promise<std::string>> register_readers_;
  std::vector<Change> changes_;
  std::uint64_t array_ticks_ = 0;
  std::vector<float> last_states_;
  std::deque<std::string> events_;    // JSON objects
  std::uint64_t events_made_ = 0;

  // of the loop's thread
  Capture capture_;
  Knobs live_;
  bool begun_ = false;
  std::uint64_t step_count_ = 0;
  double work_ = 0, heat_ = 0, energy_ = 0, first_energy_ = 0;
  bool metered_ = false;
  std::array<std::uint64_t, bins> counts_{};
  double low_ = -1, high_ = 1;
  std::uint64_t outside_ = 0, samples_ = 0, settle_until_ = 0;
  double sum_ = 0, squares_ = 0;
  std::optional<ExactLaw> law_;
  double reach_ = 0;
  std::uint64_t jobs_ = 0, faults_ = 0, clips_ = 0, rails_ = 0;
  std::string health_;
  std::chrono::steady_clock::time_point health_read_{}, published_{};
  Certifier certifier_;

  Program next_program(const Knobs& wanted);
  void take_job(const Knobs& wanted);
  void take_capture(const Capture& capture);
  void restart_histogram();
  void publish(double frames_per_second);
  std::string frame_of(double frames_per_second);
  void read_health();
  std::string read_registers();
  void note_event(const char* kind, const std::string& text);
};

}  // namespace heatbath::monitor
