/* Device functions: what the device can do. */
#ifndef HEATBATH_DIF_CAPABILITY_H
#define HEATBATH_DIF_CAPABILITY_H

#include "heatbath/capabilities.h"
#include "heatbath/mmio.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Reads and decodes all capability registers; they never change while the device is powered. No side effect.
 * HB_DEVICE when an answer lies outside of the contract: a size of zero (cells, lanes, tick, time unit, memory,
 * program), an unknown number format or one whose bits do not fit it (CODE8 2..8, CODE16 2..16, FLOAT32 0), more than
 * two components, or a range, temperature, mobility or energy unit that is negative, infinite or not a number.
 * *capabilities is written on HB_OK only. */
hb_status_t hb_dif_capability_get(const hb_mmio_t *mmio, hb_capabilities_t *capabilities);

#ifdef __cplusplus
}
#endif
#endif
