#pragma once
// The loop that owns the device of a monitor: one short job after the other, and a frame of what is seen after each.

#include <array>
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
#include "monitor/framed_window.hpp"
#include "monitor/interrupt_log.hpp"
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

struct LoopOptions {
  std::uint64_t seed = 1;
  std::uint32_t shots = 8;          ///< arrays side by side, chains of the certificate; no more than the device's lanes
  double frames_per_second = 30;    ///< jobs a second, each shown; 0: as many as the device makes
  std::string calibration = {};     ///< what is known of the chip's calibration, for people
};

/// Runs the device in the thread that calls run(); all else may be called from any thread.
class ChipLoop final : public FramedWindow {
 public:
  static constexpr std::size_t most_scope_cells = 8, bins = 60, most_changes = 1000;

  /// Sets the device up for the scene: throws what a refused program throws. The device must outlive it, and so must
  /// `interrupts`: those of its link (ListeningLink), shown where there are any.
  ChipLoop(Device& device, Scene scene, LoopOptions options, const InterruptLog* interrupts = nullptr);

  /// Runs jobs until `stop` says so; a job that failed is an event, a lost link ends it with Error(LINK). Without
  /// viewers it goes on, but makes no frames.
  void run(const std::function<bool()>& stop);

  void ask(const Request& request) override;
  const std::string& about() const override { return about_; }
  /// repeating_program()
  std::string program() override;
  std::string states() override;
  std::string picture(const std::string&) override { return {}; }

 private:
  Device& device_;
  Scene scene_;
  LoopOptions options_;
  const InterruptLog* interrupts_;  // of the loop's thread
  std::string about_;
  std::uint32_t shots_ = 1, records_ = 32;

  Knobs knobs_;                       // under mutex_, as all to last_states_
  std::uint32_t steps_ = 0;           // frames to take while paused
  bool stale_ = false;                // the newest frame is not of now
  std::vector<Change> changes_;
  std::uint64_t array_ticks_ = 0;
  std::vector<float> last_states_;

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
  void note(const char* kind, const std::string& text);  ///< of now
};

}  // namespace heatbath::monitor
