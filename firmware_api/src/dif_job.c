#include "heatbath/dif_job.h"

#include "heatbath/dif_time.h"
#include "registers.h"

#define STEP0_BITS 48
#define REFINEMENT_MAX 8

hb_status_t hb_dif_job_configure(const hb_mmio_t *mmio, hb_job_config_t config) {
  if (!hb_usable(mmio)) return HB_BAD_ARG;
  if (config.program_count == 0 || config.active_cells == 0 || config.shots == 0) return HB_BAD_ARG;
  if (config.seeded) {
    if (config.shot0 > UINT32_MAX - (config.shots - 1u)) return HB_BAD_ARG;
    if (config.step0 >> STEP0_BITS != 0 || config.refinement > REFINEMENT_MAX) return HB_BAD_ARG;
  }
  if (hb_running(mmio)) return HB_BUSY;

  hb_write64(mmio, HB_PROGRAM_ADDR_LO_OFFSET, HB_PROGRAM_ADDR_HI_OFFSET, config.program_addr);
  hb_write(mmio, HB_PROGRAM_COUNT_OFFSET, config.program_count);
  hb_write(mmio, HB_ACTIVE_CELLS_OFFSET, config.active_cells);
  hb_write(mmio, HB_SHOTS_OFFSET, config.shots);
  const uint32_t noise =
      config.seeded ? HB_JOB_FLAGS_SEEDED_MASK | config.refinement << HB_JOB_FLAGS_REFINEMENT_SHIFT : 0u;
  hb_write(mmio, HB_JOB_FLAGS_OFFSET, config.whole_turns ? noise | HB_JOB_FLAGS_WHOLE_TURNS_MASK : noise);
  if (config.seeded) {
    hb_write64(mmio, HB_JOB_SEED_LO_OFFSET, HB_JOB_SEED_HI_OFFSET, config.seed);
    hb_write(mmio, HB_JOB_SHOT0_OFFSET, config.shot0);
    hb_write64(mmio, HB_JOB_STEP0_LO_OFFSET, HB_JOB_STEP0_HI_OFFSET, config.step0);
  }
  return HB_OK;
}

static hb_status_t command(const hb_mmio_t *mmio, uint32_t op) {
  if (!hb_usable(mmio)) return HB_BAD_ARG;
  uint32_t ack = 0;
  const hb_status_t status = hb_sequenced_write(mmio, HB_COMMAND_OFFSET, HB_COMMAND_ACK_OFFSET,
                                                op << HB_COMMAND_OP_SHIFT, &ack);
  return status == HB_OK ? (hb_status_t)HB_GET(ack, COMMAND_ACK, STATUS) : status;
}

hb_status_t hb_dif_job_start(const hb_mmio_t *mmio) { return command(mmio, HB_COMMAND_OP_START); }

hb_status_t hb_dif_job_abort(const hb_mmio_t *mmio) {
  if (!hb_usable(mmio)) return HB_BAD_ARG;
  const hb_status_t status = command(mmio, HB_COMMAND_OP_ABORT);
  return status == HB_BAD_ARG ? HB_OK : status; /* none runs: the job may have ended just before the command came */
}

hb_status_t hb_dif_reset(const hb_mmio_t *mmio) { return command(mmio, HB_COMMAND_OP_RESET); }

hb_status_t hb_dif_job_status(const hb_mmio_t *mmio, hb_job_status_t *status) {
  if (!hb_usable(mmio) || status == NULL) return HB_BAD_ARG;
  const uint32_t word = hb_read(mmio, HB_STATUS_OFFSET);
  status->running = HB_GET(word, STATUS, RUNNING) != 0;
  status->stalled = HB_GET(word, STATUS, STALLED) != 0;
  status->done = HB_GET(word, STATUS, DONE) != 0;
  status->aborted = HB_GET(word, STATUS, ABORTED) != 0;
  status->fault = HB_GET(word, STATUS, FAULT) != 0;
  status->rail = HB_GET(word, STATUS, RAIL) != 0;
  status->capture_clip = HB_GET(word, STATUS, CAPTURE_CLIP) != 0;
  return HB_OK;
}

hb_status_t hb_dif_job_fault(const hb_mmio_t *mmio, hb_job_fault_t *fault) {
  if (!hb_usable(mmio) || fault == NULL) return HB_BAD_ARG;
  fault->code = (hb_status_t)hb_read(mmio, HB_FAULT_CODE_OFFSET);
  fault->pc = hb_read(mmio, HB_FAULT_PC_OFFSET);
  fault->field = hb_read(mmio, HB_FAULT_FIELD_OFFSET);
  fault->info = hb_read(mmio, HB_FAULT_INFO_OFFSET);
  return HB_OK;
}

hb_status_t hb_dif_job_counters(const hb_mmio_t *mmio, hb_job_counters_t *counters) {
  if (!hb_usable(mmio) || counters == NULL) return HB_BAD_ARG;
  uint64_t job_ticks = 0, stall_ticks = 0;
  hb_status_t status = hb_dif_read64(mmio, HB_JOB_TICKS_LO_OFFSET, HB_JOB_TICKS_HI_OFFSET, &job_ticks);
  if (status != HB_OK) return status;
  status = hb_dif_read64(mmio, HB_STALL_TICKS_LO_OFFSET, HB_STALL_TICKS_HI_OFFSET, &stall_ticks);
  if (status != HB_OK) return status;
  counters->clips = hb_read(mmio, HB_CLIP_COUNT_OFFSET);
  counters->rails = hb_read(mmio, HB_RAIL_COUNT_OFFSET);
  counters->rail_cell = hb_read(mmio, HB_RAIL_CELL_OFFSET);
  counters->job_ticks = job_ticks;
  counters->stall_ticks = stall_ticks;
  return HB_OK;
}

hb_status_t hb_dif_job_capture_clips(const hb_mmio_t *mmio, uint32_t *count) {
  return hb_get_word(mmio, HB_CAPTURE_CLIP_COUNT_OFFSET, count);
}

hb_status_t hb_dif_dt_get(const hb_mmio_t *mmio, uint32_t *ticks) {
  return hb_get_word(mmio, HB_DT_TICKS_OFFSET, ticks);
}

hb_status_t hb_dif_dt_set(const hb_mmio_t *mmio, uint32_t ticks) {
  if (!hb_usable(mmio) || ticks == 0) return HB_BAD_ARG;
  if ((hb_read(mmio, HB_CAPS_OFFSET) & HB_CAPS_DT_PROGRAMMABLE_MASK) == 0) return HB_UNSUPPORTED;
  if (hb_running(mmio)) return HB_BUSY;
  hb_write(mmio, HB_DT_TICKS_OFFSET, ticks);
  return hb_read(mmio, HB_DT_TICKS_OFFSET) == ticks ? HB_OK : HB_DEVICE;
}

hb_status_t hb_dif_active_cells(const hb_mmio_t *mmio, uint32_t *cells) {
  return hb_get_word(mmio, HB_ACTIVE_CELLS_OFFSET, cells);
}
