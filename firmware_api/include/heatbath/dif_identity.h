/* Device functions: who the device is, and whether the link to it works. */
#ifndef HEATBATH_DIF_IDENTITY_H
#define HEATBATH_DIF_IDENTITY_H

#include <stdint.h>

#include "heatbath/mmio.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The identity block. */
typedef struct hb_identity {
  uint32_t vendor, part, revision;  /* the maker's numbers */
  uint64_t serial;    /* keys calibration */
  uint16_t map_major; /* version of the device's register map */
  uint16_t map_minor;
  uint32_t map_hash;  /* of its register source; informative */
} hb_identity_t;

/* What the device counts about its own bus; all wrap at 2^32 and survive RESET. */
typedef struct hb_bus_counters {
  uint32_t resets;          /* since power-on */
  uint32_t access_errors;   /* unaligned, unmapped, and writes to read-only registers */
  uint32_t sequence_errors; /* repeated command sequence numbers, ignored */
} hb_bus_counters_t;

/* Is this a Heatbath device that this software can drive? Looks at ID, then at MAP_VERSION, and stops at the first
 * that is wrong: HB_DEVICE. A differing minor version or hash is no error. No side effect. */
hb_status_t hb_dif_identity_check(const hb_mmio_t *mmio);

/* Reads the identity block without judging it. *identity is written on HB_OK only. */
hb_status_t hb_dif_identity_get(const hb_mmio_t *mmio, hb_identity_t *identity);

/* Reads RESET_COUNT, ERR_ACCESS and ERR_SEQUENCE. *counters is written on HB_OK only. */
hb_status_t hb_dif_identity_counters(const hb_mmio_t *mmio, hb_bus_counters_t *counters);

/* Writes four patterns to SCRATCH, reads each back, and restores what was there. HB_DEVICE when a pattern came back
 * changed. No other side effect. */
hb_status_t hb_dif_identity_scratch_test(const hb_mmio_t *mmio);

#ifdef __cplusplus
}
#endif
#endif
