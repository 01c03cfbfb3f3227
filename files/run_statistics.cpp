#include "files/run_statistics.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/json_numbers.hpp"
#include "heatbath/error.hpp"
#include "heatbath/measure/irreversibility.hpp"
#include "heatbath/numerics/archive.hpp"
#include "heatbath/numerics/rounding.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

using measure::Estimate;
using numerics::text_of;

constexpr std::size_t columns_with_covariances = 64;  // when the program does not say
constexpr std::size_t most_in_pairs = 256;
constexpr std::size_t fewest_for_z = 30;  // blocks, for a normal distribution of z
constexpr double most_bytes = 0x1p30;
constexpr double independent_parts = 20;  // correlation times that a part of a shot should last

bool changes_temperature(const std::vector<ScheduleStep>& steps) {
  return std::ranges::any_of(steps, [](const ScheduleStep& step) {
    return step.parameters.kT.has_value() || changes_temperature(step.steps);
  });
}

}  // namespace

Estimate RunStatistics::Production::estimate() const {
  const double nan = std::nan("");
  if (shots < 2) return {mean / duration, nan, nan};
  return {mean / duration, std::sqrt(squares / (shots - 1) / shots) / duration, shots};
}

RunStatistics::RunStatistics(const TomlProgram& description, const Program& program)
    : request_(description.statistics.value()), cells_(description.cells) {
  const auto fail = [&](const char* key, const std::string& what) {
    throw Error(HB_BAD_ARG, fmt::format("{}: {}", description.place(std::string("statistics.") + key), what));
  };
  const Capabilities& caps = program.capabilities();
  unit_ = static_cast<double>(caps.time_unit.count);
  captured_first_ = description.first_cell;
  captured_ = description.capture_cells != 0 ? description.capture_cells : cells_ - captured_first_ % cells_;

  const auto captured = [&](std::uint32_t variable, const char* key) {
    if (variable < captured_first_ || variable - captured_first_ >= captured_)
      fail(key, fmt::format("state variable {} is not captured; {} to {} are ([samples] first_cell, cells)", variable,
                            captured_first_, captured_first_ + captured_ - 1));
    return variable - captured_first_;
  };
  if (request_.cells) {
    for (const std::uint32_t variable : *request_.cells) columns_.push_back(captured(variable, "cells"));
  } else {
    for (std::uint32_t k = 0; k < captured_; ++k) columns_.push_back(k);
  }
  for (const std::uint32_t column : columns_) names_.push_back(fmt::format("x{}", captured_first_ + column));
  for (Observable observable : request_.observables) {
    for (Observable::Term& term : observable.terms)
      for (std::uint32_t& variable : term.variables) variable = captured(variable, "observables");
    names_.push_back(observable.name);
    observables_.push_back(std::move(observable));
  }

  line_ = timeline_of(program, {static_cast<std::uint64_t>(std::llround(std::min(request_.from * unit_, 0x1p62)))});
  if (line_.records == 0 || static_cast<double>(line_.begin.count) < request_.from * unit_ - 0.5)
    fail("from", fmt::format("{} time units: no record is taken from there on; the program lasts {}", text_of(request_.from),
                             text_of(static_cast<double>(program.duration().count) / unit_)));
  measure::RecordStatistics::Shape shape;
  shape.columns = names_.size();
  shape.shots = description.shots;
  shape.records = line_.records;
  shape.covariances = request_.covariances.value_or(shape.columns <= columns_with_covariances || request_.information || request_.currents);
  if ((request_.information || request_.currents) && shape.columns > most_in_pairs)
    fail(request_.information ? "information" : "currents", fmt::format("{} columns have more pairs than are looked at; choose {} cells at most", shape.columns, most_in_pairs));
  if ((request_.information || request_.currents) && shape.columns < 2)
    fail(request_.information ? "information" : "currents", "is of pairs, and there is one column");
  overdamped_ = caps.cell_kind == CellKind::overdamped;
  signs_ = caps.cell_kind == CellKind::pbit && observables_.empty();
  if (request_.histogram)
    shape.low = request_.histogram->low, shape.high = request_.histogram->high, shape.bins = request_.histogram->bins;
  for (const double lag : request_.lags) {
    const double spacing = static_cast<double>(line_.spacing.count) / unit_;
    if (spacing == 0) fail("lags", "the records from there on are not equally far apart; capture them with a period");
    const double records = std::round(lag / spacing);
    if (!numerics::is_near(lag, records * spacing))
      fail("lags", fmt::format("{} time units; the records are {} apart, so the nearest is {}", text_of(lag),
                               text_of(spacing), text_of(records * spacing)));
    if (!(records < static_cast<double>(line_.records)))
      fail("lags", fmt::format("{} time units are longer than the {} records of a shot", text_of(lag), line_.records));
    shape.lags.push_back(static_cast<std::uint64_t>(records));
  }
  const double bytes = measure::RecordStatistics::bytes(shape, std::min(description.shots, std::max(1u, caps.lanes)));
  if (bytes > most_bytes)
    fail("cells", fmt::format("statistics of {} columns take {:.3g} GiB; choose fewer cells, or lags, or bins, or covariances "
                              "= false",
                              shape.columns, bytes * 0x1p-30));
  if (shape.columns > 0) records_.emplace(shape);

  if (!request_.entropy_production) return;
  if (changes_temperature(description.schedule))
    fail("entropy_production", "the schedule changes kT; heat over kT needs temperatures that stay");
  kT_.assign(1, static_cast<double>(caps.kT_reset));
  if (description.network.kT) kT_.assign(description.network.kT->begin(), description.network.kT->end());
  if (std::ranges::any_of(kT_, [](double kT) { return !(kT > 0); }))
    fail("entropy_production", "a temperature is 0; heat over kT needs temperatures above 0");
  const std::vector<std::string> names = description.meter_names();
  if (names.empty()) fail("entropy_production", "the schedule has no step with op = \"meters\" that would take the heat");
  for (std::size_t k = 0; k < names.size(); ++k) {
    const Timeline::Metered& at = line_.snapshots.at(k);
    if (at.until == at.since) fail("entropy_production", fmt::format("the meters \"{}\" count over no time", names[k]));
    production_.push_back({names[k], static_cast<double>((at.until - at.since).count) / unit_, 0, 0, 0});
  }
}

