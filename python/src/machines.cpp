// Machines of spins: Boltzmann machines that learn a law, memories that recall patterns.

#include <functional>
#include <string>

#include <pybind11/stl.h>

#include "calls.hpp"
#include "heatbath/trainers/associative_memory.hpp"
#include "heatbath/trainers/exact_machine.hpp"
#include "heatbath/trainers/graph_machine.hpp"
#include "heatbath/trainers/machine_training.hpp"

namespace heatbath::python {
namespace {

using trainers::BoltzmannOptions;
using trainers::DenseMemory;
using trainers::GraphTraining;
using trainers::MachineTraining;
using trainers::Patterns;
using trainers::Spin;
using trainers::SpinDevice;
using trainers::SpinMachine;

/// Spins of any type and layout, (..., cells); `rows` becomes how many states they are.
std::vector<Spin> spins_of(const py::object& values, std::uint32_t cells, const char* where, std::size_t& rows) {
  const auto array = numbers<double>(values, where);
  if (array.ndim() < 1 || array.shape(array.ndim() - 1) != static_cast<py::ssize_t>(cells))
    bad_shape(array, where, "(..., " + std::to_string(cells) + ")");
  rows = cells == 0 ? 0 : static_cast<std::size_t>(array.size()) / cells;
  std::vector<Spin> spins;
  spins.reserve(static_cast<std::size_t>(array.size()));
  for (const double spin : span_of(array)) {
    if (spin != 1 && spin != -1) throw Error(HB_BAD_ARG, std::string(where) + ": spins are +1 and -1");
    spins.push_back(static_cast<Spin>(spin));
  }
  return spins;
}

py::array_t<Spin> copy_of(std::span<const Spin> spins, std::vector<py::ssize_t> shape) { return py::array_t<Spin>(std::move(shape), spins.data()); }

SpinMachine machine_of(const py::object& fields, const py::object& couplings, std::optional<std::uint32_t> visible, bool visible_coupled,
                       bool hidden_coupled) {
  const auto h = numbers<float>(fields, "SpinMachine: fields");
  if (h.ndim() != 1 || h.size() == 0 || h.size() > 65536) bad_shape(h, "SpinMachine: fields", "(cells,)");
  const auto cells = static_cast<std::uint32_t>(h.size());
  const auto J = numbers<float>(couplings, "SpinMachine: couplings");
  if (J.ndim() != 2 || J.shape(0) != h.size() || J.shape(1) != h.size())
    bad_shape(J, "SpinMachine: couplings", "(" + std::to_string(cells) + ", " + std::to_string(cells) + ")");
  SpinMachine machine(cells);
  machine.visible = visible.value_or(cells);
  if (machine.visible == 0 || machine.visible > cells)
    throw Error(HB_BAD_ARG, "SpinMachine: " + std::to_string(machine.visible) + " visible cells of " + std::to_string(cells));
  machine.visible_coupled = visible_coupled;
  machine.hidden_coupled = hidden_coupled;
  machine.field.assign(h.data(), h.data() + h.size());
  machine.couplings.assign(J.data(), J.data() + J.size());
  for (const float value : machine.field)
    if (!std::isfinite(value)) throw Error(HB_BAD_ARG, "SpinMachine: a field is not finite");
  for (std::uint32_t i = 0; i < cells; ++i) {
    for (std::uint32_t j = 0; j <= i; ++j) {
      const float value = machine.coupling(i, j);
      const std::string pair = "(" + std::to_string(i) + ", " + std::to_string(j) + ")";
      if (!std::isfinite(value) || (i == j && value != 0) || value != machine.coupling(j, i))
        throw Error(HB_BAD_ARG, "SpinMachine: couplings" + pair + ": they are finite, symmetric, and 0 on the diagonal");
      if (i != j && value != 0 && !machine.may_couple(i, j))
        throw Error(HB_BAD_ARG, "SpinMachine: couplings" + pair + " is not 0, but visible_coupled and hidden_coupled leave it out");
    }
  }
  return machine;
}

void bind_machine(py::module_& module) {
  py::class_<SpinMachine, std::shared_ptr<SpinMachine>>(module, "SpinMachine", R"(Spins +1 and -1 with couplings between pairs, E(s) = -sum_i h_i s_i - sum_{i<j} J_ij s_i s_j: positive couplings align.

The first `visible` cells carry the pattern, the others are hidden. It pickles; its arrays share its memory.)")
      .def(py::init(&machine_of), py::arg("fields"), py::arg("couplings"), py::kw_only(), py::arg("visible") = py::none(),
           py::arg("visible_coupled") = true, py::arg("hidden_coupled") = true,
           R"(fields: h, (cells,); couplings: J, (cells, cells), symmetric with zero diagonal. visible: None: all. visible_coupled,
hidden_coupled: whether a training gives pairs of visible, of hidden cells a coupling.)")
      .def_readonly("cells", &SpinMachine::cells)
      .def_readonly("visible", &SpinMachine::visible)
      .def_property_readonly("hidden", [](const SpinMachine& of) { return of.cells - of.visible; })
      .def_readonly("visible_coupled", &SpinMachine::visible_coupled)
      .def_readonly("hidden_coupled", &SpinMachine::hidden_coupled)
      .def_property_readonly("fields", [](const py::object& self) {
        const auto& of = self.cast<const SpinMachine&>();
        return lent<float>({of.cells}, of.field.data(), self);
      }, "h: float32, (cells,).")
      .def_property_readonly("couplings", [](const py::object& self) {
        const auto& of = self.cast<const SpinMachine&>();
        return lent<float>({of.cells, of.cells}, of.couplings.data(), self);
      }, "J: float32, (cells, cells).")
      .def("energy", [](const SpinMachine& of, const py::object& spins) -> py::object {
        std::size_t rows = 0;
        const auto all = spins_of(spins, of.cells, "SpinMachine.energy", rows);
        const auto array = py::array::ensure(spins);
        std::vector<py::ssize_t> shape(array.shape(), array.shape() + array.ndim() - 1);
        py::array_t<double> energies(shape);
        for (std::size_t k = 0; k < rows; ++k) energies.mutable_data()[k] = of.energy(std::span(all).subspan(k * of.cells, of.cells));
        return shape.empty() ? py::object(py::float_(*energies.data())) : py::object(energies);
      }, py::arg("spins"), "E of spins in the last axis, (..., cells): a float, or float64 of the other axes.")
      .def("network", [](const SpinMachine& of) { return trainers::network_of(of); }, "The same as a Network of p-bits.")
      .def("law", [](const SpinMachine& of, double kT) {
        std::vector<double> law;
        {
          const py::gil_scoped_release no_gil;
          law = trainers::visible_law(of, kT);
        }
        return array_of(law);
      }, py::arg("kT") = 1.0, R"(Probabilities of all states of the visible cells, hidden ones summed over: float64, (2^visible,); bit i of the index set: spin i
up. At most 16 visible cells, and where hidden cells couple to one another at most 16 in all.)")
      .def("divergence", [](const SpinMachine& of, const Patterns& data, double kT) {
        const py::gil_scoped_release no_gil;
        return trainers::exact_divergence(data, of, kT);
      }, py::arg("patterns"), py::arg("kT") = 1.0, "KL(patterns || machine) in nats, all states counted; sizes as of law().")
      .def(py::pickle([](const SpinMachine& of) {
        return py::make_tuple(array_of(of.field), array_of(of.couplings), of.visible, of.visible_coupled, of.hidden_coupled);
      }, [](const py::tuple& state) {
        return std::make_shared<SpinMachine>(machine_of(state[0], state[1].attr("reshape")(py::len(state[0]), py::len(state[0])), state[2].cast<std::uint32_t>(),
                                                        state[3].cast<bool>(), state[4].cast<bool>()));
      }))
      .def("__repr__", [](const SpinMachine& of) {
        return "<heatbath.trainers.SpinMachine: " + std::to_string(of.visible) + " visible, " + std::to_string(of.cells - of.visible) + " hidden cells>";
      });

  module.def("draw_spins", [](PyDevice& device, const SpinMachine& machine, std::uint32_t shots, double kT, double burn, std::uint32_t records,
                              double interval, const py::object& starts, std::uint64_t seed, std::uint32_t first_shot, py::object progress) {
    std::vector<Spin> from;
    if (!starts.is_none()) {
      std::size_t rows = 0;
      from = spins_of(starts, machine.cells, "draw_spins: starts", rows);
      if (rows != shots) throw Error(HB_BAD_ARG, "draw_spins: " + std::to_string(rows) + " starts for " + std::to_string(shots) + " shots");
    }
    const trainers::SpinRecords drawn = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      SpinDevice spins(opened, seed, first_shot);
      spins.set_progress(std::move(of));
      SpinDevice::Run run;
      run.shots = shots;
      run.starts = from;
      run.burn = burn;
      run.records = records;
      run.interval = interval;
      return spins.run(machine, kT, run);
    });
    return copy_of(drawn.spins, {drawn.shots, drawn.records, drawn.cells});
  }, py::arg("device"), py::arg("machine"), py::arg("shots"), py::kw_only(), py::arg("kT") = 1.0, py::arg("burn") = 500.0, py::arg("records") = 1,
             py::arg("interval") = 1.0, py::arg("starts") = py::none(), py::arg("seed") = 1, py::arg("first_shot") = 0,
             py::arg("progress") = py::none(), R"(Spins of a machine on a device of p-bits: int8, (shots, records, cells). burn, interval: sweeps before the first record and
between records. starts: (shots, cells); None: random spins.)");
  module.def("free_energy", [](PyDevice& device, const SpinMachine& machine, double kT, std::uint32_t shots, double sweeps, std::uint64_t seed,
                               py::object progress) {
    const SpinDevice::FreeEnergy F = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      SpinDevice spins(opened, seed, trainers::first_shot_after_training);
      spins.set_progress(std::move(of));
      return spins.free_energy(machine, kT, shots, sweeps);
    });
    return std::pair(named(F), F.effective);
  }, py::arg("device"), py::arg("machine"), py::kw_only(), py::arg("kT") = 1.0, py::arg("shots") = 512, py::arg("sweeps") = 500.0,
             py::arg("seed") = 1, py::arg("progress") = py::none(), R"((F, effective samples): -kT ln Z from the work of a ramp of all couplings and fields from 0 within `sweeps` (Jarzynski's average over
