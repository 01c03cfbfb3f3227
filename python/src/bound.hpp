#pragma once
// What the parts of the Python module share: who owns a device, who uses it now, and how numpy's arrays come in.

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/network/calibration.hpp"
#include "heatbath/open.hpp"

namespace heatbath::python {

namespace py = pybind11;

/// A device, its jobs' last owner. After a fork it belongs to the parent: the child has none of its threads.
class OwnedDevice {
 public:
  explicit OwnedDevice(Device&& opened) : device_(std::move(opened)), link_(device_->link()) {}
  ~OwnedDevice() {
    if (is_forked() && device_) new Device(std::move(*device_));  // left alone: its threads are not here to be joined
  }
  OwnedDevice(const OwnedDevice&) = delete;
  OwnedDevice& operator=(const OwnedDevice&) = delete;

  const LinkInfo& link() const { return link_; }
  bool is_closed() const { return closed_.load(std::memory_order_acquire); }
  bool is_forked() const { return ::getpid() != process_; }

  /// The device for one thread, until the end of the scope. Throws Error: BAD_ARG where it was closed or opened before
  /// a fork, BUSY while another thread uses it.
  class Use {
   public:
    explicit Use(OwnedDevice& owned) : owned_(owned) {
      if (owned.is_forked())
        throw Error(HB_BAD_ARG, owned.link_.uri + ": the device was opened before this process was forked; open it again here");
      if (owned.in_use_.exchange(true, std::memory_order_acquire))
        throw Error(HB_BUSY, owned.link_.uri + ": another call uses the device; a device belongs to one thread at a time");
      if (!owned.device_) {
        owned.in_use_.store(false, std::memory_order_release);
        throw Error(HB_BAD_ARG, owned.link_.uri + ": the device is closed");
      }
    }
    ~Use() { owned_.in_use_.store(false, std::memory_order_release); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;
    Device* operator->() { return &*owned_.device_; }
    Device& operator*() { return *owned_.device_; }

   private:
    OwnedDevice& owned_;
  };

  /// Closes it; jobs that run have failed. Nothing where it is closed.
  void close() {
    if (is_closed() || is_forked()) return;
    const Use use(*this);
    device_.reset();
    closed_.store(true, std::memory_order_release);
  }

  /// What a pickle keeps beside the URI: the step where it was set, ticks, and what the device is corrected by.
  std::optional<std::uint64_t> set_step;
  std::shared_ptr<const network::Calibration> calibration;
  bool use_expired = false, leave_dead = false;

 private:
  std::optional<Device> device_;
  LinkInfo link_;
  std::atomic<bool> in_use_{false}, closed_{false};
  pid_t process_ = ::getpid();
};

using Clock = std::chrono::steady_clock;

/// How often a call that lasts looks for Ctrl-C, and tells of its progress.
constexpr std::chrono::milliseconds signal_period{40}, progress_period{100};

using SharedResult = std::shared_ptr<Result>;

/// Looks for Ctrl-C and tells the host's progress, from inside a call of the driver that runs without the GIL.
class Watch {
 public:
  /// `progress`: None, a function of the fraction done, or True for a bar (heatbath.progress).
  explicit Watch(py::object progress) : progress_(std::move(progress)) {
    if (!py::isinstance<py::bool_>(progress_)) return;
    progress_ = progress_.cast<bool>() ? py::module_::import("heatbath.progress").attr("Bar")() : py::object(py::none());
  }

  bool operator()(double fraction) {
    fraction_.store(fraction, std::memory_order_relaxed);
    const auto now = Clock::now();
    if (now - looked_ < signal_period) return true;
    looked_ = now;
    const py::gil_scoped_acquire gil;
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    if (!progress_.is_none() && now - told_ >= progress_period) {
      told_ = now;
      return go_on(progress_(fraction));
    }
    return true;
  }

  /// The last word, with the GIL.
  void end() {
    fraction_.store(1, std::memory_order_relaxed);
    if (!progress_.is_none()) progress_(1.0);
  }
  double fraction() const { return fraction_.load(std::memory_order_relaxed); }

 private:
  static bool go_on(const py::object& answer) { return answer.is_none() || answer.cast<bool>(); }

  py::object progress_;
  std::atomic<double> fraction_{0};
  Clock::time_point looked_ = Clock::now(), told_{};
};

class PyDevice {
 public:
  PyDevice(const std::string& uri, std::optional<std::uint64_t> step, const std::shared_ptr<network::Calibration>& calibration, bool use_expired,
           bool leave_dead) {
    {
      const py::gil_scoped_release no_gil;
      owned_ = std::make_shared<OwnedDevice>(open(uri));
    }
    if (step) set_step(*step);
    if (calibration) correct(calibration, use_expired, leave_dead);
  }

  const LinkInfo& link() const { return owned_->link(); }
  bool is_closed() const { return owned_->is_closed(); }
  void close() {
    const py::gil_scoped_release no_gil;
    owned_->close();
  }
  OwnedDevice::Use use() { return OwnedDevice::Use(*owned_); }
  const std::shared_ptr<OwnedDevice>& owned() const { return owned_; }

