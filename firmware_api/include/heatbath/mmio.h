/* How the firmware API reaches a device: two functions, a context, and three more that may be NULL. The same device
 * functions run over a memory-mapped bus (heatbath/map.h has these functions ready), a socket or the emulator. */
#ifndef HEATBATH_MMIO_H
#define HEATBATH_MMIO_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A link that can fail reports so by its own means; the functions of the API assume that these return. */
typedef struct hb_mmio {
  /* Register access, by the byte offset of a register (heatbath/regs.h). Neither is NULL. */
  uint32_t (*read32)(void *context, uint32_t offset);
  void (*write32)(void *context, uint32_t offset, uint32_t value);
  void *context;
  /* Copies `bytes` bytes out of or into device memory, from byte offset `offset` of it on; both are multiples of 4.
   * NULL where a host uses registers alone: heatbath/program_builder.h and heatbath/run.h then answer HB_BAD_ARG. What
   * was written to memory is there when a later write32 reaches the device. */
  void (*read_block)(void *context, uint64_t offset, void *out, uint32_t bytes);
  void (*write_block)(void *context, uint64_t offset, const void *data, uint32_t bytes);
  /* Called between two looks at a device whose answer is awaited: a place to sleep, to let another task run or to feed
   * a watchdog. `looks` counts the looks of this wait, from 1 on. False gives up: the wait ends with HB_TIMEOUT. NULL:
   * one look follows the other. */
  bool (*pause)(void *context, uint32_t looks);
} hb_mmio_t;

#ifdef __cplusplus
}
#endif
#endif
