#pragma once
// What a viewer sees of a device.

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "heatbath/observable.hpp"
#include "server/view_desk.hpp"

namespace heatbath {

/// Every register as power-on leaves it, for looks while no session runs: words from address 0; empty where the device
/// cannot be looked at.
std::vector<std::uint32_t> registers_of(Observable* device);

/// Puts the answer onto the desk: registers by peeking, device memory out of where it is lent. A range outside of them is
/// BAD_ARG, what cannot be looked at UNSUPPORTED. `device` null: it cannot.
void answer_look(ViewDesk& desk, Observable* device, std::optional<std::span<std::byte>> memory);

/// The same while no session runs; there is no memory then: it reads 0.
void answer_look(ViewDesk& desk, std::span<const std::uint32_t> registers, std::uint64_t memory_bytes);

}  // namespace heatbath
