#include "heatbath/codes.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>

namespace {

// Bounds of a code of b bits, from the definition of two's complement.
std::int32_t top(std::uint32_t bits) { return static_cast<std::int32_t>(std::pow(2.0, bits - 1.0)) - 1; }
std::int32_t bottom(std::uint32_t bits) { return -static_cast<std::int32_t>(std::pow(2.0, bits - 1.0)); }

TEST(Codes, EveryCodeOfEveryWidthReturnsAfterARoundTrip) {
  for (std::uint32_t bits = 2; bits <= 16; ++bits) {
    for (const float range : {0.5f, 1.0f, 3.7f, 64.0f}) {
      int wrong = 0;
      for (std::int32_t code = bottom(bits); code <= top(bits); ++code) {
        wrong += hb_value_to_code(hb_code_to_value(code, range, bits), range, bits) != code;
      }
      EXPECT_EQ(wrong, 0) << bits << " bits, range " << range;
    }
  }
}

TEST(Codes, AValueIsCodeTimesRangeOverHalfTheCodes) {
  EXPECT_EQ(hb_code_to_value(-512, 8.0f, 10), -8.0f);
  EXPECT_EQ(hb_code_to_value(511, 8.0f, 10), 8.0f - 1.0f / 64.0f);
  EXPECT_EQ(hb_code_step(8.0f, 10), 1.0f / 64.0f);
  EXPECT_EQ(hb_code_step(1.0f, 2), 0.5f);
}

TEST(Codes, SaturateAtBothEnds) {
  for (std::uint32_t bits = 2; bits <= 16; ++bits) {
    for (const float factor : {1.0f, 1.5f, 1e6f}) {
      EXPECT_EQ(hb_value_to_code(4.0f * factor, 4.0f, bits), top(bits));
      EXPECT_EQ(hb_value_to_code(-4.0f * factor, 4.0f, bits), bottom(bits));
    }
  }
}

TEST(Codes, HalvesGoAwayFromZero) {
  const float step = hb_code_step(128.0f, 8);
  ASSERT_EQ(step, 1.0f);
  EXPECT_EQ(hb_value_to_code(0.5f, 128.0f, 8), 1);
  EXPECT_EQ(hb_value_to_code(-0.5f, 128.0f, 8), -1);
  EXPECT_EQ(hb_value_to_code(2.5f, 128.0f, 8), 3);
  EXPECT_EQ(hb_value_to_code(-2.5f, 128.0f, 8), -3);
  EXPECT_EQ(hb_value_to_code(-127.5f, 128.0f, 8), -128);
}

TEST(Codes, AreTheNearestAlsoBesideAHalf) {
  for (std::int32_t code = -128; code < 127; ++code) {
    const float half = static_cast<float>(code) + 0.5f;
    const float below = std::nextafterf(half, -1e9f), above = std::nextafterf(half, 1e9f);
    EXPECT_EQ(hb_value_to_code(below, 128.0f, 8), std::lround(static_cast<double>(below)));
    EXPECT_EQ(hb_value_to_code(half, 128.0f, 8), std::lround(static_cast<double>(half)));
    EXPECT_EQ(hb_value_to_code(above, 128.0f, 8), std::lround(static_cast<double>(above)));
  }
}

TEST(Codes, ZeroIsCodeZero) {
  for (std::uint32_t bits = 2; bits <= 16; ++bits) {
    EXPECT_EQ(hb_value_to_code(0.0f, 1.0f, bits), 0);
    EXPECT_EQ(hb_value_to_code(-0.0f, 1.0f, bits), 0);
  }
}

}  // namespace
