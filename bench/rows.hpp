#pragma once
// The rows of `heatbath-bench`: what is measured, against what, and the goal.

#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>

#include "bench/measure.hpp"

namespace heatbath::bench {

/// What the goal of a row is on: our time per unit, or its ratio to the reference. All goals are upper bounds.
enum class GoalOf { value, ratio };

/// A row of the closed list.
struct RowInfo {
  std::string_view name;
  std::string_view work;       ///< what is timed
  std::string_view unit;       ///< of value and reference, per piece of work
  std::string_view reference;  ///< what it is compared with; empty: nothing
  double goal;
  GoalOf goal_of;
  std::string_view peer;  ///< script and its arguments, when the reference is a peer; empty: measured in process
  unsigned threads = 1;
};

/// All rows, in the order they are printed.
std::span<const RowInfo> rows();

/// The row of a name, or null.
const RowInfo* find_row(std::string_view name);

/// A row as measured. Times in the unit of the row; ratio = value / reference, of the medians of the turns.
struct Row {
  const RowInfo* info = nullptr;
  bool measured = false;
  bool compared = false;  ///< reference and ratio exist
  bool met = false;       ///< measured, and the goal is reached
  Spread value, reference, ratio;
  int turns = 0;
  std::string note;  ///< why something was not measured, or how statistics agreed
};

struct RowOptions {
  double seconds = 2;           ///< time for the turns of one row, about
  std::filesystem::path peers;  ///< folder of the peers' scripts; empty: rows with a peer have no reference
};

/// Measures a row. Threads: one, but for the rows that say two; a peer gets the same number. What runs on one thread,
/// and its peer, stay on one processor (one_processor.hpp).
Row measure(const RowInfo& info, const RowOptions& options);

}  // namespace heatbath::bench
