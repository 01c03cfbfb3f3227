#include "heatbath/measure/fit.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <stdexcept>

#include <Eigen/Core>

#include "numerics/dense_algebra.hpp"

namespace heatbath::measure {
namespace {

constexpr double normal_95 = 1.959963984540054;

using Vector = Eigen::VectorXd;
using LogLikelihood = std::function<double(const Vector&)>;

struct Peak {
  Vector at;
  Eigen::MatrixXd covariance;  // inverse of the curvature of -log likelihood
  double value = -INFINITY;
  bool sharp = false;          // whether that curvature is positive
};

/// Gradient and curvature by central differences of steps `step`.
void derivatives(const LogLikelihood& of, const Vector& at, const Vector& step, Vector& slope, Eigen::MatrixXd& curvature) {
  const Eigen::Index n = at.size();
  const double middle = of(at);
  slope.resize(n);
  curvature.resize(n, n);
  for (Eigen::Index i = 0; i < n; ++i) {
    Vector up = at, down = at;
    up(i) += step(i), down(i) -= step(i);
    const double above = of(up), below = of(down);
    slope(i) = (above - below) / (2 * step(i));
    curvature(i, i) = (above - 2 * middle + below) / (step(i) * step(i));
    for (Eigen::Index j = 0; j < i; ++j) {
      Vector corner = at;
      double sum = 0;
      for (const double a : {1.0, -1.0})
        for (const double b : {1.0, -1.0}) {
          corner(i) = at(i) + a * step(i), corner(j) = at(j) + b * step(j);
          sum += a * b * of(corner);
        }
      curvature(i, j) = curvature(j, i) = sum / (4 * step(i) * step(j));
    }
  }
}

/// Climbs by damped Newton steps. `scale`: a change of each parameter that is small.
Peak climb(const LogLikelihood& of, Vector at, const Vector& scale) {
  Peak peak;
  peak.value = of(at);
  double damping = 1e-3;
  Vector slope;
  Eigen::MatrixXd curvature;
  for (int round = 0; round < 200; ++round) {
    derivatives(of, at, scale, slope, curvature);
    bool climbed = false;
    double gained = 0;
    for (int attempt = 0; attempt < 30 && !climbed; ++attempt) {
      Eigen::MatrixXd hill = -curvature;
      for (Eigen::Index i = 0; i < hill.rows(); ++i) hill(i, i) += damping * std::max(std::abs(hill(i, i)), 1 / (scale(i) * scale(i)) * 1e-6);
      const numerics::SymmetricSolution solved = numerics::symmetric_solution(hill, slope);
      const Vector step = solved.x;
      const double value = solved.semidefinite && step.allFinite() ? of(at + step) : -INFINITY;
      if (value >= peak.value) {
        gained = value - peak.value;
        at += step;
        peak.value = value;
        damping = std::max(damping * 0.2, 1e-9);
        climbed = true;
      } else {
        damping *= 5;
      }
    }
    if (!climbed || gained < 1e-9) break;
  }
  derivatives(of, at, scale, slope, curvature);
  peak.at = at;
  const numerics::SymmetricSolution solved = numerics::symmetric_solution(-curvature, Eigen::MatrixXd::Identity(at.size(), at.size()));
  peak.sharp = curvature.allFinite() && solved.semidefinite && solved.least > 0;
  peak.covariance = peak.sharp ? solved.x : Eigen::MatrixXd::Constant(at.size(), at.size(), std::nan(""));
  return peak;
}

Fitted straight(double value, double variance) {
  const double error = std::sqrt(variance);
  return {value, error, value - normal_95 * error, value + normal_95 * error};
}

/// Of a positive parameter whose logarithm was fitted.
Fitted of_logarithm(double logarithm, double variance) {
  const double value = std::exp(logarithm), error = std::sqrt(variance);
  return {value, value * error, value * std::exp(-normal_95 * error), value * std::exp(normal_95 * error)};
}

/// log(1 + exp(x)) without overflow.
double softplus(double x) { return std::max(x, 0.0) + std::log1p(std::exp(-std::abs(x))); }

}  // namespace

CurveFit fit_curve(std::span<const CurvePoint> points) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("curve: " + what); };
  double ones = 0, trials = 0, sum = 0, squares = 0, lowest = INFINITY, highest = -INFINITY;
  // Where a step would explain everything: all down up to here, all up from there, or the other way round.
  double last_mixed_low[2] = {INFINITY, INFINITY}, last_mixed_high[2] = {-INFINITY, -INFINITY};
  for (const CurvePoint& point : points) {
    if (!std::isfinite(point.bias)) refuse("a bias that is no finite number");
    if (!(point.trials > 0) || !(point.ones >= 0) || !(point.ones <= point.trials) || !std::isfinite(point.trials))
      refuse(std::to_string(point.ones) + " of " + std::to_string(point.trials) + " trials are no counts");
    ones += point.ones, trials += point.trials;
    sum += point.trials * point.bias, squares += point.trials * point.bias * point.bias;
    lowest = std::min(lowest, point.bias), highest = std::max(highest, point.bias);
    if (point.ones > 0) last_mixed_low[1] = std::min(last_mixed_low[1], point.bias), last_mixed_high[1] = std::max(last_mixed_high[1], point.bias);
    if (point.ones < point.trials) last_mixed_low[0] = std::min(last_mixed_low[0], point.bias), last_mixed_high[0] = std::max(last_mixed_high[0], point.bias);
  }
  if (!(highest > lowest)) refuse("needs 2 different biases or more");
  if (ones == 0 || ones == trials) refuse("every trial is the same: it has no slope");
  if (last_mixed_high[0] < last_mixed_low[1] || last_mixed_high[1] < last_mixed_low[0])
    refuse("a step between two biases, whose slope has no bound; biases where both come are needed");
  const double centre = sum / trials, width = std::max(std::sqrt(std::max(squares / trials - centre * centre, 0.0)), 1e-12 * (highest - lowest));
  // u = slope (bias - midpoint) as c + s (bias - centre)/width: a concave function of c and s.
  const auto u_of = [&](const Vector& at, double bias) { return at(0) + at(1) * (bias - centre) / width; };
  const auto likelihood = [&](const Vector& at) {
    double value = 0;
    for (const CurvePoint& point : points) {
      const double u = u_of(at, point.bias);
      value -= point.ones * softplus(-u) + (point.trials - point.ones) * softplus(u);
    }
    return value;
  };
  const double share = std::clamp(ones / trials, 0.5 / trials, 1 - 0.5 / trials);
  const Peak peak = climb(likelihood, Vector{{std::log(share / (1 - share)), 0}}, Vector::Constant(2, 1e-3));
  CurveFit fit;
  double expected_variance = 0;
  for (const CurvePoint& point : points) {
    const double p = 1 / (1 + std::exp(-u_of(peak.at, point.bias))), variance = point.trials * p * (1 - p);
    if (variance < 1e-3) continue;  // points that say nothing of the curve
    fit.chi_squared += (point.ones - point.trials * p) * (point.ones - point.trials * p) / variance;
    ++fit.freedom;
    expected_variance += 2 + (1 / (p * (1 - p)) - 6) / point.trials;  // of Pearson's term of a binomial count
  }
  fit.freedom = fit.freedom > 2 ? fit.freedom - 2 : 0;
  if (fit.freedom > 0 && fit.chi_squared > fit.freedom + 2 * std::sqrt(std::max(expected_variance, 0.0)))
    fit.dispersion = std::sqrt(fit.chi_squared / fit.freedom);
  const double c = peak.at(0), s = peak.at(1), wider = fit.dispersion * fit.dispersion;
  fit.slope = straight(s / width, wider * peak.covariance(1, 1) / (width * width));
  fit.midpoint.value = centre - c / s * width;
  fit.midpoint.standard_error =
      std::sqrt(wider * (peak.covariance(0, 0) - 2 * c / s * peak.covariance(0, 1) + c * c / (s * s) * peak.covariance(1, 1))) * width / std::abs(s);
  // Fieller's interval of -c/s: where c + s m is within its own error of 0; none where the slope may be 0.
  const double z2 = normal_95 * normal_95 * wider, a = s * s - z2 * peak.covariance(1, 1), b = c * s - z2 * peak.covariance(0, 1),
               d = c * c - z2 * peak.covariance(0, 0), root = b * b - a * d;
  if (a > 0 && root >= 0) {
    fit.midpoint.low = centre + width * (-b - std::sqrt(root)) / a;
    fit.midpoint.high = centre + width * (-b + std::sqrt(root)) / a;
  } else {
    fit.midpoint.low = -INFINITY, fit.midpoint.high = INFINITY;
  }
  return fit;
}

