/* What each cell kind is made of: the names of kinds, topologies and steppers as device URIs, profiles and reports write
 * them, and which parameter sections a kind has. Numbers are the enumerators of CAPS_CELL in
 * heatbath/regs.h; a number outside of its list has the name "?" and nothing else. Names are never NULL. */
#ifndef HEATBATH_CELLS_H
#define HEATBATH_CELLS_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/program.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How many kinds, topologies and steppers there are: their numbers are 0 .. count - 1. */
#define HB_CELL_KINDS 5u
#define HB_TOPOLOGIES 2u
#define HB_STEPPERS 9u

/* "overdamped", "underdamped", "phase", "rlc", "pbit". */
const char *hb_cell_kind_name(uint32_t kind);

/* "dense", "sparse". */
const char *hb_topology_name(uint32_t topology);

/* "none", "euler-maruyama", "heun", "leimkuhler-matthews", "baoab", "exact-ou", "sequential", "random-sequential",
 * "two-colour". */
const char *hb_stepper_name(uint32_t stepper);

/* Its order in the step, in words: "weak order 1, strong order 1". */
const char *hb_stepper_order(uint32_t stepper);

/* Name of a parameter section: "j2", "j4", "bias", "coupling", "gain", "kT", "mass", "damping", "frequency". */
const char *hb_section_name(hb_section_t section);

/* True when cells of a kind have this parameter section. */
bool hb_cell_has_section(uint32_t kind, hb_section_t section);

#ifdef __cplusplus
}
#endif
#endif
