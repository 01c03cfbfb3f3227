// Text files: what each kind of name gives, and that nothing is endless.
#include "heatbath/numerics/text_file.hpp"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <cstdlib>
#include <fstream>
#include <thread>

namespace {

namespace fs = std::filesystem;
using heatbath::numerics::read_text_file;
using heatbath::numerics::TextLines;
using heatbath::numerics::UnreadableFile;

class TextFile : public testing::Test {
 protected:
  TextFile() {
    std::string name = (fs::temp_directory_path() / "heatbath_text_XXXXXX").string();
    folder = mkdtemp(name.data());
  }
  ~TextFile() override { fs::remove_all(folder); }

  fs::path file(const std::string& contents) const {
    const fs::path path = folder / "file";
    std::ofstream(path, std::ios::binary) << contents;
    return path;
  }
  static std::string complaint(const fs::path& path, std::size_t longest = 1000) {
    try {
      read_text_file(path, longest);
      return {};
    } catch (const UnreadableFile& error) {
      return error.what();
    }
  }

  fs::path folder;
};

TEST_F(TextFile, GivesTheWholeTextWithoutAByteOrderMark) {
  EXPECT_EQ(read_text_file(file("a\r\nb\n"), 1000), "a\r\nb\n");
  EXPECT_EQ(read_text_file(file("\xef\xbb\xbf" "0 1\n"), 1000), "0 1\n");
  const std::string large(3000000, 'x');
  EXPECT_EQ(read_text_file(file(large), large.size()), large);
}

TEST_F(TextFile, SaysWhatTheNameIs) {
  EXPECT_EQ(complaint(folder / "absent"), "no such file");
  EXPECT_EQ(complaint(folder), "is a folder");
  EXPECT_EQ(complaint(file("")), "is empty");
  EXPECT_EQ(complaint("/dev/null"), "is empty");
  EXPECT_EQ(complaint(file("x") / "y"), "cannot be read: Not a directory");
}

TEST_F(TextFile, IsBounded) {
  EXPECT_EQ(complaint("/dev/zero"), "is no text: it holds a zero byte");
  EXPECT_EQ(complaint(file(std::string(1001, 'x'))), "holds more than 1000 bytes of text");
  EXPECT_EQ(complaint(file(std::string((1 << 20) + 1, 'x')), 1 << 20), "holds more than 1 MiB of text");
  EXPECT_EQ(complaint(file(std::string("a\0b", 3))), "is no text: it holds a zero byte");
}

TEST_F(TextFile, ReadsAPipeAndEndsAnEndlessOne) {
  const fs::path pipe = folder / "pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(pipe) << "through a pipe\n"; });
  EXPECT_EQ(read_text_file(pipe, 1000), "through a pipe\n");
  writer.join();
  std::signal(SIGPIPE, SIG_IGN);
  std::thread endless([&] {
    std::ofstream out(pipe);
    while (out << std::string(4096, 'y') << std::flush) {
    }
  });
  EXPECT_EQ(complaint(pipe, 1 << 20), "holds more than 1 MiB of text");
  endless.join();
}

TEST(TextLines, EndInLineFeedsWithOrWithoutCarriageReturns) {
  TextLines lines("a\r\n\nb");
  ASSERT_TRUE(lines.next());
  EXPECT_EQ(lines.line(), "a");
  ASSERT_TRUE(lines.next());
  EXPECT_EQ(lines.line(), "");
  ASSERT_TRUE(lines.next());
  EXPECT_EQ(lines.line(), "b");
  EXPECT_EQ(lines.number(), 3u);
  EXPECT_FALSE(lines.next());
}

}  // namespace
