#pragma once
// Why a program was refused or stopped.

#include <cstdint>

#include "heatbath/status.h"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::model {

/// Contents of the FAULT_* registers.
struct Fault {
  static constexpr std::uint32_t no_instruction = 0xFFFFFFFFu;

  hb_status_t code = HB_OK;
  std::uint32_t pc = 0;     ///< instruction at fault; no_instruction: a job register
  std::uint32_t field = 0;  ///< hb_field_t, or the offset of the job register
  std::uint32_t info = 0;   ///< first lost record, longest stable step in ticks, entry of a bad operand, else 0

  void exchange(numerics::Archive& archive);
};

}  // namespace heatbath::model
