#ifndef HEATBATH_TESTS_C_HOST_H
#define HEATBATH_TESTS_C_HOST_H

#include <stdint.h>

#include "heatbath/program.h"
#include "heatbath/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Three coupled cells, three shots, four records: `room` states, the meters of the last shot, calls of the progress. */
hb_status_t hb_c_host_run(const char *uri, float *states, uint32_t room, hb_meters_t *meters, int *calls);

#ifdef __cplusplus
}
#endif
#endif
