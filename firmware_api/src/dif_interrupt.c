#include "heatbath/dif_interrupt.h"

#include "registers.h"

static bool mask_is_known(uint32_t mask) { return (mask & ~HB_INTERRUPT_ALL) == 0; }

hb_status_t hb_dif_interrupt_state(const hb_mmio_t *mmio, uint32_t *mask) {
  return hb_get_word(mmio, HB_INTR_STATE_OFFSET, mask);
}

hb_status_t hb_dif_interrupt_enable_set(const hb_mmio_t *mmio, uint32_t mask) {
  if (!hb_usable(mmio) || !mask_is_known(mask)) return HB_BAD_ARG;
  hb_write(mmio, HB_INTR_ENABLE_OFFSET, mask);
  return HB_OK;
}

hb_status_t hb_dif_interrupt_enable_get(const hb_mmio_t *mmio, uint32_t *mask) {
  return hb_get_word(mmio, HB_INTR_ENABLE_OFFSET, mask);
}

/* INTR_ACK and INTR_TEST read back their last accepted write: they are their own answer. */
static hb_status_t once(const hb_mmio_t *mmio, uint32_t offset, uint32_t mask) {
  if (!hb_usable(mmio) || !mask_is_known(mask)) return HB_BAD_ARG;
  if (mask == 0) return HB_OK;
  uint32_t accepted = 0;
  return hb_sequenced_write(mmio, offset, offset, mask, &accepted);
}

hb_status_t hb_dif_interrupt_acknowledge(const hb_mmio_t *mmio, uint32_t mask) {
  return once(mmio, HB_INTR_ACK_OFFSET, mask);
}

hb_status_t hb_dif_interrupt_test(const hb_mmio_t *mmio, uint32_t mask) {
  return once(mmio, HB_INTR_TEST_OFFSET, mask);
}

hb_status_t hb_dif_interrupt_tag(const hb_mmio_t *mmio, uint32_t *tag) {
  return hb_get_word(mmio, HB_INTR_TAG_OFFSET, tag);
}
