#pragma once
// Racks for tests: of emulators in this process, of links that fail, of devices that are slow.

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/interruptible.hpp"
#include "heatbath/rack.hpp"
#include "sim/src/open_transport.hpp"
#include "tests/link/soon.hpp"

namespace heatbath::testing {

/// A device whose waits last longer than its work, and whose link breaks at a wait.
class Troubled final : public Transport {
 public:
  struct Trouble {
    std::chrono::milliseconds of_each_wait{0};
    int waits_before_loss = -1;  ///< negative: never
    std::atomic<bool>* gone = nullptr;
    std::function<void()> at_wait = {};  ///< called before each of its waits, in the thread of the device
    std::function<void()> at_open = {};  ///< called when it is opened, and is gone
  };
  Troubled(std::unique_ptr<Transport> device, Trouble trouble) : device_(std::move(device)), trouble_(trouble) {}
  std::uint32_t read32(std::uint64_t address) override { return there().read32(address); }
  void write32(std::uint64_t address, std::uint32_t value) override { there().write32(address, value); }
  void read_block(std::uint64_t address, std::span<std::byte> out) override { there().read_block(address, out); }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override { there().write_block(address, data); }
  std::optional<std::span<std::byte>> map(std::uint64_t, std::uint64_t) override { return std::nullopt; }
  bool wait_irq(std::uint64_t limit) override {
    if (trouble_.waits_before_loss >= 0 && waits_++ >= trouble_.waits_before_loss) throw Error(HB_LINK, "the link broke");
    if (trouble_.at_wait) trouble_.at_wait();
    std::this_thread::sleep_for(trouble_.of_each_wait);
    return there().wait_irq(limit);
  }
  LinkInfo info() const override { return device_->info(); }

 private:
  Transport& there() {
    if (trouble_.gone != nullptr && *trouble_.gone) throw Error(HB_LINK, "the host is gone");
    return *device_;
  }
  std::unique_ptr<Transport> device_;
  Trouble trouble_;
  int waits_ = 0;
};

inline RackDevice rack_device(const std::string& uri, Troubled::Trouble trouble = {}) {
  return {uri, 1, [uri, trouble]() -> std::unique_ptr<Transport> {
            if (trouble.gone != nullptr && *trouble.gone) {
              if (trouble.at_open) trouble.at_open();
              throw Error(HB_LINK, "the host is gone");
            }
            return std::make_unique<Troubled>(open_transport(uri), trouble);
          }};
}

inline Device rack_of(const std::string& uri, std::size_t devices) {
  std::vector<RackDevice> all;
  for (std::size_t k = 0; k < devices; ++k) all.push_back(rack_device(uri));
  return Device(make_rack(std::move(all), {"rack:test"}));
}

}  // namespace heatbath::testing
