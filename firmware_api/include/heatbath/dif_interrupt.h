/* Device functions: interrupts. A mask holds one bit per interrupt, HB_INTR_STATE_*_MASK of heatbath/regs.h. */
#ifndef HEATBATH_DIF_INTERRUPT_H
#define HEATBATH_DIF_INTERRUPT_H

#include <stdint.h>

#include "heatbath/mmio.h"
#include "heatbath/regs.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A mask with a bit outside of HB_INTERRUPT_ALL is HB_BAD_ARG everywhere below. */

/* Pending interrupts, enabled or not. No side effect. *mask is written on HB_OK only. */
hb_status_t hb_dif_interrupt_state(const hb_mmio_t *mmio, uint32_t *mask);

/* Interrupts that drive the interrupt output. Setting replaces the whole mask; getting has no side effect. */
hb_status_t hb_dif_interrupt_enable_set(const hb_mmio_t *mmio, uint32_t mask);
hb_status_t hb_dif_interrupt_enable_get(const hb_mmio_t *mmio, uint32_t *mask);

/* acknowledge clears, test raises the interrupts of the mask, once. Both write the sequence number after the one
 * that the register reads back, and wait until the new one reads back: at most 64 polls, with the same word written
 * again after every 16, then as many as the pause of mmio allows. HB_TIMEOUT when it never does. An empty mask is HB_OK
 * without any access. */
hb_status_t hb_dif_interrupt_acknowledge(const hb_mmio_t *mmio, uint32_t mask);
hb_status_t hb_dif_interrupt_test(const hb_mmio_t *mmio, uint32_t mask);

/* Tag of the last INTERRUPT instruction. No side effect. *tag is written on HB_OK only. */
hb_status_t hb_dif_interrupt_tag(const hb_mmio_t *mmio, uint32_t *tag);

#ifdef __cplusplus
}
#endif
#endif
