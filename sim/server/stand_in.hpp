#pragma once
// A file that stands in for a device on a bus: registers and memory in shared memory, served by polling.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "driver/src/channel.hpp"
#include "heatbath/regs.h"
#include "heatbath/transport.hpp"
#include "sim/server/passing_time.hpp"

namespace heatbath {

/// Serves an emulator at a file: its register window in the first HB_WINDOW_BYTES, device memory behind, shared with
/// the chip, the list of couplers of a sparse one behind that; interrupts as 4-byte counts through the named pipe FILE.irq. A host's stores are found by comparing the
/// words with what was last put there: effectful registers carry sequence numbers and reads have no effect, so nothing
/// is lost by looking late. The file's rounds are counted as driver/src/stand_in_file.hpp says.
///
/// Device time passes by itself (PassingTime).
class StandIn {
 public:
  /// Makes file and pipe, which must not be there (a file of a stand-in that died is replaced). Throws Error(IO,
  /// BAD_ARG); the device is a func: URI.
  StandIn(const std::string& device, const std::string& file);
  ~StandIn();

  /// Serves in this thread until `stop` is set.
  void run(const std::atomic<bool>& stop);

 private:
  static constexpr std::uint32_t words = HB_WINDOW_BYTES / 4;
  void round();
  void carry_out(std::uint32_t offset, std::uint32_t value);
  void put(std::uint32_t offset);
  void count_round();
  void tell_interrupt();
  std::atomic_ref<std::uint32_t> word(std::uint32_t offset) const;

  std::string path_;
  FileDescriptor file_, pipe_;
  std::unique_ptr<Transport> device_;
  std::uint32_t* window_ = nullptr;
  std::uint32_t* rounds_ = nullptr;
  std::array<std::uint32_t, words> image_{};  ///< what was last put into the file, or found there and carried out
  std::uint32_t resets_ = 0;
  std::optional<PassingTime> time_;
  std::chrono::steady_clock::time_point last_store_;
  bool interrupt_ = false;
  std::uint32_t interrupts_ = 0;
};

}  // namespace heatbath
