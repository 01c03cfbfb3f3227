/* Device functions: the DMA engine, on devices with CAPS.DMA. */
#ifndef HEATBATH_DIF_DMA_H
#define HEATBATH_DIF_DMA_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/mmio.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One transfer. Addresses, bytes and burst are multiples of 4. */
typedef struct hb_dma_transfer {
  uint64_t host_addr;   /* bus address of host memory */
  uint64_t device_addr; /* byte offset in device memory */
  uint32_t bytes;       /* 4 or more */
  uint32_t burst_bytes; /* 4..4096 */
  bool to_device;       /* host memory to device memory; else the other way */
} hb_dma_transfer_t;

/* DMA_STATUS, decoded, and DMA_MOVED. */
typedef struct hb_dma_status {
  bool busy;         /* a transfer is in progress */
  hb_status_t code;  /* how the last one ended: HB_OK, HB_LINK (host memory did not answer), HB_ABORTED (stopped) */
  uint32_t moved;    /* bytes it has moved */
} hb_dma_status_t;

/* Starts a transfer; INTR_STATE.DMA_DONE rises when it has ended. HB_BAD_ARG for sizes and alignment, without any
 * access; HB_UNSUPPORTED without CAPS.DMA and HB_BUSY while one is in progress, without any write; HB_BAD_ARG from the
 * device when device_addr leaves its memory; HB_TIMEOUT when the command never reads back. */
hb_status_t hb_dif_dma_start(const hb_mmio_t *mmio, hb_dma_transfer_t transfer);

/* Ends the transfer at its next burst; HB_OK also when none is in progress. It has ended when busy is false. */
hb_status_t hb_dif_dma_stop(const hb_mmio_t *mmio);

/* Looks at the engine once. No side effect. *status is written on HB_OK only. */
hb_status_t hb_dif_dma_status(const hb_mmio_t *mmio, hb_dma_status_t *status);

#ifdef __cplusplus
}
#endif
#endif
