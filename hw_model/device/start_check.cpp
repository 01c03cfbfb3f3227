#include "hw_model/device/start_check.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <optional>
#include <utility>

#include "heatbath/cells.h"
#include "heatbath/regs.h"
#include "hw_model/device/register_file.hpp"
#include "hw_model/physics/array.hpp"
#include "hw_model/physics/graph.hpp"
#include "hw_model/physics/noise.hpp"

namespace heatbath::model {
namespace {

constexpr unsigned bit(hb_field_t field) { return 1u << field; }

constexpr unsigned uses_section = bit(HB_FIELD_SECTION);
constexpr unsigned uses_flags = bit(HB_FIELD_FLAGS);
constexpr unsigned uses_cells = bit(HB_FIELD_FIRST) | bit(HB_FIELD_COUNT);
constexpr unsigned uses_operand = bit(HB_FIELD_IMM) | bit(HB_FIELD_LANE_STRIDE) | bit(HB_FIELD_ADDR);
constexpr unsigned uses_ticks = bit(HB_FIELD_TICKS);

/// Fields an operation may use.
unsigned used_fields(hb_op_t op) {
  switch (op) {
    case HB_OP_LOAD: return uses_section | uses_flags | uses_operand;
    case HB_OP_RAMP:
    case HB_OP_EVOLVE: return uses_ticks;
    case HB_OP_SET:
    case HB_OP_CLAMP: return uses_flags | uses_cells | uses_operand;
    case HB_OP_RELEASE: return uses_cells;
    case HB_OP_CAPTURE_START: return uses_flags | uses_ticks;
    case HB_OP_METER_SNAPSHOT: return uses_flags | bit(HB_FIELD_ADDR);
    case HB_OP_LOOP_BEGIN: return bit(HB_FIELD_COUNT);
    case HB_OP_INTERRUPT: return bit(HB_FIELD_IMM);
    case HB_OP_READBACK: return uses_section | bit(HB_FIELD_ADDR);
    case HB_OP_HALT:
    case HB_OP_COMMIT:
    case HB_OP_SAMPLE:
    case HB_OP_CAPTURE_STOP:
    case HB_OP_METER_CLEAR:
    case HB_OP_LOOP_END: break;
  }
  return 0;
}

/// Flags an operation may set.
std::uint32_t used_flags(hb_op_t op) {
  switch (op) {
    case HB_OP_LOAD:
    case HB_OP_SET:
    case HB_OP_CLAMP: return HB_FLAG_IMMEDIATE;
    case HB_OP_CAPTURE_START: return HB_FLAG_NOW;
    case HB_OP_METER_SNAPSHOT: return HB_METER_FLAGS;
    default: return 0;
  }
}

bool known(std::uint16_t op) {
  switch (op) {
#define HB_OP_KNOWN(name, value, doc) case value:
    HB_OP_LIST(HB_OP_KNOWN)
#undef HB_OP_KNOWN
    return true;
    default: return false;
  }
}

/// True when [address, address + bytes) lies in memory.
bool inside(std::uint64_t address, std::uint64_t bytes, std::uint64_t memory) {
  return address <= memory && bytes <= memory - address;
}

/// Checks the instructions of one program.
class ProgramCheck {
 public:
  ProgramCheck(const Profile& profile, std::uint32_t caps, std::uint64_t memory, Job& job)
      : profile_(profile), caps_(caps), memory_(memory), job_(job) {}

  std::optional<Fault> run() {
    const std::vector<hb_instruction_t>& program = job_.program;
    for (pc_ = 0; pc_ < program.size(); ++pc_) {
      if (auto fault = check(program[pc_])) return fault;
    }
    if (!loops_.empty()) {
      pc_ = loops_.back().pc;
      return bad(HB_FIELD_OP);
    }
    if (program.back().op != HB_OP_HALT) {
      pc_ = static_cast<std::uint32_t>(program.size() - 1);
      return bad(HB_FIELD_OP);
    }
    return std::nullopt;
  }

  bool captures() const { return captures_; }

 private:
  struct Loop {
    std::uint32_t pc, count;
    bool takes_time = false;
    std::uint64_t instructions = 0;  // of one iteration, at one instant
  };

  Fault bad(hb_field_t field) const { return {HB_BAD_PROGRAM, pc_, field, 0}; }
  Fault unsupported(hb_field_t field) const { return {HB_UNSUPPORTED, pc_, field, 0}; }

