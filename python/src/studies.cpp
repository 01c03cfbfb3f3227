// The studies: what a score-based model can reach, and what a machine that stays in its basins knows.

#include <functional>
#include <iterator>

#include <pybind11/functional.h>
#include <pybind11/stl.h>

#include "bound.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/studies/ergodicity.hpp"
#include "heatbath/studies/score_bound.hpp"
#include "heatbath/trainers/setting_names.hpp"

namespace heatbath::python {

py::tuple estimate_of(const measure::Estimate& estimate) {
  return py::make_tuple(estimate.value, estimate.standard_error, estimate.effective_samples);
}

namespace {

using measure::Estimate;
using trainers::Board;
using trainers::DataLaw;

/// A number, or an Estimate as its three.
py::object plain(double value) { return py::float_(value); }
py::object plain(const Estimate& value) { return estimate_of(value); }
py::object plain(const std::vector<double>& values) {
  return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
}
template <typename T>
py::object plain(const std::optional<T>& value) {
  return value ? plain(*value) : py::object(py::none());
}
template <typename List, typename Row>
py::list rows_of(const List& list, Row&& row) {
  py::list rows;
  for (const auto& each : list) rows.append(row(each));
  return rows;
}

const char* name_of_board(Board board) {
  return board == Board::bistable ? "bistable" : board == Board::spins ? "spins" : "spins one by one";
}

py::dict bound_of(const trainers::BoundResult& result) {
  py::dict out;
  out["samples"] = result.samples;
  out["evaluated"] = result.evaluated;
  out["unit"] = result.unit;
  out["nll_is_density"] = result.nll_is_density;
#define HEATBATH_MEMBER(name) out[#name] = plain(result.name)
  HEATBATH_MEMBER(entropy_data);
  HEATBATH_MEMBER(entropy_end);
  HEATBATH_MEMBER(nll);
  HEATBATH_MEMBER(bound);
  HEATBATH_MEMBER(gap);
  HEATBATH_MEMBER(half_path_kl);
  HEATBATH_MEMBER(terminal_kl);
  HEATBATH_MEMBER(gap_naive_score);
  HEATBATH_MEMBER(gap_naive_divergence);
  HEATBATH_MEMBER(identity_ratio);
  HEATBATH_MEMBER(production);
  HEATBATH_MEMBER(divergence_drop);
  HEATBATH_MEMBER(exchange_total);
  HEATBATH_MEMBER(heat_total);
  HEATBATH_MEMBER(generation_ratio);
  HEATBATH_MEMBER(wasserstein_floor);
  HEATBATH_MEMBER(data_values);
  HEATBATH_MEMBER(generated_values);
#undef HEATBATH_MEMBER
  out["rates"] = rows_of(result.rates, [](const trainers::EntropyRate& rate) {
    return py::make_tuple(rate.time, rate.clock, estimate_of(rate.system), estimate_of(rate.intrinsic), estimate_of(rate.exchange),
                          estimate_of(rate.heat));
  });
  out["generations"] = rows_of(result.generations, [](const trainers::Generation& of) {
    return py::make_tuple(of.time, of.clock, estimate_of(of.wasserstein), estimate_of(of.divergence), estimate_of(of.heat),
                          estimate_of(of.entropy_production), of.noising_production);
  });
  out["generated_by_cell"] = result.generated_by_cell;
  out["heat_source"] = result.heat_source;
  out["clips"] = result.clips;
  out["rails"] = result.rails;
  out["seconds"] = result.seconds;
  out["stopped"] = result.stopped;
  return out;
}

py::tuple escape_of(const trainers::EscapeTime& escape) {
  return py::make_tuple(escape.parameter, escape.cells, estimate_of(escape.measured), escape.exact, escape.escapes, escape.runs);
}

py::dict ergodicity_of(const trainers::ErgodicityReport& report) {
  py::dict out;
  out["problem"] = report.problem;
  out["cells"] = report.cells;
  out["patterns"] = report.patterns;
  out["parameters_single"] = report.parameters_single;
  out["parameters_experts"] = report.parameters_experts;
#define HEATBATH_MEMBER(name) out[#name] = plain(report.name)
  HEATBATH_MEMBER(conjoint_free_energy);
  HEATBATH_MEMBER(entropy);
  HEATBATH_MEMBER(kl_single);
  HEATBATH_MEMBER(kl_experts);
  HEATBATH_MEMBER(kl_single_exact);
  HEATBATH_MEMBER(kl_experts_exact);
  HEATBATH_MEMBER(likelihood_single);
  HEATBATH_MEMBER(likelihood_experts);
  HEATBATH_MEMBER(margin);
  HEATBATH_MEMBER(r_hat_linear);
  HEATBATH_MEMBER(state_data);
  HEATBATH_MEMBER(state_single);
  HEATBATH_MEMBER(state_experts);
  HEATBATH_MEMBER(shares_data);
  HEATBATH_MEMBER(shares_single);
  HEATBATH_MEMBER(shares_experts);
#undef HEATBATH_MEMBER
  out["digits"] = std::vector<int>(report.digits.begin(), report.digits.end());
  out["ladder"] = rows_of(report.ladder, [](const trainers::LadderRow& row) {
    return py::make_tuple(row.exact.order, row.exact.divergence, plain(row.measured));
  });
  out["experts"] = rows_of(report.experts, [](const trainers::ErgodicityReport::Expert& expert) {
    return py::make_tuple(expert.share, estimate_of(expert.free_energy), plain(expert.free_energy_exact));
  });
  out["parity"] = rows_of(report.parity, [](const trainers::ParityRow& row) {
    return py::make_tuple(row.strength, name_of_board(row.board), estimate_of(row.measured), row.exact);
  });
  py::dict library;
  library["cells"] = report.library.cells;
  library["patterns"] = report.library.patterns;
  library["points"] = rows_of(report.library.points, [](const trainers::LibraryPoint& point) {
    return py::make_tuple(point.kT, estimate_of(point.measured), point.exact, point.ideal);
  });
  library["transition"] = estimate_of(report.library.transition);
  library["transition_exact"] = report.library.transition_exact;
  library["transition_ideal"] = report.library.transition_ideal;
  out["library"] = library;
  out["breaking"] = rows_of(report.breaking, [](const trainers::BreakingPoint& point) {
    return py::make_tuple(point.beta, point.cells, point.r_hat, estimate_of(point.square_overlap), point.square_overlap_exact);
  });
  out["escapes_spins"] = rows_of(report.escapes_spins, escape_of);
  out["escapes_wells"] = rows_of(report.escapes_wells, escape_of);
  out["left_out"] = report.left_out;
  return out;
}

trainers::Patterns patterns_of(const py::object& spins, const py::object& weights, const std::string& source) {
  const auto rows = numbers<double>(spins, "Patterns");
  if (rows.ndim() != 2 || rows.size() == 0) bad_shape(rows, "Patterns", "(patterns, cells)");
  trainers::Patterns patterns;
  patterns.cells = static_cast<std::uint32_t>(rows.shape(1));
  const auto count = static_cast<std::size_t>(rows.shape(0));
  for (const double spin : span_of(rows)) {
    if (spin != 1 && spin != -1) throw Error(HB_BAD_ARG, "Patterns: spins are +1 and -1");
    patterns.spins.push_back(static_cast<trainers::Spin>(spin));
  }
  patterns.weights.assign(count, 1.0 / static_cast<double>(count));
  if (!weights.is_none()) {
    const auto given = numbers<double>(weights, "Patterns: weights");
    if (given.ndim() != 1 || static_cast<std::size_t>(given.size()) != count)
      bad_shape(given, "Patterns: weights", "(" + std::to_string(count) + ",)");
    double sum = 0;
    for (const double weight : span_of(given)) {
      if (!(weight > 0 && weight < 1e300)) throw Error(HB_BAD_ARG, "Patterns: weights are positive numbers");
      sum += weight;
    }
    for (std::size_t k = 0; k < count; ++k) patterns.weights[k] = given.data()[k] / sum;
  }
  patterns.source = source;
  return patterns;
}

/// The progress of a study: what is being done, and the fraction of the whole.
class StudyWatch {
 public:
  explicit StudyWatch(py::object progress) : watch_(std::move(progress)) {}
  bool operator()(std::string_view, double fraction) { return watch_(fraction); }
  void end() { watch_.end(); }

