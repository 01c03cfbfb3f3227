// Claims on programs, captures, stopping and determinism.

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "conformance/claims.hpp"
#include "conformance/expect.hpp"
#include "heatbath/cells.h"
#include "heatbath/dif_capture.h"
#include "heatbath/dif_interrupt.h"
#include "heatbath/dif_job.h"
#include "heatbath/dif_time.h"
#include "heatbath/numerics/text.hpp"
#include "heatbath/program.h"
#include "heatbath/regs.h"

namespace heatbath::conformance {
namespace {

/// Largest error of a captured state: half a code and a rest of rounding, or none where states are floats; of an analog
/// one, which a device has that hides its step, the noise, the curve and the crosstalk of the converter beside it.
float capture_error(const Device& device) {
  const Capabilities& caps = device.capabilities();
  if (caps.capture_number == Number::float32) return 0.0f;
  const float code = caps.range_state / static_cast<float>(1u << (caps.capture_bits - 1));
  const bool analog = device.step().count == 0 && !is_discrete(caps.cell_kind);
  return analog ? 5 * code : code;
}

Ticks period_of(const Device& device) { return device.capture_period(Ticks{1}); }

/// What a cell clamped to x is held at: p-bits have two states, categorical cells whole numbers.
float held(const Capabilities& caps, float x) {
  if (caps.states > 1) return std::clamp(std::nearbyint(x), 0.0f, static_cast<float>(caps.states - 1));
  return caps.cell_kind != CellKind::pbit ? x : x < 0 ? -1.0f : 1.0f;
}

/// Parameters with which cells of any kind have something to do.
Program& commit_some(Program& program, float strength = 1.0f) {
  const bool stiff = has_section(program.capabilities().cell_kind, HB_SECTION_J2);
  return program.load(stiff ? CellSection::j2 : CellSection::bias, strength).commit();
}

/// A program without end, as far as a check is concerned.
Program endless(const Device& device) {
  Program program(device.capabilities(), 1);
  commit_some(program).evolve(period_of(device) * 100000000);
  return program;
}

void expect_works(Device& device, const std::string& when) {
  Program program(device.capabilities(), 1);
  program.clamp(0, 1, 0.5f).sample();
  const Result result = device.run(program);
  const Capabilities& caps = device.capabilities();
  expect(std::fabs(result.capture.state(0, 0)[0] - held(caps, 0.5f)) <= capture_error(device),
         "a cell clamped to 0.5 is captured as " + numerics::general(result.capture.state(0, 0)[0]) + " " + when);
}

hb_instruction_t instruction(hb_op_t op) {
  hb_instruction_t one{};
  one.op = static_cast<std::uint16_t>(op);
  return one;
}

/// Places a raw program at offset 0 and starts it on one cell; capture records go to a ring of `slots` behind it.
hb_status_t start_raw(Device& device, const std::vector<hb_instruction_t>& program, std::uint32_t slots = 0,
                      std::uint32_t watermark = 0) {
  const Registers registers(device);
  device.transport().write_block(HB_MEMORY_BASE, std::as_bytes(std::span(program)));
  hb_capture_config_t ring{};
  ring.base = 1 << 16;
  ring.slots = slots;
  ring.watermark = watermark;
  expect_status(hb_dif_capture_configure(registers.mmio(), ring), HB_OK, "configuring the ring");
  hb_job_config_t job{};
  job.program_count = static_cast<std::uint32_t>(program.size());
  job.active_cells = 1;
  job.shots = 1;
  expect_status(hb_dif_job_configure(registers.mmio(), job), HB_OK, "configuring the job");
  return hb_dif_job_start(registers.mmio());
}

hb_job_status_t status_of(const Registers& registers) {
  hb_job_status_t status{};
  hb_dif_job_status(registers.mmio(), &status);
  return status;
}

/// Waits until no program runs; `ticks` bounds the wait.
hb_job_status_t wait_for_end(Device& device, std::uint64_t ticks) {
  const Registers registers(device);
  hb_dif_interrupt_enable_set(registers.mmio(), HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_ABORTED_MASK | HB_INTR_STATE_FAULT_MASK);
  const std::uint64_t slice = std::max<std::uint64_t>(1, ticks / 64);
  for (int k = 0; k < 128; ++k) {
    const hb_job_status_t status = status_of(registers);
    if (!status.running) return status;
    device.transport().wait_irq(slice);
  }
  throw Broken("the program still runs after twice the " + std::to_string(ticks) + " ticks it may take");
}

std::vector<hb_instruction_t> capturing(Ticks period, std::uint32_t records) {
  hb_instruction_t start = instruction(HB_OP_CAPTURE_START), evolve = instruction(HB_OP_EVOLVE);
  start.ticks = period.count;
  evolve.ticks = period.count * records;
  return {start, evolve, instruction(HB_OP_CAPTURE_STOP), instruction(HB_OP_HALT)};
}

hb_record_header_t header_at(Device& device, std::uint32_t slot, std::uint32_t record_bytes) {
  hb_record_header_t header{};
  device.transport().read_block(HB_MEMORY_BASE + (1 << 16) + std::uint64_t{slot} * record_bytes,
                                std::as_writable_bytes(std::span(&header, 1)));
  return header;
}

std::vector<float> states(const Result& result) {
  std::vector<float> all;
  for (std::uint32_t shot = 0; shot < result.capture.shots(); ++shot) {
    const auto trajectory = result.capture.trajectory(shot);
    all.insert(all.end(), trajectory.begin(), trajectory.end());
  }
  return all;
}

}  // namespace

namespace checks {

void programs(Device& device) {
  const Registers registers(device);
  const float error = capture_error(device);
  Program program(device.capabilities(), std::min(3u, device.capabilities().cells));
  const std::uint32_t cells = program.cells();
  program.clamp(0, cells, 0.25f).sample().interrupt(77).clamp(0, 1, -0.5f).evolve(period_of(device)).sample();
  const Result result = device.run(program, {.shots = 1});
  expect(result.capture.records() == 2, "two SAMPLEs left " + std::to_string(result.capture.records()) + " records");
  for (std::uint32_t cell = 0; cell < cells; ++cell) {
    const float first = result.capture.state(0, 0)[cell], second = result.capture.state(0, 1)[cell];
    expect(std::fabs(first - held(device.capabilities(), 0.25f)) <= error, "cell " + std::to_string(cell) + " clamped to 0.25 is " + numerics::general(first));
    const float wanted = held(device.capabilities(), cell == 0 ? -0.5f : 0.25f);
    expect(std::fabs(second - wanted) <= error, "cell " + std::to_string(cell) + " clamped to " + numerics::general(wanted) +
                                                    " is " + numerics::general(second));
  }
  expect(result.array_ticks == period_of(device), "the array evolved " + std::to_string(result.array_ticks.count) +
                                                      " ticks; the program says " + std::to_string(period_of(device).count));
  expect(registers.get(HB_INTR_TAG_OFFSET) == 77, "INTR_TAG is not the tag of the INTERRUPT that ran");
  expect((registers.get(HB_INTR_STATE_OFFSET) & HB_INTR_STATE_PROGRAM_MASK) != 0, "INTERRUPT raised no INTR_STATE.PROGRAM");
  expect(status_of(registers).done, "STATUS.DONE is clear after HALT");
}

void loops(Device& device) {
  const Ticks period = period_of(device);
  Program program(device.capabilities(), 1);
  commit_some(program);
  program.loop_begin(3).evolve(period).loop_begin(2).sample().loop_end().loop_end();
  program.capture_start(period).evolve(period * 4).capture_stop();
  const Result result = device.run(program);
  const std::vector<std::uint64_t> expected{1, 1, 2, 2, 3, 3, 3, 4, 5, 6, 7};
  expect(result.capture.records() == expected.size(), std::to_string(result.capture.records()) + " records, expected " +
                                                          std::to_string(expected.size()));
  for (std::size_t n = 0; n < expected.size(); ++n)
    expect(result.capture.ticks()[n] == period * expected[n], "record " + std::to_string(n) + " stands at tick " +
               std::to_string(result.capture.ticks()[n].count) + ", expected " + std::to_string((period * expected[n]).count));
}

void refusals(Device& device) {
  const Registers registers(device);
  struct Wrong {
    const char* what;
    std::vector<hb_instruction_t> program;
    std::uint32_t pc;
    hb_field_t field;
  };
  hb_instruction_t unknown{}, reserved = instruction(HB_OP_COMMIT), range = instruction(HB_OP_CLAMP), no_time = instruction(HB_OP_EVOLVE);
  unknown.op = 999;
  reserved.reserved[1] = 1;
  range.count = device.capabilities().cells + 1;
  range.flags = HB_FLAG_IMMEDIATE;
  const hb_instruction_t halt = instruction(HB_OP_HALT), commit = instruction(HB_OP_COMMIT);
  const Wrong wrong[] = {
      {"an operation that does not exist", {unknown, halt}, 0, HB_FIELD_OP},
      {"a reserved field that is not zero", {commit, reserved, halt}, 1, HB_FIELD_RESERVED},
      {"a clamp of more cells than there are", {commit, commit, range, halt}, 2, HB_FIELD_COUNT},
      {"an evolution of no time", {no_time, halt}, 0, HB_FIELD_TICKS},
  };
  for (const Wrong& one : wrong) {
    expect_status(start_raw(device, one.program), HB_BAD_PROGRAM, std::string("START of ") + one.what);
    hb_job_fault_t fault{};
    hb_dif_job_fault(registers.mmio(), &fault);
    expect(fault.code == HB_BAD_PROGRAM && fault.pc == one.pc && fault.field == one.field,
           std::string(one.what) + ": the fault names instruction " + std::to_string(fault.pc) + ", field " +
               std::to_string(fault.field) + "; expected " + std::to_string(one.pc) + ", " + std::to_string(one.field));
    expect(!status_of(registers).running, std::string(one.what) + ": it runs nevertheless");
  }
  const auto lacking = [&](bool have, const char* capability, hb_instruction_t lacks) {
    if (have) return;
    const hb_status_t status = start_raw(device, {lacks, halt});
    expect(status == HB_BAD_PROGRAM || status == HB_UNSUPPORTED,
           std::string("an instruction that needs CAPS.") + capability + " was accepted without it");
  };
  hb_instruction_t set = instruction(HB_OP_SET);
  set.count = 1;
  set.flags = HB_FLAG_IMMEDIATE;
  lacking(device.capabilities().state_write, "STATE_WRITE", set);
  lacking(device.capabilities().meters, "METERS", instruction(HB_OP_METER_CLEAR));
  expect_works(device, "after refused programs");
}

void busy(Device& device) {
  const Registers registers(device);
  Job job = device.start(endless(device));
  expect_status(hb_dif_job_start(registers.mmio()), HB_BUSY, "START while a program runs");
  expect(status_of(registers).running, "a refused START stopped the program that ran");
  const std::uint32_t dt = registers.get(HB_DT_TICKS_OFFSET);
  registers.set(HB_DT_TICKS_OFFSET, dt + 1);
  expect(registers.get(HB_DT_TICKS_OFFSET) == dt, "DT_TICKS changed while a program ran");
  expect_error(HB_BUSY, "a second job", [&] { device.run(endless(device)); });
  job.cancel();
  expect_error(HB_ABORTED, "a cancelled job", [&] { job.wait(); });
}

void ring_wraps(Device& device) {
  const Registers registers(device);
  const hb_mmio_t* mmio = registers.mmio();
  const std::uint32_t records = 11, slots = 4;
  // The host must keep up: a period is long against its accesses.
  const Ticks period = device.capture_period(std::max(Ticks{4000}, device.step() * 4));
  hb_dif_interrupt_enable_set(mmio, HB_INTR_STATE_CAPTURE_MASK | HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_FAULT_MASK);
  expect_status(start_raw(device, capturing(period, records), slots, 1), HB_OK, "START of a capturing program");
  std::uint32_t tail = 0, bytes = 0;
  hb_dif_capture_record_bytes(mmio, &bytes);
  expect(bytes == hb_record_bytes(1, 1, bytes_of(device.capabilities().capture_number)),
         "CAPTURE_RECORD_BYTES is " + std::to_string(bytes));
  for (int looks = 0; looks < 1000; ++looks) {
    std::uint32_t pending = 0, head = 0;
    hb_dif_interrupt_state(mmio, &pending);
    hb_dif_interrupt_acknowledge(mmio, pending & HB_INTR_STATE_CAPTURE_MASK);
    const bool running = status_of(registers).running;
    hb_dif_capture_head(mmio, &head);
    expect(head - tail <= slots, "CAPTURE_HEAD runs " + std::to_string(head - tail) + " records ahead in a ring of " + std::to_string(slots));
    for (; tail != head; ++tail) {
      const hb_record_header_t header = header_at(device, tail % slots, bytes);
      expect(header.sequence == tail, "record " + std::to_string(header.sequence) + " lies where record " + std::to_string(tail) + " belongs");
      expect(header.ticks == period.count * (tail + 1), "record " + std::to_string(tail) + " was taken at tick " + std::to_string(header.ticks));
    }
    expect_status(hb_dif_capture_advance(mmio, tail), HB_OK, "moving CAPTURE_TAIL");
    if (!running) break;
    device.transport().wait_irq(period.count * 4);
  }
  expect(!status_of(registers).fault, "the ring overran though it was read in time");
  expect(tail == records, std::to_string(tail) + " records came; the program takes " + std::to_string(records));
  const std::uint32_t errors = registers.get(HB_ERR_ACCESS_OFFSET);
  registers.set(HB_CAPTURE_TAIL_OFFSET, tail + 1);
  expect(registers.get(HB_CAPTURE_TAIL_OFFSET) == tail && registers.get(HB_ERR_ACCESS_OFFSET) == errors + 1,
         "CAPTURE_TAIL may move beyond CAPTURE_HEAD");
}

void ring_full(Device& device) {
  const Registers registers(device);
  const hb_mmio_t* mmio = registers.mmio();
  const std::uint32_t records = 9, slots = 4;
  const Ticks period = period_of(device);
  const std::uint64_t enough = period.count * records * 4 + 1000000;
  expect_status(start_raw(device, capturing(period, records), slots), HB_OK, "START of a capturing program");
  if (!device.capabilities().capture_stalls) {
    const hb_job_status_t ended = wait_for_end(device, enough);
    hb_job_fault_t fault{};
    hb_dif_job_fault(mmio, &fault);
    expect(ended.fault && fault.code == HB_CAPTURE_OVERRUN, "a full ring that nobody reads is no CAPTURE_OVERRUN");
    expect(fault.info == slots, "the first lost record is said to be " + std::to_string(fault.info) + ", expected " + std::to_string(slots));
    return;
  }
  device.transport().wait_irq(enough);
  expect(status_of(registers).stalled, "a full ring does not stall the array");
  std::uint32_t head = 0, bytes = 0;
  hb_dif_capture_head(mmio, &head);
  hb_dif_capture_record_bytes(mmio, &bytes);
  expect(head == slots, "CAPTURE_HEAD is " + std::to_string(head) + " in a full ring of " + std::to_string(slots));
  std::uint32_t tail = 0;
  for (int looks = 0; looks < 100; ++looks) {
    const bool running = status_of(registers).running;
    hb_dif_capture_head(mmio, &head);
    for (; tail != head; ++tail)
      expect(header_at(device, tail % slots, bytes).sequence == tail, "record " + std::to_string(tail) + " was lost in a stall");
    expect_status(hb_dif_capture_advance(mmio, tail), HB_OK, "moving CAPTURE_TAIL");
    if (!running) break;
    device.transport().wait_irq(enough);
  }
  expect(status_of(registers).done && tail == records, "after a stall " + std::to_string(tail) + " records came; the program takes " + std::to_string(records));
  hb_job_counters_t counters{};
  hb_dif_job_counters(mmio, &counters);
  expect(counters.stall_ticks > 0, "the stall is not counted in STALL_TICKS");
  expect(counters.job_ticks == period.count * records, "JOB_TICKS counts " + std::to_string(counters.job_ticks) +
                                                           "; the array evolved " + std::to_string(period.count * records));
}

void abort(Device& device) {
  const Registers registers(device);
  expect_status(start_raw(device, capturing(period_of(device), 1000000), 8), HB_OK, "START");
  expect_status(hb_dif_job_abort(registers.mmio()), HB_OK, "ABORT");
  const hb_job_status_t ended = wait_for_end(device, std::max<std::uint64_t>(period_of(device).count * 4, 1000));
  expect(ended.aborted && !ended.done && !ended.fault, "after ABORT, STATUS is not ABORTED alone");
  expect((registers.get(HB_INTR_STATE_OFFSET) & HB_INTR_STATE_ABORTED_MASK) != 0, "ABORT raised no INTR_STATE.ABORTED");
  expect((registers.get(HB_INTR_STATE_OFFSET) & HB_INTR_STATE_JOB_DONE_MASK) == 0, "an aborted job is reported done");
  device.reset();
  Job job = device.start(endless(device));
  job.poll();
  job.cancel();
  expect_error(HB_ABORTED, "a cancelled job", [&] { job.wait(); });
  expect(!status_of(registers).running, "the program of a cancelled job still runs");
  expect_works(device, "after an abort");
}

void timeout(Device& device) {
  const Registers registers(device);
  JobOptions options;
  options.limit = period_of(device) * 50;
  expect_error(HB_TIMEOUT, "a job that takes longer than its limit", [&] { device.run(endless(device), options); });
  expect(!status_of(registers).running, "the program of a job past its limit still runs");
  expect_works(device, "after a timeout");
}

void reset_in_run(Device& device) {
  const Registers registers(device);
  hb_dif_interrupt_enable_set(registers.mmio(), HB_INTERRUPT_ALL);
  expect_status(start_raw(device, capturing(period_of(device), 1000000), 8, 1), HB_OK, "START");
  device.transport().wait_irq(period_of(device).count * 3);
  const std::uint32_t resets = registers.get(HB_RESET_COUNT_OFFSET);
  expect_status(hb_dif_reset(registers.mmio()), HB_OK, "RESET while a program runs");
  expect(registers.get(HB_RESET_COUNT_OFFSET) == resets + 1, "RESET_COUNT did not go up by one");
  for (const std::uint32_t offset : {HB_STATUS_OFFSET, HB_INTR_STATE_OFFSET, HB_INTR_ENABLE_OFFSET, HB_CAPTURE_HEAD_OFFSET, HB_SHOT_COUNT_OFFSET, HB_PROGRAM_COUNT_OFFSET})
    expect(registers.get(offset) == 0, "register " + hexadecimal(offset) + " is not 0 after a RESET in mid-run");
  expect(!device.transport().wait_irq(period_of(device).count * 3), "an interrupt came after a RESET in mid-run");
  expect(registers.get(HB_STATUS_OFFSET) == 0, "the program goes on after a RESET");
  expect_works(device, "after a RESET in mid-run");
}

void shots(Device& device) {
  const std::uint32_t lanes = device.capabilities().lanes, count = std::min(2 * lanes + 1, 300u);
  std::vector<float> values(count);
  for (std::uint32_t shot = 0; shot < count; ++shot) values[shot] = (static_cast<float>(shot % 7) - 3) * 0.125f;
  Program program(device.capabilities(), 1);
  program.clamp_per_shot(0, 1, values, count).sample();
  const Result result = device.run(program, {.shots = count});
  for (std::uint32_t shot = 0; shot < count; ++shot)
    expect(std::fabs(result.capture.state(shot, 0)[0] - held(device.capabilities(), values[shot])) <=
               capture_error(device),
           "shot " + std::to_string(shot) + " of " + std::to_string(count) + " has another shot's operand");
}

void determinism(Device& device) {
  const Capabilities& caps = device.capabilities();
  Program program(caps, std::min(5u, caps.cells));
  commit_some(program).clamp(0, program.cells(), 0.0f).release(0, program.cells());
  program.evolve(period_of(device) * 40).sample();
  JobOptions options{.shots = 6};
  options.seed = 11;
  if (!caps.seeded) {
    expect_error(HB_UNSUPPORTED, "a seed without CAPS.SEEDED", [&] { device.run(program, options); });
    const Registers registers(device);
    registers.set(HB_JOB_FLAGS_OFFSET, HB_JOB_FLAGS_SEEDED_MASK);
    device.reset();
    throw Skipped("the device lacks CAPS.SEEDED");
  }
  const std::vector<float> first = states(device.run(program, options));
  Program other(caps, 1);
  commit_some(other, 3.0f).evolve(period_of(device) * 13);
  device.run(other);
  expect(states(device.run(program, options)) == first, "the job gives other bits after another job");
  device.reset();
  expect(states(device.run(program, options)) == first, "the job gives other bits after a reset");
  JobOptions part = options;
  part.shots = 2;
  part.first_shot = 4;
  const std::vector<float> last = states(device.run(program, part));
  expect(std::equal(last.begin(), last.end(), first.end() - static_cast<std::ptrdiff_t>(last.size())),
         "shots 4 and 5 give other bits alone than among six");
  options.seed = 12;
  expect(states(device.run(program, options)) != first, "another seed gives the same bits");
}

}  // namespace checks
}  // namespace heatbath::conformance
