#pragma once
// The heat of exact linear steps: what the trapezoid over a step misses in the mean.

#include <Eigen/Core>
#include <cstdint>
#include <span>
#include <vector>

namespace heatbath::physics {

/// A linear flow dz = (-a z + drive b) dt + noise of intensity q, b the biases of cells, and the heat that it gives to
/// each cell's bath. Rows of matrices are cells where nothing else is said.
struct LinearHeat {
  Eigen::MatrixXd a, q;   ///< variables x variables
  Eigen::MatrixXd drive;  ///< variables x cells

  /// Heat per unit of time in the mean: weight <y^2> - rest, y = lost z + lost_bias b. Without inertia y is the force,
  /// the weight mu and rest mu kT dF/dx; with inertia the velocity, the damping, and damping kT (M^-1)_ii (Sekimoto
  /// 1998).
  Eigen::MatrixXd lost;
  double lost_bias = 0;
  Eigen::VectorXd weight, rest;

  /// The trapezoid of a step: minus the sum over parts of (push + push') (way' - way) / 2, push = push z + push_bias b.
  struct Part {
    Eigen::MatrixXd push, way;
    double push_bias = 0;
  };
  std::vector<Part> parts;
};

/// For one step of h: the mean of the heat over all paths that start at z, less the mean of the trapezoid over all ends
/// of the step. The trapezoid with it has the right mean, for any h; its fluctuations are those of the trapezoid, right
/// to leading order in h. The integral over the step is Gauss's quadrature, of 6 points on pieces of at most 1/|a|.
class ExactHeat {
 public:
  ExactHeat(const LinearHeat& law, double h);

  /// out[cell][lane] += what is missing. z is [variable][lane]; biases are one per cell, or [cell][lane] where
  /// `lane_bias` is not null.
  void add_missing(std::uint32_t lanes, const float* z, std::span<const float> bias, const float* lane_bias,
                   double* out) const;

 private:
  /// of z + by_bias of b.
  struct Affine {
    Eigen::MatrixXd of_state, of_bias;
  };
  void apply(const Affine& map, std::uint32_t lanes, const std::vector<double>& z, const std::vector<double>& b,
             std::vector<double>& out) const;

  std::uint32_t cells_;
  int pieces_;
  Affine piece_;  // the state after a piece
  struct Node {
    double weight;
    Affine lost;
  };
  std::vector<Node> nodes_;
  struct Part {
    Affine push, way;  // sum of both ends, difference of the ends
  };
  std::vector<Part> parts_;
  Eigen::VectorXd weight_, constant_;
};

}  // namespace heatbath::physics
