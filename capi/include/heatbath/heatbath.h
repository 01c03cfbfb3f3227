/* Heatbath for hosts in C, and in every language that calls C: a thermodynamic computer by its URI, programs, jobs and
 * what they leave. Library libheatbath (pkg-config heatbath, CMake heatbath::c).
 *
 * Errors. A function that can fail returns a status (heatbath/status.h), HB_OK being 0; heatbath_message() then says in
 * one line what is wrong, where, and what would be right. HB_BAD_ARG: nothing was done. HB_BUSY: nothing was done and a
 * retry is safe. What a function gives back through a pointer is written on HB_OK only. A handle that is NULL is
 * HB_BAD_ARG.
 *
 * Ownership. A handle is the caller's until it is freed; freeing NULL does nothing. A device lives until it and every
 * job of it have been freed, in any order. Arrays that a result or a device hands out are its own, unchanged until it
 * is freed. Arrays and texts that the caller gives are read during the call only.
 *
 * Time. Device time passes in heatbath_job_wait() and heatbath_run(), and by at least one tick with each register
 * access of heatbath_submit(), heatbath_job_poll(), heatbath_now() and heatbath_device_read32() and its kin; nothing
 * else moves it.
 *
 * Threads. A device and its jobs belong to one thread at a time; programs, results and different devices are
 * independent. heatbath_job_cancel() may be called from any thread and from a signal handler.
 *
 * Growth. A function never changes its meaning or its arguments. Structs that may grow begin with their size, as the
 * caller was compiled: a library takes what an older caller lacks as zero, and leaves alone what a newer one has
 * beside. Capabilities are asked for by name.
 *
 * Units: docs/units_and_signs.md. Energies in energy units of the device, durations in ticks, states as the cell kind
 * has them. */
#ifndef HEATBATH_HEATBATH_H
#define HEATBATH_HEATBATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "heatbath/program.h"
#include "heatbath/status.h"
#include "heatbath/version.h"

#if defined(_WIN32) || defined(__CYGWIN__)
#error "Heatbath is built for systems with ELF libraries"
#elif defined(__GNUC__)
#define HEATBATH_API __attribute__((visibility("default")))
#else
#define HEATBATH_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Handles: a device, a program, a job of both, and what the job left. */
typedef struct heatbath_device heatbath_device;
typedef struct heatbath_program heatbath_program;
typedef struct heatbath_job heatbath_job;
typedef struct heatbath_result heatbath_result;

/* -- the library --------------------------------------------------------------------------------------------------- */

/* Version of the library that runs, "0.1.0"; HEATBATH_VERSION of heatbath/version.h is the one compiled against. */
HEATBATH_API const char *heatbath_version(void);

/* One line about the last call of this thread that failed; "" when none has. Valid until the next call that fails. */
HEATBATH_API const char *heatbath_message(void);

/* Name of a status ("BAD_ARG") and one clause of what it means. Never NULL. */
HEATBATH_API const char *heatbath_status_name(hb_status_t status);
HEATBATH_API const char *heatbath_status_meaning(hb_status_t status);

/* -- devices ------------------------------------------------------------------------------------------------------- */

/* Opens the device of a URI: func:profile=ideal&cells=64&lanes=16&seed=1&threads=2, tcp://host:port, unix:/path,
 * shm:/name, etherbone://host:port, uio:/dev/uioN, record:FILE?device=URI, replay:FILE (docs/links.md). NULL or "": the
 * environment variable HEATBATH_DEVICE, and without it func:. HB_BAD_ARG lists the valid schemes, keys and values; tlm:
 * is among the others, as this library has no SystemC. HB_LINK when nobody answers, HB_DEVICE when it is no Heatbath
 * device. */
HEATBATH_API hb_status_t heatbath_open(const char *uri, heatbath_device **device);
/* The device is gone when its last job is. */
HEATBATH_API void heatbath_device_free(heatbath_device *device);

/* The URI with its defaults filled in, and one line for a person. The device's own. "" for NULL. */
HEATBATH_API const char *heatbath_device_uri(const heatbath_device *device);
HEATBATH_API const char *heatbath_device_description(const heatbath_device *device);

