// A rack has the bits of one device, whatever becomes of its devices.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <optional>
#include <set>
#include <span>

#include "heatbath/error.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "tests/link/served.hpp"
#include "tests/network/message_of.hpp"
#include "tests/rack/racks.hpp"

namespace heatbath::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using network::message_of;

/// Everything that a result has: captures at several times, meters of two kinds, clipped parameters, readback.
Program everything(const Device& device, std::uint32_t cells, double time = 0.2, std::uint32_t rows = 0) {
  Program program(device.capabilities(), cells);
  if (device.capabilities().cell_kind == CellKind::overdamped) program.load(CellSection::j2, -1).load(CellSection::j4, 1);
  program.load(CellSection::bias, 0.25f).load_couplings(-0.1f).commit();
  if (rows > 0) {
    std::vector<float> biases;
    for (std::uint32_t k = 0; k < rows * cells; ++k) biases.push_back(0.01f * static_cast<float>(k % 97));
    program.load_bias_per_shot(biases, rows).commit();
  }
  program.clamp(0, cells, 1).release(0, cells);
  if (device.capabilities().meters) program.meter_clear();
  program.evolve(device.nearest_ticks(time)).sample().evolve(device.nearest_ticks(time)).sample();
  if (device.capabilities().meters) program.meter_snapshot(device.capabilities().heat_per_cell ? MeterSet{Meter::heat_per_cell} : MeterSet{});
  if (device.capabilities().readback) program.readback(CellSection::bias);
  return program;
}

void expect_same(const Result& a, const Result& b) {
  ASSERT_EQ(a.capture.shots(), b.capture.shots());
  ASSERT_EQ(a.capture.values().size(), b.capture.values().size());
  EXPECT_TRUE(std::ranges::equal(std::as_bytes(a.capture.values()), std::as_bytes(b.capture.values())));
  EXPECT_EQ(a.capture.ticks(), b.capture.ticks());
  ASSERT_EQ(a.meters.size(), b.meters.size());
  for (std::size_t k = 0; k < a.meters.size(); ++k) {
    ASSERT_EQ(a.meters[k].size(), b.meters[k].size());
    EXPECT_TRUE(std::ranges::equal(std::as_bytes(std::span(a.meters[k])), std::as_bytes(std::span(b.meters[k]))));
  }
  EXPECT_EQ(a.on_request, b.on_request);
  EXPECT_EQ(a.readback, b.readback);
  EXPECT_EQ(a.clips, b.clips);
  EXPECT_EQ(a.array_ticks, b.array_ticks);
}

/// The shares are all shots once, in order.
void expect_whole(const Result& result, std::uint32_t shots) {
  std::uint32_t next = 0;
  for (const Share& share : result.shares) {
    EXPECT_EQ(share.first_shot, next);
    next += share.shots;
  }
  EXPECT_EQ(next, shots);
}

std::set<std::uint32_t> devices_of(const Result& result) {
  std::set<std::uint32_t> all;
  for (const Share& share : result.shares) all.insert(share.device);
  return all;
}

TEST(Rack, HasTheBitsOfOneDevice) {
  for (const std::string uri : {"func:cells=5&lanes=8&threads=1", "func:cell=pbit&cells=6&lanes=4&threads=1",
                                "func:cell=underdamped&cells=4&lanes=3&threads=1"}) {
    Device one = open(uri), rack = rack_of(uri, 4);
    EXPECT_EQ(rack.capabilities().lanes, 4 * one.capabilities().lanes);
    EXPECT_EQ(rack.members().size(), 4u);
    for (const std::uint32_t shots : {1u, 2u, 7u, 32u, 77u, 400u}) {
      SCOPED_TRACE(uri + " " + std::to_string(shots));
      const Program program = everything(one, 4);
      const JobOptions job{.shots = shots, .seed = 11, .first_shot = 1000};
      const Result result = rack.run(program, job);
      expect_same(result, one.run(program, job));
      expect_whole(result, shots);
    }
  }
}

TEST(Rack, RowsOfShotsGoWithTheirShots) {
  const std::string uri = "func:cells=5&lanes=4&threads=1";
  Device one = open(uri), rack = rack_of(uri, 3);
  for (const std::uint32_t shots : {1u, 3u, 50u}) {
    const Program program = everything(one, 5, 0.2, shots);
    expect_same(rack.run(program, {.shots = shots, .seed = 2}), one.run(program, {.shots = shots, .seed = 2}));
    EXPECT_THAT(message_of([&] { rack.run(program, {.shots = shots + 1, .seed = 2}); }, HB_BAD_ARG), HasSubstr("per-shot"));
  }
}

