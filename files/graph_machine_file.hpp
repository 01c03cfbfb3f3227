#pragma once
// machine.npz: a Boltzmann machine on a graph, trained or on the way. What numpy.load opens.

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "heatbath/trainers/graph_machine.hpp"

namespace heatbath::apps {

/// A training and what it is of.
struct SavedGraphMachine {
  std::string patterns;  ///< file of the patterns, as UTF-8
  std::string array;     ///< of that file, as UTF-8; empty: the only one
  std::uint32_t crc32 = 0;  ///< of the spins of all patterns, those held out too
  std::string device;    ///< URI, as UTF-8
  std::uint64_t held_out = 0;  ///< patterns at the end of the file that are not learned
  trainers::BoltzmannOptions options;
  trainers::GraphTraining training;
  /// Of the machine before its first update, nats a cell; none with hidden cells.
  std::optional<double> first_learned, first_held_out;
};

/// Arrays field (cells), coupling (edges), edges (edges x 2), visible, chains and clamped (shots x cells), gaps, and the
/// text settings (JSON); reading them gives the same bits. The file appears whole. Throws Error(IO).
void write_graph_machine(const std::filesystem::path& path, const SavedGraphMachine& saved);

/// Throws Error(IO or BAD_ARG) in one line with the path: missing, no .npz, damaged, of another command, an array that is
/// missing or of another type or shape.
SavedGraphMachine read_graph_machine(const std::filesystem::path& path);

/// Patterns of `cells` binary cells, each of the same weight: the rows of an array of -1 and 1, or 0 and 1, from .npy, .npz
/// (the array `array`, or the only one where that is empty) or text of one pattern (read_array). All axes but the last
/// count rows: records of `heatbath run` are patterns. Throws as read_array, and Error(BAD_ARG) that names the value that is no spin.
trainers::Patterns read_spin_rows(const std::filesystem::path& file, const std::string& array, std::uint32_t cells);

/// Numbers of cells, rising, below `cells` (2^24 at most); from an array of whole numbers. Throws as read_array, and Error(BAD_ARG).
std::vector<std::uint32_t> read_cell_numbers(const std::filesystem::path& file, std::uint32_t cells);

}  // namespace heatbath::apps
