// Help and progress on terminals of any width.

#include <cstdio>
#include <string>

#include <gmock/gmock.h>
#include <pty.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "apps/cli/progress_bar.hpp"
#include "apps/cli/terminal.hpp"

namespace heatbath::apps {
namespace {

using ::testing::ContainsRegex;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(WrappedHelp, GoesOnBelowItsText) {
  EXPECT_EQ(wrapped_help("  --seed N     noise key of the device\nplain", 30),
            "  --seed N     noise key of\n"
            "               the device\n"
            "plain");
  EXPECT_EQ(wrapped_help("  --seed N     noise key\n", 0), "  --seed N     noise key\n") << "no terminal, no change";
  EXPECT_EQ(wrapped_help("one two three\n\nfour\n", 8), "one two\nthree\n\nfour\n");
  EXPECT_EQ(wrapped_help("func:profile=ideal&cells=64 it", 10), "func:profile=ideal&cells=64\nit") << "a URI stays whole";
  EXPECT_EQ(wrapped_help("\u00b1\u00b1\u00b1 \u00b1\u00b1", 6), "\u00b1\u00b1\u00b1 \u00b1\u00b1") << "columns, not bytes";
}

TEST(FirstColumns, CutsNoCharacterInTwo) {
  EXPECT_EQ(first_columns("abc", 2), "ab");
  EXPECT_EQ(first_columns("\u00b1\u00b1c", 1), "\u00b1");
  EXPECT_EQ(first_columns("ab", 5), "ab");
}

TEST(ProgressBar, StaysInTheColumnsOfTheTerminal) {
  int master = -1, terminal = -1;
  winsize size{24, 30, 0, 0};
  ASSERT_EQ(::openpty(&master, &terminal, nullptr, nullptr, &size), 0);
  std::FILE* const out = ::fdopen(terminal, "w");
  {
    ProgressBar bar(ProgressBar::Style::bar, "train", 100, "updates", out);
    bar.update(100, "with a long text of what is going on");
    bar.hide();
  }
  std::fclose(out);
  std::string seen;
  char buffer[4096];
  for (ssize_t count = 0; (count = ::read(master, buffer, sizeof buffer)) > 0;) seen.append(buffer, static_cast<std::size_t>(count));
  ::close(master);
  std::size_t lines = 0;
  for (std::size_t at = seen.find('\r'); at != std::string::npos; ++lines) {
    const std::size_t next = seen.find('\r', at + 1);
    const std::string line = seen.substr(at + 1, std::min(next, seen.size()) - at - 1);
    EXPECT_LT(line.substr(0, line.find('\033')).size(), 30u) << line;
    at = next;
  }
  EXPECT_EQ(lines, 3u) << "at the start, at the end, and away";
  EXPECT_THAT(seen, Not(HasSubstr("\n")));
}

TEST(ProgressBar, SaysTheTimeLeftInLinesToo) {
  char text[256] = {};
  std::FILE* const out = ::fmemopen(text, sizeof text, "w");
  ProgressBar bar(ProgressBar::Style::lines, "run", 4, "", out);
  ::usleep(2050000);
  bar.update(1);
  std::fclose(out);
  EXPECT_THAT(text, ContainsRegex("run: 20 %, [0-9.]+ s, 0:[0-9][0-9] left"));
}

TEST(Quiet, SilencesProgress) {
  EXPECT_NE(ProgressBar::style_for(false), ProgressBar::Style::silent);
  set_quiet(true);
  EXPECT_EQ(ProgressBar::style_for(false), ProgressBar::Style::silent);
  set_quiet(false);
}

}  // namespace
}  // namespace heatbath::apps
