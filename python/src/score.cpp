// Score networks made of cells: learned from images, drawn from on a device, judged.

#include <functional>
#include <string>

#include <unistd.h>

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "calls.hpp"
#include "files/atomic_file.hpp"
#include "files/score_network_file.hpp"
#include "heatbath/trainers/drawing_judge.hpp"
#include "heatbath/trainers/score_drawing.hpp"
#include "heatbath/trainers/score_network.hpp"

namespace heatbath::python {
namespace {

using trainers::Images;
using trainers::ScoreCheckpoint;
using trainers::ScoreDrawings;
using trainers::ScoreNetwork;
using trainers::ScoreOptions;
using trainers::ScoreTrainer;

/// Each by its name: what a pickle and `state` hold.
py::dict network_state(const ScoreNetwork& of) {
  py::dict state;
  state["rows"] = of.rows;
  state["columns"] = of.columns;
  state["hidden"] = of.hidden;
  state["labels"] = of.labels;
  state["A"] = of.A;
  state["B"] = of.B;
  std::vector<double> tau;
  py::list parameters;
  for (const trainers::ScoreSegment& segment : of.segments) {
    if (tau.empty()) tau.push_back(segment.tau_first);
    tau.push_back(segment.tau_last);
    if (!segment.parameters.empty()) parameters.append(array_of(segment.parameters));
  }
  state["tau"] = array_of(tau);
  state["parameters"] = parameters;
  return state;
}

ScoreNetwork network_of(const py::dict& state) {
  ScoreNetwork of;
  of.rows = state["rows"].cast<std::uint32_t>();
  of.columns = state["columns"].cast<std::uint32_t>();
  of.hidden = state["hidden"].cast<std::uint32_t>();
  of.labels = state["labels"].cast<std::uint32_t>();
  of.A = state["A"].cast<double>();
  of.B = state["B"].cast<double>();
  if (of.rows == 0 || of.columns == 0 || of.hidden == 0 || of.labels > 10 || of.rows > 4096 || of.columns > 4096 || of.hidden > 65536 ||
      !(of.B > 0) || !std::isfinite(of.A) || !std::isfinite(of.B))
    throw Error(HB_BAD_ARG, "ScoreNetwork: rows, columns and hidden are 1 or more, labels at most 10, B is positive");
  const auto tau = numbers<double>(state["tau"], "ScoreNetwork: tau");
  if (tau.ndim() != 1 || tau.size() < 2) bad_shape(tau, "ScoreNetwork: tau", "(segments + 1,)");
  for (py::ssize_t k = 0; k + 1 < tau.size(); ++k) {
    if (!(tau.data()[k] > tau.data()[k + 1]) || !(tau.data()[k + 1] > 0) || !std::isfinite(tau.data()[k]))
      throw Error(HB_BAD_ARG, "ScoreNetwork: the values of tau fall, and are positive");
    of.segments.push_back({tau.data()[k], tau.data()[k + 1], {}});
  }
  const py::sequence parameters = state["parameters"];
  if (py::len(parameters) > of.segments.size()) throw Error(HB_BAD_ARG, "ScoreNetwork: more parameters than segments");
  for (std::size_t s = 0; s < py::len(parameters); ++s) {
    of.segments[s].parameters = copied_from<float>(parameters[s], "ScoreNetwork: parameters", of.layout().size());
    for (const float value : of.segments[s].parameters)
      if (!std::isfinite(value)) throw Error(HB_BAD_ARG, "ScoreNetwork: a parameter of segment " + std::to_string(s) + " is not finite");
  }
  return of;
}

void bind_network_of_scores(py::module_& module) {
  py::class_<ScoreNetwork, std::shared_ptr<ScoreNetwork>>(module, "ScoreNetwork", R"(A score network made of cells: slow visible cells, fast hidden ones, parameters of its own in each segment of the noise. In units
of kT the force on visible cells is F(x) = a o x + c + L'y + W'm(u), u = W x + b + U'y, y being the label cells and m the mean of a
hidden cell exp(-A h^2 - B h^4 + u h). It pickles.)")
      .def(py::init([](const py::kwargs& state) { return network_of(state); }), "rows, columns, hidden, labels, A, B, tau and parameters, as the attributes.")
      .def_readonly("rows", &ScoreNetwork::rows)
      .def_readonly("columns", &ScoreNetwork::columns)
      .def_readonly("hidden", &ScoreNetwork::hidden)
      .def_readonly("labels", &ScoreNetwork::labels, "Label cells, one per class.")
      .def_property_readonly("visible", &ScoreNetwork::visible)
      .def_property_readonly("cells", &ScoreNetwork::cells)
      .def_readonly("A", &ScoreNetwork::A)
      .def_readonly("B", &ScoreNetwork::B)
      .def_property_readonly("segments", [](const ScoreNetwork& of) { return of.segments.size(); })
      .def_property_readonly("tau", [](const ScoreNetwork& of) { return py::object(network_state(of)["tau"]); },
                             "float64, (segments + 1,): segment k draws from tau[k] down to tau[k + 1]; x_tau = e^-tau x_0 + sqrt(1 - e^-2tau) n.")
      .def_property_readonly("parameters", [](const ScoreNetwork& of) { return py::object(network_state(of)["parameters"]); },
                             "float32, (parameters,) of each segment that has begun: W, a, c, L, b, U one after the other; copies.")
      .def("segment", [](const py::object& self, std::size_t k) {
        const auto& of = self.cast<const ScoreNetwork&>();
        if (k >= of.segments.size() || of.segments[k].parameters.empty()) throw py::index_error("segment " + std::to_string(k) + " is not there, or not begun");
        const trainers::ScoreLayout at = of.layout();
        const float* first = of.segments[k].parameters.data();
        const py::ssize_t visible = at.visible(), hidden = at.hidden(), labels = at.labels();
        py::dict is;
        is["W"] = lent<float>({hidden, visible}, first, self);
        is["a"] = lent<float>({visible}, first + at.a(), self);
        is["c"] = lent<float>({visible}, first + at.c(), self);
        is["L"] = lent<float>({labels, visible}, first + at.L(), self);
        is["b"] = lent<float>({hidden}, first + at.b(), self);
        is["U"] = lent<float>({labels, hidden}, first + at.U(), self);
        return is;
      }, py::arg("k"), "float32 arrays without a copy: W (hidden, visible), a, c (visible,), L (labels, visible), b (hidden,), U (labels, hidden).")
      .def_static("read", [](const std::filesystem::path& path) { return std::make_shared<ScoreNetwork>(apps::load_score_network(path).network); }, py::arg("path"),
                  "A score_network.h5 of ScoreTrainer.save or of `heatbath train score`. IoError names file, key and what would be right. Needs h5py.")
      .def(py::pickle(&network_state, [](const py::dict& state) { return std::make_shared<ScoreNetwork>(network_of(state)); }))
      .def("__repr__", [](const ScoreNetwork& of) {
        return "<heatbath.trainers.ScoreNetwork: " + std::to_string(of.visible()) + " + " + std::to_string(of.hidden) + " + " + std::to_string(of.labels) +
               " cells, " + std::to_string(of.segments.size()) + " segments>";
      });
}

/// Every option of a training that its state holds, by name.
template <class Options, class Of>
void each_setting(Options& options, Of of) {
  of("hidden", options.hidden);
  of("segments", options.segments);
  of("steps", options.steps);
  of("first_steps", options.first_steps);
  of("batch", options.batch);
  of("learning_rate", options.learning_rate);
  of("coarse_noise", options.coarse_noise);
  of("coarse_rate", options.coarse_rate);
  of("tau_first", options.tau_first);
  of("tau_last", options.tau_last);
  of("A", options.A);
  of("B", options.B);
  of("labels", options.labels);
  of("unlabelled", options.unlabelled);
  of("seed", options.seed);
}

class PyScoreTrainer {
 public:
  PyScoreTrainer(Images images, const ScoreOptions& options) : images_(std::move(images)) {
    const py::gil_scoped_release no_gil;
    trainer_ = std::make_unique<ScoreTrainer>(images_, options);
  }
  ~PyScoreTrainer() {
    if (::getpid() != process_) static_cast<void>(trainer_.release());  // its threads are the parent's
  }
  PyScoreTrainer(const PyScoreTrainer&) = delete;
  PyScoreTrainer& operator=(const PyScoreTrainer&) = delete;

