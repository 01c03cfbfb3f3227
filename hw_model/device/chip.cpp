#include "hw_model/device/chip.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <new>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>

#include "heatbath/numerics/archive.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/numerics/work_watch.hpp"
#include "heatbath/regs.h"
#include "heatbath/status.h"
#include "hw_model/device/device_memory.hpp"
#include "hw_model/device/dma.hpp"
#include "hw_model/device/interrupts.hpp"
#include "hw_model/device/profile_registers.hpp"
#include "hw_model/device/register_file.hpp"
#include "hw_model/device/sequencer.hpp"
#include "hw_model/device/start_check.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/graph.hpp"

namespace heatbath::model {
namespace {

/// Work of a DMA burst (work_watch.hpp).
constexpr std::uint64_t burst_units = 512;

/// Of save(). What reads an older one is in the exchange() functions, by Archive::version().
constexpr std::uint32_t saved_format = 1;

std::uint32_t low(std::uint64_t value) { return static_cast<std::uint32_t>(value); }
std::uint32_t high(std::uint64_t value) { return static_cast<std::uint32_t>(value >> 32); }
std::uint32_t saturated(std::uint64_t value) {
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(value, 0xFFFFFFFFu));
}
std::uint32_t flag(bool set, std::uint32_t mask) { return set ? mask : 0u; }

std::uint32_t choose(std::uint32_t wanted, std::uint32_t usual, std::uint32_t most, const Profile& profile,
                     const char* what) {
  if (wanted == 0) return usual;
  if (wanted > most)
    throw std::invalid_argument(std::string(what) + " = " + std::to_string(wanted) + ": profile '" + profile.name +
                                "' has at most " + std::to_string(most));
  return wanted;
}

std::uint32_t choose_cells(std::uint32_t wanted, const Profile& profile) {
  if (profile.graph && wanted != 0 && (wanted < profile.cells || (wanted > profile.cells && !profile.graph_open)))
    throw std::invalid_argument("cells = " + std::to_string(wanted) + ": topology " +
                                numerics::escaped(profile.topology, 80) + " has " + std::to_string(profile.cells) +
                                (profile.graph_open ? " with couplers, and takes no fewer" : ""));
  return choose(wanted, profile.cells, profile.cells_max, profile, "cells");
}

/// The profile with so many cells: behind the last that its graph names, cells without couplers.
Profile with_cells(Profile profile, std::uint32_t cells) {
  if (!profile.graph || profile.graph->cells() == cells) return profile;
  const auto couplers = profile.graph->couplers();
  profile.graph = std::make_shared<const physics::Graph>(cells, std::vector<physics::Coupler>(couplers.begin(), couplers.end()));
  return profile;
}

/// CRC-32 of the couplers as they lie at their address.
std::uint32_t checksum(const physics::Graph& graph) {
  constexpr std::size_t at_once = 4096;
  std::uint32_t sum = 0;
  std::vector<physics::Coupler> some;
  const auto add = [&] {
    sum = numerics::crc32(std::as_bytes(std::span(some)), sum);
    some.clear();
  };
  for (const physics::Coupler& coupler : graph.couplers()) {
    some.push_back(coupler);
    if (some.size() == at_once) add();
  }
  if (!some.empty()) add();
  return sum;
}

// The physics and the converters know no registers: their numbers must be theirs.
static_assert(static_cast<std::uint32_t>(Storage::code8) == HB_CAPS_PARAM_FORMAT_NUMBER_CODE8 &&
              static_cast<std::uint32_t>(Storage::code16) == HB_CAPS_PARAM_FORMAT_NUMBER_CODE16);

}  // namespace

struct Chip::Impl {
  std::uint32_t cells;
  Profile profile;
  std::uint32_t lanes;
  std::uint64_t seed;
  bool timed;
  RegisterFile registers;
  Interrupts interrupts;
  DeviceMemory memory;
  numerics::ThreadTeam team;
  Sequencer sequencer;
  Dma dma;
  std::uint32_t reset_count = 0;
  std::uint32_t acknowledged = 0;  // COMMAND_ACK

