/* Runs a program that hb_program_t placed in device memory, and reads what it leaves: one pass of as many shots as the
 * device has lanes at most. */
#ifndef HEATBATH_RUN_H
#define HEATBATH_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/dif_job.h"
#include "heatbath/program_builder.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A run. The first part is asked for, the second is what came of it. Zero means what stands beside it. */
typedef struct hb_run {
  const hb_program_t *program; /* ended */
  uint32_t shots;              /* 1..lanes; 0: 1 */
  bool seeded;                 /* the noise comes from the two below (needs CAPS.SEEDED) */
  uint64_t seed;
  uint32_t first_shot;
  uint32_t first;              /* first captured state variable */
  uint32_t variables;          /* captured state variables; 0: those of first's component from first on */
  uint32_t slots;              /* records that the ring holds; 0: as many as device memory has room for */
  uint64_t limit;              /* ticks that the job may take, stalls included; 0: no limit */

  hb_job_fault_t fault; /* code HB_OK: none */
  uint32_t records;     /* that each shot has left in the ring */
  uint64_t ring;        /* where: byte offset in device memory */
  uint64_t record_bytes;
} hb_run_t;

/* Writes the job's registers and starts it. HB_BAD_ARG for shots, variables or slots that do not fit, HB_OUT_OF_MEMORY
 * when no record fits behind the program, both without any access; otherwise as hb_dif_job_start(). Leaves no interrupt
 * pending but changes none of INTR_ENABLE. */
hb_status_t hb_run_start(hb_run_t *run);

/* Waits for the end of the run by looking at STATUS, with the pause of the program's mmio between two looks. It comes
 * back when the job has ended; when `limit` ticks have passed or pause gives up (the job is aborted then: HB_TIMEOUT);
 * when the array stalls, the ring being full (aborted, too: HB_CAPTURE_OVERRUN); or when device time stands still for
 * 2^24 looks (HB_DEVICE). HB_OK: done, and run->records counts the records. A fault is returned as its status, with
 * run->fault; an aborted job is HB_ABORTED. */
hb_status_t hb_run_wait(hb_run_t *run);

/* hb_run_start() and hb_run_wait(). */
hb_status_t hb_run_whole(hb_run_t *run);

/* States of one shot in a record, in physical units: run->variables floats. HB_BAD_ARG beyond run->records or
 * run->shots; HB_CAPTURE_OVERRUN when another record lies in its place, HB_DEVICE when its shape differs. *ticks (may
 * be NULL) is what the array had evolved. */
hb_status_t hb_run_record(const hb_run_t *run, uint32_t record, uint32_t shot, float *states, uint64_t *ticks);

/* Meters of one shot, at the offset that hb_program_meter_snapshot() gave. */
hb_status_t hb_run_meters(const hb_run_t *run, uint64_t snapshot, uint32_t shot, hb_meters_t *meters);

/* A meter that `flags` asked for in hb_program_meter_snapshot(), of one shot: one value, or one for each cell of the
 * program; of 8 bytes each, uint64_t where hb_meter_list[meter].counts, else double. */
hb_status_t hb_run_meter(const hb_run_t *run, uint64_t snapshot, uint32_t flags, hb_meter_t meter, uint32_t shot,
                         void *values);

#ifdef __cplusplus
}
#endif
#endif
