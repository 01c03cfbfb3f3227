#pragma once
// A window into a chip that somebody else has: it looks on by the read-only session of a server.

#include <chrono>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/view.hpp"
#include "monitor/framed_window.hpp"
#include "monitor/interrupt_log.hpp"
#include "monitor/training_folder.hpp"

namespace heatbath::monitor {

struct WatchOptions {
  std::filesystem::path folder = {};  ///< of a trainer, whose losses and pictures are shown, too; empty: none
  double looks_per_second = 30;       ///< at most; 0: as many as come
};

/// Shows the newest record of the first array, the meters of the last snapshot, registers and counters of a served device,
/// and how a training is doing. It turns nothing: ask() and program() are refused. Looks are made only while somebody
/// watches.
class WatchLoop final : public FramedWindow {
 public:
  /// Throws what View and TrainingFolder throw.
  WatchLoop(const std::string& uri, WatchOptions options);

  /// Looks until `stop` says so. A server that has gone ends it with Error(LINK).
  void run(const std::function<bool()>& stop);

  const std::string& about() const override { return about_; }
  void ask(const Request& request) override;
  std::string program() override;
  std::string states() override;
  std::string picture(const std::string& name) override;

  static constexpr std::uint32_t most_cells = 40000;  ///< that are shown, from the first on

 private:
  /// Where things lie in device memory, as registers and the program tell; a look that finds by one plan what the same
  /// look's registers and program plan again has seen what it was meant to.
  struct Plan {
    std::uint64_t program = 0, ring = 0;
    std::uint32_t instructions = 0, slots = 0, record_bytes = 0, lanes = 0;
    std::optional<std::uint64_t> meters;  ///< of the program's last snapshot
    bool operator==(const Plan&) const = default;
  };
  Plan plan_of(const std::vector<std::byte>& program) const;
  std::uint32_t word(std::uint32_t offset) const;
  void look();
  bool look_by_plan();
  /// Says in the log what has changed since the look before.
  void note_changes();
  std::string frame_of();
  std::string read_registers();

  View* view_;  // of device_
  Device device_;
  WatchOptions options_;
  std::string about_;
  std::optional<TrainingFolder> folder_;

  std::vector<float> states_;                        // under mutex_
  mutable std::mutex folder_mutex_;                  // over folder_

  // of the loop's thread
  std::vector<std::byte> registers_;                 // from first_register on, the newest
  Plan plan_;
  std::uint64_t session_ = 0, ticks_ = 0;
  std::uint32_t head_ = 0;                           // records that the job has written
  std::optional<hb_meters_t> meters_;                // means over the arrays
  double reach_ = 1, frames_per_second_ = 0;
  std::string training_ = "null";

  /// What the log has said last.
  struct Said {
    std::uint64_t session = 0, ticks = 0;
    std::uint32_t pending = 0, fault = 0;
    bool clipped = false, railed = false;
  };
  Said said_;
  InterruptLog interrupts_;                          // as far as looks have met them
  std::chrono::steady_clock::time_point moved_{};    // when device time was seen to go on
};

}  // namespace heatbath::monitor
