// The extension module heatbath._core.

#include "bound.hpp"

PYBIND11_MODULE(_core, module) {
  module.attr("_pybind11") = PYBIND11_VERSION_HEX;
  heatbath::python::bind_calibration(module);
  heatbath::python::bind_device(module);
  heatbath::python::bind_program(module);
  heatbath::python::bind_network(module);
  heatbath::python::bind_certificate(module);
  heatbath::python::bind_trainers(module);
  heatbath::python::bind_studies(module);
  heatbath::python::bind_judges(module);
  heatbath::python::bind_solvers(module);
  heatbath::python::bind_searches(module);
  heatbath::python::bind_estimates(module);
  heatbath::python::bind_machines(module);
  heatbath::python::bind_analog_training(module);
  heatbath::python::bind_score(module);
  heatbath::python::bind_classifier(module);
}
