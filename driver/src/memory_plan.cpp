#include "memory_plan.hpp"

#include <algorithm>
#include <limits>
#include <string>

#include "heatbath/error.hpp"

namespace heatbath {
namespace {

constexpr std::uint64_t alignment = 64;
constexpr std::uint64_t ring_target_bytes = std::uint64_t{64} << 20;

std::uint64_t aligned(std::uint64_t bytes) { return (bytes + alignment - 1) / alignment * alignment; }

}  // namespace

MemoryPlan plan_memory(const Program& program, std::uint32_t shots, std::uint32_t capture_cells,
                       const Capabilities& capabilities) {
  MemoryPlan plan;
  // Without per-lane operands a device with several lanes serves per-shot operands one shot at a time.
  const bool one_at_a_time = program.fixed_shots() > 1 && !capabilities.lane_operands;
  plan.lanes = std::min(shots, one_at_a_time ? 1u : std::max(1u, capabilities.lanes));
  plan.instructions = static_cast<std::uint32_t>(program.steps().size()) + 1;

  std::uint64_t next = aligned(std::uint64_t{plan.instructions} * sizeof(hb_instruction_t));
  for (const Program::Operand& operand : program.operands()) {
    MemoryPlan::Placed placed;
    placed.address = next;
    placed.row_bytes = operand.bytes->size() / operand.rows;
    const bool rows = operand.rows > 1 && plan.lanes > 1;
    placed.stride = rows ? aligned(placed.row_bytes) : 0;
    next += rows ? placed.stride * plan.lanes : aligned(placed.row_bytes);
    plan.operands.push_back(placed);
  }
  for (const MeterSet meters : program.snapshot_contents()) {
    plan.snapshots.push_back(next);
    next += aligned(hb_snapshot_bytes(meters.flags(), plan.lanes, program.cells()));
  }
  for (const Program::Readback& readback : program.readbacks()) {
    const std::uint64_t values = program.values_of(readback.section);
    plan.readbacks.push_back(next);
    plan.readback_values.push_back(values);
    next += aligned(values * bytes_of(capabilities.parameter_number));
  }
  plan.ring = next;
  plan.records = program.records();
  plan.record_bytes = hb_record_bytes(plan.lanes, capture_cells, bytes_of(capabilities.capture_number));

  const std::uint64_t needed = next + (plan.records > 0 ? plan.record_bytes : 0);
  if (needed > capabilities.memory_bytes)
    throw Error(HB_OUT_OF_MEMORY, "job does not fit into device memory: " + std::to_string(needed) + " bytes are needed (" +
                                      std::to_string(plan.instructions) + " instructions, " +
                                      std::to_string(program.operands().size()) + " operands, room for " +
                                      (plan.records > 0 ? "1" : "0") + " capture record), " +
                                      std::to_string(capabilities.memory_bytes) + " are available");
  if (plan.records > 0) {
    std::uint64_t slots = std::min((capabilities.memory_bytes - next) / plan.record_bytes, plan.records);
    if (capabilities.capture_stalls)
      slots = std::min(slots, std::max<std::uint64_t>(1, ring_target_bytes / plan.record_bytes));
    plan.slots = static_cast<std::uint32_t>(std::min<std::uint64_t>(slots, std::numeric_limits<std::int32_t>::max()));
  }
  return plan;
}

std::vector<hb_instruction_t> place(const Program& program, const MemoryPlan& plan) {
  std::vector<hb_instruction_t> instructions;
  instructions.reserve(plan.instructions);
  for (const Program::Step& step : program.steps()) {
    hb_instruction_t instruction = step.instruction;
    if (step.operand >= 0) {
      const MemoryPlan::Placed& placed = plan.operands[static_cast<std::size_t>(step.operand)];
      instruction.addr = placed.address;
      instruction.lane_stride = static_cast<std::uint32_t>(placed.stride);
    }
    if (step.snapshot >= 0) instruction.addr = plan.snapshots[static_cast<std::size_t>(step.snapshot)];
    if (step.readback >= 0) instruction.addr = plan.readbacks[static_cast<std::size_t>(step.readback)];
    instructions.push_back(instruction);
  }
  instructions.emplace_back();  // HALT
  return instructions;
}

}  // namespace heatbath