TEST(Rack, LostDevicesGiveTheirRangesBack) {
  const std::string uri = "func:cells=5&lanes=4&threads=1";
  Device one = open(uri);
  std::optional<Device> rack;
  // The others wait until it is lost, so that they cannot be done before.
  const auto wait = [&] { EXPECT_TRUE(soon([&] { return rack->members()[1].lost; })); };
  std::vector<RackDevice> devices{rack_device(uri, {.at_wait = wait}), rack_device(uri, {.waits_before_loss = 1}),
                                  rack_device(uri, {.at_wait = wait})};
  rack.emplace(make_rack(std::move(devices)));
  const Program program = everything(one, 5);
  const JobOptions job{.shots = 100, .seed = 3};
  const Result result = rack->run(program, job);
  expect_same(result, one.run(program, job));
  expect_whole(result, 100);
  const std::vector<RackMember> members = rack->members();
  EXPECT_TRUE(members[1].lost);
  EXPECT_EQ(members[1].why, "the link broke");
  EXPECT_GE(members[1].given_back, 1u);
  EXPECT_TRUE(std::ranges::any_of(result.shares, [](const Share& share) { return share.redone; }));
  EXPECT_EQ(members[0].shots + members[1].shots + members[2].shots, 100u);
}

TEST(Rack, ADeviceThatComesBackWorksOn) {
  const std::string uri = "func:cells=3&lanes=1&threads=1";
  std::atomic<bool> gone{false};
  std::optional<Device> rack;
  const auto wait = [&] { EXPECT_TRUE(!gone || soon([&] { return rack->members()[1].lost; })); };
  std::vector<RackDevice> devices{rack_device(uri, {.at_wait = wait}), rack_device(uri, {.gone = &gone})};
  rack.emplace(make_rack(std::move(devices)));
  const Program program = everything(*rack, 3);
  rack->set_step(Ticks{2 * rack->step().count});
  gone = true;
  EXPECT_EQ(devices_of(rack->run(program, {.shots = 20, .seed = 1})), std::set<std::uint32_t>{0});
  EXPECT_TRUE(rack->members()[1].lost);
  gone = false;
  Device one = open(uri);
  one.set_step(rack->step());
  const JobOptions job{.shots = 200, .seed = 1};
  const Result of_one = one.run(program, job);
  // It is asked again two seconds after it was lost.
  EXPECT_TRUE(soon([&] {
    expect_same(rack->run(program, job), of_one);
    return rack->members()[1].shots > 0;
  }));
  EXPECT_FALSE(rack->members()[1].lost);
}

TEST(Rack, NobodyWaitsForADeviceThatDoesNotAnswer) {
  const std::string uri = "func:cells=3&lanes=2&threads=1";
  // It says that it is gone when all is over: who waits for it waits in vain, and says so here.
  struct Door {
    std::atomic<bool> gone{false}, asked{false}, over{false}, waited_for{false}, left{false};
  };
  const auto door = std::make_shared<Door>();
  const RackDevice silent{uri, 1, [uri, door]() -> std::unique_ptr<Transport> {
    if (!door->gone) return std::make_unique<Troubled>(open_transport(uri), Troubled::Trouble{.gone = &door->gone});
    door->asked = true;
    if (!soon([&] { return door->over.load(); })) door->waited_for = true;
    door->left = true;
    throw Error(HB_LINK, "the host is gone");
  }};
  Device one = open(uri);
  const Program program = everything(one, 3);
  const JobOptions job{.shots = 60, .seed = 1};
  const Result of_one = one.run(program, job);
  {
    std::optional<Device> rack;
    const auto wait = [&] { EXPECT_TRUE(!door->gone || soon([&] { return rack->members()[1].lost; })); };
    rack.emplace(make_rack({rack_device(uri, {.at_wait = wait}), silent}));
    door->gone = true;
    expect_same(rack->run(program, job), of_one);
    EXPECT_TRUE(soon([&] {  // it is asked again, and does not answer
      expect_same(rack->run(program, job), of_one);
      return door->asked.load();
    }));
    expect_same(rack->run(program, {.shots = 61, .seed = 2}), one.run(program, {.shots = 61, .seed = 2}));
  }
  door->over = true;
  EXPECT_TRUE(soon([&] { return door->left.load(); }));
  EXPECT_FALSE(door->waited_for);
}

