#include "heatbath/dif_identity.h"

#include "heatbath/regs.h"
#include "tests/firmware_api/sequenced_bus.hpp"

namespace {

constexpr std::uint32_t this_map = HB_MAP_MAJOR << HB_MAP_VERSION_MAJOR_SHIFT | HB_MAP_MINOR;

class IdentityCheck : public heatbath::testing::SequencedBus {};
class IdentityGet : public heatbath::testing::SequencedBus {};
class ScratchTest : public heatbath::testing::SequencedBus {};

TEST_F(IdentityCheck, MagicSpellsHBTH) {
  EXPECT_EQ(HB_ID_RESET, std::uint32_t{'H'} | 'B' << 8 | 'T' << 16 | 'H' << 24);
}

TEST_F(IdentityCheck, AcceptsThisMapAndNewerMinorVersions) {
  for (const std::uint32_t version : {this_map, this_map + 1}) {
    EXPECT_READ32(HB_ID_OFFSET, 0x48544248u);
    EXPECT_READ32(HB_MAP_VERSION_OFFSET, version);
    EXPECT_EQ(hb_dif_identity_check(&mmio_), HB_OK);
    done();
  }
}

TEST_F(IdentityCheck, StopsAtAWrongMagic) {
  EXPECT_READ32(HB_ID_OFFSET, 0xFFFFFFFFu);
  EXPECT_EQ(hb_dif_identity_check(&mmio_), HB_DEVICE);
}

TEST_F(IdentityCheck, RefusesAnotherMajorVersion) {
  EXPECT_READ32(HB_ID_OFFSET, 0x48544248u);
  EXPECT_READ32(HB_MAP_VERSION_OFFSET, this_map + 0x10000u);
  EXPECT_EQ(hb_dif_identity_check(&mmio_), HB_DEVICE);
}

TEST_F(IdentityGet, DecodesTheIdentityBlock) {
  EXPECT_READ32(HB_SERIAL_HI_OFFSET, 0x01234567u);
  EXPECT_READ32(HB_SERIAL_LO_OFFSET, 0x89ABCDEFu);
  EXPECT_READ32(HB_SERIAL_HI_OFFSET, 0x01234567u);
  EXPECT_READ32(HB_MAP_VERSION_OFFSET, 0x00030007u);
  EXPECT_READ32(HB_VENDOR_OFFSET, 0x4842u);
  EXPECT_READ32(HB_PART_OFFSET, 2u);
  EXPECT_READ32(HB_REVISION_OFFSET, 5u);
  EXPECT_READ32(HB_MAP_HASH_OFFSET, 0xCAFEF00Du);
  hb_identity_t identity{};
  ASSERT_EQ(hb_dif_identity_get(&mmio_, &identity), HB_OK);
  EXPECT_EQ(identity.vendor, 0x4842u);
  EXPECT_EQ(identity.part, 2u);
  EXPECT_EQ(identity.revision, 5u);
  EXPECT_EQ(identity.serial, 0x0123456789ABCDEFull);
  EXPECT_EQ(identity.map_major, 3);
  EXPECT_EQ(identity.map_minor, 7);
  EXPECT_EQ(identity.map_hash, 0xCAFEF00Du);
}

TEST_F(IdentityGet, ReadsTheBusCounters) {
  EXPECT_READ32(HB_RESET_COUNT_OFFSET, 3u);
  EXPECT_READ32(HB_ERR_ACCESS_OFFSET, 4u);
  EXPECT_READ32(HB_ERR_SEQUENCE_OFFSET, 5u);
  hb_bus_counters_t counters{};
  ASSERT_EQ(hb_dif_identity_counters(&mmio_, &counters), HB_OK);
  EXPECT_EQ(counters.resets, 3u);
  EXPECT_EQ(counters.access_errors, 4u);
  EXPECT_EQ(counters.sequence_errors, 5u);
}

TEST_F(IdentityGet, RefusesNullWithoutAnAccess) {
  hb_identity_t identity{};
  hb_bus_counters_t counters{};
  hb_mmio_t no_read = mmio_, no_write = mmio_;
  no_read.read32 = nullptr;
  no_write.write32 = nullptr;
  for (const hb_mmio_t* bus : {static_cast<const hb_mmio_t*>(nullptr), static_cast<const hb_mmio_t*>(&no_read),
                               static_cast<const hb_mmio_t*>(&no_write)}) {
    EXPECT_EQ(hb_dif_identity_check(bus), HB_BAD_ARG);
    EXPECT_EQ(hb_dif_identity_get(bus, &identity), HB_BAD_ARG);
    EXPECT_EQ(hb_dif_identity_counters(bus, &counters), HB_BAD_ARG);
    EXPECT_EQ(hb_dif_identity_scratch_test(bus), HB_BAD_ARG);
  }
  EXPECT_EQ(hb_dif_identity_get(&mmio_, nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_identity_counters(&mmio_, nullptr), HB_BAD_ARG);
}

TEST_F(ScratchTest, RestoresWhatWasThere) {
  EXPECT_READ32(HB_SCRATCH_OFFSET, 0x1234u);
  for (const std::uint32_t pattern : {0x00000000u, 0xFFFFFFFFu, 0xA5C3F018u, 0x5A3C0FE7u}) {
    EXPECT_WRITE32(HB_SCRATCH_OFFSET, pattern);
    EXPECT_READ32(HB_SCRATCH_OFFSET, pattern);
  }
  EXPECT_WRITE32(HB_SCRATCH_OFFSET, 0x1234u);
  EXPECT_EQ(hb_dif_identity_scratch_test(&mmio_), HB_OK);
}

TEST_F(ScratchTest, AStuckBitIsADeviceErrorAndStillRestores) {
  EXPECT_READ32(HB_SCRATCH_OFFSET, 0x1234u);
  EXPECT_WRITE32(HB_SCRATCH_OFFSET, 0x00000000u);
  EXPECT_READ32(HB_SCRATCH_OFFSET, 0x00000000u);
  EXPECT_WRITE32(HB_SCRATCH_OFFSET, 0xFFFFFFFFu);
  EXPECT_READ32(HB_SCRATCH_OFFSET, 0xFFFFFFFEu);
  EXPECT_WRITE32(HB_SCRATCH_OFFSET, 0x1234u);
  EXPECT_EQ(hb_dif_identity_scratch_test(&mmio_), HB_DEVICE);
}

}  // namespace