shots, which is annealed importance sampling). UnsupportedError on a device without meters.)");
  module.def("gradient_of_machine", [](PyDevice& device, const Patterns& patterns, const SpinMachine& machine, double kT, std::uint32_t shots,
                                       double sweeps, const py::object& starts, std::uint64_t seed, py::object progress) {
    std::vector<Spin> from;
    std::size_t rows = 0;
    if (!starts.is_none()) {
      from = spins_of(starts, machine.cells, "gradient_of_machine: starts", rows);
      if (rows != shots) throw Error(HB_BAD_ARG, "gradient_of_machine: " + std::to_string(rows) + " starts for " + std::to_string(shots) + " shots");
    }
    const auto measured = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      SpinDevice spins(opened, seed, trainers::first_shot_after_training);
      spins.set_progress(std::move(of));
      return trainers::measured_gradient(spins, patterns, machine, kT, shots, sweeps, from);
    });
    py::list pairs;
    for (const auto& [i, j] : trainers::machine_parameters(machine)) pairs.append(py::make_tuple(i, j));
    return py::make_tuple(pairs, array_of(measured));
  }, py::arg("device"), py::arg("patterns"), py::arg("machine"), py::kw_only(), py::arg("kT") = 1.0, py::arg("shots") = 20000,
             py::arg("sweeps") = 20.0, py::arg("starts") = py::none(), py::arg("seed") = 1, py::arg("progress") = py::none(),
             R"((parameters, values): the gradient of the likelihood of patterns times kT, <s_i s_j>_data - <s_i s_j>_device. parameters:
(i, j), i = j a field; values: float64, (2, parameters), values and standard errors, of shots that start at `starts`, (shots,
cells), or at random spins, and run for `sweeps`.)");
  module.def("exact_spins", [](const SpinMachine& machine, std::uint32_t shots, double kT, std::uint64_t seed) {
    const std::vector<Spin> spins = trainers::exact_states(machine, kT, shots, seed);
    return copy_of(spins, {shots, machine.cells});
  }, py::arg("machine"), py::arg("shots"), py::kw_only(), py::arg("kT") = 1.0, py::arg("seed") = 1,
             "States of all cells drawn on this computer from the counted law: int8, (shots, cells); sizes as of SpinMachine.law.");
  module.def("exact_gradient", [](const Patterns& patterns, const SpinMachine& machine, double kT) {
    return array_of(trainers::exact_gradient(patterns, machine, kT));
  }, py::arg("patterns"), py::arg("machine"), py::arg("kT") = 1.0, "What gradient_of_machine measures, all states counted: float64, (parameters,).");
}

/// A training with its device; complete after every update.
class PyBoltzmann {
 public:
  PyBoltzmann(PyDevice& device, const Patterns& data, std::uint32_t hidden, bool general, const BoltzmannOptions& options, std::uint64_t seed)
      : owned_(device.owned()), data_(data), options_(options) {
    if (options_.settle == 0) options_.settle = general ? 10 : 1;
    training_ = trainers::begin_training(data_, hidden, seed, options_.limit);
    training_.machine.visible_coupled = training_.machine.hidden_coupled = general;
    OwnedDevice::Use use(*owned_);
    const Capabilities& capabilities = use->capabilities();
    if (training_.machine.cells > capabilities.cells)
      throw Error(HB_BAD_ARG, "BoltzmannTrainer: " + std::to_string(training_.machine.cells) + " cells are needed, the device has " +
                                  std::to_string(capabilities.cells));
    const SpinDevice spins(*use, seed);  // refuses other kinds of cells
  }

