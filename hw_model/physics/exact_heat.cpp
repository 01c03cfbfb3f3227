#include "hw_model/physics/exact_heat.hpp"

#include <algorithm>
#include <cmath>

#include "hw_model/physics/linear_step.hpp"

namespace heatbath::physics {
namespace {

using Eigen::MatrixXd;

// Gauss–Legendre on [0, 1]: points 1/2 -+ x/2 and weights w/2 (Abramowitz and Stegun, table 25.4).
constexpr double gauss_points[] = {0.2386191860831969, 0.6612093864662645, 0.9324695142031521};
constexpr double gauss_weights[] = {0.4679139345726910, 0.3607615730481386, 0.1713244923791704};

MatrixXd covariance(const LinearStep& s) { return ordered_product(s.spread, s.spread.transpose()); }

}  // namespace

ExactHeat::ExactHeat(const LinearHeat& law, double h)
    : cells_(static_cast<std::uint32_t>(law.weight.size())), weight_(law.weight) {
  const Eigen::Index cells = law.weight.size();
  const double size = law.a.cwiseAbs().rowwise().sum().maxCoeff();
  pieces_ = std::max(1, static_cast<int>(std::ceil(h * size)));
  const double length = h / pieces_;
  const MatrixXd one = MatrixXd::Identity(cells, cells);
  const LinearStep piece = linear_step(law.a, law.q, length), whole = linear_step(law.a, law.q, h);
  piece_ = {piece.propagate, ordered_product(piece.respond, law.drive)};

  constant_ = -h * law.rest;
  std::vector<LinearStep> at;
  for (int n = 0; n < 3; ++n)
    for (const double side : {-1.0, 1.0}) {
      const LinearStep part = linear_step(law.a, law.q, 0.5 * (1 + side * gauss_points[n]) * length);
      nodes_.push_back({0.5 * gauss_weights[n] * length,
                        {ordered_product(law.lost, part.propagate),
                         ordered_product(law.lost, ordered_product(part.respond, law.drive)) + law.lost_bias * one}});
      at.push_back(part);
    }
  MatrixXd spread = MatrixXd::Zero(law.a.rows(), law.a.rows());  // covariance at the start of a piece
  for (int p = 0; p < pieces_; ++p) {
    for (std::size_t n = 0; n < nodes_.size(); ++n) {
      MatrixXd now = covariance(at[n]);
      if (p > 0) now += ordered_product(ordered_product(at[n].propagate, spread), at[n].propagate.transpose());
      const MatrixXd image = ordered_product(law.lost, now);
      for (Eigen::Index i = 0; i < cells; ++i)
        for (Eigen::Index k = 0; k < now.cols(); ++k)
          constant_(i) += nodes_[n].weight * law.weight(i) * image(i, k) * law.lost(i, k);
    }
    if (p + 1 < pieces_)
      spread = covariance(piece) + ordered_product(ordered_product(piece.propagate, spread), piece.propagate.transpose());
  }
  const MatrixXd end = covariance(whole), shift = ordered_product(whole.respond, law.drive);
  for (const LinearHeat::Part& part : law.parts) {
    const MatrixXd pushed = ordered_product(part.push, end);
    for (Eigen::Index i = 0; i < cells; ++i)
      for (Eigen::Index k = 0; k < end.cols(); ++k) constant_(i) += 0.5 * pushed(i, k) * part.way(i, k);
    parts_.push_back({{part.push + ordered_product(part.push, whole.propagate),
                       ordered_product(part.push, shift) + 2 * part.push_bias * one},
                      {ordered_product(part.way, whole.propagate) - part.way, ordered_product(part.way, shift)}});
  }
}

void ExactHeat::apply(const Affine& map, std::uint32_t lanes, const std::vector<double>& z, const std::vector<double>& b,
                      std::vector<double>& out) const {
  const auto add = [&](const MatrixXd& m, const std::vector<double>& x) {
    for (Eigen::Index i = 0; i < m.rows(); ++i) {
      double* row = out.data() + static_cast<std::size_t>(i) * lanes;
      for (Eigen::Index k = 0; k < m.cols(); ++k) {
        const double value = m(i, k);
        if (value == 0) continue;
        const double* from = x.data() + static_cast<std::size_t>(k) * lanes;
        for (std::uint32_t l = 0; l < lanes; ++l) row[l] += value * from[l];
      }
    }
  };
  out.assign(static_cast<std::size_t>(map.of_state.rows()) * lanes, 0.0);
  add(map.of_state, z);
  add(map.of_bias, b);
}

void ExactHeat::add_missing(std::uint32_t lanes, const float* z, std::span<const float> bias, const float* lane_bias,
                            double* out) const {
  const std::size_t fields = std::size_t{cells_} * lanes;
  std::vector<double> state(z, z + static_cast<std::size_t>(piece_.of_state.rows()) * lanes), b(fields), y, way, next;
  for (std::size_t at = 0; at < fields; ++at) b[at] = lane_bias ? lane_bias[at] : bias.empty() ? 0.0f : bias[at / lanes];
  for (std::size_t at = 0; at < fields; ++at) out[at] += constant_(static_cast<Eigen::Index>(at / lanes));
  for (const Part& part : parts_) {
    apply(part.push, lanes, state, b, y);
    apply(part.way, lanes, state, b, way);
    for (std::size_t at = 0; at < fields; ++at) out[at] += 0.5 * y[at] * way[at];
  }
  for (int p = 0; p < pieces_; ++p) {
    for (const Node& node : nodes_) {
      apply(node.lost, lanes, state, b, y);
      for (std::size_t at = 0; at < fields; ++at)
        out[at] += node.weight * weight_(static_cast<Eigen::Index>(at / lanes)) * y[at] * y[at];
    }
    if (p + 1 == pieces_) break;
    apply(piece_, lanes, state, b, next);
    state.swap(next);
  }
}

}  // namespace heatbath::physics
