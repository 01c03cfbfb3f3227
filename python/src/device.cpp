// Errors, capabilities, devices, jobs and results.

#include <functional>
#include <thread>
#include <tuple>

#include <pybind11/stl.h>

#include "bound.hpp"
#include "heatbath/cells.h"
#include "heatbath/version.h"

namespace heatbath::python {
namespace {

// Classes that the package makes; they live as long as the interpreter.
PyObject* error_classes = nullptr;  // dict: status number -> class
PyObject* enumerations = nullptr;   // dict: capability -> enumeration

void raise_error(const Error& error) {
  const py::gil_scoped_acquire gil;
  PyObject* type = error_classes == nullptr ? nullptr : PyDict_GetItem(error_classes, py::int_(int{error.code()}).ptr());
  if (type == nullptr) type = PyExc_RuntimeError;
  const py::object raised = py::reinterpret_borrow<py::object>(type)(py::str(error.what()));
  raised.attr("device_ticks") = error.device_ticks();
  PyErr_SetObject(type, raised.ptr());
}

py::object capability(const py::object& self, const std::string& name) {
  const auto& capabilities = self.cast<const Capabilities&>();
  for (const NamedCapability& known : capability_list()) {
    if (name != known.name) continue;
    const double value = known.value(capabilities);
    if (known.kind == NamedCapability::Kind::flag) return py::bool_(value != 0);
    if (known.kind == NamedCapability::Kind::real) return py::float_(value);
    const py::int_ number(static_cast<std::uint64_t>(value));
    PyObject* const type = enumerations == nullptr ? nullptr : PyDict_GetItemString(enumerations, known.name);
    return type == nullptr ? py::object(number) : py::reinterpret_borrow<py::object>(type)(number);
  }
  throw py::attribute_error("Capabilities have no '" + name + "'");
}

py::list capability_names() {
  py::list names;
  for (const NamedCapability& known : capability_list()) names.append(known.name);
  return names;
}

template <typename Name>
py::list names_of(std::uint32_t count, Name&& name) {
  py::list names;
  for (std::uint32_t k = 0; k < count; ++k) names.append(name(k));
  return names;
}

/// Arguments of a job as Python gives them.
struct JobArguments {
  std::uint32_t shots = 1;
  std::optional<std::uint64_t> seed;
  std::uint32_t first_shot = 0;
  std::uint64_t first_step = 0;
  std::uint32_t refinement = 0;
  std::optional<std::pair<std::uint32_t, std::uint32_t>> capture;
  std::uint64_t limit = 0;
  bool strict = false;
};

class PyJob {
 public:
  PyJob(std::shared_ptr<OwnedDevice> owned, const Program& program, const JobArguments& asked, py::object progress)
      : owned_(std::move(owned)), watch_(std::make_unique<Watch>(std::move(progress))) {
    OwnedDevice::Use device(*owned_);
    JobOptions options;
    options.shots = asked.shots;
    options.seed = asked.seed;
    options.first_shot = asked.first_shot;
    options.first_step = asked.first_step;
    options.refinement = asked.refinement;
    if (asked.capture) std::tie(options.capture_first, options.capture_cells) = *asked.capture;
    options.limit = {asked.limit};
    options.strict = asked.strict;
    options.progress = std::ref(*watch_);
    const py::gil_scoped_release no_gil;
    job_.emplace(device->start(program, options));
  }

  ~PyJob() {
    if (owned_->is_forked() && job_) {
      new Job(std::move(*job_));  // as the device: left alone
      return;
    }
    const py::gil_scoped_release no_gil;
    while (job_ && !owned_->is_closed()) {  // another thread may be in a call of the device
      try {
        const OwnedDevice::Use device(*owned_);
        job_.reset();
      } catch (const Error&) {
        std::this_thread::yield();
      }
    }
  }

  std::string state() {
    if (result_) return "done";
    try {
      OwnedDevice::Use device(*owned_);
      const py::gil_scoped_release no_gil;
      return name(job_->poll());
    } catch (const Error& error) {
      if (error.code() == HB_BUSY) return "running";  // another thread waits for it
      return name(job_->poll());                      // the device is closed: the job has ended
    }
  }

