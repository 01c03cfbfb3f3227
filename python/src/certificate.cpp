// The certificate of samples of a network.

#include <string>

#include <pybind11/stl.h>

#include "bound.hpp"
#include "heatbath/network/certificate.hpp"

namespace heatbath::python {
namespace {

using measure::Certificate;

/// chains x records x cells of states (..., cells): one axis before the cells is chains of one record.
std::size_t chains_of(const py::array& states, std::uint32_t cells) {
  const auto dimensions = states.ndim();
  if ((dimensions != 2 && dimensions != 3) || states.shape(dimensions - 1) != static_cast<py::ssize_t>(cells))
    bad_shape(states, "certificate", "(shots, " + std::to_string(cells) + ") or (shots, records, " + std::to_string(cells) + ")");
  return static_cast<std::size_t>(states.shape(0));
}

py::dict as_dict(const Certificate& c) {
  py::list findings;
  for (const measure::Finding finding : c.findings) findings.append(measure::name(finding));
  py::dict is;
  is["samples"] = c.samples;
  is["chains"] = c.chains;
  is["inverse_temperature"] = or_none(c.inverse_temperature.value);
  is["standard_error"] = or_none(c.inverse_temperature.standard_error);
  is["low"] = or_none(c.low);
  is["high"] = or_none(c.high);
  is["wanted"] = or_none(c.wanted);
  is["autocorrelation_time"] = or_none(c.autocorrelation_time);
  is["slowest"] = c.slowest;
  is["effective_samples"] = c.effective_samples;
  is["r_hat"] = or_none(c.r_hat);
  is["least_mixed"] = c.least_mixed;
  is["total_variation"] = c.total_variation ? or_none(c.total_variation->value) : py::object(py::none());
  is["noise_floor"] = c.total_variation ? or_none(c.total_variation->noise_floor) : py::object(py::none());
  is["findings"] = findings;
  return is;
}

}  // namespace

void bind_certificate(py::module_& module) {
  py::class_<Certificate>(module, "Certificate", "What samples alone say of their sampler; str() is for a person.")
      .def_property_readonly("inverse_temperature", [](const Certificate& c) { return c.inverse_temperature.value; },
                             "Effective inverse temperature in the network's units; nan where the energy says nothing.")
      .def_property_readonly("standard_error", [](const Certificate& c) { return c.inverse_temperature.standard_error; })
      .def_property_readonly("interval", [](const Certificate& c) { return std::pair(c.low, c.high); }, "95 %: (low, high).")
      .def_property_readonly("autocorrelation_time", [](const Certificate& c) { return c.autocorrelation_time; },
                             "In records, of the slowest of what was looked at.")
      .def_property_readonly("effective_samples", [](const Certificate& c) { return c.effective_samples; })
      .def_property_readonly("r_hat", [](const Certificate& c) { return c.r_hat; }, "The largest split R-hat.")
      .def_property_readonly("total_variation", [](const Certificate& c) -> py::object {
        return c.total_variation ? py::object(py::float_(c.total_variation->value)) : py::object(py::none());
      }, "Distance from the enumerated law; None where it was not asked for.")
      .def_property_readonly("noise_floor", [](const Certificate& c) -> py::object {
        return c.total_variation ? py::object(py::float_(c.total_variation->noise_floor)) : py::object(py::none());
      }, "That distance of as many effective samples of the law itself.")
      .def_property_readonly("findings", [](const Certificate& c) {
        std::vector<std::string> names;
        for (const measure::Finding finding : c.findings) names.emplace_back(measure::name(finding));
        return names;
      }, R"("temperature mismatch", "undermixed", "above noise floor", "not converged", "too few samples"; [] where there is none.)")
      .def_property_readonly("clean", &Certificate::clean, "Whether there are no findings.")
      .def("as_dict", as_dict, "Everything by name, ready for json; None for what is unknown.")
      .def("__str__", [](const Certificate& c) { return measure::text(c); })
      .def("__repr__", [](const Certificate& c) {
        return "<heatbath.Certificate: " + std::to_string(c.samples) + " samples, " + std::to_string(c.findings.size()) + " findings>";
      });

  module.def("certificate", [](const network::Network& network, const py::object& states, double kT, double state_factor,
                               bool enumerate, double temperature_tolerance) {
    const auto array = numbers<float>(states, "certificate");
    const std::size_t chains = chains_of(array, network.cells());
    const py::gil_scoped_release no_gil;
    std::vector<double> law;
    if (enumerate) law = network::enumerated_law(network, kT);
    measure::CertificateOptions options;
    options.law = law;
    options.temperature_tolerance = temperature_tolerance;
    return network::certify(network, kT, span_of(array), chains, state_factor, options);
  }, py::arg("network"), py::arg("states"), py::kw_only(), py::arg("kT") = 1.0, py::arg("state_factor") = 1.0,
     py::arg("enumerate") = false, py::arg("temperature_tolerance") = 0.01,
     R"(The certificate of states (shots, cells) or (shots, records, cells), such as Result.states, under a network's energy at kT.

state_factor: Scaling.state_factor where states are the device's. enumerate: with the distance from the law of all 2^cells states,
of at most 20 spins. temperature_tolerance: relative error that is no finding, beside 3.5 standard errors.)");
}

}  // namespace heatbath::python
