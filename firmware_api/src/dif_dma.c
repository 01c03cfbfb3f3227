#include "heatbath/dif_dma.h"

#include "registers.h"

/* DMA_COMMAND reads back its last accepted write: it is its own answer. */
static hb_status_t command(const hb_mmio_t *mmio, uint32_t op) {
  uint32_t accepted = 0;
  return hb_sequenced_write(mmio, HB_DMA_COMMAND_OFFSET, HB_DMA_COMMAND_OFFSET, op, &accepted);
}

static bool is_busy(const hb_mmio_t *mmio) {
  return (hb_read(mmio, HB_DMA_STATUS_OFFSET) & HB_DMA_STATUS_BUSY_MASK) != 0;
}

hb_status_t hb_dif_dma_start(const hb_mmio_t *mmio, hb_dma_transfer_t it) {
  if (!hb_usable(mmio)) return HB_BAD_ARG;
  if (it.bytes == 0 || it.burst_bytes == 0 || it.burst_bytes > 4096u) return HB_BAD_ARG;
  if (((it.host_addr | it.device_addr | it.bytes | it.burst_bytes) & 3u) != 0) return HB_BAD_ARG;
  if (HB_GET(hb_read(mmio, HB_CAPS_OFFSET), CAPS, DMA) == 0) return HB_UNSUPPORTED;
  if (is_busy(mmio)) return HB_BUSY;
  hb_write64(mmio, HB_DMA_HOST_LO_OFFSET, HB_DMA_HOST_HI_OFFSET, it.host_addr);
  hb_write64(mmio, HB_DMA_DEVICE_LO_OFFSET, HB_DMA_DEVICE_HI_OFFSET, it.device_addr);
  hb_write(mmio, HB_DMA_BYTES_OFFSET, it.bytes);
  hb_write(mmio, HB_DMA_BURST_OFFSET, it.burst_bytes);
  const hb_status_t sent = command(mmio, it.to_device ? HB_DMA_COMMAND_OP_TO_DEVICE : HB_DMA_COMMAND_OP_TO_HOST);
  if (sent != HB_OK) return sent;
  /* A refused command leaves BAD_ARG here and the engine idle; any other code is that of a transfer. */
  const uint32_t status = hb_read(mmio, HB_DMA_STATUS_OFFSET);
  return HB_GET(status, DMA_STATUS, CODE) == HB_BAD_ARG ? HB_BAD_ARG : HB_OK;
}

hb_status_t hb_dif_dma_stop(const hb_mmio_t *mmio) {
  if (!hb_usable(mmio)) return HB_BAD_ARG;
  return is_busy(mmio) ? command(mmio, HB_DMA_COMMAND_OP_STOP) : HB_OK;
}

hb_status_t hb_dif_dma_status(const hb_mmio_t *mmio, hb_dma_status_t *status) {
  if (!hb_usable(mmio) || status == NULL) return HB_BAD_ARG;
  const uint32_t word = hb_read(mmio, HB_DMA_STATUS_OFFSET);
  status->busy = (word & HB_DMA_STATUS_BUSY_MASK) != 0;
  status->code = (hb_status_t)HB_GET(word, DMA_STATUS, CODE);
  status->moved = hb_read(mmio, HB_DMA_MOVED_OFFSET);
  return HB_OK;
}