  void train(const py::object& after, py::object progress) {
    ScoreTrainer& trainer = whole();
    const InCall::Scope here(in_call_, "ScoreTrainer.train");
    Watch watch(std::move(progress));
    bool ended = false;
    {
      const py::gil_scoped_release no_gil;
      trainer.train([&](std::uint64_t done, std::uint64_t total, double loss) {
        return told_after(after, watch, static_cast<double>(done) / static_cast<double>(total), ended, done, total, loss);
      });
    }
    if (ended) throw Error(HB_ABORTED, "ScoreTrainer.train: stopped by its progress; a further call goes on");
    if (trainer.finished()) watch.end();
  }

  py::dict state() {
    const ScoreOptions& o = whole().options();
    const ScoreCheckpoint& at = whole().checkpoint();
    py::dict options, checkpoint, state;
    each_setting(o, [&](const char* name, const auto& value) { options[name] = value; });
    checkpoint["segment"] = at.segment;
    checkpoint["step"] = at.step;
    checkpoint["momentum"] = array_of(at.momentum);
    checkpoint["square"] = array_of(at.square);
    checkpoint["losses"] = array_of(at.losses);
    checkpoint["loss_sum"] = at.loss_sum;
    state["network"] = std::make_shared<ScoreNetwork>(whole().network());
    state["options"] = options;
    state["checkpoint"] = checkpoint;
    return state;
  }

