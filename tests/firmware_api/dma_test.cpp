#include "heatbath/dif_dma.h"

#include "heatbath/regs.h"
#include "tests/firmware_api/sequenced_bus.hpp"

namespace {

class Dma : public heatbath::testing::SequencedBus {
 protected:
  static constexpr hb_dma_transfer_t transfer{0x1'0000'0040ull, 0x2000, 640, 64, true};

  void expect_registers() {
    EXPECT_READ32(HB_CAPS_OFFSET, HB_CAPS_DMA_MASK);
    EXPECT_READ32(HB_DMA_STATUS_OFFSET, 0u);
    EXPECT_WRITE32(HB_DMA_HOST_LO_OFFSET, 0x40u);
    EXPECT_WRITE32(HB_DMA_HOST_HI_OFFSET, 1u);
    EXPECT_WRITE32(HB_DMA_DEVICE_LO_OFFSET, 0x2000u);
    EXPECT_WRITE32(HB_DMA_DEVICE_HI_OFFSET, 0u);
    EXPECT_WRITE32(HB_DMA_BYTES_OFFSET, 640u);
    EXPECT_WRITE32(HB_DMA_BURST_OFFSET, 64u);
  }
};

TEST_F(Dma, StartWritesTheTransferAndThenTheCommand) {
  expect_registers();
  EXPECT_READ32(HB_DMA_COMMAND_OFFSET, 4u << 16 | HB_DMA_COMMAND_OP_STOP);
  EXPECT_WRITE32(HB_DMA_COMMAND_OFFSET, 5u << 16 | HB_DMA_COMMAND_OP_TO_DEVICE);
  EXPECT_READ32(HB_DMA_COMMAND_OFFSET, 5u << 16 | HB_DMA_COMMAND_OP_TO_DEVICE);
  EXPECT_READ32(HB_DMA_STATUS_OFFSET, HB_DMA_STATUS_BUSY_MASK);
  EXPECT_EQ(hb_dif_dma_start(&mmio_, transfer), HB_OK);
}

TEST_F(Dma, StartToTheHostAndWhatTheDeviceRefuses) {
  hb_dma_transfer_t to_host = transfer;
  to_host.to_device = false;
  expect_registers();
  EXPECT_READ32(HB_DMA_COMMAND_OFFSET, 0u);
  EXPECT_WRITE32(HB_DMA_COMMAND_OFFSET, 1u << 16 | HB_DMA_COMMAND_OP_TO_HOST);
  EXPECT_READ32(HB_DMA_COMMAND_OFFSET, 1u << 16 | HB_DMA_COMMAND_OP_TO_HOST);
  EXPECT_READ32(HB_DMA_STATUS_OFFSET, 1u << HB_DMA_STATUS_CODE_SHIFT);
  EXPECT_EQ(hb_dif_dma_start(&mmio_, to_host), HB_BAD_ARG);
}

TEST_F(Dma, StartIsRefusedWithoutTheCapabilityAndWhileBusyBeforeAnyWrite) {
  EXPECT_READ32(HB_CAPS_OFFSET, ~HB_CAPS_DMA_MASK);
  EXPECT_EQ(hb_dif_dma_start(&mmio_, transfer), HB_UNSUPPORTED);
  done();
  EXPECT_READ32(HB_CAPS_OFFSET, HB_CAPS_DMA_MASK);
  EXPECT_READ32(HB_DMA_STATUS_OFFSET, HB_DMA_STATUS_BUSY_MASK);
  EXPECT_EQ(hb_dif_dma_start(&mmio_, transfer), HB_BUSY);
}

TEST_F(Dma, SizesAndAlignmentAreCheckedBeforeAnyAccess) {
  const auto refused = [&](auto change) {
    hb_dma_transfer_t wrong = transfer;
    change(wrong);
    EXPECT_EQ(hb_dif_dma_start(&mmio_, wrong), HB_BAD_ARG);
  };
  refused([](hb_dma_transfer_t& it) { it.host_addr = 2; });
  refused([](hb_dma_transfer_t& it) { it.device_addr = 1; });
  refused([](hb_dma_transfer_t& it) { it.bytes = 0; });
  refused([](hb_dma_transfer_t& it) { it.bytes = 6; });
  refused([](hb_dma_transfer_t& it) { it.burst_bytes = 0; });
  refused([](hb_dma_transfer_t& it) { it.burst_bytes = 4100; });
  hb_dma_status_t status{};
  EXPECT_EQ(hb_dif_dma_start(nullptr, transfer), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_dma_stop(nullptr), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_dma_status(nullptr, &status), HB_BAD_ARG);
  EXPECT_EQ(hb_dif_dma_status(&mmio_, nullptr), HB_BAD_ARG);
}

TEST_F(Dma, StopAndStatus) {
  EXPECT_READ32(HB_DMA_STATUS_OFFSET, 0u);
  EXPECT_EQ(hb_dif_dma_stop(&mmio_), HB_OK);
  done();
  EXPECT_READ32(HB_DMA_STATUS_OFFSET, HB_DMA_STATUS_BUSY_MASK);
  EXPECT_READ32(HB_DMA_COMMAND_OFFSET, 0xFFFF0001u);
  EXPECT_WRITE32(HB_DMA_COMMAND_OFFSET, std::uint32_t{HB_DMA_COMMAND_OP_STOP});
  EXPECT_READ32(HB_DMA_COMMAND_OFFSET, std::uint32_t{HB_DMA_COMMAND_OP_STOP});
  EXPECT_EQ(hb_dif_dma_stop(&mmio_), HB_OK);
  done();
  hb_dma_status_t status{};
  EXPECT_READ32(HB_DMA_STATUS_OFFSET, 0x901u);
  EXPECT_READ32(HB_DMA_MOVED_OFFSET, 192u);
  ASSERT_EQ(hb_dif_dma_status(&mmio_, &status), HB_OK);
  EXPECT_TRUE(status.busy);
  EXPECT_EQ(status.code, HB_ABORTED);
  EXPECT_EQ(status.moved, 192u);
}

}  // namespace
