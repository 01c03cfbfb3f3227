#include "sim/server/served_device.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "driver/src/link_uri.hpp"
#include "heatbath/device.hpp"
#include "heatbath/error.hpp"
#include "heatbath/regs.h"
#include "sim/server/child_process.hpp"
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
  if (scheme_of(given_) == "record")
    throw Error(HB_BAD_ARG, "device URI '" + given_ + "': a served device is opened anew for each session, and so would its " +
                                "record be; record on the client's side: record:FILE?device=URI of the server");
  uri_ = wants_own_process() ? learn_in_child(learned_) : learn(learned_);
}

bool ServedDevice::wants_own_process() const { return scheme_of(given_) == "tlm"; }

/// Opens the device, and closes it. Returns its URI.
std::string ServedDevice::learn(Learned& learned) const {
  Device device(open_transport(given_));
  learned.facts.map_major = device.identity().map_major;
  learned.facts.map_minor = device.identity().map_minor;
  learned.facts.map_hash = device.identity().map_hash;
  learned.facts.abilities = wire::breaks_off;
  learned.facts.memory_bytes = device.capabilities().memory_bytes;
  learned.tick_seconds = device.capabilities().tick_ps * 1e-12;
  const auto* const clock = dynamic_cast<const DeviceClock*>(&device.transport());
  learned.sees_time = clock != nullptr && clock->ticks();
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
  clock_ = dynamic_cast<const DeviceClock*>(transport_.get());
}

void ServedDevice::close() {
  clock_ = nullptr;
  if (!transport_) return;
  std::unique_ptr<Transport> transport = std::move(transport_);
  if (fresh_when_opened(given_)) return;
  Device device(std::move(transport));
  device.reset();
  clear_memory(device.transport(), learned_.facts.memory_bytes);
}

}  // namespace heatbath
