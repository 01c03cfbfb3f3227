#pragma once
// Times of two pieces of work, measured alternately.

#include <functional>
#include <vector>

namespace heatbath::bench {

/// Median and the quartiles around it.
struct Spread {
  double median = 0, low = 0, high = 0;
};
Spread spread_of(std::vector<double> values);

/// What a time is: processor time of the calling thread (other programs disturb it little), or time on the wall.
enum class Clock { thread, wall };

/// Times per call in seconds, and the ratio of the two of one turn.
struct Comparison {
  Spread ours, reference, ratio;
  int turns = 0;
};

/// Runs both alternately (each first every other time) for about `seconds` in all, at least five turns (three of more
/// than half a second). A turn repeats a short piece until it takes a few milliseconds. The first call of each is not
/// counted.
Comparison compare(const std::function<void()>& ours, const std::function<void()>& reference, double seconds,
                   Clock clock);

/// The same with nothing to compare with: reference and ratio are 0.
Comparison time_of(const std::function<void()>& ours, double seconds, Clock clock);

}  // namespace heatbath::bench
