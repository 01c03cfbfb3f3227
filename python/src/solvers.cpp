// Sampling, linear algebra and derivatives by the device.

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <type_traits>

#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include "calls.hpp"
#include "heatbath/solvers/gradient.hpp"
#include "heatbath/solvers/linear.hpp"
#include "heatbath/solvers/logistic.hpp"
#include "heatbath/solvers/sample.hpp"

namespace heatbath::python {
namespace {

using measure::Estimate;
using network::Network;
using solvers::LinearResult;
using solvers::SampleSet;

// -- samples ------------------------------------------------------------------------------------------------------------

void bind_sample_set(py::module_& module) {
  py::class_<SampleSet>(module, "SampleSet", "States that a device gave for a network, a row each, with their energies.")
      .def_property_readonly("states", [](const py::object& self) {
        const auto& of = self.cast<const SampleSet&>();
        return lent<float>({static_cast<py::ssize_t>(of.size()), of.cells()}, of.states().data(), self);
      }, "float32, (rows, cells).")
      .def_property_readonly("energies", [](const py::object& self) {
        const auto& of = self.cast<const SampleSet&>();
        return lent<double>({static_cast<py::ssize_t>(of.size())}, of.energies().data(), self);
      }, "float64, (rows,), of the network as given.")
      .def_property_readonly("occurrences", [](const py::object& self) {
        const auto& of = self.cast<const SampleSet&>();
        return lent<std::uint32_t>({static_cast<py::ssize_t>(of.size())}, of.occurrences().data(), self);
      }, "uint32, (rows,).")
      .def_property_readonly("origin", [](const SampleSet& of) { return solvers::name(of.origin()); },
                             R"("law": samples at a temperature; "search": what a search ended with, over which there are no averages.)")
      .def_readonly("kT", &SampleSet::kT, "Of the law, in the network's energy units; nan of a search.")
      .def_readonly("device_seconds", &SampleSet::device_seconds)
      .def_readonly("heat_joules", &SampleSet::heat_joules, "Given to the bath; nan where it was not metered.")
      .def_readonly("updates", &SampleSet::updates, "Of single cells.")
      .def_readonly("notes", &SampleSet::notes, "What a reader must know, a line each.")
      .def_property_readonly("lowest_energy", &SampleSet::lowest_energy)
      .def_property_readonly("lowest_state", [](const py::object& self) {
        const auto& of = self.cast<const SampleSet&>();
        return lent<float>({of.cells()}, of.state(of.lowest()).data(), self);
      }, "The first state of the lowest energy: float32, (cells,).")
      .def("success", &SampleSet::success, py::arg("energy"), "Part of all occurrences with an energy of at most this one.")
      .def("aggregated", &SampleSet::aggregated, "Equal states in one row, lowest energy first; chains, and averages, are then lost.")
      .def("mean_energy", [](const SampleSet& of) { return named(of.mean_energy()); },
           "Over the law, with the error of the effective samples. UnsupportedError of a search.")
      .def("mean", [](const SampleSet& of, std::uint32_t cell) { return named(of.mean(cell)); }, py::arg("cell"), "Of one cell over the law.")
      .def("mean_product", [](const SampleSet& of, std::uint32_t i, std::uint32_t j) { return named(of.mean_product(i, j)); },
           py::arg("i"), py::arg("j"), "Of two cells over the law.")
      .def("__len__", &SampleSet::size)
      .def("__repr__", [](const SampleSet& of) {
        return "<heatbath.solvers.SampleSet: " + std::to_string(of.size()) + " states of " + std::to_string(of.cells()) + " cells, of a " +
               solvers::name(of.origin()) + ">";
      });
}

solvers::StatisticsChoice choice_of(const std::vector<std::string>& names, const std::vector<std::uint32_t>& cells, std::uint32_t bins,
                                    std::uint32_t lags, std::uint32_t segment) {
  solvers::StatisticsChoice choice;
  for (const std::string& name : names) {
    if (name == "moments") choice.moments = true;
    else if (name == "histogram") choice.histogram = true;
    else if (name == "autocorrelation") choice.autocorrelation = true;
    else if (name == "spectrum") choice.spectrum = true;
    else throw Error(HB_BAD_ARG, "sample: statistics are 'moments', 'histogram', 'autocorrelation' and 'spectrum', not '" + name + "'");
  }
  choice.cells = cells;
  choice.bins = bins;
  choice.lags = lags;
  choice.segment = segment;
  return choice;
}

py::object statistics_of(const std::optional<solvers::SampleStatistics>& statistics, std::uint32_t cells) {
  if (!statistics) return py::none();
  py::dict is;
  py::list all;
  for (const auto& series : statistics->series()) {
    py::dict one;
    one["name"] = series.name;
    one["mean"] = estimate_of(series.mean);
    one["variance"] = estimate_of(series.variance);
    one["correlation_time"] = estimate_of(series.correlation_time);
    one["lags"] = array_of(series.lags);
    one["autocovariance"] = array_of(series.autocovariance);
    one["low"] = series.low;
    one["high"] = series.high;
    one["histogram"] = array_of(series.histogram);
    one["frequencies"] = array_of(series.frequencies);
    one["spectrum"] = array_of(series.spectrum);
    all.append(one);
  }
  is["series"] = all;
  std::vector<Estimate> means, covariances;
  if (statistics->choice().moments) {
    for (std::uint32_t i = 0; i < cells; ++i) means.push_back(statistics->mean(i));
    for (std::uint32_t i = 0; i < cells; ++i)
      for (std::uint32_t j = 0; j < cells; ++j)
        if (statistics->has_covariances() || i == j) covariances.push_back(statistics->covariance(i, j));
  }
  is["means"] = array_of(means);
  is["covariances"] = array_of(covariances);
  return is;
}

void bind_sample(py::module_& module) {
  module.def("sample", [](PyDevice& device, const Network& network, double kT, std::uint32_t chains, std::uint32_t records, double burn_in,
                          double spacing, bool meters, bool keep_states, const std::vector<std::string>& statistics,
                          const std::vector<std::uint32_t>& cells, std::uint32_t bins, std::uint32_t lags, std::uint32_t segment,
                          std::uint64_t seed, py::object progress) {
    solvers::SampleOptions options;
    options.kT = kT;
    options.chains = chains;
    options.records = records;
    options.burn_in = burn_in;
    options.spacing = spacing;
    options.meters = meters;
    options.keep_states = keep_states;
    options.statistics = choice_of(statistics, cells, bins, lags, segment);
    options.seed = seed;
    solvers::Sampling found = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return solvers::sample(opened, network, options);
    });
    py::dict is;
    is["burn_in"] = found.burn_in;
    is["spacing"] = found.spacing;
    is["certificate"] = found.certificate ? py::cast(*found.certificate) : py::object(py::none());
    is["statistics"] = statistics_of(found.statistics, network.cells());
    is["samples"] = std::move(found.samples);
    return is;
  });
}

