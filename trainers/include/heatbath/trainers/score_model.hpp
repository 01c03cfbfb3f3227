#pragma once
// Score functions learned from noised values, level by level.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "heatbath/trainers/data_law.hpp"

namespace heatbath::trainers {

/// Variance exploding: dx = sqrt(2D) dW; variance preserving: dx = -x dt + sqrt(2) dW.
enum class Process { ve, vp };
/// Which score, by its features.
enum class ScoreKind {
  exact,   ///< of the data law, in closed form
  linear,  ///< of a Gaussian
  radial,  ///< linear and 24 Gaussian bumps
  cell     ///< what one quartic cell of the device can do: a force of 1, x and x^3
};

/// A score as sums of features at each level of noise: s(x) = sum_f c_f phi_f(z) with z = (x - shift)/scale.
/// Features in order: linear 1, z; cell 1, z, z^3; radial 1, z, and exp(-(z - c)^2/(2 w^2)) for each centre c.
struct ScoreModel {
  ScoreKind kind = ScoreKind::linear;  ///< which features
  Process process = Process::vp;  ///< of the noise
  std::vector<double> clock;    ///< of each level: VP time, VE variance
  std::vector<double> shift, scale;
  std::vector<double> centres;  ///< radial only
  double width = 0;             ///< radial only: w
  std::vector<std::vector<double>> coefficients;  ///< levels x features

  /// Levels of noise; features of a value.
  std::size_t levels() const { return clock.size(); }
  std::size_t features() const;
  /// Score and its derivative at one level.
  double score(std::size_t level, double x) const;
  double divergence(std::size_t level, double x) const;
  /// Throws Error(BAD_ARG) in the name of `source` when a size, a sign or a number is wrong.
  void check(const std::string& source) const;
};

/// The score of N(mean, variance) noised to each level.
ScoreModel linear_score(Process process, std::span<const double> clock, std::span<const LinearNoise> noise, double mean,
                        double variance);

/// Least squares of denoising score matching: at each level the features are fitted to -(x - decay x0)/variance
/// (Vincent 2011), bumps with the ridge of a Gaussian prior. states[level] are the noised values of x0. A level
/// without noise takes the coefficients of the next one. kind: radial or cell; a cell's shift is 0, and its cubic force
/// must be confining (J4 >= 0), else it is fitted as linear at that level.
ScoreModel fit_score(ScoreKind kind, Process process, std::span<const double> clock, std::span<const LinearNoise> noise,
                     std::span<const double> x0, std::span<const std::vector<double>> states);

}  // namespace heatbath::trainers
