/* Lends a device of heatbath/heatbath.h to code on the firmware API: the same C that drives a part on a bus drives an
 * emulator, a served device or a board behind a link. Inline, on what libheatbath exports. */
#ifndef HEATBATH_HOST_MMIO_H
#define HEATBATH_HOST_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/heatbath.h"
#include "heatbath/mmio.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A device and the first error of its link; reads are 0 after one. */
typedef struct heatbath_host_mmio {
  heatbath_device *device;  /* not owned */
  hb_status_t status;  /* of the first access that failed; HB_OK */
} heatbath_host_mmio;

/* Functions of hb_mmio_t whose context is a heatbath_host_mmio. */
static inline uint32_t heatbath_host_mmio_read32(void *context, uint32_t offset) {
  heatbath_host_mmio *const host = (heatbath_host_mmio *)context;
  uint32_t value = 0;
  if (host->status == HB_OK) host->status = heatbath_device_read32(host->device, offset, &value);
  return host->status == HB_OK ? value : 0u;
}
static inline void heatbath_host_mmio_write32(void *context, uint32_t offset, uint32_t value) {
  heatbath_host_mmio *const host = (heatbath_host_mmio *)context;
  if (host->status == HB_OK) host->status = heatbath_device_write32(host->device, offset, value);
}
static inline void heatbath_host_mmio_read_block(void *context, uint64_t offset, void *out, uint32_t bytes) {
  heatbath_host_mmio *const host = (heatbath_host_mmio *)context;
  if (host->status == HB_OK) host->status = heatbath_device_read_block(host->device, offset, out, bytes);
}
static inline void heatbath_host_mmio_write_block(void *context, uint64_t offset, const void *data, uint32_t bytes) {
  heatbath_host_mmio *const host = (heatbath_host_mmio *)context;
  if (host->status == HB_OK) host->status = heatbath_device_write_block(host->device, offset, data, bytes);
}

/* Lets device time pass: twice as much after each look, a million ticks at most. */
static inline bool heatbath_host_mmio_pause(void *context, uint32_t looks) {
  heatbath_host_mmio *const host = (heatbath_host_mmio *)context;
  bool pending = false;
  if (host->status == HB_OK)
    host->status = heatbath_device_wait(host->device, UINT64_C(1) << (looks < 20u ? looks : 20u), &pending);
  return host->status == HB_OK;
}

/* The verbs over host->device. host and the device must outlive them. */
static inline hb_mmio_t heatbath_host_mmio_of(heatbath_host_mmio *host) {
  const hb_mmio_t mmio = {heatbath_host_mmio_read32,      heatbath_host_mmio_write32, host, heatbath_host_mmio_read_block,
                          heatbath_host_mmio_write_block, heatbath_host_mmio_pause};
  return mmio;
}

#ifdef __cplusplus
}
#endif
#endif
