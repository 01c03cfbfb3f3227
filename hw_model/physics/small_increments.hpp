#pragma once
// Increments and coefficients that float32 loses. States and coefficients keep one float32 where that is enough, which
// keeps their bits; where a rate would come out wrong, states are split and coefficients lose the 1 they are near to.

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

#include "hw_model/physics/array.hpp"

namespace heatbath::physics {

/// The error of a rate, relative, above which float32 counts as too coarse.
constexpr double rate_error_max = 0x1p-10;
/// Noise below this in a step does not carry states of about 1 over the numbers between which they would stick.
constexpr double noise_that_rounds = 0x1p-20;
/// Phases that turn by this angle in a step or more take their frequency apart: float32's error of omega dt would be of
/// turns in some 1e7 of them.
constexpr double fast_phase = 0.5;

/// Whether steps of dt (time units) of an explicit rule or BAOAB move some free cell by less than float32 states of
/// about 1 (phases: pi) can take: without noise by less than 2^-14 of the state (half a unit in its last place is then
/// more than rate_error_max of the increment), with noise by less than 2^-21, where means still would come out right.
/// Linear terms count at |x| = 1. `free`: per cell ~0 where it moves, 0 where it is held. With steps of fixed size:
/// whether that is below 2^-14. False for p-bits, exact-ou and sums in integers.
bool loses_increments(const ArraySpec& spec, const Parameters& parameters, double dt,
                      std::span<const std::uint32_t> free);
/// The same, of cells that are not held: per cell 0 where it moves.
bool loses_increments_beside(const ArraySpec& spec, const Parameters& parameters, double dt,
                             std::span<const std::uint8_t> held);

/// Whether float32 rounds the transition 1 + change so that a rate of its moving variables is off by more than
/// rate_error_max: by the row sums of rounding times change^-1, or of rounding over `damping`, the least decay of a
/// step (below 0: there is none to keep). Variables that neither move nor act on others are left out.
bool rounding_spoils(const Eigen::MatrixXd& change, const std::vector<Eigen::Index>& moving, double damping);

}  // namespace heatbath::physics
