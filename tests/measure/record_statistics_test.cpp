#include "heatbath/measure/record_statistics.hpp"

#include <gmock/gmock.h>

#include <cmath>
#include <random>

namespace heatbath::measure {
namespace {

using Table = std::vector<double>;  // shots x records x columns

struct Data {
  std::uint64_t shots = 1, records = 1;
  std::size_t columns = 1;
  Table values;
  double at(std::uint64_t shot, std::uint64_t record, std::size_t i) const {
    return values[(shot * records + record) * columns + i];
  }
};

/// Autoregressive columns that share a part of their noise: x' = phi x + sqrt(1 - phi^2) n, variance 1, about `offset`.
Data series(std::uint64_t shots, std::uint64_t records, std::size_t columns, double phi, double offset, unsigned seed) {
  Data data{shots, records, columns, {}};
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  for (std::uint64_t shot = 0; shot < shots; ++shot) {
    std::vector<double> x(columns);
    for (std::uint64_t record = 0; record < records; ++record) {
      const double common = normal(engine);
      for (std::size_t i = 0; i < columns; ++i) {
        const double noise = i == 0 ? common : 0.6 * common + 0.8 * normal(engine);
        x[i] = record == 0 ? noise : phi * x[i] + std::sqrt(1 - phi * phi) * noise;
        data.values.push_back(x[i] + offset);
      }
    }
  }
  return data;
}

/// Hands the data over as passes of `together` shots would.
RecordStatistics statistics(const Data& data, RecordStatistics::Shape shape, std::uint64_t together) {
  shape.columns = data.columns, shape.shots = data.shots, shape.records = data.records;
  RecordStatistics result(shape);
  for (std::uint64_t first = 0; first < data.shots; first += together) {
    const std::uint64_t shots = std::min(together, data.shots - first);
    for (std::uint64_t record = 0; record < data.records; ++record) {
      std::vector<double> rows;
      for (std::uint64_t shot = first; shot < first + shots; ++shot)
        for (std::size_t i = 0; i < data.columns; ++i) rows.push_back(data.at(shot, record, i));
      result.add(first, record, rows);
    }
  }
  return result;
}

/// The block of a record, as the header has it.
std::size_t block_of(const Data& data, std::uint64_t shot, std::uint64_t record) {
  if (data.shots >= 64) return shot * std::min<std::uint64_t>(data.shots, 256) / data.shots;
  const std::uint64_t parts = std::min(data.records, (64 + data.shots - 1) / data.shots);
  return shot * parts + record * parts / data.records;
}

/// Two passes over the data without block `out`: means, then the mean product of the deviations `lag` records apart.
double two_pass(const Data& data, std::size_t out, std::uint64_t lag, std::size_t i, std::size_t j) {
  long double mean[2] = {0, 0}, rows = 0, sum = 0, pairs = 0;
  for (std::uint64_t s = 0; s < data.shots; ++s)
    for (std::uint64_t r = 0; r < data.records; ++r)
      if (block_of(data, s, r) != out) mean[0] += data.at(s, r, i), mean[1] += data.at(s, r, j), ++rows;
  mean[0] /= rows, mean[1] /= rows;
  for (std::uint64_t s = 0; s < data.shots; ++s)
    for (std::uint64_t r = lag; r < data.records; ++r)
      if (block_of(data, s, r) != out) sum += (data.at(s, r - lag, i) - mean[0]) * (data.at(s, r, j) - mean[1]), ++pairs;
  return static_cast<double>(sum / pairs);
}

Estimate two_pass_jackknife(const Data& data, std::uint64_t lag, std::size_t i, std::size_t j) {
  std::vector<double> count;
  double n = 0;
  for (std::uint64_t s = 0; s < data.shots; ++s)
    for (std::uint64_t r = lag; r < data.records; ++r) {
      count.resize(std::max<std::size_t>(count.size(), block_of(data, s, r) + 1));
      ++count[block_of(data, s, r)], ++n;
    }
  const double all = two_pass(data, ~std::size_t{0}, lag, i, j);
  std::vector<double> pseudo, weight;
  double corrected = 0, squared = 0;
  for (std::size_t b = 0; b < count.size(); ++b) {
    if (count[b] == 0) continue;
    const double left = two_pass(data, b, lag, i, j), h = n / count[b];
    corrected += all - (1 - 1 / h) * left;
    pseudo.push_back(h * all - (h - 1) * left), weight.push_back(h);
  }
  for (std::size_t b = 0; b < pseudo.size(); ++b)
    squared += (pseudo[b] - corrected) * (pseudo[b] - corrected) / (weight[b] - 1) / static_cast<double>(pseudo.size());
  return {corrected, std::sqrt(squared), 0};
}

void expect_near(const Estimate& got, const Estimate& want, double tolerance) {
  EXPECT_NEAR(got.value, want.value, tolerance);
  EXPECT_NEAR(got.standard_error, want.standard_error, tolerance);
}

TEST(RecordStatistics, EqualTwoPassesOverKeptData) {
  struct Case {
    std::uint64_t shots, records, together;
    double offset, tolerance;
  };
  for (const Case& is : {Case{1, 130, 1, 0, 1e-12}, Case{5, 40, 2, -3, 1e-12}, Case{70, 11, 32, 0.5, 1e-12},
                         Case{300, 6, 300, 1e7, 1e-8}}) {
    const Data data = series(is.shots, is.records, 3, 0.7, is.offset, 11);
    RecordStatistics::Shape shape;
    shape.lags = {0, 1, 5};
    const RecordStatistics streamed = statistics(data, shape, is.together);
    EXPECT_EQ(streamed.samples(), is.shots * is.records);
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t j = 0; j < 3; ++j) {
        expect_near(streamed.covariance(i, j), two_pass_jackknife(data, 0, i, j), is.tolerance);
        for (std::size_t k = 0; k < shape.lags.size(); ++k)
          expect_near(streamed.lagged_covariance(k, i, j), two_pass_jackknife(data, shape.lags[k], i, j), is.tolerance);
      }
      double mean = 0;
      for (std::uint64_t s = 0; s < is.shots; ++s)
        for (std::uint64_t r = 0; r < is.records; ++r) mean += data.at(s, r, i) - is.offset;
      EXPECT_NEAR(streamed.mean(i).value - is.offset, mean / static_cast<double>(is.shots * is.records), is.tolerance * 10);
    }
    shape.covariances = false;
    const RecordStatistics alone = statistics(data, shape, is.together);
    EXPECT_EQ(alone.covariance(1, 1).value, streamed.covariance(1, 1).value);
    EXPECT_EQ(alone.covariance(1, 1).effective_samples, streamed.covariance(1, 1).effective_samples);
    EXPECT_EQ(alone.lagged_covariance(2, 2, 2).value, streamed.lagged_covariance(2, 2, 2).value);
    EXPECT_THROW((void)alone.covariance(0, 1), std::invalid_argument);
  }
}

