#include "heatbath/run.h"

#include "heatbath/codes.h"
#include "heatbath/dif_capture.h"
#include "heatbath/dif_interrupt.h"
#include "heatbath/dif_time.h"
#include "registers.h"

/* Looks at a device whose time stands still; waits for the end after ABORT; values decoded at a time. */
enum { STILL_MAX = 1 << 24, ABORT_LOOKS_MAX = 1 << 24, CHUNK = 16 };

static uint32_t capture_bytes(const hb_capabilities_t *caps) {
  switch (caps->capture_number) {
    case HB_CAPS_CAPTURE_FORMAT_NUMBER_CODE8:
      return 1;
    case HB_CAPS_CAPTURE_FORMAT_NUMBER_CODE16:
      return 2;
    default:
      return 4;
  }
}

static bool may_go_on(const hb_mmio_t *mmio, uint32_t looks) {
  return mmio->pause == NULL || mmio->pause(mmio->context, looks);
}

static bool is_ready(const hb_run_t *run) {
  return run != NULL && run->program != NULL && run->program->status == HB_OK && run->program->count > 0 &&
         hb_reaches_memory(run->program->mmio);
}

hb_status_t hb_run_start(hb_run_t *run) {
  if (!is_ready(run)) return HB_BAD_ARG;
  const hb_program_t *const program = run->program;
  const hb_capabilities_t *const caps = program->capabilities;
  const uint32_t variables = program->cells * caps->components;
  if (run->shots == 0) run->shots = 1;
  if (run->shots > caps->lanes || run->first >= variables) return HB_BAD_ARG;
  if (run->variables == 0) run->variables = program->cells - run->first % program->cells;
  if (run->variables > variables - run->first) return HB_BAD_ARG;
  if (run->seeded && !caps->seeded) return HB_UNSUPPORTED;
  run->ring = program->next;
  run->record_bytes = hb_record_bytes(run->shots, run->variables, capture_bytes(caps));
  const uint64_t fit = (caps->memory_bytes - run->ring) / run->record_bytes;
  if (run->slots == 0) run->slots = fit < INT32_MAX ? (uint32_t)fit : (uint32_t)INT32_MAX;
  if (run->slots > fit) return HB_OUT_OF_MEMORY;
  run->records = 0;
  run->fault.code = HB_OK;

  const hb_mmio_t *const mmio = program->mmio;
  const hb_capture_config_t ring = {run->ring, run->slots, run->first, run->variables, 0};
  hb_status_t status = hb_dif_capture_configure(mmio, ring);
  if (status != HB_OK) return status;
  const hb_job_config_t job = {program->base, program->count, program->cells, run->shots, run->seeded,
                               run->seed,     run->first_shot, 0,             0,          false};
  status = hb_dif_job_configure(mmio, job);
  if (status != HB_OK) return status;
  uint32_t pending = 0;
  status = hb_dif_interrupt_state(mmio, &pending);
  if (status == HB_OK) status = hb_dif_interrupt_acknowledge(mmio, pending & HB_INTERRUPT_ALL);
  if (status == HB_OK) status = hb_dif_job_start(mmio);
  if (status != HB_OK && status != HB_TIMEOUT) (void)hb_dif_job_fault(mmio, &run->fault);
  return status;
}

/* Stops a job and waits until it has ended. */
static void abort_job(const hb_mmio_t *mmio) {
  if (hb_dif_job_abort(mmio) != HB_OK) return;
  for (uint32_t looks = 0; looks < ABORT_LOOKS_MAX && hb_running(mmio); ++looks) {
  }
}

hb_status_t hb_run_wait(hb_run_t *run) {
  if (!is_ready(run)) return HB_BAD_ARG;
  const hb_mmio_t *const mmio = run->program->mmio;
  uint64_t began = 0, last = 0;
  hb_status_t result = hb_dif_time_now(mmio, &began);
  last = began;
  hb_job_status_t status = {false, false, false, false, false, false, false};
  for (uint32_t looks = 1, still = 0; result == HB_OK; ++looks) {
    result = hb_dif_job_status(mmio, &status);
    if (result != HB_OK || !status.running) break;
    if (status.stalled) { /* nobody empties the ring */
      abort_job(mmio);
      return HB_CAPTURE_OVERRUN;
    }
    uint64_t now = 0;
    result = hb_dif_time_now(mmio, &now);
    still = now == last ? still + 1u : 0u;
    last = now;
    if (result == HB_OK && still >= STILL_MAX) result = HB_DEVICE;
    if (result == HB_OK && ((run->limit != 0 && now - began >= run->limit) || !may_go_on(mmio, looks))) result = HB_TIMEOUT;
  }
  if (result == HB_TIMEOUT) abort_job(mmio);
  if (result != HB_OK) return result;
  result = hb_dif_job_fault(mmio, &run->fault);
  if (result != HB_OK) return result;
  if (status.fault) return run->fault.code != HB_OK ? run->fault.code : HB_DEVICE;
  if (status.aborted) return HB_ABORTED;
  if (!status.done) return HB_DEVICE;
  return hb_dif_capture_head(mmio, &run->records);
}

