#pragma once
// The kinds of cells, the rules that advance them, and which go together.

#include <cstdint>
#include <string>
#include <string_view>

#include "hw_model/physics/cell_enums.hpp"

namespace heatbath::physics {

/// Names as in profiles and URIs: "overdamped", "euler-maruyama", …
std::string_view name(CellKind kind);
std::string_view name(Stepper stepper);
/// The kind or stepper of a name. Throws std::invalid_argument that lists the valid ones.
CellKind cell_kind(std::string_view name);
Stepper stepper(std::string_view name);

/// State variables per cell: 2 for underdamped (position, velocity), rlc (flux, voltage) and phase (phase in
/// [-pi, pi), full turns), else 1. Variable c * cells + i is component c of cell i.
std::uint32_t components(CellKind kind);

/// Whether states are values of a finite set, which sweeps of updates choose.
bool is_discrete(CellKind kind);
/// Whether the values are 0 .. states - 1, with a bias for each.
bool has_labels(CellKind kind);

/// Whether the rule is made for the kind.
bool goes_with(Stepper stepper, CellKind kind);

/// Whether the increments of one step, given its start, are independent of all earlier noise (CAPS.INCREMENTS_MARKOV).
bool increments_markov(Stepper stepper);

/// Whether steps that are too long diverge (stable_step.hpp); the others have the right law at any length.
bool has_longest_step(Stepper stepper);

/// Whether a step in a ramp takes the parameters of its middle, as rules of order 2 and exact ones must; the others
/// take those of its start.
bool takes_middle(Stepper stepper);

/// Whether the rule takes coloured noise, or noise that cells share.
bool takes_colour(Stepper stepper);

/// How the noise is coloured. The intensity, the integral of the autocorrelation of the fluctuating force over all time
/// differences, is 2 mu kT (2 gamma kT with inertia) in every colour.
struct NoiseColour {
  enum class Kind : std::uint8_t { white = 0, ornstein_uhlenbeck = 1, pink = 2, telegraph = 3 };
  Kind kind = Kind::white;
  double correlation_time = 0;  ///< time units, > 0 unless white; of `pink`: of its slowest stage
  double common = 0;            ///< fraction of the variance that all cells of a lane share, 0..1

  bool white() const { return kind == Kind::white && common == 0; }
};

std::string_view name(NoiseColour::Kind colour);
/// Throws std::invalid_argument that lists the valid names.
NoiseColour::Kind noise_colour(std::string_view name);

}  // namespace heatbath::physics
