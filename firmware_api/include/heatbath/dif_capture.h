/* Device functions: the capture ring. Record n lies at base + (n mod slots) * record bytes in device memory, in the
 * format of heatbath/program.h. */
#ifndef HEATBATH_DIF_CAPTURE_H
#define HEATBATH_DIF_CAPTURE_H

#include <stdint.h>

#include "heatbath/mmio.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where captured states go, and of which cells. */
typedef struct hb_capture_config {
  uint64_t base;       /* byte offset of the ring in device memory, a multiple of 64 */
  uint32_t slots;      /* records it holds; 0 when the program takes none */
  uint32_t first_cell; /* first captured cell */
  uint32_t cells;      /* number of captured cells; 0: all active ones from first_cell on */
  uint32_t watermark;  /* unread records that raise the CAPTURE interrupt; 0: only a full ring does */
} hb_capture_config_t;

/* Writes the ring registers. HB_BAD_ARG for a base that is not a multiple of 64, without any access; HB_BUSY while a
 * program runs, without any write. Whether the ring fits the memory is judged at start. */
hb_status_t hb_dif_capture_configure(const hb_mmio_t *mmio, hb_capture_config_t config);

/* Records written since start, modulo 2^32. No side effect. *head is written on HB_OK only. */
hb_status_t hb_dif_capture_head(const hb_mmio_t *mmio, uint32_t *head);

/* Tells the device that all records before number `tail` (modulo 2^32, counted from start) were read and may be
 * overwritten. HB_BAD_ARG without any write when tail lies outside [old tail, head]. Repeating it does no harm. */
hb_status_t hb_dif_capture_advance(const hb_mmio_t *mmio, uint32_t tail);

/* Size of a record of the present or last job in bytes, header and padding included; set by start. No side effect.
 * *bytes is written on HB_OK only. */
hb_status_t hb_dif_capture_record_bytes(const hb_mmio_t *mmio, uint32_t *bytes);

#ifdef __cplusplus
}
#endif
#endif
