// Bytes that say what they are.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "heatbath/numerics/archive.hpp"

namespace heatbath::numerics {
namespace {

using ::testing::HasSubstr;

struct Pair {
  std::uint16_t small = 0;
  std::string text;
  void exchange(Archive& archive) { archive(small, text); }
  bool operator==(const Pair&) const = default;
};

struct All {
  bool yes = true;
  std::int32_t negative = -2;
  std::uint64_t large = 0x0123456789ABCDEF;
  float single = 1.5f;
  double twice = -0.0;
  std::optional<std::uint32_t> none, some = 7;
  std::vector<float> list{1, 2, 3};
  std::vector<bool> flags{true, false, true};
  std::vector<Pair> pairs{{1, "one"}, {2, ""}};
  std::array<std::uint8_t, 2> fixed{4, 5};
  void exchange(Archive& archive) {
    archive.section("all");
    archive(yes, negative, large, single, twice, none, some, list, flags, pairs, fixed);
  }
  bool operator==(const All&) const = default;
};

std::vector<std::byte> bytes_of(All all) {
  Archive out(1);
  out(all);
  return out.take();
}

std::string refusal(std::span<const std::byte> bytes, std::string_view kind = "test", std::uint32_t newest = 3) {
  try {
    unseal(bytes, kind, newest);
  } catch (const Archive::Refused& refused) {
    return refused.what();
  }
  return "";
}

TEST(Archive, ReadsWhatItWrote) {
  const std::vector<std::byte> bytes = bytes_of({});
  All other{false, 1, 2, 3, 4, 5, {}, {}, {}, {{9, "x"}}, {0, 0}};
  Archive in(bytes, 1);
  in(other);
  in.end();
  EXPECT_EQ(other, All());
  EXPECT_EQ(bytes_of(other), bytes) << "the sign of zero, too";
}

// The promise of the format: these bytes stay what they are on every machine and in every version.
TEST(Archive, NumbersAreLittleEndianAndLengthsHave64Bits) {
  Archive out(1);
  std::uint32_t number = 0x01020304;
  std::string text = "ab";
  std::optional<float> some = 1.0f;
  out(number, text, some);
  const unsigned char expected[] = {4, 3, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 'a', 'b', 1, 0, 0, 0x80, 0x3F};
  const std::vector<std::byte> bytes = out.take();
  ASSERT_EQ(bytes.size(), sizeof expected);
  for (std::size_t k = 0; k < bytes.size(); ++k) EXPECT_EQ(static_cast<unsigned>(bytes[k]), expected[k]) << k;
}

TEST(Archive, RefusesBytesThatEndAnywhere) {
  const std::vector<std::byte> bytes = bytes_of({});
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    All other;
    Archive in(std::span<const std::byte>(bytes.data(), size), 1);
    EXPECT_THROW(in(other), Archive::Refused) << size;
  }
}

TEST(Archive, ALengthBeyondTheBytesTakesNoMemory) {
  Archive out(1);
  std::uint64_t lie = std::uint64_t{1} << 60;
  out(lie);
  const std::vector<std::byte> bytes = out.take();
  std::vector<double> list;
  Archive in(bytes, 1);
  EXPECT_THROW(in(list), Archive::Refused);
  EXPECT_EQ(list.capacity(), 0u);
}

TEST(Seal, EachWrongFileIsToldInItsOwnWords) {
  const std::vector<std::byte> contents(100, std::byte{7}), bytes = seal("test", 3, contents);
  const Sealed whole = unseal(bytes, "test", 3);
  EXPECT_EQ(whole.version, 3u);
  EXPECT_TRUE(std::ranges::equal(whole.contents, contents));

  EXPECT_THAT(refusal({}), HasSubstr("nothing that Heatbath has saved"));
  EXPECT_THAT(refusal(bytes, "other"), HasSubstr("of a 'test', not of a 'other'"));
  EXPECT_THAT(refusal(bytes, "test", 2), HasSubstr("format 3; this program reads formats 1 to 2"));
  EXPECT_THAT(refusal(std::span(bytes).first(90)), HasSubstr("cut short"));
  std::vector<std::byte> longer = bytes;
  longer.push_back(std::byte{0});
  EXPECT_THAT(refusal(longer), HasSubstr("longer"));
}

TEST(Seal, EveryFlippedBitIsFound) {
  const std::vector<std::byte> bytes = seal("test", 1, std::vector<std::byte>(40, std::byte{0x55}));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::vector<std::byte> wrong = bytes;
    wrong[bit / 8] ^= std::byte{1} << (bit % 8);
    EXPECT_NE(refusal(wrong), "") << "bit " << bit;
  }
}

}  // namespace
}  // namespace heatbath::numerics
