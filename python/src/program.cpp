// Programs.

#include <cstring>

#include <pybind11/stl.h>

#include "bound.hpp"
#include "heatbath/cells.h"

namespace heatbath::python {

CellSection section_named(const std::string& name, bool with_kT, const char* where) {
  std::string known;
  for (std::uint32_t k = 0; k < HB_SECTIONS; ++k) {
    const auto section = static_cast<hb_section_t>(k);
    if (section == HB_SECTION_COUPLING || section == HB_SECTION_GAIN || (section == HB_SECTION_KT && !with_kT)) continue;
    if (name == hb_section_name(section)) return static_cast<CellSection>(section);
    known += (known.empty() ? "" : ", ") + std::string(hb_section_name(section));
  }
  throw Error(HB_BAD_ARG, std::string(where) + ": no section is called '" + name + "'; there are " + known);
}

Meter meter_named(const std::string& name, const char* where) {
  std::string known;
  for (const MeterFacts& meter : meter_list) {
    if (meter.flag == 0) continue;
    if (name == meter.name) return meter.meter;
    known += (known.empty() ? "" : ", ") + std::string(meter.name);
  }
  throw Error(HB_BAD_ARG, std::string(where) + ": no meter on request is called '" + name + "'; there are " + known);
}

namespace {

using Floats = py::array_t<float, py::array::c_style>;

void load(Program& program, const std::string& name, const py::object& values) {
  const CellSection section = section_named(name, true, "Program.load");
  const Floats array = numbers<float>(values, "Program.load");
  if (array.ndim() == 0) {
    if (section == CellSection::kT) {
      program.load_temperature(*array.data());
    } else {
      program.load(section, *array.data());
    }
  } else if (array.ndim() == 1) {
    program.load(section, span_of(array));
  } else if (array.ndim() == 2 && section == CellSection::bias && array.shape(0) == program.cells() &&
             program.capabilities().states > 1 &&
             static_cast<std::uint32_t>(array.shape(1)) == program.capabilities().states) {
    program.load(section, span_of(array));
  } else if (array.ndim() == 2 && section == CellSection::bias) {
    const auto values = static_cast<py::ssize_t>(program.values_of(HB_SECTION_BIAS));
    if (array.shape(1) != values) bad_shape(array, "Program.load", "(shots, " + std::to_string(values) + ")");
    program.load_bias_per_shot(span_of(array), static_cast<std::uint32_t>(array.shape(0)));
  } else {
    bad_shape(array, "Program.load", "one number, or (" + std::to_string(program.cells()) + ",)");
  }
}

void load_couplings(Program& program, const py::object& matrix) {
  const Floats array = numbers<float>(matrix, "Program.load_couplings");
  const py::ssize_t n = program.cells();
  if (array.ndim() == 0) {
    program.load_couplings(*array.data());
  } else if (array.ndim() == 2 && array.shape(0) == n && array.shape(1) == n) {
    const py::gil_scoped_release no_gil;
    program.load_couplings(span_of(array));
  } else {
    bad_shape(array, "Program.load_couplings", "one number, or (" + std::to_string(n) + ", " + std::to_string(n) + ")");
  }
}

void load_coupling_list(Program& program, const py::object& i, const py::object& j, const py::object& values) {
  constexpr const char* where = "Program.load_coupling_list";
  const auto from = cells_of(i, where), to = cells_of(j, where);
  const Floats array = numbers<float>(values, where);
  if (from.size() != to.size() || array.ndim() != 1 || static_cast<std::size_t>(array.size()) != from.size())
    throw Error(HB_BAD_ARG, std::string(where) + ": " + std::to_string(from.size()) + " cells i, " + std::to_string(to.size()) +
                                " cells j and " + std::to_string(array.size()) + " values; one of each makes a pair");
  std::vector<Coupling> list(from.size());
  for (std::size_t k = 0; k < list.size(); ++k) list[k] = {from[k], to[k], array.data()[k]};
  program.load_coupling_list(list);
}

/// set and clamp: one value for `count` cells, one for each, or a row for each shot.
template <typename All, typename Each, typename PerShot>
void hold(const py::object& values, std::uint32_t first, std::optional<std::uint32_t> count,
          std::uint32_t cells, const char* where, All&& all, Each&& each, PerShot&& per_shot) {
  const Floats array = numbers<float>(values, where);
  if (array.ndim() == 0) {
    all(first, count.value_or(cells - first % cells), *array.data());
    return;
  }
  if (array.ndim() > 2) bad_shape(array, where, "one number, (count,) or (shots, count)");
  const auto there = static_cast<std::uint32_t>(array.shape(array.ndim() - 1));
  if (count && *count != there)
    bad_shape(array, where, "count = " + std::to_string(*count) + " values for each shot");
  if (array.ndim() == 1) {
    each(first, span_of(array));
  } else {
    per_shot(first, there, span_of(array), static_cast<std::uint32_t>(array.shape(0)));
  }
}

void set(Program& program, const py::object& values, std::uint32_t first, std::optional<std::uint32_t> count) {
  hold(values, first, count, program.cells(), "Program.set", [&](auto... a) { program.set(a...); },
       [&](auto... a) { program.set(a...); }, [&](auto... a) { program.set_per_shot(a...); });
}

void clamp(Program& program, const py::object& values, std::uint32_t first, std::optional<std::uint32_t> count) {
  hold(values, first, count, program.cells(), "Program.clamp", [&](auto... a) { program.clamp(a...); },
       [&](auto... a) { program.clamp(a...); }, [&](auto... a) { program.clamp_per_shot(a...); });
}

/// with program.loop(times): what is appended inside is repeated.
struct Loop {
  py::object program;
  std::uint32_t times;
};

}  // namespace

void bind_program(py::module_& module) {
  using Self = py::object;
  const auto of = [](const Self& self) -> Program& { return self.cast<Program&>(); };

  py::class_<Loop>(module, "_Loop")
      .def("__enter__", [](Loop& loop) {
        loop.program.cast<Program&>().loop_begin(loop.times);
        return loop.program;
      })
      .def("__exit__", [](Loop& loop, const py::object& type, const py::object&, const py::object&) {
        if (type.is_none()) loop.program.cast<Program&>().loop_end();
      });

  py::class_<Program>(module, "Program", R"(Instructions and their operands, in physical units; nothing touches a device before Device.run.

Each method appends and returns the program. BadArgError names the entry where a size, a NaN or a sign is wrong,
UnsupportedError the capability that is missing; a program that refused a call is unchanged. Values beyond a range are clipped
and counted. Energy of cells in a well: V = sum_i (J2_i x_i^2 + J4_i x_i^4 + b_i x_i) + gain * sum_{i<j} J_ij x_i x_j
(docs/units_and_signs.md has the other kinds). Durations are ticks: Device.ticks(time_units).)")
      .def(py::init([](const py::object& device, std::uint32_t cells) {
        const py::object of = py::isinstance<Capabilities>(device) ? device : device.attr("capabilities");
        return Program(of.cast<const Capabilities&>(), cells);
      }), py::arg("device"), py::arg("cells"),
           "An empty program for cells 0..cells-1 of a Device, or of one with these Capabilities.")
      .def_property_readonly("cells", &Program::cells)
      .def_property_readonly("variables", &Program::variables, "State variables: cells x components.")
      .def_property_readonly("records", &Program::records, "Records that one shot takes, loops unrolled.")
      .def_property_readonly("duration", [](const Program& program) { return program.duration().count; },
                             "Ticks that one shot evolves, loops unrolled.")
      .def_property_readonly("clips", &Program::clips, "Values that the encoding clipped.")
      .def("copy", [](const Program& program) { return Program(program); })
      .def("load", [=](Self self, const std::string& section, const py::object& values) {
        load(of(self), section, values);
        return self;
      }, py::arg("section"), py::arg("values"), R"(A parameter, to the shadow: one number for all cells, (cells,), or for "bias" (shots, cells).

section: "j2", "j4", "bias", "kT", "mass", "damping" or "frequency". commit or ramp makes it live.)")
      .def("load_couplings", [=](Self self, const py::object& matrix) {
        load_couplings(of(self), matrix);
        return self;
      }, py::arg("matrix"), R"(Couplings J, (cells, cells) with a zero diagonal, symmetric where the device's are (J_ik is what cell k does to i);
or one number for every pair that has a coupler.)")
      .def("load_coupling_list", [=](Self self, const py::object& i, const py::object& j, const py::object& values) {
        load_coupling_list(of(self), i, j, values);
        return self;
      }, py::arg("i"), py::arg("j"), py::arg("values"), "Couplings of the pairs (i[k], j[k]); all others are zero.")
      .def("load_coupler_values", [=](Self self, const py::object& values) {
        of(self).load_coupler_values(span_of(numbers<float>(values, "Program.load_coupler_values")));
        return self;
      }, py::arg("values"), "Couplings of a sparse device, in the order of Program.couplers().")
      .def("couplers", [](const Program& program) {
        const std::vector<Coupler> list = program.couplers();
        py::array_t<std::uint32_t> pairs(std::vector<py::ssize_t>{static_cast<py::ssize_t>(list.size()), 2});
        if (!list.empty()) std::memcpy(pairs.mutable_data(), list.data(), list.size() * sizeof(Coupler));
        return pairs;
      }, "Pairs of cells of this program that have a coupler: uint32, (couplers, 2); empty where all pairs have one.")
      .def("load_gain", [=](Self self, float gain) { of(self).load_gain(gain); return self; }, py::arg("gain"),
           "Factor on all couplings; 1 after reset.")
      .def("commit", [=](Self self) { of(self).commit(); return self; }, "The shadow becomes live, at once.")
      .def("evolve", [=](Self self, std::uint64_t ticks) { of(self).evolve({ticks}); return self; }, py::arg("ticks"), "Lets the cells move for a duration: Device.ticks(time_units).")
      .def("ramp", [=](Self self, std::uint64_t ticks) { of(self).ramp({ticks}); return self; }, py::arg("ticks"),
           "Live parameters go linearly to the shadow while the array evolves.")
      .def("set", [=](Self self, const py::object& values, std::uint32_t first, std::optional<std::uint32_t> count) {
        set(of(self), values, first, count);
        return self;
      }, py::arg("values"), py::arg("first") = 0, py::arg("count") = py::none(),
           R"(Puts cells where they are to start: set(3.0) all of them, set(3.0, first=2, count=4) cells 2 to 5, set([1.0, -1.0]) as many as there are
values, (shots, count) each shot its own. Velocities and second variables follow the cells, from `cells` on.)")
      .def("clamp", [=](Self self, const py::object& values, std::uint32_t first, std::optional<std::uint32_t> count) {
        clamp(of(self), values, first, count);
        return self;
      }, py::arg("values"), py::arg("first") = 0, py::arg("count") = py::none(),
           "Holds cells first.. until they are released: one number, (count,) or (shots, count).")
      .def("release", [=](Self self, std::uint32_t first, std::optional<std::uint32_t> count) {
        Program& program = of(self);
        program.release(first, count.value_or(first < program.cells() ? program.cells() - first : 0));
        return self;
      }, py::arg("first") = 0, py::arg("count") = py::none(), "Lets cells move again; all that follow without a count.")
      .def("sample", [=](Self self) { of(self).sample(); return self; }, "One record now.")
      .def("capture_start", [=](Self self, std::uint64_t period, bool now) {
        of(self).capture_start({period}, now);
        return self;
      }, py::arg("period"), py::arg("now") = true, "A record every `period` ticks from now on, the first at once with `now`.")
      .def("capture_stop", [=](Self self) { of(self).capture_stop(); return self; })
      .def("meter_clear", [=](Self self) { of(self).meter_clear(); return self; }, "Work and heat start from zero.")
      .def("meter_snapshot", [=](Self self, bool per_cell, const std::vector<std::string>& also) {
        MeterSet meters;
        if (per_cell) meters.add(Meter::heat_per_cell);
        for (const std::string& name : also) meters.add(meter_named(name, "Program.meter_snapshot"));
        of(self).meter_snapshot(meters);
        return self;
      }, py::arg("per_cell") = false, py::arg("also") = std::vector<std::string>(),
           R"(One more row of Result.meters; with per_cell of Result.heat_per_cell, too, and of Result.meter(name) for each name in also.)")
      .def("readback", [=](Self self, const std::string& section) {
        if (section == hb_section_name(HB_SECTION_COUPLING)) {
          of(self).readback_couplings();
        } else {
          of(self).readback(section_named(section, true, "Program.readback"));
        }
        return self;
      }, py::arg("section"), R"(Live values as applied: one more row of Result.readback. "coupling": the matrix, cells x cells.)")
      .def("readback_coupler_values", [=](Self self) { of(self).readback_coupler_values(); return self; })
      .def("loop", [](Self self, std::uint32_t times) { return Loop{std::move(self), times}; }, py::arg("times"),
           "A context manager: what is appended inside it is repeated.")
      .def("interrupt", [=](Self self, std::uint32_t tag) { of(self).interrupt(tag); return self; }, py::arg("tag"))
      .def("__repr__", [](const Program& program) {
        return "<heatbath.Program: " + std::to_string(program.steps().size()) + " instructions for " +
               std::to_string(program.cells()) + " cells>";
      });
}

}  // namespace heatbath::python