TEST(RecordStatistics, EffectiveSamplesOfACovarianceUseTheVarianceOfItsProducts) {
  const Data data = series(80, 3, 2, 0.0, 4, 5);
  const RecordStatistics streamed = statistics(data, {}, 80);
  double mean[2] = {0, 0}, first = 0, second = 0;
  const double n = 240;
  for (std::size_t k = 0; k < data.values.size(); ++k) mean[k % 2] += data.values[k] / n;
  for (std::size_t k = 0; k < data.values.size(); k += 2) {
    const double product = (data.values[k] - mean[0]) * (data.values[k + 1] - mean[1]);
    first += product / n, second += product * product / n;
  }
  const Estimate is = streamed.covariance(0, 1);
  EXPECT_NEAR(is.effective_samples, std::min(n, (second - first * first) / (is.standard_error * is.standard_error)), 1e-8);
}

/// Errors cover: over many runs the errors of a mean, a variance and a lagged covariance are one standard error, rms.
TEST(RecordStatistics, StandardErrorsOfCorrelatedRecordsAreRight) {
  const double phi = 0.8;
  for (const auto& [shots, records] : {std::pair<std::uint64_t, std::uint64_t>{1, 6400}, {8, 800}, {128, 30}}) {
    double squares[4] = {0, 0, 0, 0}, effective = 0, time = 0;
    const int runs = 200;
    for (int run = 0; run < runs; ++run) {
      const Data data = series(shots, records, 2, phi, 2, 100 + static_cast<unsigned>(run));
      RecordStatistics::Shape shape;
      shape.lags = {3};
      const RecordStatistics is = statistics(data, shape, 64);
      const auto add = [](double& to, const Estimate& got, double exact) {
        to += std::pow((got.value - exact) / got.standard_error, 2) / runs;
      };
      add(squares[0], is.mean(0), 2);
      add(squares[1], is.covariance(0, 0), 1);
      add(squares[2], is.covariance(0, 1), 0.6);
      add(squares[3], is.lagged_covariance(0, 1, 0), 0.6 * std::pow(phi, 3));
      effective += is.mean(0).effective_samples / runs;
      time += is.correlation_time(0).value / runs;
    }
    // 200 values: the rms of right z lies in 1 +- 0.16 but for one case in 1000; short blocks add a few percent.
    for (const double square : squares) EXPECT_NEAR(std::sqrt(square), 1, 0.2) << shots << " shots";
    const double n = static_cast<double>(shots * records);
    EXPECT_NEAR(effective * (1 + phi) / (1 - phi) / n, 1, 0.2) << shots;
    EXPECT_NEAR(time * 2 * (1 - phi) / (1 + phi), 1, 0.16) << shots;
  }
}

