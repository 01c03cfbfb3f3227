// A chip that is saved at any moment goes on elsewhere to the same bits.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <string>

#include "heatbath/error.hpp"
#include "heatbath/numerics/archive.hpp"
#include "heatbath/numerics/isa.hpp"
#include "heatbath/restorable.hpp"
#include "sim/src/open_transport.hpp"
#include "tests/systemc/random_program.hpp"

namespace heatbath {
namespace {

using ::testing::HasSubstr;

/// A link that moves to another device at one of its calls.
class MovingLink : public Transport {
 public:
  using Move = std::function<std::unique_ptr<Transport>(std::unique_ptr<Transport>)>;
  MovingLink(std::unique_ptr<Transport> from, std::uint64_t at, Move move)
      : here_(std::move(from)), at_(at), move_(std::move(move)) {}

  std::uint32_t read32(std::uint64_t address) override { return next().read32(address); }
  void write32(std::uint64_t address, std::uint32_t value) override { next().write32(address, value); }
  void read_block(std::uint64_t address, std::span<std::byte> out) override { next().read_block(address, out); }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override { next().write_block(address, data); }
  std::optional<std::span<std::byte>> map(std::uint64_t, std::uint64_t) override { return std::nullopt; }
  bool wait_irq(std::uint64_t limit) override { return next().wait_irq(limit); }
  LinkInfo info() const override { return here_->info(); }

  std::uint64_t calls() const { return calls_; }
  /// The device behind it.
  std::unique_ptr<Transport> release() { return std::move(here_); }

 private:
  Transport& next() {
    if (calls_++ == at_) here_ = move_(std::move(here_));
    return *here_;
  }

