// Images, the generator of arXiv:2506.15121, its drawings and how good they are.

#include <functional>
#include <limits>

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "calls.hpp"
#include "files/atomic_file.hpp"
#include "files/model_file.hpp"
#include "heatbath/trainers/generative.hpp"
#include "heatbath/trainers/images.hpp"
#include "heatbath/trainers/sample_quality.hpp"
#include "heatbath/trainers/setting_names.hpp"

namespace heatbath::python {
namespace {

using trainers::GenerativeModel;
using trainers::GenerativeTrainer;
using trainers::Images;
using trainers::ReverseAction;
using trainers::Samples;

py::tuple pair_of(const ReverseAction& action) { return py::make_tuple(action.per_step, action.floor); }

py::array_t<std::uint8_t, py::array::c_style> bytes_of(const py::object& values, const char* what) {
  const py::array array = py::array::ensure(values);
  if (!array || array.dtype().kind() != 'u' || array.dtype().itemsize() != 1) {
    PyErr_Clear();
    throw py::type_error(std::string(what) + ": an array of uint8 is needed");
  }
  return numbers<std::uint8_t>(array, what);
}

Images images_of(const py::object& pixels, const py::object& labels, const std::string& source) {
  const auto all = bytes_of(pixels, "Images: pixels");
  if (all.ndim() != 3) bad_shape(all, "Images", "(images, rows, columns)");
  Images images;
  images.rows = static_cast<std::uint32_t>(all.shape(1));
  images.columns = static_cast<std::uint32_t>(all.shape(2));
  images.pixels.assign(all.data(), all.data() + all.size());
  const auto digits = bytes_of(labels, "Images: labels");
  if (digits.ndim() != 1 || digits.shape(0) != all.shape(0))
    bad_shape(digits, "Images: labels", "(" + std::to_string(all.shape(0)) + ",)");
  images.labels.assign(digits.data(), digits.data() + digits.size());
  for (const std::uint8_t digit : images.labels)
    if (digit > 9) throw Error(HB_BAD_ARG, "Images: a label is " + std::to_string(digit) + "; labels are 0 to 9");
  images.source = source;
  return images;
}

/// A model as `heatbath train generate` keeps it, without what it measures of held-out trajectories.
void keep(const std::filesystem::path& path, apps::SavedModel saved) {
  const double none = std::numeric_limits<double>::quiet_NaN();
  saved.held_out_first = saved.held_out_last = {none, none};
  apps::prepare_file(path);
  apps::save_model(path, saved);
}

py::array actions_of(const std::vector<ReverseAction>& actions) {
  py::array_t<double> out({static_cast<py::ssize_t>(actions.size()), py::ssize_t{2}});
  for (std::size_t k = 0; k < actions.size(); ++k) {
    out.mutable_at(static_cast<py::ssize_t>(k), 0) = actions[k].per_step;
    out.mutable_at(static_cast<py::ssize_t>(k), 1) = actions[k].floor;
  }
  return out;
}

/// A trainer that keeps its device.
class PyTrainer {
 public:
  PyTrainer(PyDevice& device, const Images& data, const trainers::GenerativeOptions& options) : owned_(device.owned()) {
    OwnedDevice::Use use(*owned_);
    const py::gil_scoped_release no_gil;
    trainer_ = std::make_unique<GenerativeTrainer>(*use, data, options);
    updates_ = options.updates;
  }
  ~PyTrainer() {
    if (owned_->is_forked()) static_cast<void>(trainer_.release());  // its threads are the parent's
  }

  void train(const py::object& after, py::object progress) {
    Watch watch(std::move(progress));
    in_use(watch, [&] {
      double done_part = static_cast<double>(trainer_->actions().size()) / updates_;
      watched(watch, [&](double) { return watch(done_part); }, [&] {
        bool told_to_stop = false;
        trainer_->train([&](std::uint32_t done, std::uint32_t total, const ReverseAction& action) {
          done_part = static_cast<double>(done) / total;
          if (!after.is_none()) {
            const py::gil_scoped_acquire gil;
            const py::object answer = after(done, total, pair_of(action));
            if (!answer.is_none() && !answer.cast<bool>()) return false;
          }
          if (watch(done_part)) return true;
          told_to_stop = true;
          return false;
        });
        if (told_to_stop) throw Error(HB_ABORTED, "GenerativeTrainer.train: stopped by its progress; a further call goes on");
      });
    });
  }

