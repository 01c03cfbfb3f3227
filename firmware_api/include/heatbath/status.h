/* Statuses of the Heatbath device, its firmware API and its driver: one list, from which the C enum, the
 * names and the code of the C++ exception are made. */
#ifndef HEATBATH_STATUS_H
#define HEATBATH_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, value, meaning). Values are part of the register map (COMMAND_ACK, FAULT_CODE): never renumber. */
#define HB_STATUS_LIST(X)                                                                                     \
  X(OK, 0, "done")                                                                                            \
  X(BAD_ARG, 1, "an argument is wrong; nothing was done")                                                     \
  X(BUSY, 2, "the device is busy; nothing was done and a retry is safe")                                      \
  X(TIMEOUT, 3, "the limit in device ticks passed")                                                           \
  X(LINK, 4, "the link to the device was lost")                                                               \
  X(DEVICE, 5, "the device misbehaved: wrong identity, or an answer outside its contract")                    \
  X(UNSUPPORTED, 6, "the device does not advertise this capability")                                          \
  X(BAD_PROGRAM, 7, "the program was rejected; the fault registers name instruction and field")               \
  X(CAPTURE_OVERRUN, 8, "the capture ring was full and a record was lost")                                    \
  X(ABORTED, 9, "the job was aborted or cancelled")                                                           \
  X(OUT_OF_MEMORY, 10, "device memory cannot hold the job")                                                   \
  X(IO, 11, "a file could not be read or written")                                                            \
  X(UNSTABLE, 12, "the step is too long for the parameters: the array would diverge")                          \
  X(PARITY, 13, "a bit of device memory had flipped where the job read it")                                   \
  X(OVERHEATED, 14, "the die passed its limit and the array was switched off until it has cooled")            \
  X(BROWN_OUT, 15, "the supply failed: the job and what device memory held are lost")                         \
  X(WATCHDOG, 16, "the sequencer stood still and its watchdog stopped the job")                               \
  X(DEFECT, 17, "a cell of the device stopped moving while the job ran")

/* Statuses, by the list above. */
typedef enum hb_status {
#define HB_STATUS_ENUM(name, value, meaning) HB_##name = (value),
  HB_STATUS_LIST(HB_STATUS_ENUM)
#undef HB_STATUS_ENUM
} hb_status_t;

/* Name of a status without prefix ("BAD_ARG"); "UNKNOWN" for a number outside the list. Never NULL. */
const char *hb_status_name(hb_status_t status);

/* What the status means, one clause. Never NULL. */
const char *hb_status_meaning(hb_status_t status);

#ifdef __cplusplus
}
#endif
#endif