hb_status_t hb_run_whole(hb_run_t *run) {
  const hb_status_t status = hb_run_start(run);
  return status == HB_OK ? hb_run_wait(run) : status;
}

/* The value of `width` bytes at byte `at` of words, sign-extended. */
static int32_t code_at(const uint32_t *words, uint32_t at, uint32_t width) {
  const uint32_t shift = 8u * (at % 4u);
  if (width == 1u) return (int8_t)(words[at / 4u] >> shift);
  return (int16_t)(words[at / 4u] >> shift);
}

static float float_of(uint32_t bits) {
  union {
    uint32_t bits;
    float value;
  } both;
  both.bits = bits;
  return both.value;
}

hb_status_t hb_run_record(const hb_run_t *run, uint32_t record, uint32_t shot, float *states, uint64_t *ticks) {
  if (!is_ready(run) || states == NULL || record >= run->records || shot >= run->shots) return HB_BAD_ARG;
  if (run->records - record > run->slots) return HB_CAPTURE_OVERRUN;
  const hb_mmio_t *const mmio = run->program->mmio;
  const hb_capabilities_t *const caps = run->program->capabilities;
  const uint64_t base = run->ring + record % run->slots * run->record_bytes;
  hb_record_header_t header;
  mmio->read_block(mmio->context, base, &header, sizeof header);
  if (header.sequence != record) return HB_CAPTURE_OVERRUN;
  if (header.lanes != run->shots || header.cells != run->variables || header.first != run->first) return HB_DEVICE;
  if (ticks != NULL) *ticks = header.ticks;

  const uint32_t width = capture_bytes(caps);
  const uint64_t values = base + sizeof header + (uint64_t)shot * run->variables * width;
  for (uint32_t done = 0; done < run->variables;) {
    /* Blocks begin at a word: codes of a shot may not. */
    const uint64_t from = values + (uint64_t)done * width;
    const uint32_t skip = (uint32_t)(from % 4u);
    uint32_t words[CHUNK];
    uint32_t count = (uint32_t)(sizeof words - skip) / width;
    if (count > run->variables - done) count = run->variables - done;
    mmio->read_block(mmio->context, from - skip, words, (skip + count * width + 3u) & ~3u);
    for (uint32_t k = 0; k < count; ++k) {
      const uint32_t variable = run->first + done + k;
      const float range = variable < run->program->cells ? caps->range_state : caps->range_second;
      const uint32_t at = skip + k * width;
      states[done + k] = width == 4u ? float_of(words[at / 4u])
                                     : hb_code_to_value(code_at(words, at, width), range, caps->capture_bits);
    }
    done += count;
  }
  return HB_OK;
}

hb_status_t hb_run_meters(const hb_run_t *run, uint64_t snapshot, uint32_t shot, hb_meters_t *meters) {
  if (!is_ready(run) || meters == NULL || shot >= run->shots || snapshot == 0) return HB_BAD_ARG;
  const hb_mmio_t *const mmio = run->program->mmio;
  mmio->read_block(mmio->context, snapshot + (uint64_t)shot * sizeof *meters, meters, sizeof *meters);
  return HB_OK;
}

hb_status_t hb_run_meter(const hb_run_t *run, uint64_t snapshot, uint32_t flags, hb_meter_t meter, uint32_t shot,
                         void *values) {
  if (!is_ready(run) || values == NULL || shot >= run->shots || snapshot == 0) return HB_BAD_ARG;
  if ((uint32_t)meter >= HB_METERS || (flags & hb_meter_list[meter].flag) == 0) return HB_BAD_ARG;
  const hb_mmio_t *const mmio = run->program->mmio;
  const uint32_t cells = run->program->cells, bytes = 8u * (hb_meter_list[meter].per_cell ? cells : 1u);
  const uint64_t at = snapshot + hb_snapshot_offset(meter, flags, run->shots, cells) + (uint64_t)shot * bytes;
  mmio->read_block(mmio->context, at, values, bytes);
  return HB_OK;
}
