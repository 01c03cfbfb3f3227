#include "heatbath/job.hpp"

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>
#include <new>
#include <utility>

#include "bad_arg.hpp"
#include "fault.hpp"
#include "heatbath/dif_capture.h"
#include "heatbath/dif_interrupt.h"
#include "heatbath/dif_job.h"
#include "heatbath/dif_time.h"
#include "heatbath/numerics/rounding.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"
#include "job_impl.hpp"
#include "progress_period.hpp"
#include "rack_job.hpp"
#include "record_reader.hpp"

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace heatbath {
namespace {

constexpr std::uint32_t end_interrupts =
    HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_ABORTED_MASK | HB_INTR_STATE_FAULT_MASK;
constexpr std::uint32_t job_interrupts = end_interrupts | HB_INTR_STATE_CAPTURE_MASK;

// A pass is waited for in slices that grow from a 256th to a 32nd of its duration, and to no more than a time unit:
// progress and cancelling stay responsive, and the device times at which the host looks depend on nothing but the job.
constexpr std::uint64_t first_slice_part = 256, longest_slice_part = 32;

constexpr int abort_waits = 64;

/// Bytes of records decoded between two looks whether the job was cancelled.
constexpr std::uint64_t look_bytes = std::uint64_t{4} << 20;

constexpr std::size_t large_page = std::size_t{2} << 20, few_states = 4 * large_page;

// Records are read in runs of about this many bytes where device memory is not lent.
constexpr std::uint64_t fetch_bytes = std::uint64_t{4} << 20;


/// Cells with the same parameters, and couplers between the same pairs.
bool same_array(const Capabilities& a, const Capabilities& b) {
  return a.cell_kind == b.cell_kind && a.components == b.components && a.sparse() == b.sparse() &&
         (a.coupler_list == b.coupler_list || std::ranges::equal(a.couplers(), b.couplers()));
}

/// Cells that are updated at random get round(step x cells) updates in a step.
void check_updates(const Capabilities& caps, Ticks step, std::uint32_t cells, const std::string& where) {
  if (caps.stepper != Stepper::random_sequential || step.count == 0) return;
  const double time = static_cast<double>(step.count) / static_cast<double>(caps.time_unit.count);
  const double wanted = time * cells, updates = std::round(wanted);
  if (!numerics::is_near(wanted, updates))
    bad_arg(where + "a step of " + numerics::text_of(time) + " time units is " + numerics::text_of(wanted) + " updates of " +
            std::to_string(cells) + " cells at random; whole updates are made, so a step of " +
            numerics::text_of(std::max(1.0, updates) / cells) + " is needed");
}

Error out_of_host_memory(std::uint64_t shots, std::uint64_t records, std::uint64_t cells) {
  return Error(HB_OUT_OF_MEMORY, "this computer cannot hold the captures of " + std::to_string(shots) + " shots x " +
                                     std::to_string(records) + " records x " + std::to_string(cells) +
                                     " cells; capture fewer cells or less often");
}

}  // namespace

void* detail::allocate_states(std::size_t bytes) {
  if (bytes < few_states) return ::operator new (bytes);
  void* const memory = ::operator new (bytes, std::align_val_t{large_page});
#ifdef __linux__
  madvise(memory, bytes / large_page * large_page, MADV_HUGEPAGE);  // advice: the system may have none
#endif
  return memory;
}

void detail::free_states(void* memory, std::size_t bytes) {
  if (bytes < few_states) return ::operator delete (memory);
  ::operator delete (memory, std::align_val_t{large_page});
}

Job::Impl::Impl(Device::Impl& on, const Program& what, const JobOptions& how, Capture&& spare)
    : device(&on), program(what), options(how), capture_cells_(0) {
  const Capabilities& caps = device->capabilities;
  const std::string where = "Device::start: ";
  if (device->active != nullptr) throw Error(HB_BUSY, where + "a job of this device runs; wait for it or destroy it first");
  if (program.cells() > caps.cells)
    bad_arg(where + "the program has " + std::to_string(program.cells()) + " cells; this device has " + std::to_string(caps.cells));
  if (!same_encoding(program.capabilities(), caps))
    bad_arg(where + "the program was built for another device: its parameter format or ranges differ");
  if (!same_array(program.capabilities(), caps))
    bad_arg(where + "the program was built for another device: its cells are of another kind or coupled in other pairs");
  if (program.steps().size() + 1 > caps.program_max)
    bad_arg(where + "the program has " + std::to_string(program.steps().size() + 1) +
            " instructions, HALT included; this device runs " + std::to_string(caps.program_max));
  if (program.open_loops() > 0)
    bad_arg(where + std::to_string(program.open_loops()) + " loop(s) of the program are open; each loop_begin needs a loop_end");
  check_updates(caps, device->step, program.cells(), where);
  if (keeps() && device->link.restorable() == nullptr)
    throw Error(HB_UNSUPPORTED, where + "checkpoints need a device whose state can be saved, an emulator in this process; " +
                                    device->link.transport().info().uri + " is none");
  if (options.shots == 0) bad_arg(where + "0 shots; at least 1 is needed");
  if (program.fixed_shots() != 0 && program.fixed_shots() != options.shots)
    bad_arg(where + std::to_string(options.shots) + " shots; the program's per-shot operands are for " +
            std::to_string(program.fixed_shots()));
  if (options.strict && program.clips() > 0)
    throw Error(HB_UNSUPPORTED, where + std::to_string(program.clips()) +
                                    " parameter values of the program are beyond the ranges of this device (CAPS_RANGE_*)");
  if (options.seed) {
    require(caps.seeded, where + "a seed", "SEEDED");
    if (std::uint64_t{options.first_shot} + options.shots > std::uint64_t{1} << 32)
      bad_arg(where + "first_shot " + std::to_string(options.first_shot) + " + " + std::to_string(options.shots) +
              " shots pass the last shot number, 4294967295");
    if (options.first_step >> 48 != 0)
      bad_arg(where + "first_step " + std::to_string(options.first_step) + "; step numbers have 48 bits");
    if (options.refinement > 8)
      bad_arg(where + "refinement " + std::to_string(options.refinement) + "; levels are 0..8");
    if (options.refinement > 0) require(caps.refinement, where + "refinement", "REFINEMENT");
  } else if (options.first_shot != 0 || options.first_step != 0 || options.refinement != 0) {
    bad_arg(where + "first_shot, first_step or refinement without a seed; they address the noise of a seed");
  }
  const std::uint32_t variables = program.variables();
  if (options.capture_first >= variables || options.capture_cells > variables - options.capture_first)
    bad_arg(where + "captured cells " + std::to_string(options.capture_first) + ".. (" + std::to_string(options.capture_cells) +
            "); the program has " + (caps.components > 1 ? "state variables" : "cells") + " 0.." +
            std::to_string(variables - 1));
  const std::uint32_t rest = program.cells() - options.capture_first % program.cells();
  capture_cells_ = options.capture_cells != 0 ? options.capture_cells : rest;

  plan_ = plan_memory(program, options.shots, capture_cells_, caps);
  shot_work_ = work_of_shot(program, capture_cells_);
  if (options.first_step != 0 && options.shots > plan_.lanes)
    bad_arg(where + "first_step with " + std::to_string(options.shots) + " shots; a job goes on from what one pass left, and a pass has " +
            std::to_string(plan_.lanes) + " shots: run it in groups of as many");
  result.capture = Capture(options.shots, capture_cells_, options.capture_first);
  shape_ = {0, capture_cells_, options.capture_first, program.cells()};
  shape_.whole_turns = caps.whole_turns && shape_.seconds() > 0;
  const std::uint64_t row = options.records ? 0 : std::uint64_t{options.shots} * capture_cells_;
  if (row > 0 && plan_.records > std::numeric_limits<std::int64_t>::max() / sizeof(float) / row)
    throw out_of_host_memory(options.shots, plan_.records, capture_cells_);
  try {
    if (!options.records) result.capture.ticks_.resize(plan_.records);
    Capture old = std::move(spare);  // left without records
    result.capture.values_ = std::move(old.values_);
    result.capture.values_.resize(row * plan_.records);
    if (shape_.whole_turns && !options.records) {
      result.capture.turn_cells_ = shape_.seconds();
      result.capture.turns_.resize(std::size_t{options.shots} * plan_.records * shape_.seconds());
    }
    result.meters.assign(program.snapshots(), std::vector<hb_meters_t>(options.shots));
    for (const MeterFacts& meter : meter_list)
      for (std::uint32_t k = 0; meter.flag != 0 && k < program.snapshots(); ++k) {
        if (!program.snapshot_contents()[k].has(meter.meter)) continue;
        auto& snapshots = result.on_request[meter.meter];
        snapshots.resize(program.snapshots());
        snapshots[k].resize(std::size_t{options.shots} * values_of(meter));
      }
    result.readback.resize(program.readbacks().size());
  } catch (const std::exception&) {
    throw out_of_host_memory(options.shots, plan_.records, capture_cells_);
  }

  const std::uint64_t duration = program.duration().count;
  const std::uint64_t shortest = std::max<std::uint64_t>(1, device->step.count);
  longest_slice_ = std::max(shortest, std::min(duration / longest_slice_part, caps.time_unit.count));
  slice_ = std::clamp(duration / first_slice_part, shortest, longest_slice_);
}

Job::Impl::~Impl() {
  if (state == State::running) stop(State::cancelled, Error(HB_ABORTED, "the job was destroyed before it ended"));
}

std::uint32_t Job::Impl::pass_shots() const {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(plan_.lanes, options.shots - done_shots_));
}

