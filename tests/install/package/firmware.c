/* C11 code on the firmware API: asks a device that is not there for its identity. */
#include <stdio.h>

#include "heatbath/dif_identity.h"

static uint32_t read_nothing(void *context, uint32_t offset) {
  (void)context;
  (void)offset;
  return 0;
}

static void write_nothing(void *context, uint32_t offset, uint32_t value) {
  (void)context;
  (void)offset;
  (void)value;
}

int main(void) {
  const hb_mmio_t bus = {.read32 = read_nothing, .write32 = write_nothing};
  const hb_status_t status = hb_dif_identity_check(&bus);
  printf("%s: %s\n", hb_status_name(status), hb_status_meaning(status));
  return status == HB_DEVICE ? 0 : 1;
}
