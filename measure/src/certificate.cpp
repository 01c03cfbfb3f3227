#include "heatbath/measure/certificate.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "heatbath/numerics/text.hpp"
#include "series.hpp"

namespace heatbath::measure {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double nan = std::numeric_limits<double>::quiet_NaN();
constexpr double alarm = 3.5;                 // standard errors beyond which a temperature is another
constexpr double floor_alarm = 5;             // standard deviations above the noise floor
constexpr double improbable = 4.5;            // of scatter among chains that agree
constexpr std::size_t series_points = 8192;   // block means that an autocorrelation time is summed over
constexpr std::size_t least_length = 32;      // of a chain whose halves are compared
constexpr std::size_t slow_cells = 16;        // cells whose autocorrelation is looked at

/// Two-sided 95 % of Student's law with `freedom` >= 3 degrees of freedom (Abramowitz & Stegun 26.7.5).
double student(double freedom) {
  const double z = 1.959963984540054, n = std::max(freedom, 3.0), z2 = z * z;
  return z * (1 + (z2 + 1) / (4 * n) + ((5 * z2 + 16) * z2 + 3) / (96 * n * n) +
              (((3 * z2 + 19) * z2 + 17) * z2 - 15) / (384 * n * n * n));
}

/// Mean of a column of samples with an error that counts their correlation.
struct SeriesMean {
  double mean = 0, variance = 0, standard_error = 0, time = 1;
  double freedom = 3;  ///< degrees of freedom of the squared error
};

class Samples {
 public:
  Samples(std::size_t samples, std::size_t chains) : samples_(samples), chains_(chains) {
    length_ = samples / chains;
    // Chains too short for a window, and too few for their scatter, are read as one.
    together_ = length_ == 1 || (length_ < 4 && chains < 64) ? 1 : chains;
    // For R-hat: chains of `least_length` records, else up to 16 strung together; the halves of one alone are two.
    compared_ = length_ >= least_length ? chains : std::clamp<std::size_t>(samples / 64, 1, std::min<std::size_t>(chains, 16));
    compared_ = std::max<std::size_t>(compared_, 2);
  }

  std::size_t size() const { return samples_; }
  std::size_t length() const { return length_; }

  SeriesMean mean(std::span<const double> values) const {
    const Deviations x(values, "certify");
    SeriesMean is;
    is.mean = x.origin;
    if (x.still()) {
      is.time = static_cast<double>(samples_);
      return is;
    }
    const std::size_t chains = together_, length = samples_ / chains;
    std::size_t size = (samples_ + series_points - 1) / series_points;
    size = std::clamp<std::size_t>(size, 1, std::max<std::size_t>(1, length / 16));
    const std::size_t blocks = length / size;
    std::vector<double> means(chains * blocks);
    for (std::size_t chain = 0; chain < chains; ++chain)
      for (std::size_t k = 0; k < blocks; ++k)
        means[chain * blocks + k] = mean_of(std::span(x.values).subspan(chain * length + k * size, size));
    const double mean = mean_of(x.values);
    const auto n = static_cast<double>(samples_);
    is.mean = x.origin + x.unit * mean;
    is.variance = x.unit * x.unit * variance_of(x.values, mean);
    const Estimate of_blocks = mean_of_chains(means, chains);
    double squared = of_blocks.standard_error * of_blocks.standard_error;
    const auto count = static_cast<double>(means.size());
    if (chains >= 64) {
      is.freedom = static_cast<double>(chains - 1);
    } else {
      // A window of 6 tau: relative variance 2 (12 tau + 1)/n of tau, and its bias (Wolff 2004, eqs. 42 and 49).
      const double time_of_blocks = count / std::max(of_blocks.effective_samples, 1.0);
      is.freedom = count / (12 * time_of_blocks + 1);
      squared *= 1 + 1 / std::max(is.freedom, 1.0);
    }
    is.standard_error = x.unit * std::sqrt(squared);
    is.time = std::clamp(n * is.standard_error * is.standard_error / is.variance, 1 / n, n);
    return is;
  }

  /// Split R-hat, and the largest that chance gives it where all records are independent.
  double r_hat(std::span<const double> values) const {
    const std::size_t part = samples_ / compared_;
    return part >= 4 ? split_r_hat(values.first(part * compared_), compared_) : nan;
  }
  double r_hat_by_chance() const {
    const double half = std::floor(static_cast<double>(samples_ / compared_) / 2);
    // Between over within is chi^2/freedom/half for independent records (its quantile: Wilson & Hilferty 1931).
    const double freedom = 2 * static_cast<double>(compared_) - 1, spread = 2 / (9 * freedom);
    const double ratio = std::pow(1 - spread + improbable * std::sqrt(spread), 3);
    return std::sqrt((half - 1 + ratio) / half);
  }

