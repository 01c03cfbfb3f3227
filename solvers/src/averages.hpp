#pragma once
// Time averages over a linear network: of its states, their products at one time and at two, or a quadratic form.

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/solvers/linear.hpp"

namespace heatbath::solvers {

enum class Moment : std::uint8_t {
  mean,      ///< x_i
  products,  ///< x_i x_j, j <= i, row by row
  lagged,    ///< x_i(t + lag) x_j(t), row by row
  form       ///< sum over the couplings of 2 J_ij x_i x_j: one number
};

struct Asked {
  Moment moment = Moment::mean;
  double kT = 1;
  double stiffness = 0.05;  ///< ScalingOptions
  double lag = 0;           ///< of `lagged`, network time units
};

/// Averages of each shot, which grow with every run.
class Averages {
 public:
  Averages(Device& device, const network::Network& network, const LinearOptions& options, const Asked& asked, std::uint64_t seed);

  const network::Scaling& scaling() const { return scaling_; }
  double relaxation() const { return relaxation_; }
  double lag() const { return lag_; }  ///< as it is on the device's steps, once something ran
  std::uint64_t rails() const { return rails_; }
  void set_progress(Progress progress) { shots_.set_progress(std::move(progress)); }

  /// Averages over `times` relaxation times more, and adds what that took to `result`.
  void run(double times, LinearResult& result);

  /// Maps the averages of a shot, in the network's units, to values.
  using Map = std::function<void(std::span<const double> columns, std::span<double> values)>;
  /// Mean over the shots of what `map` makes of each, with the standard error of their scatter.
  void fill(std::size_t size, const Map& map, std::vector<double>& values, std::vector<double>& standard_errors) const;

 private:
  Device* device_;
  const LinearOptions& options_;
  Asked asked_;
  network::Scaling scaling_;
  network::Shots shots_;
  std::vector<network::Edge> edges_;  // of `form`
  std::uint32_t cells_;
  std::vector<double> sums_;          // shots x columns
  double counted_ = 0;                // records of each shot
  double relaxation_ = 0, lag_ = 0;
  std::uint64_t rails_ = 0;

  std::size_t columns() const;
  void add(double* sum, const float* x, const float* before) const;
};

/// sqrt(sum of squared errors) over the norm of the values; 0 where both are 0, infinite where only the values are.
double relative_error(std::span<const double> values, std::span<const double> standard_errors);

/// Averages until `error_of` (after a fill) is at most the tolerance, or options.most_time says to stop: then a note
/// says what it would take. `first`: relaxation times of the first look.
void average_until(Averages& averages, const LinearOptions& options, double first, LinearResult& result,
                   const std::function<double()>& error_of);

/// Seconds, notes of converters and rails.
void describe(const Averages& averages, Device& device, LinearResult& result);

}  // namespace heatbath::solvers
