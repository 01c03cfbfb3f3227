/* The platform of examples/platform as the firmware sees it; its addresses are those of address_map.hpp there. */
#ifndef BOARD_H
#define BOARD_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/mmio.h"

#define BOARD_TIMER 0x02000000u
#define BOARD_CONSOLE 0x10000000u
#define BOARD_CHIP 0x40000000u
#define BOARD_CHIP_MEMORY (BOARD_CHIP + 0x10000000u) /* HB_MEMORY_BASE of heatbath/regs.h */

/* The chip: its registers and its memory are in the address space. Who waits for it sleeps until it raises an interrupt
 * that is enabled, a second at most. */
hb_mmio_t board_chip(void);

/* Lets the chip's and the timer's interrupts through. */
void board_interrupts_on(void);

/* Sleeps until the chip raises an interrupt that is enabled, or for `limit_us`; false when the limit passed. The trap
 * handler masks the chip's line: call board_interrupts_on() after the chip's interrupts were acknowledged. */
bool board_wait_for_chip(uint32_t limit_us);

/* Microseconds since power-on. */
uint64_t board_now_us(void);

/* Ends the simulation. Does not return. */
void board_exit(int status);

#endif