 private:
  std::size_t samples_, chains_, length_ = 1, together_ = 1, compared_ = 1;
};

struct InverseTemperature {
  Estimate estimate;
  double low = nan, high = nan;
};

/// Root of a score with its sandwich error: `scores` at the root, one per sample, `slope` their mean derivative.
InverseTemperature at_root(double root, std::span<const double> scores, double slope, const Samples& samples) {
  const SeriesMean score = samples.mean(scores);
  InverseTemperature found;
  found.estimate = {root, score.standard_error / slope, static_cast<double>(samples.size()) / score.time};
  const double width = student(score.freedom) * found.estimate.standard_error;
  found.low = root - width;
  found.high = root + width;
  return found;
}

/// Maximum of the pseudolikelihood: root of the mean score sum_i u_i (1 + tanh(beta u_i)), u_i = s_i f_i, which rises
/// with beta; by Newton's method inside a bracket.
InverseTemperature pseudolikelihood(std::span<const float> states, const EnergyView& view, double start,
                                    const Samples& samples) {
  std::vector<double> slopes(view.cells), scores(samples.size());
  double mean = 0, rise = 0;
  bool against = false, with = false;  // spins against, and along, their fields
  const auto pass = [&](double beta) {
    double sum = 0;
    rise = 0;
    for (std::size_t k = 0; k < samples.size(); ++k) {
      const auto state = states.subspan(k * view.cells, view.cells);
      view.at(state, slopes);
      double score = 0;
      for (std::uint32_t i = 0; i < view.cells; ++i) {
        const double u = state[i] < 0 ? -slopes[i] : slopes[i], t = std::tanh(beta * u);
        score += u * (1 + t);
        rise += u * u * (1 - t * t);
        against = against || u > 0;
        with = with || u < 0;
      }
      scores[k] = score;
      sum += score;
    }
    mean = sum / static_cast<double>(samples.size());
    rise /= static_cast<double>(samples.size());
  };
  double beta = start, below = -infinite, above = infinite;
  for (int step = 0; step < 60; ++step) {
    pass(beta);
    if (!against && !with) return {};                             // no fields
    if (!against) return {{infinite, nan, 1}, nan, nan};
    if (!with) return {{-infinite, nan, 1}, nan, nan};
    (mean < 0 ? below : above) = beta;
    double next = rise > 0 ? beta - mean / rise : mean < 0 ? infinite : -infinite;
    if (std::fabs(next - beta) <= 1e-7 * std::max(std::fabs(beta), std::fabs(start))) break;
    // A step that leaves the bracket: half of it, or twice as far where one side is open.
    if (!(next > below && next < above))
      next = std::isfinite(below) && std::isfinite(above) ? (below + above) / 2
             : mean < 0                                   ? beta + 2 * std::max(std::fabs(beta), start)
                                                          : beta - 2 * std::max(std::fabs(beta), start);
    beta = next;
  }
  return at_root(beta, scores, rise, samples);
}

std::string cell_name(std::size_t cell) { return "cell " + std::to_string(cell); }

/// E|X - np| of a binomial X over n, exactly (de Moivre).
double mean_deviation(double n, double p) {
  if (p <= 0 || p >= 1) return 0;
  const double k = std::floor(n * p);
  const double log_term = std::lgamma(n + 1) - std::lgamma(k + 1) - std::lgamma(n - k) + (k + 1) * std::log(p) +
                          (n - k) * std::log1p(-p);
  return 2 * std::exp(log_term) / n;
}

/// Total variation between the histogram of states and the law. The floor is that of as many independent samples as
/// would give the histogram its scatter among blocks of chains.
Distance distance_of(std::span<const float> states, std::uint32_t cells, std::size_t chains, std::span<const double> law) {
  const std::size_t samples = states.size() / cells, blocks = std::min<std::size_t>(samples / 4, 64);
  want(blocks >= 2, "certify: a distance from a law wants at least 8 samples");
  // Blocks of whole chains where there are many, else parts of the row of all chains.
  const std::size_t length = samples / chains;
  const auto block_of = [&](std::size_t k) {
    return chains >= 64 ? k / length * blocks / chains : k * blocks / samples;
  };
  std::vector<double> counts(law.size()), in_block(blocks);
  std::vector<double> own(law.size());
  double scatter = 0, independent = 0;
  std::vector<std::uint32_t> touched;
  std::vector<double> squares(law.size());
  std::size_t block = 0;
  const auto close = [&] {
    for (const std::uint32_t state : touched) {
      squares[state] += own[state] * own[state] / in_block[block];
      own[state] = 0;
    }
    touched.clear();
  };
  for (std::size_t k = 0; k < samples; ++k) {
    if (block_of(k) != block) {
      close();
      block = block_of(k);
    }
    std::uint32_t state = 0;
    for (std::uint32_t i = 0; i < cells; ++i)
      if (states[k * cells + i] >= 0) state |= 1u << i;
    if (own[state] == 0) touched.push_back(state);
    own[state] += 1;
    counts[state] += 1;
    in_block[block] += 1;
  }
  close();
  const auto n = static_cast<double>(samples);
  double distance = 0;
  for (std::size_t state = 0; state < law.size(); ++state) {
    const double p = counts[state] / n;
    // sum_b m_b (p_b - p)^2 over (blocks - 1) is p (1 - p) for independent samples.
    scatter += (squares[state] - n * p * p) / static_cast<double>(blocks - 1);
    independent += p * (1 - p);
    distance += std::fabs(p - law[state]) / 2;
  }
  const double worth = independent > 0 ? std::max(scatter / independent, 1e-9) : n;
  const double effective = std::clamp(n / worth, 1.0, n);
  double floor = 0, variance = 0;
  for (const double p : law) {
    floor += mean_deviation(effective, p) / 2;
    variance += p * (1 - p) / effective / 4;
  }
  return {distance, floor, std::sqrt(variance * (1 - 2 / M_PI))};
}

std::string number(double value, int digits = 4) {
  return std::isnan(value) ? "unknown" : std::isinf(value) ? (value < 0 ? "-infinite" : "infinite") : numerics::general(value, digits);
}

}  // namespace

