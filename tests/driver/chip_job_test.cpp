// Jobs on the emulated chip through the driver: the same job gives the same bits however it was cut, split or fetched.
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include "heatbath/codes.h"
#include "heatbath/open.hpp"
#include "scripted_device.hpp"

namespace heatbath {
namespace {

using testing::expect_error;

constexpr std::uint32_t cells = 20;

std::vector<float> couplings(std::uint32_t n) {
  std::vector<float> matrix(std::size_t{n} * n, 0.0f);
  for (std::uint32_t i = 0; i < n; ++i)
    for (std::uint32_t j = i + 1; j < n; ++j)
      matrix[i * n + j] = matrix[j * n + i] = 0.05f * std::sin(static_cast<float>(i * 7 + j * 3));
  return matrix;
}

std::vector<float> per_cell(std::uint32_t n, float scale) {
  std::vector<float> values(n);
  for (std::uint32_t i = 0; i < n; ++i) values[i] = scale * std::cos(static_cast<float>(i));
  return values;
}

/// Sets every state and parameter, then evolves with captures and meters.
Program working(const Device& device, std::uint64_t steps = 60) {
  Program program(device.capabilities(), cells);
  program.load(CellSection::j2, 1.0f).load(CellSection::j4, 1.0f).load(CellSection::bias, per_cell(cells, 0.3f));
  program.load_couplings(couplings(cells)).load_gain(1.0f).load_temperature(0.1f).commit();
  program.set(0, per_cell(cells, 1.0f)).meter_clear().capture_start(device.step() * 7);
  program.evolve(device.step() * steps).load(CellSection::bias, 0.0f).ramp(device.step() * steps);
  program.meter_snapshot();
  return program;
}

JobOptions seeded(std::uint32_t shots, std::uint64_t seed = 42) {
  JobOptions options;
  options.shots = shots;
  options.seed = seed;
  return options;
}

void expect_same(const Result& a, const Result& b) {
  ASSERT_EQ(a.capture.shots(), b.capture.shots());
  ASSERT_EQ(a.capture.ticks(), b.capture.ticks());
  for (std::uint32_t shot = 0; shot < a.capture.shots(); ++shot) {
    const auto x = a.capture.trajectory(shot), y = b.capture.trajectory(shot);
    ASSERT_EQ(x.size(), y.size());
    ASSERT_EQ(std::memcmp(x.data(), y.data(), x.size_bytes()), 0) << "shot " << shot;
  }
  ASSERT_EQ(a.meters.size(), b.meters.size());
  for (std::size_t k = 0; k < a.meters.size(); ++k)
    for (std::size_t shot = 0; shot < a.meters[k].size(); ++shot)
      ASSERT_EQ(std::memcmp(&a.meters[k][shot], &b.meters[k][shot], sizeof(hb_meters_t)), 0) << "shot " << shot;
}

Device ideal(const std::string& more = "lanes=16&threads=1") { return open("func:profile=ideal&cells=64&" + more); }

const Result& reference() {
  static const Result result = [] {
    Device device = ideal();
    return device.run(working(device), seeded(7));
  }();
  return result;
}

TEST(ChipJob, RecordsStandWhereTheProgramPutThem) {
  const Result& result = reference();
  ASSERT_EQ(result.capture.records(), 1u + 120u / 7u);
  for (std::uint64_t n = 0; n < result.capture.records(); ++n) EXPECT_EQ(result.capture.ticks()[n].count, 7000 * n);
  const std::vector<float> start = per_cell(cells, 1.0f);
  for (std::uint32_t i = 0; i < cells; ++i) EXPECT_EQ(result.capture.state(3, 0)[i], start[i]);
  EXPECT_NE(result.capture.state(0, 5)[0], result.capture.state(1, 5)[0]) << "shots have noise of their own";
  EXPECT_EQ(result.array_ticks.count, 120000u);
  EXPECT_EQ(result.stall_ticks.count, 0u);
  EXPECT_EQ(result.meters.at(0).at(0).ticks, 120000u);
  EXPECT_EQ(result.clips, 0u);
  EXPECT_EQ(result.rails, 0u);
}

TEST(ChipJob, LanesAndThreadsDoNotChangeABit) {
  for (const char* more : {"lanes=1&threads=1", "lanes=3&threads=2", "lanes=16&threads=2", "lanes=7&threads=1"}) {
    SCOPED_TRACE(more);
    Device device = ideal(more);
    expect_same(device.run(working(device), seeded(7)), reference());
  }
}

TEST(ChipJob, TheDevicesOwnSeedDoesNotMatterToASeededJob) {
  Device device = ideal("lanes=16&threads=1&seed=99");
  expect_same(device.run(working(device), seeded(7)), reference());
}

TEST(ChipJob, WhatRanBeforeDoesNotMatter) {
  Device device = ideal();
  Program other(device.capabilities(), cells);
  other.load(CellSection::j2, 3.0f).load_gain(0.2f).commit().clamp(0, 5, 2.0f).evolve(device.step() * 13);
  device.run(other, seeded(5, 7));
  expect_same(device.run(working(device), seeded(7)), reference());
  device.run(other);
  device.reset();
  expect_same(device.run(working(device), seeded(7)), reference());
  expect_same(device.run(working(device), seeded(7)), reference());
}

TEST(ChipJob, TheMemoryOfEarlierCapturesServesAJobOfAnySize) {
  Device device = ideal();
  Capture spare = device.run(working(device), seeded(3, 7)).capture;  // smaller, and of another seed
  const Result larger = device.run(working(device), seeded(7), std::move(spare));
  expect_same(larger, reference());
  EXPECT_EQ(spare.records(), 0u) << "what was handed over holds nothing";
  const Result copy = larger;
  const float* const values = larger.capture.trajectory(0).data();
  Capture large = device.run(working(device), seeded(9, 7)).capture;
  const float* const memory = large.trajectory(0).data();
  const Result smaller = device.run(working(device), seeded(7), std::move(large));
  expect_same(smaller, copy);
  EXPECT_EQ(smaller.capture.trajectory(0).data(), memory);
  EXPECT_NE(copy.capture.trajectory(0).data(), values);
}

TEST(ChipJob, ShotsAreNumberedThroughFirstShot) {
  Device device = ideal("lanes=4&threads=1");
  JobOptions options = seeded(3);
  options.first_shot = 4;
  const Result part = device.run(working(device), options);
  for (std::uint32_t shot = 0; shot < 3; ++shot)
    EXPECT_EQ(std::memcmp(part.capture.trajectory(shot).data(), reference().capture.trajectory(4 + shot).data(),
                          part.capture.trajectory(shot).size_bytes()),
              0);
}

TEST(ChipJob, JobsWithOtherShotsShareNoNoise) {
  Device device = ideal();
  Program program(device.capabilities(), cells);
  program.load_temperature(1.0f).commit().set(0, cells, 0.0f).evolve(device.step()).sample();
  JobOptions first = seeded(16), second = seeded(16);
  second.first_shot = 16;
  const Result a = device.run(program, first), b = device.run(program, second);
  // One step of free diffusion from 0 shows the noise itself.
  double product = 0, square = 0;
  for (std::uint32_t s = 0; s < 16; ++s) {
    for (std::uint32_t t = 0; t < 16; ++t) {
      EXPECT_NE(std::memcmp(a.capture.trajectory(s).data(), b.capture.trajectory(t).data(), cells * sizeof(float)), 0);
    }
    for (std::uint32_t i = 0; i < cells; ++i) {
      product += double{a.capture.state(s, 0)[i]} * b.capture.state(s, 0)[i];
      square += double{a.capture.state(s, 0)[i]} * a.capture.state(s, 0)[i];
    }
  }
  EXPECT_LT(std::fabs(product), 4 * square / std::sqrt(16.0 * cells));  // 4 standard errors of an uncorrelated sum
}

TEST(ChipJob, UnseededJobsDifferFromEachOther) {
  Device device = ideal();
  JobOptions options;
  options.shots = 2;
  const Result a = device.run(working(device), options), b = device.run(working(device), options);
  EXPECT_NE(a.capture.state(0, 3)[0], b.capture.state(0, 3)[0]);
  device.reset();
  expect_same(device.run(working(device), options), a);
}

TEST(ChipJob, AContinuedRunIsOneRun) {
  Device device = ideal();
  Program start(device.capabilities(), cells), rest(device.capabilities(), cells), whole(device.capabilities(), cells);
  for (Program* program : {&start, &whole}) {
    program->load(CellSection::j2, 1.0f).load(CellSection::j4, 0.5f).load_couplings(couplings(cells)).load_temperature(0.2f);
    program->commit().set(0, per_cell(cells, 0.5f));
  }
  start.evolve(device.step() * 37);
  rest.evolve(device.step() * 63).sample();
  whole.evolve(device.step() * 100).sample();
  const Result once = device.run(whole, seeded(5));
  device.run(start, seeded(5));
  JobOptions options = seeded(5);
  options.first_step = 37;
  const Result continued = device.run(rest, options);
  for (std::uint32_t shot = 0; shot < 5; ++shot)
    for (std::uint32_t i = 0; i < cells; ++i)
      EXPECT_EQ(continued.capture.state(shot, 0)[i], once.capture.state(shot, 0)[i]);
}

TEST(ChipJob, PerShotOperandsAreTheShotsWhateverTheLanes) {
  constexpr std::uint32_t shots = 5;
  std::vector<float> bias(shots * cells), clamped(shots * 3);
  for (std::size_t k = 0; k < bias.size(); ++k) bias[k] = 0.1f * static_cast<float>(k % 17) - 0.8f;
  for (std::size_t k = 0; k < clamped.size(); ++k) clamped[k] = static_cast<float>(k);
  const auto run = [&](const std::string& more) {
    Device device = ideal(more);
    Program program(device.capabilities(), cells);
    program.load(CellSection::j2, 1.0f).load_bias_per_shot(bias, shots).load_couplings(couplings(cells)).load_temperature(0.1f);
    program.commit().set(0, cells, 0.0f).clamp_per_shot(4, 3, clamped, shots).meter_clear();
    program.capture_start(device.step() * 10).evolve(device.step() * 30).meter_snapshot().readback(CellSection::bias);
    return device.run(program, seeded(shots));
  };
  const Result wide = run("lanes=16&threads=2");
  for (std::uint32_t shot = 0; shot < shots; ++shot)
    for (std::uint32_t k = 0; k < 3; ++k) EXPECT_EQ(wide.capture.state(shot, 3)[4 + k], clamped[shot * 3 + k]);
  EXPECT_EQ(wide.readback.at(0), std::vector<float>(bias.begin(), bias.begin() + cells)) << "the first shot's";
  expect_same(run("lanes=2&threads=1"), wide);
  expect_same(run("lanes=1&threads=1"), wide);
}

/// Another transport in front of the chip: hides the mapping, claims less memory (0: all of it), or lets time pass
/// between an interrupt and the host's answer.
class Narrowed final : public Transport {
 public:
  Narrowed(Device chip, bool lends, std::uint32_t memory, std::uint32_t late_ticks = 0)
      : chip_(std::move(chip)), lends_(lends), memory_(memory), late_ticks_(late_ticks) {}
  std::uint32_t read32(std::uint64_t address) override {
    if (memory_ != 0 && address == HB_CAPS_MEMORY_LO_OFFSET) return memory_;
    if (memory_ != 0 && address == HB_CAPS_MEMORY_HI_OFFSET) return 0;
    return chip_.transport().read32(address);
  }
  void write32(std::uint64_t address, std::uint32_t value) override { chip_.transport().write32(address, value); }
  void read_block(std::uint64_t address, std::span<std::byte> out) override { chip_.transport().read_block(address, out); }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override { chip_.transport().write_block(address, data); }
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override {
    return lends_ ? chip_.transport().map(address, size) : std::nullopt;
  }
  bool wait_irq(std::uint64_t limit) override {
    const bool pending = chip_.transport().wait_irq(limit);
    for (std::uint32_t k = 0; k < late_ticks_; ++k) chip_.transport().read32(HB_SCRATCH_OFFSET);
    return pending;
  }
  LinkInfo info() const override { return chip_.link(); }

