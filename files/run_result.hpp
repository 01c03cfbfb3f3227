#pragma once
// What a TOML program left, on disk: .npz for numpy, .h5 for everything else.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "files/run_statistics.hpp"
#include "heatbath/job.hpp"

namespace heatbath::apps {

class Hdf5Writer;

/// Arrays of a run, in files as: states (shots x records x cells, dimensionless; float32, or float64 where full turns
/// are beyond 2^24), time (records, time units), ticks
/// (records), meters_energy, … of each energy of hb_meters_t (snapshots x shots, energy units), meters_ticks
/// (snapshots), the meters that the program asked for besides by their names (snapshots x shots, those of cells x cells;
/// energy units or counts), readback_0_bias, …, the arrays of [statistics], and provenance (JSON text). Without records
/// (what [statistics] only leaves) there are no states, times and meters. In .h5 the dimensions of states have the scales
/// shot, time and variable, which xarray and netCDF4 take for coordinates.
struct RunResult {
  std::uint32_t shots = 0, cells = 0;
  std::size_t records = 0;
  std::vector<float> states;
  std::vector<double> exact_states;  ///< the same in double where full turns are beyond float32; else empty
  std::vector<double> time;
  std::vector<std::uint64_t> ticks;
  std::vector<std::vector<hb_meters_t>> meters;  ///< [snapshot][shot]
  MetersOnRequest on_request;
  std::vector<std::string> readback_names;
  std::vector<std::uint64_t> couplers;  ///< couplers x 2, where a readback is coupler_values: the pairs of its values
  std::vector<std::vector<float>> readback;
  std::vector<StatisticsArray> statistics;
  std::string provenance;  ///< JSON

  /// One variable of the final state of one shot.
  double final_value(std::uint32_t shot, std::uint32_t cell) const {
    const std::size_t at = (std::size_t{shot} * records + records - 1) * cells + cell;
    return exact_states.empty() ? states[at] : exact_states[at];
  }
  /// Final states of one shot.
  std::span<const float> final_state(std::uint32_t shot) const {
    return std::span(states).subspan((std::size_t{shot} * records + records - 1) * cells, cells);
  }
};

/// Arranges what a job left. A last record that repeats the one before (same time, same states) is dropped.
/// time_unit: ticks in one time unit.
RunResult arrange(const Result& result, Ticks time_unit);

/// Throws Error(BAD_ARG) unless the name ends in .npz or .h5.
void check_result_name(const std::filesystem::path& path);

/// Writes the file whole, in the format its name says. Throws Error(IO).
void write_run_result(const std::filesystem::path& path, const RunResult& result);

/// Ends an .h5 of a run whose arrays are written: axes of states (shots x records x cells, empty where there are none),
/// format and provenance; the file appears. Throws Error(IO).
void finish_run_result(Hdf5Writer& file, const std::vector<std::size_t>& states, std::string_view provenance);

}  // namespace heatbath::apps
