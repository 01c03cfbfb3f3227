#pragma once
// A run as waveforms: a VCD file (IEEE 1364-2005, clause 18), which GTKWave opens.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace heatbath::apps {

struct RunResult;

/// What of a run is drawn.
struct WaveformSelection {
  std::vector<std::uint32_t> cells;  ///< by their numbers on the device
  bool meters = false;
  std::uint32_t shot = 0;
};

/// Reads "cells=0..7,cells=12,meters,shot=3". An empty text means all captured cells and the meters of shot 0. Throws
/// Error(BAD_ARG) that names the word that is wrong, or the cell or shot that the run does not have. `first_cell` is
/// the device's number of the run's first captured cell.
WaveformSelection waveform_selection(std::string_view text, const RunResult& run, std::uint32_t first_cell);

/// The file: one real variable per cell, x_<cell>, with a value at every record, and energy, work and heat at every
/// meter snapshot. Times are those of the array in the job, in picoseconds.
std::string waveform(const RunResult& run, const WaveformSelection& selection, std::uint32_t first_cell,
                     std::uint32_t tick_ps);

}  // namespace heatbath::apps
