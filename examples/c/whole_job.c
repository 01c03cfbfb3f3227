/* A whole job on the firmware API: C11, freestanding, no memory but the stack. */
#include "whole_job.h"

#include <stddef.h>

#include "heatbath/dif_identity.h"
#include "heatbath/run.h"

// docs: begin whole_job
hb_status_t whole_job(const hb_mmio_t *mmio, double *product, uint32_t *records) {
  hb_capabilities_t capabilities;
  hb_status_t status = hb_dif_identity_check(mmio);
  if (status == HB_OK) status = hb_dif_capability_get(mmio, &capabilities);
  if (status != HB_OK) return status;
  const uint64_t unit = capabilities.time_unit_ticks;

  /* V = sum (x^4 - 2 x^2) - x0 x1 / 2 at kT = 1. */
  static const float matrix[4] = {0, -0.5f, -0.5f, 0};
  hb_program_t program;
  hb_program_begin(&program, mmio, &capabilities, 2, 0, 16);
  hb_program_load_all(&program, HB_SECTION_J2, -2);
  hb_program_load_all(&program, HB_SECTION_J4, 1);
  hb_program_load_all(&program, HB_SECTION_KT, 1);
  hb_program_load_matrix(&program, matrix);
  hb_program_commit(&program);
  hb_program_evolve(&program, 10 * unit);
  hb_program_capture_start(&program, unit, false);
  hb_program_evolve(&program, 100 * unit);
  hb_program_capture_stop(&program);
  status = hb_program_end(&program);
  if (status != HB_OK) return status;

  hb_run_t run = {.program = &program, .seeded = true, .seed = 7, .limit = 1000 * unit};
  status = hb_run_whole(&run);
  double sum = 0;
  for (uint32_t record = 0; status == HB_OK && record < run.records; ++record) {
    float x[2];
    status = hb_run_record(&run, record, 0, x, NULL);
    sum += (double)x[0] * x[1];
  }
  *product = sum / run.records;
  *records = run.records;
  return status;
}
// docs: end whole_job
