/* Device functions: what the device can do. */
#ifndef HEATBATH_DIF_CAPABILITY_H
#define HEATBATH_DIF_CAPABILITY_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/mmio.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The capability registers, decoded. Energies in energy units, enumerators as in heatbath/regs.h. */
typedef struct hb_capabilities {
  bool seeded;            /* a job may carry a seed, a first shot number and a first step number */
  bool state_write;       /* the SET instruction exists */
  bool meters;            /* work and heat are metered per lane */
  bool dt_programmable;   /* DT_TICKS can be written */
  bool increments_markov; /* path weights and path actions are defined */
  bool free_running;      /* the array evolves also while no program runs */
  bool capture_stalls;    /* a full capture ring stalls the array instead of failing the job */
  bool kt_programmable;   /* kT can be loaded within [kt_min, kt_max] */
  bool lane_operands;     /* bias, state and clamp operands may differ per lane */
  bool readback;          /* the READBACK instruction exists */
  bool dma;               /* the device moves blocks to and from host memory (dif_dma.h) */
  bool kt_per_cell;       /* kT can be loaded for each cell */
  bool refinement;        /* a seeded job may refine the noise of a coarser one */
  bool heat_per_cell;     /* a meter snapshot can hold the heat of each cell (HB_FLAG_PER_CELL) */
  bool whole_turns;       /* full turns of phases can be captured as integers (hb_job_config_t.whole_turns) */
  bool graph_couplings; /* the list of couplers ends in the couplings that the graph came with (topology.h) */

  uint32_t cells;             /* largest number of active cells */
  uint32_t lanes;             /* identical arrays */
  uint32_t tick_ps;           /* length of a tick in picoseconds */
  uint32_t time_unit_ticks;   /* ticks in one dimensionless time unit */
  uint32_t capture_min_ticks; /* shortest capture period; 0 where the step is the limit */

  uint32_t param_number;   /* HB_CAPS_PARAM_FORMAT_NUMBER_* */
  uint32_t param_bits;     /* resolution of a code; 0 for float32 */
  uint32_t param_layout;   /* HB_CAPS_PARAM_FORMAT_LAYOUT_* */
  uint32_t capture_number; /* HB_CAPS_CAPTURE_FORMAT_NUMBER_* */
  uint32_t capture_bits;   /* resolution of a code; 0 for float32 */

  uint32_t cell_kind;  /* HB_CAPS_CELL_KIND_* */
  uint32_t topology;   /* HB_CAPS_CELL_TOPOLOGY_* */
  uint32_t stepper;    /* HB_CAPS_CELL_STEPPER_* */
  uint32_t components; /* state variables of a cell, 1 or 2 */
  uint32_t couplers;   /* pairs in the topology window; 0 where the topology is dense */

  uint64_t memory_bytes; /* device memory */
  uint32_t program_max;  /* largest number of instructions */
  uint32_t loop_depth;   /* how deep loops may nest */

  float range_j2;       /* J2 in [-range, range] */
  float range_j4;       /* J4 in [0, range] */
  float range_bias;     /* in [-range, range] */
  float range_coupling; /* in [-range, range] */
  float range_state;    /* rails at +-range; full scale of the capture converter */
  float range_mass, range_damping; /* in (0, range], [0, range] */
  float range_frequency;           /* in [-range, range] */
  float range_second;              /* full scale of the second variable of a cell; 0 where there is none */
  float kt_min, kt_max; /* temperature */
  float kt_reset;       /* temperature after reset */
  float mobility;       /* mu, per time unit */
  float energy_unit_j;  /* one energy unit in joules */
  uint32_t arithmetic;  /* revision of an emulator's arithmetic (docs/dynamics.md); 0: unknown, read with
                           dt_programmable only */
} hb_capabilities_t;

/* Reads and decodes all capability registers; they never change while the device is powered. No side effect.
 * HB_DEVICE when an answer lies outside of the contract: a size of zero (cells, lanes, tick, time unit, memory,
 * program), an unknown number format or one whose bits do not fit it (CODE8 2..8, CODE16 2..16, FLOAT32 0), more than
 * two components, or a range, temperature, mobility or energy unit that is negative, infinite or not a number.
 * *capabilities is written on HB_OK only. */
hb_status_t hb_dif_capability_get(const hb_mmio_t *mmio, hb_capabilities_t *capabilities);

#ifdef __cplusplus
}
#endif
#endif
