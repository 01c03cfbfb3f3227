// What is true of every value, by rapidcheck: cases of its own making, and the smallest one that fails. RC_PARAMS in the
// environment makes more of them: RC_PARAMS="max_success=100000".
#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "heatbath/numerics/archive.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/open.hpp"

namespace heatbath {
namespace {

/// The same cases each time, unless somebody asks for others.
const int fixed_seed = ::setenv("RC_PARAMS", "seed=20261130 max_success=200", 0);

/// Any double, by its bits: subnormal, infinite, none.
double any_double() { return std::bit_cast<double>(*rc::gen::arbitrary<std::uint64_t>()); }

bool same(double a, double b) { return std::bit_cast<std::uint64_t>(a) == std::bit_cast<std::uint64_t>(b) || (std::isnan(a) && std::isnan(b)); }

TEST(Properties, ANumberReadsBackFromItsText) {
  EXPECT_TRUE(rc::check("double", [] {
    const double x = any_double();
    const auto again = numerics::parse_number<double>(numerics::text_of(x));
    RC_ASSERT(again && same(*again, x));
  }));
  EXPECT_TRUE(rc::check("float", [] {
    const auto x = std::bit_cast<float>(*rc::gen::arbitrary<std::uint32_t>());
    const auto again = numerics::parse_number<float>(numerics::text_of(x));
    RC_ASSERT(again && same(*again, x));
  }));
  EXPECT_TRUE(rc::check("whole number", [](std::uint64_t x, std::int64_t y) {
    RC_ASSERT(numerics::parse_number<std::uint64_t>(std::to_string(x)) == x);
    RC_ASSERT(numerics::parse_number<std::int64_t>(std::to_string(y)) == y);
  }));
}

TEST(Properties, AnEscapedTextIsOnePrintableLineAndATextThatIsOneStays) {
  EXPECT_TRUE(rc::check("any bytes", [](const std::string& text) {
    for (const char c : numerics::escaped(text)) RC_ASSERT(static_cast<unsigned char>(c) >= ' ' && c != '\x7f');
  }));
  EXPECT_TRUE(rc::check("letters", [] {
    const auto text = *rc::gen::container<std::string>(rc::gen::inRange('a', 'z'));
    RC_ASSERT(numerics::escaped(text) == text);
  }));
}

TEST(Properties, AnArchiveGivesBackWhatItTookAndRefusesAPartOfIt) {
  EXPECT_TRUE(rc::check("archive", [](std::uint64_t whole, std::vector<std::uint32_t> list, std::string text, bool yes) {
    double x = any_double();
    numerics::Archive out(1);
    out(whole, list, text, yes, x);
    const std::vector<std::byte> bytes = out.take();
    std::uint64_t whole_again = 0;
    std::vector<std::uint32_t> list_again;
    std::string text_again;
    bool yes_again = false;
    double x_again = 0;
    numerics::Archive in(bytes, 1);
    in(whole_again, list_again, text_again, yes_again, x_again);
    in.end();
    RC_ASSERT(whole_again == whole && list_again == list && text_again == text && yes_again == yes && same(x_again, x));
    const std::span<const std::byte> part = std::span<const std::byte>(bytes).first(*rc::gen::inRange<std::size_t>(0, bytes.size()));
    numerics::Archive torn(part, 1);
    RC_ASSERT_THROWS_AS(torn(whole_again, list_again, text_again, yes_again, x_again), numerics::Archive::Refused);
  }));
}

TEST(Properties, AJobHasTheSameBitsHoweverItsTimeIsCut) {
  Device whole = open("func:cells=5&lanes=2&threads=1"), cut = open("func:cells=5&lanes=2&threads=1");
  EXPECT_TRUE(rc::check("chunks", [&] {
    const auto kT = static_cast<float>(*rc::gen::inRange(1, 40)) / 16;
    const auto seed = *rc::gen::arbitrary<std::uint64_t>();
    const auto steps = *rc::gen::inRange(1, 60);
    const auto shots = static_cast<std::uint32_t>(*rc::gen::inRange(1, 6));
    const auto cuts = *rc::gen::container<std::vector<std::uint64_t>>(rc::gen::inRange<std::uint64_t>(1, 5000));
    Program program(whole.capabilities(), 5);
    program.load(CellSection::j2, 0.5f).load_temperature(kT).commit().set(0, 5, 0.25f);
    program.capture_start(whole.capture_period(whole.step())).evolve(whole.step() * static_cast<std::uint64_t>(steps)).capture_stop().meter_snapshot();
    const JobOptions options{.shots = shots, .seed = seed};
    const Result expected = whole.run(program, options);
    Job job = cut.start(program, options);
    for (const std::uint64_t ticks : cuts) {
      cut.transport().wait_irq(ticks);
      job.poll();
    }
    const Result result = job.wait();
    RC_ASSERT(result.capture.records() == expected.capture.records());
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const auto a = result.capture.trajectory(shot), b = expected.capture.trajectory(shot);
      RC_ASSERT(std::vector<float>(a.begin(), a.end()) == std::vector<float>(b.begin(), b.end()));
      RC_ASSERT(result.meters.back()[shot].heat == expected.meters.back()[shot].heat);
    }
  }));
}

}  // namespace
}  // namespace heatbath
