/* Builds a program in device memory, in physical units, with no memory of the host but hb_program_t: instructions from
 * `base` on, behind them operands and results, behind those the capture ring (heatbath/run.h).
 *
 *   hb_program_t program;
 *   hb_program_begin(&program, &mmio, &capabilities, 2, 0, 16);
 *   hb_program_load_all(&program, HB_SECTION_J2, 0.5f);
 *   hb_program_commit(&program);
 *   …
 *   status = hb_program_end(&program);
 *
 * Each function appends an instruction and writes it and its operand to the device. The first error stays in
 * program.status, later calls do nothing, and hb_program_end() returns it: HB_BAD_ARG (a value that is not finite, a
 * count or a range of cells that does not fit, open loops), HB_UNSUPPORTED (what the capabilities lack),
 * HB_OUT_OF_MEMORY (more instructions than there is room for, or device memory is full). What is wrong in a program
 * beyond that the device says at start. Values beyond a converter's range are clipped. No function lets device time
 * pass but by its accesses of memory. Energies and signs: docs/units_and_signs.md. */
#ifndef HEATBATH_PROGRAM_BUILDER_H
#define HEATBATH_PROGRAM_BUILDER_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/dif_capability.h"
#include "heatbath/mmio.h"
#include "heatbath/program.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A program as it grows. Filled by hb_program_begin(); to be read, not written, by others. */
typedef struct hb_program {
  const hb_mmio_t *mmio;                /* with block verbs */
  const hb_capabilities_t *capabilities;
  uint32_t cells;                       /* cells 0..cells-1 take part */
  uint64_t base;                        /* of the first instruction, byte offset in device memory */
  uint32_t count, room;                 /* instructions; with HALT after hb_program_end() */
  uint64_t next;                        /* first byte that nothing occupies, a multiple of 64 */
  uint32_t open_loops;
  hb_status_t status;                   /* of the first call that failed */
} hb_program_t;

/* An empty program for cells 0..cells-1 of the device, at byte offset base (a multiple of 64), with room for so many
 * instructions, HALT included. mmio and capabilities must outlive the program. */
hb_status_t hb_program_begin(hb_program_t *program, const hb_mmio_t *mmio, const hb_capabilities_t *capabilities,
                             uint32_t cells, uint64_t base, uint32_t room);

/* Appends HALT. Returns program->status; HB_BAD_ARG when a loop is open. */
hb_status_t hb_program_end(hb_program_t *program);

/* -- parameters, to the shadow; COMMIT or RAMP makes them live ----------------------------------------------------- */
/* One value for each cell, of HB_SECTION_BIAS one for each of its states, those of a cell together; of HB_SECTION_COUPLING as many as hb_program_couplings() says, in the device's own order
 * (heatbath/program.h). */
void hb_program_load(hb_program_t *program, hb_section_t section, const float *values, uint32_t count);
/* The same value for all: of HB_SECTION_KT the temperature in energy units, of HB_SECTION_GAIN the factor. */
void hb_program_load_all(hb_program_t *program, hb_section_t section, float value);
/* Couplings J, cells x cells row-major, of a device whose pairs all have a coupler (else HB_UNSUPPORTED): J_ik is what
 * cell k does to cell i; where the device's are symmetric, the matrix must be. */
void hb_program_load_matrix(hb_program_t *program, const float *matrix);
/* Values that HB_SECTION_COUPLING of this program has, on a device whose pairs all have a coupler; 0 on a sparse one,
 * where it depends on the list of couplers (heatbath/topology.h). */
uint64_t hb_program_couplings(const hb_program_t *program);
void hb_program_commit(hb_program_t *program);

/* -- time, in ticks ------------------------------------------------------------------------------------------------ */
/* The array evolves. */
void hb_program_evolve(hb_program_t *program, uint64_t ticks);
/* Live parameters go linearly to the shadow while the array evolves. */
void hb_program_ramp(hb_program_t *program, uint64_t ticks);

/* -- states -------------------------------------------------------------------------------------------------------- */
/* Writes state variables first..first+count-1 (needs state_write); variable c * cells + i is component c of cell i. */
void hb_program_set(hb_program_t *program, uint32_t first, const float *values, uint32_t count);
void hb_program_set_all(hb_program_t *program, uint32_t first, uint32_t count, float value);
/* Holds cells first..first+count-1, and lets them move again. */
void hb_program_clamp(hb_program_t *program, uint32_t first, const float *values, uint32_t count);
void hb_program_clamp_all(hb_program_t *program, uint32_t first, uint32_t count, float value);
void hb_program_release(hb_program_t *program, uint32_t first, uint32_t count);

/* -- records and meters -------------------------------------------------------------------------------------------- */
/* A record of the states at this instant. */
void hb_program_sample(hb_program_t *program);
/* A record every `period` ticks from now on; the first at once with `now`. */
void hb_program_capture_start(hb_program_t *program, uint64_t period, bool now);
void hb_program_capture_stop(hb_program_t *program);
void hb_program_meter_clear(hb_program_t *program);
/* Where the meters of all lanes will lie (byte offset; hb_meters_t of lane l at + l * sizeof(hb_meters_t)), and behind
 * them the meters that `flags`, HB_FLAG_* of heatbath/meters.h, ask for; 0: none. 0 after an error. */
uint64_t hb_program_meter_snapshot(hb_program_t *program, uint32_t flags);
/* Where the live values of a section will lie, as hb_program_load() takes them (byte offset, parameter format): so many
 * as `count`. 0 after an error. */
uint64_t hb_program_readback(hb_program_t *program, hb_section_t section, uint32_t count);

/* -- control ------------------------------------------------------------------------------------------------------- */
/* What stands up to the end of the loop runs `times` times. */
void hb_program_loop_begin(hb_program_t *program, uint32_t times);
void hb_program_loop_end(hb_program_t *program);
/* Raises the interrupt PROGRAM with this tag. */
void hb_program_interrupt(hb_program_t *program, uint32_t tag);

#ifdef __cplusplus
}
#endif
#endif