  void resume(const py::dict& state) {
    const py::dict options = state["options"], checkpoint = state["checkpoint"];
    ScoreOptions o;
    each_setting(o, [&](const char* name, auto& value) { value = options[name].cast<std::remove_cvref_t<decltype(value)>>(); });
    ScoreCheckpoint at;
    at.segment = checkpoint["segment"].cast<std::uint32_t>();
    at.step = checkpoint["step"].cast<std::uint32_t>();
    at.momentum = every<float>(checkpoint["momentum"]);
    at.square = every<float>(checkpoint["square"]);
    at.losses = every<double>(checkpoint["losses"]);
    at.loss_sum = checkpoint["loss_sum"].cast<double>();
    ScoreTrainer& trainer = whole();
    const InCall::Scope here(in_call_, "ScoreTrainer.resume");
    trainer.resume(state["network"].cast<const ScoreNetwork&>(), o, std::move(at));
  }

  /// As `heatbath train score` keeps it.
  void save(const std::filesystem::path& path, std::uint64_t held_out) {
    const apps::SavedScoreNetwork saved{whole().network(), whole().options(), whole().checkpoint(), images_.source, held_out};
    apps::prepare_file(path);
    apps::save_score_network(path, saved);
  }

  void resume_from(const std::filesystem::path& path) {
    ScoreTrainer& trainer = whole();
    const InCall::Scope here(in_call_, "ScoreTrainer.resume");
    apps::SavedScoreNetwork saved = apps::load_score_network(path);
    trainer.resume(saved.network, saved.options, std::move(saved.checkpoint));
  }

  ScoreTrainer& whole() {
    if (::getpid() != process_) throw Error(HB_BAD_ARG, "ScoreTrainer: made before this process was forked; make it again here");
    in_call_.check("ScoreTrainer");
    return *trainer_;
  }

 private:
  template <typename T>
  static std::vector<T> every(const py::object& values) {
    const auto array = numbers<T>(values, "ScoreTrainer.resume");
    return {array.data(), array.data() + array.size()};
  }

