/* Device functions: 64-bit registers and device time. */
#ifndef HEATBATH_DIF_TIME_H
#define HEATBATH_DIF_TIME_H

#include <stdint.h>

#include "heatbath/mmio.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads the 64-bit value of the register pair at byte offsets lo and hi high-low-high, until two successive reads of
 * the high word agree: the value is one the pair really had. No side effect; every register access lets at least one
 * tick pass. HB_DEVICE when the high word changes at every one of 8 reads. *value is written on HB_OK only. */
hb_status_t hb_dif_read64(const hb_mmio_t *mmio, uint32_t lo, uint32_t hi, uint64_t *value);

/* Device time in ticks since reset (CAPS_TICK_PS picoseconds each). Errors as hb_dif_read64. */
hb_status_t hb_dif_time_now(const hb_mmio_t *mmio, uint64_t *ticks);

#ifdef __cplusplus
}
#endif
#endif
