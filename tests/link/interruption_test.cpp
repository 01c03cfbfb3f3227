// One client does not stop the server for others, whatever it asks for; and hosts get their calls back.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <cstring>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "heatbath/open.hpp"
#include "heatbath/program.h"
#include "raw_client.hpp"
#include "served.hpp"
#include "soon.hpp"

namespace heatbath {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::RawClient;
using testing::Served;
using testing::soon;
using Clock = std::chrono::steady_clock;

constexpr const char* small = "func:cells=8&lanes=2&threads=1";
// Far above what it should take, for loaded machines and sanitizers; what is stopped would take hours.
constexpr auto limit = 60s;

wire::Header request(wire::Kind kind, std::uint32_t id, std::uint64_t address = 0, std::uint64_t value = 0) {
  wire::Header header;
  header.kind = kind;
  header.id = id;
  header.address = address;
  header.value = value;
  return header;
}

/// A new client has its turn within the limit, on a device as after power-on.
void expect_served(const std::string& uri) {
  const auto began = Clock::now();
  Device device = open_link(uri);
  EXPECT_EQ(device.transport().read32(HB_SCRATCH_OFFSET), 0u);
  EXPECT_EQ(device.transport().read32(HB_RESET_COUNT_OFFSET), 0u);
  EXPECT_EQ(device.transport().read32(HB_ERR_ACCESS_OFFSET), 0u);
  EXPECT_LT(Clock::now() - began, limit);
}

void expect_stops(Served& served) {
  const auto began = Clock::now();
  served.stop();
  EXPECT_LT(Clock::now() - began, limit);
}

/// Starts a program that never ends within a client that then says no more.
void start_bare(Transport& link, const std::vector<hb_instruction_t>& program, std::uint32_t shots = 1) {
  link.write_block(HB_MEMORY_BASE, std::as_bytes(std::span(program)));
  link.write32(HB_SHOTS_OFFSET, shots);
  link.write32(HB_PROGRAM_COUNT_OFFSET, static_cast<std::uint32_t>(program.size()));
  const std::uint32_t sequence = (link.read32(HB_COMMAND_ACK_OFFSET) >> 16) + 1;
  link.write32(HB_COMMAND_OFFSET, HB_COMMAND_OP_START << HB_COMMAND_OP_SHIFT | sequence << 16);
}

hb_instruction_t op(hb_op_t code, std::uint64_t ticks = 0) {
  hb_instruction_t it{};
  it.op = static_cast<std::uint16_t>(code);
  it.ticks = ticks;
  return it;
}

/// Loops of changes of the parameters of many coupled cells: no time passes in them.
std::vector<hb_instruction_t> endless_instant() {
  hb_instruction_t couplings = op(HB_OP_LOAD), loop = op(HB_OP_LOOP_BEGIN);
  couplings.section = HB_SECTION_COUPLING;
  couplings.flags = HB_FLAG_IMMEDIATE;
  const float value = 1e-4f;
  std::memcpy(&couplings.imm, &value, sizeof value);
  loop.count = 500000;
  return {couplings, op(HB_OP_COMMIT), loop, op(HB_OP_COMMIT), op(HB_OP_LOOP_END), op(HB_OP_HALT)};
}

TEST(Interruption, AWaitForEverAndARegisterAfterItHangNoServer) {
  Served served(small, "unix");
  {
    RawClient client(served.uri());
    client.begin();
    client.send(request(wire::Kind::wait_irq, 1, 0, ~std::uint64_t{0}));
    client.send(request(wire::Kind::read32, 2));
    ASSERT_TRUE(client.receive());
    const auto frame = client.receive();
    ASSERT_TRUE(frame);
    EXPECT_EQ(frame->header.value, HB_ID_RESET);
  }
  expect_served(served.uri());
  expect_stops(served);
}

TEST(Interruption, AClientThatDiesInALongInstantMakesRoom) {
  for (const char* scheme : {"unix", "shm"}) {
    SCOPED_TRACE(scheme);
    Served served("func:cells=1024&lanes=1&threads=1", scheme);
    {
      Device device = open_link(served.uri());
      start_bare(device.transport(), endless_instant());
      auto gone = std::async(std::launch::async, [&] {
        try {
          device.transport().wait_irq(std::uint64_t{1} << 40);
        } catch (const Error&) {
        }
      });
      EXPECT_EQ(gone.wait_for(300ms), std::future_status::timeout);
      auto next = std::async(std::launch::async, [&] { expect_stops(served); });
      next.wait();
    }
  }
}

TEST(Interruption, ASessionEndsAtItsLimitInLongWork) {
  for (const bool instants : {true, false}) {
    Served served("func:cells=1024&lanes=64&threads=1", "unix", [](ServerOptions& options) { options.session_limit = 300ms; });
    RawClient client(served.uri());
    client.begin();
    {
      // The program goes over the wire as a raw client would send it.
      std::vector<hb_instruction_t> program = endless_instant();
      if (!instants) program = {program[0], program[1], op(HB_OP_EVOLVE, std::uint64_t{1} << 40), op(HB_OP_HALT)};
      wire::Header block = request(wire::Kind::write_block, 1, HB_MEMORY_BASE);
      block.length = static_cast<std::uint32_t>(program.size() * sizeof program[0]);
      client.send(block);
      client.send(program.data(), block.length);
      std::uint32_t id = 2;
      const auto write = [&](std::uint64_t offset, std::uint64_t value) {
        client.send(request(wire::Kind::write32, id++, offset, value));
      };
      write(HB_SHOTS_OFFSET, 64);
      if (!instants) write(HB_DT_TICKS_OFFSET, 1);
      write(HB_PROGRAM_COUNT_OFFSET, program.size());
      write(HB_COMMAND_OFFSET, HB_COMMAND_OP_START << HB_COMMAND_OP_SHIFT | 1u << 16);
      client.send(request(wire::Kind::wait_irq, id++, 0, std::uint64_t{1} << 40));
    }
    std::this_thread::sleep_for(100ms);
    expect_served(served.uri());
    EXPECT_THAT(client.why_sent_away(), HasSubstr("its time was over"));
    expect_stops(served);
  }
}

/// A job that lasts for ever is cancelled, and the device runs the next one.
void expect_cancelled(Device device) {
  Program program(device.capabilities(), 1024);
  std::vector<float> matrix(1024 * 1024, 1e-4f);
  for (std::size_t i = 0; i < 1024; ++i) matrix[1025 * i] = 0;
  program.load_couplings(matrix).loop_begin(400000).commit().loop_end().evolve(device.step() * 1'000'000'000);
  Job job = device.start(program, {.shots = 64, .seed = 1});
  std::thread other([&] {
    std::this_thread::sleep_for(200ms);
    job.cancel();
  });
  const auto began = Clock::now();
  try {
    job.wait();
    ADD_FAILURE() << "the job ended";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_ABORTED) << error.what();
  }
  EXPECT_LT(Clock::now() - began, limit);
  other.join();
  Program short_one(device.capabilities(), 4);
  short_one.evolve(device.step() * 3).sample();
  EXPECT_EQ(device.run(short_one, {.shots = 2, .seed = 3}).capture.records(), 1u) << "and the link goes on";
}

TEST(Interruption, CancellingAJobInASliceThatLastsGivesTheDeviceBack) {
  const std::string uri = "func:cells=1024&lanes=64&threads=1";
  expect_cancelled(open(uri));
  for (const char* scheme : {"unix", "shm", "tcp"}) {
    SCOPED_TRACE(scheme);
    Served served(uri, scheme);
    expect_cancelled(open_link(served.uri()));
  }
}

TEST(Interruption, ProgressIsAskedInsideALongSlice) {
  Device device = open("func:cells=1024&lanes=64&threads=1");
  Program program(device.capabilities(), 1024);
  program.loop_begin(500000).commit().loop_end();
  JobOptions options{.shots = 64, .seed = 1};
  int calls = 0;
  options.progress = [&](double) { return ++calls < 3; };
  const auto began = Clock::now();
  EXPECT_THROW(device.run(program, options), Error);
  EXPECT_EQ(calls, 3);
  EXPECT_LT(Clock::now() - began, limit);
}

TEST(Interruption, AStopIsNotLostBetweenTwoStates) {
  for (int round = 0; round < 60; ++round) {
    Served served(small, "unix");
    RawClient client(served.uri());
    client.hello(RawClient::right_hello());
    if (round % 2 == 0) client.receive();
    std::this_thread::sleep_for(std::chrono::microseconds(37 * round));
    expect_stops(served);
  }
}

TEST(Interruption, ADeviceInSystemCIsAsNewForEveryClient) {
  std::optional<Served> served;
  try {
    served.emplace("tlm:cells=4&lanes=1&threads=1", "unix");
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  for (int k = 0; k < 3; ++k) {
    Device device = open_link(served->uri());
    EXPECT_EQ(device.transport().read32(HB_RESET_COUNT_OFFSET), 0u);
    EXPECT_EQ(device.transport().read32(HB_ERR_ACCESS_OFFSET), 0u);
    device.transport().read32(0xFF0);  // nothing is there
    // All of simulated time, in waits that halve what is left.
    for (std::uint64_t ticks = std::uint64_t{1} << 63; ticks > 1u << 20; ticks /= 2) {
      try {
        device.transport().wait_irq(ticks);
      } catch (const Error& error) {
        EXPECT_THAT(error.what(), HasSubstr("simulated time"));
      }
    }
  }
  expect_stops(*served);
}

TEST(Interruption, ADeviceInSystemCBehindEtherboneHasAllOfItsTimeInEverySession) {
  // A part of long ticks, so that few steps use up simulated time.
  const std::string profile = "/tmp/" + testing::unique_name() + ".toml";
  std::ofstream(profile) << "[time]\ntick_ps = 1000000\ntime_unit_ticks = 1\ndt_ticks = 1\n";
  std::optional<Served> served;
  try {
    served.emplace("tlm:cells=1&lanes=1&threads=1&profile=" + profile, "etherbone");
  } catch (const Error& error) {
    std::filesystem::remove(profile);
    GTEST_SKIP() << error.what();
  }
  for (int k = 0; k < 3; ++k) {
    Device device = open_link(served->uri());
    EXPECT_EQ(device.transport().read32(HB_RESET_COUNT_OFFSET), 0u);
    // Seven tenths of simulated time, 2^64 ps, in steps as long as there are.
    const double ticks_there_are = 0x1p64 / device.transport().read32(HB_CAPS_TICK_PS_OFFSET);
    const std::uint64_t step = 0xFFFFFFFFu;
    device.set_step({step});
    Program program(device.capabilities(), 1);
    program.evolve({static_cast<std::uint64_t>(0.7 * ticks_there_are) / step * step}).sample();
    EXPECT_EQ(device.run(program, {.shots = 1}).capture.records(), 1u) << "session " << k;
  }
  {
    Device device = open_link(served->uri());
    start_bare(device.transport(), endless_instant());
    expect_stops(*served);
  }
  served.reset();
  std::filesystem::remove(profile);
}

TEST(Interruption, SiliconInSystemCServedGivesTheBitsOfFuncInEverySession) {
  const auto states = [](Device device) {
    Program program(device.capabilities(), 4);
    program.load(CellSection::j2, 1.0f).commit().evolve(device.ticks(0.5)).sample();
    const Result result = device.run(program, {.shots = 1});
    const auto state = result.capture.state(0, 0);
    return std::vector<float>(state.begin(), state.end());
  };
  const std::string keys = "profile=silicon&cells=4&lanes=1&threads=1&seed=5";
  std::optional<Served> served;
  try {
    served.emplace("tlm:" + keys, "unix");
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
  const std::vector<float> first = states(open_link(served->uri()));
  EXPECT_EQ(states(open_link(served->uri())), first);
  EXPECT_EQ(states(open("func:" + keys)), first);
}

// Behind the servers of such chips: a process has one configuration of them.
TEST(Interruption, CancellingAJobInSystemCGivesTheDeviceBack) {
  try {
    expect_cancelled(open("tlm:cells=1024&lanes=64&threads=1"));
  } catch (const Error& error) {
    GTEST_SKIP() << error.what();
  }
}

TEST(Interruption, CountersOfADeviceBehindAServerBeginAnew) {
  Served part(small, "uio");
  Served served(part.uri(), "unix");
  for (int k = 0; k < 2; ++k) {
    Device device = open_link(served.uri());
    for (const std::uint32_t offset : {HB_RESET_COUNT_OFFSET, HB_ERR_ACCESS_OFFSET, HB_ERR_SEQUENCE_OFFSET, HB_COMMAND_ACK_OFFSET})
      EXPECT_EQ(device.transport().read32(offset), 0u) << offset << " in session " << k;
    device.transport().write32(HB_ID_OFFSET, 1);
    device.reset();
    EXPECT_EQ(device.transport().read32(HB_RESET_COUNT_OFFSET), 1u);
    EXPECT_NE(device.transport().read32(HB_COMMAND_ACK_OFFSET), 0u);
  }
}

TEST(Queue, OfNoPlacesServesWhoComesWhenItIsFree) {
  Served served(small, "unix", [](ServerOptions& options) { options.queue_limit = 0; });
  expect_served(served.uri());
  std::optional<Device> first;  // as soon as the session before is over
  ASSERT_TRUE(soon([&] {
    try {
      first.emplace(open_link(served.uri()));
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_BUSY) << error.what();
    }
    return first.has_value();
  }));
  try {
    open_link(served.uri());
    ADD_FAILURE() << "a second session";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_BUSY);
    EXPECT_THAT(error.what(), HasSubstr("keeps no queue"));
  }
}

TEST(Queue, SilentConnectionsKeepNobodyOut) {
  Served served(small, "unix", [](ServerOptions& options) { options.handshake_limit = 60s; });
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int k = 0; k < 200; ++k) {
    silent.push_back(std::make_unique<RawClient>(served.uri()));
    if (k % 20 == 19) expect_served(served.uri());
  }
}