// -- linear algebra -----------------------------------------------------------------------------------------------------

/// `shape`: of the values; () a number.
py::dict linear_of(const LinearResult& result, const std::vector<py::ssize_t>& shape) {
  py::dict is;
  const auto shaped = [&](const std::vector<double>& values) {
    return shape.empty() ? py::object(py::float_(values.front())) : py::object(array_of(values).reshape(shape));
  };
  is["values"] = shaped(result.values);
  is["standard_errors"] = shaped(result.standard_errors);
  is["relative_error"] = result.relative_error;
  is["reached"] = result.reached;
  is["kT"] = result.kT;
  is["relaxation_time"] = result.relaxation_time;
  is["averaged_time"] = result.averaged_time;
  is["burn_in_time"] = result.burn_in_time;
  is["device_seconds"] = result.device_seconds;
  is["notes"] = result.notes;
  return is;
}

#define HEATBATH_LINEAR_ARGUMENTS double tolerance, double kT, std::uint32_t shots, double most_time, std::uint64_t seed, py::object progress
#define HEATBATH_LINEAR_OPTIONS \
  solvers::LinearOptions { .tolerance = tolerance, .kT = kT, .shots = shots, .most_time = most_time, .seed = seed, .progress = nullptr }

template <class Work>
LinearResult linear(PyDevice& device, solvers::LinearOptions options, py::object progress, Work&& work) {
  return without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
    options.progress = std::move(of);
    return work(opened, options);
  });
}