TEST(Rack, AllLostIsAnError) {
  const std::string uri = "func:cells=3&lanes=2&threads=1";
  std::vector<RackDevice> devices{rack_device(uri, {.waits_before_loss = 0}), rack_device(uri, {.waits_before_loss = 0})};
  Device rack(make_rack(std::move(devices)));
  EXPECT_THAT(message_of([&] { rack.run(everything(rack, 3), {.shots = 20, .seed = 1}); }, HB_LINK),
              AllOf(HasSubstr("all devices of the rack are lost"), HasSubstr("the link broke")));
}

TEST(Rack, OthersTakeTheShotsOfASlowDevice) {
  const std::string uri = "func:cells=5&lanes=8&threads=1";
  Device one = open(uri);
  std::optional<Device> rack;
  std::atomic<bool> has_begun{false};
  const auto others_have_all = [&] {
    std::uint64_t shots = 0;
    for (const RackMember& member : rack->members()) shots += member.shots;
    return shots == 64;
  };
  // It has begun before the others go on, and goes on when they have everything.
  const RackDevice slow = rack_device(uri, {.at_wait = [&] {
    if (!has_begun.exchange(true)) {
      EXPECT_TRUE(soon(others_have_all));
    }
  }});
  const RackDevice other = rack_device(uri, {.at_wait = [&] { EXPECT_TRUE(soon([&] { return has_begun.load(); })); }});
  rack.emplace(make_rack({other, other, slow, other}));
  const Program program = everything(one, 5, 1.0);
  const JobOptions job{.shots = 64, .seed = 3};
  expect_same(rack->run(program, job), one.run(program, job));
  EXPECT_TRUE(soon([&] { return rack->members()[2].given_back == 1; }));
  EXPECT_EQ(rack->members()[2].shots, 0u);
}

TEST(Rack, RecordsComeInOrderInPassesOfOneDevice) {
  const std::string uri = "func:cells=5&lanes=8&threads=1";
  Device one = open(uri), rack = rack_of(uri, 3);
  const Program program = everything(one, 5);
  struct Taken {
    std::uint32_t first;
    std::uint64_t record, ticks;
    std::vector<float> states;
    bool operator==(const Taken&) const = default;
  };
  const auto taken = [&](Device& device, Result* result) {
    std::vector<Taken> all;
    JobOptions job{.shots = 53, .seed = 5, .capture_first = 1, .capture_cells = 3};
    job.records = [&](const RecordOfPass& record) {
      all.push_back({record.first_shot, record.record, record.ticks.count, {record.states.begin(), record.states.end()}});
    };
    *result = device.run(program, job);
    return all;
  };
  Result of_one, of_rack;
  EXPECT_EQ(taken(rack, &of_rack), taken(one, &of_one));
  expect_same(of_rack, of_one);
  JobOptions job{.shots = 53, .seed = 5};
  job.records = [](const RecordOfPass& record) {
    if (record.first_shot >= 16) throw Error(HB_IO, "the disk is full");
  };
  EXPECT_EQ(message_of([&] { rack.run(program, job); }, HB_IO), "the disk is full");
  expect_same(rack.run(program, {.shots = 9, .seed = 5}), one.run(program, {.shots = 9, .seed = 5}));
}

TEST(Rack, JobsAreJudgedAsByOneDevice) {
  const std::string uri = "func:cells=5&lanes=8&threads=1";
  Device one = open(uri), rack = rack_of(uri, 3);
  const Program program = everything(one, 5);
  for (const JobOptions& job : {JobOptions{.shots = 0}, JobOptions{.shots = 2, .seed = 1, .first_shot = 0xFFFFFFFFu},
                                JobOptions{.shots = 2, .capture_first = 9}, JobOptions{.shots = 2, .first_shot = 3},
                                JobOptions{.shots = 40, .seed = 1, .limit = {10}}}) {
    std::string of_one;
    hb_status_t code = HB_OK;
    try {
      one.run(program, job);
    } catch (const Error& error) {
      of_one = error.what(), code = error.code();
    }
    EXPECT_EQ(message_of([&] { rack.run(program, job); }, code), of_one);
  }
  EXPECT_THAT(message_of([&] { rack.run(program, {.shots = 2, .seed = 1, .first_step = 100}); }, HB_UNSUPPORTED), HasSubstr("first_step"));
  const std::string codes = "func:profile=hb-1024&chip=1&cells=5&threads=1";
  Device chip = open(codes), chips = rack_of(codes, 2);
  Program wild = everything(chip, 5);
  wild.load(CellSection::bias, 1e6f).commit();
  const JobOptions strict{.shots = 2, .strict = true};
  EXPECT_EQ(message_of([&] { chips.run(wild, strict); }, HB_UNSUPPORTED), message_of([&] { chip.run(wild, strict); }, HB_UNSUPPORTED));
  EXPECT_EQ(chips.run(wild, {.shots = 3}).clips, chip.run(wild, {.shots = 3}).clips);
  EXPECT_THAT(message_of([&] { rack.transport().read32(HB_ID_OFFSET); }, HB_UNSUPPORTED), HasSubstr("no registers"));
}

