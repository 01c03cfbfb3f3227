#pragma once
// Parameters of a chip from what a laboratory has of it: the curve of a p-bit, traces of cells that relax.

#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <vector>

namespace heatbath::measure {

/// A parameter of greatest likelihood with its 95 % interval; NaN where the data do not tell.
struct Fitted {
  double value = std::numeric_limits<double>::quiet_NaN();  ///< of greatest likelihood
  double standard_error = std::numeric_limits<double>::quiet_NaN();  ///< from the curvature of the likelihood
  /// Ends of the interval.
  double low = std::numeric_limits<double>::quiet_NaN(), high = std::numeric_limits<double>::quiet_NaN();
};

/// How often a p-bit was up at one bias.
struct CurvePoint {
  double bias = 0, ones = 0, trials = 0;  ///< what was set; how often up; how often read
};

/// What the points of a curve say of a p-bit.
struct CurveFit {
  Fitted midpoint;         ///< bias where up and down are equally likely
  Fitted slope;            ///< of the logarithm of P(1)/P(0) against the bias
  double chi_squared = 0;  ///< Pearson's, of the points against the curve
  std::uint32_t freedom = 0;
  /// sqrt(chi^2/freedom) where that is above what chance gives (2 standard deviations), else 1: points scatter more than
  /// counts do, and the intervals are that much wider.
  double dispersion = 1;
};

/// P(1) = 1/(1 + exp(-slope (bias - midpoint))) by greatest likelihood of the counts. Throws std::invalid_argument for
/// fewer than 2 different biases, counts that are none, and curves that are all 0, all 1 or a step, which have no slope.
CurveFit fit_curve(std::span<const CurvePoint> points);

/// One reading of a cell.
struct TraceReading {
  std::uint32_t trace = 0;  ///< readings of one trace follow each other in time
  double time = 0;
  double drive = 0;         ///< force on the cell from this reading to the next
  double value = 0;
};

/// dx = -(stiffness x - drive) dt + sqrt(2 kT) dW at mobility 1; reading = gain x + offset + noise of each reading
/// (of an ADC: its own and a step over sqrt(12)).
struct RelaxationFit {
  Fitted stiffness, kT, gain, offset;  ///< in the units of the readings and of time
  Fitted noise;             ///< standard deviation
  bool gain_given = false;  ///< it was, or one drive alone cannot tell it: then kT is in readings squared over gain squared
  std::uint64_t readings = 0;
  /// Of the errors of prediction over what is expected of them: mean square (1) and correlation of neighbours (0), and
  /// how many standard deviations these are off. Above 4 the cell is not of this kind.
  double mean_square = 0, neighbours = 0, mean_square_z = 0, neighbours_z = 0;
};

/// What is known before the fit.
struct RelaxationOptions {
  double gain = std::numeric_limits<double>::quiet_NaN();  ///< NaN: fitted where drives differ, else 1
};

/// By exact likelihood (Kalman's filter) of all readings but the first of each trace, from which it starts; starts may be
/// anywhere. Throws std::invalid_argument for fewer than 8 readings that follow another, times that do not rise, values
/// that are not finite or never move.
RelaxationFit fit_relaxation(std::span<const TraceReading> readings, const RelaxationOptions& options = {});

}  // namespace heatbath::measure