void Job::Impl::begin() {
  hb_job_status_t status{};
  state = State::failed;  // until the device has accepted the first pass there is nothing to stop
  const Link::Question question(device->link, [this] { return asked_to_stop(); });
  if (!options.checkpoints.from.empty()) return resume();
  device->run("reading STATUS", [&](const hb_mmio_t* mmio) { return hb_dif_job_status(mmio, &status); });
  if (status.running) throw Error(HB_BUSY, "Device::start: the device runs a program that another host started");

  const std::vector<hb_instruction_t> instructions = place(program, plan_);
  device->link.write_block(HB_MEMORY_BASE + plan_.program, std::as_bytes(std::span(instructions)));
  link_bytes_ += instructions.size() * sizeof(hb_instruction_t);
  for (std::size_t k = 0; k < program.operands().size(); ++k) {
    const Program::Operand& operand = program.operands()[k];
    if (operand.rows != 1) continue;
    device->link.write_block(HB_MEMORY_BASE + plan_.operands[k].address, *operand.bytes);
    link_bytes_ += operand.bytes->size();
  }
  std::uint32_t pending = 0;
  device->run("reading INTR_STATE", [&](const hb_mmio_t* mmio) { return hb_dif_interrupt_state(mmio, &pending); });
  device->run("clearing interrupts",
              [&](const hb_mmio_t* mmio) { return hb_dif_interrupt_acknowledge(mmio, pending & job_interrupts); });
  const std::uint32_t enabled = plan_.ring_holds_all() ? end_interrupts : job_interrupts;
  device->run("enabling interrupts", [&](const hb_mmio_t* mmio) { return hb_dif_interrupt_enable_set(mmio, enabled); });
  if (options.limit.count != 0) {
    started_at_ = device->now().count;
    left_ = options.limit.count;
  }
  start_pass();
  state = State::running;
  device->active = this;
}