  SharedResult result() {
    if (result_) return result_;
    if (failure_) throw *failure_;
    try {
      std::optional<OwnedDevice::Use> device;
      if (!owned_->is_closed()) device.emplace(*owned_);
      if (result_) return result_;
      SharedResult done;
      {
        const py::gil_scoped_release no_gil;
        done = std::make_shared<Result>(job_->wait());
      }
      result_ = std::move(done);  // with the GIL, under which others look at it
    } catch (const Error& error) {
      if (error.code() != HB_BUSY) failure_ = error;
      throw;
    } catch (const py::error_already_set&) {
      failure_ = Error(HB_ABORTED, "the job was cancelled by an exception in its wait");
      throw;
    }
    watch_->end();
    return result_;
  }

  void cancel() { job_->cancel(); }
  double progress() const { return result_ ? 1.0 : watch_->fraction(); }

 private:
  static std::string name(Job::State state) {
    switch (state) {
      case Job::State::running: return "running";
      case Job::State::done: return "done";
      case Job::State::failed: return "failed";
      case Job::State::cancelled: return "cancelled";
    }
    return "failed";
  }

  std::shared_ptr<OwnedDevice> owned_;
  std::unique_ptr<Watch> watch_;
  std::optional<Job> job_;
  SharedResult result_;
  std::optional<Error> failure_;
};

py::array states(const py::object& self) {
  const Result& result = *self.cast<const SharedResult&>();
  const Capture& capture = result.capture;
  const std::uint64_t records = capture.records();
  return lent<float>({capture.shots(), static_cast<py::ssize_t>(records), capture.cells()}, capture.values().data(), self);
}

py::array ticks(const py::object& self) {
  const std::vector<Ticks>& all = self.cast<const SharedResult&>()->capture.ticks();
  static_assert(sizeof(Ticks) == sizeof(std::uint64_t));
  return lent<std::uint64_t>({static_cast<py::ssize_t>(all.size())}, all.empty() ? nullptr : &all.front().count, self);
}

/// With the first use, as it imports numpy.
void register_meters() {
  static const bool registered = [] {
    PYBIND11_NUMPY_DTYPE(hb_meters_t, energy, work, heat, heat_path, work_shadow, ticks);
    return true;
  }();
  static_cast<void>(registered);
}

py::tuple meters(const py::object& self) {
  register_meters();
  const Result& result = *self.cast<const SharedResult&>();
  py::tuple rows(result.meters.size());
  for (std::size_t k = 0; k < result.meters.size(); ++k)
    rows[k] = lent<hb_meters_t>({static_cast<py::ssize_t>(result.meters[k].size())}, result.meters[k].data(), self);
  return rows;
}

py::tuple on_request(const py::object& self, Meter meter) {
  const Result& result = *self.cast<const SharedResult&>();
  py::tuple rows(result.meters.size());
  for (std::size_t k = 0; k < result.meters.size(); ++k) {
    const std::span<const double> values = result.meter(meter, k);
    if (values.empty()) {
      rows[k] = py::none();
      continue;
    }
    const auto shots = static_cast<py::ssize_t>(result.meters[k].size());
    std::vector<py::ssize_t> shape{shots};
    if (facts(meter).per_cell) shape.push_back(static_cast<py::ssize_t>(values.size()) / shots);
    rows[k] = lent<double>(std::move(shape), values.data(), self);
  }
  return rows;
}

py::tuple readback(const py::object& self) {
  const Result& result = *self.cast<const SharedResult&>();
  py::tuple rows(result.readback.size());
  for (std::size_t k = 0; k < result.readback.size(); ++k)
    rows[k] = lent<float>({static_cast<py::ssize_t>(result.readback[k].size())}, result.readback[k].data(), self);
  return rows;
}

py::object turns(const py::object& self) {
  const Capture& capture = self.cast<const SharedResult&>()->capture;
  if (capture.whole_turns() == 0) return py::none();
  return lent<std::int32_t>({capture.shots(), static_cast<py::ssize_t>(capture.records()), capture.whole_turns()},
                            capture.turns().data(), self);
}

std::string describe(const Result& result) {
  return "<heatbath.Result: " + std::to_string(result.capture.shots()) + " shots x " +
         std::to_string(result.capture.records()) + " records x " + std::to_string(result.capture.cells()) + " variables, " +
         std::to_string(result.meters.size()) + " meter snapshots>";
}

#define HEATBATH_JOB_ARGUMENTS                                                                                          \
  std::uint32_t shots, std::optional<std::uint64_t> seed, std::uint32_t first_shot, std::uint64_t first_step,           \
      std::uint32_t refinement, std::optional<std::pair<std::uint32_t, std::uint32_t>> capture, std::uint64_t limit,    \
      bool strict, py::object progress
#define HEATBATH_JOB_DEFAULTS                                                                                           \
  py::arg("program"), py::arg("shots") = 1, py::kw_only(), py::arg("seed") = py::none(), py::arg("first_shot") = 0,     \
      py::arg("first_step") = 0, py::arg("refinement") = 0, py::arg("capture") = py::none(), py::arg("limit") = 0,      \
      py::arg("strict") = false, py::arg("progress") = py::none()

}  // namespace

void bind_device(py::module_& module) {
  module.attr("__version__") = HEATBATH_VERSION;
  py::dict statuses;
#define HEATBATH_STATUS(name, value, meaning) statuses[#name] = py::make_tuple(value, meaning);
  HB_STATUS_LIST(HEATBATH_STATUS)
#undef HEATBATH_STATUS
  module.attr("statuses") = statuses;
  module.attr("cell_kinds") = names_of(HB_CELL_KINDS, hb_cell_kind_name);
  module.attr("topologies") = names_of(HB_TOPOLOGIES, hb_topology_name);
  module.attr("steppers") = names_of(HB_STEPPERS, hb_stepper_name);
  module.attr("sections") = names_of(HB_SECTIONS, [](std::uint32_t k) { return hb_section_name(static_cast<hb_section_t>(k)); });
  module.def("_set_classes", [](const py::dict& errors, const py::dict& enums) {
    error_classes = errors.inc_ref().ptr();
    enumerations = enums.inc_ref().ptr();
  });
  py::register_exception_translator([](std::exception_ptr thrown) {
    try {
      if (thrown) std::rethrow_exception(thrown);
    } catch (const Error& error) {
      raise_error(error);
    } catch (const py::cast_error& error) {
      PyErr_SetString(PyExc_TypeError, error.what());  // an argument of another type, seen late
    }
  });

  py::class_<Capabilities>(module, "Capabilities", R"(What a device can do, by the names of docs/registers.md.

Ranges are symmetric, [-range, range], unless said otherwise; energies in energy units of the device, durations in ticks.)")
      .def("__getattr__", capability)
      .def_static("names", capability_names, "Names of all capabilities.")
      .def("__dir__", [](const py::object&) { return capability_names(); })
      .def_property_readonly("couplers", [](const py::object& self) -> py::object {
        const auto& capabilities = self.cast<const Capabilities&>();
        if (!capabilities.sparse()) return py::none();
        static_assert(sizeof(Coupler) == 2 * sizeof(std::uint32_t));
        const auto list = capabilities.couplers();
        py::array pairs = lent<std::uint32_t>({static_cast<py::ssize_t>(list.size()), 2}, list.empty() ? nullptr : &list.front().i, self);
        pairs.attr("setflags")(false);  // the device and its programs have the same list
        return pairs;
      }, "Pairs of cells i < j that have a coupler: uint32, (couplers, 2), read-only, without a copy. None: all pairs have one.");

  py::class_<Result, SharedResult>(module, "Result", R"(What a finished job leaves.

Arrays share the memory of the result and stay valid as long as one of them lives, also after the job and the device are
gone. States in physical units, energies in energy units of the device, ticks of the device.)")
      .def_property_readonly("states", states, "Captured states: float32, (shots, records, variables).")
      .def_property_readonly("ticks", ticks, "Ticks the array had evolved at each record: uint64, (records,).")
      .def_property_readonly("turns", turns,
                             "Full turns of phases as integers: int32, (shots, records, variables). None where the device "
                             "does not count them.")
      .def_property_readonly("meters", meters, R"(One array for each meter snapshot, (shots,), with the fields energy, work, heat,
heat_path, work_shadow (float64, energy units) and ticks (uint64): dE = work - heat.)")
      .def("meter", [](const py::object& self, const std::string& name) { return on_request(self, meter_named(name, "Result.meter")); },
           py::arg("name"), R"(A meter on request by its name, for each snapshot: float64, (shots,), or (shots, cells) where its name ends in
_per_cell; None where it was not asked for. Energies in energy units; counts are whole numbers.)")
      .def_property_readonly("heat_per_cell", [](const py::object& self) { return on_request(self, Meter::heat_per_cell); },
                             "For each snapshot the heat of each cell: float64, (shots, cells); None where it was not asked for.")
      .def_property_readonly("readback", readback, "One array for each readback: float32, values as the device applied them.")
      .def_readonly("clips", &Result::clips, "Parameter values clipped, by the encoding and by the device.")
      .def_readonly("capture_clips", &Result::capture_clips, "Captured values beyond their converter.")
      .def_readonly("rails", &Result::rails, "Cell-steps at which a state was held at a rail.")
      .def_property_readonly("array_ticks", [](const Result& of) { return of.array_ticks.count; },
                             "Ticks the array evolved, per shot.")
      .def_property_readonly("stall_ticks", [](const Result& of) { return of.stall_ticks.count; },
                             "Ticks it waited for the capture ring, all passes.")
      .def_property_readonly("shares", [](const Result& of) {
        py::list all;
        for (const Share& share : of.shares)
          all.append(py::dict(py::arg("device") = share.device, py::arg("first_shot") = share.first_shot, py::arg("shots") = share.shots,
                              py::arg("seconds") = share.seconds, py::arg("redone") = share.redone));
        return py::tuple(all);
      }, R"(Of a rack who did what, in the order of shots: dicts of device (its place in Device.members), first_shot, shots, seconds,
redone. Empty for a single device.)")
      .def("to_inference_data", [](const py::object& self, const py::kwargs& how) {
        return py::module_::import("heatbath.inference").attr("inference_data")(self, **how);
      }, "ArviZ's InferenceData: heatbath.inference.inference_data(self, ...).")
      .def("_repr_html_", shown_by("result"))
      .def("__repr__", describe);

  py::class_<PyJob, std::shared_ptr<PyJob>>(module, "Job", R"(A program that runs on a device. Dropping an unfinished job aborts it.)")
      .def_property_readonly("state", &PyJob::state, R"("running", "done", "failed" or "cancelled". Looks at the device once: fetches captures, starts the next pass.)")
      .def("result", &PyJob::result, R"(Lets device time pass until the job has ended, and returns its Result; the same one each time.

Ctrl-C cancels the job and raises KeyboardInterrupt. Raises TimeoutError (limit), AbortedError (cancelled),
CaptureOverrunError, BadProgramError, LinkError, …)")
      .def("cancel", &PyJob::cancel, "Asks the job to stop; from any thread.")
      .def_property_readonly("progress", &PyJob::progress, "Fraction done, 0..1, at the last look.");

  py::class_<PyDevice>(module, "Device", R"(A thermodynamic computer, wherever it is. One thread uses it at a time; use it as a context manager, or close() it.

A pickle holds the URI and the step: where it is loaded, the device is opened anew.)")
      .def(py::init<const std::string&, std::optional<std::uint64_t>, const std::shared_ptr<network::Calibration>&, bool, bool>(), py::arg("uri") = "",
           py::arg("step") = py::none(), py::arg("calibration") = py::none(), py::arg("use_expired") = false, py::arg("leave_dead") = false,
           R"(Opens the device of a URI (docs/links.md); "" means $HEATBATH_DEVICE, and without it func:. step: ticks. calibration, use_expired,
leave_dead: as of correct().)")
      .def("correct", &PyDevice::correct, py::arg("calibration"), py::kw_only(), py::arg("use_expired") = false, py::arg("leave_dead") = false,
           R"(From now on, programs and scalings made for this device load what undoes what its chip does, by a Calibration of it; each job is refused,
by the name of its state, where that no longer holds, unless use_expired. leave_dead: cells and couplers that are dead are loaded
as wanted, else refused by name. None: values as they are. A pickle of the device is corrected, too.)")
      .def_property_readonly("calibration", [](const PyDevice& of) { return std::const_pointer_cast<network::Calibration>(of.owned()->calibration); },
                             "What it is corrected by; None: values as they are.")
      .def_property_readonly("uri", [](const PyDevice& of) { return of.link().uri; }, "The URI, defaults filled in.")
      .def_property_readonly("description", [](const PyDevice& of) { return of.link().description; }, "One line for a person.")
      .def_property_readonly("closed", &PyDevice::is_closed)
      .def("close", &PyDevice::close, "Closes the link; a job that runs has failed. Results stay valid.")
      .def("__enter__", [](const py::object& self) { return self; })
      .def("__exit__", [](PyDevice& of, const py::args&) { of.close(); })
      .def_property_readonly("capabilities", [](PyDevice& of) { return of.use()->capabilities(); })
      .def_property_readonly("members", [](PyDevice& of) {
        py::list all;
        for (const RackMember& member : of.use()->members())
          all.append(py::dict(py::arg("uri") = member.uri, py::arg("weight") = member.weight, py::arg("lost") = member.lost,
                              py::arg("why") = member.why, py::arg("shots") = member.shots, py::arg("ranges") = member.ranges,
                              py::arg("given_back") = member.given_back, py::arg("seconds") = member.seconds));
        return py::tuple(all);
      }, R"(The devices of a rack and what each has done: dicts of uri, weight, lost, why, shots, ranges, given_back, seconds.
Empty for a single device.)")
      .def("now", [](PyDevice& of) { return of.use()->now().count; }, py::call_guard<py::gil_scoped_release>(),
           "Device time in ticks since reset.")
      .def("reset", [](PyDevice& of) { of.use()->reset(); }, py::call_guard<py::gil_scoped_release>(),
           "Registers, sequencer, array and time 0; memory stays.")
      .def_property("step", [](PyDevice& of) { return of.use()->step().count; }, &PyDevice::set_step,
                    "Step of the array in ticks; 0 where the device hides it.")
      .def("set_step_time_units", &PyDevice::set_step_time_units, py::arg("time_units"),
           "Sets the step to the nearest tick; BadArgError where that is off by more than 1 %.")
      .def("ticks", [](PyDevice& of, double time_units) { return of.use()->ticks(time_units).count; }, py::arg("time_units"),
           "Ticks of a duration in time units: whole steps; BadArgError where that is off by more than 1 %.")
      .def("time_units", [](PyDevice& of, std::uint64_t duration) { return of.use()->time_units({duration}); },
           py::arg("ticks"), "Dimensionless time of a duration in ticks.")
      .def("capture_period", [](PyDevice& of, std::uint64_t wanted) { return of.use()->capture_period({wanted}).count; },
           py::arg("wanted"), "Shortest capture period in ticks not below `wanted`.")
      .def("read32", [](PyDevice& of, std::uint64_t address) { return of.use()->transport().read32(address); },
           py::arg("address"), py::call_guard<py::gil_scoped_release>(), "The register at a byte address (docs/registers.md).")
      .def("write32", [](PyDevice& of, std::uint64_t address, std::uint32_t value) { of.use()->transport().write32(address, value); },
           py::arg("address"), py::arg("value"), py::call_guard<py::gil_scoped_release>())
      .def("submit", [](PyDevice& of, const Program& program, HEATBATH_JOB_ARGUMENTS) {
        return std::make_shared<PyJob>(of.owned(), program,
                                       JobArguments{shots, seed, first_shot, first_step, refinement, capture, limit, strict},
                                       std::move(progress));
      }, HEATBATH_JOB_DEFAULTS, R"(Starts a program and returns its Job.

shots: how often it runs on independent noise. seed: noise key (UnsupportedError on a device without seeds); first_shot,
first_step, refinement: numbers of that noise. capture: (first, count) of the captured state variables. limit: longest it may
take, in ticks. strict: a clip or a rail is an error. progress: called some ten times a second with the fraction done; False
cancels.)")
      .def("run", [](PyDevice& of, const Program& program, HEATBATH_JOB_ARGUMENTS) {
        PyJob job(of.owned(), program, {shots, seed, first_shot, first_step, refinement, capture, limit, strict},
                  std::move(progress));
        return job.result();
      }, HEATBATH_JOB_DEFAULTS, "submit(...).result()")
      .def("__reduce__", [](const py::object& self) {
        const auto& of = self.cast<const PyDevice&>();
        const OwnedDevice& owned = *of.owned();
        return py::make_tuple(py::type::of(self), py::make_tuple(of.link().uri, owned.set_step, std::const_pointer_cast<network::Calibration>(owned.calibration),
                                                                 owned.use_expired, owned.leave_dead));
      })
      .def("_repr_html_", shown_by("device"))
      .def("__repr__", [](const PyDevice& of) {
        return "<heatbath.Device " + of.link().uri + (of.is_closed() ? ", closed>" : ">");
      });
}

}  // namespace heatbath::python
