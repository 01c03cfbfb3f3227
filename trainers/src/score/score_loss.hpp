#pragma once
// The loss of denoising score matching and its gradient, as matrix products.

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "heatbath/trainers/score_network.hpp"

namespace heatbath::numerics {
class ThreadTeam;
}

namespace heatbath::trainers {

inline constexpr std::size_t kSumColumns = 64;  ///< of a sum over rows, by one piece of work

/// What a step learns from: rows of noised images with the noise that is in them.
struct ScoreBatch {
  std::uint32_t rows = 0;
  std::vector<float> x, noise;       ///< rows x visible
  std::vector<float> sigma;          ///< of each row
  std::vector<std::int32_t> labels;  ///< of each row; -1: all label cells at 0
};

/// Mean over the rows of |sigma/2 (F(x) - x) + noise|^2, and its gradient. Keeps its working memory between calls.
class ScoreLoss {
 public:
  ScoreLoss(const ScoreLayout& layout, const CellLaw& law, numerics::ThreadTeam& team)
      : layout_(layout), law_(&law), team_(&team) {}

  /// Gradient with respect to each parameter; empty when it is not wanted. The same bits for any number of threads.
  double evaluate(std::span<const float> parameters, const ScoreBatch& batch, std::span<float> gradient);
  /// Means of the hidden cells in the last call: rows x hidden.
  std::span<const float> means() const { return mean_; }

 private:
  ScoreLayout layout_;
  const CellLaw* law_;
  numerics::ThreadTeam* team_;
  std::vector<float> force_, field_, mean_, slope_;  // rows x visible, the others rows x hidden
  std::vector<double> row_loss_;
};

}  // namespace heatbath::trainers
