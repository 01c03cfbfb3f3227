/* Device functions: configuring, starting, stopping and watching a job, and the step of the array. */
#ifndef HEATBATH_DIF_JOB_H
#define HEATBATH_DIF_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/mmio.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One pass of a job: which program runs on how many cells and lanes, and where its noise comes from. */
typedef struct hb_job_config {
  uint64_t program_addr;  /* byte offset of the program in device memory */
  uint32_t program_count; /* instructions, 1 or more */
  uint32_t active_cells;  /* cells 0..active_cells-1 take part; 1 or more */
  uint32_t shots;         /* 1..CAPS_LANES: lane l runs shot shot0 + l */
  bool seeded;            /* use the four fields below (needs CAPS.SEEDED); else they have no effect */
  uint64_t seed;          /* noise key */
  uint32_t shot0;         /* shot number of lane 0; shot0 + shots - 1 must fit 32 bits */
  uint64_t step0;         /* step number of the first step; below 2^48 */
  uint32_t refinement;    /* level of the noise, 0..8 (needs CAPS.REFINEMENT above 0): see JOB_FLAGS */
  bool whole_turns;       /* full turns lie in records as int32 (needs CAPS.WHOLE_TURNS) */
} hb_job_config_t;

/* STATUS, decoded. */
typedef struct hb_job_status {
  bool running; /* a program runs, or waits for its first grid point */
  bool stalled; /* the array waits for room in the capture ring */
  bool done;    /* the last program reached HALT */
  bool aborted; /* the last program was aborted */
  bool fault;   /* the last program failed; see hb_dif_job_fault */
  bool rail;    /* a state met a rail; see hb_dif_job_counters */
  bool capture_clip; /* a captured value lay beyond its converter; see hb_dif_job_capture_clips */
} hb_job_status_t;

/* The last fault. */
typedef struct hb_job_fault {
  hb_status_t code; /* HB_OK when there was none */
  uint32_t pc;      /* instruction; 0xFFFFFFFF when a job register was at fault */
  uint32_t field;   /* hb_field_t of the instruction, or the offset of the job register */
  uint32_t info;    /* first lost record of HB_CAPTURE_OVERRUN, longest stable step of HB_UNSTABLE in ticks, entry of
                       a bad operand, else 0 */
} hb_job_fault_t;

/* What a job counts. */
typedef struct hb_job_counters {
  uint32_t clips;       /* parameter values clipped to the ranges by COMMIT and RAMP */
  uint32_t rails;       /* cell-steps held at a rail; saturates */
  uint32_t rail_cell;   /* lowest such cell; 0xFFFFFFFF when none */
  uint64_t job_ticks;   /* ticks the array evolved, stalls excluded */
  uint64_t stall_ticks; /* ticks it waited for room in the capture ring */
} hb_job_counters_t;

/* Writes the job registers. HB_BAD_ARG for a zero count or a shot, step or level that does not fit, without any
 * access; HB_BUSY while a program runs, without any write. What only the device can judge (size, CAPS.SEEDED, the
 * program itself) is judged at start. Without `seeded` the seed, shot and step registers are left alone. */
hb_status_t hb_dif_job_configure(const hb_mmio_t *mmio, hb_job_config_t config);

/* Commands. Each writes COMMAND with the sequence number after COMMAND_ACK.SEQ and waits for that number in
 * COMMAND_ACK: at most 64 polls, with the same word written again after every 16, which the device ignores unless the
 * first write was lost; then as many more as the pause of mmio allows. Returns the status the device gave; HB_TIMEOUT
 * when it never answered: the command may then still be carried out, so abort before a new start.
 *
 * start: runs the configured program from the next grid point. HB_BUSY while one runs; HB_UNSUPPORTED, HB_BAD_ARG,
 *        HB_BAD_PROGRAM or HB_OUT_OF_MEMORY when it was refused (hb_dif_job_fault says where).
 * abort: stops the program at the next grid point; HB_OK also when none runs. The command is accepted at once, the
 *        job has ended when STATUS.RUNNING is clear.
 * reset: registers, sequencer, array and time 0; memory contents, RESET_COUNT, error counters and the command
 *        sequence number survive. */
hb_status_t hb_dif_job_start(const hb_mmio_t *mmio);
hb_status_t hb_dif_job_abort(const hb_mmio_t *mmio);
hb_status_t hb_dif_reset(const hb_mmio_t *mmio);

/* Looks at STATUS once. No side effect. *status is written on HB_OK only. */
hb_status_t hb_dif_job_status(const hb_mmio_t *mmio, hb_job_status_t *status);

/* Reads the fault registers. A code outside the list of statuses is handed on as it is. *fault is written on HB_OK
 * only. */
hb_status_t hb_dif_job_fault(const hb_mmio_t *mmio, hb_job_fault_t *fault);

/* Reads the counters of the present or last job. *counters is written on HB_OK only; errors as hb_dif_read64. */
hb_status_t hb_dif_job_counters(const hb_mmio_t *mmio, hb_job_counters_t *counters);

/* Captured values of the present or last job (velocities, voltages, full turns) that lay beyond their converter and
 * were stored as its end; saturates. Worth a read when hb_job_status_t.capture_clip is set. *count is written on HB_OK
 * only. */
hb_status_t hb_dif_job_capture_clips(const hb_mmio_t *mmio, uint32_t *count);

/* Step of the array in ticks; 0 where the profile hides it. *ticks is written on HB_OK only. */
hb_status_t hb_dif_dt_get(const hb_mmio_t *mmio, uint32_t *ticks);

/* Sets the step of the array: 1 tick or more, else HB_BAD_ARG. HB_UNSUPPORTED without CAPS.DT_PROGRAMMABLE, HB_BUSY
 * while a program runs, both before any write; HB_DEVICE when the value does not read back. */
hb_status_t hb_dif_dt_set(const hb_mmio_t *mmio, uint32_t ticks);

/* Cells that take part in the next job. *cells is written on HB_OK only. */
hb_status_t hb_dif_active_cells(const hb_mmio_t *mmio, uint32_t *cells);

#ifdef __cplusplus
}
#endif
#endif