TEST(RecordStatistics, DifferencesOnTheSameNoiseAreKnownBetterThanTheirParts) {
  // y = 1.1 x + 0.01 n: means differ by 0.1 <x>, variances by 0.21 var x, and errors hold over many runs.
  double squares[2] = {0, 0}, narrower = 0;
  const int runs = 100;
  for (int run = 0; run < runs; ++run) {
    const Data data = series(80, 20, 1, 0.5, 2, 500 + static_cast<unsigned>(run));
    Data other = data;
    std::mt19937_64 engine(static_cast<unsigned>(run));
    std::normal_distribution<double> normal(0, 0.01);
    for (double& value : other.values) value = 1.1 * value + normal(engine);
    const RecordStatistics x = statistics(data, {}, 80), y = statistics(other, {}, 80);
    const Estimate mean = y.mean_less(x, 0), variance = y.covariance_less(x, 0, 0);
    squares[0] += std::pow((mean.value - 0.2) / mean.standard_error, 2) / runs;
    squares[1] += std::pow((variance.value - 0.21 - 1e-4) / variance.standard_error, 2) / runs;
    narrower += mean.standard_error / x.mean(0).standard_error / runs;
  }
  for (const double square : squares) EXPECT_NEAR(std::sqrt(square), 1, 0.25);
  EXPECT_NEAR(narrower, 0.1, 0.01);
  const RecordStatistics one = statistics(series(80, 20, 1, 0.5, 2, 1), {}, 80), two = statistics(series(80, 19, 1, 0.5, 2, 1), {}, 80);
  EXPECT_THROW((void)one.mean_less(two, 0), std::invalid_argument);
}

TEST(RecordStatistics, SeriesThatDoNotMoveHaveOneAnswer) {
  for (const double value : {0.0, 0.7, 1e6 + 0.1, -3e-300}) {
    Data data{5, 40, 2, Table(400, value)};
    RecordStatistics::Shape shape;
    shape.lags = {2};
    const RecordStatistics is = statistics(data, shape, 5);
    EXPECT_EQ(is.mean(0).value, value);
    EXPECT_EQ(is.mean(0).standard_error, 0);
    EXPECT_EQ(is.mean(0).effective_samples, 1) << "of 200 equal values";
    EXPECT_EQ(is.covariance(0, 1).value, 0);
    EXPECT_EQ(is.covariance(0, 1).effective_samples, 1);
    EXPECT_EQ(is.lagged_covariance(0, 0, 1).value, 0);
    EXPECT_TRUE(std::isnan(is.correlation_time(0).value));
  }
}

