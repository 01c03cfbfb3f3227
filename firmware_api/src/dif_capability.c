#include "heatbath/dif_capability.h"

#include "capability_reader.h"
#include "registers.h"

/* The numbers of both formats are the same list. */
static bool format_is_known(uint32_t number, uint32_t bits) {
  switch (number) {
    case HB_CAPS_PARAM_FORMAT_NUMBER_FLOAT32:
      return bits == 0;
    case HB_CAPS_PARAM_FORMAT_NUMBER_CODE8:
      return bits >= 2 && bits <= 8;
    case HB_CAPS_PARAM_FORMAT_NUMBER_CODE16:
      return bits >= 2 && bits <= 16;
    default:
      return false;
  }
}

hb_status_t hb_dif_capability_get(const hb_mmio_t *mmio, hb_capabilities_t *capabilities) {
  if (!hb_usable(mmio) || capabilities == NULL) return HB_BAD_ARG;
  hb_capabilities_t caps;
  const hb_status_t status = hb_capability_read(mmio, &caps);
  if (status != HB_OK) return status;
  if (caps.components > 2) return HB_DEVICE;
  if (!format_is_known(caps.param_number, caps.param_bits)) return HB_DEVICE;
  if (!format_is_known(caps.capture_number, caps.capture_bits)) return HB_DEVICE;
  *capabilities = caps;
  return HB_OK;
}
