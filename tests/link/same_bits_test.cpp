// A device behind a link gives the bits and the device times that it gives in process.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/trainers/generative.hpp"
#include "faulty_wire.hpp"
#include "served.hpp"

namespace heatbath {
namespace {

using testing::Served;

std::vector<float> wave(std::size_t n, float scale) {
  std::vector<float> values(n);
  for (std::size_t i = 0; i < n; ++i) values[i] = scale * std::cos(static_cast<float>(i));
  return values;
}

/// Uses what the device has: per-shot biases, captures, meters, readbacks; several passes; a ring that wraps.
Result work(Device& device, std::uint32_t shots) {
  const Capabilities& caps = device.capabilities();
  Program program(caps, 12);
  program.load(CellSection::j2, 1.0f).load(CellSection::j4, 0.5f).load_temperature(0.1f);
  program.load_bias_per_shot(wave(12 * shots, 0.4f), shots);
  std::vector<float> matrix(144, 0.0f);
  for (std::size_t i = 0; i < 12; ++i)
    for (std::size_t j = 0; j < i; ++j) matrix[i * 12 + j] = matrix[j * 12 + i] = 0.02f * static_cast<float>(i - j);
  program.load_couplings(matrix).commit().clamp(0, 12, 0.25f).evolve(device.ticks(0.01)).release(0, 12);
  if (caps.meters) program.meter_clear();
  program.capture_start(device.capture_period(Ticks{1}));
  program.evolve(device.ticks(0.2)).capture_stop();
  if (caps.meters) program.meter_snapshot();
  program.readback(CellSection::bias).readback_couplings();
  JobOptions options{.shots = shots};
  if (caps.seeded) options.seed = 5;
  return device.run(program, options);
}

void expect_same(const Result& a, const Result& b) {
  ASSERT_EQ(a.capture.ticks(), b.capture.ticks());
  for (std::uint32_t shot = 0; shot < a.capture.shots(); ++shot) {
    const auto x = a.capture.trajectory(shot), y = b.capture.trajectory(shot);
    ASSERT_EQ(x.size(), y.size());
    ASSERT_EQ(std::memcmp(x.data(), y.data(), x.size_bytes()), 0) << "shot " << shot;
  }
  ASSERT_EQ(a.meters.size(), b.meters.size());
  for (std::size_t k = 0; k < a.meters.size(); ++k)
    for (std::size_t shot = 0; shot < a.meters[k].size(); ++shot)
      ASSERT_EQ(std::memcmp(&a.meters[k][shot], &b.meters[k][shot], sizeof(hb_meters_t)), 0);
  EXPECT_EQ(a.readback, b.readback);
  EXPECT_EQ(a.clips, b.clips);
  EXPECT_EQ(a.rails, b.rails);
  EXPECT_EQ(a.array_ticks, b.array_ticks);
}

class Linked : public ::testing::TestWithParam<const char*> {};

INSTANTIATE_TEST_SUITE_P(Links, Linked, ::testing::Values("unix", "tcp", "shm"),
                         [](const auto& test) { return std::string(test.param); });

TEST_P(Linked, AJobGivesTheBitsAndTicksOfTheDeviceInProcess) {
  for (const char* uri : {"func:cells=16&lanes=4&threads=1", "func:profile=silicon&cells=16&threads=1"}) {
    SCOPED_TRACE(uri);
    Device local = open(uri);
    Served served(uri, GetParam());
    Device remote = open(served.uri());
    expect_same(work(remote, 6), work(local, 6));
    expect_same(work(remote, 3), work(local, 3));
    EXPECT_EQ(remote.now(), local.now());
    EXPECT_EQ(remote.link().description, "served device: " + local.link().uri);
  }
}

TEST_P(Linked, ASessionFindsTheDeviceAsAfterPowerOn) {
  const std::string uri = "func:profile=silicon&cells=16&threads=1";
  Device local = open(uri);
  const Result expected = work(local, 2);
  Served served(uri, GetParam());
  for (int session = 0; session < 3; ++session) {
    Device remote = open(served.uri());
    EXPECT_LT(remote.now().count, 200u);
    std::vector<std::byte> memory(1 << 16, std::byte{1});
    remote.transport().read_block(0x10000000, memory);
    EXPECT_EQ(memory, std::vector<std::byte>(memory.size())) << "memory of the session before";
    Device again = std::move(remote);
    work(again, 2);
  }
}

TEST_P(Linked, BlocksLargerThanAnyBufferComeBackWhole) {
  Served served("func:cells=4&threads=1", GetParam());
  Device device = open(served.uri());
  Transport& link = device.transport();
  std::vector<std::byte> block((std::size_t{9} << 20) + 12345), back(block.size());
  for (std::size_t i = 0; i < block.size(); ++i) block[i] = static_cast<std::byte>(i * 2654435761u >> 13);
  link.write_block(0x10000000 + 77, block);
  link.read_block(0x10000000 + 77, back);
  EXPECT_EQ(back, block);
  link.read_block(0x10000000, {});
}

/// Trains and draws on both devices.
void expect_same_training(Device& local, Device& remote) {
  trainers::GenerativeOptions options;
  options.hidden = 16;
  options.updates = 3;
  options.tf = 0.2;
  options.threads = 1;
  const trainers::Images digits = trainers::draw_digits(1, 2);
  const auto trained = [&](Device& device) {
    trainers::GenerativeTrainer trainer(device, digits, options);
    trainer.train();
    return trainer.model();
  };
  const trainers::GenerativeModel expected = trained(local), model = trained(remote);
  EXPECT_EQ(model.couplings, expected.couplings);
  EXPECT_EQ(model.bias, expected.bias);
  const trainers::GenerateOptions draw{.shots = 12, .threads = 1};
  const trainers::Samples a = trainers::generate(local, expected, draw), b = trainers::generate(remote, expected, draw);
  EXPECT_EQ(a.images, b.images);
  EXPECT_EQ(a.heat, b.heat);
  EXPECT_EQ(a.trajectories, b.trajectories);
}

TEST_P(Linked, TheGenerativeTrainerAndGeneratorGiveTheSameBits) {
  const std::string uri = "func:lanes=8&threads=1";
  Device local = open(uri);
  Served served(uri, GetParam());
  Device remote = open_link(served.uri());
  expect_same_training(local, remote);
}

// Over Etherbone time passes by itself, too, and packets may be lost, doubled or swapped on the way.
TEST(Etherbone, JobsAndTrainingGiveTheBitsOfTheDeviceInProcess) {
  const std::string uri = "func:cells=900&lanes=8&threads=1";
  Device local = open(uri);
  Served served(uri, "etherbone");
  for (const bool faulty : {false, true}) {
    const testing::FaultyWire wire(served.uri(), faulty ? testing::Faults{.lost_every = 100, .doubled_every = 100, .swapped_every = 500}
                                                        : testing::Faults{});
    Device remote = open_link(wire.uri());
    for (std::uint32_t shots : {6u, 3u, 9u}) expect_same(work(remote, shots), work(local, shots));
    expect_same_training(local, remote);
    EXPECT_EQ(wire.lost() > 0, faulty);
  }
}

// On a bus time passes by itself, so device times are nobody's promise; a seeded job's bits are.
TEST(StandIn, AJobGivesTheBitsOfTheDeviceInProcess) {
  const std::string uri = "func:cells=16&lanes=4&threads=1";
  Device local = open(uri);
  Served served(uri, "uio");
  Device remote = open_link(served.uri());
  for (std::uint32_t shots : {6u, 3u, 9u}) expect_same(work(remote, shots), work(local, shots));
  remote.reset();
  expect_same(work(remote, 5), work(local, 5));
}

TEST(StandIn, ThatNobodyServesIsALinkError) {
  std::string uri;
  {
    Served served("func:cells=4&threads=1", "uio");
    uri = served.uri();
    Device device = open_link(uri + "?link_timeout_ms=200");
    served.stop();
    try {
      device.reset();
      ADD_FAILURE() << "a dead device was reset";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_LINK) << error.what();
    }
  }
  EXPECT_THROW(open_link(uri), Error) << "the file goes with its server";
}

}  // namespace
}  // namespace heatbath