  Images images_;
  std::unique_ptr<ScoreTrainer> trainer_;
  InCall in_call_;
  pid_t process_ = ::getpid();
};

void bind_score_trainer(py::module_& module) {
  py::class_<PyScoreTrainer>(module, "ScoreTrainer", R"(Denoising score matching with tied weights, segment by segment from the noisiest on (docs/score.md). Touches no device. The same bits
as `heatbath train score` of the same options, for any number of threads.)")
      .def(py::init([](const Images& images, std::uint32_t hidden, std::uint32_t segments, std::uint32_t steps, std::uint32_t first_steps, std::uint32_t batch,
                       double learning_rate, double coarse_noise, double coarse_rate, double tau_first, double tau_last,
                       double A, double B, bool labels, double unlabelled, std::uint64_t seed, unsigned threads) {
        ScoreOptions options;
        options.hidden = hidden;
        options.segments = segments;
        options.steps = steps;
        options.first_steps = first_steps;
        options.batch = batch;
        options.learning_rate = learning_rate;
        options.coarse_noise = coarse_noise;
        options.coarse_rate = coarse_rate;
        options.tau_first = tau_first;
        options.tau_last = tau_last;
        options.A = A;
        options.B = B;
        options.labels = labels;
        options.unlabelled = unlabelled;
        options.seed = seed;
        options.threads = threads;
        return std::make_unique<PyScoreTrainer>(images, options);
      }), py::arg("images"), py::kw_only(), py::arg("hidden") = 512, py::arg("segments") = 16, py::arg("steps") = 1000, py::arg("first_steps") = 0,
           py::arg("batch") = 256, py::arg("learning_rate") = 3e-3, py::arg("coarse_noise") = 0.4, py::arg("coarse_rate") = 2e-2,
           py::arg("tau_first") = 3.0, py::arg("tau_last") = 0.01, py::arg("A") = 0.5,
           py::arg("B") = 1.0, py::arg("labels") = true, py::arg("unlabelled") = 0.1, py::arg("seed") = 1, py::arg("threads") = 0,
           R"(images: learned, copied; the command learns from split_images(draw_digits(1, 900), 1000)[0]. segments: 1 to 64, their ends equally spaced in log
tau. steps: of Adam in each segment; first_steps: in the first; 0: twice as many. Segments with more noise than coarse_noise (a variance; 1:
none) are learned again at coarse_rate. unlabelled: share of the batch learned with all
label cells at 0. BadArgError names the option.)")
      .def("train", &PyScoreTrainer::train, py::arg("after") = py::none(), py::kw_only(), py::arg("progress") = py::none(),
           R"(Makes the steps that are left. after(done, total, loss per visible cell) is called after each; False stops, and a further call goes on.
progress: as of Device.submit.)")
      .def_property_readonly("finished", [](PyScoreTrainer& of) { return of.whole().finished(); })
      .def_property_readonly("network", [](PyScoreTrainer& of) { return std::make_shared<ScoreNetwork>(of.whole().network()); }, "As it is now, a copy.")
      .def_property_readonly("losses", [](PyScoreTrainer& of) { return array_of(of.whole().checkpoint().losses); },
                             "float64: means over 50 steps, of all segments one after the other.")
      .def_property_readonly("state", &PyScoreTrainer::state, "All that resume() needs, a copy: a dict, which pickles.")
      .def("resume", &PyScoreTrainer::resume, py::arg("state"), "Takes up a training of the same options; BadArgError names what differs.")
      .def("resume", &PyScoreTrainer::resume_from, py::arg("path"), "The same, of a file of save() or of `heatbath train score`.")
      .def("save", &PyScoreTrainer::save, py::arg("path"), py::kw_only(), py::arg("held_out") = 0,
           R"(Writes where the training stands, whole, as the score_network.h5 of `heatbath train score`, whose --continue goes on from it and from which
`heatbath draw` draws. held_out: images at the end of the data that were not learned from. Needs h5py.)");
}

const char* name_of_end(trainers::LastNoise last) {
  return last == trainers::LastNoise::cold ? "cold" : last == trainers::LastNoise::averaged ? "averaged" : "none";
}

void bind_drawing(py::module_& module) {
  using Self = py::object;
  py::class_<ScoreDrawings>(module, "ScoreDrawings", "What a score network draws; arrays share its memory.")
      .def_property_readonly("images", [](const Self& self) {
        const auto& of = self.cast<const ScoreDrawings&>();
        return lent<float>({of.shots, of.visible}, of.images.data(), self);
      }, "float32, (shots, visible): 1 is ink, -1 background.")
      .def_property_readonly("asked", [](const Self& self) {
        const auto& of = self.cast<const ScoreDrawings&>();
        return lent<std::uint8_t>({size_of(of.asked)}, of.asked.data(), self);
      }, "uint8, (shots,): class of each; (0,) where unlabelled.")
      .def_property_readonly("heat", [](const Self& self) {
        const auto& of = self.cast<const ScoreDrawings&>();
        return lent<double>({size_of(of.heat)}, of.heat.data(), self);
      }, "float64, (shots,): heat given off, energy units of the device; (0,) without meters.")
      .def_property_readonly("heat_kT", [](const Self& self) {
        const auto& of = self.cast<const ScoreDrawings&>();
        return lent<double>({size_of(of.heat_kT)}, of.heat_kT.data(), self);
      }, "float64, (shots,): heat over the temperature it was given off at.")
      .def_property_readonly("paths", [](const Self& self) {
        const auto& of = self.cast<const ScoreDrawings&>();
        const auto each = static_cast<std::size_t>(of.path_times) * of.visible;
        return lent<float>({static_cast<py::ssize_t>(each == 0 ? 0 : of.paths.size() / each), of.path_times, of.visible}, of.paths.data(), self);
      }, "float32, (path_shots, path_times, visible): noise, the end of each segment, the picture.")
      .def_property_readonly("last_noise", [](const ScoreDrawings& of) { return name_of_end(of.last_noise); }, R"(How the last noise was removed: "none", "cold" or "averaged".)")
      .def_readonly("steps", &ScoreDrawings::steps, "Of the array in one drawing.")
      .def_readonly("device_seconds", &ScoreDrawings::device_seconds, "Of one drawing.")
      .def_readonly("clips", &ScoreDrawings::clips)
      .def_readonly("rails", &ScoreDrawings::rails)
      .def_readonly("seconds", &ScoreDrawings::seconds)
      .def("__len__", [](const ScoreDrawings& of) { return of.shots; })
      .def("__repr__", [](const ScoreDrawings& of) {
        return "<heatbath.trainers.ScoreDrawings: " + std::to_string(of.shots) + " of " + std::to_string(of.visible) + " cells>";
      });
  module.def("draw", [](PyDevice& device, const ScoreNetwork& network, std::uint32_t shots, std::vector<double> guidance, std::vector<double> class_guidance,
                        std::vector<std::uint8_t> asked, bool unlabelled, std::uint32_t steps, double hidden_step, double speed_ratio, std::uint32_t finish_steps, double finish,
                        bool remove_last_noise, std::uint32_t path_shots, std::uint64_t seed, std::uint32_t first_shot, py::object progress) {
    trainers::ScoreDrawOptions options;
    options.shots = shots;
    options.guidance = std::move(guidance);
    options.class_guidance = std::move(class_guidance);
    options.asked = std::move(asked);
    options.unlabelled = unlabelled;
    options.steps = steps;
    options.hidden_step = hidden_step;
    options.speed_ratio = speed_ratio;
    options.finish_steps = finish_steps;
    options.finish = finish;
    options.remove_last_noise = remove_last_noise;
    options.path_shots = path_shots;
    options.seed = seed;
    options.first_shot = first_shot;
    return std::make_unique<ScoreDrawings>(without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return trainers::draw(opened, network, options);
    }));
  }, py::arg("device"), py::arg("network"), py::arg("shots") = 1000, py::kw_only(), py::arg("guidance") = std::vector<double>{1.5},
             py::arg("class_guidance") = std::vector<double>{}, py::arg("asked") = std::vector<int>{}, py::arg("unlabelled") = false, py::arg("steps") = 60,
             py::arg("hidden_step") = 0.012, py::arg("speed_ratio") = 6.0, py::arg("finish_steps") = 20, py::arg("finish") = 1.0, py::arg("remove_last_noise") = true,
             py::arg("path_shots") = 3, py::arg("seed") = 1, py::arg("first_shot") = 0, py::arg("progress") = py::none(),
             R"(Draws with a score network on a device of overdamped cells: the same bits as `heatbath train score` of the same network and options.
asked: classes, in turn; []: all. guidance: what the label cell of the class is clamped to, in equal parts of the segments;
class_guidance: per class, on what lies above 1. steps: of the device in each segment, at least; more where hidden cells would
not be speed_ratio times as fast as visible ones. remove_last_noise: with cold
visible cells where the device has a temperature per cell, else by a mean of captures.)");
}

