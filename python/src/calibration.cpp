// What a chip does to its values, measured, kept and undone.

#include <functional>
#include <span>
#include <string>

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "calls.hpp"
#include "files/atomic_file.hpp"
#include "files/calibration_file.hpp"
#include "heatbath/network/calibration.hpp"

namespace heatbath::python {
namespace {

using network::Calibration;
using network::CellFigures;
using network::CouplerFigures;

void write(const std::filesystem::path& path, const std::string& text) {
  apps::prepare_file(path);
  apps::AtomicFile file(path);
  file.write(std::as_bytes(std::span(text)));
  file.commit();
}

template <measure::Estimate CellFigures::*figure>
py::array_t<double> of_cells(const Calibration& of) {
  return figures_of(of.cells, [](const CellFigures& cell) -> const measure::Estimate& { return cell.*figure; });
}
template <measure::Estimate CouplerFigures::*figure>
py::array_t<double> of_couplers(const Calibration& of) {
  return figures_of(of.couplers, [](const CouplerFigures& one) -> const measure::Estimate& { return one.*figure; });
}

}  // namespace

void bind_calibration(py::module_& module) {
  using Shared = std::shared_ptr<Calibration>;
  py::class_<Calibration, Shared>(module, "Calibration", R"(What one chip does to the values it is given, measured by calibrate(); Device.correct undoes it.

What acts is gain times what was loaded, plus the offset. Figures are float64, (2, cells) or (2, couplers): values and standard
errors, nan where something was not measured; offsets in the device's units. A Calibration pickles; save() and read() use the
files of `heatbath calibrate`.)")
      .def_property_readonly("cells", [](const Calibration& of) { return of.cells.size(); }, "The first so many cells were measured.")
      .def_property_readonly("serial", [](const Calibration& of) { return of.serial; }, "Of the chip.")
      .def_property_readonly("j2_gain", of_cells<&CellFigures::j2_gain>)
      .def_property_readonly("j4_gain", of_cells<&CellFigures::j4_gain>)
      .def_property_readonly("bias_gain", of_cells<&CellFigures::bias_gain>)
      .def_property_readonly("bias_offset", of_cells<&CellFigures::bias_offset>)
      .def_property_readonly("temperature", of_cells<&CellFigures::temperature>, "Of the noise, over the kT that was loaded.")
      .def_property_readonly("read_offset", of_cells<&CellFigures::read_offset>, "What the converter reads too much about 0, units of the device's state.")
      .def_property_readonly("couplers", [](const Calibration& of) {
        py::array_t<std::uint32_t> pairs({size_of(of.couplers), py::ssize_t{2}});
        for (std::size_t k = 0; k < of.couplers.size(); ++k) {
          pairs.mutable_at(static_cast<py::ssize_t>(k), 0) = of.couplers[k].i;
          pairs.mutable_at(static_cast<py::ssize_t>(k), 1) = of.couplers[k].j;
        }
        return pairs;
      }, "Cells i < j of each coupler: uint32, (couplers, 2).")
      .def_property_readonly("coupler_gain", of_couplers<&CouplerFigures::gain>)
      .def_property_readonly("coupler_offset", of_couplers<&CouplerFigures::offset>)
      .def_property_readonly("step", [](const Calibration& of) { return named(of.step); },
                             "Variances grow by the factor 1 + stiffness step/2, as by a finite step of the array; units of the device's 1/J2.")
      .def_property_readonly("cell_rate", [](const Calibration& of) { return named(of.cell_rate); }, "Relative change of J2 and J4 per time unit of the device.")
      .def_property_readonly("coupler_rate", [](const Calibration& of) { return named(of.coupler_rate); })
      .def_readonly("made_at", &Calibration::made_at, "Seconds since 1970, by the clock of this computer.")
      .def_readonly("valid_seconds", &Calibration::valid_seconds, "From then on; 0: for ever.")
      .def_readonly("valid_time", &Calibration::valid_time, "Time units of the device for which it holds, by the rates that were measured; 0: not known.")
      .def_readonly("valid_kelvin", &Calibration::valid_kelvin, "By which the die may be warmer or colder; 0: by any.")
      .def_property_readonly("die_temperature", [](const Calibration& of) { return or_none(of.die_temperature); }, "Kelvin; None where the chip does not tell.")
      .def("standing", [](const Calibration& of, PyDevice& device) {
        auto use = device.use();
        of.require(*use, network::Expired::used);  // of another chip
        const network::CalibrationStanding is = of.standing(condition_of(*use));
        return py::make_tuple(std::string(network::name(is.state)), is.why, is.left);
      }, py::arg("device"), R"((state, why, left): "valid", "calibration needed" (the die's temperature is another) or "calibration expired"; why, where it is not
valid; the part of its time that is left, 1 new, 0 over. BadArgError where it is of another chip. Reads registers.)")
      .def("save", [](const Calibration& of, const std::filesystem::path& path) { write(path, apps::calibration_text(of)); }, py::arg("path"),
           "Writes it whole, as `heatbath calibrate --out`.")
      .def("keep", [](const Calibration& of) {
        Identity chip;
        chip.vendor = of.vendor;
        chip.part = of.part;
        chip.serial = of.serial;
        const std::filesystem::path path = apps::calibration_of(chip);
        write(path, apps::calibration_text(of));
        return path;
      }, "Saves it where `heatbath calibrate` keeps that of this chip and kept() finds it: $XDG_CACHE_HOME/heatbath. Returns the path.")
      .def_static("read", [](const std::filesystem::path& path) { return std::make_shared<Calibration>(apps::read_calibration(path)); }, py::arg("path"),
                  "A file of save() or `heatbath calibrate`. IoError names file and fault.")
      .def_static("kept", [](PyDevice& device) {
        return std::make_shared<Calibration>(apps::read_calibration(apps::calibration_of(device.use()->identity())));
      }, py::arg("device"), "The one that is kept for this chip; IoError where there is none.")
      .def(py::pickle([](const Calibration& of) { return py::str(apps::calibration_text(of)); },
                      [](const py::str& text) { return std::make_shared<Calibration>(apps::calibration_of_text(text, "a pickle")); }))
      .def("__repr__", [](const Calibration& of) {
        return "<heatbath.Calibration: " + std::to_string(of.cells.size()) + " cells, " + std::to_string(of.couplers.size()) + " couplers of chip " +
               std::to_string(of.serial) + ">";
      });

  module.def("calibrate", [](PyDevice& device, std::uint32_t cells, double effort, std::int64_t valid_seconds, double tolerance, bool couplers,
                             std::uint64_t seed, py::object progress) {
    network::CalibrateOptions options;
    options.cells = cells;
    options.effort = effort;
    options.valid_seconds = valid_seconds;
    options.tolerance = tolerance;
    options.couplers = couplers;
    options.seed = seed;
    return std::make_shared<Calibration>(without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return network::calibrate(opened, options);
    }));
  }, py::arg("device"), py::kw_only(), py::arg("cells") = 0, py::arg("effort") = 1.0, py::arg("valid_seconds") = 86400, py::arg("tolerance") = 0.02,
             py::arg("couplers") = true, py::arg("seed") = 1, py::arg("progress") = py::none(),
             R"(Measures a chip of overdamped cells or p-bits from its own states and codes, with nothing else (docs/calibration.md): the same bits as
`heatbath calibrate`. A correction that the device has is off meanwhile. cells: the first so many; 0: all. effort: samples,
relative to the usual number; errors fall with its root. couplers: else cells alone; couplers take a job for each cell. tolerance:
relative change at which it is said to be over; with the rates that were measured it gives valid_time and valid_kelvin; 0: never.
UnsupportedError for other cells, and for overdamped ones where kT is fixed.)");
}

}  // namespace heatbath::python