/// Per-shot operands of this pass.
void Job::Impl::write_rows() {
  const std::uint32_t rows = pass_shots();
  for (std::size_t k = 0; k < program.operands().size(); ++k) {
    const Program::Operand& operand = program.operands()[k];
    if (operand.rows == 1) continue;
    const MemoryPlan::Placed& placed = plan_.operands[k];
    const auto from = std::span(*operand.bytes).subspan(done_shots_ * placed.row_bytes, rows * placed.row_bytes);
    const std::uint64_t address = HB_MEMORY_BASE + placed.address;
    link_bytes_ += from.size();
    if (rows == 1 || placed.stride == placed.row_bytes) {
      device->link.write_block(address, from);
      continue;
    }
    staging_.assign(rows * placed.stride, std::byte{0});
    for (std::uint32_t row = 0; row < rows; ++row)
      std::memcpy(staging_.data() + row * placed.stride, from.data() + row * placed.row_bytes, placed.row_bytes);
    device->link.write_block(address, staging_);
  }
}

void Job::Impl::start_pass() {
  write_rows();
  fetched_ = 0;
  hb_capture_config_t ring{};
  ring.base = plan_.ring;
  ring.slots = plan_.slots;
  ring.first_cell = options.capture_first;
  ring.cells = capture_cells_;
  ring.watermark = plan_.ring_holds_all() ? 0 : std::max(1u, plan_.slots / 2);
  device->run("configuring the capture ring", [&](const hb_mmio_t* mmio) { return hb_dif_capture_configure(mmio, ring); });

  hb_job_config_t pass{};
  pass.program_addr = plan_.program;
  pass.program_count = plan_.instructions;
  pass.active_cells = program.cells();
  pass.shots = pass_shots();
  pass.seeded = options.seed.has_value();
  pass.seed = options.seed.value_or(0);
  pass.shot0 = static_cast<std::uint32_t>(options.first_shot + done_shots_);
  pass.step0 = options.first_step;
  pass.refinement = options.refinement;
  pass.whole_turns = shape_.whole_turns;
  device->run("configuring the job", [&](const hb_mmio_t* mmio) { return hb_dif_job_configure(mmio, pass); });

  const hb_status_t started = device->link.call([](const hb_mmio_t* mmio) { return hb_dif_job_start(mmio); });
  if (started == HB_OK) return;
  hb_job_fault_t fault{};
  device->run("reading the fault", [&](const hb_mmio_t* mmio) { return hb_dif_job_fault(mmio, &fault); });
  // The refusal has been seen: left pending, it would end every wait at once.
  device->run("clearing interrupts", [&](const hb_mmio_t* mmio) { return hb_dif_interrupt_acknowledge(mmio, end_interrupts); });
  if (fault.code == started) throw fault_error(fault, program, plan_, device->capabilities, device->step.count, device->now().count);
  throw Error(started, std::string("Device::start: ") + hb_status_meaning(started), device->now().count);
}