  Impl(const Profile& of, const ChipOptions& options)
      : cells(choose_cells(options.cells, of)),
        profile(with_cells(of, cells)),
        lanes(choose(options.lanes, of.lanes, of.lanes_max, of, "lanes")),
        seed(options.seed),
        timed(options.timed),
        memory(options.memory_file < 0 ? DeviceMemory(of.memory_bytes)
                                       : DeviceMemory(of.memory_bytes, options.memory_file, options.memory_offset)),
        team(options.threads),
        sequencer(profile, options.seed, options.timed, memory.bytes(), interrupts, &team,
                  options.make_array),
        dma(profile, options.timed, memory.bytes(), interrupts) {
    load_profile_registers();
    for (const PlannedFault& planned : parse_faults(profile.planned_faults))
      if (planned.kind == FaultKind::dma_error) dma.fail_from(planned.tick);
  }

  void load_profile_registers() {
    set_profile_registers(profile, registers);
    registers.set(HB_CAPS_CELLS_OFFSET, cells);
    registers.set(HB_CAPS_LANES_OFFSET, lanes);
    registers.set(HB_ACTIVE_CELLS_OFFSET, cells);
  }

  std::uint32_t status() const {
    return flag(sequencer.running(), HB_STATUS_RUNNING_MASK) | flag(sequencer.stalled(), HB_STATUS_STALLED_MASK) |
           flag(sequencer.done(), HB_STATUS_DONE_MASK) | flag(sequencer.aborted(), HB_STATUS_ABORTED_MASK) |
           flag(sequencer.faulted(), HB_STATUS_FAULT_MASK) | flag(sequencer.rail_count() > 0, HB_STATUS_RAIL_MASK) |
           flag(sequencer.clipped_captures() > 0, HB_STATUS_CAPTURE_CLIP_MASK);
  }

  std::uint32_t read(std::uint32_t offset) { return registers.admits_read(offset) ? value_of(offset) : 0; }

  std::uint32_t value_of(std::uint32_t offset) {
    switch (offset) {
      case HB_RESET_COUNT_OFFSET: return reset_count;
      case HB_ERR_ACCESS_OFFSET: return registers.access_errors();
      case HB_ERR_SEQUENCE_OFFSET: return registers.sequence_errors();
      case HB_COMMAND_ACK_OFFSET: return acknowledged;
      case HB_STATUS_OFFSET: return status();
      case HB_ERR_PARITY_OFFSET: return sequencer.parity_errors();
      case HB_DIE_TEMPERATURE_OFFSET:
        return static_cast<std::uint32_t>(sequencer.imperfections().kelvin() * 1000 + 0.5);
      case HB_TIME_LO_OFFSET: return low(sequencer.now());
      case HB_TIME_HI_OFFSET: return high(sequencer.now());
      case HB_SHOT_COUNT_OFFSET: return sequencer.shot_count();
      case HB_PROGRAM_PC_OFFSET: return sequencer.pc();
      case HB_JOB_TICKS_LO_OFFSET: return low(sequencer.job_ticks());
      case HB_JOB_TICKS_HI_OFFSET: return high(sequencer.job_ticks());
      case HB_STALL_TICKS_LO_OFFSET: return low(sequencer.stall_ticks());
      case HB_STALL_TICKS_HI_OFFSET: return high(sequencer.stall_ticks());
      case HB_INTR_STATE_OFFSET: return interrupts.state();
      case HB_INTR_TAG_OFFSET: return interrupts.tag();
      case HB_DMA_STATUS_OFFSET:
        return flag(dma.busy(), HB_DMA_STATUS_BUSY_MASK) | static_cast<std::uint32_t>(dma.code()) << HB_DMA_STATUS_CODE_SHIFT;
      case HB_DMA_MOVED_OFFSET: return dma.moved();
      case HB_CAPTURE_RECORD_BYTES_OFFSET: return sequencer.ring().layout().record_bytes;
      case HB_CAPTURE_HEAD_OFFSET: return low(sequencer.ring().head());
      case HB_CAPTURE_TAIL_OFFSET: return low(sequencer.ring().tail());
      case HB_FAULT_CODE_OFFSET: return sequencer.fault().code;
      case HB_FAULT_PC_OFFSET: return sequencer.fault().pc;
      case HB_FAULT_FIELD_OFFSET: return sequencer.fault().field;
      case HB_FAULT_INFO_OFFSET: return sequencer.fault().info;
      case HB_CLIP_COUNT_OFFSET: return saturated(sequencer.clip_count());
      case HB_CAPTURE_CLIP_COUNT_OFFSET: return saturated(sequencer.clipped_captures());
      case HB_RAIL_COUNT_OFFSET: return saturated(sequencer.rail_count());
      case HB_RAIL_CELL_OFFSET: return sequencer.rail_cell();
      default: return registers.get(offset);
    }
  }