void RunStatistics::add(std::uint64_t first_shot, std::uint64_t record, std::span<const float> states) {
  if (!records_ || record < line_.first || record - line_.first >= line_.records) return;
  const std::size_t shots = states.size() / captured_;
  rows_.clear();
  for (std::size_t shot = 0; shot < shots; ++shot) {
    const std::span<const float> x = states.subspan(shot * captured_, captured_);
    for (const std::uint32_t column : columns_) rows_.push_back(x[column]);
    for (const Observable& observable : observables_) {
      double sum = 0;
      for (const Observable::Term& term : observable.terms) {
        double product = term.factor;
        for (const std::uint32_t variable : term.variables) product *= x[variable];
        sum += product;
      }
      rows_.push_back(sum);
    }
  }
  records_->add(first_shot, record - line_.first, rows_);
}

void RunStatistics::add_meters(const std::vector<std::vector<hb_meters_t>>& meters,
                               const MetersOnRequest& on_request) {
  for (std::size_t k = 0; k < production_.size(); ++k) {
    for (std::size_t shot = 0; shot < meters[k].size(); ++shot) {
      double sum = 0;
      if (kT_.size() == 1) sum = meters[k][shot].heat_path / kT_[0];
      else
        for (std::size_t cell = 0; cell < cells_; ++cell)
          sum += on_request.at(Meter::heat_per_cell)[k][shot * cells_ + cell] / kT_[cell];
      Production& to = production_[k];
      const double before = sum - to.mean;
      to.mean += before / ++to.shots;
      to.squares += before * (sum - to.mean);
    }
  }
}

