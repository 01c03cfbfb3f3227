#include "heatbath/network/shots.hpp"

#include <algorithm>
#include <string>
#include <utility>

#include "heatbath/error.hpp"

namespace heatbath::network {
namespace {

constexpr std::uint64_t all_shots = std::uint64_t{1} << 32;

}  // namespace

std::uint64_t bytes_per_shot(const Program& program, const JobOptions& job) {
  const std::uint64_t variables =
      job.capture_cells != 0 ? job.capture_cells : program.cells() - job.capture_first % program.cells();
  std::uint64_t bytes = job.records ? 0 : program.records() * variables * sizeof(float);
  for (const MeterSet meters : program.snapshot_contents()) bytes += hb_snapshot_bytes(meters.flags(), 1, program.cells());
  return bytes;
}

Shots::Shots(Device& device, ShotOptions options)
    : device_(&device), options_(std::move(options)), next_(options_.first_shot) {
  if (options_.seed) require(device.capabilities().seeded, "a seed that was asked for", "SEEDED");
}

void Shots::seek(std::uint64_t seed, std::uint32_t first_shot) {
  if (options_.seed) options_.seed = seed;
  options_.seed_where_taken = seed;
  next_ = first_shot;
}

JobOptions Shots::of(std::uint64_t first, std::uint32_t shots, JobOptions job) const {
  job.shots = shots;
  job.strict = options_.strict;
  job.seed.reset();
  job.first_shot = 0;
  if (device_->capabilities().seeded) {
    job.seed = options_.seed.value_or(options_.seed_where_taken);
    job.first_shot = static_cast<std::uint32_t>(first);
  }
  job.progress = options_.progress;
  return job;
}

void Shots::claim(std::uint32_t shots) {
  if (shots == 0) throw Error(HB_BAD_ARG, "Shots: 0 shots; at least 1 is needed");
  if (next_ + shots > all_shots)
    throw Error(HB_BAD_ARG, "Shots: " + std::to_string(shots) + " shots from number " + std::to_string(next_) +
                                " on; a seed has 4294967296: go on with another");
  next_ += shots;
}

JobOptions Shots::next(std::uint32_t shots) {
  const std::uint64_t first = next_;
  claim(shots);
  return of(first, shots, {});
}

std::uint32_t Shots::block(std::uint64_t bytes_per_shot) const {
  if (bytes_per_shot == 0) return 0xFFFFFFFFu;
  const std::uint64_t affordable = options_.memory / bytes_per_shot;
  const std::uint64_t lanes = std::max<std::uint32_t>(1, device_->capabilities().lanes);
  const std::uint64_t whole =
      affordable >= lanes ? affordable - affordable % lanes : std::max<std::uint64_t>(1, affordable);
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(whole, 0xFFFFFFFFu));
}

void Shots::run(std::uint32_t shots, std::uint64_t bytes_per_shot, const ProgramOf& program_of, const Take& take,
                JobOptions job) {
  const std::uint64_t first = next_;
  claim(shots);
  const std::uint32_t together = block(bytes_per_shot);
  for (std::uint32_t done = 0; done < shots;) {
    const std::uint32_t now = std::min(together, shots - done);
    JobOptions options = of(first + done, now, job);
    if (job.records)
      options.records = [&](const RecordOfPass& record) {
        RecordOfPass here = record;
        here.first_shot += done;
        job.records(here);
      };
    if (options_.progress)
      options.progress = [&](double fraction) { return options_.progress((done + fraction * now) / shots); };
    take(done, device_->run(program_of(done, now), options));
    done += now;
  }
}

Result Shots::run(const Program& program, std::uint32_t shots, JobOptions job) {
  Result all;
  // Operands per shot are those of one job.
  run(
      shots, program.fixed_shots() > 0 ? 0 : bytes_per_shot(program, job),
      [&](std::uint32_t, std::uint32_t) { return program; },
      [&](std::uint32_t first, Result&& result) {
        const bool more = first == 0 && result.capture.shots() < shots;
        merge(all, std::move(result));
        if (more) all.capture.reserve(shots);
      },
      std::move(job));
  return all;
}

}  // namespace heatbath::network
