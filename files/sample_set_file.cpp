#include "files/sample_set_file.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/atomic_file.hpp"
#include "files/hdf5_file.hpp"
#include "files/json_numbers.hpp"
#include "files/npz_file.hpp"
#include "files/run_statistics.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

std::vector<float> written_states(const solvers::SampleSet& samples, const SampleSetForm& form, std::uint32_t variables) {
  std::vector<float> states;
  states.reserve(samples.size() * variables);
  for (std::size_t row = 0; row < samples.size(); ++row)
    for (const float x : samples.state(row).first(variables)) states.push_back(form.bits ? (x > 0 ? 1.0f : 0.0f) : x);
  return states;
}

nlohmann::json array(const char* type, nlohmann::json data, std::vector<std::size_t> shape) {
  return {{"type", "array"}, {"data", std::move(data)}, {"data_type", type}, {"shape", std::move(shape)}, {"use_bytes", false}};
}

std::string as_json(const solvers::SampleSet& samples, const SampleSetForm& form, std::uint32_t variables, const nlohmann::json& origin) {
  const bool whole = form.spins || form.bits || form.labels;
  const char* const type = form.labels ? "int16" : whole ? "int8" : "float32";
  nlohmann::json rows = nlohmann::json::array(), labels = nlohmann::json::array();
  const std::vector<float> states = written_states(samples, form, variables);
  for (std::size_t row = 0; row < samples.size(); ++row) {
    nlohmann::json one = nlohmann::json::array();
    for (std::uint32_t i = 0; i < variables; ++i) {
      const float x = states[row * variables + i];
      if (whole) one.push_back(static_cast<int>(x));
      else one.push_back(x);
    }
    rows.push_back(std::move(one));
  }
  for (std::uint32_t i = 0; i < variables; ++i) labels.push_back(i);
  nlohmann::json set{{"type", "SampleSet"},
                     {"version", {{"sampleset_schema", "3.2.0"}}},
                     {"num_variables", variables},
                     {"num_rows", samples.size()},
                     {"sample_data", array(type, std::move(rows), {samples.size(), variables})},
                     {"sample_type", type},
                     {"sample_packed", false},
                     {"variable_labels", std::move(labels)},
                     {"variable_type", form.bits ? "BINARY" : form.spins ? "SPIN" : form.labels ? "INTEGER" : "REAL"},
                     {"info", origin}};
  set["vectors"] = {{"energy", array("float64", std::vector<double>(samples.energies().begin(), samples.energies().end()), {samples.size()})},
                    {"num_occurrences",
                     array("int64", std::vector<std::uint32_t>(samples.occurrences().begin(), samples.occurrences().end()), {samples.size()})}};
  return json_text(set) + "\n";
}

