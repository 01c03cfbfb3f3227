#include "oracles/statistics.hpp"

#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace heatbath::reference {
namespace {

// About the first value: exact where all are equal.
double mean(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) {
    sum += value - values.front();
  }
  return values.front() + sum / static_cast<double>(values.size());
}

// Unbiased variance.
double variance(std::span<const double> values) {
  const double centre = mean(values);
  double sum = 0;
  for (const double value : values) {
    sum += (value - centre) * (value - centre);
  }
  return sum / static_cast<double>(values.size() - 1);
}

void want(std::span<const double> series, std::size_t least, const char* who) {
  if (series.size() < least) {
    throw std::invalid_argument(std::string(who) + ": wants at least " + std::to_string(least) + " values, got " +
                                std::to_string(series.size()));
  }
}

}  // namespace

double integrated_autocorrelation_time(std::span<const double> series) {
  want(series, 2, "integrated_autocorrelation_time");
  const double centre = mean(series);
  const std::size_t n = series.size();
  const auto covariance = [&](std::size_t lag) {
    double sum = 0;
    for (std::size_t i = 0; i + lag < n; ++i) {
      sum += (series[i] - centre) * (series[i + lag] - centre);
    }
    return sum / static_cast<double>(n);
  };
  const double at_zero = covariance(0);
  if (at_zero == 0) {
    return static_cast<double>(n);
  }
  double tau = 1;
  for (std::size_t lag = 1; lag < n; ++lag) {
    tau += 2 * covariance(lag) / at_zero;
    if (static_cast<double>(lag) >= 6 * std::fmax(tau, 1)) {
      break;
    }
  }
  // Rounding may bring the sum of a strictly alternating series to 0 or below.
  return std::fmax(tau, 1 / static_cast<double>(n));
}

double effective_sample_size(std::span<const double> series) {
  return static_cast<double>(series.size()) / std::fmax(integrated_autocorrelation_time(series), 1);
}

Estimate series_mean(std::span<const double> series) {
  const double times = integrated_autocorrelation_time(series) / static_cast<double>(series.size());
  return {mean(series), std::sqrt(variance(series) * times), effective_sample_size(series)};
}

Estimate batch_means(std::span<const double> series, std::size_t batches) {
  want(series, batches, "batch_means");
  if (batches < 2) {
    throw std::invalid_argument("batch_means: wants at least two batches");
  }
  const std::size_t length = series.size() / batches;
  std::vector<double> means;
  for (std::size_t batch = 0; batch < batches; ++batch) {
    means.push_back(mean(series.subspan(batch * length, length)));
  }
  const double squared_error = variance(means) / static_cast<double>(batches);
  const double spread = variance(series);
  const auto n = static_cast<double>(series.size());
  return {mean(series), std::sqrt(squared_error), squared_error > 0 ? std::fmin(spread / squared_error, n) : spread > 0 ? n : 1};
}

Estimate jackknife(std::span<const double> series, std::size_t blocks,
                   const std::function<double(std::span<const double>)>& statistic) {
  want(series, blocks, "jackknife");
  if (blocks < 2) {
    throw std::invalid_argument("jackknife: wants at least two blocks");
  }
  std::vector<double> estimates;
  for (std::size_t block = 0; block < blocks; ++block) {
    const std::size_t begin = block * series.size() / blocks;
    const std::size_t end = (block + 1) * series.size() / blocks;
    std::vector<double> rest(series.begin(), series.begin() + static_cast<std::ptrdiff_t>(begin));
    rest.insert(rest.end(), series.begin() + static_cast<std::ptrdiff_t>(end), series.end());
    estimates.push_back(statistic(rest));
  }
  const auto count = static_cast<double>(blocks);
  return {statistic(series), std::sqrt(variance(estimates) * (count - 1) * (count - 1) / count), count};
}

double split_r_hat(std::span<const std::vector<double>> chains) {
  std::vector<double> means;
  double within = 0;
  const std::size_t half = chains.empty() ? 0 : chains.front().size() / 2;
  if (half < 2) {
    throw std::invalid_argument("split_r_hat: wants chains of at least 4 values");
  }
  for (const std::vector<double>& chain : chains) {
    if (chain.size() / 2 != half) {
      throw std::invalid_argument("split_r_hat: the chains must have one length");
    }
    for (std::size_t part = 0; part < 2; ++part) {
      const auto values = std::span<const double>(chain).subspan(part * half, half);
      means.push_back(mean(values));
      within += variance(values) / static_cast<double>(2 * chains.size());
    }
  }
  const double between = variance(means);
  if (within == 0) {
    return between == 0 ? 1.0 : std::numeric_limits<double>::infinity();
  }
  const auto length = static_cast<double>(half);
  return std::sqrt((length - 1) / length + between / within);
}

}  // namespace heatbath::reference
