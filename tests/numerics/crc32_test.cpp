// The checksum of kept files, against published answers.
#include "heatbath/numerics/crc32.hpp"

#include <gtest/gtest.h>

#include <string_view>

namespace {

using heatbath::numerics::crc32;

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

TEST(Crc32, GivesThePublishedCheckValues) {
  EXPECT_EQ(crc32(bytes("123456789")), 0xCBF43926u) << "the check value of CRC-32/ISO-HDLC";
  EXPECT_EQ(crc32(bytes("")), 0u);
  EXPECT_EQ(crc32(bytes("The quick brown fox jumps over the lazy dog")), 0x414FA339u);
}

TEST(Crc32, GoesOnInPieces) { EXPECT_EQ(crc32(bytes("56789"), crc32(bytes("1234"))), 0xCBF43926u); }

}  // namespace
