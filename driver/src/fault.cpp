#include "fault.hpp"

#include <cstdio>
#include <string>

#include "heatbath/cells.h"
#include "heatbath/numerics/text.hpp"
#include "heatbath/register_list.h"
#include "heatbath/regs.h"

namespace heatbath {
namespace {

constexpr std::uint32_t no_instruction = 0xFFFFFFFFu;

std::string hexadecimal(std::uint32_t value) {
  char buffer[16];
  std::snprintf(buffer, sizeof buffer, "0x%03X", value);
  return buffer;
}

/// Its name in the map; that of both where it is the half of a 64-bit value.
std::string register_name(std::uint32_t offset) {
  std::string name;
#define HEATBATH_ROW(NAME, at, ACCESS, RESET, value, mask) \
  if (offset == (at)) name = #NAME;
  HB_REGISTER_LIST(HEATBATH_ROW)
#undef HEATBATH_ROW
  if (name.empty()) return "at " + hexadecimal(offset);
  if (name.ends_with("_LO") || name.ends_with("_HI")) name.resize(name.size() - 3);
  return name;
}

std::string describe_field(hb_field_t field, const hb_instruction_t& instruction, std::uint32_t info,
                           std::uint64_t step_ticks) {
  const auto holds = [](std::uint64_t value) { return std::to_string(value); };
  switch (field) {
    case HB_FIELD_OP: return holds(instruction.op) + " is not an operation this device has";
    case HB_FIELD_SECTION: return holds(instruction.section) + " is not a section this operation takes on this device";
    case HB_FIELD_FLAGS: return holds(instruction.flags) + " holds a flag this operation does not take";
    case HB_FIELD_FIRST: return holds(instruction.first) + " is not one of the active cells";
    case HB_FIELD_COUNT: return holds(instruction.count) + " is out of range";
    case HB_FIELD_IMM: return holds(instruction.imm) + " (bits of the immediate value) is not a value this operation takes";
    case HB_FIELD_LANE_STRIDE: return holds(instruction.lane_stride) + " does not suit this operation or this device";
    case HB_FIELD_ADDR: return holds(instruction.addr) + " does not lie in device memory, or is not a multiple of 4";
    case HB_FIELD_TICKS:
      return holds(instruction.ticks) + " is wrong; it must be " +
             (step_ticks > 0 ? "a multiple of the step of " + std::to_string(step_ticks) + " ticks, at least one step"
                             : std::string("at least one tick, a multiple of the array's step, which this device hides (CAPS.CAPTURE_MIN_TICKS is "
                                         "one), and for a capture period no shorter than the device's shortest"));
    case HB_FIELD_OPERAND: return "value " + std::to_string(info) + " in memory is not one the device takes";
    case HB_FIELD_NONE:
    case HB_FIELD_RESERVED: break;
  }
  return "it must be zero";
}

/// What made live parameters impossible at a COMMIT or RAMP.
std::string describe_live(const Capabilities& capabilities, std::uint32_t entry) {
  const std::string cell = std::to_string(entry);
  if (capabilities.stepper == Stepper::exact_ou)
    return "J4 of cell " + cell + " is not zero; the exact-ou stepper takes linear cells only";
  if (capabilities.stepper == Stepper::lattice_walk)
    return "the temperature of cell " + cell + " is 0; the lattice-walk stepper needs noise";
  if (capabilities.cell_kind == CellKind::rlc)
    return "the capacitance matrix is not positive definite: its pivot of node " + cell +
           " is not positive; the capacitance of a node must exceed what couples it to others";
  return "the parameters of cell " + cell + " are not ones the device takes";
}

Error unstable(const hb_job_fault_t& fault, const std::string& where, const std::string& parameters,
               const Capabilities& capabilities, std::uint64_t step_ticks, std::uint64_t device_ticks) {
  const double unit = static_cast<double>(capabilities.time_unit.count);
  const std::string bound =
      fault.info > 0 ? "the longest stable one is " + std::to_string(fault.info) + " ticks (" +
                           numerics::general(static_cast<double>(fault.info) / unit) + " time units)"
                     : "none is short enough: one tick (" + numerics::general(1 / unit) + " time units) is too long already";
  return Error(fault.code,
               "unstable step: " + where + ": the step " +
                   (step_ticks > 0 ? "of " + std::to_string(step_ticks) + " ticks " : "of this device ") +
                   "is too long for " + parameters + "; " + bound,
               device_ticks, fault.pc);
}

}  // namespace

Error fault_error(const hb_job_fault_t& fault, const Program& program, const MemoryPlan& plan,
                  const Capabilities& capabilities, std::uint64_t step_ticks, std::uint64_t device_ticks) {
  const std::string status = hb_status_name(fault.code);
  if (fault.code == HB_OK)
    return Error(HB_DEVICE, "the device reports a fault without a fault code", device_ticks);
  if (fault.code == HB_UNSTABLE && fault.pc == no_instruction)
    return unstable(fault, "START", "the parameters", capabilities, step_ticks, device_ticks);
  if (fault.pc == no_instruction && fault.field == HB_DT_TICKS_OFFSET &&
      is_discrete(capabilities.cell_kind))
    return Error(fault.code,
                 "job rejected: register DT_TICKS: " + status + ": the step of " + std::to_string(step_ticks) + " ticks " +
                     (capabilities.stepper == Stepper::random_sequential
                          ? "makes not one update; it must be at least half a time unit / cells"
                          : "makes no whole sweep; it must be one time unit") +
                     ", and a time unit is " + std::to_string(capabilities.time_unit.count) + " ticks",
                 device_ticks, fault.field);
  if (fault.pc == no_instruction)
    return Error(fault.code,
                 "job rejected: register " + register_name(fault.field) + ": " + status + ", " + hb_status_meaning(fault.code),
                 device_ticks, fault.field);

  hb_instruction_t instruction{};  // HALT, which ends every program
  if (fault.pc < program.steps().size()) instruction = program.steps()[fault.pc].instruction;
  const std::string where = "instruction " + std::to_string(fault.pc) + " (" + hb_op_name(static_cast<hb_op_t>(instruction.op)) + ")";
  if (fault.code == HB_CAPTURE_OVERRUN)
    return Error(fault.code,
                 "capture ring overran in " + where + ": record " + std::to_string(fault.info) +
                     " is the first lost; the ring holds " + std::to_string(plan.slots) + " records of " +
                     std::to_string(plan.record_bytes) + " bytes, the job takes " + std::to_string(plan.records) +
                     "; capture fewer cells or less often",
                 device_ticks, fault.pc);
  const auto field = static_cast<hb_field_t>(fault.field);
  if (fault.code == HB_UNSTABLE) {
    // Parameters at the start of a ramp were checked when they became live.
    const char* parameters = instruction.op == HB_OP_RAMP ? "the parameters at the end of the ramp" : "the parameters";
    return unstable(fault, where, parameters, capabilities, step_ticks, device_ticks);
  }
  if (field == HB_FIELD_OPERAND && (instruction.op == HB_OP_COMMIT || instruction.op == HB_OP_RAMP))
    return Error(fault.code, "program rejected: " + where + ": " + describe_live(capabilities, fault.info), device_ticks,
                 fault.pc);
  if (fault.code == HB_BAD_PROGRAM)
    return Error(fault.code,
                 "program rejected: " + where + ", field " + hb_field_name(field) + ": " +
                     describe_field(field, instruction, fault.info, step_ticks),
                 device_ticks, fault.pc);
  if (fault.code == HB_DEFECT)
    return Error(fault.code, "program failed: " + where + ": DEFECT, cell " + std::to_string(fault.info) +
                                 " stopped moving while the job ran; later jobs have it so",
                 device_ticks, fault.info);
  return Error(fault.code, "program failed: " + where + ", field " + hb_field_name(field) + ": " + status + ", " +
                               hb_status_meaning(fault.code),
               device_ticks, fault.pc);
}

}  // namespace heatbath