  template <typename Call>
  auto measured(py::object progress, Call&& call) {
    Watch watch(std::move(progress));
    std::vector<ReverseAction> each;
    in_use(watch, [&] { watched(watch, [&](double fraction) { return watch(fraction); }, [&] { each = call(*trainer_); }); });
    return actions_of(each);
  }

  void resume(const GenerativeModel& model, const py::object& actions) {
    const auto rows = numbers<double>(actions, "GenerativeTrainer.resume");
    if (rows.ndim() != 2 || rows.shape(1) != 2) bad_shape(rows, "GenerativeTrainer.resume", "(updates, 2)");
    std::vector<ReverseAction> made(static_cast<std::size_t>(rows.shape(0)));
    for (std::size_t k = 0; k < made.size(); ++k) made[k] = {rows.data()[2 * k], rows.data()[2 * k + 1]};
    const InCall::Scope here(in_call_, "GenerativeTrainer.resume");
    trainer_->resume(model, made);
  }

  void resume_from(const std::filesystem::path& path) {
    const InCall::Scope here(in_call_, "GenerativeTrainer.resume");
    apps::SavedModel saved = apps::load_model(path);
    trainer_->resume(saved.model, saved.actions, std::move(saved.sums));
  }

  void save(const std::filesystem::path& path) {
    apps::SavedModel saved;
    saved.model = trainer().model();
    saved.actions = trainer().actions();
    if (saved.model.updates < updates_) saved.sums = trainer().sums();
    if (saved.model.device.empty()) saved.model.device = owned_->link().uri;
    keep(path, std::move(saved));
  }

  GenerativeTrainer& trainer() {
    in_call_.check("GenerativeTrainer");
    return *trainer_;
  }

 private:
  template <typename Call>
  void in_use(Watch& watch, Call&& call) {
    const InCall::Scope here(in_call_, "GenerativeTrainer");
    OwnedDevice::Use use(*owned_);
    {
      const py::gil_scoped_release no_gil;
      call();
    }
    watch.end();
  }
  /// The trainer's hook stands during the call alone: it names what lives here.
  template <typename Hook, typename Call>
  void watched(Watch&, Hook&& hook, Call&& call) {
    struct Hooked {
      GenerativeTrainer& trainer;
      ~Hooked() { trainer.set_progress(nullptr); }
    } hooked{*trainer_};
    trainer_->set_progress(std::forward<Hook>(hook));
    call();
  }

