#include "oracles/fokker_planck.hpp"

#include <Eigen/SparseLU>
#include <boost/numeric/odeint/integrate/integrate_adaptive.hpp>
#include <cmath>
#include <stdexcept>

#include "oracles/stiff_linear_stepper.hpp"

namespace heatbath::reference {
namespace {

using Eigen::Index;
using Eigen::SparseMatrix;
using Eigen::VectorXd;

// Bernoulli function z/(exp(z) - 1).
double bernoulli(double z) { return z == 0 ? 1 : z / std::expm1(z); }

// Scharfetter–Gummel rates over a face, for the mean drift between the centres on its sides.
double rate_up(double drift, double diffusion, double width) {
  if (diffusion == 0) {
    return drift > 0 ? drift / width : 0;
  }
  return diffusion / (width * width) * bernoulli(-drift * width / diffusion);
}

}  // namespace

FokkerPlanck::FokkerPlanck(std::vector<Axis> axes, const Hops& hops) : axes_(std::move(axes)) {
  Index size = 1;
  for (const Axis& axis : axes_) {
    if (axis.cells < 2 || !(axis.lower < axis.upper)) {
      throw std::invalid_argument("FokkerPlanck: an axis wants lower < upper and at least two cells");
    }
    if ((axis.lower_edge == Edge::periodic) != (axis.upper_edge == Edge::periodic)) {
      throw std::invalid_argument("FokkerPlanck: an axis is periodic at both edges or at none");
    }
    absorbs_ = absorbs_ || axis.lower_edge == Edge::absorbing || axis.upper_edge == Edge::absorbing;
    size *= axis.cells;
  }
  velocity_.assign(axes_.size(), VectorXd::Zero(size));
  std::vector<Eigen::Triplet<double>> entries;
  const auto hop = [&](int axis, Index from, Index to, double rate, double length) {
    entries.emplace_back(from, from, -rate);
    if (to >= 0) {
      entries.emplace_back(to, from, rate);
    }
    velocity_[static_cast<std::size_t>(axis)](from) += rate * length;
  };
  Index stride = 1;
  for (int axis = 0; axis < static_cast<int>(axes_.size()); ++axis) {
    const Axis& along = axes_[static_cast<std::size_t>(axis)];
    const double width = along.width();
    for (Index cell = 0; cell < size; ++cell) {
      const int i = static_cast<int>(cell / stride % along.cells);
      VectorXd face = centre(cell);
      const bool last = i + 1 == along.cells;
      if (!last || along.upper_edge == Edge::periodic) {
        face(axis) += 0.5 * width;
        const Hop rates = hops(axis, face(0), face(1));
        const Index neighbour = last ? cell - (along.cells - 1) * stride : cell + stride;
        hop(axis, cell, neighbour, rates.up, width);
        hop(axis, neighbour, cell, rates.down, -width);
        face(axis) -= 0.5 * width;
      } else if (along.upper_edge == Edge::absorbing) {
        // p = 0 at the end, half a width away: twice the rate over a whole width.
        face(axis) += 0.5 * width;
        hop(axis, cell, -1, 2 * hops(axis, face(0), face(1)).up, 0.5 * width);
        face(axis) -= 0.5 * width;
      }
      if (i == 0 && along.lower_edge == Edge::absorbing) {
        face(axis) -= 0.5 * width;
        hop(axis, cell, -1, 2 * hops(axis, face(0), face(1)).down, -0.5 * width);
      }
    }
    stride *= along.cells;
  }
  generator_.resize(size, size);
  generator_.setFromTriplets(entries.begin(), entries.end());
  generator_.makeCompressed();
}

FokkerPlanck FokkerPlanck::line(const Axis& x, const Function& energy, double temperature, double force) {
  if (!(temperature > 0)) {
    throw std::invalid_argument("FokkerPlanck::line: the temperature must be positive");
  }
  const double width = x.width();
  return FokkerPlanck({x}, [=](int, double face, double) {
    const double drift = (energy(face - 0.5 * width) - energy(face + 0.5 * width)) / width + force;
    return Hop{rate_up(drift, temperature, width), rate_up(-drift, temperature, width)};
  });
}

FokkerPlanck FokkerPlanck::plane_in_potential(const Axis& x, const Axis& y, const Field& energy, double temperature_x,
                                              double temperature_y) {
  return FokkerPlanck({x, y}, [=](int axis, double u, double v) {
    const double width = axis == 0 ? x.width() : y.width();
    const double du = axis == 0 ? 0.5 * width : 0;
    const double dv = axis == 1 ? 0.5 * width : 0;
    const double drift = (energy(u - du, v - dv) - energy(u + du, v + dv)) / width;
    const double temperature = axis == 0 ? temperature_x : temperature_y;
    return Hop{rate_up(drift, temperature, width), rate_up(-drift, temperature, width)};
  });
}

FokkerPlanck FokkerPlanck::plane(const Axis& x, const Axis& y, const Field& drift_x, const Field& drift_y,
                                 double diffusion_x, double diffusion_y) {
  return FokkerPlanck({x, y}, [=](int axis, double u, double v) {
    const double width = axis == 0 ? x.width() : y.width();
    const double drift = axis == 0 ? drift_x(u, v) : drift_y(u, v);
    const double diffusion = axis == 0 ? diffusion_x : diffusion_y;
    return Hop{rate_up(drift, diffusion, width), rate_up(-drift, diffusion, width)};
  });
}

VectorXd FokkerPlanck::centre(Index cell) const {
  VectorXd position = VectorXd::Zero(2);
  for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
    position(static_cast<Index>(axis)) = axes_[axis].centre(static_cast<int>(cell % axes_[axis].cells));
    cell /= axes_[axis].cells;
  }
  return position;
}

