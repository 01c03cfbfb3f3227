/* Samples two coupled bistable cells and prints a histogram of one state and the mean product of both, with the
 * standard error of independent shots. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>

#include "board.h"
#include "heatbath/dif_identity.h"
#include "heatbath/dif_interrupt.h"
#include "heatbath/run.h"

/* V = sum (J2 x^2 + J4 x^4) + J01 x0 x1. */
static const float j2 = -2.0f, j4 = 1.0f, j01 = -0.5f, kt = 1.0f;
enum { warm_up_units = 10, records = 100, bins = 16 };
static const float histogram_edge = 2.0f;

static void check(hb_status_t status, const char *what) {
  if (status == HB_OK) return;
  printf("%s: %s\n", what, hb_status_meaning(status));
  board_exit(1);
}

int main(void) {
  const hb_mmio_t chip = board_chip();
  check(hb_dif_identity_check(&chip), "identity");
  hb_capabilities_t caps;
  check(hb_dif_capability_get(&chip, &caps), "capabilities");
  const uint64_t unit = caps.time_unit_ticks;
  // docs: begin job
  const float matrix[4] = {0, j01, j01, 0};
  hb_program_t program;
  hb_program_begin(&program, &chip, &caps, 2, 0, 16);
  hb_program_load_all(&program, HB_SECTION_J2, j2);
  hb_program_load_all(&program, HB_SECTION_J4, j4);
  hb_program_load_all(&program, HB_SECTION_KT, kt);
  hb_program_load_matrix(&program, matrix);
  hb_program_commit(&program);
  hb_program_evolve(&program, warm_up_units * unit);
  hb_program_capture_start(&program, unit, false);
  hb_program_evolve(&program, records * unit);
  hb_program_capture_stop(&program);
  check(hb_program_end(&program), "program");

  /* The end of the job wakes the core, which sleeps meanwhile. */
  check(hb_dif_interrupt_enable_set(&chip, HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_FAULT_MASK), "interrupts");
  hb_run_t run = {.program = &program, .shots = caps.lanes, .seeded = true, .seed = 7};
  check(hb_run_whole(&run), "job");
  // docs: end job

  static uint32_t counts[bins];
  float sum = 0, squares = 0;
  for (uint32_t shot = 0; shot < run.shots; ++shot) {
    float products = 0;
    for (uint32_t record = 0; record < run.records; ++record) {
      float x[2];
      check(hb_run_record(&run, record, shot, x, NULL), "record");
      products += x[0] * x[1];
      const float place = (x[0] + histogram_edge) * (bins / (2 * histogram_edge));
      if (place >= 0 && place < bins) ++counts[(uint32_t)place];
    }
    const float mean = products / (float)run.records;
    sum += mean;
    squares += mean * mean;
  }
  const float mean = sum / (float)run.shots;
  /* Shots are independent, records of one shot are not. */
  const float error = sqrtf((squares / (float)run.shots - mean * mean) / (float)(run.shots - 1));

  uint32_t most = 1;
  for (int bin = 0; bin < bins; ++bin) most = counts[bin] > most ? counts[bin] : most;
  for (int bin = 0; bin < bins; ++bin) {
    printf("%6.3f %5lu ", (double)(-histogram_edge + ((float)bin + 0.5f) * (2 * histogram_edge / bins)),
           (unsigned long)counts[bin]);
    for (uint32_t mark = 0; mark < 50 * counts[bin] / most; ++mark) putchar('#');
    putchar('\n');
  }
  printf("%lu shots of %lu records\n", (unsigned long)run.shots, (unsigned long)run.records);
  printf("<x0 x1> = %.4f +- %.4f\n", (double)mean, (double)error);
  board_exit(0);
}