void Job::Impl::look() noexcept {
  try {
    service();
    if (state == State::running && options.limit.count != 0) {
      const std::uint64_t now = device->now().count;
      const std::uint64_t spent = now - started_at_;
      if (spent >= options.limit.count)
        throw Error(HB_TIMEOUT,
                    "the job passed its limit of " + std::to_string(options.limit.count) + " device ticks and was aborted", now);
      left_ = options.limit.count - spent;
    }
  } catch (const Error& error) {
    fail(error);
  } catch (const std::exception& other) {
    fail(Error(HB_OUT_OF_MEMORY, std::string("the job could not be served: ") + other.what()));
  }
}

void Job::Impl::fail(const Error& error) noexcept {
  if (error.code() == HB_LINK) {
    lose(error);
  } else {
    stop(error.code() == HB_ABORTED && cancelled.load(std::memory_order_relaxed) ? State::cancelled : State::failed, error);
  }
}

/// Tells progress, if there is one. False when the job is to be cancelled.
bool Job::Impl::report(double done) {
  told_ = done;
  told_at_ = std::chrono::steady_clock::now();
  return !options.progress || options.progress(done);
}

bool Job::Impl::asked_to_stop() noexcept {
  if (!cancelled.load(std::memory_order_relaxed) && options.progress &&
      std::chrono::steady_clock::now() - told_at_ >= progress_period) {
    try {
      if (!report(told_)) cancelled.store(true, std::memory_order_relaxed);
    } catch (...) {
      thrown = std::current_exception();
      cancelled.store(true, std::memory_order_relaxed);
    }
  }
  return cancelled.load(std::memory_order_relaxed);
}

