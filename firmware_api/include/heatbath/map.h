/* A device in the address space: on the processor's bus, behind a PCI BAR or a uio device that the system has mapped,
 * or the file that stands in for one (`heatbath serve --listen uio:FILE`, docs/links.md). */
#ifndef HEATBATH_MAP_H
#define HEATBATH_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "heatbath/mmio.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Where the windows of a device are. One owner; it must outlive the hb_mmio_t made of it. */
typedef struct hb_map {
  volatile uint32_t *registers; /* HB_WINDOW_BYTES */
  volatile uint32_t *memory;    /* device memory; NULL where it is not mapped: then there are no block verbs */
  /* Called between two looks; NULL: none. As pause of hb_mmio_t, without a context. */
  bool (*pause)(uint32_t looks);
  /* The rest is the map's own: zero for a part on a bus, set by hb_map_file() for a file. */
  volatile const uint32_t *rounds; /* how often the server of the file has looked at it, twice */
  bool written;                    /* a write was stored that the server has not been seen to carry out */
  bool lost;                       /* the server stood still, or pause gave up: reads have been 0 since */
} hb_map_t;

/* The verbs over a map. On a file each read waits until the server has carried out what was written before it, as a bus
 * would; without a pause for a second or so at most, then `lost` is set. */
hb_mmio_t hb_map_mmio(hb_map_t *map);

/* The map of a whole file that stands in for a device, `bytes` long and mapped at `file` (readable, writable, shared).
 * HB_BAD_ARG when it is too short to be one. *map is written on HB_OK only, its pause is NULL. */
hb_status_t hb_map_file(void *file, uint64_t bytes, hb_map_t *map);

/* Bytes of the last page of such a file. Its first word counts the rounds of the server: it goes up when a round begins
 * to put register values into the file and again when it has put them. What was stored before a round began is carried
 * out, and its effects are there, when that round has ended; what is read between two equal even counts is of one
 * instant. Its second word is the size of the list of couplers, which lies in whole pages between device memory and it;
 * the registers come first. */
#define HB_MAP_FILE_TRAILER 4096u

#ifdef __cplusplus
}
#endif
#endif