VectorXd FokkerPlanck::sample(const Field& f) const {
  VectorXd values(velocity_[0].size());
  for (Index cell = 0; cell < values.size(); ++cell) {
    const VectorXd position = centre(cell);
    values(cell) = f(position(0), position(1));
  }
  return values;
}

VectorXd FokkerPlanck::law(const Field& density) const {
  VectorXd probability = sample(density);
  probability /= probability.sum();
  return probability;
}

VectorXd FokkerPlanck::point(double x, double y) const {
  VectorXd probability = VectorXd::Zero(size());
  probability(0) = 1;
  Index stride = 1;
  const double position[] = {x, y};
  for (std::size_t axis = 0; axis < axes_.size(); ++axis) {
    const Axis& along = axes_[axis];
    const double at = (position[axis] - along.lower) / along.width() - 0.5;
    const double clamped = std::fmin(std::fmax(at, 0), along.cells - 1);
    const Index low = std::min<Index>(static_cast<Index>(clamped), along.cells - 2);
    const double share = clamped - static_cast<double>(low);
    VectorXd placed = VectorXd::Zero(size());
    for (Index cell = 0; cell < stride; ++cell) {
      placed(cell + low * stride) = (1 - share) * probability(cell);
      placed(cell + (low + 1) * stride) = share * probability(cell);
    }
    probability = placed;
    stride *= along.cells;
  }
  return probability;
}

double FokkerPlanck::average(const VectorXd& probability, const Field& f) const { return probability.dot(sample(f)); }

VectorXd FokkerPlanck::evolve(const VectorXd& start, double time, double tolerance) const {
  if (start.size() != size()) {
    throw std::invalid_argument("FokkerPlanck::evolve: the law must have one probability per cell");
  }
  if (!(time >= 0)) {
    throw std::invalid_argument("FokkerPlanck::evolve: the time must not be negative");
  }
  VectorXd probability = start;
  if (time > 0) {
    const auto system = [this](const VectorXd& p, VectorXd& rate, double) { rate = generator_ * p; };
    boost::numeric::odeint::integrate_adaptive(StiffLinearStepper(generator_, tolerance), system, probability, 0.0,
                                               time, std::ldexp(time, -10));
  }
  return probability;
}

VectorXd FokkerPlanck::stationary() const {
  if (absorbs_) {
    throw std::invalid_argument("FokkerPlanck::stationary: an absorbing edge leaves no stationary law");
  }
  // One pass of inverse iteration finds a likely cell. L has rank size - 1 and its columns sum to 0, so the equation of
  // that cell may give way to the statement that its probability is 1; the others then stay below overflow.
  SparseMatrix<double> matrix = generator_;
  matrix.diagonal().array() -= 1e-13 * generator_.diagonal().cwiseAbs().maxCoeff();
  Eigen::SparseLU<SparseMatrix<double>> solver(matrix);
  Index likely = 0;
  solver.solve(VectorXd::Constant(size(), 1.0 / static_cast<double>(size()))).cwiseAbs().maxCoeff(&likely);
  matrix = generator_;
  for (Index column = 0; column < matrix.outerSize(); ++column) {
    for (SparseMatrix<double>::InnerIterator entry(matrix, column); entry; ++entry) {
      if (entry.row() == likely) {
        entry.valueRef() = column == likely ? 1 : 0;
      }
    }
  }
  solver.compute(matrix);
  VectorXd probability = solver.solve(VectorXd::Unit(size(), likely));
  probability /= probability.sum();
  return probability;
}

double FokkerPlanck::correlation(const Field& f, double time, double tolerance) const {
  const VectorXd law = stationary();
  const VectorXd values = sample(f);
  const double mean = law.dot(values);
  const VectorXd start = law.cwiseProduct(values - VectorXd::Constant(size(), mean));
  return values.dot(evolve(start, time, tolerance));
}

double FokkerPlanck::relaxation_rate(const Field& f) const {
  const VectorXd law = stationary();
  const VectorXd values = sample(f);
  VectorXd mode = law.cwiseProduct(values - VectorXd::Constant(size(), law.dot(values)));
  const double shift = 1e-10 * generator_.diagonal().cwiseAbs().maxCoeff();
  SparseMatrix<double> shifted = generator_;
  shifted.diagonal().array() -= shift;
  Eigen::SparseLU<SparseMatrix<double>> solver(shifted);
  double rate = 0;
  for (int iteration = 0; iteration < 500; ++iteration) {
    mode /= mode.lpNorm<1>();
    VectorXd next = solver.solve(mode);
    next -= next.sum() * law;  // rounding brings the stationary law back
    const double previous = rate;
    rate = -mode.dot(mode) / next.dot(mode) - shift;
    mode = next;
    if (iteration > 2 && std::abs(rate - previous) <= 1e-12 * std::abs(rate)) {
      return rate;
    }
  }
  throw std::runtime_error("FokkerPlanck::relaxation_rate: the slowest mode is not single and real");
}

VectorXd FokkerPlanck::mean_absorption_time() const {
  if (!absorbs_) {
    throw std::invalid_argument("FokkerPlanck::mean_absorption_time: no edge absorbs");
  }
  const SparseMatrix<double> backward = generator_.transpose();
  Eigen::SparseLU<SparseMatrix<double>> solver(backward);
  return solver.solve(VectorXd::Constant(size(), -1));
}

double FokkerPlanck::mean_velocity(const VectorXd& probability, int axis) const {
  return probability.dot(velocity_.at(static_cast<std::size_t>(axis)));
}

}  // namespace heatbath::reference