TEST(RecordStatistics, NeverHaveMoreEffectiveSamplesThanSamples) {
  Data data{2, 300, 1, {}};
  for (int k = 0; k < 600; ++k) data.values.push_back(k % 2 == 0 ? 1.0 : -1.0 + 1e-3 * (k % 7));
  const RecordStatistics is = statistics(data, {}, 2);
  EXPECT_EQ(is.mean(0).effective_samples, 600);
  EXPECT_EQ(is.correlation_time(0).value, 0.5);
}

TEST(RecordStatistics, OfARunThatStoppedUseTheBlocksThereAre) {
  const Data whole = series(100, 50, 1, 0.5, 0, 3);
  RecordStatistics::Shape shape;
  shape.shots = 100, shape.records = 50;
  RecordStatistics part(shape);
  for (std::uint64_t record = 0; record < 30; ++record) {
    std::vector<double> rows;
    for (std::uint64_t shot = 0; shot < 9; ++shot) rows.push_back(whole.at(shot, record, 0));
    part.add(0, record, rows);
  }
  EXPECT_EQ(part.samples(), 270u);
  const Estimate time = part.correlation_time(0);
  EXPECT_DOUBLE_EQ(time.standard_error, time.value * std::sqrt(2.0 / 8)) << "nine blocks";
  EXPECT_GT(part.mean(0).standard_error, 0);
}

TEST(RecordStatistics, OneBlockHasNoError) {
  const RecordStatistics one = statistics(Data{1, 1, 1, {4.0}}, {}, 1);
  EXPECT_EQ(one.mean(0).value, 4);
  EXPECT_TRUE(std::isnan(one.mean(0).standard_error));
  EXPECT_TRUE(std::isnan(one.mean(0).effective_samples));
}

TEST(RecordStatistics, HistogramsCountEveryValueOnce) {
  const Data data = series(3, 500, 1, 0.5, 0, 9);
  RecordStatistics::Shape shape;
  shape.low = -1, shape.high = 1.5, shape.bins = 5;
  const RecordStatistics is = statistics(data, shape, 3);
  double sum = 0;
  for (std::size_t bin = 0; bin < 7; ++bin) {
    double hits = 0;
    for (const double x : data.values) {
      const double low = bin == 0 ? -1e300 : -1 + 0.5 * (static_cast<double>(bin) - 1);
      const double high = bin == 6 ? 1e300 : -1 + 0.5 * static_cast<double>(bin);
      if (x >= low && x < high) ++hits;
    }
    EXPECT_DOUBLE_EQ(is.fraction(0, bin).value, hits / 1500) << bin;
    EXPECT_GT(is.fraction(0, bin).standard_error, 0);
    sum += is.fraction(0, bin).value;
  }
  EXPECT_NEAR(sum, 1, 1e-12);
  EXPECT_THROW((void)is.fraction(0, 7), std::invalid_argument);
}

/// x' = step x + n of a stationary pair, from far in the past: n standard.
Data turning_pair(double keep, double turn, std::uint64_t shots, std::uint64_t records, unsigned seed) {
  Data data{shots, records, 2, {}};
  std::mt19937_64 engine(seed);
  std::normal_distribution<double> normal;
  for (std::uint64_t shot = 0; shot < shots; ++shot) {
    double x = 0, y = 0;
    for (std::uint64_t record = 0; record < records + 100; ++record) {
      const double next = keep * x - turn * y + normal(engine);
      y = keep * y + turn * x + normal(engine), x = next;
      if (record >= 100) data.values.push_back(x + 3), data.values.push_back(y - 1);
    }
  }
  return data;
}

