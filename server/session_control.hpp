#pragma once
// What the thread that listens and the thread that owns the device tell each other about the running session.

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <vector>

#include "heatbath/wire_protocol.hpp"
#include "server/view_desk.hpp"

namespace heatbath {

class Channel;

/// Why a session has to end.
enum class Verdict : std::uint8_t { none, gone, stopping, session_limit, idle_limit };

/// Written by one side, read by the other; outlives both. Large: not for a stack.
struct SessionControl {
  std::atomic<Verdict> verdict{Verdict::none};  ///< set by the listening thread; the session looks at every request
  /// Odd while a request is executed; changes with each. So the listening thread sees long work and idleness without
  /// a clock in the session.
  std::atomic<std::uint64_t> work{0};
  std::atomic<std::uint64_t> ticks{wire::unknown_ticks};  ///< device time, last seen
  std::mutex sending;            ///< held by whoever sends on the channel
  std::vector<std::byte> unsent;  ///< rest of a frame that the listening thread began; goes first. Under `sending`
  Channel* channel = nullptr;     ///< null: the session itself shows the client that it is alive
  wire::RingPage* rings = nullptr;  ///< where the session goes over shared memory
  int socket = -1;
  ViewDesk desk;
  int bell = -1;  ///< an eventfd of the listening thread: rung when there is an answer on the desk
};

}  // namespace heatbath