 private:
  Device chip_;
  bool lends_;
  std::uint32_t memory_, late_ticks_;
};

TEST(ChipCapture, MappedOrByBlocksTheBitsAreTheSame) {
  Device device(std::make_unique<Narrowed>(ideal(), false, 0u));
  expect_same(device.run(working(device), seeded(7)), reference());
}

TEST(ChipCapture, ARingThatStallsLosesNothing) {
  // What the job needs beside its ring, found from the error that names it.
  std::uint64_t needed = 0;
  try {
    Device tiny(std::make_unique<Narrowed>(ideal(), true, 64u));
    tiny.run(working(tiny), seeded(7));
    FAIL();
  } catch (const Error& error) {
    ASSERT_EQ(error.code(), HB_OUT_OF_MEMORY);
    const std::string message = error.what();
    needed = std::stoull(message.substr(message.find(": ") + 2));
  }
  const std::uint32_t record = static_cast<std::uint32_t>(hb_record_bytes(7, cells, 4));
  for (const std::uint32_t extra : {0u, 1u, 4u}) {
    for (const std::uint32_t late_ticks : {0u, 15000u}) {  // two capture periods
      Device device(std::make_unique<Narrowed>(ideal(), true, static_cast<std::uint32_t>(needed) + extra * record, late_ticks));
      const Result result = device.run(working(device), seeded(7));
      if (late_ticks == 0) {
        EXPECT_EQ(result.stall_ticks.count, 0u) << "a host that answers at once never stalls the array";
      } else if (extra == 0) {
        EXPECT_GT(result.stall_ticks.count, 0u);
      }
      expect_same(result, reference());
    }
  }
}

TEST(ChipCapture, ASubsetOfCellsIsPartOfTheWhole) {
  Device device = ideal();
  JobOptions options = seeded(7);
  options.capture_first = 3;
  options.capture_cells = 5;
  const Result part = device.run(working(device), options);
  for (std::uint64_t n = 0; n < part.capture.records(); ++n)
    for (std::uint32_t k = 0; k < 5; ++k) EXPECT_EQ(part.capture.state(6, n)[k], reference().capture.state(6, n)[3 + k]);
}

TEST(ChipCapture, TheCountOfRecordsAgreesWithTheDevice) {
  Device device = ideal();
  Program program(device.capabilities(), 4);
  const Ticks step = device.step();
  program.capture_start(step * 3, false).loop_begin(4).evolve(step * 5).sample().loop_begin(3).ramp(step * 2).loop_end();
  program.capture_stop().evolve(step).capture_start(step * 2).evolve(step * 3).loop_end();
  EXPECT_EQ(device.run(program, seeded(2)).capture.records(), program.records());
}

TEST(ChipJob, CancelFromProgressAndFromAnotherThreadLeavesTheDeviceUsable) {
  Device device = ideal();
  JobOptions options = seeded(2);
  std::atomic<int> calls{0};
  options.progress = [&](double fraction) {
    EXPECT_GE(fraction, 0.0);
    return ++calls < 3;
  };
  Program longer(device.capabilities(), cells);
  longer.loop_begin(500000).evolve(device.step() * 1000).loop_end();
  expect_error(HB_ABORTED, "cancelled", [&] { device.run(longer, options); });
  EXPECT_EQ(calls.load(), 3);
  expect_same(device.run(working(device), seeded(7)), reference());

  options.progress = [&](double) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    return true;
  };
  Job job = device.start(longer, options);
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    job.cancel();
  });
  expect_error(HB_ABORTED, "cancelled", [&] { job.wait(); });
  other.join();
  EXPECT_EQ(job.poll(), Job::State::cancelled);
  expect_same(device.run(working(device), seeded(7)), reference());
}