// The step keeps k and turns by w, so S = 1/(1 - k^2 - w^2) in both, and <x y' - y x'> = 2 w S.
TEST(RecordStatistics, ACurrentIsThatOfAPairThatTurns) {
  RecordStatistics::Shape shape;
  shape.covariances = true, shape.lags = {1};
  const RecordStatistics turning = statistics(turning_pair(0.8, 0.1, 300, 200, 5), shape, 50);
  const double exact = 2 * 0.1 / (1 - 0.64 - 0.01);
  const Estimate found = turning.current(0, 0, 1), back = turning.current(0, 1, 0);
  EXPECT_LT(std::abs(found.value - exact), 4 * found.standard_error) << found.value << " for " << exact;
  EXPECT_LT(found.standard_error, 0.05 * exact);
  EXPECT_NEAR(back.value, -found.value, 1e-12);
  EXPECT_NEAR(back.standard_error, found.standard_error, 1e-12);
  const Estimate still = statistics(turning_pair(0.8, 0, 300, 200, 6), shape, 50).current(0, 0, 1);
  EXPECT_LT(std::abs(still.value), 4 * still.standard_error);
  // Each covariance alone is less certain than their difference: what they share falls out.
  EXPECT_LT(found.standard_error, std::hypot(turning.lagged_covariance(0, 0, 1).standard_error, turning.lagged_covariance(0, 1, 0).standard_error) + 1e-12);
}

TEST(RecordStatistics, InformationIsThatOfGaussiansAndOfSigns) {
  RecordStatistics::Shape shape;
  shape.covariances = true;
  const Data gaussians = series(400, 100, 3, 0.5, 2, 8);  // the first two have correlation 0.6, the last two 0.36
  const RecordStatistics is = statistics(gaussians, shape, 100);
  const auto expect = [](const Estimate& found, double exact) {
    EXPECT_LT(std::abs(found.value - exact), 4 * found.standard_error) << found.value << " for " << exact;
    EXPECT_LT(found.standard_error, 0.05 * exact);
  };
  expect(is.information(0, 1, false), -0.5 * std::log(1 - 0.36));
  expect(is.information(2, 1, false), -0.5 * std::log(1 - 0.36 * 0.36));

  // Two spins that agree with probability 1/(1 + exp(-2)): ln 2 less the entropy of that.
  Data spins{400, 50, 2, {}};
  std::mt19937_64 engine(9);
  const double agree = 1 / (1 + std::exp(-2.0));
  std::bernoulli_distribution same(agree), up(0.5);
  for (int k = 0; k < 400 * 50; ++k) {
    const double s = up(engine) ? 1 : -1;
    spins.values.push_back(s), spins.values.push_back(same(engine) ? s : -s);
  }
  expect(statistics(spins, shape, 100).information(0, 1, true), std::log(2) + agree * std::log(agree) + (1 - agree) * std::log(1 - agree));
  Data still{64, 4, 2, Table(64 * 4 * 2, 1.0)};
  EXPECT_EQ(statistics(still, shape, 64).information(0, 1, true).value, 0);
  EXPECT_EQ(statistics(still, shape, 64).information(0, 1, false).value, 0);
}

TEST(RecordStatistics, MemoryGrowsWithNeitherShotsNorRecords) {
  RecordStatistics::Shape shape;
  shape.columns = 8, shape.lags = {1, 100}, shape.bins = 10, shape.low = 0, shape.high = 1;
  shape.shots = 1000, shape.records = 1000;
  const double bytes = RecordStatistics::bytes(shape, 64);
  shape.shots = 1000000000, shape.records = 1000000000;
  EXPECT_EQ(RecordStatistics::bytes(shape, 64), bytes);
  EXPECT_LT(bytes, 2e6);
}

TEST(RecordStatistics, RefuseWhatCannotBe) {
  const auto refused = [](RecordStatistics::Shape shape) {
    EXPECT_THROW(RecordStatistics{shape}, std::invalid_argument);
  };
  RecordStatistics::Shape shape;
  shape.records = 10;
  shape.lags = {10};
  refused(shape);
  shape.lags = {};
  shape.bins = 3;
  refused(shape);
  shape.bins = 0;
  shape.columns = 0;
  refused(shape);
  RecordStatistics two(RecordStatistics::Shape{2, 4, 3, {}, true, 0, 0, 0});
  const std::vector<double> rows(4);
  EXPECT_THROW(two.add(0, 1, rows), std::invalid_argument) << "the first record is missing";
  two.add(0, 0, rows);
  EXPECT_THROW(two.add(0, 2, rows), std::invalid_argument);
  EXPECT_THROW(two.add(0, 1, std::vector<double>(2)), std::invalid_argument) << "another group";
}

}  // namespace
}  // namespace heatbath::measure
