#include "heatbath/status.h"

const char *hb_status_name(hb_status_t status) {
  switch (status) {
#define CASE(name, value, meaning) \
  case HB_##name:                  \
    return #name;
    HB_STATUS_LIST(CASE)
#undef CASE
  }
  return "UNKNOWN";
}

const char *hb_status_meaning(hb_status_t status) {
  switch (status) {
#define CASE(name, value, meaning) \
  case HB_##name:                  \
    return meaning;
    HB_STATUS_LIST(CASE)
#undef CASE
  }
  return "a number outside the list of statuses";
}
