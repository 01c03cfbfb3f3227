#pragma once
// How a value is stored in device memory.

#include <cstdint>

namespace heatbath {

/// Storage of one parameter or captured value in device memory.
enum class Number : std::uint8_t { float32 = 0, code8 = 1, code16 = 2 };

/// Bytes of one value: 4, 1 or 2.
constexpr std::uint32_t bytes_of(Number number) {
  return number == Number::float32 ? 4u : number == Number::code8 ? 1u : 2u;
}

}  // namespace heatbath
