#pragma once
// When a program takes its records and its meters.

#include <cstdint>
#include <vector>

#include "heatbath/program.hpp"

namespace heatbath::apps {

/// Of one shot, in ticks that the array has evolved. The last record of a program of the command is the final state,
/// taken in any case; it belongs to the series only where the schedule takes no record itself.
struct Timeline {
  std::uint64_t first = 0;    ///< of the records at or after `from`
  std::uint64_t records = 0;  ///< from there on, the final one left out
  Ticks begin, end;           ///< times of the first and the last of them
  Ticks spacing{0};           ///< between all of them; 0 where they are not equally far apart, or fewer than two
  struct Metered {
    Ticks since, until;  ///< the meters count from the last clearing to the snapshot
  };
  std::vector<Metered> snapshots;
};

/// Walks the program; the work grows with the number of its records at most.
Timeline timeline_of(const Program& program, Ticks from);

}  // namespace heatbath::apps