namespace {

/// {value, standard_error, effective_samples} of one shape; `at(k)` is the estimate of entry k, row-major.
template <typename At>
nlohmann::json estimates(const std::vector<std::size_t>& shape, bool effective, const At& at) {
  std::size_t size = 1;
  for (const std::size_t side : shape) size *= side;
  std::vector<Estimate> all;
  for (std::size_t k = 0; k < size; ++k) all.push_back(at(k));
  const auto nested = [&](const auto& self, std::size_t depth, std::size_t from, double Estimate::*field) -> nlohmann::json {
    if (depth == shape.size()) return or_null(all[from].*field);
    nlohmann::json list = nlohmann::json::array();
    std::size_t stride = 1;
    for (std::size_t d = depth + 1; d < shape.size(); ++d) stride *= shape[d];
    for (std::size_t k = 0; k < shape[depth]; ++k) list.push_back(self(self, depth + 1, from + k * stride, field));
    return list;
  };
  nlohmann::json result{{"value", nested(nested, 0, 0, &Estimate::value)},
                        {"standard_error", nested(nested, 0, 0, &Estimate::standard_error)}};
  if (effective) result["effective_samples"] = nested(nested, 0, 0, &Estimate::effective_samples);
  return result;
}

Estimate scaled(Estimate estimate, double factor) {
  estimate.value *= factor;
  estimate.standard_error *= factor;
  return estimate;
}

}  // namespace

/// Of all pairs: the one with the most information, and the current that is furthest from 0 in standard errors, with how
/// likely so large a z is where all currents are 0. Of overdamped cells, between neighbouring records, also the entropy
/// production that it proves: a chain of steps d has e^(rate d) - 1 >= 2 d z^2 / T (Proesmans & Van den Broeck, EPL 119,
/// 20001 (2017); independent shots are one system, T the time of all), with z^2 less the 1 that chance gives it.
nlohmann::json RunStatistics::strongest() const {
  const measure::RecordStatistics& is = *records_;
  const std::size_t n = is.shape().columns;
  nlohmann::json found = nlohmann::json::object();
  if (request_.information) {
    double most = -1;
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = i + 1; j < n; ++j)
        if (const Estimate of = is.information(i, j, signs_); of.value > most) {
          most = of.value;
          found["information"] = {{"columns", {names_[i], names_[j]}}, {"value", of.value}, {"standard_error", or_null(of.standard_error)}};
        }
  }
  if (request_.currents && is.blocks() >= fewest_for_z) {
    double furthest = -1;
    for (std::size_t k = 0; k < is.shape().lags.size(); ++k)
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = i + 1; j < n; ++j) {
          const Estimate of = is.current(k, i, j);
          const double z = of.value / of.standard_error;
          if (!(std::abs(z) > furthest)) continue;
          furthest = std::abs(z);
          const double spacing = static_cast<double>(line_.spacing.count) / unit_;
          const double time = static_cast<double>(is.samples()) * spacing;
          const auto tries = static_cast<double>(is.shape().lags.size() * n * (n - 1) / 2);
          found["current"] = {{"columns", {names_[i], names_[j]}}, {"lag", static_cast<double>(is.shape().lags[k]) * spacing},
                              {"value", of.value}, {"standard_error", of.standard_error}, {"z", z},
                              {"probability", -std::expm1(tries * std::log1p(-std::min(measure::two_sided_probability(z), 1 - 1e-16)))},
                              {"entropy_production_at_least", nullptr}};
          if (overdamped_ && is.shape().lags[k] == 1)
            found["current"]["entropy_production_at_least"] = std::log1p(2 * spacing * std::max(0.0, z * z - 1) / time) / spacing;
        }
  }
  return found;
}

