/* Two coupled cells, sampled by a host in C: libheatbath alone. two_cells [URI] prints <x0 x1> of every record. */
#include <stdio.h>
#include <stdlib.h>

#include "heatbath/heatbath.h"

// docs: begin host
static void check(hb_status_t status) {
  if (status == HB_OK) return;
  fprintf(stderr, "%s: %s\n", heatbath_status_name(status), heatbath_message());
  exit(1);
}

int main(int count, char **arguments) {
  heatbath_device *device;
  check(heatbath_open(count > 1 ? arguments[1] : NULL, &device));
  double time_unit;
  check(heatbath_device_capability(device, "time_unit", &time_unit));
  const uint64_t unit = (uint64_t)time_unit;

  /* V = sum (x^4 - 2 x^2) - x0 x1 / 2 at kT = 1. */
  heatbath_program *program;
  const float matrix[4] = {0, -0.5f, -0.5f, 0};
  check(heatbath_program_new(device, 2, &program));
  check(heatbath_program_load_all(program, HB_SECTION_J2, -2));
  check(heatbath_program_load_all(program, HB_SECTION_J4, 1));
  check(heatbath_program_load_all(program, HB_SECTION_KT, 1));
  check(heatbath_program_load_matrix(program, matrix, 4));
  check(heatbath_program_commit(program));
  check(heatbath_program_evolve(program, 10 * unit));
  check(heatbath_program_capture_start(program, unit, false));
  check(heatbath_program_evolve(program, 100 * unit));
  check(heatbath_program_capture_stop(program));

  heatbath_job_options options = HEATBATH_JOB_OPTIONS;
  options.seeded = true;
  options.seed = 7;
  heatbath_result *result;
  check(heatbath_run(device, program, &options, &result));

  const float *states;
  uint64_t records;
  check(heatbath_result_states(result, &states, NULL, &records, NULL));
  double sum = 0;
  for (uint64_t record = 0; record < records; ++record) sum += (double)states[2 * record] * states[2 * record + 1];
  printf("<x0 x1> = %.6f over %u records\n", sum / (double)records, (unsigned)records);
  heatbath_result_free(result);
  heatbath_program_free(program);
  heatbath_device_free(device);
  return 0;
}
// docs: end host
