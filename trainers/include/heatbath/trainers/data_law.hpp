#pragma once
// Laws on the line: what a score model learns from, and what noising makes of it.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace heatbath::trainers {

/// What noising does to a value: x_t = decay x_0 + sqrt(variance) n, n standard normal.
struct LinearNoise {
  double decay = 1, variance = 0;  ///< of the formula
};

/// A law of one real variable: a mixture of Gaussians, a uniform law, or a list of values without a density.
class DataLaw {
 public:
  /// N(0, deviation^2). Throws Error(BAD_ARG) unless the deviation is positive and finite; so do all of these.
  static DataLaw gaussian(double deviation);
  /// Uniform on [-half_width, half_width].
  static DataLaw uniform(double half_width);
  /// Weights are brought to the sum 1. Sizes must agree, weights and variances be positive.
  static DataLaw mixture(std::vector<double> weights, std::vector<double> means, std::vector<double> variances);
  /// Values as they were found, at least 16; `source` names them in reports. Entropies of a list come from distances to
  /// neighbours, so values that come more than 4 times need a density of their own: where all lie on a grid, as rounded
  /// values do, each is spread evenly over its step, and name() says so; otherwise, and where fewer than 5 values
  /// differ, they are refused. So are values whose mean or scale leaves no room for their differences: standardise them
  /// first.
  static DataLaw values(std::vector<double> values, std::string source);

  const std::string& name() const { return name_; }  ///< for reports
  /// Whether density and score of the noised law have a closed form.
  bool closed_form() const { return kind_ != Kind::values; }
  bool is_gaussian() const { return kind_ == Kind::mixture && means_.size() == 1; }  ///< a normal law
  /// A uniform law: without noise its score is 0 inside and its density jumps at the edges.
  bool has_edges() const { return kind_ == Kind::uniform; }
  /// The list of values; empty for the other laws.
  const std::vector<double>& list() const { return values_; }
  /// Of the law without noise.
  double mean() const { return mean_; }
  double variance() const { return variance_; }
  /// Largest |x| that a device should be able to hold for the unnoised law.
  double reach() const;

  /// `count` independent values; value i is a pure function of seed and i. A list of values is drawn from with
  /// replacement.
  std::vector<double> draw(std::uint64_t seed, std::size_t count) const;
  /// The same values from number `first` on, as many as `drawn` has room for.
  void draw(std::uint64_t seed, std::size_t first, std::span<double> drawn) const;

  /// The noised law at x. Only with closed_form(); a uniform law needs a positive variance of the noise for score and
  /// divergence (both 0 without it).
  double log_density(const LinearNoise& noise, double x) const;
  double score(const LinearNoise& noise, double x) const;       ///< d ln p/dx
  double divergence(const LinearNoise& noise, double x) const;  ///< d^2 ln p/dx^2
  /// Differential entropy of the noised law in nats, by Simpson's rule on 2^14 intervals.
  double entropy(const LinearNoise& noise) const;

 private:
  enum class Kind { mixture, uniform, values };
  Kind kind_ = Kind::mixture;
  std::string name_;
  double half_width_ = 0, mean_ = 0, variance_ = 0;
  std::vector<double> weights_, means_, variances_, values_;
};

}  // namespace heatbath::trainers
