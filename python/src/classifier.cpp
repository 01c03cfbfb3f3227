// A classifier of cells that learned to move as guide paths do: trained, read on a device, fine-tuned on a chip.

#include <functional>
#include <span>
#include <string>

#include <unistd.h>

#include <pybind11/stl.h>
#include <pybind11/stl/filesystem.h>

#include "calls.hpp"
#include "files/atomic_file.hpp"
#include "files/classifier_file.hpp"
#include "heatbath/trainers/drawing_judge.hpp"
#include "heatbath/trainers/guided_classifier.hpp"

namespace heatbath::python {
namespace {

using trainers::ClassifierMachine;
using trainers::ClassifierOptions;
using trainers::ClassifierTeacher;
using trainers::ClassifierTraining;
using trainers::Images;

py::dict state_of_machine(const ClassifierMachine& of) {
  py::dict state;
  state["inputs"] = of.inputs;
  state["outputs"] = of.outputs;
  state["hidden"] = of.hidden;
  state["j2"] = of.j2;
  state["j4"] = of.j4;
  state["kT"] = of.kT;
  state["duration"] = of.duration;
  state["pixel_scale"] = of.pixel_scale;
  state["bias"] = array_of(of.bias);
  state["inward"] = array_of(of.inward);
  state["couplings"] = array_of(of.couplings);
  return state;
}

ClassifierMachine machine_of_state(const py::dict& state) {
  ClassifierMachine of;
  of.inputs = state["inputs"].cast<std::uint32_t>();
  of.outputs = state["outputs"].cast<std::uint32_t>();
  of.hidden = state["hidden"].cast<std::uint32_t>();
  of.j2 = state["j2"].cast<double>();
  of.j4 = state["j4"].cast<double>();
  of.kT = state["kT"].cast<double>();
  of.duration = state["duration"].cast<double>();
  of.pixel_scale = state["pixel_scale"].cast<double>();
  if (of.inputs == 0 || of.inputs > 65536 || of.outputs != 10 || of.hidden == 0 || of.hidden > 65536 - 10)
    throw Error(HB_BAD_ARG, "ClassifierMachine: 1 to 65536 inputs, 10 outputs and 1 to 65526 hidden cells are possible");
  for (const double value : {of.j2, of.j4, of.kT, of.duration, of.pixel_scale})
    if (!std::isfinite(value)) throw Error(HB_BAD_ARG, "ClassifierMachine: j2, j4, kT, duration and pixel_scale are finite numbers");
  const std::size_t moving = of.moving();
  of.bias = copied_from<float>(state["bias"], "ClassifierMachine: bias", moving);
  of.inward = copied_from<float>(state["inward"], "ClassifierMachine: inward", of.inputs * moving);
  of.couplings = copied_from<float>(state["couplings"], "ClassifierMachine: couplings", moving * moving);
  for (const auto* values : {&of.bias, &of.inward, &of.couplings})
    for (const float value : *values)
      if (!std::isfinite(value)) throw Error(HB_BAD_ARG, "ClassifierMachine: a parameter is not finite");
  return of;
}

py::dict state_of_teacher(const ClassifierTeacher& of) {
  py::dict state;
  state["inputs"] = of.inputs;
  state["layer"] = of.layer;
  state["parameters"] = array_of(of.parameters);
  return state;
}

ClassifierTeacher teacher_of_state(const py::dict& state) {
  ClassifierTeacher of;
  of.inputs = state["inputs"].cast<std::uint32_t>();
  of.layer = state["layer"].cast<std::uint32_t>();
  if (of.inputs == 0 || of.inputs > 65536 || of.layer == 0 || of.layer > 32768)
    throw Error(HB_BAD_ARG, "ClassifierTeacher: 1 to 65536 inputs and layers of 1 to 32768 units are possible");
  of.parameters = copied_from<float>(state["parameters"], "ClassifierTeacher: parameters", of.size());
  return of;
}

void bind_classifier_machine(py::module_& module) {
  py::class_<ClassifierMachine, std::shared_ptr<ClassifierMachine>>(module, "ClassifierMachine", R"(Output and hidden cells that start at 0 beside input cells that are held at the pixels; the class is that of the largest output after
`duration`. V = sum (j2 x^2 + j4 x^4 + bias x) + sum inward_pi s_p x_i + sum_{i<j} couplings_ij x_i x_j, s_p = pixel_scale at full ink.
It pickles.)")
      .def(py::init([](const py::kwargs& state) { return machine_of_state(state); }), "Each attribute by its name.")
      .def_readonly("inputs", &ClassifierMachine::inputs)
      .def_readonly("outputs", &ClassifierMachine::outputs)
      .def_readonly("hidden", &ClassifierMachine::hidden)
      .def_property_readonly("cells", &ClassifierMachine::cells, "Of a device that holds it.")
      .def_readonly("j2", &ClassifierMachine::j2)
      .def_readonly("j4", &ClassifierMachine::j4)
      .def_readonly("kT", &ClassifierMachine::kT)
      .def_readonly("duration", &ClassifierMachine::duration, "Time units.")
      .def_readonly("pixel_scale", &ClassifierMachine::pixel_scale)
      .def_property_readonly("bias", [](const py::object& self) {
        const auto& of = self.cast<const ClassifierMachine&>();
        return lent<float>({of.moving()}, of.bias.data(), self);
      }, "float32, (outputs + hidden,), without a copy.")
      .def_property_readonly("inward", [](const py::object& self) {
        const auto& of = self.cast<const ClassifierMachine&>();
        return lent<float>({of.inputs, of.moving()}, of.inward.data(), self);
      }, "float32, (inputs, outputs + hidden), without a copy.")
      .def_property_readonly("couplings", [](const py::object& self) {
        const auto& of = self.cast<const ClassifierMachine&>();
        return lent<float>({of.moving(), of.moving()}, of.couplings.data(), self);
      }, "float32, (outputs + hidden, outputs + hidden), symmetric, without a copy.")
      .def(py::pickle(&state_of_machine, [](const py::dict& state) { return std::make_shared<ClassifierMachine>(machine_of_state(state)); }))
      .def("__repr__", [](const ClassifierMachine& of) {
        return "<heatbath.trainers.ClassifierMachine: " + std::to_string(of.inputs) + " + " + std::to_string(of.outputs) + " + " + std::to_string(of.hidden) + " cells>";
      });
  py::class_<ClassifierTeacher, std::shared_ptr<ClassifierTeacher>>(module, "ClassifierTeacher",
      "The digital network whose units the cells imitate: inputs-layer-layer-10, tanh, softmax. It pickles.")
      .def_readonly("inputs", &ClassifierTeacher::inputs)
      .def_readonly("layer", &ClassifierTeacher::layer, "Units of each of the two hidden layers.")
      .def_property_readonly("parameters", [](const py::object& self) {
        const auto& of = self.cast<const ClassifierTeacher&>();
        return lent<float>({size_of(of.parameters)}, of.parameters.data(), self);
      }, "float32: layer by layer, weights (to, from), then biases; without a copy.")
      .def("accuracy", [](const ClassifierTeacher& of, const Images& images, unsigned threads) {
        const py::gil_scoped_release no_gil;
        return trainers::teacher_accuracy(of, images, threads);
      }, py::arg("images"), py::kw_only(), py::arg("threads") = 0, "Share of the images that it reads as labelled.")
      .def(py::pickle(&state_of_teacher, [](const py::dict& state) { return std::make_shared<ClassifierTeacher>(teacher_of_state(state)); }));
}

/// A training and its images; complete after every step.
class PyClassifierTrainer {
 public:
  PyClassifierTrainer(Images images, const ClassifierOptions& options) : images_(std::move(images)) {
    const py::gil_scoped_release no_gil;
    trainer_ = std::make_unique<trainers::ClassifierTrainer>(images_, options);
  }
  ~PyClassifierTrainer() {
    if (::getpid() != process_) static_cast<void>(trainer_.release());  // its threads are the parent's
  }
  PyClassifierTrainer(const PyClassifierTrainer&) = delete;
  PyClassifierTrainer& operator=(const PyClassifierTrainer&) = delete;