void Job::Impl::service() {
  std::uint32_t pending = 0;
  if (!plan_.ring_holds_all()) {
    // Cleared before the head is read: records written after it raise the interrupt again.
    device->run("reading INTR_STATE", [&](const hb_mmio_t* mmio) { return hb_dif_interrupt_state(mmio, &pending); });
    device->run("clearing interrupts", [&](const hb_mmio_t* mmio) {
      return hb_dif_interrupt_acknowledge(mmio, pending & HB_INTR_STATE_CAPTURE_MASK);
    });
  }
  hb_job_status_t status{};
  device->run("reading STATUS", [&](const hb_mmio_t* mmio) { return hb_dif_job_status(mmio, &status); });
  if (status.running) {
    // An end that was announced before the job was found running is none; left pending it would be waited for no more.
    if (plan_.ring_holds_all() ? woken_ : (pending & end_interrupts) != 0)
      device->run("clearing interrupts", [&](const hb_mmio_t* mmio) { return hb_dif_interrupt_acknowledge(mmio, end_interrupts); });
    woken_ = false;
    if (plan_.records > 0) fetch();
    return;
  }
  device->run("reading INTR_STATE", [&](const hb_mmio_t* mmio) { return hb_dif_interrupt_state(mmio, &pending); });
  device->run("clearing interrupts",
              [&](const hb_mmio_t* mmio) { return hb_dif_interrupt_acknowledge(mmio, pending & job_interrupts); });
  if (status.fault) {
    hb_job_fault_t fault{};
    device->run("reading the fault", [&](const hb_mmio_t* mmio) { return hb_dif_job_fault(mmio, &fault); });
    throw fault_error(fault, program, plan_, device->capabilities, device->step.count, device->now().count);
  }
  if (status.aborted)
    throw Error(HB_ABORTED, "the job was aborted on the device, not by its owner", device->now().count);
  if (!status.done)
    throw Error(HB_DEVICE, "the job vanished: no program runs and none has ended; was the device reset?", device->now().count);
  if (plan_.records > 0) fetch();
  finish_pass(status);
  done_shots_ += pass_shots();
  if (done_shots_ < options.shots) {
    start_pass();
    return;
  }
  result.clips = program.clips() + clips_;
  finish(State::done);
}

void Job::Impl::read_device(std::uint64_t offset, std::span<std::byte> out) {
  device->link.read_block(HB_MEMORY_BASE + offset, out);
  link_bytes_ += out.size();
}

/// A pass with fewer shots than lanes has shorter records, at their own spacing.
std::uint64_t Job::Impl::record_bytes() const {
  return hb_record_bytes(pass_shots(), capture_cells_, bytes_of(device->capabilities.capture_number));
}

/// Records from `number` on that lie one behind the other, at most `count` and not more than a few megabytes.
std::span<const std::byte> Job::Impl::records(std::uint32_t number, std::uint32_t count) {
  const std::uint64_t bytes = record_bytes();
  const std::uint64_t slot = number % plan_.slots;
  const std::uint64_t together =
      std::min<std::uint64_t>({count, plan_.slots - slot, std::max<std::uint64_t>(1, fetch_bytes / bytes)});
  const std::uint64_t offset = plan_.ring + slot * bytes;
  if (device->memory) {
    link_bytes_ += together * bytes;
    return device->memory->subspan(offset, together * bytes);
  }
  staging_.resize(together * bytes);
  read_device(offset, staging_);
  return staging_;
}

void Job::Impl::fetch() {
  std::uint32_t head = 0;
  device->run("reading CAPTURE_HEAD", [&](const hb_mmio_t* mmio) { return hb_dif_capture_head(mmio, &head); });
  const std::uint32_t fresh = head - fetched_;
  if (fresh == 0) return;
  if (fresh > plan_.slots)
    throw Error(HB_CAPTURE_OVERRUN, "capture ring overran: " + std::to_string(fresh) + " unread records in a ring of " +
                                        std::to_string(plan_.slots) + "; record " + std::to_string(fetched_) +
                                        " is the first lost");
  if (fresh > plan_.records - fetched_)
    throw Error(HB_DEVICE, "the device took more than the " + std::to_string(plan_.records) + " records of the program");
  if (fetched_ == 0) {
    std::uint32_t bytes = 0;
    device->run("reading CAPTURE_RECORD_BYTES", [&](const hb_mmio_t* mmio) { return hb_dif_capture_record_bytes(mmio, &bytes); });
    if (bytes != record_bytes())
      throw Error(HB_DEVICE, "the device writes records of " + std::to_string(bytes) + " bytes; the job's have " +
                                 std::to_string(record_bytes()));
  }
  shape_.lanes = pass_shots();
  Capture& capture = result.capture;
  const std::size_t shot_stride = plan_.records * capture_cells_;
  std::span<const std::byte> there;
  std::uint64_t decoded = 0;
  for (std::uint32_t number = fetched_; number != head; ++number) {
    if (decoded >= look_bytes) {
      decoded = 0;
      if (asked_to_stop()) throw Error(HB_ABORTED, "the job was cancelled");
    }
    decoded += record_bytes();
    if (there.empty()) there = records(number, head - number);
    const std::span<const std::byte> record = there.first(record_bytes());
    there = there.subspan(record.size());
    if (options.records) {
      hand_over(record, number);
      continue;
    }
    float* states = capture.values_.data() + done_shots_ * shot_stride + std::size_t{number} * capture_cells_;
    const std::size_t turns_stride = plan_.records * capture.turn_cells_;
    std::int32_t* turns = capture.turns_.data() + done_shots_ * turns_stride + std::size_t{number} * capture.turn_cells_;
    const std::uint64_t ticks =
        decode_record(record, shape_, number, device->capabilities, states, shot_stride, turns, turns_stride);
    if (done_shots_ == 0) {
      capture.ticks_[number].count = ticks;
    } else if (capture.ticks_[number].count != ticks) {
      throw Error(HB_DEVICE, "capture record " + std::to_string(number) + " was taken at tick " + std::to_string(ticks) +
                                 " of this pass, at " + std::to_string(capture.ticks_[number].count) + " of the first");
    }
  }
  fetched_ = head;
  device->run("writing CAPTURE_TAIL", [&](const hb_mmio_t* mmio) { return hb_dif_capture_advance(mmio, head); });
}

