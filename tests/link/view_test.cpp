// Viewers of a served device: what they see, and that nobody else notices them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "heatbath/open.hpp"
#include "heatbath/program.h"
#include "heatbath/regs.h"
#include "heatbath/view.hpp"
#include "raw_client.hpp"
#include "refusal.hpp"
#include "served.hpp"
#include "soon.hpp"

namespace heatbath {
namespace {

using ::testing::HasSubstr;
using testing::RawClient;
using testing::refusal;
using testing::Served;
using testing::soon;
using Clock = std::chrono::steady_clock;

std::uint32_t word(std::span<const std::byte> bytes, std::size_t at) {
  std::uint32_t value = 0;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

/// All that a host learns from jobs on its device, and from the device's clock and counters between them: of jobs without
/// a seed, so that noise depends on what the device did before.
std::vector<double> host_work(Device& device, int jobs, bool seeded) {
  std::vector<double> seen;
  for (int job = 0; job < jobs; ++job) {
    Program program(device.capabilities(), 6);
    program.load(CellSection::j2, 1.0f).commit().clamp(0, 6, 0.0f).evolve(device.ticks(1)).release(0, 6);
    program.capture_start(device.capture_period(device.ticks(0.5))).evolve(device.ticks(10)).capture_stop();
    const Result result = device.run(program, {.shots = 5, .seed = seeded ? std::optional<std::uint64_t>(job) : std::nullopt});
    for (std::uint32_t shot = 0; shot < 5; ++shot) {
      const auto states = result.capture.trajectory(shot);
      seen.insert(seen.end(), states.begin(), states.end());
    }
    seen.push_back(static_cast<double>(device.now().count));
    for (const std::uint64_t counter : {HB_ERR_ACCESS_OFFSET, HB_ERR_SEQUENCE_OFFSET, HB_INTR_STATE_OFFSET, HB_COMMAND_ACK_OFFSET})
      seen.push_back(device.transport().read32(counter));
  }
  return seen;
}

class OfDevice : public ::testing::TestWithParam<std::string> {};

/// A viewer that looks as often as it can, from its own thread, to the end of its life.
class Watcher {
 public:
  explicit Watcher(const std::string& uri) : view_(uri), thread_([this] { watch(); }) {}
  ~Watcher() {
    stop_ = true;
    thread_.join();
  }
  int looks_in_session() const { return looks_; }

 private:
  void watch() {
    const std::vector<View::Range> all{{0, 0x400}, {HB_MEMORY_BASE, 32768}};
    while (!stop_) {
      const View::Moment moment = view_.look(all);
      EXPECT_EQ(word(moment.bytes, HB_ID_OFFSET), 0x48544248u);
      if (moment.session != 0) ++looks_;
    }
  }
  View view_;
  std::atomic<bool> stop_{false};
  std::atomic<int> looks_{0};
  std::thread thread_;
};

TEST_P(OfDevice, TwoViewersLookOnAndAHostSeesTheSameBits) {
  const std::string uri = GetParam();
  if (uri.starts_with("tlm:")) {
    try {
      open(uri);
    } catch (const Error& without) {
      GTEST_SKIP() << without.what();
    }
  }
  constexpr int jobs = 12;
  const bool seeded = uri.find("silicon") == std::string::npos;
  for (const bool with_seed : {false, true}) {
    if (with_seed && !seeded) continue;
    std::vector<double> alone;
    {
      Served served(uri, "unix");
      Device device = open_link(served.uri());
      alone = host_work(device, jobs, with_seed);
    }
    Served served(uri, "unix");
    Watcher first(served.uri()), second(served.uri());
    Device device = open_link(served.uri());
    const std::vector<double> watched = host_work(device, jobs, with_seed);
    EXPECT_EQ(watched, alone) << "with a seed: " << with_seed;
    const int before = first.looks_in_session() + second.looks_in_session();
    EXPECT_TRUE(soon([&] { return first.looks_in_session() > 2 && second.looks_in_session() > 2; }))
        << before << " looks while it worked, and none after";
    EXPECT_EQ(served.server().counters().viewers, 2u);
    EXPECT_EQ(served.server().counters().sessions, 1u);
  }
}
INSTANTIATE_TEST_SUITE_P(View, OfDevice,
                         ::testing::Values("func:cells=6&lanes=3&threads=1", "tlm:cells=6&lanes=3&threads=1",
                                           "func:profile=silicon&threads=1"),
                         [](const auto& of) { return of.param.starts_with("tlm:") ? "Tlm" : of.param.find("silicon") != std::string::npos ? "Silicon" : "Func"; });

TEST(View, SeesRegistersAndCapturesOfTheSession) {
  for (const char* scheme : {"unix", "tcp", "shm"}) {
    Served served("func:cells=6&lanes=3&threads=1", scheme);
    View view(served.uri());
    Device device = open_link(served.uri());
    device.transport().write32(HB_SCRATCH_OFFSET, 77);
    Program program(device.capabilities(), 6);
    program.load(CellSection::j2, 1.0f).commit().set(0, 6, 0.5f).evolve(device.step() * 20).sample();
    const Capture capture = device.run(program, {.shots = 3, .seed = 4}).capture;
    const std::vector<View::Range> ranges{{HB_SCRATCH_OFFSET, 4}, {HB_CAPTURE_BASE_LO_OFFSET, 36}};
    View::Moment moment = view.look(ranges);
    EXPECT_EQ(moment.session, 1u);
    EXPECT_EQ(moment.ticks, device.transport().device_ticks());
    EXPECT_EQ(word(moment.bytes, 0), 77u);
    const std::uint64_t record = word(moment.bytes, 4);  // of one: the ring begins with it
    EXPECT_EQ(word(moment.bytes, 4 + HB_CAPTURE_HEAD_OFFSET - HB_CAPTURE_BASE_LO_OFFSET), 1u);
    const View::Range states{HB_MEMORY_BASE + record + sizeof(hb_record_header_t), 3 * 6 * 4};
    moment = view.look(std::span(&states, 1));
    std::vector<float> seen(18), had;
    std::memcpy(seen.data(), moment.bytes.data(), moment.bytes.size());
    for (std::uint32_t shot = 0; shot < 3; ++shot) had.insert(had.end(), capture.state(shot, 0).begin(), capture.state(shot, 0).end());
    EXPECT_EQ(seen, had) << scheme;
  }
}

TEST(View, IsADeviceThatCanOnlyBeRead) {
  Served served("func:cells=6&lanes=3&threads=1", "unix");
  Device device(std::make_unique<View>(served.uri()));
  EXPECT_EQ(device.capabilities().cells, 6u);
  EXPECT_EQ(device.capabilities().lanes, 3u);
  EXPECT_THAT(refusal(HB_UNSUPPORTED, [&] { device.transport().write32(HB_SCRATCH_OFFSET, 1); }), HasSubstr("who looks on has not got the device"));
  EXPECT_THAT(refusal(HB_UNSUPPORTED, [&] { device.transport().wait_irq(1); }), HasSubstr("time cannot be let pass"));
  const std::byte one{1};
  refusal(HB_UNSUPPORTED, [&] { device.transport().write_block(HB_MEMORY_BASE, std::span(&one, 1)); });
  refusal(HB_UNSUPPORTED, [&] { device.reset(); });
  EXPECT_EQ(served.server().counters().sessions, 0u);
}

TEST(View, BetweenSessionsADeviceIsAsAfterPowerOn) {
  Served served("func:cells=6&lanes=3&threads=1", "unix");
  View view(served.uri());
  const std::vector<View::Range> ranges{{HB_SCRATCH_OFFSET, 4}, {HB_MEMORY_BASE, 64}};
  {
    Device device = open_link(served.uri());
    device.transport().write32(HB_SCRATCH_OFFSET, 77);
    const std::vector<std::byte> secret(64, std::byte{42});
    device.transport().write_block(HB_MEMORY_BASE, secret);
    device.transport().read32(HB_SCRATCH_OFFSET);  // after which both are there
    const View::Moment moment = view.look(ranges);
    EXPECT_EQ(word(moment.bytes, 0), 77u);
    EXPECT_EQ(moment.bytes[4], std::byte{42});
  }
  ASSERT_TRUE(soon([&] { return view.look(ranges).session == 0; }));
  const View::Moment none = view.look(ranges);
  EXPECT_TRUE(std::all_of(none.bytes.begin(), none.bytes.end(), [](std::byte byte) { return byte == std::byte{0}; }));
  Device next = open_link(served.uri());
  const View::Moment moment = view.look(ranges);
  EXPECT_EQ(moment.session, 2u);
  EXPECT_TRUE(std::all_of(moment.bytes.begin(), moment.bytes.end(), [](std::byte byte) { return byte == std::byte{0}; }));
}

TEST(View, WhatCannotBeLookedAtIsRefused) {
  Served served("func:cells=6&lanes=3&threads=1", "unix");
  View view(served.uri());
  Device device = open_link(served.uri());
  const auto at = [&](std::uint64_t address, std::uint32_t bytes) {
    return refusal(HB_BAD_ARG, [&] {
      const View::Range range{address, bytes};
      view.look(std::span(&range, 1));
    });
  };
  EXPECT_THAT(at(2, 4), HasSubstr("whole registers"));
  EXPECT_THAT(at(0x3FC, 8), HasSubstr("whole registers"));
  EXPECT_THAT(at(~std::uint64_t{3}, 4), HasSubstr("whole registers"));
  EXPECT_THAT(at(HB_MEMORY_BASE + device.capabilities().memory_bytes - 4, 8), HasSubstr("whole registers"));
  EXPECT_THAT(at(HB_MEMORY_BASE, (1u << 18) + 1), HasSubstr("262144 bytes"));
  const std::vector<View::Range> many(65, View::Range{0, 4});
  refusal(HB_BAD_ARG, [&] { view.look(many); });
  EXPECT_EQ(view.look({}).session, 1u) << "the view goes on";
}

TEST(View, ItsPlacesAreCountedApart) {
  Served served("func:cells=6&threads=1", "unix", [](ServerOptions& options) {
    options.viewer_limit = 2;
    options.queue_limit = 0;
  });
  Device device = open_link(served.uri());
  auto first = std::make_unique<View>(served.uri());
  View second(served.uri());
  EXPECT_THAT(refusal(HB_BUSY, [&] { View third(served.uri()); }), HasSubstr("2 viewers look on, as many as this server lets"));
  first.reset();
  ASSERT_TRUE(soon([&] { return served.server().counters().viewers == 1; }));
  View again(served.uri());
  EXPECT_EQ(again.look({}).session, 1u);
  EXPECT_EQ(second.look({}).session, 1u);

  Served closed("func:cells=6&threads=1", "unix", [](ServerOptions& options) { options.viewer_limit = 0; });
  EXPECT_THAT(refusal(HB_UNSUPPORTED, [&] { View none(closed.uri()); }), HasSubstr("nobody may look on"));
}

TEST(View, ShowsATokenAsAnyClient) {
  const std::string file = "/tmp/" + testing::unique_name() + ".token";
  std::ofstream(file) << "0123456789abcdef\n";
  Served served("func:cells=6&threads=1", "unix", [&](ServerOptions& options) { options.token_file = file; });
  EXPECT_THAT(refusal(HB_BAD_ARG, [&] { View none(served.uri()); }), HasSubstr("asks for a token"));
  EXPECT_EQ(View(served.uri() + "?token_file=" + file).look({}).session, 0u);
  std::remove(file.c_str());
}

/// A viewer by its bytes.
class RawViewer : public RawClient {
 public:
  explicit RawViewer(const std::string& uri) : RawClient(uri) {
    wire::Hello greeting = right_hello();
    greeting.role = wire::Role::viewer;
    hello(greeting);
    const auto frame = receive(60000);
    EXPECT_TRUE(frame && frame->header.kind == wire::Kind::welcome);
  }
};

TEST(View, WhoDoesAnythingButLookIsSentAway) {
  Served served("func:cells=6&threads=1", "unix");
  Device device = open_link(served.uri());
  device.transport().write32(HB_SCRATCH_OFFSET, 5);
  for (const wire::Kind kind : {wire::Kind::write32, wire::Kind::read32, wire::Kind::wait_irq, wire::Kind::break_off, wire::Kind::hello}) {
    RawViewer viewer(served.uri());
    wire::Header header;
    header.kind = kind;
    header.id = 1;
    header.address = HB_SCRATCH_OFFSET;
    header.value = 9;
    viewer.send(header);
    EXPECT_THAT(viewer.why_sent_away(), HasSubstr("a viewer looks and does nothing else"));
  }
  RawViewer odd(served.uri());
  wire::Header header;
  header.kind = wire::Kind::look;
  header.length = 17;
  odd.send(header);
  EXPECT_THAT(odd.why_sent_away(), HasSubstr("a look of 17 bytes"));
  RawViewer unheard(served.uri());
  header.magic = 3;
  unheard.send(header);
  EXPECT_THAT(unheard.why_sent_away(), HasSubstr("no frame"));
  EXPECT_EQ(device.transport().read32(HB_SCRATCH_OFFSET), 5u);
}

TEST(View, OneThatLeavesInTheMiddleKeepsNobody) {
  Served served("func:cells=6&threads=1", "unix");
  Device device = open_link(served.uri());
  for (int k = 0; k < 20; ++k) {  // the look may still lie on the desk, or be answered to nobody
    RawViewer viewer(served.uri());
    wire::Header header;
    header.kind = wire::Kind::look;
    header.id = 1;
    viewer.send(header);
  }
  View view(served.uri());
  EXPECT_EQ(view.look({}).session, 1u);
  EXPECT_TRUE(soon([&] { return served.server().counters().viewers == 1; }));
}

TEST(View, LeavesQuicklyWithTheServer) {
  auto served = std::make_unique<Served>("func:cells=6&threads=1", "unix");
  View view(served->uri());
  Device device = open_link(served->uri());
  EXPECT_EQ(view.look({}).session, 1u);
  served->stop();
  refusal(HB_LINK, [&] { view.look({}); });
}

}  // namespace
}  // namespace heatbath