TEST(ChipJob, TheLimitEndsAJobInDeviceTime) {
  Device device = ideal();
  Program longer(device.capabilities(), cells);
  longer.loop_begin(100).evolve(device.step() * 1000).loop_end();
  JobOptions options = seeded(1);
  options.limit = device.step() * 2500;
  const Ticks before = device.now();
  expect_error(HB_TIMEOUT, "limit of 2500000 device ticks", [&] { device.run(longer, options); });
  EXPECT_LT((device.now() - before).count, (device.step() * 2600).count);
  expect_same(device.run(working(device), seeded(7)), reference());
  options.limit = device.step() * 200;
  options.shots = 7;
  expect_same(device.run(working(device), options), reference());
}

TEST(ChipJob, DestroyingAJobAbortsItAndPollingEndsOne) {
  Device device = ideal();
  {
    Job job = device.start(working(device), seeded(7));
    expect_error(HB_BUSY, "a job of this device runs", [&] { device.start(working(device), seeded(7)); });
  }
  Job job = device.start(working(device), seeded(7));
  std::uint64_t polls = 0;
  while (job.poll() == Job::State::running) ++polls;
  EXPECT_GT(polls, 10u) << "polling costs device time and so ends";
  expect_same(job.wait(), reference());
}

TEST(ChipJob, WrongProgramsAreNamedAndTheDeviceIsUsableAfterwards) {
  Device device = ideal();
  Program off_grid(device.capabilities(), cells);
  off_grid.commit().commit().evolve({1500});
  expect_error(HB_BAD_PROGRAM, "program rejected: instruction 2 (EVOLVE), field ticks: 1500", [&] { device.run(off_grid); });
  Program period(device.capabilities(), cells);
  period.capture_start({2500}).evolve(device.step());
  expect_error(HB_BAD_PROGRAM, "instruction 0 (CAPTURE_START), field ticks: 2500", [&] { device.run(period); });
  expect_same(device.run(working(device), seeded(7)), reference());
}

