#include "heatbath/solvers/sample_statistics.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <optional>
#include <stdexcept>

#include "heatbath/error.hpp"
#include "heatbath/measure/power_spectrum.hpp"
#include "heatbath/measure/record_statistics.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::solvers {

using measure::Estimate;
using measure::PowerSpectrum;
using measure::RecordStatistics;

namespace {

constexpr std::uint32_t most_covariances = 64;
constexpr std::size_t rows_for_a_range = 2048;
constexpr double most_bytes = 0x1p30;

[[noreturn]] void refuse(const std::string& what) { throw Error(HB_BAD_ARG, "statistics: " + what); }

}  // namespace

struct SampleStatistics::Parts {
  StatisticsChoice choice;
  std::uint32_t cells = 0, chains = 0, records = 0;
  double spacing = 0;
  std::uint64_t samples = 0;
  std::optional<RecordStatistics> moments;

  struct One {
    std::string name;
    std::optional<RecordStatistics> records;
    std::optional<PowerSpectrum> spectrum;
  };
  std::vector<One> series;
  RecordStatistics::Shape shape;  // of a series, without its range

  // What came before the ranges of the histograms are known.
  struct Early {
    std::uint64_t first_chain, record;
    std::size_t rows;
  };
  std::vector<Early> early;
  std::vector<double> early_values;  // rows x series

  bool with_series() const { return choice.histogram || choice.autocorrelation || choice.spectrum; }

  void take(std::uint64_t first_chain, std::uint64_t record, std::span<const double> values) {
    const std::size_t width = series.size(), rows = values.size() / width;
    std::vector<double> column(rows);
    for (std::size_t k = 0; k < width; ++k) {
      for (std::size_t row = 0; row < rows; ++row) column[row] = values[row * width + k];
      series[k].records->add(first_chain, record, column);
      if (series[k].spectrum)
        for (std::size_t row = 0; row < rows; ++row) series[k].spectrum->add(first_chain + row, column[row]);
    }
  }

  void settle_ranges() {
    const std::size_t width = series.size();
    for (std::size_t k = 0; k < width; ++k) {
      RecordStatistics::Shape one = shape;
      if (choice.histogram) {
        double low = INFINITY, high = -INFINITY;
        for (std::size_t at = k; at < early_values.size(); at += width) low = std::min(low, early_values[at]), high = std::max(high, early_values[at]);
        double margin = 0.5 * (high - low);
        if (!(margin > 0)) margin = std::max(1e-6 * std::abs(low), 0.5);
        one.low = low - margin, one.high = high + margin, one.bins = choice.bins;
      }
      series[k].records.emplace(one);
    }
    std::size_t at = 0;
    for (const Early& group : early) {
      take(group.first_chain, group.record, std::span(early_values).subspan(at, group.rows * width));
      at += group.rows * width;
    }
    early.clear(), early.shrink_to_fit();
    early_values.clear(), early_values.shrink_to_fit();
  }
};

SampleStatistics::SampleStatistics(const network::Network& network, std::uint32_t chains, std::uint32_t records, double spacing,
                                   const StatisticsChoice& choice)
    : parts_(std::make_unique<Parts>()) {
  Parts& is = *parts_;
  is.choice = choice;
  is.cells = network.cells(), is.chains = chains, is.records = records, is.spacing = spacing;
  double bytes = 0;
  if (choice.moments) {
    RecordStatistics::Shape shape;
    shape.columns = is.cells, shape.shots = chains, shape.records = records;
    shape.covariances = is.cells <= most_covariances;
    bytes += RecordStatistics::bytes(shape, chains);
    if (bytes <= most_bytes) is.moments.emplace(shape);
  }
  if (is.with_series()) {
    std::vector<bool> seen(is.cells);
    is.series.push_back({"energy", {}, {}});
    is.series.push_back({"order", {}, {}});
    for (const std::uint32_t cell : choice.cells) {
      if (cell >= is.cells) refuse("cell " + std::to_string(cell) + "; the network has cells 0 to " + std::to_string(is.cells - 1));
      if (seen[cell]) refuse("cell " + std::to_string(cell) + " is given twice");
      seen[cell] = true;
      is.series.push_back({"x" + std::to_string(cell), {}, {}});
    }
    is.shape.shots = chains, is.shape.records = records;
    if (choice.histogram && choice.bins == 0) refuse("0 bins; at least 1");
    if (choice.autocorrelation)
      for (std::uint64_t lag = 1; lag <= choice.lags && lag < records; ++lag) is.shape.lags.push_back(lag);
    RecordStatistics::Shape with_bins = is.shape;
    if (choice.histogram) with_bins.low = 0, with_bins.high = 1, with_bins.bins = choice.bins;
    bytes += static_cast<double>(is.series.size()) * RecordStatistics::bytes(with_bins, chains);
    if (choice.spectrum) {
      if (choice.segment < 4 || choice.segment % 2 != 0) refuse("segments of " + std::to_string(choice.segment) + " records; an even number, 4 or more");
      if (records < 4) refuse("a spectrum of " + std::to_string(records) + " records; 4 or more");
      const std::uint32_t segment = choice.segment <= records ? choice.segment : std::bit_floor(records);
      bytes += static_cast<double>(is.series.size()) * chains * segment * 12;
      if (bytes <= most_bytes)
        for (Parts::One& one : is.series) one.spectrum.emplace(chains, segment, spacing);
    }
  }
  if (bytes > most_bytes)
    refuse("they take " + numerics::general(bytes * 0x1p-30, 3) + " GiB; at most 1: fewer chains, cells, lags or bins");
}

