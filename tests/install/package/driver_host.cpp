// A host that links the driver alone: its own link to a device, no emulator.
#include <cstdio>

#include "heatbath/device.hpp"

namespace {

// A bus with nothing on it.
class EmptyBus : public heatbath::Transport {
 public:
  std::uint32_t read32(std::uint64_t) override { return 0; }
  void write32(std::uint64_t, std::uint32_t) override {}
  void read_block(std::uint64_t, std::span<std::byte>) override {}
  void write_block(std::uint64_t, std::span<const std::byte>) override {}
  std::optional<std::span<std::byte>> map(std::uint64_t, std::uint64_t) override { return std::nullopt; }
  bool wait_irq(std::uint64_t) override { return false; }
  heatbath::LinkInfo info() const override { return {"none:", "an empty bus"}; }
};

}  // namespace

int main() {
  try {
    heatbath::Device device(std::make_unique<EmptyBus>());
  } catch (const heatbath::Error& error) {
    std::printf("%s: %s\n", hb_status_name(error.code()), error.what());
    return error.code() == HB_DEVICE ? 0 : 1;
  }
  return 1;
}
