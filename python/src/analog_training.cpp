// Training by analog relaxation: equilibrium propagation and the natural gradient.

#include <functional>
#include <string>

#include <pybind11/stl.h>

#include "calls.hpp"
#include "heatbath/trainers/equilibrium_propagation.hpp"
#include "heatbath/trainers/natural_gradient.hpp"

namespace heatbath::python {
namespace {

using trainers::EquilibriumOptions;
using trainers::EquilibriumTraining;
using trainers::MapExamples;
using trainers::NaturalDescentOptions;
using trainers::NaturalGradientOptions;
using trainers::QuarticNet;

MapExamples examples_of(const py::object& inputs, const py::object& targets) {
  const auto in = numbers<double>(inputs, "EquilibriumTrainer: inputs");
  const auto wanted = numbers<double>(targets, "EquilibriumTrainer: targets");
  if (in.ndim() != 2 || in.size() == 0) bad_shape(in, "EquilibriumTrainer: inputs", "(examples, inputs)");
  if (wanted.ndim() != 2 || wanted.size() == 0 || wanted.shape(0) != in.shape(0))
    bad_shape(wanted, "EquilibriumTrainer: targets", "(" + std::to_string(in.shape(0)) + ", outputs)");
  MapExamples examples;
  examples.inputs = static_cast<std::uint32_t>(in.shape(1));
  examples.outputs = static_cast<std::uint32_t>(wanted.shape(1));
  examples.input.assign(in.data(), in.data() + in.size());
  examples.target.assign(wanted.data(), wanted.data() + wanted.size());
  for (const std::vector<double>* values : {&examples.input, &examples.target})
    for (const double value : *values)
      if (!std::isfinite(value)) throw Error(HB_BAD_ARG, "EquilibriumTrainer: inputs and targets are finite numbers");
  return examples;
}

QuarticNet net_of(std::uint32_t inputs, std::uint32_t hidden, std::uint32_t outputs, const py::object& bias, const py::object& couplings, double j2,
                  double j4) {
  QuarticNet net;
  net.inputs = inputs;
  net.hidden = hidden;
  net.outputs = outputs;
  net.j2 = j2;
  net.j4 = j4;
  net.bias = copied_vector(bias, std::size_t{hidden} + outputs, "QuarticNet: bias");
  net.couplings = copied_vector(couplings, net.pairs().size(), "QuarticNet: couplings");
  return net;
}

void bind_net(py::module_& module) {
  py::class_<QuarticNet, std::shared_ptr<QuarticNet>>(module, "QuarticNet", R"(Cells in the order inputs, hidden, outputs; inputs are clamped. V = sum over the others (J2 x^2 + J4 x^4 + b x) + sum J x x over
all pairs but input-input and output-output. It pickles; its arrays share its memory.)")
      .def(py::init(&net_of), py::arg("inputs"), py::arg("hidden"), py::arg("outputs"), py::arg("bias"), py::arg("couplings"), py::kw_only(),
           py::arg("j2") = 0.5, py::arg("j4") = 0.25, "bias: b, (hidden + outputs,); couplings: J of `pairs`.")
      .def_static("random", &QuarticNet::random, py::arg("inputs"), py::arg("hidden"), py::arg("outputs"), py::kw_only(), py::arg("width") = trainers::first_width,
                  py::arg("seed") = 1, "Couplings normal with the deviation width/sqrt(cells), biases 0: a pure function of the seed.")
      .def_readonly("inputs", &QuarticNet::inputs)
      .def_readonly("hidden", &QuarticNet::hidden)
      .def_readonly("outputs", &QuarticNet::outputs)
      .def_property_readonly("cells", &QuarticNet::cells)
      .def_readonly("j2", &QuarticNet::j2)
      .def_readonly("j4", &QuarticNet::j4)
      .def_property_readonly("bias", [](const py::object& self) {
        const auto& of = self.cast<const QuarticNet&>();
        return lent<double>({size_of(of.bias)}, of.bias.data(), self);
      }, "float64, (hidden + outputs,).")
      .def_property_readonly("couplings", [](const py::object& self) {
        const auto& of = self.cast<const QuarticNet&>();
        return lent<double>({size_of(of.couplings)}, of.couplings.data(), self);
      }, "float64, (pairs,).")
      .def_property_readonly("pairs", [](const QuarticNet& of) {
        const auto pairs = of.pairs();
        py::array_t<std::uint32_t> out({size_of(pairs), py::ssize_t{2}});
        for (std::size_t k = 0; k < pairs.size(); ++k) {
          out.mutable_at(static_cast<py::ssize_t>(k), 0) = pairs[k].i;
          out.mutable_at(static_cast<py::ssize_t>(k), 1) = pairs[k].j;
        }
        return out;
      }, "Cells i < j that couple: uint32, (pairs, 2).")
      .def(py::pickle([](const QuarticNet& of) {
        return py::make_tuple(of.inputs, of.hidden, of.outputs, array_of(of.bias), array_of(of.couplings), of.j2, of.j4);
      }, [](const py::tuple& state) {
        return std::make_shared<QuarticNet>(net_of(state[0].cast<std::uint32_t>(), state[1].cast<std::uint32_t>(), state[2].cast<std::uint32_t>(),
                                                   state[3], state[4], state[5].cast<double>(), state[6].cast<double>()));
      }))
      .def("__repr__", [](const QuarticNet& of) {
        return "<heatbath.trainers.QuarticNet: " + std::to_string(of.inputs) + " inputs, " + std::to_string(of.hidden) + " hidden, " +
               std::to_string(of.outputs) + " outputs>";
      });
}

class PyEquilibrium {
 public:
  PyEquilibrium(PyDevice& device, MapExamples examples, QuarticNet net, std::uint32_t updates, const EquilibriumOptions& options)
      : owned_(device.owned()), examples_(std::move(examples)), options_(options), updates_(updates) {
    training_.net = std::move(net);
    OwnedDevice::Use use(*owned_);
    const std::uint32_t cells = training_.net.cells() + examples_.outputs;
    if (cells > use->capabilities().cells)
      throw Error(HB_BAD_ARG, "EquilibriumTrainer: " + std::to_string(cells) + " cells are needed, the device has " + std::to_string(use->capabilities().cells));
    require_cell_kind(use->capabilities(), "EquilibriumTrainer", CellKind::overdamped);
    trainers::train_equilibrium(*use, examples_, options_, 0, training_);  // no update: what is wrong is refused here
  }

