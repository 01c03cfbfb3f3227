// Jobs of the driver that are kept and go on in another process's place.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "heatbath/open.hpp"
#include "sim/src/open_transport.hpp"

namespace heatbath {
namespace {

using ::testing::HasSubstr;

constexpr std::uint32_t cells = 10;

/// Operands, records, a ramp, meters and a readback.
Program working(const Device& device, float bias = 0.2f, bool metered = true) {
  Program program(device.capabilities(), cells);
  std::vector<float> matrix(cells * cells, 0.0f);
  for (std::uint32_t i = 0; i < cells; ++i)
    for (std::uint32_t j = i + 1; j < cells; ++j) matrix[i * cells + j] = matrix[j * cells + i] = 0.05f * std::sin(float(i * 7 + j));
  program.load(CellSection::j2, 1.0f).load(CellSection::bias, bias);
  if (device.capabilities().cell_kind == CellKind::overdamped) program.load(CellSection::j4, 1.0f);
  program.load_couplings(matrix).load_temperature(0.1f).commit();
  if (metered) program.meter_clear();
  program.readback(CellSection::j2).capture_start(device.capture_period(device.ticks(0.05))).evolve(device.ticks(1.0));
  program.load(CellSection::bias, 0.0f).ramp(device.ticks(0.5));
  if (metered) program.meter_snapshot();
  return program;
}

JobOptions options_of(const Device& device, std::uint32_t shots) {
  JobOptions options;
  options.shots = shots;
  if (device.capabilities().seeded) options.seed = 5;
  return options;
}

void expect_same(const Result& a, const Result& b) {
  ASSERT_EQ(a.capture.ticks(), b.capture.ticks());
  EXPECT_TRUE(std::ranges::equal(a.capture.values(), b.capture.values()));
  EXPECT_TRUE(std::ranges::equal(a.capture.turns(), b.capture.turns()));
  ASSERT_EQ(a.meters.size(), b.meters.size());
  for (std::size_t k = 0; k < a.meters.size(); ++k)
    for (std::size_t shot = 0; shot < a.meters[k].size(); ++shot) {
      EXPECT_EQ(a.meters[k][shot].heat, b.meters[k][shot].heat);
      EXPECT_EQ(a.meters[k][shot].work, b.meters[k][shot].work);
      EXPECT_EQ(a.meters[k][shot].energy, b.meters[k][shot].energy);
    }
  EXPECT_EQ(a.readback, b.readback);
  EXPECT_EQ(a.array_ticks, b.array_ticks);
  EXPECT_EQ(a.clips, b.clips);
}

/// What a job leaves at each of its slices, and its result.
std::pair<std::vector<std::vector<std::byte>>, Result> kept(Device& device, const Program& program, JobOptions options) {
  std::vector<std::vector<std::byte>> all;
  options.checkpoints.due = [] { return true; };
  options.checkpoints.take = [&](std::vector<std::byte>&& saved) { all.push_back(std::move(saved)); };
  Result result = device.run(program, options);
  return {std::move(all), std::move(result)};
}

std::string refusal(const char* uri, const std::vector<std::byte>& saved, float bias = 0.2f, std::uint32_t shots = 11) {
  Device device = open(uri);
  JobOptions options = options_of(device, shots);
  options.checkpoints.from = saved;
  try {
    device.run(working(device, bias), options);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

/// Three passes; from each checkpoint on, on a fresh device with other threads.
void goes_on(const std::string& uri, bool metered) {
  Device device = open(uri);
  const JobOptions options = options_of(device, device.capabilities().lanes * 3 - (device.capabilities().lanes > 1));
  const Program program = working(device, 0.2f, metered);
  const Result whole = device.run(program, options);
  Device again = open(uri);
  const auto [saved, with_checkpoints] = kept(again, program, options);
  expect_same(whole, with_checkpoints);
  ASSERT_GT(saved.size(), 20u);
  for (std::size_t k = 0; k < saved.size(); k += 7) {
    SCOPED_TRACE("checkpoint " + std::to_string(k));
    Device other = open(uri + "&threads=3");
    JobOptions from = options;
    from.checkpoints.from = saved[k];
    expect_same(other.run(program, from), whole);
    EXPECT_EQ(other.work().reads, again.work().reads) << "the bill, too";
  }
}

TEST(SavedJobs, GoOnToTheSameResult) { goes_on("func:cells=10&lanes=4", true); }
TEST(SavedJobs, GoOnToTheSameResultOnPhases) { goes_on("func:cell=phase&cells=10&lanes=4", true); }
/// What docs/checkpoints.md shows.
TEST(SavedJobs, InTwoProcesses) {
  Device device = open("func:cells=10&lanes=4");
  const Program program = working(device);
  const JobOptions options = options_of(device, 11);
  const Result whole = device.run(program, options);
  Result result;
  // docs: begin checkpoint
  std::vector<std::byte> saved;
  JobOptions kept = options;
  kept.checkpoints.due = [&] { return saved.empty(); };  // once here; else by the clock
  kept.checkpoints.take = [&](std::vector<std::byte>&& bytes) { saved = std::move(bytes); };
  device.run(program, kept);

  // In another process, with the same program and options:
  Device other = open("func:cells=10&lanes=4&threads=2");
  JobOptions going_on = options;
  going_on.checkpoints.from = saved;
  result = other.run(program, going_on);
  // docs: end checkpoint
  expect_same(result, whole);
}

/// A chip without seeds and with a clock that runs on: its noise depends on when the host looks.
TEST(SavedJobs, GoOnToTheSameResultOnSilicon) { goes_on("func:profile=silicon&cells=10", false); }

TEST(SavedJobs, OfAnotherJobAreRefused) {
  Device device = open("func:cells=10&lanes=4");
  const auto saved = kept(device, working(device), options_of(device, 11)).first.at(30);
  const char* const same = "func:cells=10&lanes=4";
  EXPECT_EQ(refusal(same, saved), "");
  EXPECT_THAT(refusal(same, saved, 0.3f), HasSubstr("of another job"));
  EXPECT_THAT(refusal(same, saved, 0.2f, 12), HasSubstr("of another job"));
  EXPECT_THAT(refusal("func:cells=10&lanes=4&seed=9", saved), HasSubstr("of another chip: seed"));
  std::vector<std::byte> damaged = saved;
  damaged[damaged.size() / 3] ^= std::byte{16};
  EXPECT_THAT(refusal(same, damaged), HasSubstr("damaged"));
  damaged.resize(20);
  EXPECT_THAT(refusal(same, damaged), HasSubstr("cut short"));
}

/// A refusal starts nothing: the device runs the next job as if nothing had been.
TEST(SavedJobs, ARefusalStartsNothing) {
  Device device = open("func:cells=10&lanes=4");
  JobOptions options = options_of(device, 11);
  const Result whole = device.run(working(device), options);
  options.checkpoints.from = {std::byte{1}};
  EXPECT_THROW(device.run(working(device), options), Error);
  options.checkpoints.from = {};
  expect_same(device.run(working(device), options), whole);
}

class Other final : public Transport {
 public:
  explicit Other(std::unique_ptr<Transport> inner) : inner_(std::move(inner)) {}
  std::uint32_t read32(std::uint64_t address) override { return inner_->read32(address); }
  void write32(std::uint64_t address, std::uint32_t value) override { inner_->write32(address, value); }
  void read_block(std::uint64_t address, std::span<std::byte> out) override { inner_->read_block(address, out); }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override { inner_->write_block(address, data); }
  std::optional<std::span<std::byte>> map(std::uint64_t, std::uint64_t) override { return std::nullopt; }
  bool wait_irq(std::uint64_t limit) override { return inner_->wait_irq(limit); }
  LinkInfo info() const override { return {"board:1", "a board"}; }

 private:
  std::unique_ptr<Transport> inner_;
};

TEST(SavedJobs, ALinkWithoutAStateToSaveIsNamed) {
  Device device(std::make_unique<Other>(open_transport("func:cells=10&lanes=4")));
  JobOptions options = options_of(device, 2);
  options.checkpoints.due = [] { return true; };
  try {
    device.run(working(device), options);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_UNSUPPORTED);
    EXPECT_THAT(error.what(), HasSubstr("board:1"));
  }
}

}  // namespace
}  // namespace heatbath