TEST(Rack, JobsCanBeCancelledAndOverlookNothing) {
  const std::string uri = "func:cells=64&lanes=4&threads=1";
  Device rack = rack_of(uri, 3);
  const Program program = everything(rack, 64, 2000.0);
  const auto began = std::chrono::steady_clock::now();
  {
    Job job = rack.start(program, {.shots = 100000, .seed = 1});
    EXPECT_EQ(job.poll(), Job::State::running);
    EXPECT_THAT(message_of([&] { rack.start(program, {.shots = 1, .seed = 1}); }, HB_BUSY), HasSubstr("a job of this device runs"));
    job.cancel();
    EXPECT_EQ(message_of([&] { job.wait(); }, HB_ABORTED), "the job was cancelled");
  }
  JobOptions asked{.shots = 100000, .seed = 1};
  double last = 0;
  asked.progress = [&](double fraction) {
    EXPECT_GE(fraction, last);
    last = fraction;
    return std::chrono::steady_clock::now() - began < std::chrono::milliseconds(600);
  };
  EXPECT_EQ(message_of([&] { rack.run(program, asked); }, HB_ABORTED), "the job was cancelled");
  { const Job forgotten = rack.start(program, {.shots = 100000, .seed = 1}); }
  Device one = open(uri);
  const Program small = everything(one, 5);
  expect_same(rack.run(small, {.shots = 30, .seed = 1}), one.run(small, {.shots = 30, .seed = 1}));
}

TEST(Rack, UnlikeDevicesAreRefusedUnlessToldSo) {
  const auto rack = [](const std::string& a, const std::string& b, bool mixed) {
    return Device(make_rack({rack_device(a), rack_device(b)}, {.mixed = mixed}));
  };
  const std::string usual = "func:cells=8&lanes=4&threads=1";
  EXPECT_EQ(rack(usual, "func:cells=8&lanes=16&threads=1", false).capabilities().lanes, 20u);
  EXPECT_THAT(message_of([&] { rack(usual, "func:cells=9&threads=1", false); }, HB_BAD_ARG),
              AllOf(HasSubstr("func:cells=9"), HasSubstr("capability cells is 9, that of the first 8"), HasSubstr("mixed = true")));
  EXPECT_THAT(message_of([&] { rack(usual, "func:cells=9&threads=1", true); }, HB_BAD_ARG), HasSubstr("also a mixed rack"));
  EXPECT_THAT(message_of([&] { rack(usual, "func:cell=pbit&cells=8&threads=1", true); }, HB_BAD_ARG), HasSubstr("unlike"));
  const std::string chip = "func:profile=hb-1024&cells=8&threads=1&chip=";
  EXPECT_NO_THROW(rack(chip + "3", chip + "3", false));
  EXPECT_THAT(message_of([&] { rack(chip + "3", chip + "4", false); }, HB_BAD_ARG), HasSubstr("serial number"));
  Device both = rack(chip + "3", chip + "4", true);
  EXPECT_EQ(both.identity().serial, 0u);
}

TEST(Rack, AbsentDevicesAreAnErrorUnlessToldSo) {
  std::atomic<bool> gone{true};
  const std::string uri = "func:cells=3&lanes=2&threads=1";
  const auto devices = [&] { return std::vector<RackDevice>{rack_device(uri, {.gone = &gone}), rack_device(uri)}; };
  EXPECT_THAT(message_of([&] { make_rack(devices()); }, HB_LINK), HasSubstr("rack device 'func:cells=3"));
  Device rack(make_rack(devices(), {.incomplete = true}));
  EXPECT_TRUE(rack.members()[0].lost);
  Device one = open(uri);
  const Program program = everything(one, 3);
  expect_same(rack.run(program, {.shots = 9, .seed = 1}), one.run(program, {.shots = 9, .seed = 1}));
}

