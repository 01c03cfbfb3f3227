#include "heatbath/dif_capture.h"

#include "registers.h"

#define RING_ALIGNMENT 64u

hb_status_t hb_dif_capture_configure(const hb_mmio_t *mmio, hb_capture_config_t config) {
  if (!hb_usable(mmio) || config.base % RING_ALIGNMENT != 0) return HB_BAD_ARG;
  if (hb_running(mmio)) return HB_BUSY;
  hb_write64(mmio, HB_CAPTURE_BASE_LO_OFFSET, HB_CAPTURE_BASE_HI_OFFSET, config.base);
  hb_write(mmio, HB_CAPTURE_SLOTS_OFFSET, config.slots);
  hb_write(mmio, HB_CAPTURE_CELL0_OFFSET, config.first_cell);
  hb_write(mmio, HB_CAPTURE_CELLS_OFFSET, config.cells);
  hb_write(mmio, HB_CAPTURE_WATERMARK_OFFSET, config.watermark);
  return HB_OK;
}

hb_status_t hb_dif_capture_head(const hb_mmio_t *mmio, uint32_t *head) {
  return hb_get_word(mmio, HB_CAPTURE_HEAD_OFFSET, head);
}

hb_status_t hb_dif_capture_advance(const hb_mmio_t *mmio, uint32_t tail) {
  if (!hb_usable(mmio)) return HB_BAD_ARG;
  const uint32_t old_tail = hb_read(mmio, HB_CAPTURE_TAIL_OFFSET);
  const uint32_t head = hb_read(mmio, HB_CAPTURE_HEAD_OFFSET);
  if (tail - old_tail > head - old_tail) return HB_BAD_ARG;
  hb_write(mmio, HB_CAPTURE_TAIL_OFFSET, tail);
  return HB_OK;
}

hb_status_t hb_dif_capture_record_bytes(const hb_mmio_t *mmio, uint32_t *bytes) {
  return hb_get_word(mmio, HB_CAPTURE_RECORD_BYTES_OFFSET, bytes);
}