TEST(ChipJob, TheStepCanBeChangedAndResetRestoresIt) {
  Device device = ideal();
  device.set_step({500});
  EXPECT_EQ(device.ticks(0.001).count, 1000u);
  Program program(device.capabilities(), 2);
  program.evolve({1500}).sample();
  EXPECT_EQ(device.run(program).array_ticks.count, 1500u);
  device.reset();
  EXPECT_EQ(device.step().count, 1000u);
}

TEST(ChipJob, ParametersComeBackAsApplied) {
  Device device = ideal();
  Program program(device.capabilities(), cells);
  program.load(CellSection::j4, 2.0e6f).load(CellSection::bias, per_cell(cells, 1.0f)).load_couplings(couplings(cells)).commit();
  program.readback(CellSection::bias).readback_couplings().readback(CellSection::j4);
  const Result result = device.run(program);
  EXPECT_EQ(result.readback.at(0), per_cell(cells, 1.0f));
  EXPECT_EQ(result.readback.at(1), couplings(cells));
  EXPECT_EQ(result.readback.at(2), std::vector<float>(cells, 1.0e6f)) << "clipped to the range";
  EXPECT_EQ(result.clips, cells);
}

// -- coded --------------------------------------------------------------------------------------------------------

TEST(Coded, SumsInIntegersStayWithTheSumsInFloat32ForAnyLanesAndThreads) {
  const auto states = [](const std::string& more) {
    Device device = open("func:profile=coded&cells=96" + more);
    Program program(device.capabilities(), 96);
    program.load(CellSection::j2, 1).load(CellSection::j4, 1).load_couplings(couplings(96)).load_temperature(0.5f).commit();
    program.evolve(device.ticks(1.0)).sample();
    const Result result = device.run(program, seeded(20));
    std::vector<float> all;
    for (std::uint32_t shot = 0; shot < 20; ++shot)
      all.insert(all.end(), result.capture.trajectory(shot).begin(), result.capture.trajectory(shot).end());
    return all;
  };
  const auto integers = states("&lanes=20&threads=2");
  EXPECT_EQ(integers, states("&lanes=1&threads=1"));
  EXPECT_EQ(integers, states("&lanes=16&threads=1"));
  const auto floats = states("&lanes=20&threads=1&integer_sums=no");
  EXPECT_NE(integers, floats);
  for (std::size_t i = 0; i < floats.size(); ++i) EXPECT_NEAR(integers[i], floats[i], 5e-3) << i;
}

