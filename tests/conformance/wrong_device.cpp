#include "tests/conformance/wrong_device.hpp"

#include <algorithm>
#include <bit>
#include <cstring>
#include <functional>
#include <string>
#include <utility>

#include "heatbath/open.hpp"
#include "heatbath/regs.h"

namespace heatbath::testing {
namespace {

std::uint64_t mixed(std::uint64_t x) {
  x = (x + 0x9E3779B97F4A7C15u) * 0xBF58476D1CE4E5B9u;
  x = (x ^ x >> 27) * 0x94D049BB133111EBu;
  return x ^ x >> 31;
}

template <class Number>
void negate(std::span<std::byte> at) {
  Number value;
  std::memcpy(&value, at.data(), sizeof value);
  value = static_cast<Number>(-value);
  std::memcpy(at.data(), &value, sizeof value);
}

std::size_t bytes_of_number(Number number) { return number == Number::float32 ? 4 : number == Number::code8 ? 1 : 2; }

}  // namespace

WrongDevice::WrongDevice(Device&& sound, Wrong wrong, std::uint64_t seed)
    : sound_(std::make_unique<Device>(std::move(sound))), wrong_(wrong), seed_(seed) {}

std::uint32_t WrongDevice::told(std::uint64_t address, std::uint32_t value) const {
  if (wrong_ == Wrong::sweep_order && address == HB_CAPS_CELL_OFFSET)
    return (value & ~HB_CAPS_CELL_STEPPER_MASK) | HB_CAPS_CELL_STEPPER_SEQUENTIAL << HB_CAPS_CELL_STEPPER_SHIFT;
  return value;
}

std::uint32_t WrongDevice::read32(std::uint64_t address) {
  const std::uint32_t value = link().read32(address);
  const auto at = shadow_.find(address);
  return at != shadow_.end() ? at->second : told(address, value);
}

void WrongDevice::write32(std::uint64_t address, std::uint32_t value) {
  if (address == HB_COMMAND_OFFSET) {
    const std::uint32_t op = (value & HB_COMMAND_OP_MASK) >> HB_COMMAND_OP_SHIFT;
    if (op == HB_COMMAND_OP_RESET) shadow_.clear();
    if (op == HB_COMMAND_OP_START) {
      lie_in_program();
      records_.clear();
      if (new_job_) first_shot_ = read32(HB_JOB_SHOT0_OFFSET);
      new_job_ = false;
      const std::uint32_t key = read32(HB_JOB_SEED_LO_OFFSET), shot = read32(HB_JOB_SHOT0_OFFSET);
      shadow_[HB_JOB_SEED_LO_OFFSET] = key;
      shadow_[HB_JOB_SHOT0_OFFSET] = shot;
      const bool alike = wrong_ == Wrong::jobs_alike;
      link().write32(HB_JOB_SEED_LO_OFFSET, static_cast<std::uint32_t>(mixed(alike ? seed_ : seed_ ^ mixed(key))));
      if (alike) link().write32(HB_JOB_SHOT0_OFFSET, shot - first_shot_);
    }
  } else {
    shadow_.erase(address);
  }
  link().write32(address, value);
}

void WrongDevice::change(std::uint64_t offset, std::span<std::byte> bytes, const std::function<void(std::span<std::byte>)>& how) {
  link().read_block(HB_MEMORY_BASE + offset, bytes);
  const auto before = changed_.find(offset);
  if (before != changed_.end() && std::ranges::equal(before->second, bytes)) return;
  how(bytes);
  link().write_block(HB_MEMORY_BASE + offset, bytes);
  changed_[offset].assign(bytes.begin(), bytes.end());
}

void WrongDevice::lie_in_program() {
  const std::uint64_t base = read32(HB_PROGRAM_ADDR_LO_OFFSET) | std::uint64_t{read32(HB_PROGRAM_ADDR_HI_OFFSET)} << 32;
  const std::uint32_t count = read32(HB_PROGRAM_COUNT_OFFSET), cells = read32(HB_ACTIVE_CELLS_OFFSET);
  snapshots_.clear();
  if (count > caps().program_max || base + std::uint64_t{count} * sizeof(hb_instruction_t) > caps().memory_bytes) return;
  const std::size_t bytes = bytes_of_number(caps().parameter_number);
  const std::uint32_t cell = static_cast<std::uint32_t>(mixed(seed_) % caps().cells);
  const std::uint32_t other = static_cast<std::uint32_t>((cell + 1 + mixed(seed_ + 1) % std::max(1u, caps().cells - 1)) % caps().cells);
  for (std::uint32_t k = 0; k < count; ++k) {
    const std::uint64_t at = base + std::uint64_t{k} * sizeof(hb_instruction_t);
    hb_instruction_t one{};
    link().read_block(HB_MEMORY_BASE + at, std::as_writable_bytes(std::span(&one, 1)));
    if (one.op == HB_OP_METER_SNAPSHOT) snapshots_[one.addr] = caps().lanes;
    if (one.op != HB_OP_LOAD) continue;
    const bool immediate = (one.flags & HB_FLAG_IMMEDIATE) != 0;
    const auto value = std::bit_cast<float>(one.imm);
    std::vector<std::byte> block(sizeof one);
    const auto set = [&](float to) {
      change(at, block, [&](std::span<std::byte> there) {
        one.imm = std::bit_cast<std::uint32_t>(to);
        std::memcpy(there.data(), &one, sizeof one);
      });
    };
    const bool temperature = one.section == HB_SECTION_KT, own = one.section == HB_SECTION_J2 || one.section == HB_SECTION_J4 || one.section == HB_SECTION_BIAS;
    if (temperature && immediate) {
      if (wrong_ == Wrong::warm) set(value * 1.05f);
      if (wrong_ == Wrong::ground_state || wrong_ == Wrong::frozen) set(caps().kT_min);
    }
    if (wrong_ == Wrong::frozen && immediate && (own || one.section == HB_SECTION_GAIN)) set(0);
    if (immediate) continue;
    const std::uint64_t pairs = std::uint64_t{cells} * (cells - 1) / 2;
    block.resize((one.section == HB_SECTION_COUPLING ? pairs : cells) * bytes);
    if (wrong_ == Wrong::frozen && (own || one.section == HB_SECTION_COUPLING))
      change(one.addr, block, [](std::span<std::byte> there) { std::ranges::fill(there, std::byte{0}); });
    if (wrong_ == Wrong::bias_sign && one.section == HB_SECTION_BIAS && cell < cells && one.lane_stride == 0)
      change(one.addr, block, [&](std::span<std::byte> there) {
        const auto mine = there.subspan(cell * bytes, bytes);
        bytes == 4 ? negate<float>(mine) : bytes == 2 ? negate<std::int16_t>(mine) : negate<std::int8_t>(mine);
      });
    const std::uint32_t i = std::min(cell, other), j = std::max(cell, other);
    if (wrong_ == Wrong::coupling_ignored && one.section == HB_SECTION_COUPLING && j < cells && !caps().sparse() && !caps().couplings_full)
      change(one.addr, block, [&](std::span<std::byte> there) {
        const std::uint64_t pair = std::uint64_t{i} * cells - std::uint64_t{i} * (i + 1) / 2 + (j - i - 1);
        std::ranges::fill(there.subspan(pair * bytes, bytes), std::byte{0});
      });
  }
}

void WrongDevice::lie_in_records(std::uint64_t offset, std::span<std::byte> out) {
  const std::uint64_t ring = read32(HB_CAPTURE_BASE_LO_OFFSET) | std::uint64_t{read32(HB_CAPTURE_BASE_HI_OFFSET)} << 32;
  const std::uint32_t slots = read32(HB_CAPTURE_SLOTS_OFFSET);
  if (slots == 0 || offset + out.size() <= ring) return;
  hb_record_header_t header{};
  link().read_block(HB_MEMORY_BASE + ring, std::as_writable_bytes(std::span(&header, 1)));
  const std::size_t value = bytes_of_number(caps().capture_number);
  const std::uint64_t size = hb_record_bytes(header.lanes, header.cells, static_cast<std::uint32_t>(value)), row = header.cells * value;
  const std::uint64_t first = offset > ring ? (offset - ring) / size : 0, last = (offset + out.size() - 1 - ring) / size;
  for (std::uint64_t slot = first; slot <= last && slot < slots; ++slot) {
    std::vector<std::byte> record(size);
    const std::uint64_t at = ring + slot * size;
    link().read_block(HB_MEMORY_BASE + at, record);
    std::memcpy(&header, record.data(), sizeof header);
    const auto states = std::span(record).subspan(sizeof header);
    if (wrong_ == Wrong::lanes_alike)
      for (std::uint32_t lane = 1; lane < header.lanes; lane += 2)
        std::ranges::copy(states.subspan((lane - 1) * row, row), states.begin() + static_cast<std::ptrdiff_t>(lane * row));
    if (wrong_ == Wrong::stale) {
      records_[header.sequence].assign(states.begin(), states.end());
      if (const auto before = records_.find(header.sequence - 1); before != records_.end() && before->second.size() == states.size())
        std::ranges::copy(before->second, states.begin());
    }
    for (std::uint64_t k = 0; k < size; ++k)
      if (at + k >= offset && at + k < offset + out.size()) out[at + k - offset] = record[k];
  }
}

void WrongDevice::lie_in_meters(std::uint64_t offset, std::span<std::byte> out) {
  for (const auto& [address, lanes] : snapshots_)
    for (std::uint64_t lane = 0; lane < lanes; ++lane)
      for (std::uint64_t number = 0; number < 5; ++number) {
        const std::uint64_t at = address + lane * sizeof(hb_meters_t) + number * sizeof(double);
        if (at >= offset && at + sizeof(double) <= offset + out.size()) negate<double>(out.subspan(at - offset, sizeof(double)));
      }
}

void WrongDevice::read_block(std::uint64_t address, std::span<std::byte> out) {
  link().read_block(address, out);
  if (address < HB_MEMORY_BASE || out.empty()) return;
  if (wrong_ == Wrong::lanes_alike || wrong_ == Wrong::stale) lie_in_records(address - HB_MEMORY_BASE, out);
  if (wrong_ == Wrong::meter_sign) lie_in_meters(address - HB_MEMORY_BASE, out);
}

void WrongDevice::write_block(std::uint64_t address, std::span<const std::byte> data) {
  new_job_ = true;
  link().write_block(address, data);
}

Device wrong_device(const std::string& uri, Wrong wrong, std::uint64_t seed) {
  return Device(std::make_unique<WrongDevice>(open(uri), wrong, seed));
}

}  // namespace heatbath::testing
