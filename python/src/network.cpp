// Networks, their scaling into devices, and shots in blocks.

#include <algorithm>
#include <cmath>
#include <functional>
#include <string>

#include <pybind11/stl.h>

#include "bound.hpp"
#include "heatbath/cells.h"
#include "heatbath/network/network.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"

namespace heatbath::python {
namespace {

using network::Edge;
using network::Network;
using network::Scaling;
using Doubles = py::array_t<double, py::array::c_style>;

CellKind kind_of(const py::object& kind) {
  if (py::isinstance<py::str>(kind)) {
    const auto name = kind.cast<std::string>();
    std::string known;
    for (std::uint32_t k = 0; k < HB_CELL_KINDS; ++k) {
      if (name == hb_cell_kind_name(k)) return static_cast<CellKind>(k);
      known += (known.empty() ? "" : ", ") + std::string(hb_cell_kind_name(k));
    }
    throw Error(HB_BAD_ARG, "Network: no kind of cells is called '" + name + "'; there are " + known);
  }
  const auto number = kind.cast<std::uint32_t>();
  if (number >= HB_CELL_KINDS)
    throw Error(HB_BAD_ARG, "Network: there is no kind of cells " + std::to_string(number));
  return static_cast<CellKind>(number);
}

Doubles vector_of(const py::object& values, const char* where) {
  Doubles array = numbers<double>(values, where);
  if (array.ndim() != 1) bad_shape(array, where, "(cells,)");
  return array;
}

Doubles square_of(const py::object& values, const char* where) {
  Doubles array = numbers<double>(values, where);
  if (array.ndim() != 2 || array.shape(0) != array.shape(1)) bad_shape(array, where, "(cells, cells)");
  return array;
}

/// Values of a section of a network: one per cell, or cells x states.
Doubles values_of(const Network& network, CellSection section, const Doubles& array, const char* where) {
  if (network.values_in(section) == network.cells()) return vector_of(array, where);
  if (array.ndim() != 2 || array.shape(0) != network.cells() || array.shape(1) != network.states())
    bad_shape(array, where, "(" + std::to_string(network.cells()) + ", " + std::to_string(network.states()) + ")");
  return array;
}

std::uint32_t cell_of(const py::handle& value, const char* where) {
  if (PyIndex_Check(value.ptr()) == 0) throw py::type_error(std::string(where) + ": cells are whole numbers");
  const auto cell = py::int_(py::reinterpret_borrow<py::object>(value)).cast<std::int64_t>();
  if (cell < 0 || cell > 0xFFFFFFFF) throw Error(HB_BAD_ARG, std::string(where) + ": " + std::to_string(cell) + " is no cell");
  return static_cast<std::uint32_t>(cell);
}

std::vector<Edge> edges_of_arrays(const py::object& i, const py::object& j, const py::object& values, const char* where) {
  const auto from = cells_of(i, where), to = cells_of(j, where);
  const Doubles value = numbers<double>(values, where);
  if (value.ndim() != 1 || from.size() != to.size() || from.size() != static_cast<std::size_t>(value.size()))
    throw Error(HB_BAD_ARG, std::string(where) + ": (i, j, values) are three arrays of one length");
  std::vector<Edge> edges(from.size());
  for (std::size_t k = 0; k < edges.size(); ++k) edges[k] = {from[k], to[k], value.data()[k]};
  return edges;
}

/// Couplings in the forms that Python has: {(i, j): value}, a tuple of arrays (i, j, values), a scipy.sparse matrix (of
/// which the upper triangle counts, when both are there alike); nothing for a matrix, which `matrix` then holds.
std::optional<std::vector<Edge>> edges_of(const py::object& J, Doubles& matrix, const char* where) {
  if (py::isinstance<py::dict>(J)) {
    std::vector<Edge> edges;
    for (const auto& [pair, value] : py::reinterpret_borrow<py::dict>(J)) {
      const auto cells = py::cast<py::tuple>(py::reinterpret_borrow<py::object>(pair));
      if (cells.size() != 2) throw Error(HB_BAD_ARG, std::string(where) + ": keys are pairs of cells");
      edges.push_back({cell_of(cells[0], where), cell_of(cells[1], where), value.cast<double>()});
    }
    return edges;
  }
  if (py::isinstance<py::tuple>(J) && py::len(J) == 3) {
    const auto three = py::reinterpret_borrow<py::tuple>(J);
    return edges_of_arrays(three[0], three[1], three[2], where);
  }
  if (py::hasattr(J, "tocoo")) {
    const py::object upper = py::module_::import("scipy.sparse").attr("triu")(J);
    if (J.attr("__ne__")(J.attr("T")).attr("nnz").cast<std::size_t>() != 0)
      throw Error(HB_BAD_ARG, std::string(where) + ": the sparse matrix is not symmetric");
    return edges_of_arrays(upper.attr("row"), upper.attr("col"), upper.attr("data"), where);
  }
  matrix = square_of(J, where);
  return std::nullopt;
}

template <typename Edges, typename Matrix>
void with_couplings(const py::object& J, const char* where, Edges&& edges, Matrix&& matrix) {
  Doubles values;
  if (const auto list = edges_of(J, values, where)) {
    edges(*list);
  } else {
    matrix(span_of(values));
  }
}

/// function(state) for each state in the last axis: float64 of the other axes.
template <typename Function>
py::object each_state(const Network& network, const py::object& states, const char* where, Function&& function) {
  const Doubles array = numbers<double>(states, where);
  const auto cells = static_cast<py::ssize_t>(network.cells());
  if (array.ndim() == 0 || array.shape(array.ndim() - 1) != cells)
    bad_shape(array, where, "(..., " + std::to_string(cells) + ")");
  std::vector<py::ssize_t> shape(array.shape(), array.shape() + array.ndim() - 1);
  py::array_t<double> out(shape);
  double* const to = out.mutable_data();
  const double* const from = array.data();
  {
    const py::gil_scoped_release no_gil;
    for (py::ssize_t k = 0; k < out.size(); ++k) to[k] = function(std::span<const double>(from + k * cells, network.cells()));
  }
  if (shape.empty()) return py::float_(*to);
  return out;
}

py::array_t<double> copied(const std::vector<double>& values) {
  return py::array_t<double>(static_cast<py::ssize_t>(values.size()), values.data());
}

/// A copy: those of a device live no longer than the object that Python asked for.
Capabilities capabilities_of(const py::object& device) {
  return (py::isinstance<Capabilities>(device) ? device : py::object(device.attr("capabilities"))).cast<Capabilities>();
}

/// Shots that keep their device.
class PyShots {
 public:
  PyShots(PyDevice& device, std::optional<std::uint64_t> seed, std::uint32_t first_shot, std::uint64_t memory, bool strict,
          py::object progress)
      : owned_(device.owned()), watch_(std::make_unique<Watch>(std::move(progress))) {
    OwnedDevice::Use use(*owned_);
    network::ShotOptions options;
    options.seed = seed;
    options.first_shot = first_shot;
    options.memory = memory;
    options.strict = strict;
    options.progress = std::ref(*watch_);
    shots_.emplace(*use, std::move(options));
  }

