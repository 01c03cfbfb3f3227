#include "heatbath/program_builder.h"

#include "heatbath/cells.h"
#include "heatbath/codes.h"
#include "registers.h"

enum { ALIGNMENT = 64, CHUNK_WORDS = 16 };

static uint64_t aligned(uint64_t bytes) { return (bytes + (ALIGNMENT - 1u)) & ~(uint64_t)(ALIGNMENT - 1u); }

static bool good(const hb_program_t *program) { return program != NULL && program->status == HB_OK; }

static void fail(hb_program_t *program, hb_status_t status) {
  if (program->status == HB_OK) program->status = status;
}

static uint32_t bits_of(float value) {
  union {
    float value;
    uint32_t bits;
  } both;
  both.value = value;
  return both.bits;
}

static bool is_finite(float value) { return (bits_of(value) & 0x7F800000u) != 0x7F800000u; }

static uint32_t parameter_bytes(const hb_program_t *program) {
  switch (program->capabilities->param_number) {
    case HB_CAPS_PARAM_FORMAT_NUMBER_CODE8:
      return 1;
    case HB_CAPS_PARAM_FORMAT_NUMBER_CODE16:
      return 2;
    default:
      return 4;
  }
}

hb_status_t hb_program_begin(hb_program_t *program, const hb_mmio_t *mmio, const hb_capabilities_t *capabilities,
                             uint32_t cells, uint64_t base, uint32_t room) {
  if (program == NULL) return HB_BAD_ARG;
  program->mmio = mmio;
  program->capabilities = capabilities;
  program->cells = cells;
  program->base = base;
  program->count = 0;
  program->room = room;
  program->next = base + (uint64_t)room * sizeof(hb_instruction_t);
  program->open_loops = 0;
  program->status = HB_OK;
  if (!hb_reaches_memory(mmio) || capabilities == NULL || room == 0 || base % ALIGNMENT != 0) {
    program->status = HB_BAD_ARG;
  } else if (cells == 0 || cells > capabilities->cells) {
    program->status = HB_BAD_ARG;
  } else if (room > capabilities->program_max || program->next > capabilities->memory_bytes || program->next < base) {
    program->status = HB_OUT_OF_MEMORY;
  }
  return program->status;
}

/* An instruction without operands. */
static hb_instruction_t instruction_of(hb_op_t op) {
  const hb_instruction_t instruction = {(uint16_t)op, 0, 0, 0, 0, 0, 0, 0, 0, {0, 0, 0}};
  return instruction;
}

static void append(hb_program_t *program, hb_instruction_t instruction) {
  if (!good(program)) return;
  /* The last place is HALT's. */
  if (program->count + (instruction.op == HB_OP_HALT ? 0u : 1u) >= program->room) {
    fail(program, HB_OUT_OF_MEMORY);
    return;
  }
  program->mmio->write_block(program->mmio->context, program->base + (uint64_t)program->count * sizeof instruction,
                             &instruction, sizeof instruction);
  ++program->count;
}

static void append_op(hb_program_t *program, hb_op_t op) { append(program, instruction_of(op)); }

static void append_ticks(hb_program_t *program, hb_op_t op, uint64_t ticks, uint32_t flags) {
  hb_instruction_t instruction = instruction_of(op);
  instruction.ticks = ticks;
  instruction.flags = flags;
  append(program, instruction);
}

/* Room in device memory behind everything else: its offset, 0 when there is none. */
static uint64_t reserve(hb_program_t *program, uint64_t bytes) {
  if (!good(program)) return 0;
  const uint64_t at = program->next, next = aligned(at + bytes);
  if (next > program->capabilities->memory_bytes || next < at) {
    fail(program, HB_OUT_OF_MEMORY);
    return 0;
  }
  program->next = next;
  return at;
}

/* Values on their way to device memory, a few words at a time. */
typedef struct stream {
  const hb_program_t *program;
  uint64_t at;
  uint32_t bytes; /* in the buffer */
  uint32_t words[CHUNK_WORDS];
} stream_t;