  void train(const py::object& after, py::object progress) {
    const InCall::Scope here(in_call_, "BoltzmannTrainer.train");
    Watch watch(std::move(progress));
    OwnedDevice::Use use(*owned_);
    bool ended = false;
    {
      const py::gil_scoped_release no_gil;
      SpinDevice spins(*use, training_.seed);
      const auto fraction = [&] { return static_cast<double>(training_.updates) / options_.updates; };
      spins.set_progress([&](double) { return watch(fraction()); });
      trainers::train_machine(spins, data_, options_, options_.updates, training_, [&] {
        return told_after(after, watch, fraction(), ended, training_.updates, options_.updates, training_.gaps.back());
      });
    }
    if (ended) throw Error(HB_ABORTED, "BoltzmannTrainer.train: stopped by its progress; a further call goes on");
    if (training_.updates == options_.updates) watch.end();
  }

  py::array draw(std::uint32_t shots, double sweeps, py::object progress) {
    const InCall::Scope here(in_call_, "BoltzmannTrainer.draw");
    Watch watch(std::move(progress));
    OwnedDevice::Use use(*owned_);
    std::vector<Spin> visible;
    {
      const py::gil_scoped_release no_gil;
      SpinDevice spins(*use, training_.seed, trainers::first_shot_after_training);
      spins.set_progress(std::ref(watch));
      SpinDevice::Run run;
      run.shots = shots;
      run.burn = sweeps;
      const trainers::SpinRecords all = spins.run(training_.machine, 1, run);
      for (std::uint32_t shot = 0; shot < shots; ++shot) {
        const auto state = all.state(shot, 0).first(training_.machine.visible);
        visible.insert(visible.end(), state.begin(), state.end());
      }
    }
    watch.end();
    return copy_of(visible, {shots, training_.machine.visible});
  }

  void resume(const MachineTraining& from) {
    const InCall::Scope here(in_call_, "BoltzmannTrainer.resume");
    const SpinMachine &own = training_.machine, &other = from.machine;
    if (other.cells != own.cells || other.visible != own.visible || other.hidden_coupled != own.hidden_coupled || from.seed != training_.seed ||
        from.updates > options_.updates)
      throw Error(HB_BAD_ARG, "BoltzmannTrainer.resume: a training of " + std::to_string(other.visible) + " + " + std::to_string(other.cells - other.visible) +
                                  " cells, seed " + std::to_string(from.seed) + " and " + std::to_string(from.updates) + " updates; this one has " +
                                  std::to_string(own.visible) + " + " + std::to_string(own.cells - own.visible) + ", seed " +
                                  std::to_string(training_.seed) + " and " + std::to_string(options_.updates));
    training_ = from;
  }

  const MachineTraining& training() const {
    in_call_.check("BoltzmannTrainer");
    return training_;
  }

 private:
  std::shared_ptr<OwnedDevice> owned_;
  Patterns data_;
  BoltzmannOptions options_;
  MachineTraining training_;
  InCall in_call_;
};

py::bytes bytes_of(const std::vector<Spin>& spins) { return {reinterpret_cast<const char*>(spins.data()), spins.size()}; }
std::vector<Spin> from_bytes(const py::bytes& bytes) {
  const std::string text = bytes;
  return {text.begin(), text.end()};
}

