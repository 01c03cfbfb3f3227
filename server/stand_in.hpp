#pragma once
// A file that stands in for a device on a bus: registers and memory in shared memory, served by polling.

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include <sys/types.h>

#include "heatbath/regs.h"
#include "heatbath/transport.hpp"
#include "link/channel.hpp"
#include "server/mapped_file_guard.hpp"
#include "server/passing_time.hpp"

namespace heatbath {

/// Serves an emulator at a file: its register window in the first HB_WINDOW_BYTES, device memory behind, shared with
/// the chip, the list of couplers of a sparse one behind that; interrupts as 4-byte counts through the named pipe
/// FILE.irq. A host's stores are found by comparing the words with what was last put there: effectful registers carry
/// sequence numbers and reads have no effect, so nothing is lost by looking late. The file's rounds are counted as
/// link/stand_in_file.hpp says.
///
/// Device time passes by itself (PassingTime).
class StandIn {
 public:
  /// Creates file and pipe. Those that a killed stand-in left are replaced, with `force` any that exist; otherwise an
  /// existing one is an error. All bytes of the file are allocated. Throws Error(IO, BAD_ARG); the device is a
  /// func: URI. `stop` must outlive this object.
  StandIn(const std::string& device, const std::string& file, bool force, const std::atomic<bool>& stop);
  /// Removes file and pipe, where they are still those that were made.
  ~StandIn();

  /// Serves in this thread until `stop` is set. Throws Error(IO) when bytes of the file have gone.
  void run();

 private:
  static constexpr std::uint32_t words = HB_WINDOW_BYTES / 4;
  void make_file(bool force);
  void make_pipe(bool force, bool stale);
  std::uint32_t* map_shared(std::size_t bytes, std::uint64_t offset, const char* what);
  void round();
  void carry_out(std::uint32_t offset, std::uint32_t value);
  void put(std::uint32_t offset);
  void count_round();
  void tell_interrupt();
  std::atomic_ref<std::uint32_t> word(std::uint32_t offset) const;

  /// A file at a path, until it is not that file any more.
  struct Made {
    std::string path;
    dev_t device = 0;
    ino_t number = 0;
    Made() = default;
    Made(std::string at, int descriptor);
    Made(Made&& other) noexcept { swap(other); }
    Made& operator=(Made&& other) noexcept {
      swap(other);
      return *this;
    }
    ~Made();
    void swap(Made& other) noexcept;
  };

  std::string path_;
  const std::atomic<bool>& stop_;
  FileDescriptor file_, pipe_;
  Made made_file_, made_pipe_;
  std::unique_ptr<Transport> device_;
  std::uint32_t* window_ = nullptr;
  std::uint32_t* rounds_ = nullptr;
  std::optional<MappedFileGuard> guards_[3];
  std::array<std::uint32_t, words> image_{};  ///< what was last put into the file, or found there and carried out
  std::uint32_t resets_ = 0;
  std::optional<PassingTime> time_;
  std::chrono::steady_clock::time_point last_store_;
  bool interrupt_ = false;
  std::uint32_t interrupts_ = 0;
};

}  // namespace heatbath
