#include "server/glances.hpp"

#include <cstring>
#include <functional>
#include <string>

#include "heatbath/regs.h"

namespace heatbath {
namespace {

/// Registers lie in so much of the window.
constexpr std::uint32_t register_bytes = 0x400;

/// Answers range by range: words by `word`, memory by `copy`, which says whether it could.
void answer(ViewDesk& desk, std::uint64_t memory_bytes, const std::function<std::uint32_t(std::uint64_t)>& word,
            const std::function<bool(std::uint64_t, std::span<std::byte>)>& copy) {
  desk.status = HB_OK;
  desk.bytes = 0;
  for (std::uint32_t k = 0; k < desk.glances; ++k) {
    const wire::Glance& glance = desk.list[k];
    const std::span<std::byte> out = std::span(desk.data).subspan(desk.bytes);
    if (glance.bytes > out.size()) return desk.refuse(HB_BAD_ARG, "a look has at most " + std::to_string(wire::max_look) + " bytes");
    if (glance.address < register_bytes && glance.bytes <= register_bytes - glance.address && glance.address % 4 == 0 &&
        glance.bytes % 4 == 0) {
      for (std::uint32_t at = 0; at < glance.bytes; at += 4) {
        const std::uint32_t value = word(glance.address + at);
        std::memcpy(out.data() + at, &value, sizeof value);
      }
    } else if (const std::uint64_t offset = glance.address - HB_MEMORY_BASE;
               glance.address >= HB_MEMORY_BASE && offset <= memory_bytes && glance.bytes <= memory_bytes - offset) {
      if (!copy(offset, out.first(glance.bytes))) return desk.refuse(HB_UNSUPPORTED, "memory of this device cannot be looked at");
    } else {
      return desk.refuse(HB_BAD_ARG, "a look at " + std::to_string(glance.bytes) + " bytes from " + std::to_string(glance.address) +
                                         ": there are whole registers below " + std::to_string(register_bytes) +
                                         " and device memory from " + std::to_string(HB_MEMORY_BASE));
    }
    desk.bytes += glance.bytes;
  }
}

}  // namespace

std::vector<std::uint32_t> registers_of(Observable* device) {
  std::vector<std::uint32_t> words;
  if (device == nullptr) return words;
  for (std::uint32_t at = 0; at < register_bytes; at += 4) words.push_back(device->peek32(at));
  return words;
}

void answer_look(ViewDesk& desk, Observable* device, std::optional<std::span<std::byte>> memory) {
  if (device == nullptr) return desk.refuse(HB_UNSUPPORTED, "this device cannot be looked at without an access of its own");
  answer(
      desk, memory ? memory->size() : ~std::uint64_t{0} - HB_MEMORY_BASE, [device](std::uint64_t address) { return device->peek32(address); },
      [&memory](std::uint64_t offset, std::span<std::byte> out) {
        if (!memory) return false;
        std::memcpy(out.data(), memory->data() + offset, out.size());
        return true;
      });
}

void answer_look(ViewDesk& desk, std::span<const std::uint32_t> registers, std::uint64_t memory_bytes) {
  if (registers.empty()) return desk.refuse(HB_UNSUPPORTED, "this device cannot be looked at without an access of its own");
  answer(
      desk, memory_bytes, [registers](std::uint64_t address) { return registers[address / 4]; },
      [](std::uint64_t, std::span<std::byte> out) {
        std::fill(out.begin(), out.end(), std::byte{0});
        return true;
      });
}

}  // namespace heatbath
