/* The capability registers, read in the order of their offsets. */
#ifndef HEATBATH_CAPABILITY_READER_H
#define HEATBATH_CAPABILITY_READER_H

#include "heatbath/capabilities.h"
#include "heatbath/mmio.h"
#include "heatbath/status.h"

/* HB_DEVICE when a size is zero or a range, temperature, mobility or energy unit is negative, infinite or not a number;
 * *caps may then be written in part. */
hb_status_t hb_capability_read(const hb_mmio_t *mmio, hb_capabilities_t *caps);

#endif
