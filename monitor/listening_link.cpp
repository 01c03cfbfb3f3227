#include "monitor/listening_link.hpp"

#include <utility>

#include "heatbath/regs.h"

namespace heatbath::monitor {

ListeningLink::ListeningLink(std::unique_ptr<Transport> device, InterruptLog& log)
    : device_(std::move(device)), interruptible_(dynamic_cast<Interruptible*>(device_.get())), log_(log) {}

std::uint32_t ListeningLink::read32(std::uint64_t address) {
  const std::uint32_t value = device_->read32(address);
  if (address == HB_INTR_STATE_OFFSET) pending_ = value;
  return value;
}

void ListeningLink::write32(std::uint64_t address, std::uint32_t value) {
  device_->write32(address, value);
  if (address != HB_INTR_ACK_OFFSET) return;
  log_.note(pending_ & value & HB_INTR_ACK_MASK_MASK, device_->device_ticks());
  pending_ &= ~value;
}

void ListeningLink::ask(std::function<Wish()> wish) {
  if (interruptible_ != nullptr) interruptible_->ask(std::move(wish));
}

}  // namespace heatbath::monitor