void Job::Impl::hand_over(std::span<const std::byte> record, std::uint32_t number) {
  handed_.resize(std::size_t{shape_.lanes} * capture_cells_);
  const std::uint64_t ticks =
      decode_record(record, shape_, number, device->capabilities, handed_.data(), capture_cells_);
  options.records({static_cast<std::uint32_t>(done_shots_), number, {ticks}, handed_});
}

void Job::Impl::finish_pass(const hb_job_status_t& status) {
  if (fetched_ != plan_.records)
    throw Error(HB_DEVICE, "the device took " + std::to_string(fetched_) + " records; the program takes " +
                               std::to_string(plan_.records));
  read_meters();
  if (done_shots_ == 0) read_readbacks();

  hb_job_counters_t counters{};
  device->run("reading the job's counters", [&](const hb_mmio_t* mmio) { return hb_dif_job_counters(mmio, &counters); });
  // Every pass loads the same shared parameters and so clips the same values; per-shot ones differ from pass to pass.
  clips_ = program.fixed_shots() > 0 ? clips_ + counters.clips : std::max<std::uint64_t>(clips_, counters.clips);
  if (status.capture_clip) {
    std::uint32_t clipped = 0;
    device->run("reading the clipped captures",
                [&](const hb_mmio_t* mmio) { return hb_dif_job_capture_clips(mmio, &clipped); });
    result.capture_clips += clipped;
  }
  result.rails += counters.rails;
  result.rail_cell = std::min(result.rail_cell, counters.rail_cell);
  result.array_ticks = {counters.job_ticks};
  result.stall_ticks = result.stall_ticks + Ticks{counters.stall_ticks};
  count_work();
}

/// Adds this pass to what the device has done.
void Job::Impl::count_work() {
  Work& work = device->work;
  const std::uint64_t shots = pass_shots();
  work.samples += shot_work_.samples * static_cast<double>(shots);
  work.reads += shot_work_.reads * shots;
  work.writes += shot_work_.writes * shots;
  work.busy_seconds += shot_work_.busy_seconds;
  work.link_bytes += std::exchange(link_bytes_, 0);
}

void Job::Impl::read_meters() {
  for (std::size_t k = 0; k < plan_.snapshots.size(); ++k) {
    const auto rows = std::span(result.meters[k]).subspan(done_shots_, pass_shots());
    read_device(plan_.snapshots[k], std::as_writable_bytes(rows));
    const std::uint32_t flags = program.snapshot_contents()[k].flags();
    for (auto& [meter, snapshots] : result.on_request) {
      if (snapshots[k].empty()) continue;
      const std::size_t width = values_of(facts(meter));
      const auto values = std::span(snapshots[k]).subspan(done_shots_ * width, pass_shots() * width);
      read_device(plan_.snapshots[k] +
                      hb_snapshot_offset(static_cast<hb_meter_t>(meter), flags, pass_shots(), program.cells()),
                  std::as_writable_bytes(values));
      if (facts(meter).unit == MeterUnit::energy) continue;
      for (double& value : values) value = static_cast<double>(std::bit_cast<std::uint64_t>(value));
    }
  }
}