/* A capability by its name in docs/registers.md: "cells", "lanes", "seeded" (0 or 1), "time_unit" (ticks), "kT_max"
 * (energy units), "cell_kind" (HB_CAPS_CELL_KIND_*), … HB_BAD_ARG for a name that is none lists them. */
HEATBATH_API hb_status_t heatbath_device_capability(const heatbath_device *device, const char *name, double *value);
/* Names of the capabilities: index 0, 1, …; NULL beyond the last. */
HEATBATH_API const char *heatbath_capability_name(uint32_t index);

/* The pairs of cells that a sparse device can couple: count pairs i < j, two numbers each, sorted. count 0: all can. */
HEATBATH_API hb_status_t heatbath_device_couplers(const heatbath_device *device, const uint32_t **pairs, uint64_t *count);

/* Device time in ticks since reset. */
HEATBATH_API hb_status_t heatbath_now(heatbath_device *device, uint64_t *ticks);
/* Registers, sequencer, array and time 0; memory contents stay. A job that runs has failed (HB_ABORTED). */
HEATBATH_API hb_status_t heatbath_reset(heatbath_device *device);

/* Step of the array in ticks; 0 where the device hides it. Setting needs the capability "dt_programmable"
 * (HB_UNSUPPORTED) and no job that runs (HB_BUSY). In time units it is the nearest tick; HB_BAD_ARG where that is off
 * by more than 1 %. */
HEATBATH_API hb_status_t heatbath_step(const heatbath_device *device, uint64_t *ticks);
HEATBATH_API hb_status_t heatbath_set_step(heatbath_device *device, uint64_t ticks);
HEATBATH_API hb_status_t heatbath_set_step_time_units(heatbath_device *device, double time_units);

/* Ticks of a duration in dimensionless time units: the nearest multiple of the step; HB_BAD_ARG where that is off by
 * more than 1 %. And the shortest capture period, in ticks, not below `wanted`. */
HEATBATH_API hb_status_t heatbath_ticks(const heatbath_device *device, double time_units, uint64_t *ticks);
HEATBATH_API hb_status_t heatbath_capture_period(const heatbath_device *device, uint64_t wanted, uint64_t *ticks);

/* Single registers (byte offsets, heatbath/regs.h) and device memory (byte offsets of it): for bring-up, and for code
 * on the firmware API, to which heatbath/host_mmio.h lends a device. heatbath_device_wait lets device time pass until
 * an enabled interrupt is pending or `ticks` have passed. */
HEATBATH_API hb_status_t heatbath_device_read32(heatbath_device *device, uint32_t offset, uint32_t *value);
HEATBATH_API hb_status_t heatbath_device_write32(heatbath_device *device, uint32_t offset, uint32_t value);
HEATBATH_API hb_status_t heatbath_device_read_block(heatbath_device *device, uint64_t offset, void *out, uint64_t bytes);
HEATBATH_API hb_status_t heatbath_device_write_block(heatbath_device *device, uint64_t offset, const void *data,
                                                     uint64_t bytes);
HEATBATH_API hb_status_t heatbath_device_wait(heatbath_device *device, uint64_t ticks, bool *pending);

/* -- programs ------------------------------------------------------------------------------------------------------ */

/* An empty program for cells 0..cells-1 of a device like this one; it may outlive the device. Each function below
 * appends an instruction; when it fails the program is unchanged. HB_BAD_ARG names the entry where a size, a NaN or a
 * sign is wrong, HB_UNSUPPORTED the capability that is missing. Values beyond a range are clipped and counted. */
HEATBATH_API hb_status_t heatbath_program_new(const heatbath_device *device, uint32_t cells, heatbath_program **program);
HEATBATH_API hb_status_t heatbath_program_copy(const heatbath_program *from, heatbath_program **program);
HEATBATH_API void heatbath_program_free(heatbath_program *program);

/* Parameters, to the shadow; commit or ramp makes them live. Energy: V = sum_i (J2 x^2 + J4 x^4 + b x) + gain sum_{i<j}
 * J_ij x_i x_j for cells in a well; docs/units_and_signs.md has the other kinds. A section is one of hb_section_t. */