  std::optional<Fault> check(const hb_instruction_t& it) {
    if (!known(it.op)) return bad(HB_FIELD_OP);
    const auto op = static_cast<hb_op_t>(it.op);
    if (op == HB_OP_SET && !profile_.state_write) return unsupported(HB_FIELD_OP);
    if ((op == HB_OP_METER_CLEAR || op == HB_OP_METER_SNAPSHOT) && !profile_.meters) return unsupported(HB_FIELD_OP);
    if (op == HB_OP_READBACK && !profile_.readback) return unsupported(HB_FIELD_OP);
    if (auto fault = check_unused(it, op)) return fault;
    count_instruction(op);
    switch (op) {
      case HB_OP_LOAD: return check_load(it);
      case HB_OP_READBACK: return check_readback(it);
      case HB_OP_SET:
      case HB_OP_CLAMP: return check_states(it);
      case HB_OP_RELEASE: return check_range(it, job_.cells);
      case HB_OP_RAMP:
      case HB_OP_EVOLVE: return check_ticks(it, job_.dt_ticks);
      case HB_OP_CAPTURE_START:
        captures_ = true;
        return check_ticks(it, std::max<std::uint64_t>(job_.dt_ticks, profile_.capture_min_ticks));
      case HB_OP_SAMPLE: captures_ = true; return std::nullopt;
      case HB_OP_METER_CLEAR: job_.metered = true; return std::nullopt;
      case HB_OP_METER_SNAPSHOT: {
        for (const hb_meter_facts_t& meter : hb_meter_list)
          if ((it.flags & meter.flag) != 0 && (caps_ & meter.needs) == 0) return unsupported(HB_FIELD_FLAGS);
        job_.metered = true;
        job_.meters |= it.flags;
        return check_address(it.addr, hb_snapshot_bytes(it.flags, job_.shots, job_.cells));
      }
      case HB_OP_LOOP_BEGIN: return check_loop_begin(it);
      case HB_OP_LOOP_END: return check_loop_end();
      case HB_OP_HALT:
      case HB_OP_COMMIT:
      case HB_OP_CAPTURE_STOP:
      case HB_OP_INTERRUPT: break;
    }
    return std::nullopt;
  }

  std::optional<Fault> check_unused(const hb_instruction_t& it, hb_op_t op) const {
    unsigned used = used_fields(op);
    const bool immediate = (it.flags & HB_FLAG_IMMEDIATE) != 0;
    if ((used & uses_operand) == uses_operand)
      used &= ~(immediate ? bit(HB_FIELD_LANE_STRIDE) | bit(HB_FIELD_ADDR) : bit(HB_FIELD_IMM));
    const auto stray = [&](hb_field_t field, std::uint64_t value) { return (used & bit(field)) == 0 && value != 0; };
    if (stray(HB_FIELD_SECTION, it.section)) return bad(HB_FIELD_SECTION);
    if ((it.flags & ~used_flags(op)) != 0) return bad(HB_FIELD_FLAGS);
    if (stray(HB_FIELD_FIRST, it.first)) return bad(HB_FIELD_FIRST);
    if (stray(HB_FIELD_COUNT, it.count)) return bad(HB_FIELD_COUNT);
    if (stray(HB_FIELD_IMM, it.imm)) return bad(HB_FIELD_IMM);
    if (stray(HB_FIELD_LANE_STRIDE, it.lane_stride)) return bad(HB_FIELD_LANE_STRIDE);
    if (stray(HB_FIELD_ADDR, it.addr)) return bad(HB_FIELD_ADDR);
    if (stray(HB_FIELD_TICKS, it.ticks)) return bad(HB_FIELD_TICKS);
    if ((it.reserved[0] | it.reserved[1] | it.reserved[2]) != 0) return bad(HB_FIELD_RESERVED);
    return std::nullopt;
  }