void bind_boltzmann(py::module_& module) {
  py::class_<MachineTraining, std::shared_ptr<MachineTraining>>(module, "MachineTraining", "A machine in training and all that going on needs. It pickles.")
      .def_property_readonly("machine", [](const MachineTraining& of) { return std::make_shared<SpinMachine>(of.machine); })
      .def_readonly("updates", &MachineTraining::updates, "Made so far.")
      .def_readonly("seed", &MachineTraining::seed)
      .def(py::pickle([](const MachineTraining& of) {
        return py::make_tuple(std::make_shared<SpinMachine>(of.machine), of.updates, of.seed, bytes_of(of.chains), bytes_of(of.clamped), of.gaps,
                              of.exchanges_tried, of.exchanges_made);
      }, [](const py::tuple& state) {
        auto of = std::make_shared<MachineTraining>();
        of->machine = state[0].cast<const SpinMachine&>();
        of->updates = state[1].cast<std::uint32_t>();
        of->seed = state[2].cast<std::uint64_t>();
        of->chains = from_bytes(state[3].cast<py::bytes>());
        of->clamped = from_bytes(state[4].cast<py::bytes>());
        of->gaps = state[5].cast<std::vector<double>>();
        of->exchanges_tried = state[6].cast<std::uint64_t>();
        of->exchanges_made = state[7].cast<std::uint64_t>();
        return of;
      }));
  py::class_<PyBoltzmann>(module, "BoltzmannTrainer", R"(A Boltzmann machine that learns a law from patterns on a device of p-bits: each parameter follows the difference of an average
over the data and one over what the device makes (Ackley, Hinton & Sejnowski 1985). The same bits as `heatbath train boltzmann`
of the same options, for any number of lanes and threads.)")
      .def(py::init([](PyDevice& device, const Patterns& patterns, std::uint32_t hidden, bool general, const std::string& chains, std::uint32_t updates,
                       std::uint32_t shots, double sweeps, double settle, double rate, double decay, double preconditioner, double limit,
                       std::uint32_t temperatures, double hottest, std::uint64_t seed) {
        BoltzmannOptions options;
        options.phase = trainers::free_phase_named(chains, "chains");
        options.updates = updates;
        options.shots = shots;
        options.sweeps = sweeps;
        options.settle = settle;
        options.rate = rate;
        options.decay = decay;
        options.preconditioner = preconditioner;
        options.limit = limit;
        options.temperatures = temperatures;
        options.hottest = hottest;
        return std::make_unique<PyBoltzmann>(device, patterns, hidden, general, options, seed);
      }), py::arg("device"), py::arg("patterns"), py::kw_only(), py::arg("hidden") = 8, py::arg("general") = false, py::arg("chains") = "tempered",
           py::arg("updates") = 1500, py::arg("shots") = 256, py::arg("sweeps") = 2.0, py::arg("settle") = 0.0, py::arg("rate") = 0.1,
           py::arg("decay") = 0.0, py::arg("preconditioner") = 0.0, py::arg("limit") = 0.0, py::arg("temperatures") = 5, py::arg("hottest") = 4.0,
           py::arg("seed") = 1, R"(general: every pair couples, else visible cells to hidden ones alone. chains: where the free phase starts: "contrastive" (at the
patterns), "persistent" (where it ended), "tempered" (there, beside `temperatures` hotter chains up to hottest times kT). sweeps,
settle: lengths of the free phase and, visible cells clamped, before it; settle 0: 1, of a general machine 10. rate: of the first
update; falls to a tenth. limit: largest field and coupling; 0: none.)")
      .def("train", &PyBoltzmann::train, py::arg("after") = py::none(), py::kw_only(), py::arg("progress") = py::none(),
           R"(Makes the updates that are left. after(done, total, difference) is called after each, the root mean square of what the averages
differ by; False stops after it, and a further call goes on. progress: as of Device.submit.)")
      .def_property_readonly("machine", [](const PyBoltzmann& of) { return std::make_shared<SpinMachine>(of.training().machine); }, "As it is now, a copy.")
      .def_property_readonly("training", [](const PyBoltzmann& of) { return std::make_shared<MachineTraining>(of.training()); },
                             "All that resume() needs, a copy; it pickles.")
      .def_property_readonly("updates", [](const PyBoltzmann& of) { return of.training().updates; }, "Made so far.")
      .def_property_readonly("differences", [](const PyBoltzmann& of) { return array_of(of.training().gaps); },
                             "float64, (updates,): root mean square of (data average - device average) over the parameters.")
      .def_property_readonly("exchanges", [](const PyBoltzmann& of) { return std::pair(of.training().exchanges_made, of.training().exchanges_tried); },
                             "(made, tried) of tempered chains.")
      .def("resume", &PyBoltzmann::resume, py::arg("training"), "Takes up a training that stopped, of the same options.")
      .def("draw", &PyBoltzmann::draw, py::arg("shots") = 1000, py::kw_only(), py::arg("sweeps") = 500.0, py::arg("progress") = py::none(),
           "Visible cells of the machine, `sweeps` after random spins: int8, (shots, visible).");
}

