// What says whether a device is right: the ladder of exact results, conformance.

#include <cstdlib>

#include <pybind11/stl.h>

#include "bound.hpp"
#include "heatbath/conformance.hpp"
#include "validate/bench.hpp"
#include "validate/emulators.hpp"

namespace heatbath::python {
namespace {

const char* bound_name(validation::Bound bound) {
  switch (bound) {
    case validation::Bound::equal: return "equal";
    case validation::Bound::at_least: return "at least";
    case validation::Bound::at_most: return "at most";
    case validation::Bound::exact: return "exact";
  }
  return "?";
}

py::dict check_of(const validation::Check& check) {
  py::dict out;
  out["suite"] = check.suite;
  out["name"] = check.name;
  out["expected"] = check.expected;
  out["bias"] = check.bias;
  out["measured"] = check.measured;
  out["standard_error"] = check.standard_error;
  out["effective_samples"] = check.effective_samples;
  out["z"] = check.z;
  out["probability"] = check.probability;
  out["bound"] = bound_name(check.bound);
  out["passed"] = check.pass;
  out["failure"] = check.failure;
  out["device"] = check.device;
  return out;
}

py::dict validated(const std::vector<std::string>& suites, const std::vector<PyDevice*>& devices, bool slow, std::uint64_t seed,
                   double effort, unsigned threads, py::object progress) {
  Watch watch(std::move(progress));
  validation::LadderOptions options;
  options.suites = suites;
  options.slow = slow;
  options.seed = seed;
  options.effort = effort;
  options.threads = threads;
  options.progress = [&](double fraction, std::string_view) { return watch(fraction); };
  std::vector<std::unique_ptr<OwnedDevice::Use>> uses;
  for (PyDevice* device : devices) uses.push_back(std::make_unique<OwnedDevice::Use>(*device->owned()));
  validation::Outcome outcome;
  {
    const py::gil_scoped_release no_gil;
    if (uses.empty()) {
      outcome = validation::climb(options);
    } else {
      outcome = validation::climb(options, [&](const validation::Needs& needs, std::string& missing) -> Device* {
        for (const auto& use : uses) {
          missing = validation::missing(needs, (*use)->capabilities());
          if (missing.empty()) return &**use;
        }
        return nullptr;
      });
    }
  }
  watch.end();
  py::list checks, skipped;
  for (const validation::Check& check : outcome.checks) checks.append(check_of(check));
  for (const validation::Skipped& row : outcome.skipped) skipped.append(py::make_tuple(row.suite, row.row, row.missing));
  py::dict out;
  out["checks"] = checks;
  out["skipped"] = skipped;
  out["seed"] = outcome.seed;
  out["effort"] = outcome.effort;
  out["seconds"] = outcome.seconds;
  out["stopped_at"] = outcome.stopped_at;
  return out;
}

py::list suites_known() {
  py::list suites;
  for (const validation::Suite& suite : validation::suites()) {
    py::list rows;
    for (const validation::Row& row : suite.rows) rows.append(py::make_tuple(std::string(row.name), std::string(row.says), row.slow));
    suites.append(py::make_tuple(std::string(suite.name), std::string(suite.says), rows));
  }
  return suites;
}

py::list conforms(PyDevice& device, const std::vector<std::string>& only, py::object progress) {
  Watch watch(std::move(progress));
  const auto chosen = conformance::chosen_claims(only);
  OwnedDevice::Use use(*device.owned());
  py::list verdicts;
  for (const conformance::Claim* claim : chosen) {
    conformance::Verdict verdict;
    bool go_on = true;
    {
      const py::gil_scoped_release no_gil;
      verdict = conformance::check(*claim, *use);
      go_on = watch(static_cast<double>(verdicts.size() + 1) / static_cast<double>(chosen.size()));
    }
    verdicts.append(py::make_tuple(claim->name, claim->text, conformance::word_of(verdict.kind), verdict.detail));
    if (!go_on) throw Error(HB_ABORTED, "conformance: stopped by its progress");
  }
  watch.end();
  return verdicts;
}

}  // namespace

void bind_judges(py::module_& module) {
  module.def("validate", &validated, py::arg("suites"), py::arg("devices"), py::arg("slow"), py::arg("seed"), py::arg("effort"),
             py::arg("threads"), py::arg("progress"));
  module.def("validation_suites", &suites_known);
  module.def("conformance", &conforms, py::arg("device"), py::arg("only"), py::arg("progress"));
}

}  // namespace heatbath::python
