#include "hw_model/physics/cell_kinds.hpp"

#include <array>
#include <stdexcept>

namespace heatbath::physics {
namespace {

constexpr std::array<std::string_view, 5> kind_names{"overdamped", "underdamped", "phase", "rlc", "pbit"};
constexpr std::array<std::string_view, 9> stepper_names{
    "none",       "euler-maruyama",    "heun",      "leimkuhler-matthews", "baoab", "exact-ou",
    "sequential", "random-sequential", "two-colour"};
constexpr std::array<std::string_view, 4> colour_names{"white", "ornstein-uhlenbeck", "pink", "telegraph"};

template <std::size_t n>
std::uint8_t ordinal(const std::array<std::string_view, n>& names, std::size_t first, std::string_view what,
                     std::string_view given) {
  std::string list;
  for (std::size_t i = first; i < n; ++i) {
    if (names[i] == given) return static_cast<std::uint8_t>(i);
    list += (i > first ? ", " : "") + std::string(names[i]);
  }
  throw std::invalid_argument(std::string(what) + " '" + std::string(given) + "': one of " + list);
}

}  // namespace

std::string_view name(CellKind kind) { return kind_names[static_cast<std::size_t>(kind)]; }
std::string_view name(Stepper stepper) { return stepper_names[static_cast<std::size_t>(stepper)]; }
std::string_view name(NoiseColour::Kind colour) { return colour_names[static_cast<std::size_t>(colour)]; }

CellKind cell_kind(std::string_view name) { return static_cast<CellKind>(ordinal(kind_names, 0, "cell kind", name)); }
Stepper stepper(std::string_view name) { return static_cast<Stepper>(ordinal(stepper_names, 1, "stepper", name)); }
NoiseColour::Kind noise_colour(std::string_view name) {
  return static_cast<NoiseColour::Kind>(ordinal(colour_names, 0, "noise colour", name));
}

std::uint32_t components(CellKind kind) {
  return kind == CellKind::underdamped || kind == CellKind::rlc || kind == CellKind::phase ? 2 : 1;
}

bool goes_with(Stepper stepper, CellKind kind) {
  const bool inertia = kind == CellKind::underdamped || kind == CellKind::rlc;
  switch (stepper) {
    case Stepper::none:
      return true;
    case Stepper::euler_maruyama:
    case Stepper::heun:
      return kind != CellKind::pbit;
    case Stepper::leimkuhler_matthews:
      return kind == CellKind::overdamped || kind == CellKind::phase;
    case Stepper::baoab:
      return inertia;
    case Stepper::exact_ou:
      return inertia || kind == CellKind::overdamped;
    case Stepper::sequential:
    case Stepper::random_sequential:
    case Stepper::two_colour:
      return kind == CellKind::pbit;
  }
  return false;
}

bool increments_markov(Stepper stepper) {
  return stepper != Stepper::heun && stepper != Stepper::leimkuhler_matthews && stepper != Stepper::none;
}

bool takes_middle(Stepper stepper) {
  return stepper == Stepper::heun || stepper == Stepper::baoab || stepper == Stepper::exact_ou;
}

Order weak_order(Stepper stepper) {
  switch (stepper) {
    case Stepper::euler_maruyama:
      return {1, 1};
    case Stepper::leimkuhler_matthews:
      return {2, 1};
    case Stepper::heun:
    case Stepper::baoab:
      return {2, 2};
    default:
      return {0, 0};
  }
}

}  // namespace heatbath::physics