/// A training of a machine on the couplers of its device; complete after every update.
class PyGraphTrainer {
 public:
  PyGraphTrainer(PyDevice& device, const Patterns& data, const std::optional<std::vector<std::uint32_t>>& visible, const BoltzmannOptions& options,
                 std::uint64_t seed)
      : owned_(device.owned()), data_(data), options_(options) {
    if (options_.phase == trainers::FreePhase::tempered) throw Error(HB_BAD_ARG, "GraphTrainer: chains are contrastive or persistent");
    OwnedDevice::Use use(*owned_);
    trainers::GraphMachine machine = trainers::machine_on(use->capabilities());
    if (visible) machine.visible = *visible;
    training_ = trainers::begin_training(data_, std::move(machine), seed, options_.limit);
    const SpinDevice spins(*use, seed);  // refuses other kinds of cells
  }

  void train(const py::object& after, py::object progress) {
    const InCall::Scope here(in_call_, "GraphTrainer.train");
    Watch watch(std::move(progress));
    OwnedDevice::Use use(*owned_);
    bool ended = false;
    {
      const py::gil_scoped_release no_gil;
      SpinDevice spins(*use, training_.seed);
      const auto fraction = [&] { return static_cast<double>(training_.updates) / options_.updates; };
      spins.set_progress([&](double) { return watch(fraction()); });
      trainers::train_machine(spins, data_, options_, options_.updates, training_, [&] {
        return told_after(after, watch, fraction(), ended, training_.updates, options_.updates, training_.gaps.back());
      });
    }
    if (ended) throw Error(HB_ABORTED, "GraphTrainer.train: stopped by its progress; a further call goes on");
    if (training_.updates == options_.updates) watch.end();
  }

  double pseudolikelihood(const Patterns& patterns) const {
    const InCall::Scope here(in_call_, "GraphTrainer.pseudolikelihood");
    const py::gil_scoped_release no_gil;
    return trainers::pseudolikelihood(patterns, training_.machine, options_.kT);
  }

  void resume(const GraphTraining& from) {
    const InCall::Scope here(in_call_, "GraphTrainer.resume");
    if (from.machine.edges != training_.machine.edges || from.machine.visible != training_.machine.visible || from.seed != training_.seed ||
        from.updates > options_.updates)
      throw Error(HB_BAD_ARG, "GraphTrainer.resume: a training of another graph, other visible cells, another seed, or of more updates");
    training_ = from;
  }

  const GraphTraining& training() const {
    in_call_.check("GraphTrainer");
    return training_;
  }

 private:
  std::shared_ptr<OwnedDevice> owned_;
  Patterns data_;
  BoltzmannOptions options_;
  GraphTraining training_;
  mutable InCall in_call_;
};

py::array_t<std::uint32_t> edges_of(const trainers::GraphMachine& machine) {
  py::array_t<std::uint32_t> edges({static_cast<py::ssize_t>(machine.edges.size()), py::ssize_t{2}});
  auto to = edges.mutable_unchecked<2>();
  for (std::size_t e = 0; e < machine.edges.size(); ++e) {
    to(static_cast<py::ssize_t>(e), 0) = machine.edges[e].i;
    to(static_cast<py::ssize_t>(e), 1) = machine.edges[e].j;
  }
  return edges;
}

template <typename T>
py::array_t<T> array_copy(const std::vector<T>& values) { return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data()); }

