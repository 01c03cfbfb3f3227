#pragma once
// Who had the device, or looked on, or tried to: one line each, whole.

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "link/channel.hpp"

namespace heatbath {

/// Appends lines of JSON to a file, which its owner alone can read. Unlike the log it leaves nothing out.
class Audit {
 public:
  struct Entry {
    const char* what = "session";  ///< session, viewer or refused
    std::uint64_t number = 0;      ///< of sessions and viewers, each from 1 on
    std::string peer = {};         ///< address, or user and process
    bool token = false;            ///< it proved one
    std::chrono::system_clock::time_point began{};
    std::uint64_t requests = 0;    ///< of a session executed, of a viewer answered
    std::optional<std::uint64_t> ticks = {};  ///< device time at the end, where it is seen
    std::string ended = {};        ///< why
    bool by_server = false;
  };

  /// Opens FILE, makes it where there is none; empty path: nothing is written. Throws Error(IO).
  explicit Audit(const std::string& path);
  /// Appends a line by one write. False when it could not be written whole.
  bool add(const Entry& entry) noexcept;

 private:
  FileDescriptor file_;
};

}  // namespace heatbath