static void flush(stream_t *out) {
  if (out->bytes == 0) return;
  const uint32_t whole = (out->bytes + 3u) & ~3u;
  out->program->mmio->write_block(out->program->mmio->context, out->at, out->words, whole);
  out->at += whole;
  out->bytes = 0;
}

static void put(stream_t *out, uint32_t bits, uint32_t width) {
  const uint32_t word = out->bytes / 4u, shift = 8u * (out->bytes % 4u);
  if (shift == 0) out->words[word] = 0;
  out->words[word] |= (width == 4u ? bits : bits & ((1u << 8u * width) - 1u)) << shift;
  out->bytes += width;
  if (out->bytes == 4u * CHUNK_WORDS) flush(out);
}

static void put_parameter(stream_t *out, float value, float range) {
  const hb_capabilities_t *const caps = out->program->capabilities;
  const uint32_t width = parameter_bytes(out->program);
  put(out, width == 4u ? bits_of(value) : (uint32_t)hb_value_to_code(value, range, caps->param_bits), width);
}

/* Values of a section that cells have. */
static uint64_t values_of_cells(const hb_program_t *program, hb_section_t section) {
  return (uint64_t)program->cells * (hb_section_is_per_state(section) ? program->capabilities->states : 1u);
}

static bool check_section(hb_program_t *program, hb_section_t section) {
  if (!good(program)) return false;
  if (!hb_cell_has_section(program->capabilities->cell_kind, section)) fail(program, HB_UNSUPPORTED);
  return good(program);
}

static void load_at(hb_program_t *program, hb_section_t section, uint64_t at) {
  hb_instruction_t instruction = instruction_of(HB_OP_LOAD);
  instruction.section = (uint16_t)section;
  instruction.addr = at;
  append(program, instruction);
}

uint64_t hb_program_couplings(const hb_program_t *program) {
  if (program == NULL || program->capabilities == NULL) return 0;
  if (program->capabilities->topology == HB_CAPS_CELL_TOPOLOGY_SPARSE) return 0;
  const uint64_t n = program->cells;
  return program->capabilities->param_layout == HB_CAPS_PARAM_FORMAT_LAYOUT_FULL ? n * n : n * (n - 1u) / 2u;
}

void hb_program_load(hb_program_t *program, hb_section_t section, const float *values, uint32_t count) {
  if (!check_section(program, section)) return;
  if (section == HB_SECTION_GAIN || (section == HB_SECTION_KT && !program->capabilities->kt_per_cell)) {
    fail(program, HB_UNSUPPORTED);
    return;
  }
  const uint64_t couplings = hb_program_couplings(program);
  const uint64_t needed = section != HB_SECTION_COUPLING ? values_of_cells(program, section) : couplings != 0 ? couplings : count;
  if (values == NULL || count == 0 || count != needed) {
    fail(program, HB_BAD_ARG);
    return;
  }
  for (uint32_t k = 0; k < count; ++k)
    if (!is_finite(values[k])) fail(program, HB_BAD_ARG);
  const uint64_t at = reserve(program, (uint64_t)count * parameter_bytes(program));
  if (!good(program)) return;
  stream_t out = {program, at, 0, {0}};
  const float range = hb_section_range(program->capabilities, section);
  for (uint32_t k = 0; k < count; ++k) put_parameter(&out, values[k], range);
  flush(&out);
  load_at(program, section, at);
}

void hb_program_load_all(hb_program_t *program, hb_section_t section, float value) {
  if (!check_section(program, section)) return;
  if (section == HB_SECTION_KT && !program->capabilities->kt_programmable) fail(program, HB_UNSUPPORTED);
  if (!is_finite(value)) fail(program, HB_BAD_ARG);
  hb_instruction_t instruction = instruction_of(HB_OP_LOAD);
  instruction.section = (uint16_t)section;
  instruction.flags = HB_FLAG_IMMEDIATE;
  instruction.imm = bits_of(value);
  append(program, instruction);
}