/// Arrays of what was asked for, each estimate with its error.
std::vector<StatisticsArray> arrays_of(const solvers::SampleStatistics& statistics, std::uint32_t cells) {
  std::vector<StatisticsArray> all;
  const auto put = [&](const std::string& name, std::vector<std::size_t> shape, const char* units, const std::vector<measure::Estimate>& of) {
    StatisticsArray value{name, shape, {}, units}, error{name + "_error", shape, {}, units};
    for (const measure::Estimate& one : of) value.values.push_back(one.value), error.values.push_back(one.standard_error);
    all.push_back(std::move(value)), all.push_back(std::move(error));
  };
  if (statistics.choice().moments) {
    std::vector<measure::Estimate> means, squares;
    for (std::uint32_t i = 0; i < cells; ++i) means.push_back(statistics.mean(i));
    put("mean", {cells}, "dimensionless", means);
    if (statistics.has_covariances()) {
      for (std::uint32_t i = 0; i < cells; ++i)
        for (std::uint32_t j = 0; j < cells; ++j) squares.push_back(statistics.covariance(i, j));
      put("covariance", {cells, cells}, "dimensionless", squares);
    } else {
      for (std::uint32_t i = 0; i < cells; ++i) squares.push_back(statistics.covariance(i, i));
      put("variance", {cells}, "dimensionless", squares);
    }
  }
  const auto series = statistics.series();
  if (series.empty()) return all;
  const std::size_t n = series.size();
  const auto gather = [&](const auto& list_of) {
    std::vector<measure::Estimate> flat;
    for (const auto& one : series) flat.insert(flat.end(), list_of(one).begin(), list_of(one).end());
    return flat;
  };
  const auto each = [&](measure::Estimate solvers::SampleStatistics::Series::*field) {
    std::vector<measure::Estimate> flat;
    for (const auto& one : series) flat.push_back(one.*field);
    return flat;
  };
  using Series = solvers::SampleStatistics::Series;
  put("series_mean", {n}, "units of each series", each(&Series::mean));
  put("series_variance", {n}, "units of each series, squared", each(&Series::variance));
  if (statistics.choice().autocorrelation) {
    put("correlation_time", {n}, "time units", each(&Series::correlation_time));
    all.push_back({"lags", {series[0].lags.size()}, series[0].lags, "time units"});
    put("autocovariance", {n, series[0].lags.size()}, "units of each series, squared", gather([](const Series& one) -> auto& { return one.autocovariance; }));
  }
  if (statistics.choice().histogram) {
    const std::size_t bins = statistics.choice().bins;
    StatisticsArray edges{"histogram_edges", {n, bins + 1}, {}, "units of each series"};
    for (const Series& one : series)
      for (std::size_t k = 0; k <= bins; ++k)
        edges.values.push_back(one.low + (one.high - one.low) * static_cast<double>(k) / static_cast<double>(bins));
    all.push_back(std::move(edges));
    put("histogram", {n, bins + 2}, "dimensionless", gather([](const Series& one) -> auto& { return one.histogram; }));
  }
  if (statistics.choice().spectrum) {
    all.push_back({"frequencies", {series[0].frequencies.size()}, series[0].frequencies, "cycles per time unit"});
    put("spectrum", {n, series[0].spectrum.size()}, "units of each series, squared, times time units",
        gather([](const Series& one) -> auto& { return one.spectrum; }));
  }
  return all;
}

}  // namespace

SampleSetForm form_of(const Problem& problem) {
  SampleSetForm form{problem.variables, of_spins(problem.kind)};
  form.bits = problem.kind == ProblemKind::qubo || problem.kind == ProblemKind::max_sat;
  form.labels = problem.kind == ProblemKind::potts;
  return form;
}

nlohmann::json certificate_json(const measure::Certificate& c) {
  nlohmann::json findings = nlohmann::json::array();
  for (const measure::Finding finding : c.findings) findings.push_back(measure::name(finding));
  return {{"samples", c.samples},
          {"chains", c.chains},
          {"inverse_temperature", or_null(c.inverse_temperature.value)},
          {"standard_error", or_null(c.inverse_temperature.standard_error)},
          {"low", or_null(c.low)},
          {"high", or_null(c.high)},
          {"wanted", or_null(c.wanted)},
          {"autocorrelation_time", or_null(c.autocorrelation_time)},
          {"slowest", c.slowest},
          {"effective_samples", or_null(c.effective_samples)},
          {"r_hat", or_null(c.r_hat)},
          {"least_mixed", c.least_mixed},
          {"total_variation", c.total_variation ? or_null(c.total_variation->value) : nlohmann::json(nullptr)},
          {"noise_floor", c.total_variation ? or_null(c.total_variation->noise_floor) : nlohmann::json(nullptr)},
          {"findings", findings}};
}

