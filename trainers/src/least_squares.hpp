#pragma once
// The exact optimum of the reverse action, factorised: without couplings the cells are independent given the image.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "heatbath/trainers/generative.hpp"
#include "path_action.hpp"

namespace heatbath::numerics {
class ThreadTeam;
}

namespace heatbath::trainers {

/// Per image and stretch of time: means of the states x' and of c = -dx/(mu D) + 2 J2 x' + 4 J4 x'^3; over all: mean
/// squares of x'. The residual of the machine is mu D (c_i + b_i + sum_j J_ij x'_j), so
///   E[x_i x_j] = m_i m_j and E[c_i x_j] = c_i m_j for i != j, averaged over images and time (generative.md 1.1).
class NoisingStatistics {
 public:
  /// windows: equal parts of the recorded steps, in the order of noising.
  NoisingStatistics(std::uint32_t visible, std::uint32_t hidden, std::uint32_t images, std::uint64_t steps,
                    std::uint32_t windows, const PathScale& scale);

  /// trajectory of `image`: (steps + 1) x cells. Returns its reverse action at zero parameters.
  ReverseAction add(std::uint32_t image, std::span<const float> trajectory, numerics::ThreadTeam& team);

  /// What was added so far; and the same taken up. False, and nothing is changed, when the sizes are others.
  GatheredSums sums() const;
  bool take_up(GatheredSums sums);

  std::uint64_t trajectories(std::uint32_t image) const { return counts_[image]; }
  /// First recorded step of a window; that of `windows` is the number of steps.
  std::uint64_t begin(std::uint32_t window) const { return steps_ * window / windows_; }

  /// Parameters of the least expected action in a window. `fields` (images x cells, the drive h; may be empty): cells
  /// differ in nothing but their drive, so the means of a stretch are one function of h, and that function, measured on
  /// all cells and images together, replaces the noisy mean of each. Without it a machine of a thousand cells and a
  /// handful of trajectories learns the noise of the means: in a short window they are few and all of the same size.
  ///
  /// What is found: couplings, biases (of visible cells only with `visible_biases`) and weights of the clamped label
  /// cells (labels x cells; label_of[image]; none when empty). image_weights: share of each image in the averages, of
  /// sum 1; empty: all alike. Every image needs two trajectories. Preconditioned conjugate gradients until the residual
  /// has fallen by 1e-3 in its norm, at most 400 steps.
  struct Optimum {
    Trainable theta{0, 0};
    std::vector<float> label_weights;
    std::uint32_t iterations = 0;
  };
  Optimum solve(std::uint32_t window, bool visible_biases, std::span<const float> fields,
                std::span<const std::uint32_t> label_of, std::uint32_t labels, std::span<const double> image_weights,
                numerics::ThreadTeam& team) const;

  /// What the last recorded states, from which a drawing runs backwards, still tell of their image: sum over cells of
  /// m²/2v, m their mean given the image and v their variance, averaged over images; nats. The mean is a function of
  /// the drive (`fields`, as in solve): measured on one half of each image's trajectories, multiplied by the mean of
  /// the other, so that its noise averages out; needs two of each image.
  double memory(std::span<const float> fields) const;

 private:
  std::uint32_t visible_, hidden_, images_;
  std::uint64_t steps_;
  std::uint32_t windows_, stretches_;  // stretches of each window
  PathScale scale_;
  std::vector<std::uint64_t> counts_;
  std::vector<double> states_, forces_;  // [window][image][stretch][cell]: sums over trajectories and steps
  std::vector<double> squares_;          // [window][image][cell]
  std::vector<double> last_;             // [half][image][cell]: sums of last states over trajectories
  double last_square_ = 0;               // over all of them

  std::size_t cells() const { return std::size_t{visible_} + hidden_; }
  /// Means per step of states and forces of a window, [image][stretch][cell], as functions of the drive where `fields`
  /// is not empty.
  void means(std::uint32_t window, std::span<const float> fields, std::vector<double>& states,
             std::vector<double>& forces) const;
};

}  // namespace heatbath::trainers
