#pragma once
// The error that a run's step makes, measured: the same run at half the step on the same noise.

#include <cstdint>
#include <optional>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "apps/cli/run_job.hpp"
#include "files/run_statistics.hpp"
#include "files/toml_program.hpp"
#include "heatbath/device.hpp"

namespace heatbath::apps {

/// Final states and meters of every shot of a run, to compare with those of another one shot by shot.
class ShotValues {
 public:
  ShotValues(std::uint32_t shots, std::size_t columns) : shots_(shots), columns_(columns), values_(shots * columns) {}
  /// Takes the shots from `first` on.
  void take(std::uint64_t first, const RunResult& shots);
  /// Mean and spread over shots of (this - other) of a column: a captured state variable, then the energies of
  /// each snapshot.
  Moments difference(const ShotValues& other, std::size_t column) const;

 private:
  std::uint32_t shots_;
  std::size_t columns_;
  std::vector<double> values_;
};

/// Values of a shot that ShotValues holds of this program.
std::size_t shot_columns(const TomlProgram& description, const Program& program);

/// Throws Error(UNSUPPORTED) or Error(BAD_ARG) that names --halve where the device cannot follow the noise of a run at
/// half its step, or its memory on this side would pass a GiB.
void check_halving(const Device& device, const TomlProgram& description, const Program& program);

/// Runs the program at half the device's step, on the refinement of the noise of `coarse`, and compares: differences
/// (half less whole step), their standard errors from pairs of shots, and how many standard errors of the whole run's
/// mean they are. The device's step is put back. `statistics`: of the run at the whole step; may be null.
nlohmann::json halve(Device& device, const Program& program, const TomlProgram& description, const RunOutcome& coarse,
                     const ShotValues& values, const RunStatistics* statistics, const RunPlan& plan);

/// Prints what halve found.
void print_halved(const nlohmann::json& halved);

}  // namespace heatbath::apps
