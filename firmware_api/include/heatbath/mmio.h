/* How the device functions reach the registers: two functions and a context. The same device functions run over a
 * memory-mapped bus, a socket or the emulator. */
#ifndef HEATBATH_MMIO_H
#define HEATBATH_MMIO_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Register access. read32 and write32 take the byte offset of a register (heatbath/regs.h) and the context; both
 * must be non-NULL. A link that can fail reports so by its own means; the device functions assume they return. */
typedef struct hb_mmio {
  uint32_t (*read32)(void *context, uint32_t offset);
  void (*write32)(void *context, uint32_t offset, uint32_t value);
  void *context;
} hb_mmio_t;

#ifdef __cplusplus
}
#endif
#endif
