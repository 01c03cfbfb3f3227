// Estimates from samples of any device: means with errors, samples at several temperatures together, parameters of a chip.

#include <string>

#include <pybind11/stl.h>

#include "calls.hpp"
#include "heatbath/measure/fit.hpp"
#include "heatbath/measure/multistate.hpp"

namespace heatbath::python {
namespace {

using measure::Multistate;

/// Runs a function of measure/, whose complaints about its arguments are those of the caller.
template <typename Function>
auto judged(Function&& function) {
  try {
    return function();
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, wrong.what());
  }
}

/// Series of one observable: (chains, records), or one chain.
py::array_t<double, py::array::c_style> series_of(const py::object& values, const char* what, std::size_t& chains) {
  const auto series = numbers<double>(values, what);
  if (series.ndim() != 1 && series.ndim() != 2) bad_shape(series, what, "(chains, records)");
  chains = series.ndim() == 2 ? static_cast<std::size_t>(series.shape(0)) : 1;
  return series;
}

template <typename Function>
auto of_series(const py::object& values, const char* what, Function&& function) {
  std::size_t chains = 1;
  const auto series = series_of(values, what, chains);
  return judged([&] { return function(span_of(series), chains); });
}

std::vector<double> line_of(const py::object& values, const char* what) {
  const auto array = numbers<double>(values, what);
  if (array.ndim() != 1) bad_shape(array, what, "(n,)");
  return {array.data(), array.data() + array.size()};
}

/// One row of samples for each temperature; rows may differ in length.
std::vector<std::vector<double>> rows_of(const py::object& values, std::size_t temperatures, const char* what) {
  std::vector<std::vector<double>> rows;
  for (const py::handle& row : values) rows.push_back(line_of(py::reinterpret_borrow<py::object>(row), what));
  if (rows.size() != temperatures)
    throw Error(HB_BAD_ARG, std::string(what) + ": " + std::to_string(rows.size()) + " rows for " + std::to_string(temperatures) + " temperatures");
  return rows;
}

py::tuple fitted(const measure::Fitted& is) { return py::make_tuple(is.value, is.standard_error, is.low, is.high); }

void bind_multistate(py::module_& module) {
  py::class_<Multistate>(module, "Multistate", R"(Samples of one energy at several temperatures, taken together: the multistate Bennett acceptance ratio
(MBAR; Shirts & Chodera, J. Chem. Phys. 129, 124105 (2008)).)")
      .def(py::init([](const py::object& kT, const py::object& energies) {
        const std::vector<double> temperatures = line_of(kT, "Multistate: kT");
        const auto rows = rows_of(energies, temperatures.size(), "Multistate: energies");
        const py::gil_scoped_release no_gil;
        return judged([&] { return Multistate(temperatures, rows); });
      }), py::arg("kT"), py::arg("energies"), R"(kT: (temperatures,), two different ones or more; energies: of the samples at each, (temperatures, samples) or a list of
arrays of any length.)")
      .def("log_partition", [](const Multistate& of, double kT) { return judged([&] { return of.log_partition(kT); }); }, py::arg("kT"),
           "ln Z(kT) - ln Z(the first temperature), at any temperature that the samples reach (effective_samples).")
      .def("mean", [](const Multistate& of, double kT, const py::object& values) {
        std::vector<std::vector<double>> rows;
        for (const py::handle& row : values) rows.push_back(line_of(py::reinterpret_borrow<py::object>(row), "Multistate.mean"));
        return judged([&] { return of.mean(kT, rows); });
      }, py::arg("kT"), py::arg("values"), "Mean over the law at kT of what has these values in the samples, in the shape of `energies`.")
      .def("effective_samples", [](const Multistate& of, double kT) { return judged([&] { return of.effective_samples(kT); }); }, py::arg("kT"),
           "(sum w)^2/sum w^2 of the weights that the samples have at kT.");
  module.def("log_partitions", [](const py::object& kT, const py::object& energies, std::size_t blocks) {
    const std::vector<double> temperatures = line_of(kT, "log_partitions: kT");
    const auto rows = rows_of(energies, temperatures.size(), "log_partitions: energies");
    std::vector<measure::Estimate> found;
    {
      const py::gil_scoped_release no_gil;
      found = judged([&] { return measure::log_partitions(temperatures, rows, blocks); });
    }
    return named(found);
  });
}

void bind_fits(py::module_& module) {
  module.def("fit_curve", [](const py::object& bias, const py::object& ones, const py::object& trials) {
    const std::vector<double> at = line_of(bias, "fit_curve: bias");
    const std::vector<double> up = copied_vector(ones, at.size(), "fit_curve: ones"), all = copied_vector(trials, at.size(), "fit_curve: trials");
    std::vector<measure::CurvePoint> points;
    for (std::size_t k = 0; k < at.size(); ++k) points.push_back({at[k], up[k], all[k]});
    const measure::CurveFit found = judged([&] { return measure::fit_curve(points); });
    py::dict is;
    is["midpoint"] = fitted(found.midpoint);
    is["slope"] = fitted(found.slope);
    is["chi_squared"] = found.chi_squared;
    is["freedom"] = found.freedom;
    is["dispersion"] = found.dispersion;
    return is;
  });
  module.def("fit_relaxation", [](const py::object& times, const py::object& values, const py::object& drives, const py::object& traces,
                                  double gain) {
    const std::vector<double> at = line_of(times, "fit_relaxation: times");
    const std::vector<double> is = copied_vector(values, at.size(), "fit_relaxation: values");
    const std::vector<double> drive = drives.is_none() ? std::vector<double>(at.size(), 0.0) : copied_vector(drives, at.size(), "fit_relaxation: drives");
    std::vector<std::uint32_t> trace(at.size(), 0);
    if (!traces.is_none()) {
      trace = cells_of(traces, "fit_relaxation: traces");
      if (trace.size() != at.size())
        throw Error(HB_BAD_ARG, "fit_relaxation: " + std::to_string(trace.size()) + " traces for " + std::to_string(at.size()) + " readings");
    }
    std::vector<measure::TraceReading> readings;
    for (std::size_t k = 0; k < at.size(); ++k) readings.push_back({trace[k], at[k], drive[k], is[k]});
    measure::RelaxationFit found;
    {
      const py::gil_scoped_release no_gil;
      found = judged([&] { return measure::fit_relaxation(readings, {.gain = gain}); });
    }
    py::dict out;
    out["stiffness"] = fitted(found.stiffness);
    out["kT"] = fitted(found.kT);
    out["gain"] = fitted(found.gain);
    out["offset"] = fitted(found.offset);
    out["noise"] = fitted(found.noise);
    out["gain_given"] = found.gain_given;
    out["readings"] = found.readings;
    out["mean_square"] = found.mean_square;
    out["neighbours"] = found.neighbours;
    out["mean_square_z"] = found.mean_square_z;
    out["neighbours_z"] = found.neighbours_z;
    return out;
  });
}

}  // namespace

void bind_estimates(py::module_& module) {
  module.def("mean_of_chains", [](const py::object& values) {
    return estimate_of(of_series(values, "mean", [](auto of, std::size_t chains) { return measure::mean_of_chains(of, chains); }));
  }, py::arg("values"));
  module.def("autocorrelation_time", [](const py::object& values) {
    return of_series(values, "autocorrelation_time", [](auto of, std::size_t chains) { return measure::autocorrelation_time(of, chains); });
  }, py::arg("values"));
  module.def("split_r_hat", [](const py::object& values) {
    return of_series(values, "r_hat", [](auto of, std::size_t chains) { return measure::split_r_hat(of, chains); });
  }, py::arg("values"));
  bind_multistate(module);
  bind_fits(module);
}

}  // namespace heatbath::python