void bind_linear(py::module_& module) {
  module.def("solve", [](PyDevice& device, const py::object& A, const py::object& b, HEATBATH_LINEAR_ARGUMENTS) {
    const std::vector<double> matrix = copied_square(A, "solve: A");
    const std::size_t n = rows_of(matrix);
    const std::vector<double> right = copied_vector(b, n, "solve: b");
    return linear_of(linear(device, HEATBATH_LINEAR_OPTIONS, std::move(progress), [&](Device& opened, const auto& options) {
      return solvers::solve(opened, matrix, right, options);
    }), {static_cast<py::ssize_t>(n)});
  });
  module.def("inverse", [](PyDevice& device, const py::object& A, HEATBATH_LINEAR_ARGUMENTS) {
    const std::vector<double> matrix = copied_square(A, "inverse: A");
    const auto n = static_cast<py::ssize_t>(rows_of(matrix));
    return linear_of(linear(device, HEATBATH_LINEAR_OPTIONS, std::move(progress), [&](Device& opened, const auto& options) {
      return solvers::inverse(opened, matrix, options);
    }), {n, n});
  });
  module.def("lyapunov", [](PyDevice& device, const py::object& A, const py::object& R, HEATBATH_LINEAR_ARGUMENTS) {
    const std::vector<double> drift = copied_square(A, "lyapunov: A"), noise = copied_square(R, "lyapunov: R");
    const auto n = static_cast<py::ssize_t>(rows_of(drift));
    return linear_of(linear(device, HEATBATH_LINEAR_OPTIONS, std::move(progress), [&](Device& opened, const auto& options) {
      return solvers::lyapunov(opened, drift, noise, options);
    }), {n, n});
  });
  module.def("exponential", [](PyDevice& device, const py::object& A, double time, HEATBATH_LINEAR_ARGUMENTS) {
    const std::vector<double> matrix = copied_square(A, "exponential: A");
    const auto n = static_cast<py::ssize_t>(rows_of(matrix));
    return linear_of(linear(device, HEATBATH_LINEAR_OPTIONS, std::move(progress), [&](Device& opened, const auto& options) {
      return solvers::exponential(opened, matrix, time, options);
    }), {n, n});
  });
  module.def("log_determinant", [](PyDevice& device, const py::object& A, HEATBATH_LINEAR_ARGUMENTS) {
    const std::vector<double> matrix = copied_square(A, "log_determinant: A");
    return linear_of(linear(device, HEATBATH_LINEAR_OPTIONS, std::move(progress), [&](Device& opened, const auto& options) {
      return solvers::log_determinant(opened, matrix, options);
    }), {});
  });
  module.def("posterior", [](PyDevice& device, const py::object& prior_precision, const py::object& prior_mean, const py::object& design,
                             const py::object& noise_variance, const py::object& data, HEATBATH_LINEAR_ARGUMENTS) {
    solvers::GaussianModel model;
    model.prior_precision = copied_square(prior_precision, "posterior: prior_precision");
    const std::size_t n = rows_of(model.prior_precision);
    model.prior_mean = copied_vector(prior_mean, n, "posterior: prior_mean");
    const auto rows = numbers<double>(design, "posterior: design");
    if (rows.ndim() != 2 || static_cast<std::size_t>(rows.shape(1)) != n) bad_shape(rows, "posterior: design", "(data, " + std::to_string(n) + ")");
    model.design.assign(rows.data(), rows.data() + rows.size());
    const auto count = static_cast<std::size_t>(rows.shape(0));
    const auto variance = numbers<double>(noise_variance, "posterior: noise_variance");
    if (variance.ndim() > 1) bad_shape(variance, "posterior: noise_variance", "() or (data,)");
    model.noise_variance.assign(variance.data(), variance.data() + variance.size());
    const std::vector<double> measured = copied_vector(data, count, "posterior: data");
    solvers::LinearOptions options = HEATBATH_LINEAR_OPTIONS;
    const solvers::PosteriorResult found = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return solvers::posterior(opened, model, measured, options);
    });
    const auto size = static_cast<py::ssize_t>(n);
    return std::pair(linear_of(found.mean, {size}), linear_of(found.covariance, {size, size}));
  });
}

#undef HEATBATH_LINEAR_ARGUMENTS
#undef HEATBATH_LINEAR_OPTIONS

// -- logistic regression -------------------------------------------------------------------------------------------------

