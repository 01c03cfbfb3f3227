#include <cstdio>

#include "handles.hpp"
#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "heatbath/version.h"

using namespace heatbath;
using capi::give;
using capi::given;
using capi::guarded;

namespace {

thread_local char last_message[2048] = "";

static_assert(sizeof(Coupler) == 2 * sizeof(std::uint32_t), "heatbath_device_couplers hands out pairs");

}  // namespace

hb_status_t capi::fail(hb_status_t status, const char* message) noexcept {
  std::snprintf(last_message, sizeof last_message, "%s", message);
  return status;
}

const char* heatbath_version(void) { return HEATBATH_VERSION; }

const char* heatbath_message(void) { return last_message; }

const char* heatbath_status_name(hb_status_t status) { return hb_status_name(status); }

const char* heatbath_status_meaning(hb_status_t status) { return hb_status_meaning(status); }

hb_status_t heatbath_open(const char* uri, heatbath_device** device) {
  return guarded([&] {
    given(device, "heatbath_open", "device");
    *device = std::make_unique<heatbath_device>(open(uri == nullptr ? "" : uri)).release();
  });
}

void heatbath_device_free(heatbath_device* device) { delete device; }

const char* heatbath_device_uri(const heatbath_device* device) { return device == nullptr ? "" : device->link.uri.c_str(); }

const char* heatbath_device_description(const heatbath_device* device) {
  return device == nullptr ? "" : device->link.description.c_str();
}

hb_status_t heatbath_device_capability(const heatbath_device* device, const char* name, double* value) {
  return guarded([&] {
    constexpr const char* where = "heatbath_device_capability";
    const Capabilities& capabilities = given(device, where, "device").device->capabilities();
    given(name, where, "name");
    given(value, where, "value");
    for (const NamedCapability& known : capability_list())
      if (std::strcmp(known.name, name) == 0) {
        *value = known.value(capabilities);
        return;
      }
    std::string names;
    for (const NamedCapability& known : capability_list())
      names.append(names.empty() ? "" : ", ").append(known.name);
    throw Error(HB_BAD_ARG, std::string(where) + ": no capability is called '" + name + "'; there are " + names);
  });
}

const char* heatbath_capability_name(uint32_t index) {
  const auto list = capability_list();
  return index < list.size() ? list[index].name : nullptr;
}

hb_status_t heatbath_device_couplers(const heatbath_device* device, const uint32_t** pairs, uint64_t* count) {
  return guarded([&] {
    const auto couplers = given(device, "heatbath_device_couplers", "device").device->capabilities().couplers();
    give(count, couplers.size());
    if (pairs != nullptr) *pairs = couplers.empty() ? nullptr : &couplers.front().i;
  });
}

hb_status_t heatbath_now(heatbath_device* device, uint64_t* ticks) {
  return guarded([&] { give(ticks, given(device, "heatbath_now", "device").device->now().count); });
}

hb_status_t heatbath_reset(heatbath_device* device) {
  return guarded([&] { given(device, "heatbath_reset", "device").device->reset(); });
}

hb_status_t heatbath_step(const heatbath_device* device, uint64_t* ticks) {
  return guarded([&] { give(ticks, given(device, "heatbath_step", "device").device->step().count); });
}

hb_status_t heatbath_set_step(heatbath_device* device, uint64_t ticks) {
  return guarded([&] { given(device, "heatbath_set_step", "device").device->set_step({ticks}); });
}

hb_status_t heatbath_set_step_time_units(heatbath_device* device, double time_units) {
  return guarded([&] {
    given(device, "heatbath_set_step_time_units", "device").device->set_step_time_units(time_units);
  });
}

hb_status_t heatbath_ticks(const heatbath_device* device, double time_units, uint64_t* ticks) {
  return guarded([&] { give(ticks, given(device, "heatbath_ticks", "device").device->ticks(time_units).count); });
}

hb_status_t heatbath_capture_period(const heatbath_device* device, uint64_t wanted, uint64_t* ticks) {
  return guarded([&] {
    give(ticks, given(device, "heatbath_capture_period", "device").device->capture_period({wanted}).count);
  });
}

hb_status_t heatbath_device_read32(heatbath_device* device, uint32_t offset, uint32_t* value) {
  return guarded([&] {
    give(value, given(device, "heatbath_device_read32", "device").device->transport().read32(offset));
  });
}

hb_status_t heatbath_device_write32(heatbath_device* device, uint32_t offset, uint32_t value) {
  return guarded([&] { given(device, "heatbath_device_write32", "device").device->transport().write32(offset, value); });
}

hb_status_t heatbath_device_read_block(heatbath_device* device, uint64_t offset, void* out, uint64_t bytes) {
  return guarded([&] {
    Transport& transport = given(device, "heatbath_device_read_block", "device").device->transport();
    if (bytes > 0) given(static_cast<std::byte*>(out), "heatbath_device_read_block", "out");
    transport.read_block(HB_MEMORY_BASE + offset, {static_cast<std::byte*>(out), bytes});
  });
}

hb_status_t heatbath_device_write_block(heatbath_device* device, uint64_t offset, const void* data, uint64_t bytes) {
  return guarded([&] {
    Transport& transport = given(device, "heatbath_device_write_block", "device").device->transport();
    transport.write_block(HB_MEMORY_BASE + offset,
                          capi::array(static_cast<const std::byte*>(data), bytes, "heatbath_device_write_block", "data"));
  });
}

hb_status_t heatbath_device_wait(heatbath_device* device, uint64_t ticks, bool* pending) {
  return guarded([&] {
    give(pending, given(device, "heatbath_device_wait", "device").device->transport().wait_irq(ticks));
  });
}
