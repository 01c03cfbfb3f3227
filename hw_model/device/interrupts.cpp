#include "hw_model/device/interrupts.hpp"

#include "heatbath/numerics/archive.hpp"
#include "heatbath/regs.h"

namespace heatbath::model {

void Interrupts::raise(std::uint32_t mask) {
  constexpr std::uint32_t of_jobs = HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_FAULT_MASK | HB_INTR_STATE_ABORTED_MASK |
                                    HB_INTR_STATE_CAPTURE_MASK;
  if (loses_next_ && (mask & of_jobs) != 0) {
    loses_next_ = false;
    return;
  }
  state_ |= mask & HB_INTERRUPT_ALL;
}

void Interrupts::clear(std::uint32_t mask) { state_ &= ~mask; }

void Interrupts::raise_program(std::uint32_t tag) {
  tag_ = tag;
  raise(HB_INTR_STATE_PROGRAM_MASK);
}

void Interrupts::reset() { *this = Interrupts(); }

void Interrupts::exchange(numerics::Archive& archive) {
  archive.section("irq");
  archive(state_, enabled_, tag_, loses_next_);
  archive.check(((state_ | enabled_) & ~HB_INTERRUPT_ALL) == 0, "interrupts");
}

}  // namespace heatbath::model