  std::optional<Fault> check_load(const hb_instruction_t& it) const {
    const bool immediate = (it.flags & HB_FLAG_IMMEDIATE) != 0;
    const float value = std::bit_cast<float>(it.imm);
    if (it.section >= HB_SECTIONS) return bad(HB_FIELD_SECTION);
    if (!exists(it.section)) return unsupported(HB_FIELD_SECTION);
    switch (it.section) {
      case HB_SECTION_MASS:
        if (immediate && !(value > 0)) return bad(HB_FIELD_IMM);
        [[fallthrough]];
      case HB_SECTION_J2:
      case HB_SECTION_J4:
      case HB_SECTION_BIAS:
      case HB_SECTION_COUPLING:
      case HB_SECTION_DAMPING:
      case HB_SECTION_FREQUENCY:
        if (immediate) return std::isnan(value) ? std::optional(bad(HB_FIELD_IMM)) : std::nullopt;
        if (it.section != HB_SECTION_BIAS && it.lane_stride != 0) return bad(HB_FIELD_LANE_STRIDE);
        return check_operand(it, section_bytes(static_cast<hb_section_t>(it.section), job_.cells, profile_));
      case HB_SECTION_GAIN:
        if (!immediate) return bad(HB_FIELD_FLAGS);
        return std::isfinite(value) ? std::nullopt : std::optional(bad(HB_FIELD_IMM));
      case HB_SECTION_KT:
        if (!profile_.kT_programmable) return unsupported(HB_FIELD_SECTION);
        if (!immediate) {
          if (!profile_.kT_per_cell) return unsupported(HB_FIELD_FLAGS);
          if (it.lane_stride != 0) return bad(HB_FIELD_LANE_STRIDE);
          return check_operand(it, section_bytes(HB_SECTION_KT, job_.cells, profile_));
        }
        if (!(value >= profile_.kT_min && value <= profile_.kT_max)) return bad(HB_FIELD_IMM);
        return std::nullopt;
      default: return bad(HB_FIELD_SECTION);
    }
  }

  std::optional<Fault> check_readback(const hb_instruction_t& it) const {
    if (it.section >= HB_SECTIONS || it.section == HB_SECTION_GAIN) return bad(HB_FIELD_SECTION);
    if (!exists(it.section)) return unsupported(HB_FIELD_SECTION);
    return check_address(it.addr, section_bytes(static_cast<hb_section_t>(it.section), job_.cells, profile_));
  }

  bool exists(std::uint16_t section) const {
    return hb_cell_has_section(static_cast<std::uint32_t>(profile_.cell), static_cast<hb_section_t>(section));
  }

  /// first and count lie in 0..limit-1.
  std::optional<Fault> check_range(const hb_instruction_t& it, std::uint32_t limit) const {
    if (it.first >= limit) return bad(HB_FIELD_FIRST);
    if (it.count == 0 || it.count > limit - it.first) return bad(HB_FIELD_COUNT);
    return std::nullopt;
  }

  std::optional<Fault> check_states(const hb_instruction_t& it) const {
    if (auto fault = check_range(it, it.op == HB_OP_SET ? job_.variables : job_.cells)) return fault;
    if ((it.flags & HB_FLAG_IMMEDIATE) == 0) return check_operand(it, std::uint64_t{it.count} * sizeof(float));
    return std::isnan(std::bit_cast<float>(it.imm)) ? std::optional(bad(HB_FIELD_IMM)) : std::nullopt;
  }

  /// An operand of `bytes` per lane, lane_stride apart.
  std::optional<Fault> check_operand(const hb_instruction_t& it, std::uint64_t bytes) const {
    if (it.lane_stride != 0 && !profile_.lane_operands) return unsupported(HB_FIELD_LANE_STRIDE);
    if (it.lane_stride % 4 != 0) return bad(HB_FIELD_LANE_STRIDE);
    return check_address(it.addr, bytes + std::uint64_t{job_.shots - 1} * it.lane_stride);
  }

  std::optional<Fault> check_address(std::uint64_t address, std::uint64_t bytes) const {
    if (address % 4 != 0 || !inside(address, bytes, memory_)) return bad(HB_FIELD_ADDR);
    return std::nullopt;
  }

  std::optional<Fault> check_ticks(const hb_instruction_t& it, std::uint64_t least) const {
    if (it.ticks < least || it.ticks % job_.dt_ticks != 0) return bad(HB_FIELD_TICKS);
    return std::nullopt;
  }

  void count_instruction(hb_op_t op) {
    if (loops_.empty()) return;
    ++loops_.back().instructions;
    if (op == HB_OP_EVOLVE || op == HB_OP_RAMP) loops_.back().takes_time = true;
  }

  std::optional<Fault> check_loop_begin(const hb_instruction_t& it) {
    if (loops_.size() == profile_.loop_depth) return bad(HB_FIELD_OP);
    if (it.count == 0) return bad(HB_FIELD_COUNT);
    loops_.push_back({pc_, it.count});
    return std::nullopt;
  }

