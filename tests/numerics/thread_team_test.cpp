#include "heatbath/numerics/thread_team.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace heatbath::numerics {
namespace {

TEST(ThreadTeam, RunsEveryPieceExactlyOnce) {
  ThreadTeam team(3);
  for (const std::size_t count : {0u, 1u, 2u, 7u, 1000u}) {
    std::vector<std::atomic<int>> hits(count);
    team.run(count, [&](std::size_t i) { ++hits[i]; });
    for (const auto& hit : hits) EXPECT_EQ(hit.load(), 1);
  }
}

TEST(ThreadTeam, RethrowsWhatAPieceThrowsAndStaysUsable) {
  ThreadTeam team(2);
  EXPECT_THROW(team.run(10, [](std::size_t i) { if (i == 4) throw std::runtime_error("four"); }), std::runtime_error);
  std::atomic<int> done{0};
  team.run(10, [&](std::size_t) { ++done; });
  EXPECT_EQ(done.load(), 10);
}

}  // namespace
}  // namespace heatbath::numerics