/* One value per cell, biases of categorical cells one per state, those of a cell together; count is their number. Not for
 * HB_SECTION_COUPLING and HB_SECTION_GAIN. */
HEATBATH_API hb_status_t heatbath_program_load(heatbath_program *program, uint32_t section, const float *values,
                                               uint64_t count);
/* The same value for all cells, or for all couplings; the temperature kT; the gain. */
HEATBATH_API hb_status_t heatbath_program_load_all(heatbath_program *program, uint32_t section, float value);
/* Biases that differ from shot to shot: shots x cells, row-major. The job must run exactly that many shots. */
HEATBATH_API hb_status_t heatbath_program_load_bias_per_shot(heatbath_program *program, const float *values, uint64_t count,
                                                             uint32_t shots);
/* Couplings: cells x cells row-major, zero diagonal, symmetric where the device's are; J_ik is the effect of cell k on
 * cell i. */
HEATBATH_API hb_status_t heatbath_program_load_matrix(heatbath_program *program, const float *matrix, uint64_t count);
/* Couplings of the pairs (i[k], j[k]); those of all other pairs are zero. */
HEATBATH_API hb_status_t heatbath_program_load_pairs(heatbath_program *program, const uint32_t *i, const uint32_t *j,
                                                     const float *values, uint64_t count);
/* Couplings of a sparse device: one value for each of heatbath_device_couplers() between cells of the program; two
 * where they differ in their two directions. */
HEATBATH_API hb_status_t heatbath_program_load_coupler_values(heatbath_program *program, const float *values, uint64_t count);
HEATBATH_API hb_status_t heatbath_program_commit(heatbath_program *program);

/* The array evolves for so many ticks. */
HEATBATH_API hb_status_t heatbath_program_evolve(heatbath_program *program, uint64_t ticks);
/* Live parameters go linearly to the shadow while the array evolves. */
HEATBATH_API hb_status_t heatbath_program_ramp(heatbath_program *program, uint64_t ticks);

/* States: writes variables first.. (c * cells + i is component c of cell i), holds cells first.. until they are
 * released. Per shot: shots x count values, row-major; the job must run exactly that many shots. */
HEATBATH_API hb_status_t heatbath_program_set(heatbath_program *program, uint32_t first, const float *values, uint32_t count);
HEATBATH_API hb_status_t heatbath_program_set_all(heatbath_program *program, uint32_t first, uint32_t count, float value);
HEATBATH_API hb_status_t heatbath_program_set_per_shot(heatbath_program *program, uint32_t first, uint32_t count,
                                                       const float *values, uint32_t shots);
HEATBATH_API hb_status_t heatbath_program_clamp(heatbath_program *program, uint32_t first, const float *values,
                                                uint32_t count);
HEATBATH_API hb_status_t heatbath_program_clamp_all(heatbath_program *program, uint32_t first, uint32_t count, float value);
HEATBATH_API hb_status_t heatbath_program_clamp_per_shot(heatbath_program *program, uint32_t first, uint32_t count,
                                                         const float *values, uint32_t shots);
HEATBATH_API hb_status_t heatbath_program_release(heatbath_program *program, uint32_t first, uint32_t count);

/* Records. */
HEATBATH_API hb_status_t heatbath_program_sample(heatbath_program *program);
/* A record every `period` ticks from now on; the first at once with `now`. */
HEATBATH_API hb_status_t heatbath_program_capture_start(heatbath_program *program, uint64_t period, bool now);
HEATBATH_API hb_status_t heatbath_program_capture_stop(heatbath_program *program);
HEATBATH_API hb_status_t heatbath_program_meter_clear(heatbath_program *program);
/* One more row of heatbath_result_meters(), with per_cell of heatbath_result_heat_per_cell(), too. */
HEATBATH_API hb_status_t heatbath_program_meter_snapshot(heatbath_program *program, bool per_cell);
/* The same with any meters on request: HB_FLAG_* of heatbath/meters.h, whose values heatbath_result_meter() gives.
 * HB_BAD_ARG for a flag that is none, HB_UNSUPPORTED for a meter that the device lacks. */
