// Planned faults of the sequencer: what they do, and what the chip notices of them.
#include <algorithm>
#include <cmath>

#include "heatbath/regs.h"
#include "hw_model/device/sequencer.hpp"

namespace heatbath::model {
namespace {

std::uint64_t ticks_of(float time_units, const Profile& profile) {
  return static_cast<std::uint64_t>(std::llround(static_cast<double>(time_units) * profile.time_unit_ticks));
}

}  // namespace

bool Sequencer::fault_due() const {
  return next_fault_ < planned_.size() && planned_[next_fault_].tick <= age_ + array_time_;
}

std::uint64_t Sequencer::steps_to_fault() const {
  if (next_fault_ == planned_.size()) return never;
  const std::uint64_t ticks = planned_[next_fault_].tick - (age_ + array_time_), dt = job_.dt_ticks;
  return std::max<std::uint64_t>(1, ticks / dt + (ticks % dt != 0 ? 1 : 0));
}

/// The next fault happens.
void Sequencer::strike() {
  const PlannedFault fault = planned_[next_fault_++];
  const bool spins = profile_.cell == physics::CellKind::pbit;
  switch (fault.kind) {
    case FaultKind::cell_dead: break_cell(static_cast<std::uint32_t>(fault.target), spins ? -1.0f : 0.0f); break;
    case FaultKind::cell_stuck:
      break_cell(static_cast<std::uint32_t>(fault.target), spins ? 1.0f : profile_.state_range());
      break;
    case FaultKind::coupler_flip:
      if (profile_.fault_monitors) {
        ++parity_errors_;
        fail({HB_PARITY, pc_, HB_FIELD_SECTION, static_cast<std::uint32_t>(fault.target)});
        break;
      }
      parameters_.flip_coupling(fault.target);
      if (imperfections_.moves()) live_now_ = moved(parameters_.live());
      break;
    case FaultKind::memory_flip: {
      const std::uint64_t byte = fault.target / 8 % memory_.size();
      memory_[byte] ^= std::byte{1} << (fault.target % 8);
      if (profile_.fault_monitors) flips_.push_back({byte, memory_[byte]});
      break;
    }
    case FaultKind::converter_saturated: ring_.saturate(static_cast<std::uint32_t>(fault.target)); break;
    case FaultKind::interrupt_lost: interrupts_.lose_next(); break;
    case FaultKind::interrupt_spurious:
      interrupts_.raise(HB_INTR_STATE_JOB_DONE_MASK | HB_INTR_STATE_CAPTURE_MASK);
      break;
    case FaultKind::dma_error: break;  // the DMA engine's affair
    case FaultKind::hang: hung_until_ = array_time_ + ticks_of(profile_.watchdog_time, profile_); break;
    case FaultKind::thermal_trip:
      cool_at_ = age_ + array_time_ + ticks_of(profile_.cool_time, profile_);
      fail({HB_OVERHEATED, pc_, HB_FIELD_NONE, 0});
      break;
    case FaultKind::brown_out:
      memory_lost_ = true;
      flips_.clear();
      fail({HB_BROWN_OUT, pc_, HB_FIELD_NONE, 0});
      job_shown_ = false;
      array_.reset();
      break;
  }
}

void Sequencer::break_cell(std::uint32_t cell, float state) {
  broken_.push_back({cell, state});
  if (cell >= job_.cells) return;
  for (std::uint32_t lane = 0; lane < job_.shots; ++lane) hold_defects(lane);
  keep_held(clamped_);
  array_->set_clamped(clamped_, live());
  if (profile_.fault_monitors) noticed_ = cell;
}

/// The end of a program: what monitors have noticed makes it a failure.
void Sequencer::halt() {
  if (noticed_) {
    fail({HB_DEFECT, pc_, HB_FIELD_FIRST, *noticed_});
  } else if (finds_flip(0, memory_.size())) {
    fail({HB_PARITY, pc_, HB_FIELD_ADDR, 0});
  } else {
    end(Outcome::done);
  }
}

void Sequencer::check_watchdog(std::uint64_t time) {
  if (due(abort_time_, std::min(time, *hung_until_))) {
    now_ = array_time_ = *abort_time_;
    end(Outcome::aborted);
    return;
  }
  now_ = array_time_ = *hung_until_;
  fail({HB_WATCHDOG, pc_, HB_FIELD_NONE, 0});
}

bool Sequencer::finds_flip(std::uint64_t first, std::uint64_t bytes) {
  bool found = false;
  std::erase_if(flips_, [&](const Flip& flip) {
    if (memory_[flip.byte] != flip.value) return true;  // written over
    const bool here = flip.byte >= first && flip.byte - first < bytes;
    parity_errors_ += here;
    found |= here;
    return here;
  });
  return found;
}

/// Fails the job when a bit of an operand has flipped.
bool Sequencer::operands_flipped(const hb_instruction_t& it, std::uint64_t row_bytes, std::uint32_t rows) {
  if (flips_.empty()) return false;
  bool found = false;
  for (std::uint32_t row = 0; row < rows; ++row)
    found |= finds_flip(it.addr + std::uint64_t{row} * it.lane_stride, row_bytes);
  if (found) fail({HB_PARITY, pc_, HB_FIELD_ADDR, 0});
  return found;
}

}  // namespace heatbath::model