TEST(Rack, WorkOfAllDevicesIsCounted) {
  const std::string uri = "func:cells=3&lanes=2&threads=1";
  Device one = open(uri), rack = rack_of(uri, 3);
  const Program program = everything(one, 3);
  one.run(program, {.shots = 30, .seed = 1});
  rack.run(program, {.shots = 30, .seed = 1});
  EXPECT_EQ(rack.work().reads, one.work().reads);
  EXPECT_DOUBLE_EQ(rack.work().samples, one.work().samples);
}

class RackFile : public ::testing::Test {
 protected:
  void SetUp() override { std::filesystem::create_directories(folder_); }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string write(const std::string& text) const {
    std::ofstream(folder_ / "rack.toml") << text;
    return "rack:" + (folder_ / "rack.toml").string();
  }
  const std::filesystem::path folder_ = "/tmp/" + unique_name();
};

TEST_F(RackFile, OpensServersWithTheirTokens) {
  std::ofstream(folder_ / "token") << "open sesame, open sesame\n";
  const std::string device = "func:cells=4&lanes=16&threads=1";
  const auto token = [&](ServerOptions& options) { options.token_file = folder_ / "token"; };
  Served a(device, "tcp", token);
  std::optional<Served> b(std::in_place, device, "unix");
  const std::string uri = write("[[device]]\nuri = \"" + a.uri() + "\"\ntoken_file = \"token\"\nweight = 2\n[[device]]\nuri = \"" +
                                b->uri() + "\"\n");
  Device rack = open(uri), one = open(device);
  EXPECT_EQ(rack.link().uri, uri);
  EXPECT_EQ(rack.members()[0].weight, 2);
  const Program program = everything(one, 4);
  const JobOptions job_of_few{.shots = 48, .seed = 1};
  const Result of_few = one.run(program, job_of_few);
  expect_same(rack.run(program, job_of_few), of_few);
  // One of them is gone in the middle of a job.
  Job job = rack.start(program, {.shots = 400, .seed = 2});
  while (rack.members()[1].shots == 0 && job.poll() == Job::State::running) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  b.reset();
  const Result result = job.wait();
  expect_same(result, one.run(program, {.shots = 400, .seed = 2}));
  expect_whole(result, 400);
  EXPECT_TRUE(soon([&] {  // the other one may have done what was left before it was seen
    expect_same(rack.run(program, job_of_few), of_few);
    return rack.members()[1].lost;
  }));
}

TEST_F(RackFile, SaysInOneLineWhatIsWrong) {
  const auto message = [&](const std::string& text, hb_status_t code = HB_BAD_ARG) {
    return message_of([&] { open(write(text)); }, code);
  };
  EXPECT_THAT(message("mixed = 1\n"), HasSubstr("rack.toml:1: 'mixed' must be true or false"));
  EXPECT_THAT(message("\nmixd = true\n"), HasSubstr("rack.toml:2: 'mixd' unknown key; the keys are mixed"));
  EXPECT_THAT(message("mixed = true\n"), HasSubstr("no device"));
  EXPECT_THAT(message("[[device]]\nweight = 1\n"), HasSubstr("has no uri"));
  EXPECT_THAT(message("[[device]]\nuri = \"func:\"\nweight = 0\n"), HasSubstr("rack.toml:3: 'weight' must be a number above 0"));
  EXPECT_THAT(message("[[device]]\nuri = \"func:\"\nwieght = 1\n"), HasSubstr("rack.toml:3: 'wieght' unknown key of a device"));
  EXPECT_THAT(message("[[device]]\nuri = \"rack:other\"\n"), HasSubstr("is a rack"));
  EXPECT_THAT(message("[[device]\n"), HasSubstr("rack.toml:1: "));
  EXPECT_THAT(message("[[device]]\nuri = \"unix:/no/such/socket\"\n", HB_LINK), HasSubstr("rack device 'unix:/no/such/socket'"));
  EXPECT_THAT(message_of([] { open("rack:/no/such/file"); }, HB_IO), HasSubstr("no such file"));
  const std::string uri = write("[[device]]\nuri = \"func:cells=2\"\n");
  EXPECT_THAT(message_of([&] { Server({.device = uri, .listen = "tcp://127.0.0.1:0"}); }, HB_BAD_ARG), HasSubstr("a rack has no registers"));
  EXPECT_THAT(message_of([&] { open("record:" + (folder_ / "record").string() + "?device=" + uri); }, HB_BAD_ARG), HasSubstr("recorded"));
  EXPECT_FALSE(std::filesystem::exists(folder_ / "record"));
}

}  // namespace
}  // namespace heatbath::testing