nlohmann::json statistics_json(const solvers::SampleStatistics& statistics) {
  nlohmann::json json{{"samples", statistics.samples()}, {"spacing", statistics.spacing()}};
  const auto estimates = [](const auto& list) {
    nlohmann::json values = nlohmann::json::array(), errors = nlohmann::json::array();
    for (const measure::Estimate& one : list) values.push_back(or_null(one.value)), errors.push_back(or_null(one.standard_error));
    return nlohmann::json{{"value", values}, {"standard_error", errors}};
  };
  const auto one_of = [](const measure::Estimate& one) {
    return nlohmann::json{{"value", or_null(one.value)}, {"standard_error", or_null(one.standard_error)}};
  };
  for (const auto& one : statistics.series()) {
    nlohmann::json of{{"mean", one_of(one.mean)}, {"variance", one_of(one.variance)}};
    if (statistics.choice().autocorrelation) {
      of["correlation_time"] = one_of(one.correlation_time);
      of["lags"] = one.lags;
      of["autocovariance"] = estimates(one.autocovariance);
    }
    if (statistics.choice().histogram) {
      of["low"] = one.low, of["high"] = one.high;
      of["histogram"] = estimates(one.histogram);
    }
    if (statistics.choice().spectrum) {
      of["frequencies"] = one.frequencies;
      of["spectrum"] = estimates(one.spectrum);
    }
    json["series"][one.name] = of;
  }
  return json;
}

void check_sample_set_name(const std::filesystem::path& path) {
  const std::filesystem::path ending = path.extension();
  if (ending != ".npz" && ending != ".h5" && ending != ".json")
    throw Error(HB_BAD_ARG, fmt::format("--out {}: needs a file name that ends in .npz, .h5 or .json", path.string()));
}

void write_sample_set(const std::filesystem::path& path, const solvers::SampleSet& samples, const SampleSetForm& form,
                      const nlohmann::json& origin, const solvers::SampleStatistics* statistics) {
  const std::uint32_t variables = form.variables == 0 ? samples.cells() : form.variables;
  if (path.extension() == ".json") return write_file(path, as_json(samples, form, variables, origin));
  const std::vector<float> states = written_states(samples, form, variables);
  const std::vector<std::uint64_t> occurrences(samples.occurrences().begin(), samples.occurrences().end());
  const std::string text = json_text(origin);
  const std::size_t rows = samples.size();
  const std::vector<StatisticsArray> arrays = statistics ? arrays_of(*statistics, variables) : std::vector<StatisticsArray>();
  if (path.extension() == ".h5") {
    Hdf5Writer file(path);
    if (rows > 0) {
      file.dataset("states", std::span<const float>(states), {rows, variables}, "dimensionless");
      file.dataset("energies", samples.energies(), {rows}, "energy units");
      file.dataset("occurrences", std::span<const std::uint64_t>(occurrences), {rows}, "samples");
    }
    for (const StatisticsArray& array : arrays)
      file.dataset(array.name, std::span<const double>(array.values), {array.shape.begin(), array.shape.end()}, array.units);
    file.attribute("origin", name(samples.origin()));
    file.attribute("device_seconds", samples.device_seconds);
    file.attribute("updates", samples.updates);
    if (std::isfinite(samples.kT)) file.attribute("kT", samples.kT);
    if (std::isfinite(samples.heat_joules)) file.attribute("heat_joules", samples.heat_joules);
    file.long_text("provenance", text);
    return file.commit();
  }
  NpzFile file;
  if (rows > 0) {
    file.lend("states", states, {rows, variables});
    file.add("energies", samples.energies(), {rows});
    file.add("occurrences", std::span<const std::uint64_t>(occurrences), {rows});
  }
  for (const StatisticsArray& array : arrays) file.add(array.name, std::span<const double>(array.values), array.shape);
  file.add_text("origin", name(samples.origin()));
  file.add("device_seconds", std::span(&samples.device_seconds, 1), {1});
  file.add("updates", std::span(&samples.updates, 1), {1});
  file.add("kT", std::span(&samples.kT, 1), {1});
  file.add("heat_joules", std::span(&samples.heat_joules, 1), {1});
  file.add_text("provenance", text);
  file.write(path);
}

}  // namespace heatbath::apps