void hb_program_load_matrix(hb_program_t *program, const float *matrix) {
  if (!check_section(program, HB_SECTION_COUPLING)) return;
  const uint32_t n = program->cells;
  const bool full = program->capabilities->param_layout == HB_CAPS_PARAM_FORMAT_LAYOUT_FULL;
  if (program->capabilities->topology == HB_CAPS_CELL_TOPOLOGY_SPARSE) fail(program, HB_UNSUPPORTED);
  if (matrix == NULL) {
    fail(program, HB_BAD_ARG);
    return;
  }
  for (uint32_t i = 0; i < n; ++i)
    for (uint32_t k = 0; k < n; ++k) {
      const float entry = matrix[(uint64_t)i * n + k];
      const bool fits = i == k ? entry == 0.0f : full || entry == matrix[(uint64_t)k * n + i];
      if (!is_finite(entry) || !fits) fail(program, HB_BAD_ARG);
    }
  if (n < 2 || !good(program)) return;
  const uint64_t at = reserve(program, hb_program_couplings(program) * parameter_bytes(program));
  if (!good(program)) return;
  stream_t out = {program, at, 0, {0}};
  for (uint32_t i = 0; i < n; ++i)
    for (uint32_t k = full ? 0 : i + 1u; k < n; ++k)
      put_parameter(&out, matrix[(uint64_t)i * n + k], program->capabilities->range_coupling);
  flush(&out);
  load_at(program, HB_SECTION_COUPLING, at);
}

void hb_program_commit(hb_program_t *program) { append_op(program, HB_OP_COMMIT); }

void hb_program_evolve(hb_program_t *program, uint64_t ticks) { append_ticks(program, HB_OP_EVOLVE, ticks, 0); }

void hb_program_ramp(hb_program_t *program, uint64_t ticks) { append_ticks(program, HB_OP_RAMP, ticks, 0); }

/* SET, CLAMP and RELEASE of variables in 0..limit-1. */
static bool check_range(hb_program_t *program, uint32_t first, uint32_t count, uint32_t limit) {
  if (!good(program)) return false;
  if (count == 0 || first >= limit || count > limit - first) fail(program, HB_BAD_ARG);
  return good(program);
}

static void hold(hb_program_t *program, hb_op_t op, uint32_t first, uint32_t count, const float *values, float value) {
  if (!good(program)) return;
  if (op == HB_OP_SET && !program->capabilities->state_write) fail(program, HB_UNSUPPORTED);
  const uint32_t variables = program->cells * (op == HB_OP_SET ? program->capabilities->components : 1u);
  if (!check_range(program, first, count, variables)) return;
  hb_instruction_t instruction = instruction_of(op);
  instruction.first = first;
  instruction.count = count;
  if (values == NULL) {
    if (!is_finite(value)) fail(program, HB_BAD_ARG);
    instruction.flags = HB_FLAG_IMMEDIATE;
    instruction.imm = bits_of(value);
  } else {
    for (uint32_t k = 0; k < count; ++k)
      if (!is_finite(values[k])) fail(program, HB_BAD_ARG);
    instruction.addr = reserve(program, 4ull * count);
    if (!good(program)) return;
    stream_t out = {program, instruction.addr, 0, {0}};
    for (uint32_t k = 0; k < count; ++k) put(&out, bits_of(values[k]), 4);
    flush(&out);
  }
  append(program, instruction);
}

void hb_program_set(hb_program_t *program, uint32_t first, const float *values, uint32_t count) {
  if (good(program) && values == NULL) fail(program, HB_BAD_ARG);
  hold(program, HB_OP_SET, first, count, values, 0);
}

void hb_program_set_all(hb_program_t *program, uint32_t first, uint32_t count, float value) {
  hold(program, HB_OP_SET, first, count, NULL, value);
}

void hb_program_clamp(hb_program_t *program, uint32_t first, const float *values, uint32_t count) {
  if (good(program) && values == NULL) fail(program, HB_BAD_ARG);
  hold(program, HB_OP_CLAMP, first, count, values, 0);
}

