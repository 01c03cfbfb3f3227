/* Register access as the device functions use it; internal to firmware_api. */
#ifndef HEATBATH_SRC_REGISTERS_H
#define HEATBATH_SRC_REGISTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heatbath/mmio.h"
#include "heatbath/regs.h"
#include "heatbath/status.h"

/* Field of a register word, shifted down: HB_GET(word, CAPS_CELL, KIND). */
#define HB_GET(word, reg, field) (((word)&HB_##reg##_##field##_MASK) >> HB_##reg##_##field##_SHIFT)

static inline bool hb_usable(const hb_mmio_t *mmio) {
  return mmio != NULL && mmio->read32 != NULL && mmio->write32 != NULL;
}

static inline bool hb_reaches_memory(const hb_mmio_t *mmio) {
  return hb_usable(mmio) && mmio->read_block != NULL && mmio->write_block != NULL;
}

static inline uint32_t hb_read(const hb_mmio_t *mmio, uint32_t offset) { return mmio->read32(mmio->context, offset); }

static inline void hb_write(const hb_mmio_t *mmio, uint32_t offset, uint32_t value) {
  mmio->write32(mmio->context, offset, value);
}

static inline void hb_write64(const hb_mmio_t *mmio, uint32_t lo, uint32_t hi, uint64_t value) {
  hb_write(mmio, lo, (uint32_t)value);
  hb_write(mmio, hi, (uint32_t)(value >> 32));
}

static inline bool hb_running(const hb_mmio_t *mmio) {
  return (hb_read(mmio, HB_STATUS_OFFSET) & HB_STATUS_RUNNING_MASK) != 0;
}

/* Reads one register for a caller of the API: guards, access, result. */
static inline hb_status_t hb_get_word(const hb_mmio_t *mmio, uint32_t offset, uint32_t *value) {
  if (!hb_usable(mmio) || value == NULL) return HB_BAD_ARG;
  *value = hb_read(mmio, offset);
  return HB_OK;
}

/* An effectful write: payload (bits 15:0) to `command` with the sequence number (bits 31:16) that follows the one in
 * `answer`, until `answer` shows that number: 64 looks, with the same word written again after every 16, then as many
 * more as the pause of mmio allows. *answered is the word of `answer` that did; HB_TIMEOUT when none did. */
hb_status_t hb_sequenced_write(const hb_mmio_t *mmio, uint32_t command, uint32_t answer, uint32_t payload,
                               uint32_t *answered);

#endif
