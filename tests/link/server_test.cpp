// The server: which clients are admitted, how they take turns, and what happens to those that break the rules.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

#include <chrono>
#include <fstream>
#include <functional>
#include <future>
#include <random>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "raw_client.hpp"
#include "refusal.hpp"
#include "served.hpp"
#include "soon.hpp"

namespace heatbath {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::RawClient;
using testing::refusal;
using testing::Served;
using testing::soon;
using Clock = std::chrono::steady_clock;

// What a loaded machine may take for anything; what hangs would do so for ever.
constexpr auto patience = 60s;

constexpr const char* small = "func:cells=8&lanes=2&threads=1";

/// The device answers a new client, and is as after power-on.
void expect_up(const std::string& uri) {
  Device device = open_link(uri);
  EXPECT_EQ(device.transport().read32(HB_SCRATCH_OFFSET), 0u);
  device.transport().write32(HB_SCRATCH_OFFSET, 77);
  EXPECT_EQ(device.transport().read32(HB_SCRATCH_OFFSET), 77u);
}

std::string token_file(const std::string& token) {
  const std::string path = "/tmp/" + testing::unique_name() + ".token";
  std::ofstream(path) << token << "\n";
  return path;
}

TEST(Server, LetsInWhoShowsTheToken) {
  const std::string right = token_file("correct horse battery"), wrong = token_file("correct horse batterz");
  Served served(small, "tcp", [&](ServerOptions& options) { options.token_file = right; });
  EXPECT_THAT(refusal(HB_BAD_ARG, [&] { open_link(served.uri()); }), HasSubstr("asks for a token"));
  EXPECT_THAT(refusal(HB_BAD_ARG, [&] { open_link(served.uri() + "?token_file=" + wrong); }), HasSubstr("token is wrong"));
  expect_up(served.uri() + "?token_file=" + right);
  EXPECT_THAT(refusal(HB_IO, [&] { open_link(served.uri() + "?token_file=/nowhere"); }), HasSubstr("/nowhere"));
  const std::string empty = token_file("short");
  EXPECT_THAT(refusal(HB_BAD_ARG, [&] { open_link(served.uri() + "?token_file=" + empty); }), HasSubstr("5 bytes"));
  for (const std::string& file : {right, wrong, empty}) ::unlink(file.c_str());
}

TEST(Server, ListensBeyondLoopbackWithATokenOnly) {
  ServerOptions options{.device = small, .listen = "tcp://0.0.0.0:0"};
  EXPECT_THAT(refusal(HB_BAD_ARG, [&] { Server server(options); }), HasSubstr("not a loopback address"));
  const std::string token = token_file("0123456789abcdef");
  options.token_file = token;
  Server server(options);
  EXPECT_THAT(server.uri(), HasSubstr("tcp://0.0.0.0:"));
  ::unlink(token.c_str());
}

TEST(Server, MistakesInItsOptionsNameWhatIsRight) {
  const auto refused = [](hb_status_t code, ServerOptions options) {
    return refusal(code, [&] { Server server(options); });
  };
  EXPECT_THAT(refused(HB_BAD_ARG, {.device = small, .listen = "nowhere"}), HasSubstr("tcp://host:port, unix:/path"));
  EXPECT_THAT(refused(HB_BAD_ARG, {.device = small, .listen = "udp://x:1"}), HasSubstr("tcp://host:port, unix:/path"));
  EXPECT_THAT(refused(HB_BAD_ARG, {.device = small, .listen = "tcp://127.0.0.1"}), HasSubstr("tcp://host:port"));
  EXPECT_THAT(refused(HB_BAD_ARG, {.device = small, .listen = "tcp://127.0.0.1:70000"}), HasSubstr("0..65535"));
  EXPECT_THAT(refused(HB_BAD_ARG, {.device = small, .listen = "shm:name"}), HasSubstr("shm:/name"));
  EXPECT_THAT(refused(HB_BAD_ARG, {.device = "func:cells=0", .listen = "unix:/tmp/x"}), HasSubstr("cells=0"));
  EXPECT_THAT(refused(HB_IO, {.device = small, .listen = "unix:/nowhere/at/all"}), HasSubstr("No such file"));
  Served served(small, "unix");
  EXPECT_THAT(refused(HB_IO, {.device = small, .listen = served.uri()}), HasSubstr("in use"));
  expect_up(served.uri());
}

TEST(Server, ReplacesTheSocketOfADeadServer) {
  const std::string listen = testing::listening("unix");
  const pid_t child = ::fork();
  if (child == 0) {
    Server server({.device = small, .listen = listen});
    ::kill(::getpid(), SIGKILL);
  }
  ::waitpid(child, nullptr, 0);
  Served served(small, "unix", [&](ServerOptions& options) { options.listen = listen; });
  expect_up(served.uri());
}

TEST(Client, SaysWhereNobodyAnswers) {
  for (const char* uri : {"unix:/tmp/heatbath-nobody", "tcp://127.0.0.1:1", "shm:/heatbath-nobody"})
    EXPECT_THAT(refusal(HB_LINK, [&] { open_link(uri); }), HasSubstr("heatbath serve"));
}

TEST(Server, RefusesWrongHellosWithAReason) {
  Served served(small, "unix", [](ServerOptions& options) { options.handshake_limit = patience; });
  const auto answer = [&](const std::function<void(RawClient&)>& misbehave) {
    RawClient client(served.uri());
    misbehave(client);
    return client.why_sent_away();
  };
  EXPECT_THAT(answer([](RawClient& c) { c.send("GET / HTTP/1.1\r\nHost: heatbath\r\n\r\nand more of it", 48); }),
              HasSubstr("begins with a hello"));
  EXPECT_THAT(answer([](RawClient& c) {
                wire::Hello hello = RawClient::right_hello();
                hello.version = 9;
                c.hello(hello);
              }),
              HasSubstr("protocol version 9; this server speaks 2"));
  EXPECT_THAT(answer([](RawClient& c) {
                wire::Hello hello = RawClient::right_hello();
                hello.map_major = 7;
                c.hello(hello);
              }),
              HasSubstr("register map 7.x; the device has 1."));
  EXPECT_THAT(answer([](RawClient& c) { c.hello(RawClient::right_hello(), 0xFFFFFFFFu); }),
              HasSubstr("a hello of 4294967295 bytes"));
  EXPECT_THAT(answer([](RawClient& c) { c.hello(RawClient::right_hello(), 3); }), HasSubstr("a hello of 3 bytes"));
  EXPECT_THAT(answer([](RawClient& c) {
                wire::Header header;  // of version 1, with its token behind
                header.kind = wire::Kind::hello;
                header.length = sizeof(wire::Hello) + 16;
                wire::Hello hello = RawClient::right_hello();
                hello.version = 1;
                hello.zero = 16;
                c.send(header);
                c.send(&hello, sizeof hello);
                c.send("0123456789abcdef", 16);
              }),
              HasSubstr("protocol version 1; this server speaks 2: update the older one"));
  EXPECT_THAT(answer([](RawClient& c) {
                c.hello(RawClient::right_hello(), sizeof(wire::Hello) + 4);
                c.send("1234", 4);
              }),
              HasSubstr("a hello of 20 bytes; in this version it has 16"));
  EXPECT_THAT(answer([](RawClient& c) {
                wire::Header header;
                header.kind = wire::Kind::read32;
                c.send(header);
              }),
              HasSubstr("begins with a hello"));
  EXPECT_GE(served.server().counters().refused, 8u);
  expect_up(served.uri());
}

TEST(Server, SendsAwayWhoSaysNothing) {
  Served served(small, "unix", [](ServerOptions& options) { options.handshake_limit = 400ms; });
  RawClient half(served.uri()), none(served.uri());
  half.send("HB", 2);
  EXPECT_THAT(half.why_sent_away(), HasSubstr("no hello within 400 ms"));
  EXPECT_THAT(none.why_sent_away(), HasSubstr("no hello within 400 ms"));
  EXPECT_EQ(served.server().counters().refused, 2u);
}

TEST(Server, AddsAnotherMinorVersionOrHashToNobodysTrouble) {
  Served served(small, "unix");
  RawClient client(served.uri());
  wire::Hello hello = RawClient::right_hello();
  hello.map_minor = 99;
  hello.map_hash = 12345;
  client.hello(hello);
  const auto frame = client.receive();
  ASSERT_TRUE(frame);
  EXPECT_EQ(frame->header.kind, wire::Kind::welcome);
}

TEST(Server, EndsASessionThatBreaksTheProtocolWithAReason) {
  Served served(small, "unix");
  const auto answer = [&](const std::function<void(wire::Header&)>& spoil) {
    RawClient client(served.uri());
    client.begin();
    wire::Header header;
    header.kind = wire::Kind::read32;
    header.id = 1;
    spoil(header);
    client.send(header);
    return client.why_sent_away();
  };
  EXPECT_THAT(answer([](wire::Header& h) { h.magic = 0; }), HasSubstr("no frame of this protocol"));
  EXPECT_THAT(answer([](wire::Header& h) { h.length = 0xFFFFFFFFu; }), HasSubstr("a frame of 4294967295 bytes"));
  EXPECT_THAT(answer([](wire::Header& h) {
                h.kind = wire::Kind::read_block;
                h.value = 1ull << 40;
              }),
              HasSubstr("a read of 1099511627776 bytes"));
  EXPECT_THAT(answer([](wire::Header& h) { h.kind = static_cast<wire::Kind>(999); }), HasSubstr("kind 999"));
  EXPECT_THAT(answer([](wire::Header& h) { h.kind = wire::Kind::welcome; }), HasSubstr("kind 32"));
  EXPECT_THAT(answer([](wire::Header& h) { h.id = 5; }), HasSubstr("request 5 after request 0"));
  EXPECT_THAT(answer([](wire::Header& h) { h.length = 8; }), HasSubstr("payload in a frame of kind 2"));
  EXPECT_TRUE(soon([&] { return served.server().counters().ended_by_server == 7; }));
  expect_up(served.uri());
}

TEST(Server, ReportsAPostedErrorAtTheNextReadAndGoesOn) {
  Served served(small, "unix");
  RawClient client(served.uri());
  client.begin();
  wire::Header write;
  write.kind = wire::Kind::write_block;
  write.id = 1;
  write.address = 0x10000000 + (std::uint64_t{1} << 40);
  write.length = 4;
  wire::Header read;
  read.kind = wire::Kind::read32;
  read.id = 2;
  client.send(write);
  client.send("abcd", 4);
  client.send(read);
  const auto failed = client.receive();
  ASSERT_TRUE(failed);
  EXPECT_EQ(failed->header.id, 2u);
  EXPECT_EQ(failed->header.status, HB_BAD_ARG);
  EXPECT_THAT(failed->payload, HasSubstr("leaves device memory"));
  read.id = 3;
  client.send(read);
  const auto fine = client.receive();
  ASSERT_TRUE(fine);
  EXPECT_EQ(fine->header.status, HB_OK);
  EXPECT_EQ(fine->header.value, HB_ID_RESET);
  EXPECT_EQ(fine->header.ticks, 1u) << "device time is in every reply";
}

TEST(Server, AClientWaitsItsTurn) {
  Served served(small, "unix");
  auto first = std::make_unique<Device>(open_link(served.uri()));
  EXPECT_THAT(refusal(HB_BUSY, [&] { open_link(served.uri() + "?queue_timeout_ms=300"); }),
              HasSubstr("1 session(s) are before this one"));
  auto second = std::async(std::launch::async, [&] { return open_link(served.uri()).now().count; });
  EXPECT_EQ(second.wait_for(400ms), std::future_status::timeout);
  first.reset();
  EXPECT_GT(second.get(), 0u);
}

TEST(Server, AFullQueueRefuses) {
  Served served(small, "unix", [](ServerOptions& options) { options.queue_limit = 1; });
  Device first = open_link(served.uri());
  RawClient waiting(served.uri());
  waiting.hello(RawClient::right_hello());
  ASSERT_TRUE(waiting.receive());
  EXPECT_THAT(refusal(HB_BUSY, [&] { open_link(served.uri()); }), HasSubstr("1 clients wait"));
}

TEST(Server, ASessionMayGoOnForAsLongAsNobodyWaits) {
  Served served(small, "unix", [](ServerOptions& options) {
    options.session_limit = 200ms;
    options.idle_limit = 100ms;
  });
  Device device = open_link(served.uri());
  std::this_thread::sleep_for(900ms);
  EXPECT_GT(device.now().count, 0u);
}

TEST(Server, WhoWaitsIsServedWithinTheQuotaOfWhoRuns) {
  Served served(small, "unix", [](ServerOptions& options) { options.session_limit = 300ms; });
  Device hog = open_link(served.uri());
  std::atomic<bool> over{false};
  auto busy = std::async(std::launch::async, [&] {
    const std::string why = refusal(HB_LINK, [&] {
      for (;;) hog.now();
    });
    over = true;
    return why;
  });
  const auto began = Clock::now();
  expect_up(served.uri());
  EXPECT_LT(Clock::now() - began, patience);
  EXPECT_THAT(busy.get(), HasSubstr("its time was over"));
}

TEST(Server, AnIdleSessionMakesRoom) {
  for (const char* scheme : {"unix", "shm"}) {
    SCOPED_TRACE(scheme);
    Served served(small, scheme, [](ServerOptions& options) { options.idle_limit = 300ms; });
    Device idle = open_link(served.uri());
    expect_up(served.uri());
    EXPECT_THAT(refusal(HB_LINK, [&] { idle.now(); }), HasSubstr("it was idle for too long"));
    EXPECT_THAT(refusal(HB_LINK, [&] { idle.now(); }), HasSubstr("it was idle for too long")) << "and stays lost";
  }
}

TEST(Server, LongWorkIsNotIdleAndKeepsTheLinkAlive) {
  for (const char* scheme : {"unix", "shm"}) {
    SCOPED_TRACE(scheme);
    Served served("func:cells=512&lanes=8&threads=1", scheme);
    Device device = open_link(served.uri() + "?link_timeout_ms=2500");
    Program program(device.capabilities(), 512);
    std::vector<float> matrix(512 * 512, 0.01f);
    for (std::size_t i = 0; i < 512; ++i) matrix[i * 513] = 0;
    program.load(CellSection::j2, 1.0f).load_couplings(matrix).commit().set(0, 512, 0.0f);
    program.evolve(device.step() * 1000000).sample();
    Job job = device.start(program, {.shots = 8, .seed = 1});
    // One wait of the link, longer than its watchdog; nothing else is asked meanwhile.
    const auto began = Clock::now();
    auto stop = std::async(std::launch::async, [&] {
      std::this_thread::sleep_for(3500ms);
      served.server().stop();
    });
    const std::string why = refusal(HB_LINK, [&] { device.transport().wait_irq(device.step().count * 900000); });
    EXPECT_GT(Clock::now() - began, 3400ms) << why;
    EXPECT_THAT(why, HasSubstr("the server stops"));
    EXPECT_LT(Clock::now() - began, patience) << "and a stop ends it";
  }
}

TEST(Server, AKilledClientLeavesTheDeviceFreshForTheNext) {
  for (const char* scheme : {"unix", "tcp", "shm"}) {
    SCOPED_TRACE(scheme);
    int ready[2], where[2];
    ASSERT_EQ(::pipe(ready), 0);
    ASSERT_EQ(::pipe(where), 0);
    // The child is born before this process has threads.
    const pid_t child = ::fork();
    if (child == 0) {
      char uri[200] = {};
      if (::read(where[0], uri, sizeof uri) <= 0) ::_exit(3);
      Device device = open_link(std::string(uri));
      device.transport().write32(HB_SCRATCH_OFFSET, 5);
      device.transport().write_block(0x10000000, std::vector<std::byte>(4096, std::byte{9}));
      Program program(device.capabilities(), 4);
      program.evolve(device.step() * 1000000000);
      Job job = device.start(program);
      if (::write(ready[1], "r", 1) != 1) ::_exit(3);
      for (;;) job.poll();
    }
    Served served(small, scheme);
    const std::string uri = served.uri();
    ASSERT_GT(::write(where[1], uri.c_str(), uri.size() + 1), 0);
    char byte;
    ASSERT_EQ(::read(ready[0], &byte, 1), 1);
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    for (const int end : {ready[0], ready[1], where[0], where[1]}) ::close(end);
    Device device = open_link(served.uri());
    EXPECT_EQ(device.transport().read32(HB_SCRATCH_OFFSET), 0u);
    EXPECT_EQ(device.transport().read32(HB_STATUS_OFFSET), 0u);
    std::vector<std::byte> memory(4096, std::byte{1});
    device.transport().read_block(0x10000000, memory);
    EXPECT_EQ(memory, std::vector<std::byte>(4096));
  }
}

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

// Random bytes, right frames with a flipped bit, right frames cut short: whatever comes, the server lives, answers the
// next client, and keeps no memory and no file of it.
TEST(Server, SurvivesWhateverComes) {
  Served served(small, "unix", [](ServerOptions& options) { options.handshake_limit = 3000ms; });
  std::mt19937_64 random(7);
  [[maybe_unused]] std::size_t memory = 0;
  std::size_t files = 0;
  for (int round = 0; round < 600; ++round) {
    if (round == 100) {
      expect_up(served.uri());
      ASSERT_TRUE(soon([&] { return served.server().counters().busy == 0; }));
      memory = resident_bytes();
      files = open_files();
    }
    RawClient client(served.uri());
    const bool inside = round % 3 != 0;
    if (inside) client.begin();
    std::vector<unsigned char> bytes;
    if (round % 3 == 1) {
      bytes.resize(random() % 300);
      for (auto& byte : bytes) byte = static_cast<unsigned char>(random());
    }
    for (std::uint32_t id = 1; id <= 6; ++id) {
      wire::Header header;
      const wire::Kind kinds[] = {wire::Kind::read32, wire::Kind::write32, wire::Kind::read_block,
                                  wire::Kind::write_block, wire::Kind::wait_irq, wire::Kind::hello};
      header.kind = kinds[random() % 6];
      header.id = id;
      header.address = random() % 4 == 0 ? random() : 0x10000000 + random() % 5000;
      header.value = random() % 4 == 0 ? random() : random() % 5000;
      if (header.kind == wire::Kind::write_block) header.length = static_cast<std::uint32_t>(random() % 2000);
      const auto* begin = reinterpret_cast<const unsigned char*>(&header);
      bytes.insert(bytes.end(), begin, begin + sizeof header);
      bytes.insert(bytes.end(), header.length, static_cast<unsigned char>(round));
    }
    if (round % 2 == 0 && !bytes.empty()) bytes[random() % bytes.size()] ^= static_cast<unsigned char>(1 << random() % 8);
    client.send(bytes.data(), random() % (bytes.size() + 1));
  }
  expect_up(served.uri());
  ASSERT_TRUE(soon([&] { return served.server().counters().busy == 0 && open_files() <= files; }))
      << open_files() << " files, " << files << " before";
#ifndef __SANITIZE_ADDRESS__  // which keeps freed memory for a while
  EXPECT_LT(resident_bytes(), memory + (std::size_t{4} << 20));
#endif
}

TEST(Server, ManyConnectionsThatSayNothingDoNotKeepOthersOut) {
  Served served(small, "unix", [](ServerOptions& options) { options.handshake_limit = 3000ms; });
  std::vector<std::unique_ptr<RawClient>> silent;
  for (int k = 0; k < 100; ++k) silent.push_back(std::make_unique<RawClient>(served.uri()));
  ASSERT_TRUE(soon([&] { return served.server().counters().refused >= 100; }));
  expect_up(served.uri());
}

TEST(Server, AStopEndsTheSessionAndTheWaiting) {
  Served served(small, "unix");
  Device device = open_link(served.uri());
  auto waiting = std::async(std::launch::async, [&] {
    return refusal(HB_LINK, [&] { open_link(served.uri()); });
  });
  EXPECT_EQ(waiting.wait_for(300ms), std::future_status::timeout);
  served.stop();
  EXPECT_THAT(waiting.get(), HasSubstr("the server stops"));
  EXPECT_THAT(refusal(HB_LINK, [&] { device.now(); }), HasSubstr("the server stops"));
}

TEST(Realtime, DeviceTimeKeepsToTheWallClock) {
  // A tick of the ideal profile is 1 ps: slowed down 10^6 times, a step is 1 ms of the wall clock.
  Served served("func:cells=4&lanes=1&threads=1", "unix", [](ServerOptions& options) {
    options.realtime = true;
    options.slowdown = 1e6;
  });
  Device device = open_link(served.uri());
  const auto began = Clock::now();
  const std::uint64_t from = device.now().count;
  Program program(device.capabilities(), 4);
  program.evolve(device.step() * 200).sample();
  device.run(program, {.shots = 1, .seed = 1});
  std::this_thread::sleep_for(100ms);
  const std::uint64_t ticks = device.now().count - from;
  const double seconds = std::chrono::duration<double>(Clock::now() - began).count();
  EXPECT_GE(seconds, 0.299) << "200 ms of evolution and 100 ms of the host's";
  EXPECT_LE(static_cast<double>(ticks) * 1e-6, seconds * 1.02) << "the device never runs ahead";
  EXPECT_GT(served.server().counters().busy, 0u);
  { Device gone = std::move(device); }
  ASSERT_TRUE(soon([&] { return served.server().counters().paced > 20; }));
  EXPECT_GT(served.server().counters().jitter_worst_us, 0);
}

TEST(Realtime, ALateDeviceIsCounted) {
  Served served("func:cells=256&lanes=8&threads=1", "unix", [](ServerOptions& options) { options.realtime = true; });
  {
    Device device = open_link(served.uri());
    Program program(device.capabilities(), 256);
    program.evolve(device.step() * 300).sample();
    device.run(program, {.shots = 8, .seed = 1});
  }
  ASSERT_TRUE(soon([&] { return served.server().counters().overruns > 0; }));
  EXPECT_GT(served.server().counters().lag_worst_us, 0) << "how late, the machine decides";
}

}  // namespace
}  // namespace heatbath
