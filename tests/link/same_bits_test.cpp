// A device behind a link gives the bits and the device times that it gives in process.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "faulty_wire.hpp"
#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "heatbath/studies/ergodicity.hpp"
#include "heatbath/studies/score_bound.hpp"
#include "heatbath/trainers/generative.hpp"
#include "served.hpp"
#include "tests/apps/temporary_folder.hpp"
#include "validate/ladder.hpp"

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

TEST(UnixLink, TheScoreBoundIsTheSame) {
  const std::string uri = "func:lanes=8&threads=1";
  trainers::BoundOptions options;
  options.samples = 512;
  options.levels = 8;
  options.score = trainers::ScoreKind::linear;
  const auto bound = [&](Device& device) {
    return trainers::score_bound(device, trainers::DataLaw::gaussian(1.3), options);
  };
  Device local = open(uri);
  Served served(uri, "unix");
  Device remote = open_link(served.uri());
  const trainers::BoundResult a = bound(local), b = bound(remote);
  EXPECT_EQ(a.gap.value, b.gap.value);
  EXPECT_EQ(a.nll.value, b.nll.value);
  EXPECT_EQ(a.heat_total.value, b.heat_total.value);
  EXPECT_EQ(a.production.standard_error, b.production.standard_error);
  EXPECT_EQ(a.data_values, b.data_values);
  EXPECT_EQ(a.generated_values, b.generated_values);
  ASSERT_EQ(a.rates.size(), b.rates.size());
  for (std::size_t k = 0; k < a.rates.size(); ++k) EXPECT_EQ(a.rates[k].system.value, b.rates[k].system.value);
  EXPECT_FALSE(a.generated_values.empty());
}

/// Opens boards in process, or each behind a server of its own.
class Boards {
 public:
  explicit Boards(bool linked) : linked_(linked) {}
  Device operator()(trainers::Board board, std::uint32_t cells) {
    std::string uri = "func:lanes=64&threads=1&cells=" + std::to_string(cells);
    if (board != trainers::Board::bistable) uri += "&cell=pbit";
    if (board == trainers::Board::spins_one_by_one) uri += "&stepper=random-sequential";
    if (!linked_) return open(uri);
    served_.push_back(std::make_unique<Served>(uri, "unix"));
    return open_link(served_.back()->uri());
  }

 private:
  bool linked_;
  std::vector<std::unique_ptr<Served>> served_;
};

void expect_same(const trainers::ErgodicityReport& a, const trainers::ErgodicityReport& b) {
  const auto same = [](const std::optional<measure::Estimate>& x, const std::optional<measure::Estimate>& y) {
    ASSERT_EQ(x.has_value(), y.has_value());
    if (!x) return;
    EXPECT_EQ(x->value, y->value);
    EXPECT_EQ(x->standard_error, y->standard_error);
  };
  same(a.kl_single, b.kl_single);
  same(a.kl_experts, b.kl_experts);
  same(a.likelihood_single, b.likelihood_single);
  same(a.likelihood_experts, b.likelihood_experts);
  EXPECT_EQ(a.state_experts, b.state_experts);
  EXPECT_EQ(a.drawn_experts, b.drawn_experts);
  ASSERT_EQ(a.experts.size(), b.experts.size());
  for (std::size_t k = 0; k < a.experts.size(); ++k)
    EXPECT_EQ(a.experts[k].free_energy.value, b.experts[k].free_energy.value);
  ASSERT_EQ(a.parity.size(), b.parity.size());
  for (std::size_t k = 0; k < a.parity.size(); ++k) EXPECT_EQ(a.parity[k].measured.value, b.parity[k].measured.value);
  ASSERT_EQ(a.library.points.size(), b.library.points.size());
  for (std::size_t k = 0; k < a.library.points.size(); ++k)
    EXPECT_EQ(a.library.points[k].measured.value, b.library.points[k].measured.value);
  EXPECT_EQ(a.left_out, b.left_out);
}

TEST(UnixLink, TheProblemsOfErgodicityAreTheSame) {
  trainers::ErgodicityOptions options;
  options.updates = 4;
  options.effort = 0.05;
  for (const bool parity : {true, false}) {
    const auto study = [&](bool linked) {
      Boards boards(linked);
      trainers::ErgodicityState state;
      return trainers::study_patterns(std::ref(boards), parity ? trainers::parity_patterns() : trainers::two_patterns(),
                                      parity ? "parity" : "two-patterns", options, state);
    };
    SCOPED_TRACE(parity ? "parity" : "two-patterns");
    const trainers::ErgodicityReport expected = study(false);
    EXPECT_TRUE(expected.kl_experts);
    expect_same(study(true), expected);
  }
  options.experts = 3;
  const trainers::BinaryDigits digits = trainers::binary_digits(trainers::draw_digits(1, 100), {0, 1, 2}, 40, 40, 0.1);
  const auto study = [&](bool linked) {
    Boards boards(linked);
    trainers::ErgodicityState state;
    return trainers::study_digits(std::ref(boards), digits, options, state);
  };
  const trainers::ErgodicityReport expected = study(false);
  EXPECT_TRUE(expected.likelihood_experts);
  expect_same(study(true), expected);
}

