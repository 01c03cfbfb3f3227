/* The list of couplers of a sparse device: its size and where it lies. */
#ifndef HEATBATH_TOPOLOGY_H
#define HEATBATH_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/regs.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where a list lies that is longer than the topology window: behind the end of the largest device memory. */
#define HB_TOPOLOGY_FAR UINT64_C(0x20000000000)

/* Bytes of the list: two uint32 for each coupler, then, with CAPS.GRAPH_COUPLINGS, a float32 for each of its values
 * (two with the layout FULL). */
static inline uint64_t hb_topology_bytes(uint32_t couplers, bool graph_couplings, bool full) {
  return (uint64_t)couplers * (8u + (graph_couplings ? (full ? 8u : 4u) : 0u));
}

/* Its address: HB_TOPOLOGY_BASE where the window holds it, else HB_TOPOLOGY_FAR, which a bus of 32 bits does not
 * reach. */
static inline uint64_t hb_topology_address(uint64_t bytes) {
  return bytes <= HB_MEMORY_BASE - HB_TOPOLOGY_BASE ? HB_TOPOLOGY_BASE : HB_TOPOLOGY_FAR;
}

#ifdef __cplusplus
}
#endif
#endif
