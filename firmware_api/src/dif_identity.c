#include "heatbath/dif_identity.h"

#include "heatbath/dif_time.h"
#include "registers.h"

hb_status_t hb_dif_identity_check(const hb_mmio_t *mmio) {
  if (!hb_usable(mmio)) return HB_BAD_ARG;
  if (hb_read(mmio, HB_ID_OFFSET) != HB_ID_RESET) return HB_DEVICE;
  const uint32_t version = hb_read(mmio, HB_MAP_VERSION_OFFSET);
  return HB_GET(version, MAP_VERSION, MAJOR) == HB_MAP_MAJOR ? HB_OK : HB_DEVICE;
}

hb_status_t hb_dif_identity_get(const hb_mmio_t *mmio, hb_identity_t *identity) {
  if (!hb_usable(mmio) || identity == NULL) return HB_BAD_ARG;
  uint64_t serial = 0;
  const hb_status_t status = hb_dif_read64(mmio, HB_SERIAL_LO_OFFSET, HB_SERIAL_HI_OFFSET, &serial);
  if (status != HB_OK) return status;
  const uint32_t version = hb_read(mmio, HB_MAP_VERSION_OFFSET);
  identity->vendor = hb_read(mmio, HB_VENDOR_OFFSET);
  identity->part = hb_read(mmio, HB_PART_OFFSET);
  identity->revision = hb_read(mmio, HB_REVISION_OFFSET);
  identity->serial = serial;
  identity->map_major = (uint16_t)HB_GET(version, MAP_VERSION, MAJOR);
  identity->map_minor = (uint16_t)HB_GET(version, MAP_VERSION, MINOR);
  identity->map_hash = hb_read(mmio, HB_MAP_HASH_OFFSET);
  return HB_OK;
}

hb_status_t hb_dif_identity_counters(const hb_mmio_t *mmio, hb_bus_counters_t *counters) {
  if (!hb_usable(mmio) || counters == NULL) return HB_BAD_ARG;
  counters->resets = hb_read(mmio, HB_RESET_COUNT_OFFSET);
  counters->access_errors = hb_read(mmio, HB_ERR_ACCESS_OFFSET);
  counters->sequence_errors = hb_read(mmio, HB_ERR_SEQUENCE_OFFSET);
  return HB_OK;
}

hb_status_t hb_dif_identity_scratch_test(const hb_mmio_t *mmio) {
  static const uint32_t patterns[] = {0x00000000u, 0xFFFFFFFFu, 0xA5C3F018u, 0x5A3C0FE7u};
  if (!hb_usable(mmio)) return HB_BAD_ARG;
  const uint32_t before = hb_read(mmio, HB_SCRATCH_OFFSET);
  hb_status_t status = HB_OK;
  for (size_t i = 0; i < sizeof(patterns) / sizeof(patterns[0]) && status == HB_OK; ++i) {
    hb_write(mmio, HB_SCRATCH_OFFSET, patterns[i]);
    if (hb_read(mmio, HB_SCRATCH_OFFSET) != patterns[i]) status = HB_DEVICE;
  }
  hb_write(mmio, HB_SCRATCH_OFFSET, before);
  return status;
}