void bind_graph_machines(py::module_& module) {
  py::class_<GraphTraining, std::shared_ptr<GraphTraining>>(module, "GraphTraining",
                                                            "A machine on a graph in training and all that going on needs. It pickles.")
      .def_property_readonly("cells", [](const GraphTraining& of) { return of.machine.cells; })
      .def_property_readonly("visible", [](const GraphTraining& of) { return array_copy(of.machine.visible); }, "uint32, (visible,): cells of the patterns.")
      .def_property_readonly("edges", [](const GraphTraining& of) { return edges_of(of.machine); }, "uint32, (edges, 2): i < j, sorted.")
      .def_property_readonly("fields", [](const GraphTraining& of) { return array_copy(of.machine.field); }, "float32, (cells,): positive pulls up.")
      .def_property_readonly("couplings", [](const GraphTraining& of) { return array_copy(of.machine.coupling); }, "float32, (edges,): positive aligns.")
      .def_readonly("updates", &GraphTraining::updates, "Made so far.")
      .def_readonly("seed", &GraphTraining::seed)
      .def(py::pickle([](const GraphTraining& of) {
        std::vector<std::uint32_t> ends;
        for (const Coupler edge : of.machine.edges) ends.insert(ends.end(), {edge.i, edge.j});
        return py::make_tuple(of.machine.cells, of.machine.visible, ends, of.machine.field, of.machine.coupling, of.updates, of.seed,
                              bytes_of(of.chains), bytes_of(of.clamped), of.gaps);
      }, [](const py::tuple& state) {
        auto of = std::make_shared<GraphTraining>();
        of->machine.cells = state[0].cast<std::uint32_t>();
        of->machine.visible = state[1].cast<std::vector<std::uint32_t>>();
        const auto ends = state[2].cast<std::vector<std::uint32_t>>();
        for (std::size_t e = 0; e + 1 < ends.size(); e += 2) of->machine.edges.push_back({ends[e], ends[e + 1]});
        of->machine.field = state[3].cast<std::vector<float>>();
        of->machine.coupling = state[4].cast<std::vector<float>>();
        of->updates = state[5].cast<std::uint32_t>();
        of->seed = state[6].cast<std::uint64_t>();
        of->chains = from_bytes(state[7].cast<py::bytes>());
        of->clamped = from_bytes(state[8].cast<py::bytes>());
        of->gaps = state[9].cast<std::vector<double>>();
        return of;
      }));
  py::class_<PyGraphTrainer>(module, "GraphTrainer", R"(A Boltzmann machine on the couplers of a sparse device of p-bits (topology=), as large as the device: one coupling for each
coupler, one field for each cell. The same bits as `heatbath train graph` of the same options, for any number of lanes and threads.)")
      .def(py::init([](PyDevice& device, const Patterns& patterns, const std::optional<std::vector<std::uint32_t>>& visible, const std::string& chains,
                       std::uint32_t updates, std::uint32_t shots, double sweeps, double settle, double rate, double decay, double limit, std::uint64_t seed) {
        BoltzmannOptions options;
        options.phase = trainers::free_phase_named(chains, "chains");
        options.updates = updates;
        options.shots = shots;
        options.sweeps = sweeps;
        options.settle = settle;
        options.rate = rate;
        options.decay = decay;
        options.limit = limit;
        return std::make_unique<PyGraphTrainer>(device, patterns, visible, options, seed);
      }), py::arg("device"), py::arg("patterns"), py::kw_only(), py::arg("visible") = py::none(), py::arg("chains") = "persistent", py::arg("updates") = 100,
           py::arg("shots") = 16, py::arg("sweeps") = 4.0, py::arg("settle") = 8.0, py::arg("rate") = 0.2, py::arg("decay") = 0.0, py::arg("limit") = 0.0,
           py::arg("seed") = 1, R"(visible: numbers of the cells that carry the patterns, rising; None: all. The others are hidden and settle for `settle` sweeps in
the clamped phase. chains: where the free phase starts: "contrastive" (at the patterns) or "persistent" (where it ended). rate:
of the first update; falls to a tenth. limit: largest field and coupling; 0: none.)")
      .def("train", &PyGraphTrainer::train, py::arg("after") = py::none(), py::kw_only(), py::arg("progress") = py::none(),
           R"(Makes the updates that are left. after(done, total, difference) is called after each, the root mean square of what the averages
differ by; False stops after it, and a further call goes on. progress: as of Device.submit.)")
      .def("pseudolikelihood", &PyGraphTrainer::pseudolikelihood, py::arg("patterns"),
           "Mean of ln p(cell | all other cells) over patterns and cells, nats; BadArgError with hidden cells.")
      .def("resume", &PyGraphTrainer::resume, py::arg("training"), "Takes up a training that stopped, of the same options.")
      .def_property_readonly("training", [](const PyGraphTrainer& of) { return std::make_shared<GraphTraining>(of.training()); },
                             "The machine as it is now and all that resume() needs, a copy; it pickles.")
      .def_property_readonly("updates", [](const PyGraphTrainer& of) { return of.training().updates; }, "Made so far.")
      .def_property_readonly("differences", [](const PyGraphTrainer& of) { return array_of(of.training().gaps); },
                             "float64, (updates,): root mean square of (data average - device average) over the parameters.");
}

