// Runs the tests of one binary; a binary in which no test ran has failed (link order can drop them all).
#include <gtest/gtest.h>

#include <cstdio>

int main(int argc, char** argv) {
  ::testing::InitGoogleTest(&argc, argv);
  const int status = RUN_ALL_TESTS();
  const auto& unit = *::testing::UnitTest::GetInstance();
  if (!::testing::GTEST_FLAG(list_tests) && unit.test_to_run_count() == 0) {
    std::fputs("no test ran\n", stderr);
    return 1;
  }
  return status;
}
