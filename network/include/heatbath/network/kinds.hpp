#pragma once
#include <cstdint>
namespace heatbath {
enum class CellKind : std::uint32_t { overdamped = 0, underdamped = 1, phase = 2, rlc = 3, pbit = 4 };
enum class Stepper : std::uint32_t { none = 0, euler_maruyama, heun, leimkuhler_matthews, baoab, exact_ou, sequential, random_sequential, two_colour };
}