  std::unique_ptr<Transport> here_;
  std::uint64_t at_, calls_ = 0;
  Move move_;
};

struct Kind {
  std::string profile;  ///< and what is chosen besides, as in a URI
  std::uint32_t cells, lanes;
};

// Every kind of cell, stepper, storage and imperfection that keeps something.
const std::vector<Kind> kinds{
    {"ideal", 12, 5},
    {"ideal", 70, 18},
    {"ideal&topology=grid:3x4", 12, 21},
    {"ideal&reciprocal=no", 9, 3},
    {"ideal&stepper=heun&noise=pink&noise_time=0.5", 10, 17},
    {"ideal&noise=telegraph&noise_time=0.3&noise_common=0.25", 10, 4},
    {"ideal&cell=underdamped", 12, 5},
    {"ideal&cell=rlc", 6, 5},
    {"ideal&cell=phase&topology=grid:3x4", 12, 5},
    {"ideal&cell=pbit", 12, 5},
    {"ideal&cell=pbit&topology=grid:4x6", 24, 18},
    {"ideal&cell=categorical&topology=grid:3x4", 12, 5},
    {"coded", 16, 6},
    {"coded&integer_sums=yes", 16, 6},
    {"silicon", 20, 1},
    {"harsh&chip=5&faults=memory-flip@900:12345,cell-dead@4000:3,interrupt-lost@6000,hang@20000", 20, 1},
    {"harsh&chip=9&faults=coupler-flip@500:3,converter-saturated@2000:4,thermal-trip@30000", 20, 1},
};

std::string uri(const Kind& kind, unsigned threads, const char* scheme = "func:") {
  return std::string(scheme) + "profile=" + kind.profile + "&cells=" + std::to_string(kind.cells) +
         "&lanes=" + std::to_string(kind.lanes) + "&seed=7&threads=" + std::to_string(threads);
}

model::Profile profile_of(const Kind& kind) {
  model::Choices choices;
  std::string name = kind.profile;
  for (std::size_t at; (at = name.rfind('&')) != std::string::npos; name.resize(at)) {
    const std::string choice = name.substr(at + 1);
    choices.emplace(choice.substr(0, choice.find('=')), choice.substr(choice.find('=') + 1));
  }
  return model::load_profile(name, choices);
}

Restorable& restorable(Transport& link) { return dynamic_cast<Restorable&>(link); }

/// The calls of a host before it reads all registers at its end.
std::uint64_t turns_of(const MovingLink& link) { return link.calls() - HB_WINDOW_BYTES / 4; }

unsigned device_count() {
  const char* wanted = std::getenv("HEATBATH_RANDOM_DEVICES");
  return wanted != nullptr ? static_cast<unsigned>(std::strtoul(wanted, nullptr, 10)) : 34;
}

/// A host that looks at everything runs on one device; then the same host on one that moves at a random call to another
/// instruction set, another number of threads, and back to none of what it was.
TEST(SavedDevices, GoOnToTheSameBitsElsewhere) {
  const std::vector<numerics::Isa> isas = numerics::available_isas();
  const unsigned devices = device_count();
  std::uint64_t running = 0;
  for (unsigned device = 0; device < devices; ++device) {
    std::mt19937_64 rng(1000 + device);
    const Kind& kind = kinds[device % kinds.size()];
    SCOPED_TRACE("device " + std::to_string(device) + ", " + kind.profile);
    const model::Profile profile = profile_of(kind);
    const auto here = isas[rng() % isas.size()], there = isas[(device + 1) % isas.size()];
    const auto threads = static_cast<unsigned>(1 + rng() % 7), other_threads = static_cast<unsigned>(1 + rng() % 7);
    const std::uint64_t program = rng();

    ASSERT_TRUE(numerics::select_isa(here));
    MovingLink stays(open_transport(uri(kind, threads)), ~std::uint64_t{0}, nullptr);
    const testing::Observations expected = testing::RandomHost(stays).run(program, profile, kind.cells, kind.lanes);

    const auto move = [&](std::unique_ptr<Transport> from) {
      const std::vector<std::byte> saved = restorable(*from).save();
      EXPECT_EQ(restorable(*from).save(), saved) << "saving changes nothing";
      if (((*from).read32(HB_STATUS_OFFSET) & HB_STATUS_RUNNING_MASK) != 0) ++running;
      EXPECT_TRUE(numerics::select_isa(there));
      std::unique_ptr<Transport> to = open_transport(uri(kind, other_threads));
      if (device % 2 == 1) testing::RandomHost(*to).run(program + 1, profile, kind.cells, kind.lanes);  // with a past
      restorable(*to).restore(saved);
      EXPECT_EQ(restorable(*to).save(), saved) << "what is restored is the same";
      return to;
    };
    MovingLink moves(open_transport(uri(kind, threads)), rng() % turns_of(stays), move);
    ASSERT_TRUE(numerics::select_isa(here));
    const testing::Observations found = testing::RandomHost(moves).run(program, profile, kind.cells, kind.lanes);
    ASSERT_EQ(expected.size(), found.size());
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(expected[i], found[i]) << "observation " << i;
  }
  numerics::select_isa(isas.back());
  std::printf("%u devices, %llu of them in the middle of a job\n", devices, static_cast<unsigned long long>(running));
  if (devices < kinds.size()) return;
  EXPECT_GT(running, devices / 4);
}

/// From func: to tlm: and back, each time to another instruction set. A process has one SystemC chip; ctest gives each test
/// a process.
class MovedBetweenModels : public ::testing::TestWithParam<std::size_t> {};

TEST_P(MovedBetweenModels, GoOnToTheSameBits) {
  const Kind& kind = kinds[GetParam()];
  try {
    open_transport(uri(kind, 1, "tlm:"));
  } catch (const Error& error) {
    const std::string why = error.what();  // a build without SystemC, or another chip of this process
    if (why.find("SystemC") == std::string::npos) throw;
    GTEST_SKIP() << why;
  }
  const std::vector<numerics::Isa> isas = numerics::available_isas();
  const model::Profile profile = profile_of(kind);
  const unsigned of_kinds = static_cast<unsigned>(kinds.size()), times = (device_count() + of_kinds - 1) / of_kinds;
  for (unsigned time = 0; time < times; ++time) {
    SCOPED_TRACE(std::string(kind.profile) + ", program " + std::to_string(time));
    std::mt19937_64 rng(77 + time);
    const std::uint64_t program = rng();
    MovingLink stays(open_transport(uri(kind, 1)), ~std::uint64_t{0}, nullptr);
    const testing::Observations expected = testing::RandomHost(stays).run(program, profile, kind.cells, kind.lanes);
    const std::uint64_t first = rng() % turns_of(stays), second = rng() % turns_of(stays);
    std::size_t next_isa = time;
    const auto to = [&](const char* scheme) {
      return [&, scheme](std::unique_ptr<Transport> from) {
        const std::vector<std::byte> saved = restorable(*from).save();
        from.reset();
        EXPECT_TRUE(numerics::select_isa(isas[next_isa++ % isas.size()]));
        std::unique_ptr<Transport> link = open_transport(uri(kind, 1, scheme));
        restorable(*link).restore(saved);
        EXPECT_EQ(restorable(*link).save(), saved);
        return link;
      };
    };
    MovingLink back(std::make_unique<MovingLink>(open_transport(uri(kind, 1)), std::min(first, second), to("tlm:")),
                    std::max(first, second),
                    [&](std::unique_ptr<Transport> from) { return to("func:")(dynamic_cast<MovingLink&>(*from).release()); });
    const testing::Observations found = testing::RandomHost(back).run(program, profile, kind.cells, kind.lanes);
    ASSERT_EQ(expected.size(), found.size());
    for (std::size_t i = 0; i < expected.size(); ++i) ASSERT_EQ(expected[i], found[i]) << "observation " << i;
  }
  numerics::select_isa(isas.back());
}

INSTANTIATE_TEST_SUITE_P(EveryKind, MovedBetweenModels, ::testing::Range<std::size_t>(0, kinds.size()));

std::string refusal(Transport& link, std::span<const std::byte> saved) {
  try {
    restorable(link).restore(saved);
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), HB_BAD_ARG);
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.what();
  }
  return "";
}