const char* name(Finding finding) {
  switch (finding) {
    case Finding::temperature_mismatch: return "temperature mismatch";
    case Finding::undermixed: return "undermixed";
    case Finding::above_noise_floor: return "above noise floor";
    case Finding::not_converged: return "not converged";
    default: return "too few samples";
  }
}

bool Certificate::found(Finding finding) const { return std::ranges::find(findings, finding) != findings.end(); }

Certificate certify(std::span<const float> states, std::size_t chains, const EnergyView& view,
                    const CertificateOptions& options) {
  want(view.cells >= 1 && static_cast<bool>(view.at), "certify: wants an energy of at least 1 cell");
  want(chains >= 1 && states.size() % (chains * view.cells) == 0 && states.size() >= 2 * std::size_t{view.cells},
       "certify: wants chains x records x cells of at least 2 samples");
  want(std::isfinite(options.kT) && options.kT >= 0, "certify: kT is 0 (unknown) or more");
  if (!options.law.empty())
    want(view.spins && view.cells <= 20 && options.law.size() == std::size_t{1} << view.cells,
         "certify: a law is one of 2^cells states of at most 20 spins");
  for (const float value : states) want(std::isfinite(value), "certify: a state is not a finite number");

  const Samples samples(states.size() / view.cells, chains);
  Certificate certificate;
  certificate.samples = samples.size();
  certificate.chains = chains;
  if (options.kT > 0) certificate.wanted = 1 / options.kT;

  std::vector<double> energies(samples.size()), sums(samples.size()), slopes(view.cells);
  std::vector<double> squared_gradients, laplacians;
  double size_of_slopes = 0;
  for (std::size_t k = 0; k < samples.size(); ++k) {
    const auto state = states.subspan(k * view.cells, view.cells);
    const LocalEnergy local = view.at(state, slopes);
    energies[k] = local.energy;
    sums[k] = std::accumulate(state.begin(), state.end(), 0.0);
    const double squared = std::inner_product(slopes.begin(), slopes.end(), slopes.begin(), 0.0);
    size_of_slopes += squared;
    if (!view.spins) {
      squared_gradients.push_back(squared);
      laplacians.push_back(local.laplacian);
    }
  }

  InverseTemperature temperature;
  if (view.spins) {
    const double per_spin = std::sqrt(size_of_slopes / static_cast<double>(samples.size() * view.cells));
    const double start = options.kT > 0 ? 1 / options.kT : per_spin > 0 ? 1 / per_spin : 1;
    temperature = pseudolikelihood(states, view, start, samples);
  } else {
    const double squared = mean_of(squared_gradients), laplacian = mean_of(laplacians);
    if (squared > 0) {
      const double beta = laplacian / squared;
      std::vector<double> scores(samples.size());
      for (std::size_t k = 0; k < samples.size(); ++k) scores[k] = beta * squared_gradients[k] - laplacians[k];
      temperature = at_root(beta, scores, squared, samples);
    }
  }
  certificate.inverse_temperature = temperature.estimate;
  certificate.low = temperature.low;
  certificate.high = temperature.high;

  // R-hat of every cell; autocorrelation of those that agree least.
  std::vector<double> column(samples.size());
  const auto read_cell = [&](std::size_t cell) {
    for (std::size_t k = 0; k < samples.size(); ++k) column[k] = states[k * view.cells + cell];
  };
  const auto mixed = [&](double r_hat, const std::string& who) {
    if (std::isnan(certificate.r_hat) ? !std::isnan(r_hat) : r_hat > certificate.r_hat) {
      certificate.r_hat = r_hat;
      certificate.least_mixed = who;
    }
  };
  double slowest = 0;
  const auto slow = [&](const SeriesMean& series, const std::string& who) {
    if (series.variance == 0) return false;
    if (series.time > slowest) {
      slowest = series.time;
      certificate.slowest = who;
    }
    return true;
  };
  mixed(samples.r_hat(energies), "energy");
  bool moves = slow(samples.mean(energies), "energy");
  if (view.cells > 1) {
    mixed(samples.r_hat(sums), "sum of cells");
    moves |= slow(samples.mean(sums), "sum of cells");
  }
  std::vector<std::pair<double, std::size_t>> least;
  for (std::size_t cell = 0; cell < view.cells; ++cell) {
    read_cell(cell);
    const double r_hat = samples.r_hat(column);
    mixed(r_hat, cell_name(cell));
    least.emplace_back(std::isnan(r_hat) ? 0 : -r_hat, cell);
  }
  const std::size_t looked_at = std::min<std::size_t>(slow_cells, least.size());
  std::ranges::partial_sort(least, least.begin() + static_cast<std::ptrdiff_t>(looked_at));
  for (std::size_t k = 0; k < looked_at; ++k) {
    read_cell(least[k].second);
    moves |= slow(samples.mean(column), cell_name(least[k].second));
  }
  if (moves) {
    certificate.autocorrelation_time = slowest;
    certificate.effective_samples = std::min(static_cast<double>(samples.size()) / slowest, static_cast<double>(samples.size()));
  } else {
    certificate.autocorrelation_time = static_cast<double>(samples.size());
    certificate.slowest = "nothing moves";
    certificate.effective_samples = 1;
  }
  if (!options.law.empty() && samples.size() >= 8)
    certificate.total_variation = distance_of(states, view.cells, chains, options.law);

  const auto find = [&](bool is, Finding finding) {
    if (is) certificate.findings.push_back(finding);
  };
  const Estimate& beta = certificate.inverse_temperature;
  const bool enough = certificate.effective_samples >= options.least_effective_samples;
  if (options.kT > 0 && !std::isnan(beta.value)) {
    const double allowed = alarm * beta.standard_error + options.temperature_tolerance * certificate.wanted;
    find(std::isinf(beta.value) || !(std::fabs(beta.value - certificate.wanted) <= allowed), Finding::temperature_mismatch);
  }
  const auto length = static_cast<double>(samples.length());
  find(samples.length() > 1 && certificate.autocorrelation_time > 2 && length < 20 * certificate.autocorrelation_time,
       Finding::undermixed);
  if (certificate.total_variation) {
    const Distance& d = *certificate.total_variation;
    find(d.value > d.noise_floor + floor_alarm * d.floor_sd, Finding::above_noise_floor);
  }
  find(certificate.r_hat > std::max(options.r_hat_limit, samples.r_hat_by_chance()), Finding::not_converged);
  find(!enough, Finding::too_few_samples);
  return certificate;
}

