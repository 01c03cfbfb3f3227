#pragma once
// Sets of samples as files: .npz, .h5, and .json as dimod reads it.

#include <cstdint>
#include <filesystem>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "files/problem_file.hpp"
#include "heatbath/solvers/sample.hpp"

namespace heatbath::apps {

/// How the cells of a set stand for variables.
struct SampleSetForm {
  std::uint32_t variables = 0;  ///< the first ones are written; 0: all cells
  bool spins = true;            ///< +1 and -1; else states are numbers, or
  bool bits = false;            ///< spins that stand for 1 and 0, and are written so
  bool labels = false;          ///< numbers of states, 0 ..
};
SampleSetForm form_of(const Problem& problem);

/// Throws Error(BAD_ARG) for a name that ends in none of .npz, .h5 and .json.
void check_sample_set_name(const std::filesystem::path& path);

/// Writes the file whole: states (rows x variables), energies, occurrences, the device time, updates and heat of the run,
/// and `origin` as text. A .json is what dimod.SampleSet.from_serializable reads, with `origin` as its info (variable
/// type SPIN, BINARY, INTEGER or REAL). A set without rows has no states, energies and occurrences in it. `statistics`
/// become arrays of .npz and .h5. Throws Error(IO) that names the path.
void write_sample_set(const std::filesystem::path& path, const solvers::SampleSet& samples, const SampleSetForm& form,
                      const nlohmann::json& origin, const solvers::SampleStatistics* statistics = nullptr);

/// Everything of a certificate by name, null for what is unknown: the names of `heatbath.Certificate.as_dict`.
nlohmann::json certificate_json(const measure::Certificate& certificate);

/// What was asked for, by the names of the arrays.
nlohmann::json statistics_json(const solvers::SampleStatistics& statistics);

}  // namespace heatbath::apps