  void train(const py::object& after, py::object progress) {
    trainers::ClassifierTrainer& trainer = whole();
    const InCall::Scope here(in_call_, "ClassifierTrainer.train");
    Watch watch(std::move(progress));
    bool ended = false;
    {
      const py::gil_scoped_release no_gil;
      trainer.train([&](std::uint64_t done, std::uint64_t total, double loss) {
        return told_after(after, watch, static_cast<double>(done) / static_cast<double>(total), ended, done, total, loss);
      });
    }
    if (ended) throw Error(HB_ABORTED, "ClassifierTrainer.train: stopped by its progress; a further call goes on");
    if (trainer.finished()) watch.end();
  }

  /// As `heatbath train classifier` keeps it.
  void save(const std::filesystem::path& path, std::uint64_t held_out) {
    apps::SavedClassifier saved;
    saved.data_source = images_.source;
    saved.held_out = held_out;
    saved.options = whole().options();
    saved.training = whole().training();
    apps::prepare_file(path);
    apps::write_file(path, apps::classifier_text(saved));
  }

  void resume(const std::filesystem::path& path) {
    trainers::ClassifierTrainer& trainer = whole();
    const InCall::Scope here(in_call_, "ClassifierTrainer.resume");
    apps::SavedClassifier saved = apps::read_classifier(path);
    const ClassifierOptions &was = saved.options, &is = trainer.options();
    const auto same = [&](const char* name, auto before, auto now) {
      if (before != now)
        throw Error(HB_BAD_ARG, path.string() + ": " + name + " was " + std::string(py::str(py::cast(before))) + ", is " + std::string(py::str(py::cast(now))));
    };
    same("layer", was.layer, is.layer);
    same("teacher_steps", was.teacher_steps, is.teacher_steps);
    same("steps", was.steps, is.steps);
    same("batch", was.batch, is.batch);
    same("teacher_rate", was.teacher_rate, is.teacher_rate);
    same("rate", was.rate, is.rate);
    same("drive", was.drive, is.drive);
    same("seed", was.seed, is.seed);
    trainer.resume(std::move(saved.training));
  }