 private:
  Watch watch_;
};

template <typename Study>
py::dict studied(const py::function& boards, std::uint32_t experts, std::uint64_t seed, std::uint32_t updates, double limit,
                 std::uint32_t library_cells, double effort, py::object progress, Study&& study) {
  trainers::ErgodicityOptions options;
  options.experts = experts;
  options.seed = seed;
  options.updates = updates;
  options.limit = limit;
  options.library_cells = library_cells;
  options.effort = effort;
  StudyWatch watch(std::move(progress));
  const trainers::OpenBoard open_board = [&](Board board, std::uint32_t cells) {
    std::string uri;
    {
      const py::gil_scoped_acquire gil;
      try {
        uri = boards(name_of_board(board), cells).cast<std::string>();
      } catch (py::error_already_set& raised) {
        if (!raised.matches(py::module_::import("heatbath.errors").attr("UnsupportedError"))) throw;
        throw Error(HB_UNSUPPORTED, std::string(py::str(raised.value())));
      }
    }
    return open(uri);
  };
  trainers::ErgodicityState state;
  trainers::ErgodicityReport report;
  {
    const py::gil_scoped_release no_gil;
    report = study(open_board, options, state, std::ref(watch));
  }
  watch.end();
  return ergodicity_of(report);
}

#define HEATBATH_STUDY_ARGUMENTS                                                                                          \
  const py::function &boards, std::uint32_t experts, std::uint64_t seed, std::uint32_t updates, double limit,             \
      std::uint32_t library_cells, double effort, py::object progress
#define HEATBATH_STUDY_VALUES boards, experts, seed, updates, limit, library_cells, effort, std::move(progress)
#define HEATBATH_STUDY_DEFAULTS                                                                                           \
  py::arg("boards"), py::arg("experts") = 2, py::arg("seed") = 1, py::arg("updates") = 300, py::arg("limit") = 3.0,       \
      py::arg("library_cells") = 8, py::arg("effort") = 1.0, py::arg("progress") = py::none()

}  // namespace

void bind_studies(py::module_& module) {
  py::class_<DataLaw>(module, "DataLaw", "A law of one real variable: what a score-based model learns from.")
      .def_static("gaussian", &DataLaw::gaussian, py::arg("deviation"))
      .def_static("uniform", &DataLaw::uniform, py::arg("half_width"))
      .def_static("mixture", &DataLaw::mixture, py::arg("weights"), py::arg("means"), py::arg("variances"), "Of Gaussians.")
      .def_static("values", [](const py::object& values, const std::string& source) {
        const auto array = numbers<double>(values, "DataLaw.values");
        if (array.ndim() != 1) bad_shape(array, "DataLaw.values", "(values,)");
        return DataLaw::values({array.data(), array.data() + array.size()}, source);
      }, py::arg("values"), py::arg("source") = "an array", "At least 16 values, of mean 0 and variance 1 or about.")
      .def_property_readonly("name", &DataLaw::name)
      .def_property_readonly("mean", &DataLaw::mean)
      .def_property_readonly("variance", &DataLaw::variance)
      .def("draw", [](const DataLaw& law, std::uint64_t seed, std::size_t count) {
        const std::vector<double> values = law.draw(seed, count);
        return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
      }, py::arg("seed"), py::arg("count"), "Independent values: float64, (count,).")
      .def("__repr__", [](const DataLaw& law) { return "<heatbath.studies.DataLaw " + law.name() + ">"; });

  module.def("score_bound", [](PyDevice& device, const DataLaw& law, const std::string& process, const std::string& score, double ratio,
                               std::uint32_t samples, std::uint32_t levels, double duration, double sigma, std::uint64_t seed,
                               bool generate, py::object progress) {
    Watch watch(std::move(progress));
    trainers::BoundOptions options;
    options.process = trainers::process_named(process, "process");
    options.score = trainers::score_kind_named(score, "score");
    options.ratio = ratio;
    options.samples = samples;
    options.levels = levels;
    options.duration = duration;
    options.sigma = sigma;
    options.seed = seed;
    options.generate = generate;
    options.progress = std::ref(watch);
    OwnedDevice::Use use(*device.owned());
    trainers::BoundResult result;
    {
      const py::gil_scoped_release no_gil;
      result = trainers::score_bound(*use, law, options);
    }
    watch.end();
    return bound_of(result);
  }, py::arg("device"), py::arg("law"), py::arg("process"), py::arg("score"), py::arg("ratio"), py::arg("samples"), py::arg("levels"),
             py::arg("duration"), py::arg("sigma"), py::arg("seed"), py::arg("generate"), py::arg("progress"));

  py::class_<trainers::Patterns>(module, "Patterns", "Patterns of +1 and -1, with weights of sum 1.")
      .def(py::init(&patterns_of), py::arg("spins"), py::arg("weights") = py::none(), py::arg("source") = "an array",
           "spins: (patterns, cells); weights: (patterns,), brought to the sum 1; None: equal ones.")
      .def_static("parity", &trainers::parity_patterns, "The four states of three cells with an even number of cells down.")
      .def_static("two", &trainers::two_patterns, "1111 of weight 3/4 and 0011 of weight 1/4.")
      .def_static("read", [](const std::string& path) { return trainers::read_patterns(path); }, py::arg("path"))
      .def_property_readonly("spins", [](const py::object& self) {
        const auto& of = self.cast<const trainers::Patterns&>();
        return lent<std::int8_t>({static_cast<py::ssize_t>(of.size()), of.cells}, of.spins.data(), self);
      }, "int8, (patterns, cells).")
      .def_property_readonly("weights", [](const py::object& self) {
        const auto& of = self.cast<const trainers::Patterns&>();
        return lent<double>({static_cast<py::ssize_t>(of.size())}, of.weights.data(), self);
      }, "float64, (patterns,).")
      .def_readonly("source", &trainers::Patterns::source)
      .def("__len__", &trainers::Patterns::size);

  module.def("study_patterns", [](const trainers::Patterns& patterns, HEATBATH_STUDY_ARGUMENTS) {
    return studied(HEATBATH_STUDY_VALUES, [&](const auto& open_board, const auto& options, auto& state, const auto& watch) {
      return trainers::study_patterns(open_board, patterns, patterns.source, options, state, {}, watch);
    });
  }, py::arg("patterns"), HEATBATH_STUDY_DEFAULTS);
  module.def("study_digits", [](const trainers::Images& images, const std::vector<std::uint8_t>& digits, std::uint32_t learned,
                                std::uint32_t held_out, double rare_share, HEATBATH_STUDY_ARGUMENTS) {
    const trainers::BinaryDigits set = trainers::binary_digits(images, digits, learned, held_out, rare_share);
    return studied(HEATBATH_STUDY_VALUES, [&](const auto& open_board, const auto& options, auto& state, const auto& watch) {
      return trainers::study_digits(open_board, set, options, state, {}, watch);
    });
  }, py::arg("images"), py::arg("digits"), py::arg("learned"), py::arg("held_out"), py::arg("rare_share"), HEATBATH_STUDY_DEFAULTS);
}

}  // namespace heatbath::python
