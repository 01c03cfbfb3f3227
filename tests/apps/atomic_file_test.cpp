#include "apps/files/atomic_file.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "error_of.hpp"
#include "temporary_folder.hpp"

namespace heatbath::apps {
namespace {

using ::testing::HasSubstr;

std::string content(const std::filesystem::path& path) {
  std::ostringstream out;
  out << std::ifstream(path).rdbuf();
  return out.str();
}

TEST(AtomicFile, AppearsWholeAtCommit) {
  const TemporaryFolder folder;
  write_file(folder / "report.json", std::string_view("{}"));
  EXPECT_EQ(content(folder / "report.json"), "{}");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, AbandonedLeavesNothingAndKeepsTheOldFile) {
  const TemporaryFolder folder;
  write_file(folder / "model.h5", std::string_view("old"));
  {
    const AtomicFile file(folder / "model.h5");
    std::ofstream(file.temporary()) << "half";
    EXPECT_EQ(folder.entries(), 2u);
  }
  EXPECT_EQ(content(folder / "model.h5"), "old");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, FailedRenameLeavesNothing) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "taken" / "full");
  error_of(HB_IO, [&] { write_file(folder / "taken", std::string_view("text")); });
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, MissingFolderIsNamed) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of(HB_IO, [&] { write_file(folder / "absent" / "a.png", std::string_view("x")); }),
              HasSubstr("absent"));
}

TEST(PrepareFolder, MakesParentsAndLeavesNoProbe) {
  const TemporaryFolder folder;
  prepare_folder(folder / "a" / "b");
  EXPECT_TRUE(std::filesystem::is_directory(folder / "a" / "b"));
  EXPECT_TRUE(std::filesystem::is_empty(folder / "a" / "b"));
}

TEST(PrepareFolder, FileInTheWayIsAnError) {
  const TemporaryFolder folder;
  write_file(folder / "file", std::string_view("x"));
  EXPECT_THAT(error_of(HB_IO, [&] { prepare_folder(folder / "file"); }), HasSubstr("file"));
  EXPECT_THAT(error_of(HB_IO, [&] { prepare_folder(folder / "file" / "sub"); }), HasSubstr("cannot be created"));
}

}  // namespace
}  // namespace heatbath::apps
