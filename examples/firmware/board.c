#include "board.h"

#include <stdio.h>

#include "heatbath/map.h"

#define MIE_TIMER (1u << 7)
#define MIE_EXTERNAL (1u << 11)
#define MSTATUS_MIE (1u << 3)
#define CAUSE_TIMER 0x80000007u
#define CAUSE_EXTERNAL 0x8000000Bu

static volatile uint32_t *word(uint32_t address) { return (volatile uint32_t *)(uintptr_t)address; }

static volatile bool chip_rang, timer_rang;

static void __attribute__((interrupt("machine"), aligned(4))) on_trap(void) {
  uint32_t cause;
  __asm__ volatile("csrr %0, mcause" : "=r"(cause));
  if (cause == CAUSE_EXTERNAL) {
    chip_rang = true;
    __asm__ volatile("csrc mie, %0" ::"r"(MIE_EXTERNAL));
  } else if (cause == CAUSE_TIMER) {
    timer_rang = true;
    __asm__ volatile("csrc mie, %0" ::"r"(MIE_TIMER));
  } else {
    board_exit(100);
  }
}

void board_interrupts_on(void) {
  chip_rang = false;
  __asm__ volatile("csrw mtvec, %0" ::"r"(on_trap));
  __asm__ volatile("csrs mie, %0" ::"r"(MIE_EXTERNAL));
  __asm__ volatile("csrs mstatus, %0" ::"r"(MSTATUS_MIE));
}

static bool sleep_until_chip(uint32_t looks) {
  (void)looks;
  board_interrupts_on();
  return board_wait_for_chip(1000000);
}

hb_mmio_t board_chip(void) {
  static hb_map_t map;
  map.registers = word(BOARD_CHIP);
  map.memory = word(BOARD_CHIP_MEMORY);
  map.pause = sleep_until_chip;
  return hb_map_mmio(&map);
}

uint64_t board_now_us(void) {
  uint32_t high, low;
  do {
    high = *word(BOARD_TIMER + 4);
    low = *word(BOARD_TIMER);
  } while (high != *word(BOARD_TIMER + 4));
  return (uint64_t)high << 32 | low;
}

bool board_wait_for_chip(uint32_t limit_us) {
  const uint64_t alarm = board_now_us() + limit_us;
  *word(BOARD_TIMER + 12) = 0xFFFFFFFFu; /* no alarm between the two halves */
  *word(BOARD_TIMER + 8) = (uint32_t)alarm;
  *word(BOARD_TIMER + 12) = (uint32_t)(alarm >> 32);
  timer_rang = false;
  __asm__ volatile("csrs mie, %0" ::"r"(MIE_TIMER));
  for (;;) {
    /* With interrupts off none can come between the look and WFI, which ends at one that is pending all the same. */
    __asm__ volatile("csrc mstatus, %0" ::"r"(MSTATUS_MIE) : "memory");
    const bool chip = chip_rang, timer = timer_rang;
    if (!chip && !timer) __asm__ volatile("wfi" ::: "memory");
    __asm__ volatile("csrs mstatus, %0" ::"r"(MSTATUS_MIE) : "memory");
    if (chip || timer) {
      __asm__ volatile("csrc mie, %0" ::"r"(MIE_TIMER));
      return chip;
    }
  }
}

void board_exit(int status) {
  *word(BOARD_CONSOLE + 8) = (uint32_t)status;
  for (;;) {
  }
}

/* picolibc's standard output. */
static int put_char(char c, FILE *file) {
  (void)file;
  while ((*word(BOARD_CONSOLE + 4) & 1u) == 0) {
  }
  *word(BOARD_CONSOLE) = (uint8_t)c;
  return c;
}
static FILE console = FDEV_SETUP_STREAM(put_char, NULL, NULL, _FDEV_SETUP_WRITE);
FILE *const stdout = &console;
FILE *const stderr = &console;
