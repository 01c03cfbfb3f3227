#pragma once
// How calls that last run beside Python, and how their numbers come back to it.

#include <cmath>
#include <functional>
#include <thread>
#include <type_traits>

#include "bound.hpp"

namespace heatbath::python {

template <typename T>
py::ssize_t size_of(const std::vector<T>& values) {
  return static_cast<py::ssize_t>(values.size());
}

/// heatbath.estimates.Estimate.
inline py::object named(const measure::Estimate& estimate) {
  return py::module_::import("heatbath.estimates").attr("Estimate")(*estimate_of(estimate));
}
inline py::list named(const std::vector<measure::Estimate>& estimates) {
  py::list all;
  for (const measure::Estimate& each : estimates) all.append(named(each));
  return all;
}

template <typename T>
py::array_t<T> array_of(const std::vector<T>& values) {
  return py::array_t<T>(size_of(values), values.data());
}
/// Values and standard errors, one row each; `figure` is what an element has of them.
template <typename Elements, typename Figure>
py::array_t<double> figures_of(const Elements& elements, Figure&& figure) {
  py::array_t<double> both({py::ssize_t{2}, static_cast<py::ssize_t>(elements.size())});
  for (std::size_t k = 0; k < elements.size(); ++k) {
    const measure::Estimate& is = figure(elements[k]);
    both.mutable_at(0, static_cast<py::ssize_t>(k)) = is.value;
    both.mutable_at(1, static_cast<py::ssize_t>(k)) = is.standard_error;
  }
  return both;
}
inline py::array_t<double> array_of(const std::vector<measure::Estimate>& estimates) {
  return figures_of(estimates, [](const measure::Estimate& is) -> const measure::Estimate& { return is; });
}

/// A copy of values of any layout; `size` of them.
template <typename T>
std::vector<T> copied_from(const py::object& values, const char* what, std::size_t size) {
  const auto array = numbers<T>(values, what);
  if (static_cast<std::size_t>(array.size()) != size) bad_shape(array, what, std::to_string(size) + " values");
  return {array.data(), array.data() + array.size()};
}

inline std::vector<double> copied_square(const py::object& values, const char* where) {
  const auto array = numbers<double>(values, where);
  if (array.ndim() != 2 || array.shape(0) != array.shape(1)) bad_shape(array, where, "(n, n)");
  return {array.data(), array.data() + array.size()};
}
inline std::vector<double> copied_vector(const py::object& values, std::size_t size, const char* where) {
  const auto array = numbers<double>(values, where);
  if (array.ndim() != 1 || static_cast<std::size_t>(array.size()) != size) bad_shape(array, where, "(" + std::to_string(size) + ",)");
  return {array.data(), array.data() + array.size()};
}
inline std::size_t rows_of(const std::vector<double>& square) {
  return static_cast<std::size_t>(std::lround(std::sqrt(static_cast<double>(square.size()))));
}

/// Runs work(progress) without the GIL and without a device; `progress` is a fraction of the whole and may end it.
template <class Work>
auto without_gil(py::object progress, Work&& work) {
  Watch watch(std::move(progress));
  std::invoke_result_t<Work, Watch&> result = [&] {
    const py::gil_scoped_release no_gil;
    return work(watch);
  }();
  watch.end();
  return result;
}
/// Runs work(device, progress) without the GIL.
template <class Work>
auto without_gil(PyDevice& device, py::object progress, Work&& work) {
  OwnedDevice::Use use(*device.owned());
  return without_gil(std::move(progress), [&](Watch& watch) { return work(*use, Progress(std::ref(watch))); });
}

/// An object in a call that runs without the GIL: until it ends, only the thread of that call may look at it. With the GIL.
class InCall {
 public:
  class Scope {
   public:
    Scope(InCall& of, const char* what) : of_(of) {
      if (of.busy_) throw Error(HB_BUSY, std::string(what) + ": it is in another call");
      of.busy_ = true;
      of.thread_ = std::this_thread::get_id();
    }
    ~Scope() { of_.busy_ = false; }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    InCall& of_;
  };
  void check(const char* what) const {
    if (busy_ && thread_ != std::this_thread::get_id()) throw Error(HB_BUSY, std::string(what) + ": another thread is in a call of it");
  }

 private:
  bool busy_ = false;
  std::thread::id thread_;
};

/// After each step of a training: tells `after` (None, or a function whose False stops) and the watch. False stops;
/// `ended` is set where progress stopped it, which is an error.
template <typename... Told>
bool told_after(const py::object& after, Watch& watch, double fraction, bool& ended, const Told&... told) {
  if (!after.is_none()) {
    const py::gil_scoped_acquire gil;
    const py::object answer = after(told...);
    if (!answer.is_none() && !answer.cast<bool>()) return false;
  }
  if (watch(fraction)) return true;
  ended = true;
  return false;
}

}  // namespace heatbath::python
