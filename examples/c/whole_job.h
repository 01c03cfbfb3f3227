/* One job, for whatever drives it: a memory map, a bare-metal board, libheatbath. */
#ifndef WHOLE_JOB_H
#define WHOLE_JOB_H

#include "heatbath/mmio.h"
#include "heatbath/status.h"

/* Samples two coupled cells on the device behind mmio, seed 7, 100 records; *product is the mean of x0 x1. */
hb_status_t whole_job(const hb_mmio_t *mmio, double *product, uint32_t *records);

#endif
