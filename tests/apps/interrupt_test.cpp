#include "apps/cli/interrupt.hpp"

#include <gtest/gtest.h>

#include <csignal>

namespace heatbath::apps {
namespace {

TEST(Interrupt, FirstIsNotedSecondKills) {
  watch_interrupts();
  EXPECT_FALSE(interrupted());
  std::raise(SIGINT);
  EXPECT_TRUE(interrupted());
  EXPECT_EXIT(std::raise(SIGINT), ::testing::KilledBySignal(SIGINT), "");
}

}  // namespace
}  // namespace heatbath::apps