  void train(const py::object& after, py::object progress) {
    const InCall::Scope here(in_call_, "EquilibriumTrainer.train");
    Watch watch(std::move(progress));
    OwnedDevice::Use use(*owned_);
    bool ended = false;
    {
      const py::gil_scoped_release no_gil;
      const auto fraction = [&] { return static_cast<double>(training_.updates) / std::max(updates_, 1u); };
      EquilibriumOptions options = options_;
      options.progress = [&](double) { return watch(fraction()); };
      trainers::train_equilibrium(*use, examples_, options, updates_, training_, [&] {
        return told_after(after, watch, fraction(), ended, training_.updates, updates_, training_.costs.back());
      });
    }
    if (ended) throw Error(HB_ABORTED, "EquilibriumTrainer.train: stopped by its progress; a further call goes on");
    if (training_.updates == updates_) watch.end();
  }

  py::array outputs(py::object progress) {
    const InCall::Scope here(in_call_, "EquilibriumTrainer.outputs");
    Watch watch(std::move(progress));
    OwnedDevice::Use use(*owned_);
    std::vector<double> found;
    {
      const py::gil_scoped_release no_gil;
      EquilibriumOptions options = options_;
      options.progress = std::ref(watch);
      found = trainers::equilibrium_outputs(*use, training_.net, examples_, options, trainers::first_reading);
    }
    watch.end();
    return array_of(found).reshape({static_cast<py::ssize_t>(examples_.size()), static_cast<py::ssize_t>(examples_.outputs)});
  }

  py::tuple gradient(std::uint32_t first_shot, py::object progress) {
    const InCall::Scope here(in_call_, "EquilibriumTrainer.gradient");
    Watch watch(std::move(progress));
    OwnedDevice::Use use(*owned_);
    trainers::EquilibriumGradient found;
    {
      const py::gil_scoped_release no_gil;
      EquilibriumOptions options = options_;
      options.progress = std::ref(watch);
      found = trainers::equilibrium_gradient(*use, training_.net, examples_, options, first_shot);
    }
    watch.end();
    return py::make_tuple(array_of(found.derivatives), found.cost);
  }

  void resume(const QuarticNet& net, const py::object& costs) {
    const InCall::Scope here(in_call_, "EquilibriumTrainer.resume");
    const QuarticNet& own = training_.net;
    if (net.inputs != own.inputs || net.hidden != own.hidden || net.outputs != own.outputs)
      throw Error(HB_BAD_ARG, "EquilibriumTrainer.resume: a net of " + std::to_string(net.inputs) + ", " + std::to_string(net.hidden) + ", " +
                                  std::to_string(net.outputs) + " cells; this one has " + std::to_string(own.inputs) + ", " + std::to_string(own.hidden) +
                                  ", " + std::to_string(own.outputs));
    const auto made = numbers<double>(costs, "EquilibriumTrainer.resume: costs");
    if (made.ndim() != 1 || made.size() > updates_) bad_shape(made, "EquilibriumTrainer.resume: costs", "(updates made,)");
    training_.net = net;
    training_.costs.assign(made.data(), made.data() + made.size());
    training_.updates = static_cast<std::uint32_t>(made.size());
  }

