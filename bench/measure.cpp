#include "bench/measure.hpp"

#include <algorithm>
#include <ctime>

namespace heatbath::bench {
namespace {

constexpr double shortest = 4e-3;  // seconds of one timed stretch

double now(Clock clock) {
  timespec t{};
  clock_gettime(clock == Clock::thread ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

double stretch(const std::function<void()>& work, int calls, Clock clock) {
  const double start = now(clock);
  for (int i = 0; i < calls; ++i) work();
  return (now(clock) - start) / calls;
}

int calls_for(const std::function<void()>& work, Clock clock) {
  int calls = 1;
  if (stretch(work, calls, clock) > 25 * shortest) return calls;
  while (stretch(work, calls, clock) * calls < shortest && calls < 1 << 24) calls *= 2;
  return calls;
}

}  // namespace

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::sort(values.begin(), values.end());
  const auto at = [&](double part) {
    return values[static_cast<std::size_t>(part * static_cast<double>(values.size() - 1) + 0.5)];
  };
  return {at(0.5), at(0.25), at(0.75)};
}

Comparison compare(const std::function<void()>& ours, const std::function<void()>& reference, double seconds,
                   Clock clock) {
  const int our_calls = calls_for(ours, clock), their_calls = reference ? calls_for(reference, clock) : 0;
  std::vector<double> our_times, their_times, ratios;
  const double end = now(Clock::wall) + seconds;
  const auto more = [&](int turn) {
    if (now(Clock::wall) < end) return turn < 101;
    const double taken = our_times.empty() ? 0 : our_times.front() * our_calls;
    return turn < (taken < 0.5 ? 5 : 3);
  };
  for (int turn = 0; more(turn); ++turn) {
    double mine = 0, theirs = 0;
    if (turn % 2 == 0) mine = stretch(ours, our_calls, clock);
    if (reference) theirs = stretch(reference, their_calls, clock);
    if (turn % 2 != 0) mine = stretch(ours, our_calls, clock);
    our_times.push_back(mine);
    if (!reference) continue;
    their_times.push_back(theirs);
    ratios.push_back(mine / theirs);
  }
  const int turns = static_cast<int>(our_times.size());
  return {spread_of(std::move(our_times)), spread_of(std::move(their_times)), spread_of(std::move(ratios)), turns};
}

Comparison time_of(const std::function<void()>& ours, double seconds, Clock clock) {
  return compare(ours, nullptr, seconds, clock);
}

}  // namespace heatbath::bench
