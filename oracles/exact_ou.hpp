#pragma once
// Linear networks (Ornstein–Uhlenbeck processes) without approximation: law at any time, stationary law, entropy.

#include <Eigen/Core>

namespace heatbath::reference {

/// dx = (force - stiffness x) dt + noise with <noise noise^T> = 2 diffusion dt. `stiffness` (A) is n x n and need not
/// be symmetric; `diffusion` (D) is n x n, symmetric, positive semi-definite; for cells of mobility 1 at temperatures
/// T_i it is diag(T_i). `force` (b) has n entries.
struct LinearNetwork {
  Eigen::MatrixXd stiffness;
  Eigen::MatrixXd diffusion;
  Eigen::VectorXd force;
};

/// A network of mobility 1 with one temperature for all cells and no force.
LinearNetwork linear_network(const Eigen::MatrixXd& stiffness, double temperature);

/// A cell with mass: m dv = (-k x - gamma v) dt + sqrt(2 gamma T) dW, dx = v dt, as a network of the state (x, v).
/// <v^2> = T/m and <x^2> = T/k for any gamma (equipartition).
LinearNetwork underdamped_cell(double stiffness, double mass, double damping, double temperature);

/// Underdamped network M dv = (-K x - G v) dt + noise with <noise noise^T> = 2 G T dt, dx = v dt; the state is (x, v)
/// of 2n entries. `damping` and `temperature` hold one value per cell; `mass` is symmetric positive definite (the
/// capacitance matrix of an RLC board, with the inductances in `stiffness`).
LinearNetwork underdamped_network(const Eigen::MatrixXd& stiffness, const Eigen::MatrixXd& mass,
                                  const Eigen::VectorXd& damping, const Eigen::VectorXd& temperature);

/// A cell driven by band-limited noise: dx = (eta - k x) dt with <eta(0) eta(t)> = (T/tau) exp(-|t|/tau); state (x,
/// eta). <x^2> = T/(k (1 + k tau)).
LinearNetwork band_limited_cell(double stiffness, double correlation_time, double temperature);

/// x(t) given x(0) is Gaussian with mean propagator x(0) + shift and this covariance.
struct OuTransition {
  Eigen::MatrixXd propagator;
  Eigen::VectorXd shift;
  Eigen::MatrixXd covariance;
};

/// Exact transition over a time t >= 0 for any spectrum of A, stable or not: the integral of exp(-As) 2D exp(-A^T s) by
/// a block exponential over a short time (Van Loan 1978), then doubling.
OuTransition ou_transition(const LinearNetwork& network, double time);

/// Mean at time t from a mean at time 0.
Eigen::VectorXd ou_mean(const LinearNetwork& network, const Eigen::VectorXd& start, double time);

/// Covariance at time t from a covariance at time 0 (zero for a sharp start).
Eigen::MatrixXd ou_covariance(const LinearNetwork& network, const Eigen::MatrixXd& start, double time);

/// A^-1 b. Throws std::invalid_argument for a network without a stationary law (an eigenvalue of A with real part <=
/// 0); so do all functions below.
Eigen::VectorXd stationary_mean(const LinearNetwork& network);

/// S with A S + S A^T = 2D (Lyapunov), from the exact transition over a short time by squaring (Smith 1968).
Eigen::MatrixXd stationary_covariance(const LinearNetwork& network);

/// Stationary <(x(t) - <x>)(x(0) - <x>)^T> = exp(-At) S for t >= 0.
Eigen::MatrixXd autocorrelation(const LinearNetwork& network, double time);

/// Stationary covariance of the Euler–Maruyama chain x' = x + (b - A x) dt + noise: S = (1 - A dt) S (1 - A dt)^T + 2D
/// dt. One cell: (T/k)/(1 - k dt/2). Throws std::invalid_argument when the chain is unstable.
Eigen::MatrixXd euler_maruyama_covariance(const LinearNetwork& network, double dt);

/// Stationary entropy production rate in nats per time, tr[D^-1 (A - D S^-1) S (A - D S^-1)^T]; zero under detailed
/// balance. D must be invertible, so it is not for underdamped networks.
double entropy_production_rate(const LinearNetwork& network);

/// Mutual information in nats between coordinates i and j of a Gaussian law: -ln(1 - rho_ij^2)/2.
double gaussian_mutual_information(const Eigen::MatrixXd& covariance, Eigen::Index i, Eigen::Index j);

}  // namespace heatbath::reference