TEST(UnixLink, ASuiteOfTheLadderMeasuresTheSame) {
  const std::string uri = "func:cells=64&lanes=256&threads=1";
  validation::LadderOptions options;
  options.suites = {"work"};
  options.effort = 0.02;
  const auto climb = [&](Device device) {
    std::vector<Device> devices;
    devices.push_back(std::move(device));
    return validation::climb(devices, options);
  };
  Served served(uri, "unix");
  const validation::Outcome a = climb(open(uri)), b = climb(open_link(served.uri()));
  ASSERT_EQ(a.checks.size(), b.checks.size());
  EXPECT_GT(a.checks.size(), 15u);
  for (std::size_t k = 0; k < a.checks.size(); ++k) {
    EXPECT_EQ(a.checks[k].measured, b.checks[k].measured) << a.checks[k].name;
    EXPECT_EQ(a.checks[k].standard_error, b.checks[k].standard_error) << a.checks[k].name;
  }
}

TEST(SparseDevice, ListsItsCouplersAndTakesTheirValuesThroughEveryLink) {
  const std::string uri = "func:cell=phase&topology=king:4x3&lanes=4&threads=1";
  const auto job = [](Device& device) {
    const std::vector<Coupler> couplers(device.capabilities().couplers().begin(), device.capabilities().couplers().end());
    std::vector<Coupler> window(couplers.size());
    device.transport().read_block(HB_TOPOLOGY_BASE, std::as_writable_bytes(std::span(window)));
    EXPECT_EQ(window, couplers);
    Coupler second;  // from the middle of a pair on
    device.transport().read_block(HB_TOPOLOGY_BASE + 12, std::as_writable_bytes(std::span(&second.j, 1)));
    EXPECT_EQ(second.j, couplers[1].j);
    std::vector<std::byte> beyond(8 * couplers.size() + 8);
    EXPECT_THROW(device.transport().read_block(HB_TOPOLOGY_BASE, beyond), Error);
    Program program(device.capabilities(), 12);
    program.load(CellSection::bias, wave(12, 0.2f)).load_coupler_values(wave(couplers.size(), 0.5f)).commit();
    program.readback_couplings().evolve(device.ticks(0.2)).sample();
    JobOptions options{.shots = 6, .seed = 3};
    options.capture_cells = 24;
    return device.run(program, options);
  };
  Device local = open(uri);
  const Result expected = job(local);
  EXPECT_EQ(local.capabilities().couplers().size(), 29u) << "3 x 3 + 4 x 2 sides and 2 x 3 x 2 diagonals";
  for (const char* scheme : {"unix", "shm", "uio", "etherbone"}) {
    SCOPED_TRACE(scheme);
    Served served(uri, scheme);
    Device remote = open_link(served.uri());
    EXPECT_TRUE(std::ranges::equal(remote.capabilities().couplers(), local.capabilities().couplers()));
    const Result result = job(remote);
    expect_same(result, expected);
    const std::vector<float> values = wave(29, 0.5f);
    for (std::size_t k = 0; k < 29; ++k) {
      const Coupler at = local.capabilities().couplers()[k];
      EXPECT_EQ(result.readback[0][at.i * 12 + at.j], values[k]);
      EXPECT_EQ(result.readback[0][at.j * 12 + at.i], values[k]);
    }
  }
}

TEST(SparseDevice, BringsTheCouplingsOfItsFileThroughEveryLink) {
  const TemporaryFolder folder;
  std::ofstream(folder / "w.edges") << "0 1 0.5\n1 2 -0.25\n4 2 0.125\n";
  for (const char* more : {"", "&reciprocal=no"}) {
    const std::string uri = "func:lanes=2&threads=1&topology=" + (folder / "w.edges").string() + more;
    const Device local = open(uri);
    ASSERT_TRUE(local.capabilities().graph_couplings);
    EXPECT_EQ(local.capabilities().graph_couplings->size(), *more == 0 ? 3u : 6u);
    for (const char* scheme : {"unix", "shm", "uio", "etherbone"}) {
      SCOPED_TRACE(scheme);
      Served served(uri, scheme);
      const Device remote = open_link(served.uri());
      ASSERT_TRUE(remote.capabilities().graph_couplings);
      EXPECT_EQ(*remote.capabilities().graph_couplings, *local.capabilities().graph_couplings);
    }
  }
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

// On a bus time advances without accesses, so device times vary; the bits of a seeded job do not.
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
