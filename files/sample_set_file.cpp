#include "files/sample_set_file.hpp"

#include <cmath>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/atomic_file.hpp"
#include "files/hdf5_file.hpp"
#include "files/npz_file.hpp"
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
  const bool whole = form.spins || form.bits;
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
                     {"sample_data", array(whole ? "int8" : "float32", std::move(rows), {samples.size(), variables})},
                     {"sample_type", whole ? "int8" : "float32"},
                     {"sample_packed", false},
                     {"variable_labels", std::move(labels)},
                     {"variable_type", form.bits ? "BINARY" : form.spins ? "SPIN" : "REAL"},
                     {"info", origin}};
  set["vectors"] = {{"energy", array("float64", std::vector<double>(samples.energies().begin(), samples.energies().end()), {samples.size()})},
                    {"num_occurrences",
                     array("int64", std::vector<std::uint32_t>(samples.occurrences().begin(), samples.occurrences().end()), {samples.size()})}};
  return json_text(set) + "\n";
}

}  // namespace

void check_sample_set_name(const std::filesystem::path& path) {
  const std::filesystem::path ending = path.extension();
  if (ending != ".npz" && ending != ".h5" && ending != ".json")
    throw Error(HB_BAD_ARG, fmt::format("--out {}: needs a file name that ends in .npz, .h5 or .json", path.string()));
}

void write_sample_set(const std::filesystem::path& path, const solvers::SampleSet& samples, const SampleSetForm& form,
                      const nlohmann::json& origin) {
  const std::uint32_t variables = form.variables == 0 ? samples.cells() : form.variables;
  if (path.extension() == ".json") return write_file(path, as_json(samples, form, variables, origin));
  const std::vector<float> states = written_states(samples, form, variables);
  const std::vector<std::uint64_t> occurrences(samples.occurrences().begin(), samples.occurrences().end());
  const std::string text = json_text(origin);
  const std::size_t rows = samples.size();
  if (path.extension() == ".h5") {
    Hdf5Writer file(path);
    file.dataset("states", std::span<const float>(states), {rows, variables}, "dimensionless");
    file.dataset("energies", samples.energies(), {rows}, "energy units");
    file.dataset("occurrences", std::span<const std::uint64_t>(occurrences), {rows}, "samples");
    file.attribute("origin", name(samples.origin()));
    file.attribute("device_seconds", samples.device_seconds);
    file.attribute("updates", samples.updates);
    if (std::isfinite(samples.kT)) file.attribute("kT", samples.kT);
    if (std::isfinite(samples.heat_joules)) file.attribute("heat_joules", samples.heat_joules);
    file.long_text("provenance", text);
    return file.commit();
  }
  NpzFile file;
  file.lend("states", states, {rows, variables});
  file.add("energies", samples.energies(), {rows});
  file.add("occurrences", std::span<const std::uint64_t>(occurrences), {rows});
  file.add_text("origin", name(samples.origin()));
  file.add("device_seconds", std::span(&samples.device_seconds, 1), {1});
  file.add("updates", std::span(&samples.updates, 1), {1});
  file.add("kT", std::span(&samples.kT, 1), {1});
  file.add("heat_joules", std::span(&samples.heat_joules, 1), {1});
  file.add_text("provenance", text);
  file.write(path);
}

}  // namespace heatbath::apps
