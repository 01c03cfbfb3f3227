// A job that is kept and goes on: what it has fetched, beside the state of its device.
#include <stdexcept>
#include <string>

#include "heatbath/numerics/archive.hpp"
#include "job_impl.hpp"

namespace heatbath {
namespace {

/// What reads an older one is in exchange(), by Archive::version().
constexpr std::uint32_t job_format = 1;

}  // namespace

/// A checksum of all that makes one job another: the program as it lies in memory, its operands, and the options.
std::uint32_t Job::Impl::identity() const {
  numerics::Archive archive(job_format);
  for (const hb_instruction_t& placed : place(program, plan_)) {
    hb_instruction_t it = placed;
    archive(it.op, it.section, it.flags, it.first, it.count, it.imm, it.lane_stride, it.addr, it.ticks);
  }
  std::uint64_t seed = options.seed.value_or(0), step = device->step.count, limit = options.limit.count;
  bool seeded = options.seed.has_value(), handed = options.records != nullptr;
  std::uint32_t shots = options.shots, cells = capture_cells_, first_cell = options.capture_first;
  std::uint32_t first_shot = options.first_shot, refinement = options.refinement;
  std::uint64_t first_step = options.first_step;
  archive(seeded, seed, step, limit, handed, shots, cells, first_cell, first_shot, refinement, first_step);
  std::uint32_t sum = numerics::crc32(archive.take());
  for (const Program::Operand& operand : program.operands()) sum = numerics::crc32(*operand.bytes, sum);
  return sum;
}

/// Everything that a job learns after its first pass was started. Of captures, what was fetched.
void Job::Impl::exchange(numerics::Archive& archive) {
  archive(done_shots_, fetched_, started_at_, left_, slice_, clips_, woken_, link_bytes_);
  archive.check(done_shots_ < options.shots && done_shots_ % plan_.lanes == 0 && fetched_ <= plan_.records && slice_ > 0 &&
                    slice_ <= longest_slice_,
                "place in the job");
  Work& work = device->work;
  archive(work.samples, work.reads, work.writes, work.link_bytes, work.busy_seconds);
  archive(result.capture_clips, result.rails, result.rail_cell, result.array_ticks.count, result.stall_ticks.count);

  Capture& capture = result.capture;
  if (!options.records) {
    for (std::uint64_t record = 0; record < (done_shots_ > 0 ? plan_.records : fetched_); ++record)
      archive(capture.ticks_[record].count);
    const auto rows = [&](auto* values, std::uint64_t width) {
      if (width == 0) return;
      for (std::uint64_t shot = 0; shot < done_shots_ + pass_shots(); ++shot) {
        const std::uint64_t records = shot < done_shots_ ? plan_.records : fetched_;
        archive.values(std::span(values + shot * plan_.records * width, records * width));
      }
    };
    rows(capture.values_.data(), capture_cells_);
    rows(capture.turns_.data(), capture.turn_cells_);
  }
  for (auto& snapshot : result.meters)
    for (std::uint64_t shot = 0; shot < done_shots_; ++shot) {
      hb_meters_t& of = snapshot[shot];
      archive(of.energy, of.work, of.heat, of.heat_path, of.work_shadow, of.ticks);
    }
  for (auto& [meter, snapshots] : result.on_request)
    for (auto& values : snapshots)
      if (!values.empty()) archive.values(std::span(values).first(done_shots_ * values_of(facts(meter))));
  const std::size_t matrix = std::size_t{program.cells()} * program.cells();
  for (std::size_t k = 0; k < result.readback.size(); ++k) {
    std::vector<float>& values = result.readback[k];
    archive(values);
    archive.check(done_shots_ == 0 ? values.empty()
                                   : values.size() == plan_.readback_values[k] || values.size() == matrix,
                  "readback");
  }
}

void Job::Impl::save() {
  numerics::Archive archive(job_format);
  std::uint32_t of = identity();
  archive(of);
  exchange(archive);
  std::vector<std::byte> chip = device->link.restorable()->save();
  archive(chip);
  options.checkpoints.take(numerics::seal("job", job_format, archive.take()));
}

/// Goes on from what save() made. No register is accessed: device time is as it was.
void Job::Impl::resume() {
  try {
    const numerics::Sealed sealed = numerics::unseal(options.checkpoints.from, "job", job_format);
    numerics::Archive archive(sealed.contents, sealed.version);
    std::uint32_t of = 0;
    archive(of);
    if (of != identity()) archive.refuse("it is of another job: its program, its step or its options differ");
    const Work before = device->work;
    try {
      exchange(archive);
      std::vector<std::byte> chip;
      archive(chip);
      archive.end();
      device->link.restorable()->restore(chip);
    } catch (...) {
      device->work = before;
      throw;
    }
  } catch (const numerics::Archive::Refused& refused) {
    throw Error(HB_BAD_ARG, std::string("the saved job: ") + refused.what());
  }
  options.checkpoints.from = {};
  state = State::running;
  device->active = this;
}

}  // namespace heatbath
