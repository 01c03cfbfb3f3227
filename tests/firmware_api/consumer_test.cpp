#include <gtest/gtest.h>

#include <cstdint>

#include "heatbath/status.h"

extern "C" hb_status_t hb_c_consumer_run(std::uint32_t* sequence);

namespace {

TEST(CConsumer, DrivesADeviceFromPlainC11) {
  std::uint32_t sequence = 0;
  EXPECT_EQ(hb_c_consumer_run(&sequence), HB_OK);
  EXPECT_EQ(sequence, 2u);
}

}  // namespace
