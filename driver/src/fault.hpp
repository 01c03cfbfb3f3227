#pragma once
// What a device says of a program it refused, in words.

#include <cstdint>

#include "heatbath/dif_job.h"
#include "heatbath/error.hpp"
#include "heatbath/program.hpp"
#include "memory_plan.hpp"

namespace heatbath {

/// The fault of a job as an Error with the device's code: instruction index, operation and field, what it held and what
/// would be right; or the job register; or the first lost record; or the longest stable step. `capabilities` are the
/// device's, `step_ticks` the step of its array (0: hidden).
Error fault_error(const hb_job_fault_t& fault, const Program& program, const MemoryPlan& plan,
                  const Capabilities& capabilities, std::uint64_t step_ticks, std::uint64_t device_ticks);

}  // namespace heatbath
