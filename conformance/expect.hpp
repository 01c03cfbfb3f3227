#pragma once
// What the checks of claims share: verdicts, bounds, and access to the registers.

#include <cstdint>
#include <string>

#include "heatbath/conformance.hpp"
#include "heatbath/mmio.h"
#include "heatbath/status.h"

namespace heatbath::conformance {

/// Throws Broken with the message when a promise is not kept.
inline void expect(bool kept, const std::string& message) {
  if (!kept) throw Broken(message);
}

/// Throws Skipped when the device does not advertise `capability`.
inline void needs(bool have, const char* capability) {
  if (!have) throw Skipped(std::string("the device lacks CAPS.") + capability);
}

/// Bound on |z| of a statistic of a run with fixed noise.
inline constexpr double z_bound = 4.5;
/// Relative systematic error allowed where the device hides its step: mismatch, converters and the step itself.
inline constexpr double silicon_tolerance = 0.04;

/// 0x and hexadecimal digits.
std::string hexadecimal(std::uint64_t value);

/// The registers of a device, for the C device functions; must not outlive the device.
class Registers {
 public:
  explicit Registers(Device& device) : link_(&device.transport()), mmio_{&read, &write, link_, nullptr, nullptr, nullptr} {}
  const hb_mmio_t* mmio() const { return &mmio_; }
  std::uint32_t get(std::uint32_t offset) const { return link_->read32(offset); }
  void set(std::uint32_t offset, std::uint32_t value) const { link_->write32(offset, value); }

 private:
  static std::uint32_t read(void* link, std::uint32_t offset) { return static_cast<Transport*>(link)->read32(offset); }
  static void write(void* link, std::uint32_t offset, std::uint32_t value) {
    static_cast<Transport*>(link)->write32(offset, value);
  }
  Transport* link_;
  hb_mmio_t mmio_;
};

/// Throws Broken unless the device function returned `wanted`.
inline void expect_status(hb_status_t status, hb_status_t wanted, const std::string& what) {
  expect(status == wanted, what + ": " + hb_status_name(status) + ", expected " + hb_status_name(wanted));
}

/// Throws Broken unless `action` throws an Error of this code.
template <typename Action>
void expect_error(hb_status_t code, const std::string& what, Action&& action) {
  try {
    action();
  } catch (const Error& error) {
    return expect_status(error.code(), code, what + " (" + error.what() + ")");
  }
  throw Broken(what + ": it was accepted, expected " + hb_status_name(code));
}

}  // namespace heatbath::conformance