HEATBATH_API hb_status_t heatbath_program_meter_snapshot_of(heatbath_program *program, uint32_t flags);
/* One more row of heatbath_result_readback(): a section of one value per cell, or the couplings as cells x cells. */
HEATBATH_API hb_status_t heatbath_program_readback(heatbath_program *program, uint32_t section);
/* The same for the couplings of a sparse device, in the form of heatbath_program_load_coupler_values(). */
HEATBATH_API hb_status_t heatbath_program_readback_coupler_values(heatbath_program *program);

/* Control. */
HEATBATH_API hb_status_t heatbath_program_loop_begin(heatbath_program *program, uint32_t times);
HEATBATH_API hb_status_t heatbath_program_loop_end(heatbath_program *program);
HEATBATH_API hb_status_t heatbath_program_interrupt(heatbath_program *program, uint32_t tag);

/* Records that one shot takes and ticks that it evolves, loops unrolled; values that the converters clipped. 0 for
 * NULL. */
HEATBATH_API uint64_t heatbath_program_records(const heatbath_program *program);
HEATBATH_API uint64_t heatbath_program_duration(const heatbath_program *program);
HEATBATH_API uint64_t heatbath_program_clips(const heatbath_program *program);

/* -- jobs ---------------------------------------------------------------------------------------------------------- */

/* How a program runs. Start from HEATBATH_JOB_OPTIONS: all zero means one shot without a seed. */
typedef struct heatbath_job_options {
  uint32_t size;       /* sizeof(heatbath_job_options) */
  uint32_t shots;      /* 0: 1 */
  bool seeded;         /* the noise comes from the four below; HB_UNSUPPORTED without the capability "seeded" */
  bool strict;         /* a clipped value or a state at a rail is HB_UNSUPPORTED, not a count */
  uint64_t seed;       /* noise key */
  uint32_t first_shot; /* number of the first shot */
  uint64_t first_step; /* number of the first step: goes on where the job before it ended */
  uint32_t refinement; /* level of the noise, 0..8 */
  uint32_t capture_first, capture_count; /* captured state variables; count 0: all cells from first on */
  uint64_t limit;      /* longest the job may take in device ticks; 0: no limit */
  /* Called from heatbath_job_wait() and heatbath_run(), some ten times a second, with the fraction done; false cancels
   * the job. It may not use the device. NULL: none. */
  bool (*progress)(void *context, double fraction);
  void *context;
  /* Kept while it runs, so that another process goes on with it to the same bits (docs/checkpoints.md): due is asked with
   * context after every slice of device time, from heatbath_job_wait() and heatbath_run(); where it answers true, keep
   * gets the device and what the job has fetched so far, as bytes that are valid during the call. Neither may use the
   * device; an exception of a C++ host ends the job as one of progress does. Both or neither. HB_UNSUPPORTED where the device is no emulator in this process. */
  bool (*checkpoint_due)(void *context);
  void (*checkpoint_keep)(void *context, const void *bytes, uint64_t count);
  /* What a job of the same program and options left, copied before the call returns: this one goes on from there, on a device of the same chip, whatever
   * its threads are. checkpoint_bytes 0: from the begin. HB_BAD_ARG for bytes of another job or device, or damaged ones;
   * nothing was started then. */
  const void *checkpoint_from;
  uint64_t checkpoint_bytes;
} heatbath_job_options;

/* Options as a job has them by default, to begin with. */
#define HEATBATH_JOB_OPTIONS \
  { sizeof(heatbath_job_options), 0, false, false, 0, 0, 0, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, 0 }

/* Of a job; only RUNNING changes, once. */
typedef enum heatbath_job_state {
  HEATBATH_JOB_RUNNING = 0,
  HEATBATH_JOB_DONE = 1,
  HEATBATH_JOB_FAILED = 2,
  HEATBATH_JOB_CANCELLED = 3
} heatbath_job_state;

/* Places the program in device memory and starts its first pass. options NULL: HEATBATH_JOB_OPTIONS. HB_BUSY while a
 * job of this device runs; HB_BAD_ARG, HB_UNSUPPORTED, HB_OUT_OF_MEMORY before anything was started. */
HEATBATH_API hb_status_t heatbath_submit(heatbath_device *device, const heatbath_program *program,
                                         const heatbath_job_options *options, heatbath_job **job);
