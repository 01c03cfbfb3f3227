#pragma once
// What the handles of heatbath.h hold, and the one place where an exception becomes a status.

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <span>
#include <string>

#include "heatbath/device.hpp"
#include "heatbath/heatbath.h"

struct heatbath_device {
  explicit heatbath_device(heatbath::Device&& opened)
      : device(std::make_shared<heatbath::Device>(std::move(opened))), link(device->link()) {}
  std::shared_ptr<heatbath::Device> device;  ///< jobs keep it
  heatbath::LinkInfo link;
};

struct heatbath_program {
  heatbath::Program program;
};

struct heatbath_job {
  std::shared_ptr<heatbath::Device> device;  ///< before the job: it must outlive it
  heatbath::Job job;
};

struct heatbath_result {
  heatbath::Result result;
};

namespace heatbath::capi {

/// Keeps a message for heatbath_message() and gives the status back.
hb_status_t fail(hb_status_t status, const char* message) noexcept;

/// Runs function(); what it throws becomes a status and a message.
template <typename Function>
hb_status_t guarded(Function&& function) noexcept {
  try {
    function();
    return HB_OK;
  } catch (const Error& error) {
    return fail(error.code(), error.what());
  } catch (const std::bad_alloc&) {
    return fail(HB_OUT_OF_MEMORY, "this computer has not enough memory for it");
  } catch (const std::exception& other) {
    return fail(HB_DEVICE, other.what());
  } catch (...) {
    return fail(HB_DEVICE, "something was thrown that is no std::exception");
  }
}

/// Throws Error(BAD_ARG) for a null pointer.
template <typename T>
T& given(T* pointer, const char* function, const char* name) {
  if (pointer == nullptr) throw Error(HB_BAD_ARG, std::string(function) + ": " + name + " is NULL");
  return *pointer;
}

/// An array of the caller's. Throws Error(BAD_ARG) for a null pointer with a count.
template <typename T>
std::span<const T> array(const T* values, std::uint64_t count, const char* function, const char* name) {
  if (count > 0) given(values, function, name);
  return {values, count};
}

/// Writes what the caller asked for, where it did.
template <typename T, typename U>
void give(T* where, U value) {
  if (where != nullptr) *where = static_cast<T>(value);
}

}  // namespace heatbath::capi