std::string text(const Certificate& c) {
  std::string lines = "effective inverse temperature " + number(c.inverse_temperature.value);
  if (!std::isnan(c.low)) lines += " (95 %: " + number(c.low) + " to " + number(c.high) + ")";
  if (!std::isnan(c.wanted)) lines += ", wanted " + number(c.wanted);
  lines += "\n" + std::to_string(c.samples) + " samples in " + std::to_string(c.chains) + (c.chains == 1 ? " chain" : " chains") +
           ", effective " + number(c.effective_samples, 3) + ": autocorrelation time " + number(c.autocorrelation_time, 3) +
           " records (" + c.slowest + ")";
  if (!std::isnan(c.r_hat)) lines += "\nR-hat " + number(c.r_hat) + " (" + c.least_mixed + ")";
  if (c.total_variation)
    lines += "\ntotal variation " + number(c.total_variation->value, 3) + ", noise floor " +
             number(c.total_variation->noise_floor, 3) + " +- " + number(c.total_variation->floor_sd, 2);
  lines += "\nfindings: ";
  for (std::size_t k = 0; k < c.findings.size(); ++k) lines += (k > 0 ? ", " : "") + std::string(name(c.findings[k]));
  if (c.findings.empty()) lines += "none";
  return lines;
}

}  // namespace heatbath::measure
