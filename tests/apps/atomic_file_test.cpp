#include "files/atomic_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <sstream>
#include <thread>

#include <nlohmann/json.hpp>

#include "files/npz_file.hpp"
#include "files/output_folder.hpp"

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

unsigned mode_of(const std::filesystem::path& path) {
  struct stat found {};
  return ::lstat(path.c_str(), &found) == 0 ? found.st_mode : 0;
}

TEST(AtomicFile, KeepsTheModeOfWhatItReplaces) {
  const TemporaryFolder folder;
  for (const unsigned mode : {0600u, 0640u, 0664u}) {
    write_file(folder / "r", std::string_view("old"));
    ::chmod((folder / "r").c_str(), mode);
    write_file(folder / "r", std::string_view("new"));
    EXPECT_EQ(mode_of(folder / "r") & 07777u, mode);
  }
  EXPECT_EQ(content(folder / "r"), "new");
}

TEST(AtomicFile, AFurtherHardLinkKeepsTheOldContents) {
  const TemporaryFolder folder;
  write_file(folder / "a", std::string_view("old"));
  std::filesystem::create_hard_link(folder / "a", folder / "b");
  write_file(folder / "a", std::string_view("new"));
  EXPECT_EQ(content(folder / "a"), "new");
  EXPECT_EQ(content(folder / "b"), "old");
}

TEST(AtomicFile, SymbolicLinksStayAndTheirTargetIsReplaced) {
  const TemporaryFolder folder;
  std::filesystem::create_directory(folder / "far");
  write_file(folder / "far" / "target", std::string_view("old"));
  ::chmod((folder / "far" / "target").c_str(), 0600);
  std::filesystem::create_symlink("far/target", folder / "first");
  std::filesystem::create_symlink("first", folder / "second");
  write_file(folder / "second", std::string_view("new"));
  EXPECT_EQ(content(folder / "far" / "target"), "new");
  EXPECT_EQ(mode_of(folder / "far" / "target") & 07777u, 0600u);
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "first"));
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "second"));
  EXPECT_EQ(folder.entries(), 3u);

  std::filesystem::create_symlink("far/new", folder / "dangling");
  write_file(folder / "dangling", std::string_view("made"));
  EXPECT_EQ(content(folder / "far" / "new"), "made");
  std::filesystem::create_symlink("loop", folder / "loop");
  EXPECT_THAT(error_of(HB_IO, [&] { write_file(folder / "loop", std::string_view("x")); }), HasSubstr("symbolic links"));
}

TEST(AtomicFile, DevicesAreWrittenThrough) {
  const TemporaryFolder folder;
  for (const char* device : {"/dev/null", "/dev/full"}) {
    const std::filesystem::path link = folder / "link";
    std::filesystem::create_symlink(device, link);
    prepare_file(link);
    if (std::string_view(device) == "/dev/null") {
      write_file(link, std::string_view("text"));
      NpzFile file;
      file.add_text("provenance", "{}");
      file.write(link);
    } else {
      EXPECT_THAT(error_of(HB_IO, [&] { write_file(link, std::string_view("text")); }), HasSubstr("No space left"));
    }
    EXPECT_TRUE(std::filesystem::is_symlink(link));
    EXPECT_TRUE(S_ISCHR(mode_of(device)));
    std::filesystem::remove(link);
  }
  EXPECT_EQ(folder.entries(), 0u);
}

TEST(AtomicFile, AFifoIsWrittenThrough) {
  const TemporaryFolder folder;
  ASSERT_EQ(::mkfifo((folder / "fifo").c_str(), 0600), 0);
  prepare_file(folder / "fifo");
  std::string read;
  std::thread reader([&] { read = content(folder / "fifo"); });
  write_file(folder / "fifo", std::string_view("through"));
  reader.join();
  EXPECT_EQ(read, "through");
  EXPECT_TRUE(S_ISFIFO(mode_of(folder / "fifo")));
}

TEST(AtomicFile, AnOpenDescriptorGoesOnWhereItIs) {
  const TemporaryFolder folder;
  const int file = ::open((folder / "log").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  ASSERT_EQ(::write(file, "one ", 4), 4);
  write_file("/dev/fd/" + std::to_string(file), std::string_view("two "));
  write_file("/proc/self/fd/" + std::to_string(file), std::string_view("three"));
  ASSERT_EQ(::write(file, "!", 1), 1);
  ::close(file);
  EXPECT_EQ(content(folder / "log"), "one two three!");
  EXPECT_EQ(folder.entries(), 1u);
}

TEST(AtomicFile, ALinkInItsWayIsNotFollowed) {
  const TemporaryFolder folder;
  write_file(folder / "precious", std::string_view("precious"));
  std::filesystem::create_symlink("precious", folder / (".r." + std::to_string(::getpid()) + ".tmp"));
  write_file(folder / "r", std::string_view("text"));
  EXPECT_EQ(content(folder / "precious"), "precious");
  EXPECT_FALSE(std::filesystem::is_symlink(folder / "r"));
  const AtomicFile one(folder / "r"), other(folder / "r");
  EXPECT_NE(one.temporary(), other.temporary());
}

TEST(AtomicFile, AWriteProtectedFileIsRefused) {
  if (::geteuid() == 0) GTEST_SKIP() << "root may write everything";
  const TemporaryFolder folder;
  write_file(folder / "r", std::string_view("old"));
  ::chmod((folder / "r").c_str(), 0444);
  EXPECT_THAT(error_of(HB_IO, [&] { prepare_file(folder / "r"); }), HasSubstr("Permission denied"));
  EXPECT_THAT(error_of(HB_IO, [&] { write_file(folder / "r", std::string_view("x")); }), HasSubstr("Permission denied"));
  EXPECT_EQ(content(folder / "r"), "old");
}

TEST(PrepareFolder, RemovesWhatKilledProcessesLeftAndNothingElse) {
  const TemporaryFolder folder;
  for (int i = 0; i < 2; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      const AtomicFile file(folder / "model.h5");
      ::_exit(0);
    }
    ::waitpid(child, nullptr, 0);
  }
  EXPECT_EQ(folder.entries(), 2u);
  const AtomicFile mine(folder / "model.h5");
  std::ofstream(folder / ".other.tmp") << "x";
  std::ofstream(folder / ".heatbath-mine") << "x";
  prepare_folder(folder.path());
  EXPECT_TRUE(std::filesystem::exists(mine.temporary()));
  EXPECT_EQ(folder.entries(), 3u);
}