namespace {

/// Readings with everything in units that are near 1.
struct Traces {
  std::vector<TraceReading> readings;
  double time = 1, value = 1, origin = 0, drive = 1;  // units
  bool fits_gain = false;
  double gain_over = 1;  // where given: gain in these units, d(reading)/d(drive/stiffness)
};

/// log k, log D (of the reading), offset, log noise^2, and the gain where it is fitted.
double likelihood_of(const Traces& traces, const Vector& at, double* mean_square = nullptr, double* neighbours = nullptr, std::uint64_t* count = nullptr) {
  const double k = std::exp(at(0)), still = std::exp(at(1)) / k, offset = at(2), noise = std::exp(at(3));
  const double gain = traces.fits_gain ? at(4) : traces.gain_over;
  double value = 0, mean = 0, variance = 0, decay = 0, decayed_for = -1, last = 0, squares = 0, products = 0;
  std::uint64_t used = 0;
  bool has_last = false;
  for (std::size_t n = 0; n < traces.readings.size(); ++n) {
    const TraceReading& now = traces.readings[n];
    if (n == 0 || traces.readings[n - 1].trace != now.trace) {
      mean = now.value, variance = noise;
      has_last = false;
      continue;
    }
    const TraceReading& before = traces.readings[n - 1];
    const double passed = now.time - before.time;
    if (passed != decayed_for) decay = std::exp(-k * passed), decayed_for = passed;
    const double rest = offset + gain * before.drive / k;
    mean = rest + (mean - rest) * decay;
    variance = variance * decay * decay + still * (1 - decay * decay);
    const double spread = variance + noise, off = now.value - mean;
    value -= 0.5 * (std::log(spread) + off * off / spread);
    const double part = variance / spread;
    mean += part * off;
    variance *= 1 - part;
    const double normal = off / std::sqrt(spread);
    squares += normal * normal;
    if (has_last) products += normal * last;
    last = normal, has_last = true;
    ++used;
  }
  if (mean_square) *mean_square = squares / static_cast<double>(used);
  if (neighbours) *neighbours = products / static_cast<double>(used);
  if (count) *count = used;
  return std::isfinite(value) ? value : -INFINITY;
}

}  // namespace

