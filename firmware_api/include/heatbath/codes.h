/* Nominal transfer between values and converter codes: THE place where a code gets its meaning. A code of b bits is
 * two's complement, -2^(b-1) .. 2^(b-1)-1, one step is range / 2^(b-1). What a real converter does beyond this
 * (gain, offset, non-linearity) is the device's affair. */
#ifndef HEATBATH_CODES_H
#define HEATBATH_CODES_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One step of a converter of `bits` bits (2..16) with full scale `range` (> 0), in the units of range. */
static inline float hb_code_step(float range, uint32_t bits) { return range / (float)(1u << (bits - 1u)); }

/* Value of a code. */
static inline float hb_code_to_value(int32_t code, float range, uint32_t bits) {
  return (float)code * hb_code_step(range, bits);
}

/* Nearest code of a finite value, halves away from zero, saturated at both ends. */
static inline int32_t hb_value_to_code(float value, float range, uint32_t bits) {
  const int32_t top = (int32_t)(1u << (bits - 1u)) - 1;
  const float scaled = value / hb_code_step(range, bits);
  if (scaled >= (float)top) return top;
  if (scaled <= (float)(-top - 1)) return -top - 1;
  const int32_t whole = (int32_t)scaled;
  const float rest = scaled - (float)whole; /* exact; scaled + 0.5f would round the float below 0.5 up */
  return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

#ifdef __cplusplus
}
#endif
#endif
