#pragma once
// Entropy rates of noising processes and the bounds on score-based models.

#include <vector>

namespace heatbath::reference {

/// A mixture of Gaussians on the line.
struct GaussianMixture {
  std::vector<double> weights;  ///< sum 1
  std::vector<double> means;
  std::vector<double> variances;

  double density(double x) const;
  /// d ln p/dx.
  double score(double x) const;
  double mean_square() const;
  /// The mixture after a time t of dx = -rate x dt + sqrt(2 diffusion) dW; rate 0 is pure diffusion (VE), and rate 1
  /// with diffusion 1 a variance-preserving process of stationary law N(0, 1).
  GaussianMixture noised(double time, double rate, double diffusion) const;
};

/// Thermodynamics of dx = -x dt + sqrt(2) dW at one time, for a law p. Rates per unit of time, in nats.
struct EntropyRates {
  double entropy;      ///< S = -<ln p>
  double fisher;       ///< I = <s^2>, s the score
  double change;       ///< dS/dt = I - 1 (de Bruijn)
  double divergence;   ///< KL(p || N(0, 1))
  double intrinsic;    ///< entropy production rate <(x + s)^2> >= 0
  double exchange;     ///< change - intrinsic: entropy from the bath, minus the heat given to it over T
  double mean_square;  ///< <x^2>
};
EntropyRates entropy_rates(const GaussianMixture& law);

/// Gaussian data N(0, s0^2), variance-exploding noise of endless length, a model whose score is that of N(0, a^2):
/// how far the bound NLL >= (S0 + S1)/2 - (1/2) int Sdot_theta is from NLL, for r = s0/a and three choices of
/// Sdot_theta (Kodama & Hinczewski, arXiv:2510.06174, and its derivation from Girsanov's path divergence).
struct ScoreBoundGaps {
  double excess;  ///< NLL - S0 = -ln r + (r^2 - 1)/2
  double gap_a;   ///< Sdot = (g^2/2) E|s|^2: may be negative, so no bound
  double gap_b;   ///< Sdot = -(g^2/2) E div s: may be negative, so no bound
  double gap_c;   ///< Sdot = E div f - g^2 E div s - (g^2/2) E|s|^2: half the excess, never negative
};
ScoreBoundGaps score_bound_gaps(double ratio);

/// Variance after unit time of dx = sigma^t dW: (sigma^2 - 1)/(2 ln sigma).
double exploding_variance(double sigma);

/// Entropy of N(0, variance): ln(2 pi e variance)/2.
double gaussian_entropy(double variance);

/// Density at x of a uniform law on [-half_width, half_width] after Gaussian noise of this variance, and its score.
double noised_uniform_density(double x, double half_width, double variance);
double noised_uniform_score(double x, double half_width, double variance);

/// The linear cell of constant stiffness whose reverse paths are likeliest, for data N(0, data_variance) noised for
/// `duration` by dx = -x dt + sqrt(2) dW (Sohl-Dickstein et al. 2015 on a static device):
/// k = 2 tau/int sigma^2(t) dt - 1, and the variance it generates from the noised law.
struct StaticReverseCell {
  double stiffness;
  double generated_variance;
};
StaticReverseCell static_reverse_cell(double data_variance, double duration);

}  // namespace heatbath::reference
