#include "heatbath/numerics/thread_team.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
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

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which want address space of their own
TEST(ThreadTeam, WorksWithTheThreadsThatTheSystemGives) {
  const pid_t child = ::fork();
  if (child == 0) {
    std::ifstream statm("/proc/self/statm");
    rlim_t pages = 0;
    statm >> pages;
    const rlim_t bytes = pages * 4096 + (rlim_t{200} << 20);
    const rlimit limit{bytes, bytes};
    ::setrlimit(RLIMIT_AS, &limit);
    ThreadTeam team(1000);
    std::atomic<int> done{0};
    team.run(5000, [&](std::size_t) { ++done; });
    ::_exit(team.size() > 1 && team.size() < 1000 && done == 5000 ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}
#endif

}  // namespace
}  // namespace heatbath::numerics