TEST(PrepareFile, RefusesWhatCannotBeWrittenBeforeTheWork) {
  const TemporaryFolder folder;
  EXPECT_THAT(error_of(HB_IO, [&] { prepare_file(folder / std::string(260, 'n')); }), HasSubstr("File name too long"));
  prepare_file(folder / std::string(255, 'n'));
  write_file(folder / std::string(255, 'n'), std::string_view("fits"));
  EXPECT_EQ(folder.entries(), 1u);
  std::filesystem::create_directory(folder / "taken");
  EXPECT_THAT(error_of(HB_IO, [&] { prepare_file(folder / "taken"); }), HasSubstr("Is a directory"));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { prepare_file((folder / "taken").string() + "/"); }), HasSubstr("name a file"));
  EXPECT_THAT(error_of(HB_BAD_ARG, [&] { prepare_file(""); }), HasSubstr("no name"));
  write_file(folder / "file", std::string_view("x"));
  error_of(HB_IO, [&] { prepare_file(folder / "file" / "r"); });
  prepare_file(folder / "made" / "deep" / "r");
  EXPECT_TRUE(std::filesystem::is_directory(folder / "made" / "deep"));
  EXPECT_THAT(error_of(HB_IO, [&] { prepare_file(folder / "r", std::uint64_t{1} << 60); }), HasSubstr("GB are free"));
  EXPECT_THAT(error_of(HB_IO, [&] { prepare_file("/proc/none/r"); }), HasSubstr("/proc/none"));
}

constexpr std::array<std::string_view, 4> kNames{"a.png", "b.png", "report.html", "report.json"};

TEST(OutputFolder, HoldsTheFilesOfOneRun) {
  const TemporaryFolder folder;
  std::ofstream(folder / "notes.txt") << "mine";
  std::ofstream(folder / "model.h5") << "model";
  const auto run = [&](std::initializer_list<const char*> names, bool fails) {
    OutputFolder out(folder.path(), kNames);
    for (const char* name : names) out.add(name, std::string_view("new"));
    if (!fails) out.commit({{"provenance", "here"}});
  };
  run({"a.png", "b.png", "report.html"}, false);
  EXPECT_EQ(folder.entries(), 6u);
  EXPECT_THAT(content(folder / "report.json"), HasSubstr("a.png"));
  const std::string first = content(folder / "report.json");
  run({"a.png"}, true);
  EXPECT_EQ(content(folder / "report.json"), first) << "what failed leaves the results before it whole";
  EXPECT_EQ(folder.entries(), 6u);
  run({"b.png", "report.html"}, false);
  EXPECT_FALSE(std::filesystem::exists(folder / "a.png"));
  EXPECT_EQ(folder.entries(), 5u);
  OutputFolder(folder.path(), kNames).invalidate();
  EXPECT_EQ(folder.entries(), 2u) << "the notes and the model";
}

TEST(OutputFolder, ReportsOfEarlierVersionsNameTheirPictures) {
  const TemporaryFolder folder;
  for (const char* name : {"old.png", "absent.png", "report.html"}) std::ofstream(folder / name) << "old";
  std::ofstream(folder / "report.json") << R"({"provenance": {}, "pictures": {"old.png": true, "absent.png": "no gnuplot"}})";
  OutputFolder(folder.path(), kNames).commit({{"provenance", ""}});
  EXPECT_FALSE(std::filesystem::exists(folder / "old.png"));
  EXPECT_FALSE(std::filesystem::exists(folder / "report.html"));
  EXPECT_TRUE(std::filesystem::exists(folder / "absent.png"));
}

TEST(OutputFolder, AListFromElsewhereReachesNothingElse) {
  const TemporaryFolder folder;
  std::filesystem::create_directories(folder / "out" / "sub");
  std::ofstream(folder / "precious") << "precious";
  std::ofstream(folder / "out" / "report.json")
      << R"({"provenance": {}, "files": ["../precious", "/etc/passwd", ".hidden", "sub", 7, "", "report.json"]})";
  std::ofstream(folder / "out" / ".hidden") << "hidden";
  OutputFolder(folder / "out", kNames).commit({{"provenance", ""}});
  EXPECT_EQ(content(folder / "precious"), "precious");
  EXPECT_EQ(content(folder / "out" / ".hidden"), "hidden");
  EXPECT_TRUE(std::filesystem::is_directory(folder / "out" / "sub"));
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
