#include "registers.h"

/* A write may be lost on the way; its repeat is ignored unless it was. */
enum { WRITES = 4, POLLS_PER_WRITE = 16, SEQUENCE_SHIFT = 16 };

hb_status_t hb_sequenced_write(const hb_mmio_t *mmio, uint32_t command, uint32_t answer, uint32_t payload,
                               uint32_t *answered) {
  const uint32_t last = hb_read(mmio, answer) >> SEQUENCE_SHIFT;
  const uint32_t sequence = (last + 1u) & 0xFFFFu;
  for (int write = 0; write < WRITES; ++write) {
    hb_write(mmio, command, payload | sequence << SEQUENCE_SHIFT);
    for (int poll = 0; poll < POLLS_PER_WRITE; ++poll) {
      *answered = hb_read(mmio, answer);
      if (*answered >> SEQUENCE_SHIFT == sequence) return HB_OK;
    }
  }
  for (uint32_t looks = 1; mmio->pause != NULL && mmio->pause(mmio->context, looks); ++looks) {
    *answered = hb_read(mmio, answer);
    if (*answered >> SEQUENCE_SHIFT == sequence) return HB_OK;
  }
  return HB_TIMEOUT;
}
