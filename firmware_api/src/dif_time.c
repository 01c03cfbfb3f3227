#include "heatbath/dif_time.h"

#include "registers.h"

/* The high word of a pair changes once in 2^32 ticks: a second change in a row is no clock. */
enum { HIGH_READS = 8 };

hb_status_t hb_dif_read64(const hb_mmio_t *mmio, uint32_t lo, uint32_t hi, uint64_t *value) {
  if (!hb_usable(mmio) || value == NULL) return HB_BAD_ARG;
  uint32_t before = hb_read(mmio, hi);
  for (int reads = 1; reads < HIGH_READS; ++reads) {
    const uint32_t low = hb_read(mmio, lo);
    const uint32_t after = hb_read(mmio, hi);
    if (after == before) {
      *value = (uint64_t)after << 32 | low;
      return HB_OK;
    }
    before = after;
  }
  return HB_DEVICE;
}

hb_status_t hb_dif_time_now(const hb_mmio_t *mmio, uint64_t *ticks) {
  return hb_dif_read64(mmio, HB_TIME_LO_OFFSET, HB_TIME_HI_OFFSET, ticks);
}
