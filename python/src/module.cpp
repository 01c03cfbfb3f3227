// The extension module heatbath._core.

#include "bound.hpp"

PYBIND11_MODULE(_core, module) {
  heatbath::python::bind_device(module);
  heatbath::python::bind_program(module);
  heatbath::python::bind_network(module);
  heatbath::python::bind_certificate(module);
}