  void write(std::uint32_t offset, std::uint32_t value) {
    const Access access = registers.admits_write(offset, value);
    if (access == Access::unmapped) return;
    switch (offset) {
      case HB_COMMAND_OFFSET: command(value); return;
      case HB_INTR_ACK_OFFSET:
        if (accept(offset, value, HB_INTR_ACK_SEQ_MASK)) interrupts.clear(value & HB_INTR_ACK_MASK_MASK);
        return;
      case HB_INTR_TEST_OFFSET:
        if (accept(offset, value, HB_INTR_TEST_SEQ_MASK)) interrupts.raise(value & HB_INTR_TEST_MASK_MASK);
        return;
      case HB_DMA_COMMAND_OFFSET:
        if (accept(offset, value, HB_DMA_COMMAND_SEQ_MASK))
          dma.command((value & HB_DMA_COMMAND_OP_MASK) >> HB_DMA_COMMAND_OP_SHIFT, registers, sequencer.now());
        return;
      case HB_DT_TICKS_OFFSET:
        if (!profile.dt_programmable || sequencer.running() || value == 0) {
          registers.count_access_error();
          return;
        }
        break;
      case HB_INTR_ENABLE_OFFSET: interrupts.enable(value); break;
      case HB_CAPTURE_WATERMARK_OFFSET: sequencer.set_watermark(value); break;
      case HB_CAPTURE_TAIL_OFFSET:
        if (!sequencer.ring().move_tail(value)) registers.count_access_error();
        return;
      default: break;
    }
    registers.set(offset, value);
  }

  /// True for a new sequence number of a register that remembers its last accepted write.
  bool accept(std::uint32_t offset, std::uint32_t value, std::uint32_t sequence) {
    if (((value ^ registers.get(offset)) & sequence) == 0) {
      registers.count_sequence_error();
      return false;
    }
    registers.set(offset, value);
    return true;
  }

  void command(std::uint32_t value) {
    if (((value ^ acknowledged) & HB_COMMAND_ACK_SEQ_MASK) == 0) {
      registers.count_sequence_error();
      return;
    }
    registers.set(HB_COMMAND_OFFSET, value);
    const hb_status_t result = run_command((value & HB_COMMAND_OP_MASK) >> HB_COMMAND_OP_SHIFT);
    acknowledged = (value & HB_COMMAND_ACK_SEQ_MASK) | static_cast<std::uint32_t>(result)
                                                           << HB_COMMAND_ACK_STATUS_SHIFT;
  }

  hb_status_t run_command(std::uint32_t op) {
    switch (op) {
      case HB_COMMAND_OP_NONE: return HB_OK;
      case HB_COMMAND_OP_START: return start();
      case HB_COMMAND_OP_ABORT:
        if (!sequencer.running()) return HB_BAD_ARG;
        sequencer.abort();
        return HB_OK;
      case HB_COMMAND_OP_RESET: reset(); return HB_OK;
      default: return HB_BAD_ARG;
    }
  }

