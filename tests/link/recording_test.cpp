// A recorded session answers the same host program again, and names the first access of another one that differs.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "served.hpp"

namespace heatbath {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using testing::Served;

struct TemporaryFile {
  std::string path = "/tmp/" + testing::unique_name() + ".record";
  ~TemporaryFile() { std::filesystem::remove(path); }
};

std::vector<float> work(Device& device, float bias = 0.25f) {
  Program program(device.capabilities(), 6);
  program.load(CellSection::j2, 1.0f).load(CellSection::bias, std::vector<float>{0, 0, 0, 0, bias, 0});
  program.load_temperature(0.5f).commit().clamp(0, 6, 0.5f).release(0, 6);
  program.capture_start(device.capture_period(Ticks{1})).evolve(device.ticks(0.1)).capture_stop();
  const Result result = device.run(program, {.shots = 5});
  std::vector<float> all;
  for (std::uint32_t shot = 0; shot < 5; ++shot) {
    const auto states = result.capture.trajectory(shot);
    all.insert(all.end(), states.begin(), states.end());
  }
  return all;
}

std::string failure(hb_status_t code, const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_STREQ(hb_status_name(error.code()), hb_status_name(code)) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing failed";
  return {};
}

TEST(Recording, AFlippedBitIsRefusedWhereverItIs) {
  const TemporaryFile file;
  std::vector<float> right;
  {
    Device device = open("record:" + file.path + "?device=func:cells=8&lanes=2&threads=1");
    right = work(device);
  }
  std::fstream bytes(file.path, std::ios::in | std::ios::out | std::ios::binary);
  const auto size = static_cast<std::uint64_t>(std::filesystem::file_size(file.path));
  const auto flip = [&](std::uint64_t bit) {
    char byte = 0;
    bytes.seekg(static_cast<std::streamoff>(bit / 8)).get(byte);
    byte = static_cast<char>(byte ^ (1 << bit % 8));
    bytes.seekp(static_cast<std::streamoff>(bit / 8)).put(byte).flush();
  };
  const auto replayed = [&]() -> std::string {
    try {
      Device device = open("replay:" + file.path);
      EXPECT_EQ(work(device), right) << "another result without a word";
      return {};
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_EQ(replayed(), "");
  // All of the head and of the first entries, then some of everything.
  for (std::uint64_t bit = 0; bit < 8 * size; bit += bit < 8 * 120 ? 1 : 8 * size / 199 + 1) {
    flip(bit);
    EXPECT_THAT(replayed(), HasSubstr(file.path)) << "bit " << bit;
    flip(bit);
  }
  EXPECT_EQ(replayed(), "");
}

TEST(Recording, ReadsRecordsOfVersion1WhichHaveNoChecksums) {
  const TemporaryFile file;
  std::vector<float> right;
  {
    Device device = open("record:" + file.path + "?device=func:cells=8&lanes=2&threads=1");
    right = work(device);
  }
  std::fstream bytes(file.path, std::ios::in | std::ios::out | std::ios::binary);
  bytes.seekp(8).put(1);  // the version, little-endian
  const auto clear = [&](std::uint64_t at) { bytes.seekp(static_cast<std::streamoff>(at)).write("\0\0\0\0", 4); };
  const auto number = [&](std::uint64_t at, std::size_t count) {
    std::uint64_t value = 0;
    bytes.seekg(static_cast<std::streamoff>(at)).read(reinterpret_cast<char*>(&value), static_cast<std::streamsize>(count));
    return value;
  };
  clear(20);
  const std::uint64_t size = std::filesystem::file_size(file.path);
  for (std::uint64_t at = 24 + number(12, 4) + number(16, 4); at < size; at += 40 + number(at + 8, 8)) clear(at + 4);
  bytes.flush();
  Device device = open("replay:" + file.path);
  EXPECT_EQ(work(device), right);
}

TEST(Recording, AnswersTheSameHostWithTheSameBits) {
  for (const char* uri : {"func:cells=8&lanes=2&threads=1", "func:profile=silicon&cells=8&threads=1"}) {
    SCOPED_TRACE(uri);
    const TemporaryFile file;
    std::vector<float> recorded, plain;
    Ticks end;
    {
      Device device = open(uri);
      plain = work(device);
    }
    {
      Device device = open("record:" + file.path + "?device=" + uri);
      EXPECT_EQ(device.link().uri.find("record:" + file.path + "?device=func:"), 0u);
      recorded = work(device);
      end = device.now();
      device.reset();
    }
    EXPECT_EQ(recorded, plain) << "recording changes nothing";
    Device replay = open_link("replay:" + file.path);
    EXPECT_THAT(replay.link().description, HasSubstr("record of func:"));
    EXPECT_EQ(work(replay), recorded);
    EXPECT_EQ(replay.now(), end);
    replay.reset();
    EXPECT_THAT(failure(HB_LINK, [&] { replay.now(); }), HasSubstr("the record ends after"));
  }
}

TEST(Recording, NamesTheFirstAccessThatDiffers) {
  const TemporaryFile file;
  {
    Device device = open("record:" + file.path + "?device=func:cells=8&threads=1");
    device.transport().write32(HB_SCRATCH_OFFSET, 5);
    work(device);
  }
  const auto replayed = [&](const std::function<void(Device&)>& host) {
    Device device = open("replay:" + file.path);
    const std::string why = failure(HB_LINK, [&] { host(device); });
    EXPECT_EQ(failure(HB_LINK, [&] { device.transport().read32(HB_ID_OFFSET); }), why) << "and stays so";
    return why;
  };
  EXPECT_THAT(replayed([](Device& device) { device.transport().write32(HB_SCRATCH_OFFSET, 6); }),
              AllOf(HasSubstr("differs: the host makes a write of 0x006 to register 0x020"),
                    HasSubstr("the record has a write of 0x005 to register 0x020")));
  EXPECT_THAT(replayed([](Device& device) { device.transport().read32(HB_SCRATCH_OFFSET); }),
              HasSubstr("the host makes a read of register 0x020, the record has a write of 0x005"));
  EXPECT_THAT(replayed([](Device& device) {
                device.transport().write32(HB_SCRATCH_OFFSET, 5);
                work(device, 0.5f);
              }),
              AllOf(HasSubstr("the host makes a write of 24 bytes at"), HasSubstr("whose byte 18 is not the record's")));
}

TEST(Recording, RepeatsErrorsOfTheDevice) {
  const TemporaryFile file;
  const auto host = [](Device& device) {
    std::vector<std::byte> block(8);
    const std::string why = failure(HB_BAD_ARG, [&] { device.transport().read_block(HB_MEMORY_BASE - 8, block); });
    device.now();
    return why;
  };
  std::string recorded;
  {
    Served served("func:cells=4&threads=1", "unix");
    Device device = open_link("record:" + file.path + "?device=" + served.uri());
    recorded = host(device);
  }
  Device device = open_link("replay:" + file.path);
  EXPECT_EQ(host(device), recorded);
}

TEST(Recording, RefusesWhatIsNoRecord) {
  EXPECT_THAT(failure(HB_IO, [] { open("replay:/nowhere"); }), HasSubstr("cannot be read"));
  const TemporaryFile file;
  std::ofstream(file.path) << "something else that is long enough to be a head";
  EXPECT_THAT(failure(HB_IO, [&] { open("replay:" + file.path); }), HasSubstr("is no record"));
  EXPECT_THAT(failure(HB_IO, [] { open("record:/nowhere/at/all?device=func:cells=4"); }), HasSubstr("cannot be created: No such file"));
  EXPECT_THAT(failure(HB_BAD_ARG, [&] { open("record:" + file.path); }), HasSubstr("record:FILE?device=URI"));
  EXPECT_THAT(failure(HB_BAD_ARG, [&] { open_link("record:" + file.path + "?device=func:cells=4"); }),
              HasSubstr("scheme 'func' is no link"));
  EXPECT_THAT(failure(HB_IO, [&] { open("record:" + file.path + "?device=func:cells=4"); }), HasSubstr("there is such a file"));
  EXPECT_EQ(std::filesystem::file_size(file.path), 47u) << "and it is as it was";
  EXPECT_THAT(failure(HB_BAD_ARG, [&] { open("record:" + file.path + "?replace=1&device=func:cells=4"); }), HasSubstr("yes or no"));
  {
    Device device = open("record:" + file.path + "?replace=yes&device=func:cells=4&threads=1");
    device.now();
  }
  std::filesystem::resize_file(file.path, std::filesystem::file_size(file.path) - 7);
  Device device = open("replay:" + file.path);
  EXPECT_THAT(failure(HB_IO, [&] { device.now(); }), HasSubstr("the record breaks off in access"));
}

}  // namespace
}  // namespace heatbath