  std::optional<Fault> check_loop_end() {
    if (loops_.empty()) return bad(HB_FIELD_OP);
    const Loop loop = loops_.back();
    loops_.pop_back();
    // A loop that takes no time counts once per iteration, within the loop around it too.
    const std::uint64_t instructions =
        loop.takes_time ? 1 : loop.count * std::min(loop.instructions, instant_limit + 1);
    if (instructions > instant_limit) {
      pc_ = loop.pc;
      return bad(HB_FIELD_COUNT);
    }
    if (!loops_.empty()) {
      loops_.back().instructions += instructions;
      loops_.back().takes_time |= loop.takes_time;
    }
    return std::nullopt;
  }

  const Profile& profile_;
  std::uint32_t caps_;  // the register
  std::uint64_t memory_;
  Job& job_;
  std::uint32_t pc_ = 0;
  bool captures_ = false;
  std::vector<Loop> loops_;
};

Fault bad_register(std::uint32_t offset, hb_status_t code = HB_BAD_ARG) {
  return {code, Fault::no_instruction, offset, 0};
}

/// Layout of the ring of a program that takes records.
std::optional<Fault> lay_out_ring(const RegisterFile& registers, std::uint64_t memory, const Profile& profile,
                                  Job& job) {
  RingLayout& ring = job.ring;
  ring.base = registers.get64(HB_CAPTURE_BASE_LO_OFFSET);
  ring.slots = registers.get(HB_CAPTURE_SLOTS_OFFSET);
  ring.lanes = job.shots;
  ring.cell0 = registers.get(HB_CAPTURE_CELL0_OFFSET);
  ring.cells = registers.get(HB_CAPTURE_CELLS_OFFSET);
  ring.second = job.cells;
  if (ring.cell0 >= job.variables) return bad_register(HB_CAPTURE_CELL0_OFFSET);
  if (ring.cells > job.variables - ring.cell0) return bad_register(HB_CAPTURE_CELLS_OFFSET);
  if (ring.cells == 0) ring.cells = job.cells - ring.cell0 % job.cells;
  if (ring.base % 64 != 0 || ring.base >= memory) return bad_register(HB_CAPTURE_BASE_LO_OFFSET);
  const std::uint64_t bytes = hb_record_bytes(ring.lanes, ring.cells, value_bytes(profile.capture_storage));
  if (ring.slots == 0 || ring.slots > (memory - ring.base) / bytes) return bad_register(HB_CAPTURE_SLOTS_OFFSET);
  if (bytes > 0xFFFFFFFFu) return bad_register(HB_CAPTURE_CELLS_OFFSET);
  ring.record_bytes = static_cast<std::uint32_t>(bytes);
  return std::nullopt;
}

}  // namespace

std::uint64_t coupling_values(std::uint32_t cells, const Profile& profile) {
  const std::uint64_t n = cells;
  if (!profile.graph) return profile.reciprocal ? n * (n - 1) / 2 : n * n;
  const auto all = profile.graph->couplers();
  if (cells == profile.graph->cells()) return all.size() * (profile.reciprocal ? 1 : 2);
  const auto inside_array = std::count_if(all.begin(), all.end(), [&](const physics::Coupler& at) { return at.j < cells; });
  return static_cast<std::uint64_t>(inside_array) * (profile.reciprocal ? 1 : 2);
}

std::uint32_t values_of_cells(hb_section_t section, std::uint32_t cells, const Profile& profile) {
  return hb_section_is_per_state(section) ? cells * std::max(1u, profile.shown_states()) : cells;
}

std::uint64_t section_bytes(hb_section_t section, std::uint32_t cells, const Profile& profile) {
  const std::uint64_t values =
      section == HB_SECTION_COUPLING ? coupling_values(cells, profile) : values_of_cells(section, cells, profile);
  return values * value_bytes(profile.parameter_storage);
}

std::variant<Job, Fault> check_start(const RegisterFile& registers, std::span<const std::byte> memory,
                                     const Profile& profile, std::uint32_t cells_max, std::uint32_t lanes_max,
                                     std::uint64_t dt_ticks) {
  Job job;
  job.dt_ticks = dt_ticks;
  job.cells = registers.get(HB_ACTIVE_CELLS_OFFSET);
  if (job.cells == 0 || job.cells > cells_max) return bad_register(HB_ACTIVE_CELLS_OFFSET);
  job.variables = job.cells * profile.components();
  const double step = static_cast<double>(dt_ticks) / profile.time_unit_ticks;
  if (physics::refusal_of_step(profile.array(job.cells, 1), step)) return bad_register(HB_DT_TICKS_OFFSET);
  job.shots = registers.get(HB_SHOTS_OFFSET);
  if (job.shots == 0 || job.shots > lanes_max) return bad_register(HB_SHOTS_OFFSET);
  const std::uint32_t flags = registers.get(HB_JOB_FLAGS_OFFSET);
  job.seeded = (flags & HB_JOB_FLAGS_SEEDED_MASK) != 0;
  job.refinement = (flags & HB_JOB_FLAGS_REFINEMENT_MASK) >> HB_JOB_FLAGS_REFINEMENT_SHIFT;
  if (job.refinement > physics::refinement_max || (job.refinement > 0 && !job.seeded))
    return bad_register(HB_JOB_FLAGS_OFFSET);
  if (job.refinement > 0 && !profile.refinement) return bad_register(HB_JOB_FLAGS_OFFSET, HB_UNSUPPORTED);
  job.ring.whole_turns = (flags & HB_JOB_FLAGS_WHOLE_TURNS_MASK) != 0;
  if (job.ring.whole_turns && !profile.whole_turns()) return bad_register(HB_JOB_FLAGS_OFFSET, HB_UNSUPPORTED);
  if (job.seeded) {
    if (!profile.seeded) return bad_register(HB_JOB_FLAGS_OFFSET, HB_UNSUPPORTED);
    job.seed = registers.get64(HB_JOB_SEED_LO_OFFSET);
    job.shot0 = registers.get(HB_JOB_SHOT0_OFFSET);
    job.step0 = registers.get64(HB_JOB_STEP0_LO_OFFSET);
    if (job.step0 >> 48 != 0) return bad_register(HB_JOB_STEP0_HI_OFFSET);
    job.continues = job.step0 != 0;
  }

  const std::uint64_t address = registers.get64(HB_PROGRAM_ADDR_LO_OFFSET);
  const std::uint32_t count = registers.get(HB_PROGRAM_COUNT_OFFSET);
  if (address % 8 != 0 || address >= memory.size()) return bad_register(HB_PROGRAM_ADDR_LO_OFFSET);
  if (count == 0 || count > profile.program_max ||
      !inside(address, std::uint64_t{count} * sizeof(hb_instruction_t), memory.size()))
    return bad_register(HB_PROGRAM_COUNT_OFFSET);
  job.program.resize(count);
  std::memcpy(job.program.data(), memory.data() + address, count * sizeof(hb_instruction_t));

  ProgramCheck check(profile, registers.get(HB_CAPS_OFFSET), memory.size(), job);
  if (auto fault = check.run()) return *fault;
  if (check.captures()) {
    if (auto fault = lay_out_ring(registers, memory.size(), profile, job)) return *fault;
  }
  return job;
}

bool could_start(Job job, const Profile& profile, std::uint32_t caps, std::uint64_t memory_bytes, std::uint32_t cells_max,
                 std::uint32_t lanes_max) {
  if (job.cells == 0 || job.cells > cells_max || job.shots == 0 || job.shots > lanes_max || job.dt_ticks == 0 ||
      job.variables != job.cells * profile.components() || job.program.empty() || job.program.size() > profile.program_max ||
      job.refinement > physics::refinement_max)
    return false;
  const double step = static_cast<double>(job.dt_ticks) / profile.time_unit_ticks;
  if (physics::refusal_of_step(profile.array(job.cells, 1), step)) return false;
  ProgramCheck check(profile, caps, memory_bytes, job);
  if (check.run()) return false;
  const RingLayout& ring = job.ring;
  if (!check.captures()) return ring.slots == 0;
  if (ring.lanes != job.shots || ring.second != job.cells || ring.cell0 >= job.variables || ring.cells == 0 ||
      ring.cells > job.variables - ring.cell0 || ring.base % 64 != 0 || ring.base >= memory_bytes ||
      (ring.whole_turns && !profile.whole_turns()))
    return false;
  const std::uint64_t bytes = hb_record_bytes(ring.lanes, ring.cells, value_bytes(profile.capture_storage));
  return ring.record_bytes == bytes && ring.slots > 0 && ring.slots <= (memory_bytes - ring.base) / bytes;
}

}  // namespace heatbath::model
