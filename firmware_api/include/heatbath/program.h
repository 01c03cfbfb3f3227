/* The program format: what the sequencer of a Heatbath device executes from device memory without the host,
 * and the layouts of operands, capture records and meter snapshots. All fields are little-endian; all
 * addresses are byte offsets in device memory. */
#ifndef HEATBATH_PROGRAM_H
#define HEATBATH_PROGRAM_H

#include <stdint.h>

#include "heatbath/cells.h"
#include "heatbath/meters.h"

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, what it does). */
#define HB_OP_LIST(X)                                                                                         \
  X(HALT, 0, "end of program")                                                                                \
  X(LOAD, 1, "parameter section -> shadow, from addr, or imm with HB_FLAG_IMMEDIATE")                         \
  X(COMMIT, 2, "shadow -> live at this instant; counts as work")                                              \
  X(RAMP, 3, "evolve for ticks while live goes linearly to shadow; live = shadow at the end")                 \
  X(EVOLVE, 4, "evolve for ticks with live parameters")                                                       \
  X(SET, 5, "write state variables first..first+count-1; needs CAPS.STATE_WRITE; counts as work")             \
  X(CLAMP, 6, "hold cells first..first+count-1 at values; counts as work")                                    \
  X(RELEASE, 7, "let cells first..first+count-1 move again")                                                  \
  X(SAMPLE, 8, "one capture record now")                                                                      \
  X(CAPTURE_START, 9, "a capture record every ticks from now on; the first now with HB_FLAG_NOW")             \
  X(CAPTURE_STOP, 10, "stop the periodic capture")                                                            \
  X(METER_CLEAR, 11, "work, heat and shadow work start from zero at this instant")                            \
  X(METER_SNAPSHOT, 12, "hb_meters of lane l -> addr + l * sizeof(hb_meters_t); what flags ask for behind them") \
  X(LOOP_BEGIN, 13, "repeat the instructions up to the matching LOOP_END count times")                        \
  X(LOOP_END, 14, "end of loop")                                                                              \
  X(INTERRUPT, 15, "raise INTR_STATE.PROGRAM with imm as tag")                                                \
  X(READBACK, 16, "live parameter section as applied -> addr, in the parameter format")

/* Operations, by the list above. */
typedef enum hb_op {
#define HB_OP_ENUM(name, value, doc) HB_OP_##name = (value),
  HB_OP_LIST(HB_OP_ENUM)
#undef HB_OP_ENUM
} hb_op_t;

/* The operands of parameter sections (hb_section_t of heatbath/cells.h). One value per active cell: J2, J4, BIAS, MASS
 * (positive; 1 after reset), DAMPING (1 after reset) and FREQUENCY; of BIAS one per state of each active cell, those of a
 * cell together, where cells have states (CAPS_STATES). KT, the temperature in energy units: immediate for
 * all cells, or with CAPS.KT_PER_CELL from memory, one value per cell whose full scale is CAPS_KT_MAX. GAIN, a global
 * factor on all couplings (1 after reset), is immediate only.
 * COUPLING. Dense, in the layout of CAPS_PARAM_FORMAT: row-major i < j, each pair once, or all N*N values, J_ik being
 * what cell k does to cell i. Sparse: one value for each coupler whose two cells are active, in the order of the
 * topology window; two, J_ij then J_ji, where the layout is FULL. */

/* Flags. */
#define HB_FLAG_IMMEDIATE 1u /* LOAD, SET, CLAMP: every value of the operand is imm, a float32 in physical units */
#define HB_FLAG_NOW 2u       /* CAPTURE_START: take a record at once, too */
/* HB_FLAG_<METER> of heatbath/meters.h: METER_SNAPSHOT: that meter, too */

/* One instruction, 64 bytes. Fields an operation does not use are zero; a non-zero one is rejected. */
typedef struct hb_instruction {
  uint16_t op;          /* hb_op_t */
  uint16_t section;     /* hb_section_t of LOAD and READBACK */
  uint32_t flags;       /* HB_FLAG_* */
  uint32_t first;       /* first cell of CLAMP and RELEASE; first state variable of SET (CAPS_CELL.COMPONENTS) */
  uint32_t count;       /* cells or variables of SET, CLAMP, RELEASE; iterations of LOOP_BEGIN (1 or more) */
  uint32_t imm;         /* immediate: float32 bits, or the tag of INTERRUPT */
  uint32_t lane_stride; /* bytes from one lane's operand to the next; 0: one operand for all lanes.
                           LOAD of BIAS, SET and CLAMP only, and only with CAPS.LANE_OPERANDS */
  uint64_t addr;        /* operand, byte offset in device memory, a multiple of 4 */
  uint64_t ticks;       /* duration of RAMP and EVOLVE, period of CAPTURE_START; multiples of DT_TICKS, >= 1 step */
  uint64_t reserved[3]; /* zero */
} hb_instruction_t;

/* Names of the fields, for FAULT_FIELD. */
typedef enum hb_field {
  HB_FIELD_NONE = 0,
  HB_FIELD_OP = 1,
  HB_FIELD_SECTION = 2,
  HB_FIELD_FLAGS = 3,
  HB_FIELD_FIRST = 4,
  HB_FIELD_COUNT = 5,
  HB_FIELD_IMM = 6,
  HB_FIELD_LANE_STRIDE = 7,
  HB_FIELD_ADDR = 8,
  HB_FIELD_TICKS = 9,
  HB_FIELD_RESERVED = 10,
  HB_FIELD_OPERAND = 11 /* a value in memory: NaN, out of its range, or one the live parameters cannot hold */
} hb_field_t;

/* Name of a field ("ticks"), of an operation ("EVOLVE"); "?" outside the list. Never NULL. */
const char *hb_field_name(hb_field_t field);
const char *hb_op_name(hb_op_t op);

/* A capture record: this header, then for each lane of the pass, in lane order, the captured state variables in order
 * and in the capture format (full scale CAPS_RANGE_STATE, or CAPS_RANGE_SECOND for the second component), then padding
 * to a multiple of 64 bytes. With JOB_FLAGS.WHOLE_TURNS full turns are int32 instead. */
typedef struct hb_record_header {
  uint32_t sequence; /* 0, 1, 2, … since START: a gap is a lost record */
  uint32_t lanes;    /* lanes in this record: SHOTS */
  uint32_t cells;    /* state variables per lane */
  uint32_t first;    /* first state variable */
  uint64_t ticks;    /* ticks the array had evolved in this job */
  uint64_t pad;
} hb_record_header_t;

/* Size of a record in bytes for lanes x cells values of value_bytes each. */
static inline uint64_t hb_record_bytes(uint32_t lanes, uint32_t cells, uint32_t value_bytes) {
  const uint64_t bytes = sizeof(hb_record_header_t) + (uint64_t)lanes * cells * value_bytes;
  return (bytes + 63u) & ~(uint64_t)63u;
}

#ifdef __cplusplus
}
static_assert(sizeof(hb_instruction_t) == 64, "instruction format");
static_assert(sizeof(hb_record_header_t) == 32, "record format");
#else
_Static_assert(sizeof(hb_instruction_t) == 64, "instruction format");
_Static_assert(sizeof(hb_record_header_t) == 32, "record format");
#endif
#endif
