// A device in the address space: the order of accesses on a bus, and on the file that stands in for one.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "heatbath/dif_identity.h"
#include "heatbath/dif_job.h"
#include "heatbath/map.h"
#include "heatbath/regs.h"

namespace {

constexpr std::uint32_t memory_bytes = 8192;

/// A file, and a server that moves only while its host pauses: each pause is half a round, and the second half carries
/// out what the file held when the first began.
class ServedFile {
 public:
  ServedFile() : words_((HB_WINDOW_BYTES + memory_bytes + HB_MAP_FILE_TRAILER) / 4), seen_(words_) {
    self = this;
    EXPECT_EQ(hb_map_file(words_.data(), 4 * words_.size(), &map), HB_OK);
    map.pause = [](std::uint32_t looks) { return self->half_a_round(looks); };
    mmio = hb_map_mmio(&map);
  }

  bool half_a_round(std::uint32_t looks) {
    if (!alive) return looks < 1000;
    std::uint32_t& rounds = words_[words_.size() - HB_MAP_FILE_TRAILER / 4];
    if (rounds % 2 == 0) {
      seen_ = words_;
    } else {
      // A command is accepted, and SCRATCH is turned round: what a write makes differs from what was written.
      words_[HB_COMMAND_ACK_OFFSET / 4] = seen_[HB_COMMAND_OFFSET / 4] & HB_COMMAND_ACK_SEQ_MASK;
      if (seen_[HB_SCRATCH_OFFSET / 4] != image_) image_ = words_[HB_SCRATCH_OFFSET / 4] = ~seen_[HB_SCRATCH_OFFSET / 4];
    }
    ++rounds;
    return true;
  }

  static inline ServedFile* self = nullptr;
  bool alive = true;
  hb_map_t map{};
  hb_mmio_t mmio{};
  std::vector<std::uint32_t> words_;

 private:
  std::vector<std::uint32_t> seen_;
  std::uint32_t image_ = 0;  // what the server has put into SCRATCH
};

TEST(MappedFile, AReadSeesWhatWasWrittenBeforeIt) {
  ServedFile file;
  for (std::uint32_t value = 1; value < 5; ++value) {
    file.mmio.write32(file.mmio.context, HB_SCRATCH_OFFSET, value);
    EXPECT_EQ(file.mmio.read32(file.mmio.context, HB_SCRATCH_OFFSET), ~value) << "carried out, not just stored";
    EXPECT_EQ(file.words_[file.words_.size() - HB_MAP_FILE_TRAILER / 4] % 2, 0u) << "not read within a round";
  }
}

TEST(MappedFile, CommandsAreAnsweredHoweverLateTheServerLooks) {
  ServedFile file;
  EXPECT_EQ(hb_dif_job_start(&file.mmio), HB_OK);
  EXPECT_EQ(hb_dif_job_start(&file.mmio), HB_OK);
  EXPECT_EQ(file.words_[HB_COMMAND_OFFSET / 4] >> HB_COMMAND_SEQ_SHIFT, 2u) << "no command was written twice";
}

TEST(MappedFile, IsLostWhenItsServerStandsStill) {
  ServedFile file;
  file.alive = false;
  file.mmio.write32(file.mmio.context, HB_SCRATCH_OFFSET, 7);
  EXPECT_EQ(file.mmio.read32(file.mmio.context, HB_SCRATCH_OFFSET), 0u);
  EXPECT_TRUE(file.map.lost);
  EXPECT_EQ(hb_dif_job_start(&file.mmio), HB_TIMEOUT);
}

TEST(MappedFile, BlocksAreWordsOfMemory) {
  ServedFile file;
  const std::uint32_t data[3] = {1, 0x80000000u, 3};
  file.mmio.write_block(file.mmio.context, 8, data, sizeof data);
  EXPECT_EQ(std::memcmp(file.words_.data() + HB_WINDOW_BYTES / 4 + 2, data, sizeof data), 0);
  std::uint32_t back[2] = {};
  file.mmio.read_block(file.mmio.context, 12, back, sizeof back);
  EXPECT_EQ(back[0], 0x80000000u);
  EXPECT_EQ(back[1], 3u);
}

TEST(MappedFile, ShortOnesAreRefused) {
  std::vector<std::uint32_t> words(HB_WINDOW_BYTES);
  hb_map_t map{};
  EXPECT_EQ(hb_map_file(words.data(), HB_WINDOW_BYTES + HB_MAP_FILE_TRAILER, &map), HB_BAD_ARG);
  EXPECT_EQ(hb_map_file(words.data(), HB_WINDOW_BYTES + HB_MAP_FILE_TRAILER + 2, &map), HB_BAD_ARG);
  EXPECT_EQ(hb_map_file(nullptr, 1 << 20, &map), HB_BAD_ARG);
  EXPECT_EQ(map.registers, nullptr);
}

TEST(MappedPart, OnABusNothingIsWaitedFor) {
  std::vector<std::uint32_t> registers(HB_WINDOW_BYTES / 4);
  registers[HB_ID_OFFSET / 4] = HB_ID_RESET;
  registers[HB_MAP_VERSION_OFFSET / 4] = HB_MAP_MAJOR << HB_MAP_VERSION_MAJOR_SHIFT;
  hb_map_t map{};
  map.registers = registers.data();
  const hb_mmio_t mmio = hb_map_mmio(&map);
  EXPECT_EQ(hb_dif_identity_check(&mmio), HB_OK);
  EXPECT_EQ(hb_dif_identity_scratch_test(&mmio), HB_OK);
  EXPECT_EQ(mmio.read_block, nullptr) << "its memory is not mapped";
  EXPECT_EQ(hb_dif_job_start(&mmio), HB_TIMEOUT) << "words that answer nothing";
}

}  // namespace