TEST(SavedDevices, OfAnotherChipAreRefusedByName) {
  const Kind kind{"ideal", 6, 2};
  const auto link = open_transport(uri(kind, 1));
  const std::vector<std::byte> saved = restorable(*link).save();
  const auto on = [&](const char* device) { return refusal(*open_transport(device), saved); };
  EXPECT_EQ(on("func:cells=6&lanes=2&seed=7&threads=2"), "");
  EXPECT_THAT(on("func:cells=7&lanes=2&seed=7"), HasSubstr("of another chip: cells is '6' there, '7' here"));
  EXPECT_THAT(on("func:cells=6&lanes=3&seed=7"), HasSubstr("lanes is '2' there, '3' here"));
  EXPECT_THAT(on("func:cells=6&lanes=2&seed=8"), HasSubstr("seed is '7' there, '8' here"));
  EXPECT_THAT(on("func:cells=6&lanes=2&seed=7&rail=5"), HasSubstr("array.rail is"));
  EXPECT_THAT(on("func:cells=6&lanes=2&seed=7&cell=pbit"), HasSubstr("of another chip"));
  EXPECT_THAT(on("func:profile=silicon&cells=6"), HasSubstr("of another chip"));
  EXPECT_THAT(on("func:cells=6&lanes=2&seed=7&faults=hang@5"), HasSubstr("faults.plan is '' there, 'hang@5' here"));
  std::vector<std::byte> damaged = saved;
  damaged[damaged.size() / 2] ^= std::byte{4};
  EXPECT_THAT(refusal(*link, damaged), HasSubstr("damaged"));
  EXPECT_THAT(refusal(*link, std::span(saved).first(100)), HasSubstr("cut short"));
}

/// A refused file changes nothing.
TEST(SavedDevices, ARefusalLeavesTheDeviceAsItWas) {
  const Kind kind{"ideal", 6, 2};
  const auto link = open_transport(uri(kind, 1));
  link->write32(HB_SCRATCH_OFFSET, 0x1234);
  const std::vector<std::byte> before = restorable(*link).save();
  std::vector<std::byte> damaged = before;
  damaged.back() ^= std::byte{1};
  EXPECT_NE(refusal(*link, damaged), "");
  EXPECT_EQ(restorable(*link).save(), before);
}