void bind_logistic(py::module_& module) {
  module.def("logistic", [](PyDevice& device, const py::object& prior_precision, const py::object& prior_mean, const py::object& design,
                            const py::object& labels, std::uint32_t chains, std::uint32_t draws, std::uint32_t burn_in, double relaxations,
                            std::uint64_t seed, py::object progress) {
    solvers::LogisticModel model;
    model.prior_precision = copied_square(prior_precision, "logistic: prior_precision");
    const std::size_t n = rows_of(model.prior_precision);
    if (!prior_mean.is_none()) model.prior_mean = copied_vector(prior_mean, n, "logistic: prior_mean");
    const auto rows = numbers<double>(design, "logistic: design");
    if (rows.ndim() != 2 || static_cast<std::size_t>(rows.shape(1)) != n) bad_shape(rows, "logistic: design", "(rows, " + std::to_string(n) + ")");
    model.design.assign(rows.data(), rows.data() + rows.size());
    const std::vector<double> seen = copied_vector(labels, static_cast<std::size_t>(rows.shape(0)), "logistic: labels");
    solvers::LogisticOptions options;
    options.chains = chains;
    options.draws = draws;
    options.burn_in = burn_in;
    options.relaxations = relaxations;
    options.seed = seed;
    const solvers::LogisticResult found = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return solvers::logistic(opened, model, seen, options);
    });
    const auto size = static_cast<py::ssize_t>(n);
    py::dict is;
    is["mean"] = array_of(found.mean);
    is["covariance"] = array_of(found.covariance).reshape({py::ssize_t{2}, size, size});
    is["draws"] = array_of(found.draws).reshape({static_cast<py::ssize_t>(chains), static_cast<py::ssize_t>(draws), size});
    is["notes"] = found.notes;
    is["device_ticks"] = found.device_ticks.count;
    return is;
  });
}

// -- derivatives -----------------------------------------------------------------------------------------------------------

solvers::Parameter parameter_of(const py::handle& given) {
  if (!py::isinstance<py::tuple>(given) || py::len(given) != 2) throw py::type_error("gradient: a parameter is (section, cell) or (cell, cell)");
  const auto two = py::reinterpret_borrow<py::tuple>(given);
  const auto j = two[1].cast<std::uint32_t>();
  if (py::isinstance<py::str>(two[0])) return solvers::Parameter::of(section_named(two[0].cast<std::string>(), false, "gradient"), j);
  return solvers::Parameter::coupling(two[0].cast<std::uint32_t>(), j);
}

solvers::GradientMethod method_named(const std::string& name) {
  if (name == "equilibrium") return solvers::GradientMethod::equilibrium;
  if (name == "common noise") return solvers::GradientMethod::common_noise;
  if (name == "path weights") return solvers::GradientMethod::path_weights;
  throw Error(HB_BAD_ARG, "gradient: methods are 'equilibrium', 'common noise' and 'path weights', not '" + name + "'");
}

void bind_gradient(py::module_& module) {
  module.def("gradient", [](PyDevice& device, const Network& network, const py::list& parameters, const py::function& observable,
                            const std::string& method, double kT, double time, const py::object& start, std::uint32_t shots,
                            std::uint32_t records, double difference, double stiffness, std::uint64_t seed, py::object progress) {
    std::vector<solvers::Parameter> wanted;
    for (const auto& each : parameters) wanted.push_back(parameter_of(each));
    solvers::GradientOptions options;
    options.method = method_named(method);
    options.kT = kT;
    options.time = time;
    if (!start.is_none()) options.start = copied_vector(start, network.cells(), "gradient: start");
    options.shots = shots;
    options.records = records;
    options.difference = difference;
    options.stiffness = stiffness;
    options.seed = seed;
    const solvers::Observable value_of = [&](std::span<const double> state) {
      const py::gil_scoped_acquire gil;
      return observable(py::array_t<double>(static_cast<py::ssize_t>(state.size()), state.data())).cast<double>();
    };
    const solvers::Gradient found = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return solvers::gradient(opened, network, wanted, value_of, options);
    });
    return std::pair(named(found.mean), named(found.derivatives));
  });
}

}  // namespace

void bind_solvers(py::module_& module) {
  bind_sample_set(module);
  bind_sample(module);
  bind_linear(module);
  bind_logistic(module);
  bind_gradient(module);
}

}  // namespace heatbath::python
