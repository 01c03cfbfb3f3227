#include "sim/server/served_device.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "driver/src/link_uri.hpp"
#include "heatbath/device.hpp"
#include "heatbath/regs.h"
#include "sim/src/open_transport.hpp"

namespace heatbath {
namespace {

/// Devices that are as after power-on whenever they are opened.
bool fresh_when_opened(const std::string& uri) {
  constexpr std::array fresh{"func", "tcp", "unix", "shm", "replay"};
  const std::string_view scheme = scheme_of(uri);
  return std::any_of(fresh.begin(), fresh.end(), [&](const char* name) { return scheme == name; });
}

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

ServedDevice::ServedDevice(const std::string& uri) : given_(uri_or_default(uri)) {
  Device device(open_transport(given_));
  uri_ = device.link().uri;
  facts_.map_major = device.identity().map_major;
  facts_.map_minor = device.identity().map_minor;
  facts_.map_hash = device.identity().map_hash;
  facts_.abilities = wire::breaks_off;
  facts_.memory_bytes = device.capabilities().memory_bytes;
  tick_seconds_ = device.capabilities().tick_ps * 1e-12;
}

ServedDevice::~ServedDevice() = default;

void ServedDevice::open() {
  transport_ = open_transport(given_);
  clock_ = dynamic_cast<const DeviceClock*>(transport_.get());
}

void ServedDevice::close() {
  clock_ = nullptr;
  if (!transport_) return;
  std::unique_ptr<Transport> transport = std::move(transport_);
  if (fresh_when_opened(given_)) return;
  Device device(std::move(transport));
  device.reset();
  clear_memory(device.transport(), facts_.memory_bytes);
}

}  // namespace heatbath
