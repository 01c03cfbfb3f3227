#include "heatbath/program.h"

const char *hb_op_name(hb_op_t op) {
  switch (op) {
#define CASE(name, value, doc) \
  case HB_OP_##name:           \
    return #name;
    HB_OP_LIST(CASE)
#undef CASE
  }
  return "?";
}

const char *hb_field_name(hb_field_t field) {
  switch (field) {
    case HB_FIELD_NONE:
      return "none";
    case HB_FIELD_OP:
      return "op";
    case HB_FIELD_SECTION:
      return "section";
    case HB_FIELD_FLAGS:
      return "flags";
    case HB_FIELD_FIRST:
      return "first";
    case HB_FIELD_COUNT:
      return "count";
    case HB_FIELD_IMM:
      return "imm";
    case HB_FIELD_LANE_STRIDE:
      return "lane_stride";
    case HB_FIELD_ADDR:
      return "addr";
    case HB_FIELD_TICKS:
      return "ticks";
    case HB_FIELD_RESERVED:
      return "reserved";
    case HB_FIELD_OPERAND:
      return "operand";
  }
  return "?";
}