/* Looks at the device once, without waiting: fetches captures, starts the next pass. */
HEATBATH_API hb_status_t heatbath_job_poll(heatbath_job *job, heatbath_job_state *state);
/* Lets device time pass until the job has ended, and gives its result; once. HB_TIMEOUT (limit), HB_ABORTED
 * (cancelled), HB_CAPTURE_OVERRUN, HB_BAD_PROGRAM, HB_LINK, … */
HEATBATH_API hb_status_t heatbath_job_wait(heatbath_job *job, heatbath_result **result);
/* Asks the job to stop: its wait ends within some tenths of a second. Nothing happens to one that has ended. */
HEATBATH_API void heatbath_job_cancel(heatbath_job *job);
/* Aborts the job when it runs. */
HEATBATH_API void heatbath_job_free(heatbath_job *job);

/* heatbath_submit() and heatbath_job_wait(). */
HEATBATH_API hb_status_t heatbath_run(heatbath_device *device, const heatbath_program *program,
                                      const heatbath_job_options *options, heatbath_result **result);

/* -- what a job leaves --------------------------------------------------------------------------------------------- */

/* Frees it with all arrays that it handed out. */
HEATBATH_API void heatbath_result_free(heatbath_result *result);

/* Captured states: shots x records x variables, row-major. Any pointer may be NULL. */
HEATBATH_API hb_status_t heatbath_result_states(const heatbath_result *result, const float **values, uint32_t *shots,
                                                uint64_t *records, uint32_t *variables);
/* What the array had evolved at each record, in ticks. */
HEATBATH_API hb_status_t heatbath_result_ticks(const heatbath_result *result, const uint64_t **ticks, uint64_t *records);
/* Full turns of phases that the device counts in integers: shots x records x variables; variables 0: none. They are the
 * last of the captured variables, which heatbath_result_states() has as the nearest float32. */
HEATBATH_API hb_status_t heatbath_result_turns(const heatbath_result *result, const int32_t **turns, uint32_t *variables);

/* Meters of a snapshot: one row of `stride` bytes for each shot, which begins with hb_meters_t as it was compiled
 * against; rows that a later library makes longer grow at their end. HB_BAD_ARG beyond the last snapshot. */
HEATBATH_API hb_status_t heatbath_result_meters(const heatbath_result *result, uint32_t snapshot, const hb_meters_t **rows,
                                                uint64_t *stride);
/* A meter on request, an hb_meter_t: energy units or counts, one value per shot, or shots x cells for a meter of cells;
 * count 0 where the snapshot did not ask for it. HB_BAD_ARG beyond the last snapshot, and for a meter of hb_meters_t. */
HEATBATH_API hb_status_t heatbath_result_meter(const heatbath_result *result, uint32_t snapshot, uint32_t meter,
                                               const double **values, uint64_t *count);
/* The same of HB_METER_HEAT_PER_CELL. */
HEATBATH_API hb_status_t heatbath_result_heat_per_cell(const heatbath_result *result, uint32_t snapshot, const double **heat,
                                                       uint64_t *count);
/* Values of a readback as applied. HB_BAD_ARG beyond the last. */
HEATBATH_API hb_status_t heatbath_result_readback(const heatbath_result *result, uint32_t readback, const float **values,
                                                  uint64_t *count);

/* What a job counts. */
typedef struct heatbath_counters {
  uint32_t size;          /* sizeof(heatbath_counters), set by the caller */
  uint32_t rail_cell;     /* lowest cell whose state was held at a rail; 0xFFFFFFFF when none */
  uint64_t clips;         /* parameter values clipped, by the encoding and by the device */
  uint64_t capture_clips; /* captured values beyond their converter */
  uint64_t rails;         /* cell-steps at which a state was held at a rail */
  uint64_t array_ticks;   /* ticks that the array evolved, per shot */
  uint64_t stall_ticks;   /* ticks that it waited for the capture ring, all passes */
} heatbath_counters;
HEATBATH_API hb_status_t heatbath_result_counters(const heatbath_result *result, heatbath_counters *counters);

#ifdef __cplusplus
}
#endif
#endif