// -- silicon ------------------------------------------------------------------------------------------------------

TEST(Silicon, ASeedIsRefusedByName) {
  Device device = open("func:profile=silicon&cells=32&threads=1");
  Program program(device.capabilities(), 4);
  program.evolve({100});
  expect_error(HB_UNSUPPORTED, "CAPS.SEEDED", [&] { device.run(program, seeded(1)); });
}

TEST(Silicon, CodesComeBackAsTheNearest) {
  Device device = open("func:profile=silicon&cells=32&threads=1");
  const Capabilities& caps = device.capabilities();
  std::vector<float> bias = per_cell(cells, 12.3f);
  bias[5] = 40.0f;
  std::vector<float> matrix = couplings(cells);
  matrix[1] = matrix[cells] = -0.7f;
  Program program(caps, cells);
  program.load(CellSection::bias, bias).load_couplings(matrix).commit();
  program.evolve({10}).readback(CellSection::bias).readback_couplings();
  const Result result = device.run(program);
  const float bias_step = caps.range_bias / 512, coupling_step = caps.range_coupling / 512;
  for (std::uint32_t i = 0; i < cells; ++i) {
    const float nearest = std::min(511.0f, std::round(bias[i] / bias_step)) * bias_step;
    EXPECT_EQ(result.readback.at(0)[i], nearest) << i;
    for (std::uint32_t j = 0; j < cells; ++j) {
      const float code = std::max(-512.0f, std::round(matrix[i * cells + j] / coupling_step));
      EXPECT_EQ(result.readback.at(1)[i * cells + j], i == j ? 0.0f : code * coupling_step) << i << "," << j;
    }
  }
  EXPECT_EQ(result.clips, 2u) << "one bias and one pair";
}

