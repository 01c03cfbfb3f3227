/* A bare-metal user of the firmware API in plain C11: registers are words of an array. */
#include "heatbath/codes.h"
#include "heatbath/dif_capability.h"
#include "heatbath/dif_capture.h"
#include "heatbath/dif_identity.h"
#include "heatbath/dif_interrupt.h"
#include "heatbath/dif_job.h"
#include "heatbath/dif_time.h"
#include "heatbath/mmio.h"
#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "heatbath/status.h"

#if HB_MEMORY_BASE < HB_WINDOW_BYTES
#error "registers and memory overlap"
#endif

_Static_assert(HB_OK == 0, "a zero status is success");
_Static_assert(sizeof(hb_instruction_t) % 8 == 0, "instructions pack");

static volatile uint32_t window[HB_WINDOW_BYTES / 4];

static uint32_t read_window(void *context, uint32_t offset) { return ((volatile uint32_t *)context)[offset / 4]; }

/* Accepts commands the way a device does: once per sequence number, always successful. */
static void write_window(void *context, uint32_t offset, uint32_t value) {
  volatile uint32_t *registers = context;
  registers[offset / 4] = value;
  if (offset == HB_COMMAND_OFFSET) registers[HB_COMMAND_ACK_OFFSET / 4] = value & HB_COMMAND_ACK_SEQ_MASK;
}

hb_status_t hb_c_consumer_run(uint32_t *sequence);

hb_status_t hb_c_consumer_run(uint32_t *sequence) {
  const hb_mmio_t mmio = {.read32 = read_window, .write32 = write_window, .context = (void *)window};
  const hb_job_config_t job = {.program_count = 1, .active_cells = 4, .shots = 1};
  const hb_capture_config_t ring = {.base = 64, .slots = 2};
  window[HB_ID_OFFSET / 4] = HB_ID_RESET;
  window[HB_MAP_VERSION_OFFSET / 4] = HB_MAP_MAJOR << HB_MAP_VERSION_MAJOR_SHIFT;

  hb_status_t status = hb_dif_identity_check(&mmio);
  if (status == HB_OK) status = hb_dif_identity_scratch_test(&mmio);
  if (status == HB_OK) status = hb_dif_capture_configure(&mmio, ring);
  if (status == HB_OK) status = hb_dif_interrupt_acknowledge(&mmio, HB_INTERRUPT_ALL);
  if (status == HB_OK) status = hb_dif_job_configure(&mmio, job);
  if (status == HB_OK) status = hb_dif_job_start(&mmio);
  if (status == HB_OK) status = hb_dif_reset(&mmio);
  *sequence = window[HB_COMMAND_OFFSET / 4] >> HB_COMMAND_SEQ_SHIFT;
  return status;
}
