/* Samples two coupled bistable cells and prints a histogram of one state and the mean product of both, with the
 * standard error of independent shots. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "board.h"
#include "heatbath/dif_capability.h"
#include "heatbath/dif_capture.h"
#include "heatbath/dif_identity.h"
#include "heatbath/dif_interrupt.h"
#include "heatbath/dif_job.h"
#include "heatbath/program.h"
#include "heatbath/regs.h"

/* V = sum (J2 x^2 + J4 x^4) + J01 x0 x1. */
static const float j2 = -2.0f, j4 = 1.0f, j01 = -0.5f, kt = 1.0f;
enum { warm_up_units = 10, records = 100, bins = 16, shots_max = 4096 };
static const float histogram_edge = 2.0f;
/* In the chip's memory. */
enum { program_at = 0, coupling_at = 0x1000, ring_at = 0x2000 };

static void check(hb_status_t status, const char *what) {
  if (status == HB_OK) return;
  printf("%s: %s\n", what, hb_status_meaning(status));
  board_exit(1);
}

/* The bus takes words. */
static void put(uint32_t at, const void *data, uint32_t bytes) {
  volatile uint32_t *target = (volatile uint32_t *)(uintptr_t)(BOARD_CHIP_MEMORY + at);
  for (uint32_t i = 0; i < bytes / 4; ++i) {
    uint32_t value;
    memcpy(&value, (const char *)data + 4 * i, 4);
    target[i] = value;
  }
}

static float state_at(uint32_t at) {
  const uint32_t bits = *(volatile uint32_t *)(uintptr_t)(BOARD_CHIP_MEMORY + at);
  float value;
  memcpy(&value, &bits, 4);
  return value;
}

static hb_instruction_t load(hb_section_t section, float value) {
  hb_instruction_t instruction = {.op = HB_OP_LOAD, .section = (uint16_t)section, .flags = HB_FLAG_IMMEDIATE};
  memcpy(&instruction.imm, &value, 4);
  return instruction;
}

int main(void) {
  check(hb_dif_identity_check(&board_chip), "identity");
  hb_capabilities_t caps;
  check(hb_dif_capability_get(&board_chip, &caps), "capabilities");
  if (caps.param_number != HB_CAPS_PARAM_FORMAT_NUMBER_FLOAT32 || caps.lanes > shots_max) {
    printf("this firmware wants a chip with float32 parameters and at most %d lanes\n", shots_max);
    board_exit(1);
  }
  const uint32_t shots = caps.lanes;

  const uint64_t unit = caps.time_unit_ticks;
  const hb_instruction_t program[] = {
      load(HB_SECTION_J2, j2),
      load(HB_SECTION_J4, j4),
      load(HB_SECTION_KT, kt),
      {.op = HB_OP_LOAD, .section = HB_SECTION_COUPLING, .addr = coupling_at},
      {.op = HB_OP_COMMIT},
      {.op = HB_OP_EVOLVE, .ticks = warm_up_units * unit},
      {.op = HB_OP_CAPTURE_START, .ticks = unit},
      {.op = HB_OP_EVOLVE, .ticks = records * unit},
      {.op = HB_OP_CAPTURE_STOP},
      {.op = HB_OP_HALT},
  };
  put(program_at, program, sizeof program);
  const float matrix[4] = {j01, j01, 0, 0}; /* the upper triangle is its first value */
  const float full[4] = {0, j01, j01, 0};
  put(coupling_at, caps.param_layout == HB_CAPS_PARAM_FORMAT_LAYOUT_FULL ? full : matrix, sizeof full);
  // docs: begin job
  const hb_capture_config_t ring = {.base = ring_at, .slots = records, .cells = 2};
  check(hb_dif_capture_configure(&board_chip, ring), "capture");
  const hb_job_config_t job = {.program_addr = program_at,
                               .program_count = sizeof program / sizeof program[0],
                               .active_cells = 2,
                               .shots = shots,
                               .seeded = true,
                               .seed = 7};
  check(hb_dif_job_configure(&board_chip, job), "job");
  const uint32_t end_of_job = HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_FAULT_MASK;
  check(hb_dif_interrupt_enable_set(&board_chip, end_of_job), "interrupts");
  board_interrupts_on();
  check(hb_dif_job_start(&board_chip), "start");
  if (!board_wait_for_chip(1000000)) check(HB_TIMEOUT, "the job");
  check(hb_dif_interrupt_acknowledge(&board_chip, end_of_job), "acknowledge");
  // docs: end job
  hb_job_fault_t fault;
  check(hb_dif_job_fault(&board_chip, &fault), "fault registers");
  check(fault.code, "the job");

  uint32_t taken, record_bytes;
  check(hb_dif_capture_head(&board_chip, &taken), "capture");
  check(hb_dif_capture_record_bytes(&board_chip, &record_bytes), "capture");
  static uint32_t counts[bins];
  float sum = 0, squares = 0;
  for (uint32_t shot = 0; shot < shots; ++shot) {
    float products = 0;
    for (uint32_t record = 0; record < taken; ++record) {
      const uint32_t at = ring_at + record * record_bytes + (uint32_t)sizeof(hb_record_header_t) + 8 * shot;
      const float x0 = state_at(at), x1 = state_at(at + 4);
      products += x0 * x1;
      const float place = (x0 + histogram_edge) * (bins / (2 * histogram_edge));
      if (place >= 0 && place < bins) ++counts[(uint32_t)place];
    }
    const float mean = products / (float)taken;
    sum += mean;
    squares += mean * mean;
  }
  const float mean = sum / (float)shots;
  /* Shots are independent, records of one shot are not. */
  const float error = sqrtf((squares / (float)shots - mean * mean) / (float)(shots - 1));

  uint32_t most = 1;
  for (int bin = 0; bin < bins; ++bin) most = counts[bin] > most ? counts[bin] : most;
  for (int bin = 0; bin < bins; ++bin) {
    printf("%6.3f %5lu ", (double)(-histogram_edge + ((float)bin + 0.5f) * (2 * histogram_edge / bins)),
           (unsigned long)counts[bin]);
    for (uint32_t mark = 0; mark < 50 * counts[bin] / most; ++mark) putchar('#');
    putchar('\n');
  }
  printf("%lu shots of %lu records\n", (unsigned long)shots, (unsigned long)taken);
  printf("<x0 x1> = %.4f +- %.4f\n", (double)mean, (double)error);
  board_exit(0);
}
