#pragma once
// Means, covariances and work of driven linear networks, by ordinary differential equations.

#include <Eigen/Core>
#include <functional>

namespace heatbath::reference {

/// What a driven linear network is at one time: energy E(x) = (x - centre)^T stiffness (x - centre)/2 with symmetric
/// stiffness, and the time derivatives of both parameters.
struct QuadraticDrive {
  Eigen::MatrixXd stiffness;
  Eigen::VectorXd centre;
  Eigen::MatrixXd stiffness_rate;
  Eigen::VectorXd centre_rate;
};

/// Overdamped network of mobility 1, dx_i = -dE/dx_i dt + sqrt(2 T_i) dW_i.
struct DrivenNetwork {
  std::function<QuadraticDrive(double time)> drive;
  Eigen::VectorXd temperature;
};

/// Law of x (Gaussian when it began so) and of the work W done on the network since the start.
struct DrivenMoments {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
  double work_mean = 0;      ///< <W>, W = integral of dE/dt at fixed x
  double work_variance = 0;  ///< <W^2> - <W>^2; W itself is not Gaussian when the stiffness moves
};

/// Integrates the closed moment equations from time `from` to `to` by Boost.Odeint's dopri5 with step control. `start`
/// is the Gaussian law at `from` (its work moments are added to). With y = x - m, d = m - c, g = K' d - K c', u =
/// Cov(W, y) and U = Cov(W, y y^T):
///   m' = -K d,  S' = -K S - S K + 2 diag T,  <W>' = tr(K' (S + d d^T))/2 - c'.K d,
///   u' = -K u + S g,  U' = -K U - U K + S K' S,  Var(W)' = tr(K' U) + 2 g.u.
/// The last three follow from the generator: the hierarchy closes because the work rate is quadratic in x. Correlations
/// of W with x before `from` are taken as zero. `tolerance` is absolute and relative, per step.
DrivenMoments drive_moments(const DrivenNetwork& network, const DrivenMoments& start, double from, double to,
                            double tolerance = 1e-11);

/// Free energy difference of E between two drives at one temperature: (T/2) ln(det K_to/det K_from).
double quadratic_free_energy_difference(const QuadraticDrive& from, const QuadraticDrive& to, double temperature);

/// One cell of stiffness k0 -> k1 linearly within `duration`, centre 0, starting in equilibrium: law at its end.
DrivenMoments linear_stiffness_ramp(double stiffness_from, double stiffness_to, double duration, double temperature);

/// One cell of constant stiffness whose centre moves at constant speed for `duration`, starting in equilibrium:
/// <W> = v^2 (t - (1 - exp(-k t))/k) and Var(W) = 2 T <W>.
DrivenMoments dragged_trap(double stiffness, double speed, double duration, double temperature);

/// Mean, variance and exponential average of the work of an instant change of stiffness of a cell in equilibrium, where
/// W = (k1 - k0) x^2/2: (T/2)(k1/k0 - 1), (T^2/2)(k1/k0 - 1)^2, <exp(-W/T)> = sqrt(k0/k1).
struct QuenchWork {
  double mean;
  double variance;
  double exponential_average;
};
QuenchWork stiffness_quench(double stiffness_from, double stiffness_to, double temperature);

/// Least mean work to take a cell in equilibrium at k0 to stiffness k1 within `duration`, the end state being free
/// (Schmiedl & Seifert 2007): the width s moves linearly in time at a dissipation (s1 - s0)^2/duration, and s1 solves
/// (k1 + 2/duration) s1^2 - (2 s0/duration) s1 - T = 0.
double optimal_stiffness_work(double stiffness_from, double stiffness_to, double duration, double temperature);

}  // namespace heatbath::reference