/// A reset in the middle of a stalled job leaves what it leaves of a device that did nothing: every register, the time that
/// passes, and the next job with its captures.
TEST(SavedDevices, AResetLeavesNothingOfAJob) {
  using namespace model::bench;
  for (const std::size_t k : {0u, 4u, 6u, 8u, 9u, 11u}) {
    const Kind& kind = kinds[k];
    SCOPED_TRACE(kind.profile);
    const auto after_reset = [&](bool busy) {
      const auto link = open_transport(uri(kind, 1));
      const auto write = [&](std::uint32_t offset, std::uint32_t value) { link->write32(offset, value); };
      // The registers that a host writes are the same in both; the job is of one of them.
      write(HB_PROGRAM_ADDR_LO_OFFSET, program_at);
      write(HB_CAPTURE_BASE_LO_OFFSET, ring_at);
      write(HB_CAPTURE_SLOTS_OFFSET, 2);
      write(HB_SHOTS_OFFSET, 1);
      const std::uint64_t step = link->read32(HB_DT_TICKS_OFFSET);
      const std::vector<hb_instruction_t> program{load(HB_SECTION_BIAS, 0.5f), load(HB_SECTION_KT, 0.5f), op(HB_OP_COMMIT),
                                                  timed(HB_OP_CAPTURE_START, 8 * step, HB_FLAG_NOW),
                                                  timed(HB_OP_EVOLVE, 10000 * step), op(HB_OP_HALT)};
      const auto bytes = std::as_bytes(std::span(program));
      if (busy) {
        link->write_block(HB_MEMORY_BASE + program_at, bytes);
        write(HB_PROGRAM_COUNT_OFFSET, static_cast<std::uint32_t>(program.size()));
        write(HB_COMMAND_OFFSET, HB_COMMAND_OP_START | 1u << 16);
        link->wait_irq(100 * step);
        EXPECT_NE(link->read32(HB_STATUS_OFFSET) & HB_STATUS_RUNNING_MASK, 0u);
        EXPECT_NE(link->read32(HB_STATUS_OFFSET) & HB_STATUS_STALLED_MASK, 0u) << "two records, and nobody takes them";
      }
      write(HB_COMMAND_OFFSET, HB_COMMAND_OP_RESET | 2u << 16);
      EXPECT_EQ(link->read32(HB_COMMAND_ACK_OFFSET) >> 16, 2u);
      std::vector<std::uint64_t> seen;
      const auto look = [&] {
        for (std::uint32_t offset = 0; offset < HB_WINDOW_BYTES; offset += 4) seen.push_back(link->read32(offset));
        seen.push_back(link->device_ticks().value_or(0));
      };
      look();
      seen.push_back(link->wait_irq(100 * step) ? 1 : 0);
      look();
      link->write_block(HB_MEMORY_BASE + program_at, bytes);
      write(HB_PROGRAM_ADDR_LO_OFFSET, program_at);
      write(HB_CAPTURE_BASE_LO_OFFSET, ring_at);
      write(HB_CAPTURE_SLOTS_OFFSET, 64);
      write(HB_SHOTS_OFFSET, 1);
      write(HB_PROGRAM_COUNT_OFFSET, static_cast<std::uint32_t>(program.size()));
      write(HB_COMMAND_OFFSET, HB_COMMAND_OP_START | 3u << 16);
      link->wait_irq(300 * step);
      look();
      std::vector<std::byte> records(0x1000);
      link->read_block(HB_MEMORY_BASE + ring_at, records);
      for (const std::byte byte : records) seen.push_back(static_cast<std::uint64_t>(byte));
      return seen;
    };
    const std::vector<std::uint64_t> idle = after_reset(false), busy = after_reset(true);
    ASSERT_EQ(idle.size(), busy.size());
    for (std::size_t at = 0; at < idle.size(); ++at) ASSERT_EQ(idle[at], busy[at]) << "observation " << at;
  }
}

/// Contents with the right checksum that no chip wrote: refused or taken, but never a crash, also afterwards.
TEST(SavedDevices, ForgedContentsDoNoHarm) {
  unsigned refused = 0, taken = 0;
  for (const std::size_t k : {0u, 4u, 8u, 11u, 15u}) {
    const Kind& kind = kinds[k];
    SCOPED_TRACE(kind.profile);
    const model::Profile profile = profile_of(kind);
    std::vector<std::byte> saved;
    MovingLink link(open_transport(uri(kind, 1)), 90, [&](std::unique_ptr<Transport> from) {
      saved = restorable(*from).save();
      return from;
    });
    testing::RandomHost(link).run(5, profile, kind.cells, kind.lanes);
    const numerics::Sealed whole = numerics::unseal(saved, "chip", 99);
    std::mt19937_64 rng(k);
    const auto victim = open_transport(uri(kind, 1));
    for (int forgery = 0; forgery < 60; ++forgery) {
      std::vector<std::byte> contents(whole.contents.begin(), whole.contents.end());
      // Beyond the names of the chip; most of what follows there is not memory.
      const std::size_t first = std::min<std::size_t>(4000, contents.size() / 2), reach = std::min<std::size_t>(6000, contents.size() - first);
      for (std::uint64_t n = 1 + rng() % 3; n > 0; --n)
        contents[first + rng() % reach] = static_cast<std::byte>(rng() % 3 == 0 ? 0xFF : rng());
      (refusal(*victim, numerics::seal("chip", whole.version, contents)).empty() ? taken : refused) += 1;
      victim->wait_irq(2000);
      testing::RandomHost(*victim).run(6, profile, kind.cells, kind.lanes);
    }
  }
  std::printf("%u forgeries refused, %u taken\n", refused, taken);
  EXPECT_GT(refused, 0u);
  EXPECT_GT(taken, 0u);
}

}  // namespace
}  // namespace heatbath