void hb_program_clamp_all(hb_program_t *program, uint32_t first, uint32_t count, float value) {
  hold(program, HB_OP_CLAMP, first, count, NULL, value);
}

void hb_program_release(hb_program_t *program, uint32_t first, uint32_t count) {
  if (program == NULL || !check_range(program, first, count, program->cells)) return;
  hb_instruction_t instruction = instruction_of(HB_OP_RELEASE);
  instruction.first = first;
  instruction.count = count;
  append(program, instruction);
}

void hb_program_sample(hb_program_t *program) { append_op(program, HB_OP_SAMPLE); }

void hb_program_capture_start(hb_program_t *program, uint64_t period, bool now) {
  append_ticks(program, HB_OP_CAPTURE_START, period, now ? HB_FLAG_NOW : 0u);
}

void hb_program_capture_stop(hb_program_t *program) { append_op(program, HB_OP_CAPTURE_STOP); }

void hb_program_meter_clear(hb_program_t *program) {
  if (good(program) && !program->capabilities->meters) fail(program, HB_UNSUPPORTED);
  append_op(program, HB_OP_METER_CLEAR);
}

uint64_t hb_program_meter_snapshot(hb_program_t *program, uint32_t flags) {
  if (!good(program)) return 0;
  const hb_capabilities_t *const caps = program->capabilities;
  if ((flags & ~HB_METER_FLAGS) != 0) fail(program, HB_BAD_ARG);
  for (uint32_t meter = 0; meter < HB_METERS; ++meter) {
    const uint32_t flag = hb_meter_list[meter].flag;
    if ((flag == 0 || (flags & flag) != 0) && !hb_has_meter(caps, (hb_meter_t)meter)) fail(program, HB_UNSUPPORTED);
  }
  hb_instruction_t instruction = instruction_of(HB_OP_METER_SNAPSHOT);
  instruction.flags = flags;
  instruction.addr = reserve(program, hb_snapshot_bytes(flags, caps->lanes, program->cells));
  append(program, instruction);
  return good(program) ? instruction.addr : 0;
}

uint64_t hb_program_readback(hb_program_t *program, hb_section_t section, uint32_t count) {
  if (!check_section(program, section)) return 0;
  if (!program->capabilities->readback) fail(program, HB_UNSUPPORTED);
  if (count == 0) fail(program, HB_BAD_ARG);
  hb_instruction_t instruction = instruction_of(HB_OP_READBACK);
  instruction.section = (uint16_t)section;
  instruction.addr = reserve(program, (uint64_t)count * parameter_bytes(program));
  append(program, instruction);
  return good(program) ? instruction.addr : 0;
}

void hb_program_loop_begin(hb_program_t *program, uint32_t times) {
  if (!good(program)) return;
  if (times == 0) fail(program, HB_BAD_ARG);
  if (program->open_loops >= program->capabilities->loop_depth) fail(program, HB_UNSUPPORTED);
  hb_instruction_t instruction = instruction_of(HB_OP_LOOP_BEGIN);
  instruction.count = times;
  append(program, instruction);
  ++program->open_loops;
}

void hb_program_loop_end(hb_program_t *program) {
  if (!good(program)) return;
  if (program->open_loops == 0) {
    fail(program, HB_BAD_ARG);
    return;
  }
  append_op(program, HB_OP_LOOP_END);
  --program->open_loops;
}

void hb_program_interrupt(hb_program_t *program, uint32_t tag) {
  hb_instruction_t instruction = instruction_of(HB_OP_INTERRUPT);
  instruction.imm = tag;
  append(program, instruction);
}

hb_status_t hb_program_end(hb_program_t *program) {
  if (program == NULL) return HB_BAD_ARG;
  if (good(program) && program->open_loops != 0) fail(program, HB_BAD_ARG);
  append_op(program, HB_OP_HALT);
  return program->status;
}
