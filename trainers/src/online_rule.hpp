#pragma once
// The online rule [O] (generative.md 2.6): every captured step's gradient is applied before the next step is looked at.

#include <span>
#include <vector>

#include "heatbath/trainers/generative.hpp"
#include "path_action.hpp"
#include "trainable.hpp"

namespace heatbath::trainers {

/// Walks a trajectory and changes theta after each of its steps. Exact: steps are taken in blocks, and the updates a
/// block has made so far enter the force of its later steps through inner products of states and residuals instead of
/// through the matrix. The result does not depend on the number of threads.
class OnlineRule {
 public:
  /// `team` is borrowed.
  explicit OnlineRule(numerics::ThreadTeam& team) : team_(team) {}

  /// trajectory: (steps + 1) x theta.cells(). The action of each step is that of the parameters it finds.
  ReverseAction descend(Trainable& theta, std::span<const float> trajectory, const PathScale& scale, float rate);

 private:
  numerics::ThreadTeam& team_;
  std::vector<float> residual_, step_residual_, product_;
};

}  // namespace heatbath::trainers
