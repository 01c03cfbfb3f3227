#include "hw_model/device/interrupts.hpp"

#include "heatbath/regs.h"

namespace heatbath::model {
namespace {

constexpr std::uint32_t all = HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_ABORTED_MASK | HB_INTR_STATE_FAULT_MASK |
                              HB_INTR_STATE_CAPTURE_MASK | HB_INTR_STATE_PROGRAM_MASK | HB_INTR_STATE_DMA_DONE_MASK;

}  // namespace

void Interrupts::raise(std::uint32_t mask) { state_ |= mask & all; }
void Interrupts::clear(std::uint32_t mask) { state_ &= ~mask; }

void Interrupts::raise_program(std::uint32_t tag) {
  tag_ = tag;
  raise(HB_INTR_STATE_PROGRAM_MASK);
}

void Interrupts::reset() { *this = Interrupts(); }

}  // namespace heatbath::model
