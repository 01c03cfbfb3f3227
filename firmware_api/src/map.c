#include "heatbath/map.h"

#include <stddef.h>

#include "registers.h"

/* Looks at a file without a pause: a second or so. */
enum { LOOKS_MAX = 1 << 28 };

/* Device memory and registers are seen in the order of the program. */
static inline void fence(void) {
#ifdef __GNUC__
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

static bool go_on(hb_map_t *map, uint32_t looks) {
  const bool patient = map->pause != NULL ? map->pause(looks) : looks < LOOKS_MAX;
  if (!patient) map->lost = true;
  return patient;
}

/* Waits until what was written has been carried out: a round that began afterwards has ended. */
static void settle(hb_map_t *map) {
  if (map->rounds == NULL || !map->written || map->lost) return;
  const uint32_t began = *map->rounds / 2u;
  uint32_t looks = 0;
  while ((*map->rounds / 2u - began) % 0x80000000u < 2u && go_on(map, ++looks)) {
  }
  map->written = false;
  fence();
}

static uint32_t read_register(void *context, uint32_t offset) {
  hb_map_t *const map = context;
  settle(map);
  const volatile uint32_t *const word = map->registers + offset / 4u;
  uint32_t value = *word;
  if (map->rounds != NULL) {
    /* Not while the server puts values in: the next register read is then of the same instant or a later one. */
    uint32_t before, looks = 0;
    do {
      before = *map->rounds;
      fence();
      value = *word;
      fence();
    } while ((before % 2u != 0 || *map->rounds != before) && !map->lost && go_on(map, ++looks));
    if (map->lost) return 0;
  }
  fence();
  return value;
}

static void write_register(void *context, uint32_t offset, uint32_t value) {
  hb_map_t *const map = context;
  fence();
  map->registers[offset / 4u] = value;
  map->written = true;
}

static void read_memory(void *context, uint64_t offset, void *out, uint32_t bytes) {
  hb_map_t *const map = context;
  settle(map);
  const volatile uint32_t *const from = map->memory + offset / 4u;
  unsigned char *const to = out;
  for (uint32_t at = 0; at < bytes; at += 4u) {
    const uint32_t word = from[at / 4u];
    for (uint32_t k = 0; k < 4u; ++k) to[at + k] = (unsigned char)(word >> 8u * k);
  }
}

static void write_memory(void *context, uint64_t offset, const void *data, uint32_t bytes) {
  const hb_map_t *const map = context;
  volatile uint32_t *const to = map->memory + offset / 4u;
  const unsigned char *const from = data;
  for (uint32_t at = 0; at < bytes; at += 4u)
    to[at / 4u] = (uint32_t)from[at] | (uint32_t)from[at + 1u] << 8 | (uint32_t)from[at + 2u] << 16 |
                  (uint32_t)from[at + 3u] << 24;
}

static bool pause_map(void *context, uint32_t looks) {
  const hb_map_t *const map = context;
  return map->pause(looks);
}

hb_mmio_t hb_map_mmio(hb_map_t *map) {
  const bool memory = map->memory != NULL, waits = map->pause != NULL;
  const hb_mmio_t mmio = {read_register, write_register, map, memory ? read_memory : NULL, memory ? write_memory : NULL,
                          waits ? pause_map : NULL};
  return mmio;
}

hb_status_t hb_map_file(void *file, uint64_t bytes, hb_map_t *map) {
  if (file == NULL || map == NULL || bytes % 4u != 0 || bytes <= HB_WINDOW_BYTES + HB_MAP_FILE_TRAILER)
    return HB_BAD_ARG;
  volatile uint32_t *const words = file;
  map->registers = words;
  map->memory = words + HB_WINDOW_BYTES / 4u;
  map->pause = NULL;
  map->rounds = words + (bytes - HB_MAP_FILE_TRAILER) / 4u;
  map->written = true; /* whatever the file holds may be older than its server */
  map->lost = false;
  return HB_OK;
}