  const EquilibriumTraining& training() const {
    in_call_.check("EquilibriumTrainer");
    return training_;
  }

 private:
  std::shared_ptr<OwnedDevice> owned_;
  MapExamples examples_;
  EquilibriumOptions options_;
  std::uint32_t updates_;
  EquilibriumTraining training_;
  InCall in_call_;
};

void bind_equilibrium(py::module_& module) {
  py::class_<PyEquilibrium>(module, "EquilibriumTrainer", R"(A net of quartic cells that learns a map by equilibrium propagation: the difference of two equilibria, nudged towards the targets and
away from them, is the gradient of the cost (Scellier & Bengio 2017; two signs: Laborieux et al. 2021). Devices of overdamped
cells. The same bits as `heatbath train equilibrium` of the same options, for any number of lanes and threads.)")
      .def(py::init([](PyDevice& device, const py::object& inputs, const py::object& targets, const py::object& net, std::uint32_t hidden,
                       std::uint32_t updates, double rate, double nudge, double kT, std::uint32_t repeats, double relax, std::uint32_t records,
                       double interval, double stiffness, std::uint64_t seed) {
        EquilibriumOptions options;
        options.rate = rate;
        options.nudge = nudge;
        options.kT = kT;
        options.repeats = repeats;
        options.relax = relax;
        options.records = records;
        options.interval = interval;
        options.stiffness = stiffness;
        options.seed = seed;
        MapExamples examples = examples_of(inputs, targets);
        QuarticNet first = net.is_none() ? QuarticNet::random(examples.inputs, hidden, examples.outputs, trainers::first_width, seed) : net.cast<const QuarticNet&>();
        return std::make_unique<PyEquilibrium>(device, std::move(examples), std::move(first), updates, options);
      }), py::arg("device"), py::arg("inputs"), py::arg("targets"), py::kw_only(), py::arg("net") = py::none(), py::arg("hidden") = 6,
           py::arg("updates") = 200, py::arg("rate") = 0.3, py::arg("nudge") = 0.3, py::arg("kT") = 0.05, py::arg("repeats") = 8, py::arg("relax") = 8.0,
           py::arg("records") = 4, py::arg("interval") = 0.5, py::arg("stiffness") = 0.05, py::arg("seed") = 1,
           R"(inputs: (examples, inputs); targets: (examples, outputs). net: to begin with; None: a random one of `hidden` hidden cells. nudge:
beta, the energy gets plus and minus beta times the cost sum (output - target)^2/2. repeats: shots of each example and sign, 2 or
more. relax, interval: time units before the first record and between the `records`. stiffness: as of Scaling.)")
      .def("train", &PyEquilibrium::train, py::arg("after") = py::none(), py::kw_only(), py::arg("progress") = py::none(),
           R"(Makes the updates that are left. after(done, total, cost) is called after each; False stops after it, and a further call goes on.
progress: as of Device.submit.)")
      .def("outputs", &PyEquilibrium::outputs, py::kw_only(), py::arg("progress") = py::none(),
           "Mean outputs of the cells left alone: float64, (examples, outputs).")
      .def("gradient", &PyEquilibrium::gradient, py::kw_only(), py::arg("first_shot") = trainers::first_reading, py::arg("progress") = py::none(),
           R"((derivatives, cost): of the mean cost by biases, then couplings, at the present net: float64, (2, parameters), values and standard
errors; cost: mean of both signs.)")
      .def("resume", &PyEquilibrium::resume, py::arg("net"), py::arg("costs"), "Takes up a training that stopped, of the same options.")
      .def_property_readonly("net", [](const PyEquilibrium& of) { return std::make_shared<QuarticNet>(of.training().net); }, "As it is now, a copy.")
      .def_property_readonly("updates", [](const PyEquilibrium& of) { return of.training().updates; }, "Made so far.")
      .def_property_readonly("costs", [](const PyEquilibrium& of) { return array_of(of.training().costs); }, "float64, (updates,): of every update, before it.");
}

NaturalGradientOptions step_options(double time, double kT, std::uint32_t shots, double stiffness, std::uint64_t seed) {
  NaturalGradientOptions options;
  options.time = time;
  options.kT = kT;
  options.shots = shots;
  options.stiffness = stiffness;
  options.seed = seed;
  return options;
}

class PyDescent {
 public:
  PyDescent(PyDevice& device, const py::object& theta, NaturalDescentOptions options) : owned_(device.owned()), watch_(std::make_unique<Watch>(py::none())) {
    const auto first = numbers<double>(theta, "NaturalDescent: theta");
    if (first.ndim() != 1) bad_shape(first, "NaturalDescent: theta", "(parameters,)");
    options.step.progress = std::ref(*watch_);
    OwnedDevice::Use use(*owned_);
    descent_.emplace(*use, std::vector<double>(first.data(), first.data() + first.size()), options);
  }

