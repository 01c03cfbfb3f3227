#pragma once
// What a refused client is told.

#include "tests/network/message_of.hpp"

namespace heatbath::testing {

/// network::message_of, the code first: tests of links ask for it before long calls.
inline std::string refusal(hb_status_t code, const std::function<void()>& call) { return network::message_of(call, code); }

}  // namespace heatbath::testing
