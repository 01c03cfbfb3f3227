#pragma once
// What the page of a monitor shows, whoever makes it.

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace heatbath::monitor {

/// What a viewer asks for; absent: as it is.
struct Request {
  std::optional<double> kT = {}, gain = {}, field = {}, period_time_units = {};
  std::optional<std::uint32_t> histogram_cell = {};
  std::optional<std::vector<std::uint32_t>> scope_cells = {};
  std::optional<bool> running = {};
  std::uint32_t steps = 0;  ///< frames to take while paused
};

/// What the page asks for. All calls may come from any thread.
class Window {
 public:
  static constexpr int most_frames_per_second = 60;  ///< that viewers are sent; jobs may be more

  virtual ~Window() = default;

  using Frame = std::shared_ptr<const std::string>;
  struct Numbered {
    std::uint64_t number = 0;
    Frame frame;
  };
  /// The newest frame (JSON) where that is newer than `after`; waits for one at most `wait`. Empty frame: none came.
  virtual Numbered newer(std::uint64_t after, std::chrono::milliseconds wait) = 0;
  /// A viewer comes, or goes: while there is one, frames are made.
  virtual void add_viewers(int change) = 0;

  /// What does not change: device, scene, layout, couplings; JSON.
  virtual const std::string& about() const = 0;
  /// Every register with its value; JSON. Empty where that takes more than `wait`.
  virtual std::string registers(std::chrono::milliseconds wait) = 0;
  /// Throws Error(BAD_ARG, UNSUPPORTED) that names what is wrong; then nothing is changed.
  virtual void ask(const Request& request) = 0;
  /// TOML that repeats what was done, to the newest frame. Error(UNSUPPORTED) where it cannot.
  virtual std::string program() = 0;
  /// All states of the first array in the newest frame's last record, as CSV: cell, state.
  virtual std::string states() = 0;
  /// A PNG that a frame named; empty where there is none of that name.
  virtual std::string picture(const std::string& name) = 0;
};

}  // namespace heatbath::monitor
