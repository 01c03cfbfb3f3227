#pragma once
// Shots of one seed, numbered consecutively across jobs and run in blocks that fit in memory.

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>

#include "heatbath/device.hpp"

namespace heatbath::network {

/// Default limit on the bytes of captured states and meters that one job leaves on the host.
inline constexpr std::uint64_t default_memory = std::uint64_t{256} << 20;

/// Where the noise of shots comes from, and how they are cut into jobs.
struct ShotOptions {
  /// Required noise key: Error(UNSUPPORTED) on a device without CAPS.SEEDED.
  std::optional<std::uint64_t> seed = std::nullopt;
  /// Noise key where `seed` is not given: used where the device takes one, ignored elsewhere.
  std::uint64_t seed_where_taken = 1;
  /// Number of the first shot.
  std::uint32_t first_shot = 0;
  std::uint64_t memory = default_memory;
  /// Fraction of the shots of a call; false ends it with Error(ABORTED).
  Progress progress = nullptr;
  /// JobOptions::strict of every job.
  bool strict = false;
};

/// Runs shots of one seed on a device, which must outlive it. No shot number is used twice: each call goes on where the
/// one before it ended. On a device with CAPS.SEEDED the bits do not depend on the division into blocks.
class Shots {
 public:
  /// The device must outlive it. Error(UNSUPPORTED) for a seed that the device cannot take.
  explicit Shots(Device& device, ShotOptions options = {});

  /// Job of the next `shots` shots, which are numbered as used: seed and first shot where the device takes them,
  /// progress, strictness. For callers that run jobs themselves. Error(BAD_ARG) where all 2^32 shot numbers of the seed
  /// are used.
  JobOptions next(std::uint32_t shots);

  /// Runs `shots` shots, in as many jobs as memory requires, and returns them as one result. `job`: captured variables,
  /// limit (of each job), refinement, a taker of records (whose first_shot counts within this call); its seed, first
  /// shot, shots, progress and strictness are those of this. A program with operands per shot runs in one job.
  Result run(const Program& program, std::uint32_t shots, JobOptions job = {});

  /// The same for programs that differ from block to block, or results that are not kept: `program_of` builds the
  /// program of shots first.. of this call, `take` takes its result.
  using ProgramOf = std::function<Program(std::uint32_t first, std::uint32_t shots)>;
  using Take = std::function<void(std::uint32_t first, Result&& result)>;
  /// `bytes_per_shot`: what a shot leaves (bytes_per_shot() of such a program).
  void run(std::uint32_t shots, std::uint64_t bytes_per_shot, const ProgramOf& program_of, const Take& take,
           JobOptions job = {});

  /// Shots of one job: as memory allows, at least 1; whole passes where it holds one. 0 bytes: any number.
  std::uint32_t block(std::uint64_t bytes_per_shot) const;

  Device& device() { return *device_; }  ///< that runs them
  std::uint32_t next_shot() const { return static_cast<std::uint32_t>(next_); }  ///< number of the next one
  /// Continues with this seed (where the device takes one) from this shot.
  void seek(std::uint64_t seed, std::uint32_t first_shot);
  void set_progress(Progress progress) { options_.progress = std::move(progress); }

 private:
  Device* device_;
  ShotOptions options_;
  std::uint64_t next_;

  JobOptions of(std::uint64_t first, std::uint32_t shots, JobOptions job) const;
  void claim(std::uint32_t shots);
};

/// Bytes that one shot of a program leaves on the host: captured states and meters.
std::uint64_t bytes_per_shot(const Program& program, const JobOptions& job = {});

}  // namespace heatbath::network
