#pragma once
// A stepper of Boost.Odeint's Controlled Stepper concept for large stiff linear equations.

#include <Eigen/SparseCore>
#include <Eigen/SparseLU>
#include <array>
#include <boost/numeric/odeint/stepper/controlled_step_result.hpp>
#include <boost/numeric/odeint/stepper/stepper_categories.hpp>
#include <memory>
#include <stdexcept>

namespace heatbath::reference {

/// dx/dt = L x with a sparse constant L: singly diagonally implicit Runge–Kutta method of order 4 with 5 stages and an
/// embedded one of order 3, L-stable and stiffly accurate (Hairer & Wanner, Solving Ordinary Differential Equations II,
/// table IV.6.5). Steps change by factors of two, so that one factorisation serves many. The error of a step is the sum
/// of |components|. Copies share the factorisation.
class StiffLinearStepper {
 public:
  using state_type = Eigen::VectorXd;
  using deriv_type = Eigen::VectorXd;
  using value_type = double;
  using time_type = double;
  using order_type = unsigned short;
  using stepper_category = boost::numeric::odeint::controlled_stepper_tag;

  StiffLinearStepper(const Eigen::SparseMatrix<double>& matrix, double tolerance)
      : matrix_(&matrix), tolerance_(tolerance), factors_(std::make_shared<Factors>()) {}

  /// One step of x at time t; on success advances both. Changes dt to the next step to try. The system argument is the
  /// concept's; the equation is the constructor's.
  template <class System>
  boost::numeric::odeint::controlled_step_result try_step(const System&, state_type& x, double& t, double& dt) {
    factorise(dt);
    std::array<Eigen::VectorXd, stages> slope;
    Eigen::VectorXd argument;
    for (std::size_t i = 0; i < stages; ++i) {
      argument = x;
      for (std::size_t j = 0; j < i; ++j) {
        argument += (dt * a[i][j]) * slope[j];
      }
      slope[i] = factors_->solver.solve(*matrix_ * argument);
    }
    Eigen::VectorXd error = Eigen::VectorXd::Zero(x.size());
    for (std::size_t i = 0; i < stages; ++i) {
      error += (dt * (a[stages - 1][i] - embedded[i])) * slope[i];
    }
    const double size = error.lpNorm<1>();
    if (size > tolerance_) {
      dt *= 0.5;
      return boost::numeric::odeint::fail;
    }
    x = argument + (dt * diagonal) * slope[stages - 1];
    t += dt;
    if (size < tolerance_ / 32) {
      dt *= 2;
    }
    return boost::numeric::odeint::success;
  }

 private:
  static constexpr std::size_t stages = 5;
  static constexpr double diagonal = 0.25;
  static constexpr double a[stages][stages] = {{diagonal, 0, 0, 0, 0},
                                               {1.0 / 2, diagonal, 0, 0, 0},
                                               {17.0 / 50, -1.0 / 25, diagonal, 0, 0},
                                               {371.0 / 1360, -137.0 / 2720, 15.0 / 544, diagonal, 0},
                                               {25.0 / 24, -49.0 / 48, 125.0 / 16, -85.0 / 12, diagonal}};
  static constexpr double embedded[stages] = {59.0 / 48, -17.0 / 96, 225.0 / 32, -85.0 / 12, 0};

  struct Factors {
    Eigen::SparseLU<Eigen::SparseMatrix<double>> solver;
    double step = 0;
    bool analysed = false;
  };

  void factorise(double dt) {
    if (factors_->step == dt) {
      return;
    }
    Eigen::SparseMatrix<double> shifted = (-diagonal * dt) * *matrix_;
    shifted.diagonal().array() += 1.0;
    if (!factors_->analysed) {
      factors_->solver.analyzePattern(shifted);
      factors_->analysed = true;
    }
    factors_->solver.factorize(shifted);
    if (factors_->solver.info() != Eigen::Success) {
      throw std::runtime_error("StiffLinearStepper: singular matrix of a stage");
    }
    factors_->step = dt;
  }

  const Eigen::SparseMatrix<double>* matrix_;
  double tolerance_;
  std::shared_ptr<Factors> factors_;
};

}  // namespace heatbath::reference
