#pragma once
// One client's session: executes its requests on the device.

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "heatbath/interruptible.hpp"
#include "heatbath/status.h"
#include "heatbath/transport.hpp"
#include "link/channel.hpp"
#include "server/pacer.hpp"
#include "server/session_control.hpp"

namespace heatbath {

/// Executes the frames that come over a channel (heatbath/wire_protocol.hpp) on a transport, in the calling thread.
class Session {
 public:
  /// `pacer` may be null. All must outlive the session. `memory_bytes`: size of device memory.
  Session(Channel& channel, SessionControl& control, Transport& transport, Pacer* pacer, std::uint64_t memory_bytes);
  ~Session();

  /// Runs to the end of the session and says why it ended, in a few words; the client has been told where it can be.
  std::string run();
  /// True when the server ended the session, not the client.
  bool ended_by_server() const { return ended_by_server_; }

 private:
  struct Failure {
    hb_status_t code = HB_OK;
    std::string message;
  };

  void serve();
  void look_at_verdict() const;
  bool asked_to_stop();
  void show_life();
  void show();
  std::size_t fill();
  void receive(std::span<std::byte> out);
  void execute(const wire::Header& request);
  void write_block(const wire::Header& request);
  void read_block(const wire::Header& request, wire::Header& reply);
  bool wait_irq(std::uint64_t limit_ticks);
  void hold();
  template <typename Access>
  Failure guarded(Access&& access);
  void append(const wire::Header& header, std::span<const std::byte> payload = {});
  void flush(std::span<const std::byte> body = {});
  void last_words(hb_status_t code, const std::string& reason);
  std::uint64_t ticks() const;

  Channel& channel_;
  SessionControl& control_;
  Transport& transport_;
  Interruptible* interruptible_;  ///< the same object, or null
  Pacer* pacer_;
  std::uint64_t memory_bytes_;
  std::optional<std::span<std::byte>> memory_;  ///< where the transport lends it
  std::vector<std::byte> in_, out_, staging_;
  std::size_t begin_ = 0, end_ = 0;  ///< of what was received and not yet used, in in_
  std::uint32_t last_id_ = 0;
  std::uint64_t work_ = 0;
  std::uint64_t slice_;
  std::chrono::steady_clock::time_point shown_ = std::chrono::steady_clock::now();  ///< the last sign of life
  std::chrono::steady_clock::time_point next_show_{};  ///< viewers wait until then
  Failure posted_;  ///< first error of a posted write that was not yet reported
  bool broken_off_ = false;  ///< the client no longer waits for what it asked before a break_off that has come
  bool torn_ = false;  ///< a frame was sent in part
  bool ended_by_server_ = false;
};

}  // namespace heatbath