/// rows x pixels of images, of either shape.
py::array_t<float, py::array::c_style> drawn_of(const py::object& images, std::uint32_t pixels, const char* where) {
  const auto array = numbers<float>(images, where);
  const bool flat = array.ndim() == 2 && array.shape(1) == static_cast<py::ssize_t>(pixels);
  if (!flat && !(array.ndim() == 3 && array.shape(1) * array.shape(2) == static_cast<py::ssize_t>(pixels)))
    bad_shape(array, where, "(images, " + std::to_string(pixels) + ")");
  return array;
}

class PyReader {
 public:
  PyReader(const Images& data, std::uint64_t seed, unsigned threads, py::object progress) : pixels_(data.rows * data.columns) {
    Watch watch(std::move(progress));
    {
      const py::gil_scoped_release no_gil;
      reader_ = std::make_unique<trainers::DigitReader>(data, seed, threads, std::ref(watch));
    }
    watch.end();
  }
  const trainers::DigitReader& reader() const { return *reader_; }
  std::uint32_t pixels() const { return pixels_; }

 private:
  std::uint32_t pixels_;
  std::unique_ptr<trainers::DigitReader> reader_;
};

void bind_reader(py::module_& module) {
  py::class_<PyReader>(module, "DigitReader", "A network 784-200-10 of rectified units that reads digits: the judge of drawings, never part of a training of them.")
      .def(py::init<const Images&, std::uint64_t, unsigned, py::object>(), py::arg("images"), py::kw_only(), py::arg("seed") = 1, py::arg("threads") = 0,
           py::arg("progress") = py::none(), "Learns from `images`, of 28 x 28 pixels.")
      .def("read", [](const PyReader& of, const py::object& images) {
        const auto drawn = drawn_of(images, of.pixels(), "DigitReader.read");
        std::vector<std::uint8_t> classes;
        {
          const py::gil_scoped_release no_gil;
          classes = of.reader().read(span_of(drawn));
        }
        return array_of(classes);
      }, py::arg("images"), "Classes of images with pixels in [-1, 1], (images, pixels): uint8, (images,).")
      .def("accuracy", [](const PyReader& of, const Images& data) { return of.reader().accuracy(data); }, py::arg("images"), "Share that it reads as labelled.");
  module.def("split_images", [](const Images& images, std::size_t held_out) {
    trainers::SplitImages split = trainers::split_images(images, held_out);
    return py::make_tuple(std::move(split.learned), std::move(split.held_out));
  }, py::arg("images"), py::arg("held_out"), "(learned, held out): the last `held_out` images apart from the others.");
  module.def("judge_drawings", [](const py::object& drawings, const py::object& asked, const PyReader& reader, const Images& learned, const Images& held_out,
                                  unsigned threads) {
    const auto images = drawn_of(drawings, reader.pixels(), "judge_drawings");
    std::vector<std::uint8_t> classes;
    if (!asked.is_none()) {
      for (const std::uint32_t digit : cells_of(asked, "judge_drawings: asked")) {
        if (digit > 9) throw Error(HB_BAD_ARG, "judge_drawings: asked: a class is " + std::to_string(digit) + "; classes are 0 to 9");
        classes.push_back(static_cast<std::uint8_t>(digit));
      }
      if (!classes.empty() && static_cast<py::ssize_t>(classes.size()) != images.shape(0))
        throw Error(HB_BAD_ARG, "judge_drawings: " + std::to_string(classes.size()) + " classes asked for " + std::to_string(images.shape(0)) + " drawings");
    }
    trainers::DrawingQuality found;
    {
      const py::gil_scoped_release no_gil;
      found = trainers::judge_drawings(span_of(images), classes, reader.reader(), learned, held_out, threads);
    }
    py::dict is;
    is["reader_accuracy"] = found.reader_accuracy;
    is["asked_fraction"] = named(found.asked_fraction);
    is["inverted_fraction"] = found.inverted_fraction;
    is["class_fractions"] = found.class_fractions;
    is["frechet"] = named(found.frechet);
    is["frechet_held_out"] = named(found.frechet_held_out);
    is["within_class_variance"] = named(found.within_class_variance);
    is["nearest_training_distance"] = named(found.nearest_training_distance);
    is["nearest_held_out_distance"] = named(found.nearest_held_out_distance);
    return is;
  });
}

}  // namespace

void bind_score(py::module_& module) {
  bind_network_of_scores(module);
  bind_score_trainer(module);
  bind_drawing(module);
  bind_reader(module);
}

}  // namespace heatbath::python
