// The state of the sequencer as bytes, and which bytes are none.
#include <algorithm>
#include <new>

#include "heatbath/numerics/archive.hpp"
#include "hw_model/device/sequencer.hpp"
#include "hw_model/device/start_check.hpp"

namespace heatbath::model {
namespace {

void exchange_instruction(numerics::Archive& archive, hb_instruction_t& it) {
  archive(it.op, it.section, it.flags, it.first, it.count, it.imm, it.lane_stride, it.addr, it.ticks);
  for (std::uint64_t& reserved : it.reserved) archive(reserved);
}

}  // namespace

void Fault::exchange(numerics::Archive& archive) {
  std::uint32_t status = code;
  archive(status, pc, field, info);
  archive.check(status <= HB_DEFECT, "fault");
  code = static_cast<hb_status_t>(status);
}

void RingLayout::exchange(numerics::Archive& archive) {
  archive(base, slots, lanes, cell0, cells, second, whole_turns, record_bytes);
}

void Job::exchange(numerics::Archive& archive) {
  archive(cells, variables, shots, dt_ticks, seeded, continues, seed, shot0, step0, refinement, ring, metered, meters);
  std::uint64_t count = program.size();
  archive(count);
  archive.check(count <= archive.left() / sizeof(hb_instruction_t), "program");
  program.resize(count);
  for (hb_instruction_t& instruction : program) exchange_instruction(archive, instruction);
}

void Sequencer::Loop::exchange(numerics::Archive& archive) { archive(begin, left); }
void Sequencer::Flip::exchange(numerics::Archive& archive) {
  auto byte_value = static_cast<std::uint8_t>(value);
  archive(byte, byte_value);
  value = std::byte{byte_value};
}

void Sequencer::exchange(numerics::Archive& archive, std::uint32_t caps, std::uint32_t cells, std::uint32_t lanes) {
  archive.section("sequence");
  archive(followed_, age_, watermark_, clamped_, judged_dt_, stable_when_free_, reset_count_);
  std::uint64_t next_fault = next_fault_, broken = broken_.size();
  archive(next_fault, broken);
  archive.check(next_fault <= planned_.size() && broken <= archive.left(), "planned faults");
  next_fault_ = next_fault;
  broken_.resize(broken);
  for (HeldCell& held : broken_) archive(held.cell, held.state);
  archive(noticed_, flips_, parity_errors_, memory_lost_, cool_at_, hung_until_);
  archive(now_, array_time_, phase_, outcome_, fault_, job_, job_shown_, start_time_, abort_time_, shot_count_,
          first_shot_, pc_, next_pc_, loops_, remaining_, ramp_steps_, fetched_, held_ticks_, job_steps_, capturing_,
          capture_period_, to_record_, early_, owed_records_, taken_here_, stalled_, stall_begin_, stall_ticks_,
          clip_count_, energy_at_clear_, lanes_done_);
  archive.check(phase_ <= Phase::running && outcome_ <= Outcome::fault, "phase");
  bool with_array = array_ != nullptr;
  archive(with_array);
  archive.check(!with_array || could_start(job_, profile_, caps, memory_.size(), cells, lanes), "job");
  archive.check(with_array || phase_ == Phase::idle, "array");
  ring_.exchange(archive);
  if (archive.reads()) {
    look_steps_ = 0;
    array_.reset();
    if (with_array) {
      try {
        array_ = new_array(job_.cells, job_.shots);
      } catch (const std::bad_alloc&) {
        archive.refuse("this computer has not enough memory for its array");
      }
      imperfections_.prepare_read_out(job_.cells);
    }
  }
  const bool acts = phase_ == Phase::running;
  imperfections_.exchange(archive, acts ? job_.cells : 0, acts ? job_.shots : 0);
  if (array_) exchange_array(archive);
  archive.check(consistent(), "state of the sequencer");
}

void Sequencer::exchange_array(numerics::Archive& archive) {
  physics::ParameterExchange parameters(archive, job_.cells, job_.shots,
                                        values_of_cells(HB_SECTION_BIAS, job_.cells, profile_), array_->spec().graph);
  parameters_.exchange(archive, parameters, job_.cells, array_->spec().graph);
  if (imperfections_.moves()) {
    parameters(live_now_);
    parameters(target_now_);
    archive.check(live_now_.couplings && (ramp_steps_ == 0 || target_now_.couplings), "parameters that move");
  }
  array_->exchange(archive);
}

/// Whether what was read can be the state of a sequencer, as far as it would matter: nothing it does next reaches
/// outside of what there is.
bool Sequencer::consistent() const {
  if (!std::ranges::all_of(flips_, [&](const Flip& flip) { return flip.byte < memory_.size(); })) return false;
  if (!array_) return !capturing_ && !stalled_ && owed_records_ == 0;
  if (clamped_.size() != job_.cells || energy_at_clear_.size() != (job_.metered ? job_.shots : 0)) return false;
  if (ring_.layout() != job_.ring || lanes_done_ >= job_.shots || next_pc_ > job_.program.size()) return false;
  if (phase_ == Phase::waiting) return array_time_ <= start_time_ && now_ <= start_time_ && loops_.empty() && next_pc_ == 0;
  if (phase_ == Phase::idle) return array_time_ <= now_ || !profile_.free_running;
  const bool ring = job_.ring.slots > 0;
  return array_time_ <= now_ && pc_ < job_.program.size() && next_pc_ < job_.program.size() && loops_as_nested() &&
         (ramp_steps_ == 0 || (remaining_ > 0 && remaining_ <= ramp_steps_)) &&
         (!capturing_ || (ring && capture_period_ > 0 && to_record_ > 0 && early_ < capture_period_)) &&
         ((!stalled_ && owed_records_ == 0) || ring) && owed_records_ <= 1;
}

/// Whether the loops that are open are those around the next instruction.
bool Sequencer::loops_as_nested() const {
  std::vector<std::uint32_t> around;
  for (std::uint32_t pc = 0; pc < next_pc_; ++pc) {
    if (job_.program[pc].op == HB_OP_LOOP_BEGIN) around.push_back(pc);
    if (job_.program[pc].op == HB_OP_LOOP_END) around.pop_back();
  }
  return std::ranges::equal(loops_, around, [&](const Loop& loop, std::uint32_t pc) {
    return loop.begin == pc + 1 && loop.left < job_.program[pc].count;
  });
}

}  // namespace heatbath::model
