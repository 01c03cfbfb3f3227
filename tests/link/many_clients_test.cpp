// Fifty clients at once: all are served in turn, none sees another's data, and the server keeps nothing.
// HEATBATH_LONG_SECONDS=600 runs it for so long; the default is a few seconds.
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "served.hpp"

namespace heatbath {
namespace {

using namespace std::chrono_literals;
using testing::Served;
using Clock = std::chrono::steady_clock;

constexpr int clients = 50;
constexpr std::chrono::milliseconds quota{200};

std::size_t resident_bytes() {
  std::ifstream status("/proc/self/statm");
  std::size_t total = 0, resident = 0;
  status >> total >> resident;
  return resident * 4096;
}

std::size_t open_files() {
  std::size_t count = 0;
  for (int fd = 0; fd < 4096; ++fd) count += ::fcntl(fd, F_GETFD) >= 0;
  return count;
}

std::vector<float> draw(Device& device, std::uint64_t seed) {
  Program program(device.capabilities(), 4);
  program.load(CellSection::j2, 1.0f).load_temperature(0.5f).commit().set(0, 4, 0.0f);
  program.evolve(device.step() * 50).sample();
  const Result result = device.run(program, {.shots = 4, .seed = seed});
  std::vector<float> all;
  for (std::uint32_t shot = 0; shot < 4; ++shot) {
    const auto states = result.capture.trajectory(shot);
    all.insert(all.end(), states.begin(), states.end());
  }
  return all;
}

TEST(ManyClients, AreServedInTurnAndApart) {
  const char* seconds = std::getenv("HEATBATH_LONG_SECONDS");
  const auto duration = std::chrono::seconds(seconds != nullptr ? std::atoi(seconds) : 8);
  const std::string uri = "func:cells=4&lanes=4&threads=1";
  std::vector<std::vector<float>> expected;
  {
    Device device = open(uri);
    for (int k = 0; k < clients; ++k) expected.push_back(draw(device, static_cast<std::uint64_t>(k)));
  }
  Served served(uri, "unix", [](ServerOptions& options) {
    options.session_limit = quota;
    options.idle_limit = 100ms;
  });
  const auto end = Clock::now() + duration, latest = end + 120s;
  std::atomic<int> sessions{0}, lost{0}, wrong{0}, foreign{0};
  std::vector<std::atomic<int>> of_client(clients);
  // A loaded machine takes longer to serve everybody once.
  const auto over = [&] {
    const auto now = Clock::now();
    return now >= latest || (now >= end && std::ranges::all_of(of_client, [](const auto& count) { return count > 0; }));
  };
  std::mutex first_error;
  std::string error;
  std::vector<std::thread> threads;
  for (int k = 0; k < clients; ++k)
    threads.emplace_back([&, k] {
      while (!over()) {
        try {
          Device device = open_link(served.uri());
          ++of_client[static_cast<std::size_t>(k)];
          ++sessions;
          std::vector<std::byte> memory(65536);
          device.transport().read_block(HB_MEMORY_BASE + (1 << 20), memory);
          for (const std::byte byte : memory) foreign += byte != std::byte{0};
          foreign += device.transport().read32(HB_SCRATCH_OFFSET) != 0;
          std::fill(memory.begin(), memory.end(), static_cast<std::byte>(k + 1));
          device.transport().write_block(HB_MEMORY_BASE + (1 << 20), memory);
          device.transport().write32(HB_SCRATCH_OFFSET, static_cast<std::uint32_t>(k + 1));
          // Some leave at once, some stay for several jobs, some fall asleep or keep on until they are sent away.
          const int jobs = k % 10 == 9 ? 1000000 : k % 3;
          for (int job = 0; job < jobs && !over(); ++job)
            wrong += draw(device, static_cast<std::uint64_t>(k)) != expected[static_cast<std::size_t>(k)];
          if (k % 10 == 8) std::this_thread::sleep_for(400ms);
          wrong += device.transport().read32(HB_SCRATCH_OFFSET) != static_cast<std::uint32_t>(k + 1);
        } catch (const Error& failure) {
          // Sent away: for the quota or for sleeping. Nothing else may happen.
          const std::string why = failure.what();
          if (failure.code() == HB_LINK && why.find("others wait") != std::string::npos) continue;
          ++lost;
          const std::lock_guard lock(first_error);
          if (error.empty()) error = why;
        }
      }
    });
  std::this_thread::sleep_until(std::min(end, Clock::now() + duration / 4));
  const std::size_t memory = resident_bytes(), files = open_files();
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(lost, 0) << error;
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(foreign, 0) << "bytes of another session were seen";
  for (int k = 0; k < clients; ++k) EXPECT_GT(of_client[static_cast<std::size_t>(k)], 0) << "client " << k << " starved";
  // The limits are looked at four times a second, and a session ends between two slices of work: on a machine of its own.
  const auto bound = (clients - 1) * (quota + 300ms) + 1000ms;
  if (seconds != nullptr) EXPECT_LE(served.server().counters().longest_wait_ms, static_cast<std::uint64_t>(bound / 1ms));
#ifndef __SANITIZE_ADDRESS__  // which keeps freed memory for a while
  EXPECT_LT(resident_bytes(), memory + (std::size_t{16} << 20));
#endif
  EXPECT_LE(open_files(), files);
  std::printf("%d sessions; longest wait %llu ms, bound %lld ms; resident %+.1f MB\n", sessions.load(),
              static_cast<unsigned long long>(served.server().counters().longest_wait_ms),
              static_cast<long long>(bound / 1ms),
              (static_cast<double>(resident_bytes()) - static_cast<double>(memory)) * 1e-6);
}

}  // namespace
}  // namespace heatbath