  hb_status_t start() {
    if (sequencer.running()) return HB_BUSY;
    const std::uint64_t dt = profile.dt_programmable ? registers.get(HB_DT_TICKS_OFFSET) : profile.dt_ticks;
    Fault fault{HB_OUT_OF_MEMORY, Fault::no_instruction, HB_SHOTS_OFFSET, 0};
    if (sequencer.tripped()) {
      fault = {HB_OVERHEATED, Fault::no_instruction, HB_DIE_TEMPERATURE_OFFSET, 0};
      sequencer.refuse(fault);
      return fault.code;
    }
    const std::uint64_t program = registers.get64(HB_PROGRAM_ADDR_LO_OFFSET);
    if (sequencer.finds_flip(program, std::uint64_t{registers.get(HB_PROGRAM_COUNT_OFFSET)} * sizeof(hb_instruction_t))) {
      fault = {HB_PARITY, Fault::no_instruction, HB_PROGRAM_ADDR_LO_OFFSET, 0};
      sequencer.refuse(fault);
      return fault.code;
    }
    try {
      auto checked = check_start(registers, memory.bytes(), profile, cells, lanes, dt);
      if (Job* job = std::get_if<Job>(&checked)) {
        sequencer.start(std::move(*job));
        return HB_OK;
      }
      fault = std::get<Fault>(checked);
    } catch (const std::bad_alloc&) {
      // The machine that runs the emulator cannot hold cells x shots.
    }
    sequencer.refuse(fault);
    return fault.code;
  }

  void reset() {
    ++reset_count;
    acknowledged = 0;
    registers.reset();
    load_profile_registers();
    interrupts.reset();
    sequencer.reset(reset_count);
    dma.reset();
  }

  bool advance_to(std::uint64_t time, bool stop_at_interrupt) {
    const bool whole = advance(time, stop_at_interrupt);
    if (sequencer.take_memory_loss()) memory.clear();
    return whole;
  }

  /// Bursts follow what else happens at their instant.
  bool advance(std::uint64_t time, bool stop_at_interrupt) {
    numerics::WorkWatch* const watch = numerics::WorkWatch::current();
    while (dma.busy() && dma.next_event() <= time) {
      if (!sequencer.advance_to(dma.next_event(), stop_at_interrupt)) return false;
      if (sequencer.now() < dma.next_event()) return true;
      dma.finish_burst();
      if (watch != nullptr && watch->spend(burst_units) != numerics::Wish::go_on) return false;
    }
    return sequencer.advance_to(time, stop_at_interrupt);
  }

  void exchange(numerics::Archive& archive) {
    archive(reset_count, acknowledged);
    registers.exchange(archive);
    interrupts.exchange(archive);
    sequencer.exchange(archive, registers.get(HB_CAPS_OFFSET), cells, lanes);
    dma.exchange(archive);
    memory.exchange(archive);
  }

  /// What the state belongs to: by name, in the order in which differences are told.
  std::vector<std::pair<std::string, std::string>> identity() const {
    std::vector<std::pair<std::string, std::string>> names{{"arithmetic revision", std::to_string(physics::arithmetic_revision)},
                                                           {"cells", std::to_string(cells)},
                                                           {"lanes", std::to_string(lanes)},
                                                           {"seed", std::to_string(seed)},
                                                           {"timing", timed ? "at" : "lt"}};
    for (const DatasheetRow& row : datasheet(profile))
      if (row.key != "description" && row.key != "topology" && row.table != "cost") names.emplace_back(row.table + "." + row.key, row.value);
    std::uint32_t graph = 0;  // and not the name of its file
    if (profile.graph) graph = checksum(*profile.graph);
    if (profile.graph_couplings) graph = numerics::crc32(std::as_bytes(std::span(*profile.graph_couplings)), graph);
    names.emplace_back("checksum of the graph", std::to_string(graph));
    return names;
  }

  std::vector<std::byte> save() {
    numerics::Archive archive(saved_format);
    auto names = identity();
    std::uint64_t count = names.size();
    archive(count);
    for (auto& [name, value] : names) archive(name, value);
    exchange(archive);
    return numerics::seal("chip", saved_format, archive.take());
  }

  /// Throws Archive::Refused; `begun`: whether anything was changed by then.
  void restore(std::span<const std::byte> saved, bool& begun) {
    const numerics::Sealed sealed = numerics::unseal(saved, "chip", saved_format);
    numerics::Archive archive(sealed.contents, sealed.version);
    std::uint64_t count = 0;
    archive(count);
    std::map<std::string, std::string, std::less<>> found;
    for (std::uint64_t k = 0; k < count; ++k) {
      std::string name, value;
      archive(name, value);
      found.emplace(std::move(name), std::move(value));
    }
    for (const auto& [name, value] : identity()) {  // keys of later versions have the values of before: not in the file
      const auto of = found.find(name);
      if (of != found.end() && of->second != value)
        archive.refuse("it is of another chip: " + name + " is " + numerics::quoted(of->second) + " there, " +
                       numerics::quoted(value) + " here");
    }
    begun = true;
    exchange(archive);
    archive.end();
  }

