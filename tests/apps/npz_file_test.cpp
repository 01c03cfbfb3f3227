#include "files/npz_file.hpp"
#include "files/run_result.hpp"
#include "files/zip_file.hpp"

#include <gmock/gmock.h>
#include <sys/mman.h>

#include <cstdlib>
#include <fstream>

#include "error_of.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

constexpr const char* kPython = "/usr/bin/python3";

bool have_numpy() { return std::system((std::string(kPython) + " -c 'import numpy' 2>/dev/null").c_str()) == 0; }

TEST(NpzFile, NumpyReadsEveryArray) {
  if (!have_numpy()) GTEST_SKIP() << kPython << " has no numpy; the Debian package is python3-numpy";
  const TemporaryFolder folder;
  NpzFile file;
  const std::vector<float> states{0, 1, 2, 3, 4, -5.5f};
  const std::vector<double> time{0.5, 1e-300};
  const std::vector<std::uint64_t> ticks{0, ~0ull, 7};
  file.add("states", states, {1, 2, 3});
  file.add("time", time, {2});
  file.add("ticks", ticks, {3});
  const std::vector<float> lent{1.5f, 2.5f};
  file.lend("lent", lent, {2});
  file.add("nothing", std::span<const float>(), {0, 4});
  file.add_text("provenance", "{\"a\": \"µ\", \"name\": \"\xFC\"}");
  file.add_text("no_text", "");
  file.write(folder / "r.npz");
  std::ofstream(folder / "check.py") << R"(
import numpy as np, sys, zipfile, json
assert zipfile.ZipFile(sys.argv[1]).testzip() is None
z = np.load(sys.argv[1])
assert z['states'].shape == (1, 2, 3) and z['states'].dtype == np.float32
assert (z['states'].ravel() == [0, 1, 2, 3, 4, -5.5]).all()
assert z['time'].dtype == np.float64 and (z['time'] == [0.5, 1e-300]).all()
assert z['ticks'].dtype == np.uint64 and (z['ticks'] == np.array([0, 2**64 - 1, 7], dtype=np.uint64)).all()
assert json.loads(str(z['provenance'])) == {'a': 'µ', 'name': '\ufffd'}, str(z['provenance'])
assert (z['lent'] == [1.5, 2.5]).all() and z['nothing'].shape == (0, 4) and str(z['no_text']) == ''
)";
  const std::string command =
      std::string(kPython) + " " + (folder / "check.py").string() + " " + (folder / "r.npz").string();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

TEST(NpzFile, OfARunHoldsTurnsBeyondFloat32) {
  if (!have_numpy()) GTEST_SKIP() << kPython << " has no numpy; the Debian package is python3-numpy";
  const TemporaryFolder folder;
  RunResult run;
  run.shots = 1, run.cells = 2, run.records = 1;
  run.states = {0.5f, 50331648.0f};
  run.time = {1};
  run.ticks = {1000};
  write_run_result(folder / "near.npz", run);
  run.exact_states = {0.5, 50331649.0};
  write_run_result(folder / "exact.npz", run);
  std::ofstream(folder / "check.py") << R"(
import numpy as np, sys
near, exact = np.load(sys.argv[1])['states'], np.load(sys.argv[2])['states']
assert near.dtype == np.float32 and near.shape == exact.shape == (1, 1, 2)
assert exact.dtype == np.float64 and exact[0, 0, 1] == 50331649
)";
  const std::string command = std::string(kPython) + " " + (folder / "check.py").string() + " " +
                              (folder / "near.npz").string() + " " + (folder / "exact.npz").string();
  EXPECT_EQ(std::system(command.c_str()), 0);
}

// More members than the 16 bits of an archive's first form can count: zip64.
TEST(ZipFile, OfManyMembersIsReadByPython) {
  const TemporaryFolder folder;
  constexpr std::size_t kMembers = 66'000;
  const std::string content = "0123456789";
  std::vector<ZipMember> members;
  for (std::size_t i = 0; i < kMembers; ++i) {
    members.push_back({std::to_string(i), {std::as_bytes(std::span(content).subspan(i % 10))}});
  }
  write_zip(folder / "many.zip", members, ZipMethod::store);
  std::ofstream(folder / "check.py") << R"(
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert len(z.namelist()) == 66000, len(z.namelist())
assert z.read('0') == b'0123456789' and z.read('65999') == b'9'
)";
  EXPECT_EQ(std::system((std::string("python3 ") + (folder / "check.py").string() + " " + (folder / "many.zip").string()).c_str()), 0);
}

// An array beyond the 32 bits of sizes. It takes 4.4 GB of disk, so it runs where HEATBATH_LARGE_FILES is set
// (tools/check.sh large_files); the values are pages of zeros that need no memory.
TEST(NpzFile, BeyondFourGigabytesIsReadByPython) {
  if (std::getenv("HEATBATH_LARGE_FILES") == nullptr) GTEST_SKIP() << "HEATBATH_LARGE_FILES is not set";
  const TemporaryFolder folder;
  constexpr std::size_t kValues = 1'100'000'000;
  void* const zeros = mmap(nullptr, 4 * kValues, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  ASSERT_NE(zeros, MAP_FAILED);
  NpzFile file;
  const std::vector<float> last{1.5f};
  file.lend("large", std::span(static_cast<const float*>(zeros), kValues), {kValues});
  file.lend("behind", last, {1});
  file.write(folder / "large.npz");
  munmap(zeros, 4 * kValues);
  std::ofstream(folder / "check.py") << R"py(
import struct, sys, zipfile
z = zipfile.ZipFile(sys.argv[1])
assert z.getinfo('large.npy').file_size > 4_400_000_000, z.getinfo('large.npy')
with z.open('large.npy') as f: assert b"'shape': (1100000000,)" in f.read(128)
assert struct.unpack('<f', z.read('behind.npy')[-4:]) == (1.5,)
)py";
  EXPECT_EQ(std::system((std::string("python3 ") + (folder / "check.py").string() + " " + (folder / "large.npz").string()).c_str()), 0);
}

TEST(NpzFile, ShapeMustHoldTheValues) {
  NpzFile file;
  const std::vector<float> values{1, 2, 3};
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { file.add("states", values, {2, 2}); }), ::testing::HasSubstr("(2, 2)"));
}

}  // namespace
}  // namespace heatbath::apps
