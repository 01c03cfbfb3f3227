#pragma once
// What START refuses before anything runs.

#include <cstddef>
#include <cstdint>
#include <span>
#include <variant>

#include "hw_model/device/fault.hpp"
#include "hw_model/device/job.hpp"
#include "hw_model/device/profile.hpp"

namespace heatbath::model {

class RegisterFile;

/// The job that the registers and the program in device memory describe, or why it cannot run:
///   BAD_ARG       a job register is out of its range (fault.pc = no_instruction, fault.field = its offset)
///   BAD_PROGRAM   an instruction is not well-formed
///   UNSUPPORTED   a feature the device does not advertise
/// Instructions are checked in order and fields in the order of hb_field_t. Operand values in memory are checked when
/// they are loaded. `cells_max` and `lanes_max` are CAPS_CELLS and CAPS_LANES; `dt_ticks` is the step.
std::variant<Job, Fault> check_start(const RegisterFile& registers, std::span<const std::byte> memory,
                                     const Profile& profile, std::uint32_t cells_max, std::uint32_t lanes_max,
                                     std::uint64_t dt_ticks);

/// For a job that was read from a file: whether START could have accepted it. `caps`: the CAPS register.
bool could_start(Job job, const Profile& profile, std::uint32_t caps, std::uint64_t memory_bytes, std::uint32_t cells_max,
                 std::uint32_t lanes_max);

/// Values of the COUPLING section of `cells` cells: each pair or coupler once; without reciprocity all cells x cells,
/// or each coupler twice.
std::uint64_t coupling_values(std::uint32_t cells, const Profile& profile);

/// Values that so many cells have in a section: one each, or one for each of their states.
std::uint32_t values_of_cells(hb_section_t section, std::uint32_t cells, const Profile& profile);

/// Bytes of a parameter section of `cells` cells in device memory.
std::uint64_t section_bytes(hb_section_t section, std::uint32_t cells, const Profile& profile);

/// Instructions a loop without EVOLVE or RAMP may run in its one instant, iterations and inner loops included. Beyond
/// it the LOOP_BEGIN is refused (count): device time would stand still.
constexpr std::uint64_t instant_limit = 1u << 20;

}  // namespace heatbath::model