SampleStatistics::~SampleStatistics() = default;
SampleStatistics::SampleStatistics(SampleStatistics&&) noexcept = default;
SampleStatistics& SampleStatistics::operator=(SampleStatistics&&) noexcept = default;

void SampleStatistics::add(std::uint32_t first_chain, std::uint64_t record, std::span<const float> rows, std::span<const double> energies) {
  Parts& is = *parts_;
  const std::size_t count = energies.size();
  if (rows.size() != count * is.cells) refuse("rows of " + std::to_string(rows.size()) + " values for " + std::to_string(count) + " energies");
  if (is.moments) is.moments->add(first_chain, record, std::vector<double>(rows.begin(), rows.end()));
  is.samples += count;
  if (!is.with_series()) return;
  std::vector<double> values;
  values.reserve(count * is.series.size());
  for (std::size_t row = 0; row < count; ++row) {
    const auto x = rows.subspan(row * is.cells, is.cells);
    double sum = 0;
    for (const float value : x) sum += static_cast<double>(value);
    values.push_back(energies[row]);
    values.push_back(sum / is.cells);
    for (const std::uint32_t cell : is.choice.cells) values.push_back(static_cast<double>(x[cell]));
  }
  if (is.series.front().records) return is.take(first_chain, record, values);
  is.early.push_back({first_chain, record, count});
  is.early_values.insert(is.early_values.end(), values.begin(), values.end());
  if (is.samples >= rows_for_a_range || is.samples == std::uint64_t{is.chains} * is.records) is.settle_ranges();
}

const StatisticsChoice& SampleStatistics::choice() const { return parts_->choice; }
std::uint64_t SampleStatistics::samples() const { return parts_->samples; }
double SampleStatistics::spacing() const { return parts_->spacing; }
bool SampleStatistics::has_covariances() const { return parts_->moments && parts_->moments->shape().covariances; }

Estimate SampleStatistics::mean(std::uint32_t cell) const {
  if (!parts_->moments) throw Error(HB_UNSUPPORTED, "statistics: moments were not asked for");
  if (cell >= parts_->cells) refuse("cell " + std::to_string(cell) + " of " + std::to_string(parts_->cells));
  return parts_->moments->mean(cell);
}

Estimate SampleStatistics::covariance(std::uint32_t i, std::uint32_t j) const {
  if (!parts_->moments || (i != j && !has_covariances())) throw Error(HB_UNSUPPORTED, "statistics: covariances were not kept");
  if (std::max(i, j) >= parts_->cells) refuse("cells " + std::to_string(i) + " and " + std::to_string(j) + " of " + std::to_string(parts_->cells));
  return parts_->moments->covariance(i, j);
}

std::vector<SampleStatistics::Series> SampleStatistics::series() const {
  const Parts& is = *parts_;
  std::vector<Series> all;
  for (const Parts::One& one : is.series) {
    Series out;
    out.name = one.name;
    if (!one.records) {
      all.push_back(std::move(out));
      continue;
    }
    const RecordStatistics& records = *one.records;
    out.mean = records.mean(0);
    out.variance = records.covariance(0, 0);
    if (is.choice.autocorrelation) {
      out.correlation_time = records.correlation_time(0);
      out.correlation_time.value *= is.spacing;
      out.correlation_time.standard_error *= is.spacing;
      for (std::size_t k = 0; k < records.shape().lags.size(); ++k) {
        out.lags.push_back(is.spacing * static_cast<double>(records.shape().lags[k]));
        out.autocovariance.push_back(records.lagged_covariance(k, 0, 0));
      }
    }
    if (is.choice.histogram) {
      out.low = records.shape().low, out.high = records.shape().high;
      for (std::size_t bin = 0; bin < is.choice.bins + std::size_t{2}; ++bin) out.histogram.push_back(records.fraction(0, bin));
    }
    if (one.spectrum)
      for (std::size_t k = 1; k <= one.spectrum->bins(); ++k) {
        out.frequencies.push_back(one.spectrum->frequency(k));
        out.spectrum.push_back(one.spectrum->density(k));
      }
    all.push_back(std::move(out));
  }
  return all;
}

}  // namespace heatbath::solvers
