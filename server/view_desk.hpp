#pragma once
// How a look of a viewer gets from the thread that listens to the session, and back.

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "heatbath/status.h"
#include "heatbath/wire_protocol.hpp"

namespace heatbath {

/// One look at a time, in memory that both sides see, of two processes too: the listening thread writes the question and
/// then `asked`, the session the answer and then `answered`, the listening thread takes it and writes `empty`.
struct ViewDesk {
  enum class State : std::uint32_t { empty, asked, answered };
  std::atomic<State> state{State::empty};
  std::uint32_t glances = 0;
  std::array<wire::Glance, wire::max_glances> list;
  // The answer.
  hb_status_t status = HB_OK;
  std::uint64_t ticks = wire::unknown_ticks;
  std::uint32_t bytes = 0;  ///< of data: what was asked for, or a message where the status is not OK
  std::array<std::byte, wire::max_look> data;

  void refuse(hb_status_t code, std::string_view message) {
    status = code;
    bytes = static_cast<std::uint32_t>(message.copy(reinterpret_cast<char*>(data.data()), data.size()));
  }
};

}  // namespace heatbath