  std::shared_ptr<OwnedDevice> owned_;
  std::unique_ptr<GenerativeTrainer> trainer_;
  std::uint32_t updates_ = 1;
  InCall in_call_;
};

GenerativeModel model_of(const py::dict& state) {
  GenerativeModel model;
  model.visible = state["visible"].cast<std::uint32_t>();
  model.hidden = state["hidden"].cast<std::uint32_t>();
  model.labels = state["labels"].cast<std::uint32_t>();
  model.segments = state["segments"].cast<std::uint32_t>();
  const std::size_t cells = model.cells();
  model.couplings = copied_from<float>(state["couplings"], "GenerativeModel: couplings", model.segments * cells * cells);
  model.bias = copied_from<float>(state["bias"], "GenerativeModel: bias", model.segments * cells);
  model.j2 = state["j2"].cast<float>();
  model.j4 = state["j4"].cast<float>();
  model.kT = state["kT"].cast<float>();
  model.tf = state["tf"].cast<double>();
  model.scaling = trainers::scaling_named(state["scaling"].cast<std::string>(), "GenerativeModel: scaling");
  model.drive = trainers::drive_named(state["drive"].cast<std::string>(), "GenerativeModel: drive");
  model.optimizer = trainers::optimizer_named(state["optimizer"].cast<std::string>(), "GenerativeModel: optimizer");
  model.ramp_end = state["ramp_end"].cast<double>();
  model.updates = state["updates"].cast<std::uint32_t>();
  model.seed = state["seed"].cast<std::uint64_t>();
  model.prototypes.digits = state["prototype_digits"].cast<std::vector<std::uint8_t>>();
  model.prototypes.images = copied_from<float>(state["prototype_images"], "GenerativeModel: prototype_images",
                                               model.prototypes.digits.size() * model.visible);
  model.data_source = state["data_source"].cast<std::string>();
  model.device = state["device"].cast<std::string>();
  model.capture_period = state["capture_period"].cast<double>();
  return model;
}

py::dict state_of(const py::object& self) {
  py::dict state;
  for (const char* name : {"visible", "hidden", "labels", "segments", "couplings", "bias", "j2", "j4", "kT", "tf", "scaling", "drive",
                           "optimizer", "ramp_end", "updates", "seed", "prototype_digits", "prototype_images", "data_source",
                           "device", "capture_period"})
    state[name] = self.attr(name);
  return state;
}

void bind_images(py::module_& module) {
  py::class_<Images>(module, "Images", "Labelled grey images of one size: 0 background, 255 ink.")
      .def(py::init(&images_of), py::arg("pixels"), py::arg("labels"), py::arg("source") = "an array",
           "pixels: uint8, (images, rows, columns); labels: digits 0 to 9, (images,).")
      .def_property_readonly("pixels", [](const py::object& self) {
        const auto& of = self.cast<const Images&>();
        return lent<std::uint8_t>({size_of(of.labels), of.rows, of.columns}, of.pixels.data(), self);
      }, "uint8, (images, rows, columns), without a copy.")
      .def_property_readonly("labels", [](const py::object& self) {
        const auto& of = self.cast<const Images&>();
        return lent<std::uint8_t>({size_of(of.labels)}, of.labels.data(), self);
      }, "uint8, (images,), without a copy.")
      .def_readonly("source", &Images::source, "Where they come from.")
      .def("__len__", &Images::size)
      .def("__repr__", [](const Images& of) {
        return "<heatbath.trainers.Images: " + std::to_string(of.size()) + " of " + std::to_string(of.rows) + " x " +
               std::to_string(of.columns) + " pixels, " + of.source + ">";
      });
  module.def("read_idx", &trainers::read_idx, py::arg("folder"), py::call_guard<py::gil_scoped_release>(),
             "The MNIST pair of IDX files in a folder, plain or .gz. IoError names file, what was found and what would be right.");
  module.def("draw_digits", &trainers::draw_digits, py::arg("seed") = 1, py::arg("per_class") = 20,
             py::call_guard<py::gil_scoped_release>(),
             "Draws digits 0, 1, ..., 9, 0, ... with strokes; a function of seed and index. The command trains on seed 1, 20 per class.");
}

void bind_model(py::module_& module) {
  py::class_<GenerativeModel, std::shared_ptr<GenerativeModel>>(module, "GenerativeModel",
      "A trained generator: all that drawing needs. It pickles; its arrays share its memory.")
      .def(py::init([](const py::kwargs& state) { return model_of(state); }), "Each attribute by its name, as __getstate__ gives them.")
      .def_readonly("visible", &GenerativeModel::visible)
      .def_readonly("hidden", &GenerativeModel::hidden)
      .def_readonly("labels", &GenerativeModel::labels, "Label cells, one per class; 0: none.")
      .def_readonly("segments", &GenerativeModel::segments, "Equal parts of tf with couplings of their own.")
      .def_property_readonly("cells", &GenerativeModel::cells)
      .def_property_readonly("couplings", [](const py::object& self) {
        const auto& of = self.cast<const GenerativeModel&>();
        return lent<float>({of.segments, of.cells(), of.cells()}, of.couplings.data(), self);
      }, "float32, (segments, cells, cells), symmetric; of V, energy units.")
      .def_property_readonly("bias", [](const py::object& self) {
        const auto& of = self.cast<const GenerativeModel&>();
        return lent<float>({of.segments, of.cells()}, of.bias.data(), self);
      }, "float32, (segments, cells).")
      .def_readonly("j2", &GenerativeModel::j2)
      .def_readonly("j4", &GenerativeModel::j4)
      .def_readonly("kT", &GenerativeModel::kT)
      .def_readonly("tf", &GenerativeModel::tf, "Duration of each stage, time units.")
      .def_property_readonly("scaling", [](const GenerativeModel& of) { return std::string(name_of(of.scaling)); })
      .def_property_readonly("drive", [](const GenerativeModel& of) { return std::string(name_of(of.drive)); })
      .def_property_readonly("optimizer", [](const GenerativeModel& of) { return std::string(name_of(of.optimizer)); })
      .def_readonly("ramp_end", &GenerativeModel::ramp_end)
      .def_readonly("updates", &GenerativeModel::updates)
      .def_readonly("seed", &GenerativeModel::seed)
      .def_property_readonly("prototype_digits", [](const GenerativeModel& of) {
        return std::vector<int>(of.prototypes.digits.begin(), of.prototypes.digits.end());
      }, "Class of each image that was learned.")
      .def_property_readonly("prototype_images", [](const py::object& self) {
        const auto& of = self.cast<const GenerativeModel&>();
        return lent<float>({size_of(of.prototypes.digits), of.visible}, of.prototypes.images.data(), self);
      }, "float32, (images, visible), as scaled.")
      .def_readonly("data_source", &GenerativeModel::data_source)
      .def_readonly("device", &GenerativeModel::device, "What trained it.")
      .def_readonly("capture_period", &GenerativeModel::capture_period, "Time units; 0: not known.")
      .def("save", [](const GenerativeModel& of, const std::filesystem::path& path) {
        apps::SavedModel saved;
        saved.model = of;
        keep(path, std::move(saved));
      }, py::arg("path"), "Writes it whole, as the model.h5 of `heatbath train generate`, which `heatbath generate` reads. Needs h5py.")
      .def_static("read", [](const std::filesystem::path& path) { return std::make_shared<GenerativeModel>(apps::load_model(path).model); }, py::arg("path"),
                  "A model.h5 of save() or of `heatbath train generate`. IoError names file, key and what would be right. Needs h5py.")
      .def(py::pickle(&state_of, [](const py::dict& state) { return std::make_shared<GenerativeModel>(model_of(state)); }))
      .def("__repr__", [](const GenerativeModel& of) {
        return "<heatbath.trainers.GenerativeModel: " + std::to_string(of.visible) + " + " + std::to_string(of.hidden) + " + " +
               std::to_string(of.labels) + " cells, " + std::to_string(of.updates) + " updates>";
      });
}

void bind_trainer(py::module_& module) {
  py::class_<PyTrainer>(module, "GenerativeTrainer", R"(Trains couplings with which a device turns thermal noise into images (arXiv:2506.15121, online rule arXiv:2609.15439).

The same bits as `heatbath train generate` of the same options, for any number of threads.)")
      .def(py::init([](PyDevice& device, const Images& images, std::uint32_t hidden, std::uint32_t updates, const std::string& scaling,
                       const std::string& drive, const std::string& optimizer, const std::vector<std::uint8_t>& digits,
                       std::uint32_t images_per_class, std::uint32_t segments, double ramp_end, bool labels, std::uint32_t balance_rounds,
                       std::uint32_t balance_shots, std::uint64_t seed, std::uint64_t capture_period, unsigned threads, double tf,
                       double learning_rate, float j2, float j4, float kT, std::uint32_t block) {
        trainers::GenerativeOptions options;
        options.hidden = hidden;
        options.updates = updates;
        options.scaling = trainers::scaling_named(scaling, "scaling");
        options.drive = trainers::drive_named(drive, "drive");
        options.optimizer = trainers::optimizer_named(optimizer, "optimizer");
        options.digits = digits;
        options.images_per_class = images_per_class;
        options.segments = segments;
        options.ramp_end = ramp_end;
        options.labels = labels;
        options.balance_rounds = balance_rounds;
        options.balance_shots = balance_shots;
        options.seed = seed;
        options.capture_period = {capture_period};
        options.threads = threads;
        options.tf = tf;
        options.learning_rate = learning_rate;
        options.j2 = j2;
        options.j4 = j4;
        options.kT = kT;
        options.block = block;
        return std::make_unique<PyTrainer>(device, images, options);
      }), py::arg("device"), py::arg("images"), py::kw_only(), py::arg("hidden") = 512, py::arg("updates") = 100,
           py::arg("scaling") = "common-norm", py::arg("drive") = "pixel", py::arg("optimizer") = "gradient",
           py::arg("digits") = std::vector<int>{0, 1, 2}, py::arg("images_per_class") = 1, py::arg("segments") = 1,
           py::arg("ramp_end") = 0.75, py::arg("labels") = false, py::arg("balance_rounds") = 0, py::arg("balance_shots") = 100,
           py::arg("seed") = 1, py::arg("capture_period") = 0, py::arg("threads") = 0, py::arg("tf") = 2.5,
           py::arg("learning_rate") = 4e-4, py::arg("j2") = 1.0f, py::arg("j4") = 1.0f, py::arg("kT") = 0.1f, py::arg("block") = 32,
           R"(Options as `heatbath train generate --help` has them; optimizer: "gradient", "online" or "least-squares"; capture_period:
ticks, 0 the shortest. BadArgError or UnsupportedError names the option or the capability before anything is done.)")
      .def("train", &PyTrainer::train, py::arg("after") = py::none(), py::kw_only(), py::arg("progress") = py::none(),
           R"(Makes the updates that are left. after(done, total, (action, floor)) is called after each update; False stops after it,
and a further call goes on. progress: as of Device.submit. The model is whole after each update, after Ctrl-C, too.)")
      .def_property_readonly("model", [](PyTrainer& of) { return std::make_shared<GenerativeModel>(of.trainer().model()); },
                             "The present model, a copy.")
      .def_property_readonly("actions", [](PyTrainer& of) { return actions_of(of.trainer().actions()); },
                             "float64, (updates, 2): action per step of each update before it, and its floor.")
      .def("held_out", [](PyTrainer& of, std::uint32_t trajectories, py::object progress) {
        return of.measured(std::move(progress), [&](GenerativeTrainer& trainer) { return trainer.held_out_each(trajectories); });
      }, py::arg("trajectories") = 21, py::kw_only(), py::arg("progress") = py::none(),
           "Action per step and floor on trajectories that training does not use: float64, (trajectories, 2).")
      .def("resume", &PyTrainer::resume, py::arg("model"), py::arg("actions"),
           "Takes up a training that stopped, of the same options; BadArgError names what differs.")
      .def("resume", &PyTrainer::resume_from, py::arg("path"), "The same, of a file of save() or of `heatbath train generate`.")
      .def("save", &PyTrainer::save, py::arg("path"),
           R"(Writes model, actions and what a training by least squares has gathered, whole, as the model.h5 of `heatbath train generate`, whose --continue
goes on from it. Needs h5py.)")
      .def_property_readonly("noise_memory", [](PyTrainer& of) { return of.trainer().noise_memory(); })
      .def_property_readonly("image_weights", [](PyTrainer& of) { return of.trainer().image_weights(); })
      .def_property_readonly("seconds", [](PyTrainer& of) {
        const trainers::Seconds& spent = of.trainer().seconds();
        py::dict seconds;
        seconds["build_programs"] = spent.build_programs;
        seconds["simulate"] = spent.simulate;
        seconds["gradient"] = spent.gradient;
        seconds["total"] = spent.total;
        return seconds;
      }, "Wall-clock time spent so far.");
}

void bind_samples(py::module_& module) {
  using Self = py::object;
  py::class_<Samples>(module, "Samples", "What a model draws; arrays share its memory.")
      .def_property_readonly("images", [](const Self& self) {
        const auto& of = self.cast<const Samples&>();
        return lent<float>({of.shots, of.visible}, of.images.data(), self);
      }, "float32, (shots, visible): visible cells at tf.")
      .def_property_readonly("heat", [](const Self& self) {
        const auto& of = self.cast<const Samples&>();
        return lent<double>({size_of(of.heat)}, of.heat.data(), self);
      }, "float64, (shots,): heat given off, energy units.")
      .def_property_readonly("trajectories", [](const Self& self) {
        const auto& of = self.cast<const Samples&>();
        const auto times = size_of(of.trajectory_time_units);
        const py::ssize_t shots = times == 0 || of.visible == 0 ? 0 : size_of(of.trajectories) / times / of.visible;
        return lent<float>({shots, times, of.visible}, of.trajectories.data(), self);
      }, "float32, (trajectory_shots, trajectory_times, visible).")
      .def_property_readonly("trajectory_time_units", [](const Self& self) {
        const auto& of = self.cast<const Samples&>();
        return lent<double>({size_of(of.trajectory_time_units)}, of.trajectory_time_units.data(), self);
      })
      .def_property_readonly("asked", [](const Samples& of) { return std::vector<int>(of.asked.begin(), of.asked.end()); },
                             "Class asked of each shot; empty without label cells.")
      .def_readonly("kT", &Samples::kT)
      .def_readonly("heat_source", &Samples::heat_source, R"("meter", or "states".)")
      .def_readonly("clips", &Samples::clips)
      .def_readonly("rails", &Samples::rails)
      .def_readonly("seconds", &Samples::seconds)
      .def("__len__", [](const Samples& of) { return of.shots; })
      .def("__repr__", [](const Samples& of) {
        return "<heatbath.trainers.Samples: " + std::to_string(of.shots) + " of " + std::to_string(of.visible) + " cells>";
      });
  module.def("generate", [](PyDevice& device, const GenerativeModel& model, std::uint32_t shots, const std::vector<std::uint8_t>& asked,
                            std::uint64_t seed, std::uint32_t trajectory_shots, std::uint32_t trajectory_times, unsigned threads,
                            py::object progress) {
    Watch watch(std::move(progress));
    trainers::GenerateOptions options;
    options.shots = shots;
    options.asked = asked;
    options.seed = seed;
    options.trajectory_shots = trajectory_shots;
    options.trajectory_times = trajectory_times;
    options.threads = threads;
    options.progress = std::ref(watch);
    OwnedDevice::Use use(*device.owned());
    auto samples = std::make_unique<Samples>();
    {
      const py::gil_scoped_release no_gil;
      *samples = trainers::generate(*use, model, options);
    }
    watch.end();
    return samples;
  }, py::arg("device"), py::arg("model"), py::arg("shots") = 200, py::kw_only(), py::arg("asked") = std::vector<int>{},
             py::arg("seed") = 1, py::arg("trajectory_shots") = 3, py::arg("trajectory_times") = 8, py::arg("threads") = 0,
             py::arg("progress") = py::none(),
             R"(Draws: noise for tf, then the learned couplings for tf. asked: classes wanted, in turn, of a model with label cells. The same
bits as `heatbath generate` of the same model, seed and shots.)");
  module.def("classify", [](const Samples& samples, const GenerativeModel& model) {
    const trainers::Classification found = trainers::classify(samples, model.prototypes);
    py::dict out;
    out["prototype"] = py::array_t<int>(size_of(found.prototype), found.prototype.data());
    out["correlation"] = py::array_t<float>(size_of(found.correlation), found.correlation.data());
    out["fractions"] = py::array_t<double>(size_of(found.fractions), found.fractions.data());
    out["inverted_fraction"] = found.inverted_fraction;
    out["mean_abs_correlation"] = found.mean_abs_correlation;
    out["asked_fraction"] = found.asked_fraction;
    return out;
  }, py::arg("samples"), py::arg("model"),
             R"(Samples against the images that were learned: {"prototype": index of the most correlated (shots,), "correlation": with it, signed
(shots,), "fractions": (images,), "inverted_fraction", "mean_abs_correlation", "asked_fraction"}.)");
  module.def("judge", [](const Samples& samples, const GenerativeModel& model, const Images& digits) {
    trainers::Quality quality;
    {
      const py::gil_scoped_release no_gil;
      quality = trainers::judge_samples(samples, model, trainers::DigitClassifier(digits), trainers::classify(samples, model.prototypes));
    }
    py::dict out;
    out["classifier_accuracy"] = quality.classifier_accuracy;
    out["recognised"] = quality.recognised;
    out["class_entropy"] = quality.class_entropy;
    out["images_drawn"] = quality.images_drawn;
    out["images_held"] = quality.images_held;
    out["prototype_distance"] = quality.prototype_distance;
    out["diversity"] = quality.diversity;
    return out;
  }, py::arg("samples"), py::arg("model"), py::arg("digits"),
             R"(How good samples are, by a classifier that learned `digits` (at least 100 images) and by distances: {"classifier_accuracy",
"recognised", "class_entropy" (nats), "images_drawn", "images_held", "prototype_distance", "diversity"}.)");
}

}  // namespace

void bind_trainers(py::module_& module) {
  bind_images(module);
  bind_model(module);
  bind_trainer(module);
  bind_samples(module);
}

}  // namespace heatbath::python
