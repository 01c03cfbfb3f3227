#pragma once
// Where what lies on the platform's bus. examples/firmware/board.h says the same to the firmware.

#include <cstdint>

namespace platform {

constexpr std::uint64_t timer_base = 0x0200'0000, timer_bytes = 0x1000;
constexpr std::uint64_t console_base = 0x1000'0000, console_bytes = 0x1000;
constexpr std::uint64_t chip_base = 0x4000'0000, chip_bytes = 0x2000'0000;  // registers, then 256 MiB of its memory
constexpr std::uint64_t memory_base = 0x8000'0000, memory_bytes = 0x10'0000;

}  // namespace platform