nlohmann::json RunStatistics::json() const {
  nlohmann::json result;
  if (records_) {
    const measure::RecordStatistics& is = *records_;
    const auto& shape = is.shape();
    const std::size_t n = shape.columns;
    const double spacing = static_cast<double>(line_.spacing.count) / unit_;
    result["columns"] = names_;
    result["from"] = static_cast<double>(line_.begin.count) / unit_;
    result["to"] = static_cast<double>(line_.end.count) / unit_;
    result["spacing"] = spacing > 0 ? nlohmann::json(spacing) : nlohmann::json(nullptr);
    result["records"] = line_.records;
    result["samples"] = is.samples();
    result["blocks"] = is.blocks();
    result["mean"] = estimates({n}, true, [&](std::size_t k) { return is.mean(k); });
    result["variance"] = estimates({n}, true, [&](std::size_t k) { return is.covariance(k, k); });
    if (shape.covariances)
      result["covariance"] = estimates({n, n}, true, [&](std::size_t k) { return is.covariance(k / n, k % n); });
    if (spacing > 0)
      result["correlation_time"] =
          estimates({n}, false, [&](std::size_t k) { return scaled(is.correlation_time(k), spacing); });
    if (!shape.lags.empty()) {
      nlohmann::json lags = nlohmann::json::array();
      for (const std::uint64_t lag : shape.lags) lags.push_back(static_cast<double>(lag) * spacing);
      result["lags"] = lags;
      result["lagged_covariance"] =
          shape.covariances
              ? estimates({shape.lags.size(), n, n}, false,
                          [&](std::size_t k) { return is.lagged_covariance(k / (n * n), k / n % n, k % n); })
              : estimates({shape.lags.size(), n}, false,
                          [&](std::size_t k) { return is.lagged_covariance(k / n, k % n, k % n); });
    }
    if (request_.information)
      result["information"] = estimates({n, n}, false, [&](std::size_t k) { return k / n == k % n ? Estimate{} : is.information(k / n, k % n, signs_); });
    if (request_.currents)
      result["currents"] = estimates({shape.lags.size(), n, n}, false, [&](std::size_t k) {
        return k / n % n == k % n ? Estimate{0, 0, 0} : is.current(k / (n * n), k / n % n, k % n);
      });
    if (request_.information || request_.currents) result["strongest"] = strongest();
    if (shape.bins > 0) {
      nlohmann::json edges = nlohmann::json::array();
      for (std::size_t k = 0; k <= shape.bins; ++k)
        edges.push_back(shape.low + (shape.high - shape.low) * static_cast<double>(k) / static_cast<double>(shape.bins));
      result["histogram"] =
          estimates({n, shape.bins}, false, [&](std::size_t k) { return is.fraction(k / shape.bins, 1 + k % shape.bins); });
      result["histogram"]["edges"] = edges;
      result["histogram"]["below"] = estimates({n}, false, [&](std::size_t k) { return is.fraction(k, 0); })["value"];
      result["histogram"]["above"] =
          estimates({n}, false, [&](std::size_t k) { return is.fraction(k, shape.bins + 1); })["value"];
    }
  }
  for (const Production& of : production_) {
    const Estimate rate = of.estimate();
    result["entropy_production"].push_back({{"meters", of.name},
                                            {"duration", of.duration},
                                            {"value", or_null(rate.value)},
                                            {"standard_error", or_null(rate.standard_error)},
                                            {"effective_samples", or_null(rate.effective_samples)}});
  }
  result["notes"] = notes();
  return result;
}