void Job::Impl::read_readbacks() {
  const Capabilities& caps = device->capabilities;
  const std::size_t n = program.cells();
  for (std::size_t k = 0; k < plan_.readbacks.size(); ++k) {
    const hb_section_t section = program.readbacks()[k].section;
    std::vector<std::byte> bytes(plan_.readback_values[k] * bytes_of(caps.parameter_number));
    read_device(plan_.readbacks[k], bytes);
    std::vector<float> values(plan_.readback_values[k]);
    decode(bytes.data(), caps.parameter_number, caps.parameter_bits, section_range(caps, section), values);
    if (!program.readbacks()[k].matrix || (caps.couplings_full && !caps.sparse())) {
      result.readback[k] = std::move(values);
      continue;
    }
    std::vector<float>& matrix = result.readback[k];
    matrix.assign(n * n, 0.0f);
    std::size_t pair = 0;
    if (caps.sparse()) {
      for (const Coupler& at : program.couplers()) {
        const float forward = values[pair++];
        matrix[at.i * n + at.j] = forward;
        matrix[at.j * n + at.i] = caps.couplings_full ? values[pair++] : forward;
      }
      continue;
    }
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = i + 1; j < n; ++j, ++pair) matrix[i * n + j] = matrix[j * n + i] = values[pair];
  }
}

double Job::Impl::fraction() {
  const double shots = static_cast<double>(options.shots);
  const double duration = static_cast<double>(program.duration().count);
  if (state == State::done || duration == 0) return static_cast<double>(done_shots_) / shots;
  std::uint64_t ticks = 0;
  device->run("reading JOB_TICKS", [&](const hb_mmio_t* mmio) {
    return hb_dif_read64(mmio, HB_JOB_TICKS_LO_OFFSET, HB_JOB_TICKS_HI_OFFSET, &ticks);
  });
  const double pass = std::min(1.0, static_cast<double>(ticks) / duration);
  return (static_cast<double>(done_shots_) + pass * pass_shots()) / shots;
}

void Job::Impl::advance() {
  double done = 0;
  try {
    woken_ = device->link.wait_irq(std::min(slice_, left_));
    if (cancelled.load(std::memory_order_relaxed)) return;
    slice_ = std::min(longest_slice_, slice_ * 2);
    look();
    try {
      if (state == State::running && options.checkpoints.due && options.checkpoints.due()) save();
    } catch (const Error&) {
      throw;
    } catch (...) {  // of the host's own, or no memory for what is kept
      thrown = std::current_exception();
      cancelled.store(true, std::memory_order_relaxed);
      return;
    }
    if (!options.progress || (state != State::running && state != State::done)) return;
    done = fraction();
  } catch (const Error& error) {
    fail(error);
    return;
  }
  try {
    if (!report(done)) cancelled.store(true, std::memory_order_relaxed);
  } catch (...) {
    thrown = std::current_exception();
    cancelled.store(true, std::memory_order_relaxed);
  }
}

void Job::Impl::halt_device() {
  // Only the end of the program wakes the wait: an unread capture would end it at once, before the next grid point.
  device->run("enabling interrupts", [](const hb_mmio_t* mmio) { return hb_dif_interrupt_enable_set(mmio, end_interrupts); });
  // Refused when the program has just ended by itself, which is as good.
  device->link.call([](const hb_mmio_t* mmio) { return hb_dif_job_abort(mmio); });
  const std::uint64_t wait = std::max(device->step.count, device->capabilities.time_unit.count);
  for (int k = 0; k < abort_waits; ++k) {
    hb_job_status_t status{};
    device->run("reading STATUS", [&](const hb_mmio_t* mmio) { return hb_dif_job_status(mmio, &status); });
    if (!status.running) {
      device->run("clearing interrupts", [](const hb_mmio_t* mmio) { return hb_dif_interrupt_acknowledge(mmio, job_interrupts); });
      return;
    }
    device->link.wait_irq(wait);
  }
  throw Error(HB_DEVICE, "the device does not stop: a program still runs " + std::to_string(abort_waits) + " x " +
                             std::to_string(wait) + " ticks after ABORT");
}

void Job::Impl::stop(State ended, const Error& error) noexcept {
  if (state != State::running) return;
  try {
    failure = error;
    const Link::Question question(device->link, [] { return true; });
    halt_device();
  } catch (const std::exception&) {
    // The first failure is the one worth telling.
  }
  finish(ended);
}

void Job::Impl::lose(const Error& error) noexcept {
  if (state != State::running) return;
  failure = error;
  finish(State::failed);
}