  void step(const py::object& gradient, const py::object& curvature) {
    const std::vector<double> slope = copied_vector(gradient, theta().size(), "NaturalDescent.step: gradient");
    const std::vector<double> F = copied_square(curvature, "NaturalDescent.step: curvature");
    const InCall::Scope here(in_call_, "NaturalDescent.step");
    OwnedDevice::Use use(*owned_);
    const py::gil_scoped_release no_gil;
    descent_->step(slope, F);
  }

  void resume(const py::object& theta, const py::object& x, std::uint32_t steps) {
    const InCall::Scope here(in_call_, "NaturalDescent.resume");
    descent_->resume(copied_vector(theta, this->theta().size(), "NaturalDescent.resume: theta"),
                     copied_vector(x, this->theta().size(), "NaturalDescent.resume: x"), steps);
  }

  const std::vector<double>& theta() const { return whole().theta(); }
  const std::vector<double>& x() const { return whole().x(); }
  std::uint32_t steps() const { return whole().steps(); }

 private:
  const trainers::NaturalDescent& whole() const {
    in_call_.check("NaturalDescent");
    return *descent_;
  }

  std::shared_ptr<OwnedDevice> owned_;
  std::unique_ptr<Watch> watch_;
  std::optional<trainers::NaturalDescent> descent_;
  InCall in_call_;
};

void bind_natural_gradient(py::module_& module) {
  module.def("natural_step", [](PyDevice& device, const py::object& A, const py::object& b, double time, double kT, std::uint32_t shots, double stiffness,
                                std::uint64_t seed, const py::object& start, std::uint32_t first_shot, py::object progress) {
    const std::vector<double> matrix = copied_square(A, "natural_step: A");
    const std::size_t n = rows_of(matrix);
    const std::vector<double> right = copied_vector(b, n, "natural_step: b");
    const std::vector<double> from = start.is_none() ? std::vector<double>() : copied_vector(start, n, "natural_step: start");
    NaturalGradientOptions options = step_options(time, kT, shots, stiffness, seed);
    const trainers::NaturalStep made = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      options.progress = std::move(of);
      return trainers::natural_step(opened, matrix, right, options, from, first_shot);
    });
    const auto size = static_cast<py::ssize_t>(n);
    return py::make_tuple(array_of(made.x), array_of(made.covariance).reshape({size, size}), made.time);
  });
  py::class_<PyDescent>(module, "NaturalDescent", R"(Descent theta <- theta - rate x with (F + damping) x = gradient solved by cells that relax (thermodynamic natural gradient,
arXiv:2405.13817). Devices of overdamped cells.)")
      .def(py::init([](PyDevice& device, const py::object& theta, double rate, double damping, bool carry, double time, double kT, std::uint32_t shots,
                       double stiffness, std::uint64_t seed) {
        NaturalDescentOptions options;
        options.step = step_options(time, kT, shots, stiffness, seed);
        options.rate = rate;
        options.damping = damping;
        options.carry = carry;
        return std::make_unique<PyDescent>(device, theta, options);
      }), py::arg("device"), py::arg("theta"), py::kw_only(), py::arg("rate") = 0.5, py::arg("damping") = 0.01, py::arg("carry") = false,
           py::arg("time") = 5.0, py::arg("kT") = 1e-4, py::arg("shots") = 64, py::arg("stiffness") = 0.02, py::arg("seed") = 1,
           R"(theta: (parameters,). time: of a step, in time units of F + damping: long, the natural gradient; short, plain descent. kT: of the
cells; shots: readings that are averaged. carry: cells go on where the last step left them, which acts as momentum.)")
      .def("step", &PyDescent::step, py::arg("gradient"), py::arg("curvature"),
           "One step with the gradient, (parameters,), and the curvature F, (parameters, parameters), symmetric, at theta.")
      .def("resume", &PyDescent::resume, py::arg("theta"), py::arg("x"), py::arg("steps"), "Goes on from a saved state, to the same bits.")
      .def_property_readonly("theta", [](const PyDescent& of) { return array_of(of.theta()); }, "float64, (parameters,), a copy.")
      .def_property_readonly("x", [](const PyDescent& of) { return array_of(of.x()); }, "Where the cells are: float64, (parameters,).")
      .def_property_readonly("steps", &PyDescent::steps, "Made so far.");
}

}  // namespace

void bind_analog_training(py::module_& module) {
  bind_net(module);
  bind_equilibrium(module);
  bind_natural_gradient(module);
}

}  // namespace heatbath::python