void bind_memories(py::module_& module) {
  module.def("random_patterns", &trainers::random_patterns, py::arg("cells"), py::arg("count"), py::arg("seed") = 1,
             "Patterns of independent fair spins, equal weights: a pure function of the seed.");
  module.def("bars_and_stripes", &trainers::bars_and_stripes, py::arg("side"),
             "Images of side x side cells whose rows, or whose columns, are each all up or all down: 2^(side + 1) - 2 patterns. side: 2 to 4.");
  module.def("hebbian_memory", &trainers::hebbian_memory, py::arg("patterns"),
             "J_ij = (1/N) sum_mu xi_mu(i) xi_mu(j) (Hopfield 1982): E = -(N/2) sum_mu m_mu^2 + P/2, m_mu = xi_mu . s/N.");
  py::class_<DenseMemory>(module, "DenseMemory", R"(A memory whose energy is quartic in the overlaps (Krotov & Hopfield 2016), made of pairs: ladders of hidden spins.)")
      .def_property_readonly("machine", [](const DenseMemory& of) { return std::make_shared<SpinMachine>(of.machine); })
      .def_readonly("kT", &DenseMemory::kT, "Temperature that it is made for.")
      .def_property_readonly("width", [](const DenseMemory& of) { return array_of(of.width); })
      .def_property_readonly("threshold", [](const DenseMemory& of) { return array_of(of.threshold); })
      .def_readonly("constant", &DenseMemory::constant, "What the visible energy lies above -(N/4) sum m^4.")
      .def_readonly("worst", &DenseMemory::worst, "Largest deviation from it, of one pattern over all overlaps.");
  module.def("dense_memory", &trainers::dense_memory, py::arg("patterns"), py::arg("kT"), py::arg("levels") = 3,
             "E = -(N/4) sum_mu m_mu^4 + constant at kT, by `levels` (1 to 16) pairs of hidden spins for each pattern.");
  module.def("memory_law", [](const Patterns& patterns, int power, double kT) { return array_of(trainers::memory_law(patterns, power, kT)); },
             py::arg("patterns"), py::arg("power"), py::arg("kT"),
             "Boltzmann weights of all states of -(N/power) sum_mu m_mu^power, of at most 16 cells: float64, (2^cells,).");
  module.def("overlaps", [](const Patterns& patterns, const py::object& spins) {
    std::size_t rows = 0;
    const auto all = spins_of(spins, patterns.cells, "overlaps", rows);
    py::array_t<double> out({static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(patterns.size())});
    for (std::size_t k = 0; k < rows; ++k) {
      const std::vector<double> of = trainers::overlaps_with(patterns, std::span(all).subspan(k * patterns.cells, patterns.cells));
      std::copy(of.begin(), of.end(), out.mutable_data(static_cast<py::ssize_t>(k)));
    }
    return out;
  }, py::arg("patterns"), py::arg("spins"), "m_mu = xi_mu . s/N of states (..., cells), in rows: float64, (states, patterns).");
  module.def("recall", [](PyDevice& device, const SpinMachine& machine, const Patterns& patterns, double kT, double corrupted, std::uint32_t shots,
                          double sweeps, double settle, std::uint64_t seed, py::object progress) {
    const trainers::Recall found = without_gil(device, std::move(progress), [&](Device& opened, Progress of) {
      SpinDevice spins(opened, seed);
      spins.set_progress(std::move(of));
      return trainers::recall(spins, machine, patterns, kT, corrupted, shots, sweeps, settle);
    });
    return py::make_tuple(named(found.overlap), named(found.recalled), named(found.first));
  });
  module.def("hebbian_overlap", &trainers::hebbian_overlap, py::arg("load"),
             R"(The overlap at which a Hebbian memory of `load` patterns per cell settles at T = 0, of the replica-symmetric theory (Amit, Gutfreund &
Sompolinsky 1987); 0 above a load of 0.138.)");
}

}  // namespace

void bind_machines(py::module_& module) {
  bind_machine(module);
  bind_boltzmann(module);
  bind_graph_machines(module);
  bind_memories(module);
}

}  // namespace heatbath::python