std::vector<StatisticsArray> RunStatistics::arrays() const {
  std::vector<StatisticsArray> all;
  const auto add = [&](const std::string& name, std::vector<std::size_t> shape, const char* units, bool effective,
                       const auto& at) {
    std::size_t size = 1;
    for (const std::size_t side : shape) size *= side;
    StatisticsArray value{"statistics_" + name, shape, {}, units}, error{value.name + "_error", shape, {}, units},
        samples{value.name + "_samples", shape, {}, "dimensionless"};
    for (std::size_t k = 0; k < size; ++k) {
      const Estimate is = at(k);
      value.values.push_back(is.value), error.values.push_back(is.standard_error);
      samples.values.push_back(is.effective_samples);
    }
    all.push_back(std::move(value)), all.push_back(std::move(error));
    if (effective) all.push_back(std::move(samples));
  };
  if (records_) {
    const measure::RecordStatistics& is = *records_;
    const auto& shape = is.shape();
    const std::size_t n = shape.columns, lags = shape.lags.size();
    const double spacing = static_cast<double>(line_.spacing.count) / unit_;
    add("mean", {n}, "dimensionless", true, [&](std::size_t k) { return is.mean(k); });
    add("variance", {n}, "dimensionless", true, [&](std::size_t k) { return is.covariance(k, k); });
    if (shape.covariances)
      add("covariance", {n, n}, "dimensionless", true, [&](std::size_t k) { return is.covariance(k / n, k % n); });
    if (spacing > 0)
      add("correlation_time", {n}, "time units", false, [&](std::size_t k) { return scaled(is.correlation_time(k), spacing); });
    if (lags > 0) {
      StatisticsArray times{"statistics_lags", {lags}, {}, "time units"};
      for (const std::uint64_t lag : shape.lags) times.values.push_back(static_cast<double>(lag) * spacing);
      all.push_back(std::move(times));
      if (shape.covariances)
        add("lagged_covariance", {lags, n, n}, "dimensionless", false,
            [&](std::size_t k) { return is.lagged_covariance(k / (n * n), k / n % n, k % n); });
      else
        add("lagged_covariance", {lags, n}, "dimensionless", false,
            [&](std::size_t k) { return is.lagged_covariance(k / n, k % n, k % n); });
    }
    if (request_.information)
      add("information", {n, n}, "nats", false, [&](std::size_t k) { return k / n == k % n ? Estimate{} : is.information(k / n, k % n, signs_); });
    if (request_.currents)
      add("currents", {lags, n, n}, "dimensionless", false, [&](std::size_t k) {
        return k / n % n == k % n ? Estimate{0, 0, 0} : is.current(k / (n * n), k / n % n, k % n);
      });
    if (shape.bins > 0) {
      StatisticsArray edges{"statistics_histogram_edges", {shape.bins + 1}, {}, "dimensionless"};
      for (std::size_t k = 0; k <= shape.bins; ++k)
        edges.values.push_back(shape.low + (shape.high - shape.low) * static_cast<double>(k) / static_cast<double>(shape.bins));
      all.push_back(std::move(edges));
      add("histogram", {n, shape.bins}, "dimensionless", false,
          [&](std::size_t k) { return is.fraction(k / shape.bins, 1 + k % shape.bins); });
    }
  }
  if (!production_.empty())
    add("entropy_production", {production_.size()}, "nats per time unit", false,
        [&](std::size_t k) { return production_[k].estimate(); });
  return all;
}

std::vector<std::string> RunStatistics::notes() const {
  std::vector<std::string> notes;
  if (!records_) return notes;
  const measure::RecordStatistics& is = *records_;
  const double part = static_cast<double>(line_.records) / static_cast<double>(is.parts_per_shot());
  if (is.parts_per_shot() > 1 || is.blocks() > 1) {
    std::size_t short_of = 0;
    for (std::size_t k = 0; k < names_.size(); ++k)
      short_of += is.parts_per_shot() > 1 && line_.records > 1 &&
                  is.correlation_time(k).value * independent_parts > part;
    if (short_of > 0)
      notes.push_back(fmt::format("standard errors of {} of {} columns may be too small: the {} parts of each shot last less "
                                  "than {:g} correlation times; take longer runs, or 64 shots or more",
                                  short_of, names_.size(), is.parts_per_shot(), independent_parts));
  } else {
    notes.push_back("one record has no standard error; take more shots or records");
  }
  return notes;
}

void RunStatistics::exchange(numerics::Archive& archive) {
  archive.section("stats");
  for (Production& of : production_) archive(of.shots, of.mean, of.squares);
  bool records = records_.has_value();
  archive(records);
  archive.check(records == records_.has_value(), "statistics");
  if (records) records_->exchange(archive);
}

}  // namespace heatbath::apps