TEST(Journal, IsBoundedAndAReaderThatThrowsEndsNothing) {
  std::atomic<int> lines{0};
  Served served(small, "unix", [&](ServerOptions& options) {
    options.log = [&](const std::string&) {
      ++lines;
      throw std::runtime_error("no room");
    };
  });
  for (int k = 0; k < 200; ++k) {
    RawClient client(served.uri());
    client.send("x", 1);
    std::vector<char> rest(64, 'y');
    client.send(rest.data(), rest.size());
    client.last_frame();
  }
  expect_served(served.uri());
  EXPECT_GT(lines, 0);
  EXPECT_LE(lines, 60);
}

TEST(Means, AServerWithoutDescriptorsWaitsForThemAndServesOn) {
  // In a child: the limit is a process's.
  const pid_t child = ::fork();
  if (child == 0) {
    Served served(small, "unix");
    const rlimit few{40, 40};
    ::setrlimit(RLIMIT_NOFILE, &few);
    std::vector<std::unique_ptr<RawClient>> silent;
    try {
      for (int k = 0; k < 60; ++k) silent.push_back(std::make_unique<RawClient>(served.uri()));
    } catch (const std::exception&) {
    }
    rusage before{}, after{};
    ::getrusage(RUSAGE_SELF, &before);
    std::this_thread::sleep_for(1s);
    ::getrusage(RUSAGE_SELF, &after);
    const double busy = static_cast<double>(after.ru_utime.tv_sec - before.ru_utime.tv_sec) +
                        1e-6 * static_cast<double>(after.ru_utime.tv_usec - before.ru_utime.tv_usec);
    silent.clear();
    const bool serves = soon([&] {
      try {
        return open_link(served.uri()).transport().read32(HB_ID_OFFSET) == HB_ID_RESET;
      } catch (const Error&) {
        return false;
      }
    });
    ::_exit(busy < 0.5 && serves ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)  // which want address space of their own
TEST(Means, AServerWithoutMemoryRefusesThatClientAndServesTheNext) {
  const pid_t child = ::fork();
  if (child == 0) {
    Served served("func:cells=512&lanes=512&threads=1", "unix");
    std::ifstream statm("/proc/self/statm");
    rlim_t pages = 0;
    statm >> pages;
    rlimit usual{};
    ::getrlimit(RLIMIT_AS, &usual);
    const rlimit little{pages * 4096 + (rlim_t{1} << 20), usual.rlim_max};
    ::setrlimit(RLIMIT_AS, &little);
    int refused = 0;
    for (int k = 0; k < 3; ++k) {
      try {
        open_link(served.uri());
      } catch (const std::exception&) {
        ++refused;
      }
    }
    ::setrlimit(RLIMIT_AS, &usual);
    Device device = open_link(served.uri());
    ::_exit(refused == 3 && device.transport().read32(HB_ID_OFFSET) == HB_ID_RESET ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
}
#endif

TEST(SocketFile, IsRemovedByItsOwnerAlone) {
  const std::string listen = testing::listening("unix"), path = listen.substr(5);
  auto first = std::make_unique<Served>(small, "unix", [&](ServerOptions& options) { options.listen = listen; });
  // Somebody takes the file away and puts another there.
  std::filesystem::remove(path);
  std::ofstream(path) << "mine";
  first.reset();
  EXPECT_TRUE(std::filesystem::exists(path));
  EXPECT_THROW(Server({.device = small, .listen = listen}), Error) << "what is no socket is not replaced";
  std::filesystem::remove(path);
  Served next(small, "unix", [&](ServerOptions& options) { options.listen = listen; });
  expect_served(next.uri());
  EXPECT_THROW(Server({.device = small, .listen = listen}), Error);
  std::filesystem::remove(path);
  EXPECT_THROW(Server({.device = small, .listen = listen}), Error) << "the path is its own while it lives";
}

TEST(SocketFile, OfADeadServerIsTakenByExactlyOne) {
  for (int round = 0; round < 4; ++round) {
    const std::string listen = testing::listening("unix");
    const pid_t dead = ::fork();
    if (dead == 0) {
      Server server({.device = small, .listen = listen});
      ::kill(::getpid(), SIGKILL);
    }
    ::waitpid(dead, nullptr, 0);
    std::vector<std::future<int>> tries;
    std::atomic<int> there{0}, refused{0};
    std::atomic<bool> over{false};
    for (int k = 0; k < 4; ++k)
      tries.push_back(std::async(std::launch::async, [&] {
        try {
          Server server({.device = small, .listen = listen});
          ++there;
          while (!over) std::this_thread::sleep_for(1ms);
          return 1;
        } catch (const Error&) {
          ++refused;
          return 0;
        }
      }));
    EXPECT_TRUE(soon([&] { return there + refused == 4; }));
    over = true;
    int served = 0;
    for (auto& one : tries) served += one.get();
    EXPECT_EQ(served, 1);
  }
}

TEST(StandIn, LeavesFilesOfOthersAlone) {
  const std::string file = "/dev/shm/" + testing::unique_name();
  std::ofstream(file) << "precious";
  const auto refused = [&](ServerOptions options) {
    try {
      Server server(std::move(options));
      return std::string("served");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  };
  EXPECT_THAT(refused({.device = small, .listen = "uio:" + file}), HasSubstr("--force"));
  std::string text;
  std::ifstream(file) >> text;
  EXPECT_EQ(text, "precious");
  EXPECT_FALSE(std::filesystem::exists(file + ".irq"));
  std::filesystem::remove(file);
  std::ofstream(file + ".irq") << "mine";
  EXPECT_THAT(refused({.device = small, .listen = "uio:" + file}), HasSubstr(".irq already"));
  EXPECT_FALSE(std::filesystem::exists(file)) << "what it made goes";
  EXPECT_TRUE(std::filesystem::exists(file + ".irq"));
  EXPECT_EQ(refused({.device = small, .listen = "uio:" + file, .force = true}), "served");
  EXPECT_FALSE(std::filesystem::exists(file));
  // What a dead one left is replaced.
  const pid_t dead = ::fork();
  if (dead == 0) {
    Server server({.device = small, .listen = "uio:" + file});
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(dead, nullptr, 0);
  EXPECT_TRUE(std::filesystem::exists(file));
  EXPECT_EQ(refused({.device = small, .listen = "uio:" + file}), "served");
  EXPECT_FALSE(std::filesystem::exists(file) || std::filesystem::exists(file + ".irq"));
}

TEST(StandIn, WhoseFileIsCutEndsWithAMessage) {
  const std::string file = "/dev/shm/" + testing::unique_name();
  Server server({.device = small, .listen = "uio:" + file});
  auto served = std::async(std::launch::async, [&] {
    try {
      server.run();
      return std::string("ended");
    } catch (const Error& error) {
      return std::string(error.what());
    }
  });
  std::this_thread::sleep_for(50ms);
  std::filesystem::resize_file(file, 0);
  EXPECT_EQ(served.wait_for(limit), std::future_status::ready);
  server.stop();
  EXPECT_THAT(served.get(), HasSubstr("bytes of the file are gone"));
}

TEST(StandIn, StopsInALongInstant) {
  const std::string file = "/dev/shm/" + testing::unique_name();
  Served served("func:cells=1024&lanes=1&threads=1", "uio", [&](ServerOptions& options) { options.listen = "uio:" + file; });
  Device device = open_link("uio:" + file);
  start_bare(device.transport(), endless_instant());
  expect_stops(served);
}

TEST(StandIn, ATransferIsStartedAfterItsOperands) {
  const std::string profile = "/tmp/" + testing::unique_name() + ".toml", file = "/dev/shm/" + testing::unique_name();
  {
    std::ifstream in(HEATBATH_SOURCE_DIR "/hw_model/profiles/ideal.toml");
    std::ofstream out(profile);
    for (std::string line; std::getline(in, line);) out << (line.starts_with("dma = ") ? "dma = true" : line) << '\n';
  }
  Served served("func:cells=4&lanes=1&threads=1&profile=" + profile, "uio",
                [&](ServerOptions& options) { options.listen = "uio:" + file; });
  Device device = open_link("uio:" + file);
  Transport& link = device.transport();
  for (std::uint32_t k = 1; k < 200; ++k) {
    link.write32(HB_DMA_HOST_LO_OFFSET, 64 * k);
    link.write32(HB_DMA_BYTES_OFFSET, 4 * k);
    link.write32(HB_DMA_BURST_OFFSET, 4);
    link.write32(HB_DMA_COMMAND_OFFSET, HB_DMA_COMMAND_OP_TO_HOST << HB_DMA_COMMAND_OP_SHIFT | (k % 0xFFFF) << 16);
    std::uint32_t status = 0;
    const auto began = Clock::now();
    do status = link.read32(HB_DMA_STATUS_OFFSET);
    while ((status & HB_DMA_STATUS_BUSY_MASK) != 0 && Clock::now() - began < limit);
    // No host answers: the transfer was accepted with its own operands, and ends at its first burst.
    EXPECT_EQ((status & HB_DMA_STATUS_CODE_MASK) >> HB_DMA_STATUS_CODE_SHIFT, static_cast<std::uint32_t>(HB_LINK)) << k;
    link.write32(HB_DMA_BYTES_OFFSET, 3);  // what would be refused
  }
  std::filesystem::remove(profile);
}

TEST(Serving, OfARecordIsRefused) {
  try {
    Server server({.device = "record:/tmp/" + testing::unique_name() + "?device=func:cells=4", .listen = testing::listening("unix")});
    ADD_FAILURE() << "it is served";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("on the client's side"));
  }
}

}  // namespace
}  // namespace heatbath
