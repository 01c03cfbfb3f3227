#include "heatbath/trainers/score_model.hpp"

#include <algorithm>
#include <cmath>

#include <Eigen/Core>

#include "heatbath/error.hpp"
#include "numerics/dense_algebra.hpp"

namespace heatbath::trainers {
namespace {

constexpr int kBumps = 24;
constexpr double kBumpReach = 3;  // standard deviations that the bumps cover
constexpr double kBumpSize = 10;  // size of a bump's coefficient expected in advance, in units of 1/scale
constexpr Eigen::Index kBatch = 512;

/// Values of the features at z, one column per value.
void features_at(const ScoreModel& model, const Eigen::RowVectorXd& z, Eigen::MatrixXd& out) {
  out.resize(static_cast<Eigen::Index>(model.features()), z.size());
  out.row(0).setOnes();
  out.row(1) = z;
  if (model.kind == ScoreKind::cell) out.row(2) = z.array().cube();
  for (std::size_t b = 0; b < model.centres.size(); ++b) {
    out.row(static_cast<Eigen::Index>(2 + b)) =
        (-0.5 * ((z.array() - model.centres[b]) / model.width).square()).exp();
  }
}

double sum_of(const ScoreModel& model, std::size_t level, double x, bool slopes) {
  const double z = (x - model.shift[level]) / model.scale[level];
  const std::vector<double>& c = model.coefficients[level];
  double sum = slopes ? c[1] : c[0] + c[1] * z;
  if (model.kind == ScoreKind::cell) sum += c[2] * (slopes ? 3 * z * z : z * z * z);
  for (std::size_t b = 0; b < model.centres.size(); ++b) {
    const double u = (z - model.centres[b]) / model.width;
    sum += c[2 + b] * std::exp(-0.5 * u * u) * (slopes ? -u / model.width : 1);
  }
  return slopes ? sum / model.scale[level] : sum;
}

}  // namespace

std::size_t ScoreModel::features() const { return (kind == ScoreKind::cell ? 3u : 2u) + centres.size(); }

double ScoreModel::score(std::size_t level, double x) const { return sum_of(*this, level, x, false); }
double ScoreModel::divergence(std::size_t level, double x) const { return sum_of(*this, level, x, true); }

void ScoreModel::check(const std::string& source) const {
  const auto need = [&](bool good, const std::string& what) {
    if (!good) throw Error(HB_BAD_ARG, source + ": " + what);
  };
  need(kind != ScoreKind::exact, "an exact score has no table");
  need(levels() >= 4, "the score has " + std::to_string(levels()) + " levels, at least 4 are needed");
  need(shift.size() == levels() && scale.size() == levels() && coefficients.size() == levels(),
       "clock, shift, scale and coefficients must be of one length, one entry per level");
  need(kind == ScoreKind::radial ? !centres.empty() && width > 0 : centres.empty(),
       "centres and a positive width belong to a radial score, and to no other");
  for (std::size_t k = 0; k < levels(); ++k) {
    need(coefficients[k].size() == features(),
         "level " + std::to_string(k) + " has " + std::to_string(coefficients[k].size()) + " coefficients, " +
             std::to_string(features()) + " are needed");
    need(std::isfinite(clock[k]) && std::isfinite(shift[k]) && scale[k] > 0 && std::isfinite(scale[k]),
         "level " + std::to_string(k) + " needs a finite clock and shift and a positive scale");
    for (const double c : coefficients[k]) {
      need(std::isfinite(c), "level " + std::to_string(k) + " has a coefficient that is not finite");
    }
  }
}

ScoreModel linear_score(Process process, std::span<const double> clock, std::span<const LinearNoise> noise, double mean,
                        double variance) {
  ScoreModel model;
  model.kind = ScoreKind::linear;
  model.process = process;
  model.clock.assign(clock.begin(), clock.end());
  for (const LinearNoise& level : noise) {
    const double width = std::sqrt(level.decay * level.decay * variance + level.variance);
    model.shift.push_back(level.decay * mean);
    model.scale.push_back(width);
    model.coefficients.push_back({0, -1 / width});
  }
  return model;
}

ScoreModel fit_score(ScoreKind kind, Process process, std::span<const double> clock, std::span<const LinearNoise> noise,
                     std::span<const double> x0, std::span<const std::vector<double>> states) {
  if (kind != ScoreKind::radial && kind != ScoreKind::cell) {
    throw Error(HB_BAD_ARG, "fit_score: only radial and cell scores are fitted");
  }
  if (noise.size() != clock.size() || states.size() != clock.size() || x0.empty()) {
    throw Error(HB_BAD_ARG, "fit_score: " + std::to_string(clock.size()) + " levels, " + std::to_string(noise.size()) +
                                " noises and " + std::to_string(states.size()) + " sets of states do not agree");
  }
  ScoreModel model;
  model.kind = kind;
  model.process = process;
  model.clock.assign(clock.begin(), clock.end());
  if (kind == ScoreKind::radial) {
    for (int b = 0; b < kBumps; ++b) model.centres.push_back(kBumpReach * (2.0 * b / (kBumps - 1) - 1));
    model.width = 2 * kBumpReach / (kBumps - 1);
  }
  const auto count = static_cast<Eigen::Index>(model.features());
  for (std::size_t level = 0; level < clock.size(); ++level) {
    const std::vector<double>& x = states[level];
    double mean = 0, square = 0;
    for (const double value : x) mean += value / static_cast<double>(x.size());
    for (const double value : x) square += (value - mean) * (value - mean) / static_cast<double>(x.size());
    if (kind == ScoreKind::cell) {  // a cell's cubic force is about 0
      square += mean * mean;
      mean = 0;
    }
    model.shift.push_back(mean);
    model.scale.push_back(std::sqrt(square));
    Eigen::VectorXd solution = Eigen::VectorXd::Zero(count);
    if (noise[level].variance > 0) {
      Eigen::MatrixXd gram = Eigen::MatrixXd::Zero(count, count), phi;
      Eigen::VectorXd right = Eigen::VectorXd::Zero(count);
      const Eigen::Map<const Eigen::RowVectorXd> xs(x.data(), static_cast<Eigen::Index>(x.size())),
          starts(x0.data(), static_cast<Eigen::Index>(x.size()));
      for (Eigen::Index i = 0; i < xs.size(); i += kBatch) {
        const Eigen::Index size = std::min(kBatch, xs.size() - i);
        features_at(model, (xs.segment(i, size).array() - mean) / model.scale[level], phi);
        gram.noalias() += phi * phi.transpose();
        right.noalias() -=
            phi * (xs.segment(i, size) - noise[level].decay * starts.segment(i, size)).transpose() / noise[level].variance;
      }
      // A target scatters by 1/sqrt(variance of the noise): that, over the size a coefficient may have, is the ridge.
      const double ridge = model.scale[level] * model.scale[level] / (kBumpSize * kBumpSize * noise[level].variance);
      gram.diagonal().tail(static_cast<Eigen::Index>(model.centres.size())).array() += ridge;
      solution = numerics::symmetric_solution(gram, right).x;
      if (kind == ScoreKind::cell && solution[2] > 0) {
        solution.head(2) = numerics::symmetric_solution(gram.topLeftCorner(2, 2), right.head(2)).x;
        solution[2] = 0;
      }
    }
    model.coefficients.emplace_back(solution.begin(), solution.end());
  }
  for (std::size_t level = clock.size() - 1; level-- > 0;) {
    if (noise[level].variance > 0) continue;
    model.coefficients[level] = model.coefficients[level + 1];
    model.shift[level] = model.shift[level + 1];
    model.scale[level] = model.scale[level + 1];
  }
  return model;
}

}  // namespace heatbath::trainers