void Job::Impl::finish(State ended) noexcept {
  state = ended;
  if (device->active == this) device->active = nullptr;
}

void check_strictly(const Result& result, const Capabilities& caps) {
  const auto refuse = [](const std::string& what) { throw Error(HB_UNSUPPORTED, "a strict job: " + what); };
  if (result.clips > 0)
    refuse(std::to_string(result.clips) + " parameter values were clipped: they are beyond the ranges of this device (CAPS_RANGE_*)");
  if (result.rails > 0)
    refuse(std::to_string(result.rails) + " cell-steps at a rail, the lowest such cell is " + std::to_string(result.rail_cell) +
           ": states reach beyond CAPS_RANGE_STATE, " + numerics::general(static_cast<double>(caps.range_state)));
  if (result.capture_clips > 0)
    refuse(std::to_string(result.capture_clips) +
           " captured values were clipped: velocities, voltages or turns beyond their converter (CAPS_RANGE_SECOND)");
}

Job::Job(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Job::Job(std::shared_ptr<RackJob> job) : rack_(std::move(job)) {}

Job::Job(Job&&) noexcept = default;
Job& Job::operator=(Job&& other) noexcept {
  std::swap(impl_, other.impl_);
  std::swap(rack_, other.rack_);
  Job(std::move(other));
  return *this;
}
Job::~Job() {
  if (rack_) rack_->lose(Error(HB_ABORTED, "the job was destroyed before it ended"));
}

Job::State Job::poll() {
  if (rack_) return rack_->poll();
  if (!impl_) return State::failed;
  if (impl_->state != State::running) return impl_->state;
  if (impl_->cancelled.load(std::memory_order_relaxed)) {
    impl_->stop(State::cancelled, Error(HB_ABORTED, "the job was cancelled"));
  } else {
    const Link::Question question(impl_->device->link, [this] { return impl_->asked_to_stop(); });
    impl_->look();
  }
  return impl_->state;
}

Result Job::wait() {
  if (rack_) return rack_->wait();
  if (!impl_ || impl_->taken) throw Error(HB_BAD_ARG, "Job::wait: the result was taken already; wait may be called once");
  if (impl_->state == State::running) {  // else there need be no device any more
    const Link::Question question(impl_->device->link, [this] { return impl_->asked_to_stop(); });
    while (impl_->state == State::running && !impl_->cancelled.load(std::memory_order_relaxed)) impl_->advance();
  }
  if (impl_->state == State::running)
    impl_->stop(State::cancelled, Error(HB_ABORTED, impl_->thrown ? "the progress callback of the job threw an exception"
                                                                   : "the job was cancelled"));
  if (impl_->thrown) std::rethrow_exception(std::exchange(impl_->thrown, nullptr));
  if (impl_->failure) throw *impl_->failure;
  impl_->taken = true;
  if (impl_->options.strict) check_strictly(impl_->result, impl_->device->capabilities);
  return std::move(impl_->result);
}

void Job::cancel() noexcept {
  if (rack_) rack_->cancel();
  if (impl_) impl_->cancelled.store(true, std::memory_order_relaxed);
}

namespace {

template <class T>
void append_rows(std::vector<std::vector<T>>& all, std::vector<std::vector<T>>&& more) {
  all.resize(std::max(all.size(), more.size()));
  for (std::size_t row = 0; row < more.size(); ++row)
    all[row].insert(all[row].end(), more[row].begin(), more[row].end());
}

}  // namespace

void merge(Result& all, Result&& more) {
  if (all.capture.shots() == 0) {
    all = std::move(more);
    return;
  }
  const std::uint32_t before = all.capture.shots();
  all.capture.append(std::move(more.capture));
  append_rows(all.meters, std::move(more.meters));
  for (auto& [meter, snapshots] : more.on_request) append_rows(all.on_request[meter], std::move(snapshots));
  for (Share share : more.shares) {
    share.first_shot += before;
    all.shares.push_back(share);
  }
  all.clips = std::max(all.clips, more.clips);
  all.capture_clips += more.capture_clips;
  all.rails += more.rails;
  all.rail_cell = std::min(all.rail_cell, more.rail_cell);
  all.stall_ticks = all.stall_ticks + more.stall_ticks;
}

}  // namespace heatbath
