#include "server/served_device.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/error.hpp"
#include "heatbath/interruptible.hpp"
#include "heatbath/regs.h"
#include "server/child_process.hpp"
#include "server/glances.hpp"
#include "sim/src/open_transport.hpp"

namespace heatbath {
namespace {

Reopened reopening_of(const std::string& uri) {
  const Scheme* const scheme = find_scheme(device_schemes(), scheme_of(uri));
  return scheme == nullptr ? Reopened::used : scheme->reopened;  // open() says what is wrong with it
}

/// A device that cannot be created again, with its counters from 0 and its last command as none: as a session finds it
/// after power-on. What it counts stays with it.
class AsNew final : public Transport, public Interruptible {
 public:
  explicit AsNew(std::unique_ptr<Transport> device) : device_(std::move(device)) {
    // Commands that do nothing leave the acknowledgement that power-on leaves. The first one has a sequence number that
    // is neither the last one nor 0: a store that changes no word is none on some buses.
    if (const std::uint32_t last = device_->read32(HB_COMMAND_ACK_OFFSET); last != 0) {
      constexpr std::uint32_t one = HB_COMMAND_ACK_SEQ_MASK & (~HB_COMMAND_ACK_SEQ_MASK + 1);
      for (const std::uint32_t sequence : {(last & HB_COMMAND_ACK_SEQ_MASK) == one ? 2 * one : one, 0u}) {
        device_->write32(HB_COMMAND_OFFSET, sequence);
        device_->read32(HB_COMMAND_ACK_OFFSET);
      }
    }
    for (std::size_t k = 0; k < counters.size(); ++k) before_[k] = device_->read32(counters[k]);
  }

  std::uint32_t read32(std::uint64_t address) override {
    const std::uint32_t value = device_->read32(address);
    const auto counter = std::find(counters.begin(), counters.end(), address);
    return counter == counters.end() ? value : value - before_[static_cast<std::size_t>(counter - counters.begin())];
  }
  void write32(std::uint64_t address, std::uint32_t value) override { device_->write32(address, value); }
  void read_block(std::uint64_t address, std::span<std::byte> out) override { device_->read_block(address, out); }
  void write_block(std::uint64_t address, std::span<const std::byte> data) override { device_->write_block(address, data); }
  std::optional<std::span<std::byte>> map(std::uint64_t address, std::uint64_t size) override {
    return device_->map(address, size);
  }
  bool wait_irq(std::uint64_t limit_ticks) override { return device_->wait_irq(limit_ticks); }
  std::optional<DmaBuffer> dma_alloc(std::uint64_t bytes) override { return device_->dma_alloc(bytes); }
  void dma_free(std::uint64_t address) override { device_->dma_free(address); }
  std::optional<std::uint64_t> device_ticks() const override { return device_->device_ticks(); }
  LinkInfo info() const override { return device_->info(); }
  void ask(std::function<Wish()> wish) override {
    if (auto* const device = dynamic_cast<Interruptible*>(device_.get())) device->ask(std::move(wish));
  }

 private:
  static constexpr std::array<std::uint64_t, 3> counters{HB_RESET_COUNT_OFFSET, HB_ERR_ACCESS_OFFSET,
                                                         HB_ERR_SEQUENCE_OFFSET};
  std::unique_ptr<Transport> device_;
  std::array<std::uint32_t, counters.size()> before_{};
};

}  // namespace

void clear_memory(Transport& transport, std::uint64_t bytes) {
  constexpr std::size_t page = 4096;
  static constexpr std::array<std::byte, page> zeros{};
  if (const auto lent = transport.map(HB_MEMORY_BASE, bytes)) {
    for (std::size_t at = 0; at < lent->size(); at += page) {
      std::byte* start = lent->data() + at;
      const std::size_t size = std::min(page, lent->size() - at);
      if (std::memcmp(start, zeros.data(), size) != 0) std::memset(start, 0, size);
    }
    return;
  }
  const std::vector<std::byte> block(std::size_t{1} << 20);
  for (std::uint64_t at = 0; at < bytes; at += block.size())
    transport.write_block(HB_MEMORY_BASE + at, std::span(block).first(std::min<std::uint64_t>(block.size(), bytes - at)));
}

ServedDevice::ServedDevice(const std::string& uri) : given_(uri_or_default(uri)), reopened_(reopening_of(given_)) {
  if (reopened_ == Reopened::anew)
    throw Error(HB_BAD_ARG, "device URI '" + given_ + "': a served device is opened anew for each session, and so would its " +
                                "record be; record on the client's side: record:FILE?device=URI of the server");
  if (scheme_of(given_) == "rack")
    throw Error(HB_BAD_ARG, "device URI '" + given_ + "': a rack has no registers that could be served; its devices are served one "
                                "by one, and clients open the rack");
  uri_ = wants_own_process() ? learn_in_child(learned_) : learn(learned_);
}

bool ServedDevice::wants_own_process() const { return reopened_ == Reopened::once; }

/// Opens the device, and closes it. Returns its URI.
std::string ServedDevice::learn(Learned& learned) const {
  std::unique_ptr<Transport> transport = open_transport(given_);
  const std::vector<std::uint32_t> registers = registers_of(dynamic_cast<Observable*>(transport.get()));
  learned.register_count = std::min(registers.size(), learned.registers.size());
  std::copy_n(registers.begin(), learned.register_count, learned.registers.begin());
  Device device(std::move(transport));
  learned.facts.map_major = device.identity().map_major;
  learned.facts.map_minor = device.identity().map_minor;
  learned.facts.map_hash = device.identity().map_hash;
  learned.facts.abilities = wire::breaks_off;
  learned.facts.memory_bytes = device.capabilities().memory_bytes;
  learned.tick_seconds = device.capabilities().tick_seconds();
  learned.sees_time = device.transport().device_ticks().has_value();
  return device.link().uri;
}

std::string ServedDevice::learn_in_child(Learned& learned) const {
  struct Answer {
    Learned learned;
    hb_status_t code = HB_DEVICE;
    char text[4096] = "device URI: the process in which the device was opened ended";
    void put(const std::string& what) { text[what.copy(text, sizeof text - 1)] = '\0'; }
  };
  const Shared<Answer> answer;
  ChildProcess child({}, [&] {
    try {
      answer->put(learn(answer->learned));
      answer->code = HB_OK;
    } catch (const Error& error) {
      answer->put(error.what());
      answer->code = error.code();
    } catch (const std::exception& other) {
      answer->put(std::string("device URI: ") + other.what());
    }
  });
  while (!child.ended(std::chrono::seconds(1))) {
  }
  if (answer->code != HB_OK) throw Error(answer->code, answer->text);
  learned = answer->learned;
  return answer->text;
}

ServedDevice::~ServedDevice() = default;

void ServedDevice::open() {
  transport_ = open_transport(given_);
  if (reopened_ == Reopened::used) transport_ = std::make_unique<AsNew>(std::move(transport_));
}

void ServedDevice::close() {
  if (!transport_) return;
  std::unique_ptr<Transport> transport = std::move(transport_);
  if (reopened_ == Reopened::fresh) return;
  Device device(std::move(transport));
  device.reset();
  clear_memory(device.transport(), learned_.facts.memory_bytes);
}

}  // namespace heatbath
