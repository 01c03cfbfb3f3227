#pragma once
// A program run on a device with what the command keeps of it: everything, or only what is summed up while it goes.

#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include "files/run_result.hpp"
#include "files/run_statistics.hpp"
#include "files/toml_program.hpp"
#include "heatbath/device.hpp"

namespace heatbath::numerics {
class Archive;
}

namespace heatbath::apps {

/// Mean and spread of numbers that come in groups.
struct Moments {
  double count = 0, mean = 0, squares = 0;  ///< squares: sum of the squared distances from the mean

  void merge(const Moments& more);
  /// With n - 1; 0 for a single number.
  double sd() const;
  void exchange(numerics::Archive& archive);
};

struct SnapshotMoments {
  std::uint64_t ticks = 0;
  /// Of each meter that was taken, but ticks: one, or one per cell.
  std::map<Meter, std::vector<Moments>> of;
  void exchange(numerics::Archive& archive);
};

/// What a run left.
struct RunOutcome {
  RunResult result;                        ///< without states and meters where they were not kept
  std::vector<Moments> final_states;       ///< over shots, of each captured state variable
  std::vector<SnapshotMoments> snapshots;  ///< over shots
  std::uint64_t records = 0;               ///< of each shot
  std::uint64_t clips = 0, capture_clips = 0, rails = 0;
  std::uint32_t rail_cell = 0xFFFFFFFFu;
  Ticks array_ticks, stall_ticks;
  std::vector<Share> shares;               ///< of a rack: who did what
  /// Writes or reads what is summed up while it goes.
  void exchange(numerics::Archive& archive);
};

struct RunPlan {
  bool keep = true;                            ///< states and meters of every shot
  std::uint32_t refinement = 0;                ///< JobOptions::refinement
  std::uint32_t first_shot = 0;                ///< number of the first shot, with a seed
  Progress progress;                           ///< of all shots
  /// Takes the final states and the meters of shots first.. as they come; may be empty.
  std::function<void(std::uint64_t first_shot, const RunResult&)> shots;
  /// Of the whole run, as JobOptions::checkpoints of a job; not with `shots`.
  Checkpoints checkpoints;
};

/// Runs the shots of `description`: in one job where everything is kept, else in blocks of shots that need little
/// memory, the same bits for a device with a seed. Feeds `statistics` unless null. Throws as Device::run.
RunOutcome run_shots(Device& device, const Program& program, const TomlProgram& description, const RunPlan& plan,
                     RunStatistics* statistics);

}  // namespace heatbath::apps
