#include "apps/cli/interrupt.hpp"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>
#include <thread>

namespace heatbath::apps {
namespace {

TEST(Interrupt, FirstIsNotedALaterOneKills) {
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    watch_interrupts();
    EXPECT_FALSE(interrupted());
    std::raise(signal);
    EXPECT_TRUE(interrupted());
    EXPECT_EQ(interrupted_status(), 128 + signal);
    std::raise(signal);  // timeout(1) sends its signal twice
    std::this_thread::sleep_for(std::chrono::milliseconds(600));
    EXPECT_EXIT(std::raise(signal), ::testing::KilledBySignal(signal), "");
  }
}

TEST(Interrupt, AHangUpThatIsIgnoredStaysSo) {
  watch_interrupts();
  std::signal(SIGHUP, SIG_IGN);
  watch_interrupts();
  std::raise(SIGHUP);
  EXPECT_FALSE(interrupted());
  std::signal(SIGHUP, SIG_DFL);
}

}  // namespace
}  // namespace heatbath::apps
