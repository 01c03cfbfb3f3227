// A link that is cut at any point of a session: Error(LINK) within the timeout, no job reported done that was not, the
// session freed, a new connection served. HEATBATH_LONG=1 cuts at 500 points instead of 50.
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "cutting_proxy.hpp"
#include "heatbath/device.hpp"
#include "served.hpp"

namespace heatbath {
namespace {

using namespace std::chrono_literals;
using testing::CuttingProxy;
using testing::Served;
using Clock = std::chrono::steady_clock;

// What a loaded machine may add to a limit; what hangs would do so for ever.
constexpr auto slack = 60s;

int cuts() { return std::getenv("HEATBATH_LONG") != nullptr ? 500 : 50; }

Result work(Device& device) {
  Program program(device.capabilities(), 8);
  program.load(CellSection::j2, 1.0f).load_temperature(0.5f).commit().set(0, 8, 0.5f);
  program.capture_start(device.step() * 2).evolve(device.step() * 400).capture_stop();
  return device.run(program, {.shots = 10, .seed = 3});
}

bool same(const Result& a, const Result& b) {
  for (std::uint32_t shot = 0; shot < a.capture.shots(); ++shot) {
    const auto x = a.capture.trajectory(shot), y = b.capture.trajectory(shot);
    if (x.size() != y.size() || std::memcmp(x.data(), y.data(), x.size_bytes()) != 0) return false;
  }
  return true;
}

void cut_at_random_points(bool silent, int times, std::chrono::milliseconds timeout) {
  Served served("func:cells=8&lanes=4&threads=1", "unix", [](ServerOptions& options) { options.idle_limit = 300ms; });
  CuttingProxy wire(served.uri(), silent);
  const std::string uri = wire.uri() + "?link_timeout_ms=" + std::to_string(timeout.count());
  Result whole;
  {
    Device device = open_link(wire.uri());
    whole = work(device);
  }
  const std::uint64_t length = wire.passed();
  ASSERT_GT(length, 10000u);
  std::mt19937_64 random(silent ? 2 : 1);
  int failed = 0, done = 0;
  for (int cut = 0; cut < times; ++cut) {
    // Near the end a session may be done before the wire is cut.
    const std::uint64_t at = random() % length;
    wire.budget(at);
    auto asked = Clock::now();
    try {
      Device device = open_link(uri);
      const Result result = work(device);
      ++done;
      EXPECT_TRUE(same(result, whole)) << "cut after " << at << " of " << length << " bytes: a job was reported done that was not";
    } catch (const Error& error) {
      ++failed;
      EXPECT_EQ(error.code(), HB_LINK) << error.what();
      EXPECT_LT(Clock::now() - asked, timeout + slack) << "cut after " << at << ": " << error.what();
    }
    wire.budget(~std::uint64_t{0});
    asked = Clock::now();
    Device again = open_link(wire.uri());
    EXPECT_LT(Clock::now() - asked, slack) << "the session was not freed";
    if (cut % 10 == 0) {
      EXPECT_TRUE(same(work(again), whole));
    }
  }
  EXPECT_GT(failed, times * 9 / 10);
  EXPECT_EQ(failed + done, times);
}

TEST(CutLink, ClosedAtAnyPointIsALinkErrorAndNothingElse) { cut_at_random_points(false, cuts(), 20000ms); }

TEST(CutLink, SilentFromAnyPointOnIsALinkErrorWithinTheTimeout) { cut_at_random_points(true, cuts() / 10, 2000ms); }

TEST(CutLink, AKilledServerIsALinkErrorOnEveryLink) {
  for (const char* scheme : {"unix", "tcp", "shm"}) {
    SCOPED_TRACE(scheme);
    int ready[2];
    ASSERT_EQ(::pipe(ready), 0);
    const std::string listen = testing::listening(scheme);
    const pid_t child = ::fork();
    if (child == 0) {
      ServerOptions options;
      options.device = "func:cells=8&lanes=4&threads=1";
      options.listen = listen;
      Server server(options);
      const std::string uri = server.uri();
      if (::write(ready[1], uri.c_str(), uri.size() + 1) < 0) ::_exit(2);
      server.run();
      ::_exit(0);
    }
    char uri[200] = {};
    ASSERT_GT(::read(ready[0], uri, sizeof uri), 0);
    ::close(ready[0]);
    ::close(ready[1]);
    Device device = open_link(std::string(uri));
    Program program(device.capabilities(), 8);
    program.evolve(device.step() * 100000000);
    Job job = device.start(program);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const auto began = Clock::now();
    try {
      job.wait();
      ADD_FAILURE() << "the job was reported done";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_LINK);
    }
    EXPECT_LT(Clock::now() - began, slack);
    EXPECT_THROW(device.now(), Error);
    if (std::string(scheme) == "unix") ::unlink(listen.c_str() + 5);
    if (std::string(scheme) == "shm") ::unlink(("/dev/shm/heatbath-" + listen.substr(5)).c_str());
  }
}

}  // namespace
}  // namespace heatbath
