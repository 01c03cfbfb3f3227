#include "bench/one_processor.hpp"

#include <gtest/gtest.h>

#ifdef __linux__
#include <sched.h>

namespace heatbath::bench {
namespace {

cpu_set_t allowed() {
  cpu_set_t processors;
  sched_getaffinity(0, sizeof processors, &processors);
  return processors;
}

TEST(OnOneProcessor, HoldsTheThreadOnOneThatItMayUseAndLetsGoOfIt) {
  const cpu_set_t before = allowed();
  int probes = 0;
  {
    const OnOneProcessor here([&] { ++probes; });
    const cpu_set_t during = allowed();
    EXPECT_EQ(CPU_COUNT(&during), 1);
    cpu_set_t common;
    CPU_AND(&common, &during, &before);
    EXPECT_EQ(CPU_COUNT(&common), 1);
  }
  const cpu_set_t after = allowed();
  EXPECT_TRUE(CPU_EQUAL(&before, &after));
  EXPECT_EQ(probes > 0, CPU_COUNT(&before) > 1);
}

}  // namespace
}  // namespace heatbath::bench
#endif
