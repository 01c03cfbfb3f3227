/* A host in plain C11: a job through every kind of call, its bits for the test to compare. */
#include "c_host.h"

#include <string.h>

#include "heatbath/heatbath.h"
#include "heatbath/host_mmio.h"
#include "heatbath/run.h"

#if HEATBATH_VERSION_NUMBER < 100
#error "the version header is not that of this tree"
#endif

static bool count_calls(void *context, double fraction) {
  ++*(int *)context;
  return fraction >= 0;
}

hb_status_t hb_c_host_run(const char *uri, float *states, uint32_t room, hb_meters_t *meters, int *calls) {
  heatbath_device *device = NULL;
  heatbath_program *program = NULL;
  heatbath_job *job = NULL;
  heatbath_result *result = NULL;
  const float j2[3] = {1.0f, 0.5f, 2.0f}, bias[3] = {0.25f, 0, -0.5f};
  const uint32_t i[2] = {0, 1}, j[2] = {1, 2};
  const float pairs[2] = {0.5f, -0.25f};
  heatbath_job_options options = HEATBATH_JOB_OPTIONS;
  options.shots = 3;
  options.seeded = true;
  options.seed = 11;
  options.first_shot = 4;
  options.progress = count_calls;
  options.context = calls;

  hb_status_t status = heatbath_open(uri, &device);
  if (status == HB_OK) status = heatbath_program_new(device, 3, &program);
  if (status == HB_OK) status = heatbath_program_load(program, HB_SECTION_J2, j2, 3);
  if (status == HB_OK) status = heatbath_program_load(program, HB_SECTION_BIAS, bias, 3);
  if (status == HB_OK) status = heatbath_program_load_pairs(program, i, j, pairs, 2);
  if (status == HB_OK) status = heatbath_program_load_all(program, HB_SECTION_KT, 0.5f);
  if (status == HB_OK) status = heatbath_program_commit(program);
  if (status == HB_OK) status = heatbath_program_set_all(program, 0, 3, 0.125f);
  if (status == HB_OK) status = heatbath_program_meter_clear(program);
  if (status == HB_OK) status = heatbath_program_loop_begin(program, 4);
  if (status == HB_OK) status = heatbath_program_evolve(program, 20000);
  if (status == HB_OK) status = heatbath_program_sample(program);
  if (status == HB_OK) status = heatbath_program_loop_end(program);
  if (status == HB_OK) status = heatbath_program_meter_snapshot(program, false);
  if (status == HB_OK) status = heatbath_submit(device, program, &options, &job);
  if (status == HB_OK) status = heatbath_job_wait(job, &result);
  const float *captured = NULL;
  const hb_meters_t *rows = NULL;
  uint32_t shots = 0, variables = 0;
  uint64_t records = 0, stride = 0;
  if (status == HB_OK) status = heatbath_result_states(result, &captured, &shots, &records, &variables);
  if (status == HB_OK) status = heatbath_result_meters(result, 0, &rows, &stride);
  if (status == HB_OK && (shots * records * variables != room || stride < sizeof(hb_meters_t))) status = HB_DEVICE;
  if (status == HB_OK) {
    memcpy(states, captured, room * sizeof *states);
    memcpy(meters, (const char *)rows + 2 * stride, sizeof *meters);
  }
  heatbath_result_free(result);
  heatbath_job_free(job);
  heatbath_program_free(program);
  heatbath_device_free(device);
  return status;
}