TEST(Silicon, CapturesAreCodesOfClampedStates) {
  Device device = open("func:profile=silicon&cells=32&threads=1");
  const float step = device.capabilities().range_state / 512;
  const std::vector<float> held = per_cell(cells, 3.0f);
  Program program(device.capabilities(), cells);
  program.clamp(0, held).capture_start({25}).evolve({100}).release(0, cells);
  JobOptions options;
  options.shots = 3;
  const Result result = device.run(program, options);
  EXPECT_EQ(result.capture.records(), 5u);
  for (std::uint32_t shot = 0; shot < 3; ++shot)
    for (std::uint64_t n = 0; n < 5; ++n)
      for (std::uint32_t i = 0; i < cells; ++i)
        EXPECT_NEAR(result.capture.state(shot, n)[i], held[i], 0.5001f * step);
}

TEST(Silicon, ASmallRingIsDrainedInTime) {
  Device device(std::make_unique<Narrowed>(open("func:profile=silicon&cells=32&threads=1"), false, 4096u));
  Program program(device.capabilities(), 4);
  program.capture_start({25}).evolve({25 * 400});
  EXPECT_EQ(device.run(program).capture.records(), 401u);
}

TEST(Silicon, TheSameSessionGivesTheSameBits) {
  const auto session = [] {
    Device device = open("func:profile=silicon&cells=32&threads=1&seed=5");
    Program program(device.capabilities(), cells);
    program.load(CellSection::j2, 1.0f).load(CellSection::j4, 1.0f).commit().clamp(0, cells, 0.5f).evolve({50}).release(0, cells);
    program.capture_start({25}).evolve({500});
    JobOptions options;
    options.shots = 2;
    options.progress = [](double) { return true; };
    return device.run(program, options);
  };
  expect_same(session(), session());
}

}  // namespace
}  // namespace heatbath
