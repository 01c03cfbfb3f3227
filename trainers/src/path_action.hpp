#pragma once
// The reverse action of whole trajectories and its gradient, as matrix products (generative.md 1.1).

#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/trainers/generative.hpp"
#include "trainable.hpp"

namespace heatbath::trainers {

/// Constants of the action of one kind of trajectory.
struct PathScale {
  float j2 = 1, j4 = 1, kT = 0.1f;
  double period = 1e-3;  ///< capture period D in time units
  double mobility = 1;
};

/// Evaluates the reverse action; keeps its buffers from call to call. All sums have a fixed order, so results do not
/// depend on the number of threads.
class PathAction {
 public:
  /// `team` is borrowed.
  explicit PathAction(numerics::ThreadTeam& team) : team_(team) {}

  /// trajectory: (steps + 1) x theta.cells(). `gradient` (same shape as theta) is overwritten; null: not wanted.
  ReverseAction evaluate(const Trainable& theta, std::span<const float> trajectory, const PathScale& scale,
                         Trainable* gradient);

 private:
  numerics::ThreadTeam& team_;
  std::vector<float> residual_;  // steps x cells; the coupling force before
  std::vector<float> product_;   // hidden x hidden
};

}  // namespace heatbath::trainers