  void correct(const std::shared_ptr<network::Calibration>& calibration, bool use_expired, bool leave_dead) {
    OwnedDevice::Use device(*owned_);
    if (calibration) {
      network::correct(*device, *calibration, use_expired ? network::Expired::used : network::Expired::refused,
                       leave_dead ? network::Dead::left : network::Dead::refused);
    } else {
      device->correct(nullptr);
    }
    owned_->calibration = calibration;
    owned_->use_expired = use_expired;
    owned_->leave_dead = leave_dead;
  }
  void set_step(std::uint64_t ticks) {
    OwnedDevice::Use device(*owned_);
    device->set_step({ticks});
    owned_->set_step = ticks;
  }
  void set_step_time_units(double time_units) {
    OwnedDevice::Use device(*owned_);
    device->set_step_time_units(time_units);
    owned_->set_step = device->step().count;
  }

 private:
  std::shared_ptr<OwnedDevice> owned_;
};

/// Numbers as the driver takes them: a contiguous copy in this computer's float, or the array itself where it is that.
/// `what` begins a message. Throws TypeError for what is no real number (complex, text, objects).
template <typename T>
py::array_t<T, py::array::c_style> numbers(const py::handle& values, const std::string& what) {
  py::array array = py::array::ensure(values);
  if (!array) {
    PyErr_Clear();
    throw py::type_error(what + ": an array of numbers is needed, not " + std::string(py::str(py::type::of(values))));
  }
  const char kind = array.dtype().kind();
  if (kind != 'f' && kind != 'i' && kind != 'u' && kind != 'b')
    throw py::type_error(what + ": values of type " + std::string(py::str(array.dtype())) + "; real numbers are needed");
  py::array_t<T, py::array::c_style> converted = py::array_t<T, py::array::c_style | py::array::forcecast>::ensure(array);
  if (!converted) throw py::error_already_set();
  return converted;
}

template <typename T>
std::span<const T> span_of(const py::array_t<T, py::array::c_style>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}

/// "(3, 4)".
inline std::string shape_of(const py::array& array) {
  std::string text = "(";
  for (py::ssize_t k = 0; k < array.ndim(); ++k) text += (k ? ", " : "") + std::to_string(array.shape(k));
  return text + (array.ndim() == 1 ? ",)" : ")");
}

[[noreturn]] inline void bad_shape(const py::array& array, const std::string& what, const std::string& right) {
  throw Error(HB_BAD_ARG, what + ": an array of shape " + shape_of(array) + "; " + right + " is needed");
}

/// Cell numbers of pairs; what does not fit is no cell.
inline std::vector<std::uint32_t> cells_of(const py::object& values, const char* where) {
  const py::array array = py::array::ensure(values);
  if (!array || (array.size() > 0 && array.dtype().kind() != 'i' && array.dtype().kind() != 'u')) {
    PyErr_Clear();
    throw py::type_error(std::string(where) + ": cells are whole numbers");
  }
  const auto whole = numbers<std::int64_t>(array, where);
  if (whole.ndim() != 1) bad_shape(whole, where, "(pairs,)");
  std::vector<std::uint32_t> cells;
  cells.reserve(static_cast<std::size_t>(whole.size()));
  for (const std::int64_t cell : span_of(whole)) {
    if (cell < 0 || cell > 0xFFFFFFFF) throw Error(HB_BAD_ARG, std::string(where) + ": " + std::to_string(cell) + " is no cell");
    cells.push_back(static_cast<std::uint32_t>(cell));
  }
  return cells;
}

/// An array over memory that `owner` keeps alive.
template <typename T>
py::array lent(std::vector<py::ssize_t> shape, const T* data, const py::object& owner) {
  return py::array_t<T>(std::move(shape), data, owner);
}

/// A section by its name, of those with a value per cell; kT is one of them in programs, but no part of a network.
/// Error(BAD_ARG) that lists the names.
CellSection section_named(const std::string& name, bool with_kT, const char* where);

/// A meter on request by its name. Error(BAD_ARG) that lists the names.
Meter meter_named(const std::string& name, const char* where);

/// What a notebook shows of an object: heatbath.display.<of>(self).
inline auto shown_by(const char* of) {
  return [of](const py::object& self) { return py::module_::import("heatbath.display").attr(of)(self); };
}

/// A number that may be unknown: None for NaN.
inline py::object or_none(double value) { return std::isnan(value) ? py::object(py::none()) : py::object(py::float_(value)); }

/// (value, standard error, effective samples).
py::tuple estimate_of(const measure::Estimate& estimate);

void bind_device(py::module_& module);
void bind_program(py::module_& module);
void bind_network(py::module_& module);
void bind_certificate(py::module_& module);
void bind_trainers(py::module_& module);
void bind_studies(py::module_& module);
void bind_judges(py::module_& module);
void bind_solvers(py::module_& module);
void bind_searches(py::module_& module);
void bind_estimates(py::module_& module);
void bind_calibration(py::module_& module);
void bind_machines(py::module_& module);
void bind_analog_training(py::module_& module);
void bind_score(py::module_& module);
void bind_classifier(py::module_& module);

}  // namespace heatbath::python