  trainers::ClassifierTrainer& whole() {
    if (::getpid() != process_) throw Error(HB_BAD_ARG, "ClassifierTrainer: made before this process was forked; make it again here");
    in_call_.check("ClassifierTrainer");
    return *trainer_;
  }

 private:
  Images images_;
  std::unique_ptr<trainers::ClassifierTrainer> trainer_;
  InCall in_call_;
  pid_t process_ = ::getpid();
};

void bind_classifier_trainer(py::module_& module) {
  const ClassifierOptions usual;
  py::class_<PyClassifierTrainer>(module, "ClassifierTrainer", R"(Cells that learn, by gradient descent, to move as guide paths do (docs/classifier.md; arXiv:2509.15324). Touches no device. The same bits as
`heatbath train classifier` of the same options, for any number of threads.)")
      .def(py::init([](const Images& images, std::uint32_t layer, std::uint32_t teacher_steps, std::uint32_t steps, std::uint32_t batch, double teacher_rate,
                       double rate, double drive, std::uint64_t seed, unsigned threads) {
        ClassifierOptions options;
        options.layer = layer;
        options.teacher_steps = teacher_steps;
        options.steps = steps;
        options.batch = batch;
        options.teacher_rate = teacher_rate;
        options.rate = rate;
        options.drive = drive;
        options.seed = seed;
        options.threads = threads;
        return std::make_unique<PyClassifierTrainer>(images, options);
      }), py::arg("images"), py::kw_only(), py::arg("layer") = usual.layer, py::arg("teacher_steps") = usual.teacher_steps, py::arg("steps") = usual.steps,
           py::arg("batch") = usual.batch, py::arg("teacher_rate") = usual.teacher_rate, py::arg("rate") = usual.rate, py::arg("drive") = usual.drive,
           py::arg("seed") = usual.seed, py::arg("threads") = usual.threads,
           R"(images: learned, copied. layer: units of each of the teacher's two hidden layers; twice as many hidden cells. teacher_steps, steps: of Adam, of
teacher and machine; rates fall to 0 by half a cosine. drive: force of the guide on a cell whose unit of the teacher is at 1. BadArgError
names the option.)")
      .def("train", &PyClassifierTrainer::train, py::arg("after") = py::none(), py::kw_only(), py::arg("progress") = py::none(),
           R"(Makes the steps that are left, the teacher's first. after(done, total, loss) is called after each: the teacher's cross entropy, then the share of
the drive that the machine misses; False stops, and a further call goes on. progress: as of Device.submit.)")
      .def_property_readonly("finished", [](PyClassifierTrainer& of) { return of.whole().finished(); })
      .def_property_readonly("machine", [](PyClassifierTrainer& of) { return std::make_shared<ClassifierMachine>(of.whole().training().machine); }, "As it is now, a copy.")
      .def_property_readonly("teacher", [](PyClassifierTrainer& of) { return std::make_shared<ClassifierTeacher>(of.whole().training().teacher); }, "As it is now, a copy.")
      .def_property_readonly("losses", [](PyClassifierTrainer& of) { return array_of(of.whole().training().losses); }, "float64: means over 50 steps.")
      .def("save", &PyClassifierTrainer::save, py::arg("path"), py::kw_only(), py::arg("held_out") = 0,
           R"(Writes where the training stands, whole, as the classifier.json of `heatbath train classifier`, whose --continue goes on from it. held_out: images at
the end of the data that were not learned from.)")
      .def("resume", &PyClassifierTrainer::resume, py::arg("path"), R"(Takes up the training in a file of save() or of `heatbath train classifier`, of the same options. IoError names
file and fault, BadArgError what differs.)");
}

void bind_inference(py::module_& module) {
  module.attr("FIRST_TUNING_SHOT") = trainers::first_tuning_shot;
  module.def("infer", [](PyDevice& device, const ClassifierMachine& machine, const Images& images, std::uint32_t runs, std::uint64_t seed, std::uint32_t first_shot,
                         py::object progress) {
    trainers::InferenceOptions options;
    options.runs = runs;
    options.seed = seed;
    options.first_shot = first_shot;
    const trainers::Inference found = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return trainers::infer(opened, machine, images, options);
    });
    py::dict is;
    is["outputs"] = array_of(found.outputs).reshape({static_cast<py::ssize_t>(images.size()), static_cast<py::ssize_t>(machine.outputs)});
    is["classes"] = array_of(found.classes);
    is["accuracy"] = named(found.accuracy);
    is["top_two"] = named(found.top_two);
    is["single"] = named(found.single);
    is["heat_kT"] = named(found.heat_kT);
    is["heat_joules"] = found.heat_joules;
    is["device_seconds"] = found.device_seconds;
    is["steps"] = found.steps;
    return is;
  });
  module.def("fine_tune", [](PyDevice& device, const ClassifierMachine& machine, const ClassifierTeacher& teacher, const Images& images, std::uint32_t updates,
                             std::uint32_t batch, double rate, double drive, std::uint64_t seed, std::uint32_t first_shot, const py::object& after,
                             py::object progress) {
    trainers::FineTuneOptions options;
    options.updates = updates;
    options.batch = batch;
    options.rate = rate;
    options.drive = drive;
    options.seed = seed;
    auto tuned = std::make_shared<ClassifierMachine>(machine);
    trainers::FineTuning state;
    Watch watch(std::move(progress));
    OwnedDevice::Use use(*device.owned());
    bool ended = false;
    {
      const py::gil_scoped_release no_gil;
      trainers::fine_tune(*use, *tuned, teacher, images, options, state, first_shot, [&] {
        return told_after(after, watch, static_cast<double>(state.updates) / updates, ended, state.updates, updates, state.misses.back());
      });
    }
    if (ended) throw Error(HB_ABORTED, "fine_tune: stopped by its progress");
    watch.end();
    return std::pair(tuned, array_of(state.misses));
  });
}

}  // namespace

void bind_classifier(py::module_& module) {
  bind_classifier_machine(module);
  bind_classifier_trainer(module);
  bind_inference(module);
}

}  // namespace heatbath::python