  void power_on() {
    memory.clear();
    registers.power_on();
    reset_count = ~std::uint32_t{0};
    reset();
  }
};

Chip::Chip(const Profile& profile, const ChipOptions& options) : impl_(std::make_unique<Impl>(profile, options)) {}
Chip::~Chip() = default;

const Profile& Chip::profile() const { return impl_->profile; }
std::uint32_t Chip::read32(std::uint32_t offset) const { return impl_->read(offset); }
std::uint32_t Chip::peek32(std::uint32_t offset) const {
  return access_of(offset) == Access::unmapped ? 0 : impl_->value_of(offset);
}
void Chip::count_access_error() { impl_->registers.count_access_error(); }
void Chip::write32(std::uint32_t offset, std::uint32_t value) { impl_->write(offset, value); }
std::span<std::byte> Chip::memory() { return impl_->memory.bytes(); }
std::uint64_t Chip::topology_bytes() const { return impl_->profile.topology_bytes(); }
void Chip::read_topology(std::uint64_t first, std::span<std::byte> out) const {
  if (out.empty()) return;
  const Profile& profile = impl_->profile;
  const auto couplers = profile.graph->couplers();
  const std::uint64_t end = sizeof(physics::Coupler) * couplers.size();
  if (first < end) {
    const auto copy = [&](const physics::Coupler& coupler, std::size_t skip) {
      const auto bytes = std::as_bytes(std::span(&coupler, 1)).subspan(skip);
      const std::size_t count = std::min(bytes.size(), out.size());
      std::copy_n(bytes.begin(), count, out.begin());
      out = out.subspan(count);
    };
    if (first > 0) {
      const std::size_t skip = first % sizeof(physics::Coupler);
      for (std::uint64_t k = first / sizeof(physics::Coupler); k < couplers.size() && !out.empty(); ++k)
        copy(couplers[k], k == first / sizeof(physics::Coupler) ? skip : 0);
    } else {
      for (auto at = couplers.begin(); at != couplers.end() && !out.empty(); ++at) copy(*at, 0);
    }
    first = end;
  }
  if (!out.empty()) std::copy_n(std::as_bytes(std::span(*profile.graph_couplings)).begin() + static_cast<std::ptrdiff_t>(first - end), out.size(), out.begin());
}
std::uint64_t Chip::now() const { return impl_->sequencer.now(); }
std::uint64_t Chip::next_event() const { return std::min(impl_->sequencer.next_event(), impl_->dma.next_event()); }
std::uint64_t Chip::next_interrupt() const {
  const std::uint64_t burst = impl_->interrupts.enabled(HB_INTR_STATE_DMA_DONE_MASK) ? impl_->dma.next_event() : never;
  return std::min(impl_->sequencer.next_interrupt(), burst);
}
void Chip::attach(HostPort* host) { impl_->dma.attach(host); }
std::uint64_t Chip::next_burst() const { return impl_->dma.next_event(); }
bool Chip::advance_to(std::uint64_t time, bool stop_at_interrupt) { return impl_->advance_to(time, stop_at_interrupt); }
bool Chip::interrupt() const { return impl_->interrupts.output(); }

std::vector<std::byte> Chip::save() const { return impl_->save(); }
void Chip::restore(std::span<const std::byte> saved) {
  bool begun = false;
  try {
    impl_->restore(saved, begun);
  } catch (const numerics::Archive::Refused& refused) {
    if (begun) impl_->power_on();
    throw std::invalid_argument(refused.what());
  }
}

hb_status_t Chip::trigger() { return impl_->start(); }
void Chip::reset() { impl_->reset(); }
void Chip::power_on() { impl_->power_on(); }
void Chip::observe(std::function<void(Mark, std::uint64_t)> observer) { impl_->sequencer.observe(std::move(observer)); }
std::uint32_t Chip::cells() const { return impl_->cells; }
std::uint32_t Chip::lanes() const { return impl_->lanes; }
const Sequencer& Chip::sequencer() const { return impl_->sequencer; }

}  // namespace heatbath::model