  SharedResult run(const Program& program, std::uint32_t shots,
                   std::optional<std::pair<std::uint32_t, std::uint32_t>> capture, std::uint64_t limit) {
    OwnedDevice::Use use(*owned_);
    JobOptions job;
    if (capture) std::tie(job.capture_first, job.capture_cells) = *capture;
    job.limit = {limit};
    SharedResult result;
    {
      const py::gil_scoped_release no_gil;
      result = std::make_shared<Result>(shots_->run(program, shots, std::move(job)));
    }
    watch_->end();
    return result;
  }

  std::uint32_t next_shot() const { return shots_->next_shot(); }

 private:
  std::shared_ptr<OwnedDevice> owned_;
  std::unique_ptr<Watch> watch_;
  std::optional<network::Shots> shots_;
};

}  // namespace

void bind_network(py::module_& module) {
  using Self = py::object;
  const auto of = [](const Self& self) -> Network& { return self.cast<Network&>(); };

  py::class_<Network>(module, "Network", R"(Cells of one kind with parameters, in the units of whoever asks, and the energy that they mean.

V = constant + sum_i (J2_i x_i^2 + J4_i x_i^4 + b_i x_i) + sum_{i<j} J_ij x_i x_j; for phases cos th, cos 2th and
cos(th_i - th_j) in place of x, x^2 and x_i x_j; for categorical cells sum_i b_i[s_i] + sum_{i<j} J_ij [s_i = s_j]. The static methods and set_fields, set_aligning, set_half_quadratic take other
conventions. Couplings come as {(i, j): value}, as a tuple of arrays (i, j, values), as a symmetric matrix (cells, cells) with
zero diagonal, or from scipy.sparse. BadArgError names the entry that is wrong; a network that refused a call is unchanged.)")
      .def(py::init([](const py::object& kind, std::uint32_t cells, std::uint32_t states) { return Network(kind_of(kind), cells, states); }),
           py::arg("kind"), py::arg("cells"), py::arg("states") = 1,
           R"(Cells alone: all parameters 0, masses and dampings 1. kind: a CellKind, or its name. states: of categorical cells.)")
      .def_static("quadratic_form", [](const py::object& A, const py::object& b) {
        return Network::quadratic_form(span_of(square_of(A, "Network.quadratic_form")), span_of(vector_of(b, "Network.quadratic_form")));
      }, py::arg("A"), py::arg("b"), "V(x) = x'Ax/2 - b'x, A symmetric: its minimum and thermal mean solve A x = b, the covariance is kT A^-1.")
      .def_static("ising", [](const py::object& J, const py::object& h) {
        constexpr const char* where = "Network.ising";
        Doubles matrix;
        const auto edges = edges_of(J, matrix, where);
        std::vector<double> fields;
        if (!h.is_none()) {
          const Doubles given = vector_of(h, where);
          fields.assign(given.data(), given.data() + given.size());
        } else if (!edges) {
          fields.resize(static_cast<std::size_t>(matrix.shape(0)));
        } else {
          for (const Edge& edge : *edges) {
            const std::uint32_t last = std::max(edge.i, edge.j);
            if (last > 0xFFFFFF) throw Error(HB_BAD_ARG, std::string(where) + ": cell " + std::to_string(last) + " is beyond what a network has");
            fields.resize(std::max(fields.size(), std::size_t{last} + 1));
          }
        }
        return edges ? Network::ising(*edges, fields) : Network::ising(span_of(matrix), fields);
      }, py::arg("J"), py::arg("h") = py::none(), R"(E(s) = -sum_{i<j} J_ij s_i s_j - sum_i h_i s_i of spins +1 and -1: a positive coupling aligns, a positive field pulls up. h: one field
per cell; None: no fields, and as many cells as J has, or names.)")
      .def_static("qubo", [](const py::object& Q) { return Network::qubo(span_of(square_of(Q, "Network.qubo"))); }, py::arg("Q"),
                  "E(x) = sum_ij Q_ij x_i x_j of bits 0 and 1, Q any square matrix; a spin up is a 1.")
      .def_static("max_cut", [](std::uint32_t cells, const py::object& weights) {
        Doubles matrix;
        const auto edges = edges_of(weights, matrix, "Network.max_cut");
        if (!edges) throw Error(HB_BAD_ARG, "Network.max_cut: weights are {(i, j): value} or arrays (i, j, values)");
        return Network::max_cut(cells, *edges);
      }, py::arg("cells"), py::arg("weights"), "E(s) = -(weight of the edges cut): the sides are the spins up and down.")
      .def_static("potts", [](const py::object& J, const py::object& h) {
        constexpr const char* where = "Network.potts";
        const Doubles fields = numbers<double>(h, where);
        if (fields.ndim() != 2) bad_shape(fields, where, "(cells, states)");
        const auto states = static_cast<std::uint32_t>(fields.shape(1));
        Doubles matrix;
        if (const auto edges = edges_of(J, matrix, where)) return Network::potts(states, *edges, span_of(fields));
        return Network::potts(states, span_of(matrix), span_of(fields));
      }, py::arg("J"), py::arg("h"), "E(s) = -sum_{i<j} J_ij [s_i = s_j] - sum_i h_i[s_i] of states 0, 1, ...; h: (cells, states).")
      .def_static("colouring", [](std::uint32_t cells, std::uint32_t colours, const py::object& weights) {
        Doubles matrix;
        const auto edges = edges_of(weights, matrix, "Network.colouring");
        if (!edges) throw Error(HB_BAD_ARG, "Network.colouring: weights are {(i, j): value} or arrays (i, j, values)");
        return Network::colouring(cells, colours, *edges);
      }, py::arg("cells"), py::arg("colours"), py::arg("weights"), "E(s) = weight of the edges whose ends have one colour.")
      .def_static("kuramoto", [](const py::object& K, const py::object& frequencies) {
        Doubles matrix;
        const auto edges = edges_of(K, matrix, "Network.kuramoto");
        if (!edges) throw Error(HB_BAD_ARG, "Network.kuramoto: K is {(i, j): value} or arrays (i, j, values)");
        return Network::kuramoto(*edges, span_of(vector_of(frequencies, "Network.kuramoto")));
      }, py::arg("K"), py::arg("frequencies"), "Phases: E = -sum K_ij cos(th_i - th_j), natural frequencies in radians per time unit.")
      .def_static("double_wells", &Network::double_wells, py::arg("cells"), py::arg("height"),
                  "Uncoupled wells at -1 and +1: V = sum height (x^2 - 1)^2.")
      .def("set", [=](Self self, const std::string& section, const py::object& values) {
        const Doubles array = numbers<double>(values, "Network.set");
        if (array.ndim() == 0) {
          of(self).set(section_named(section, false, "Network.set"), *array.data());
        } else {
          const CellSection of_section = section_named(section, false, "Network.set");
          of(self).set(of_section, span_of(values_of(of(self), of_section, array, "Network.set")));
        }
        return self;
      }, py::arg("section"), py::arg("values"), R"(A section ("j2", "j4", "bias", "mass", "damping", "frequency"), in the sign of V: one number, or (cells,);
biases of categorical cells (cells, states).)")
      .def("set_fields", [=](Self self, const py::object& h) {
        of(self).set_fields(span_of(values_of(of(self), CellSection::bias, numbers<double>(h, "Network.set_fields"), "Network.set_fields")));
        return self;
      }, py::arg("h"), "Fields that pull up: -sum h_i x_i.")
      .def("set_couplings", [=](Self self, const py::object& J) {
        with_couplings(J, "Network.set_couplings", [&](auto& edges) { of(self).set_couplings(edges); },
                       [&](auto matrix) { of(self).set_couplings(matrix); });
        return self;
      }, py::arg("J"), "Couplings J_ij of V; no others.")
      .def("set_aligning", [=](Self self, const py::object& J) {
        with_couplings(J, "Network.set_aligning", [&](auto& edges) { of(self).set_aligning(edges); },
                       [&](auto matrix) { of(self).set_aligning(matrix); });
        return self;
      }, py::arg("J"), "Couplings that align: -sum J_ij x_i x_j; no others.")
      .def("set_half_quadratic", [=](Self self, const py::object& A) {
        of(self).set_half_quadratic(span_of(square_of(A, "Network.set_half_quadratic")));
        return self;
      }, py::arg("A"), "x'Ax/2, A symmetric: replaces J2 and all couplings.")
      .def("set_constant", [=](Self self, double constant) { of(self).set_constant(constant); return self; }, py::arg("constant"))
      .def_property_readonly("kind", [](const Network& network) { return std::string(hb_cell_kind_name(static_cast<std::uint32_t>(network.kind()))); },
                             R"(Name of the cells' kind: "overdamped".)")
      .def_property_readonly("cells", &Network::cells)
      .def_property_readonly("constant", &Network::constant)
      .def("values", [](const Network& network, const std::string& section) {
        const CellSection of_section = section_named(section, false, "Network.values");
        std::vector<double> values(network.values_in(of_section));
        for (std::uint32_t k = 0; k < values.size(); ++k) values[k] = network.value(of_section, k);
        const py::array_t<double> array = copied(values);
        return values.size() == network.cells() ? py::object(array) : array.attr("reshape")(network.cells(), network.states());
      }, py::arg("section"), "A section: float64, (cells,); biases of categorical cells (cells, states).")
      .def_property_readonly("states", &Network::states, "States of a categorical cell; 1 of others.")
      .def_property_readonly("couplings", [](const Network& network) {
        const auto edges = network.couplings();
        py::dict couplings;
        for (const Edge& edge : edges) couplings[py::make_tuple(edge.i, edge.j)] = edge.value;
        return couplings;
      }, "{(i, j): J_ij}, i < j.")
      .def("energy", [](const Network& network, const py::object& states) {
        return each_state(network, states, "Network.energy", [&](std::span<const double> x) { return network.energy(x); });
      }, py::arg("states"), "V of states in the last axis, (..., cells): a float, or float64 of the other axes.")
      .def("gradient", [](const Network& network, const py::object& state) {
        return copied(network.gradient(span_of(vector_of(state, "Network.gradient"))));
      }, py::arg("state"), "dV/dx_i at one state: float64, (cells,).")
      .def("_repr_html_", shown_by("network"))
      .def("__repr__", [](const Network& network) {
        return "<heatbath.Network: " + std::to_string(network.cells()) + " cells " +
               hb_cell_kind_name(static_cast<std::uint32_t>(network.kind())) + ", " +
               std::to_string(network.couplings().size()) + " couplings>";
      });

  py::class_<Scaling>(module, "Scaling", R"(How a network lies on a device: one factor on energies (kT with them), one on states, times follow.

UnsupportedError says which range or temperature stands in the way and what would fit.)")
      .def(py::init([](const Network& network, const py::object& device, double kT, double reach, double most_energy,
                       bool keep_states, double room, double stiffness) {
        network::ScalingOptions options;
        options.kT = kT;
        options.reach = reach;
        options.most_energy = most_energy;
        options.keep_states = keep_states;
        options.room = room;
        options.stiffness = stiffness;
        return Scaling(network, capabilities_of(device), options);
      }), py::arg("network"), py::arg("device"), py::kw_only(), py::arg("kT") = 1.0, py::arg("reach") = 0.0,
           py::arg("most_energy") = 0.0, py::arg("keep_states") = false, py::arg("room") = 0.98, py::arg("stiffness") = 0.05,
           R"(device: a Device, or the Capabilities of one. kT: temperature in the network's energy units. reach: largest |state|
to make room for; 0: an estimate. most_energy: largest factor on energies. keep_states: states are those of the network, not scaled to the rails. room: part of
each range that is used. stiffness: step times largest curvature.)")
      .def("program", &Scaling::program, "A program with the network live, at its temperature.")
      .def("load_into", [](const Scaling& scaling, Program& program, const Network* network) {
        if (network == nullptr) scaling.load_into(program);
        else scaling.load_into(program, *network);
      }, py::arg("program"), py::arg("network") = py::none(),
           "Loads the network, or another one of the same kind and no larger values, and kT, for the program's next commit or ramp.")
      .def_property_readonly("kT", &Scaling::kT)
      .def_property_readonly("device_kT", &Scaling::device_kT, "kT on the device, in its energy units.")
      .def_property_readonly("energy_factor", [](const Scaling& scaling) { return scaling.factors().energy; })
      .def_property_readonly("state_factor", [](const Scaling& scaling) { return scaling.factors().state; })
      .def_property_readonly("step", &Scaling::step, "A stable step, in the network's time units; 0 where any is right.")
      .def("set_step", [](const Scaling& scaling, PyDevice& device) {
        auto use = device.use();
        scaling.set_step(*use);
        if (use->capabilities().dt_programmable) device.owned()->set_step = use->step().count;
      }, py::arg("device"), "Sets the device's step where it can be set.")
      .def_property_readonly("relaxation_time", &Scaling::relaxation_time,
                             "Bound on the relaxation time in the network's time units; None where there is none.")
      .def("burn_in", [](const Scaling& scaling, PyDevice& device, double times) { return scaling.burn_in(*device.use(), times).count; },
           py::arg("device"), py::arg("times") = 8.0, "Ticks to forget a start to e^-times.")
      .def("ticks", [](const Scaling& scaling, PyDevice& device, double time) { return scaling.ticks(*device.use(), time).count; },
           py::arg("device"), py::arg("time"), "Ticks of a duration in the network's time units, to the nearest step.")
      .def("states", [](const Scaling& scaling, const py::object& of_device) {
        const Doubles array = numbers<double>(of_device, "Scaling.states");
        py::array_t<double> out(std::vector<py::ssize_t>(array.shape(), array.shape() + array.ndim()));
        for (py::ssize_t k = 0; k < array.size(); ++k) out.mutable_data()[k] = scaling.state(array.data()[k]);
        return out;
      }, py::arg("of_device"), "States of the device in the network's units: float64, same shape.")
      .def("energy", &Scaling::energy, py::arg("of_device"), "An energy of the device in the network's units.")
      .def("held", &Scaling::held, "The network that the device's converters hold.")
      .def("__repr__", [](const Scaling& scaling) {
        return "<heatbath.Scaling: energies x " + std::to_string(scaling.factors().energy) + ", states / " +
               std::to_string(scaling.factors().state) + ">";
      });

  py::class_<PyShots>(module, "Shots", R"(Shots of one seed, numbered on from call to call, in blocks that memory holds.

On a device with seeds the bits do not depend on how shots were put into blocks.)")
      .def(py::init<PyDevice&, std::optional<std::uint64_t>, std::uint32_t, std::uint64_t, bool, py::object>(), py::arg("device"),
           py::kw_only(), py::arg("seed") = py::none(), py::arg("first_shot") = 0, py::arg("memory") = network::default_memory,
           py::arg("strict") = false, py::arg("progress") = py::none(),
           R"(seed: insisted on (UnsupportedError where the device takes none); None: a fixed one where it takes one. memory: bytes
that one job may leave on this computer. strict: a clip or a rail is an error. progress: as of Device.submit.)")
      .def("run", &PyShots::run, py::arg("program"), py::arg("shots"), py::kw_only(), py::arg("capture") = py::none(),
           py::arg("limit") = 0, "Runs the next `shots` shots and returns them as one Result.")
      .def_property_readonly("next_shot", &PyShots::next_shot, "Number of the next shot.");
}

}  // namespace heatbath::python