RelaxationFit fit_relaxation(std::span<const TraceReading> readings, const RelaxationOptions& options) {
  const auto refuse = [](const std::string& what) { throw std::invalid_argument("traces: " + what); };
  Traces traces;
  traces.readings.assign(readings.begin(), readings.end());
  double shortest = INFINITY, longest = 0, sum = 0, squares = 0, drives = 0, first_drive = readings.empty() ? 0 : readings[0].drive;
  std::uint64_t used = 0;
  bool drives_differ = false;
  for (std::size_t n = 0; n < readings.size(); ++n) {
    const TraceReading& now = readings[n];
    if (!std::isfinite(now.time) || !std::isfinite(now.drive) || !std::isfinite(now.value)) refuse("reading " + std::to_string(n) + " has no finite numbers");
    sum += now.value;
    drives = std::max(drives, std::abs(now.drive));
    if (n == 0 || readings[n - 1].trace != now.trace) continue;
    const double passed = now.time - readings[n - 1].time;
    if (!(passed > 0)) refuse("reading " + std::to_string(n) + " is at a time of " + std::to_string(now.time) + ", which is not after the one before it");
    shortest = std::min(shortest, passed), longest = std::max(longest, passed);
    drives_differ |= readings[n - 1].drive != first_drive;
    ++used;
  }
  if (used < 8) refuse(std::to_string(used) + " readings that follow another; at least 8");
  if (options.gain == 0) refuse("a gain of 0");
  traces.origin = sum / static_cast<double>(readings.size());
  for (const TraceReading& reading : readings) squares += (reading.value - traces.origin) * (reading.value - traces.origin);
  traces.value = std::sqrt(squares / static_cast<double>(readings.size()));
  if (!(traces.value > 0)) refuse("readings never move");
  traces.time = shortest;
  traces.drive = drives > 0 ? drives : 1;
  for (TraceReading& reading : traces.readings) {
    reading.time /= traces.time, reading.drive /= traces.drive;
    reading.value = (reading.value - traces.origin) / traces.value;
  }
  // reading' = (gain drive_unit time_unit/value_unit) drive'/k' + …
  const double gain_unit = traces.value / (traces.drive * traces.time);
  traces.fits_gain = std::isnan(options.gain) && drives_differ;
  const double given = std::isnan(options.gain) ? 1 : options.gain;
  traces.gain_over = given / gain_unit;

  const auto likelihood = [&](const Vector& at) { return at(3) < -40 || at(3) > 40 || std::abs(at(0)) > 40 || std::abs(at(1)) > 60 ? -INFINITY : likelihood_of(traces, at); };
  const Eigen::Index size = traces.fits_gain ? 5 : 4;
  Peak best;
  // Many starts: the rate between the longest and a third of the shortest interval, the noise from all to little.
  std::vector<std::pair<double, Vector>> starts;
  for (double k = 2; k > 0.5 / std::max(10.0, static_cast<double>(used)); k /= 2)
    for (const double share : {0.9, 0.3, 0.03, 0.001}) {
      Vector at = Vector::Zero(size);
      at(0) = std::log(k), at(1) = std::log(k * (1 - share) + 1e-12), at(3) = std::log(share);
      if (traces.fits_gain) {
        for (const double gain : {k, -k}) {
          at(4) = gain;
          starts.emplace_back(likelihood(at), at);
        }
        continue;
      }
      starts.emplace_back(likelihood(at), at);
    }
  std::ranges::sort(starts, [](const auto& a, const auto& b) { return a.first > b.first; });
  const Vector scale = Vector::Constant(size, 1e-3);
  for (std::size_t k = 0; k < std::min<std::size_t>(3, starts.size()); ++k) {
    const Peak peak = climb(likelihood, starts[k].second, scale);
    if (peak.value > best.value + 1e-6) best = peak;
  }

  RelaxationFit fit;
  fit.gain_given = !traces.fits_gain;
  double mean_square = 0, neighbours = 0;
  likelihood_of(traces, best.at, &mean_square, &neighbours, &fit.readings);
  fit.mean_square = mean_square, fit.neighbours = neighbours;
  const auto count = static_cast<double>(fit.readings);
  fit.mean_square_z = (mean_square - 1) / std::sqrt(2 / count);
  fit.neighbours_z = neighbours * std::sqrt(count);

  // The likelihood is far from normal in noise that is hardly seen: its interval is then where the likelihood, the others
  // at their best, has fallen by what 95 % allow. Where it is not seen at all the others are those without it.
  Eigen::MatrixXd covariance = best.covariance;
  Vector at = best.at;
  constexpr double none = -30;
  const auto with_noise = [&](double log_noise) {
    const auto others = [&](const Vector& rest) {
      Vector all(size);
      all << rest.head(3), log_noise, rest.tail(size - 4);
      return likelihood(all);
    };
    Vector start(size - 1);
    start << at.head(3), at.tail(size - 4);
    return climb(others, start, Vector::Constant(size - 1, 1e-3));
  };
  const bool silent = at(3) < std::log(1e-7) || !best.sharp;
  const auto noise_of = [&](double log_noise) { return std::exp(0.5 * log_noise) * traces.value; };
  const double most_fall = 0.5 * normal_95 * normal_95;
  const auto edge = [&](double inside, double outside, double wanted) {
    for (int step = 0; step < 14; ++step) {
      const double middle = 0.5 * (inside + outside);
      (with_noise(middle).value > wanted ? inside : outside) = middle;
    }
    return inside;
  };
  if (silent) {
    const Peak rest = with_noise(none);
    covariance = Eigen::MatrixXd::Zero(size, size);
    const auto place = [](Eigen::Index i) { return i < 3 ? i : i + 1; };
    for (Eigen::Index i = 0; i < size - 1; ++i) {
      at(place(i)) = rest.at(i);
      for (Eigen::Index j = 0; j < size - 1; ++j) covariance(place(i), place(j)) = rest.covariance(i, j);
    }
    fit.noise.value = fit.noise.low = 0;
    fit.noise.high = noise_of(edge(std::log(1e-7), 1, rest.value - most_fall));
  } else {
    fit.noise = of_logarithm(0.5 * at(3), 0.25 * covariance(3, 3));
    for (double* number : {&fit.noise.value, &fit.noise.standard_error, &fit.noise.low, &fit.noise.high}) *number *= traces.value;
    const double error = std::sqrt(covariance(3, 3));
    if (error > 0.25) {
      const double wanted = best.value - most_fall;
      fit.noise.high = noise_of(edge(at(3), at(3) + 4 * error + 2, wanted));
      fit.noise.low = with_noise(none).value > wanted ? 0 : noise_of(edge(at(3), std::max(none, at(3) - 20 * error - 2), wanted));
    }
  }
  const auto scaled = [](Fitted is, double factor, double shift = 0) {
    is.value = is.value * factor + shift, is.low = is.low * factor + shift, is.high = is.high * factor + shift;
    is.standard_error *= std::abs(factor);
    if (is.low > is.high) std::swap(is.low, is.high);
    return is;
  };
  fit.stiffness = scaled(of_logarithm(at(0), covariance(0, 0)), 1 / traces.time);
  fit.offset = scaled(straight(at(2), covariance(2, 2)), traces.value, traces.origin);
  const double log_diffusion = at(1) + std::log(traces.value * traces.value / traces.time);
  if (traces.fits_gain) {
    fit.gain = scaled(straight(at(4), covariance(4, 4)), gain_unit);
    const double g = at(4);
    fit.kT = of_logarithm(log_diffusion - 2 * std::log(std::abs(fit.gain.value)), covariance(1, 1) - 4 / g * covariance(1, 4) + 4 / (g * g) * covariance(4, 4));
  } else {
    fit.gain = {given, 0, given, given};
    fit.kT = of_logarithm(log_diffusion - 2 * std::log(std::abs(given)), covariance(1, 1));
  }
  return fit;
}

}  // namespace heatbath::measure
