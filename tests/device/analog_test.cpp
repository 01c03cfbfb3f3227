// Converters and mismatch: what stands between numbers in memory and the array.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "board.hpp"
#include "hw_model/analog/converters.hpp"
#include "hw_model/analog/mismatch.hpp"

namespace heatbath::model::bench {
namespace {

template <class T>
std::vector<std::byte> stored(const std::vector<T>& values) {
  std::vector<std::byte> bytes(values.size() * sizeof(T));
  std::memcpy(bytes.data(), values.data(), bytes.size());
  return bytes;
}

TEST(Converter, ReadsFloatsClipsAndCounts) {
  const float inf = INFINITY;
  const Converter converter{Storage::float32, 0, 2.0f, false};
  std::vector<float> values(6);
  const Conversion conversion =
      decode(stored(std::vector<float>{1.5f, -2.0f, 2.5f, -inf, inf, -0.0f}), converter, values);
  EXPECT_EQ(values, (std::vector<float>{1.5f, -2.0f, 2.0f, -2.0f, 2.0f, -0.0f}));
  EXPECT_TRUE(std::signbit(values[5]));  // bit for bit
  EXPECT_EQ(conversion.clipped, 3u);
  EXPECT_FALSE(conversion.refused);
}

TEST(Converter, RefusesNaNAndNamesTheFirst) {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  std::vector<float> values(3);
  EXPECT_EQ(decode(stored(std::vector<float>{5, nan, nan}), {Storage::float32, 0, 2.0f, false}, values).refused, 1u);
}

TEST(Converter, ReadsCodesBeyondItsBitsAsItsEnds) {
  std::vector<float> values(5);
  const Conversion conversion =
      decode(stored(std::vector<std::int16_t>{511, -512, 600, -32768, 1}), {Storage::code16, 10, 8.0f, false}, values);
  EXPECT_EQ(values, (std::vector<float>{511.0f / 64, -8.0f, 511.0f / 64, -8.0f, 1.0f / 64}));
  EXPECT_EQ(conversion.clipped, 2u);
  EXPECT_EQ(
      decode(stored(std::vector<std::int8_t>{-1, 127, -128, 7, 0}), {Storage::code8, 8, 1.0f, true}, values).clipped,
      2u);
  EXPECT_EQ(values, (std::vector<float>{0, 127.0f / 128, 0, 7.0f / 128, 0}));
}

TEST(Converter, CodesSurviveTheWayThroughValues) {
  for (const float range : {8.0f, 0.3f, 17.7f}) {
    const Converter converter{Storage::code16, 10, range, false};
    std::vector<std::int16_t> codes;
    for (int code = -512; code < 512; ++code) codes.push_back(static_cast<std::int16_t>(code));
    std::vector<float> values(codes.size());
    decode(stored(codes), converter, values);
    std::vector<std::byte> back(codes.size() * 2);
    encode(values, converter, back);
    EXPECT_EQ(back, stored(codes));
  }
}

TEST(Converter, ClipsAnImmediateMoreThanHalfAStepBeyondItsEnd) {
  const Converter converter{Storage::code8, 8, 1.0f, false};  // one step: 1/128
  for (const auto& [value, nominal, clipped] : {std::tuple{127.25f / 128, 127.0f / 128, 0u},
                                                {128.0f / 128, 127.0f / 128, 1u},
                                                {-1.0f, -1.0f, 0u},
                                                {-1.1f, -1.0f, 1u},
                                                {0.003f, 0.0f, 0u}}) {
    float x = value;
    EXPECT_EQ(convert(x, converter).clipped, clipped) << value;
    EXPECT_EQ(x, nominal) << value;
  }
}

TEST(Mismatch, OfNoSpreadPassesValuesBitForBit) {
  Mismatch mismatch({0, 0, 0}, 77);
  const std::vector<float> values{1.1f, -0.0f, 3e-39f, 0.7f, 5, 6};
  auto through = values;
  mismatch.apply_cell_gain(through);
  mismatch.apply_bias_offset(through);
  mismatch.apply_coupling_gain(through, 4);
  EXPECT_EQ(stored(through), stored(values));
}

TEST(Mismatch, IsThePartsOwnAndDoesNotDependOnTheActiveCells) {
  const MismatchSpread spread{0.05f, 0.05f, 0.5f};
  Mismatch few(spread, 1), many(spread, 1), other(spread, 2);
  std::vector<float> a(5, 1.0f), b(40, 1.0f), c(5, 1.0f);
  few.apply_cell_gain(a);
  many.apply_cell_gain(b);
  other.apply_cell_gain(c);
  EXPECT_TRUE(std::equal(a.begin(), a.end(), b.begin()));
  EXPECT_NE(a, c);

  std::vector<float> small(3, 1.0f), large(10, 1.0f);
  few.apply_coupling_gain(small, 3);  // J01 J02 J12
  few.apply_coupling_gain(large, 5);  // J01 J02 J03 J04 J12 …
  EXPECT_EQ(small[0], large[0]);
  EXPECT_EQ(small[1], large[1]);
  EXPECT_EQ(small[2], large[4]);
}

TEST(Mismatch, HasTheSpreadItWasGiven) {
  Mismatch mismatch({0.02f, 0.03f, 0.5f}, 9);
  const auto spread = [](const std::vector<float>& values, double centre) {
    double sum = 0, squares = 0;
    for (const float value : values) {
      sum += value - centre;
      squares += (value - centre) * (value - centre);
    }
    const double n = static_cast<double>(values.size());
    EXPECT_LT(std::abs(sum / n), 5 * std::sqrt(squares / n / n));
    return std::sqrt(squares / n);
  };
  std::vector<float> gains(4096, 1.0f), offsets(4096, 0.0f), couplings(90 * 89 / 2, 1.0f);
  mismatch.apply_cell_gain(gains);
  mismatch.apply_bias_offset(offsets);
  mismatch.apply_coupling_gain(couplings, 90);
  EXPECT_NEAR(spread(gains, 1), 0.02, 5 * 0.02 / std::sqrt(2 * 4096.0));
  EXPECT_NEAR(spread(offsets, 0), 0.5, 5 * 0.5 / std::sqrt(2 * 4096.0));
  EXPECT_NEAR(spread(couplings, 1), 0.03, 5 * 0.03 / std::sqrt(2 * 4005.0));
  // Gains and offsets of one cell have nothing to do with each other.
  double product = 0;
  for (std::size_t i = 0; i < gains.size(); ++i) product += (gains[i] - 1) / 0.02 * offsets[i] / 0.5;
  EXPECT_LT(std::abs(product / 4096), 5 / 64.0);
}

TEST(Readback, ReturnsCodesAsAppliedWithoutTheMismatch) {
  Board board("silicon", {.cells = 4, .threads = 1});
  board.put(operands_at, std::vector<std::int16_t>{100, -100, 511, -512, 1000, 3});
  ASSERT_EQ(board.start({load_from(HB_SECTION_COUPLING, operands_at), load(HB_SECTION_J4, 1),
                         load(HB_SECTION_BIAS, -0.04f), op(HB_OP_COMMIT), readback(HB_SECTION_COUPLING, readback_at),
                         readback(HB_SECTION_J4, readback_at + 64), readback(HB_SECTION_BIAS, readback_at + 128)}),
            HB_OK);
  board.finish();
  ASSERT_TRUE(board.done());
  EXPECT_EQ(board.get<std::int16_t>(readback_at, 6), (std::vector<std::int16_t>{100, -100, 511, -512, 511, 3}));
  EXPECT_EQ(board.get<std::int16_t>(readback_at + 64, 4), (std::vector<std::int16_t>(4, 64)));
  EXPECT_EQ(board.get<std::int16_t>(readback_at + 128, 4), (std::vector<std::int16_t>(4, -1)));  // -0.04 of 1/32 steps
  EXPECT_EQ(board.r(HB_CLIP_COUNT_OFFSET), 1u);
}

}  // namespace
}  // namespace heatbath::model::bench
