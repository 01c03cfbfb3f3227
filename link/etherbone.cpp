#include "heatbath/etherbone.hpp"

namespace heatbath::etherbone {
namespace {

constexpr std::uint16_t magic = 0x4E6F;
constexpr std::uint8_t version_1 = 0x10, version_mask = 0xF0;
constexpr std::uint8_t width_32 = 4;  // sizes are sets of bits: 1, 2, 4, 8 for 8, 16, 32, 64 bits
/// "Drop the bus cycle", where LiteX has it and where the specification has it. The rest is address spaces and FIFOs.
constexpr std::uint8_t harmless_flags = 0x18;

std::uint8_t octet(std::span<const std::byte> bytes, std::size_t at) { return std::to_integer<std::uint8_t>(bytes[at]); }

}  // namespace

const char* fault_name(Fault fault) {
  switch (fault) {
    case Fault::none: return "none";
    case Fault::too_short: return "shorter than a header";
    case Fault::too_long: return "longer than an Ethernet frame";
    case Fault::magic: return "no Etherbone";
    case Fault::version: return "another version than 1";
    case Fault::width: return "addresses or data not of 32 bits";
    case Fault::flags: return "flags of address spaces, FIFOs or answers";
    case Fault::truncated: return "records that end beyond the packet";
    case Fault::byte_enable: return "writes of part of a register, or of no byte";
  }
  return "unknown";
}

std::uint32_t word(std::span<const std::byte> words, std::size_t index) {
  const auto bytes = words.subspan(4 * index, 4);
  return std::uint32_t{octet(bytes, 0)} << 24 | std::uint32_t{octet(bytes, 1)} << 16 |
         std::uint32_t{octet(bytes, 2)} << 8 | octet(bytes, 3);
}

std::uint32_t get_little(const std::byte* from) {
  std::uint32_t word = 0;
  for (unsigned byte = 0; byte < 4; ++byte) word |= std::to_integer<std::uint32_t>(from[byte]) << 8 * byte;
  return word;
}

void put_little(std::uint32_t word, std::byte* to) {
  for (unsigned byte = 0; byte < 4; ++byte) to[byte] = static_cast<std::byte>(word >> 8 * byte & 0xFF);
}

Fault parse(std::span<const std::byte> datagram, Packet& packet) {
  packet.records.clear();
  if (datagram.size() < packet_header_bytes) return Fault::too_short;
  if (datagram.size() > longest_packet) return Fault::too_long;
  if ((octet(datagram, 0) << 8 | octet(datagram, 1)) != magic) return Fault::magic;
  if ((octet(datagram, 2) & version_mask) != version_1) return Fault::version;
  const std::uint8_t sizes = octet(datagram, 3);
  if ((sizes >> 4 & width_32) == 0 || (sizes & width_32) == 0) return Fault::width;
  packet.flags = octet(datagram, 2) & static_cast<std::uint8_t>(~version_mask);
  packet.probe_id = word(datagram, 1);
  if ((packet.flags & (probe | probe_reply)) != 0) return Fault::none;  // a probe has no records

  std::span<const std::byte> rest = datagram.subspan(packet_header_bytes);
  const auto take = [&](std::size_t words) {
    const auto taken = rest.first(4 * words);
    rest = rest.subspan(4 * words);
    return taken;
  };
  while (!rest.empty()) {
    if (rest.size() < record_header_bytes) return Fault::truncated;
    const auto header = take(1);
    const std::size_t writes = octet(header, 2), reads = octet(header, 3);
    const std::size_t words = (writes != 0 ? writes + 1 : 0) + (reads != 0 ? reads + 1 : 0);
    if ((octet(header, 0) & ~harmless_flags) != 0) return Fault::flags;
    if (rest.size() < 4 * words) return Fault::truncated;
    if (words == 0) continue;  // padding
    Record record;
    record.byte_enable = octet(header, 1);
    if (writes != 0) {
      if (record.byte_enable == 0 || record.byte_enable > 0xF) return Fault::byte_enable;
      record.write_address = word(take(1), 0);
      record.writes = take(writes);
    }
    if (reads != 0) {
      record.return_address = word(take(1), 0);
      record.reads = take(reads);
    }
    packet.records.push_back(record);
  }
  return Fault::none;
}

void PacketWriter::begin(std::uint8_t flags, std::uint32_t probe_id) {
  size_ = 0;
  put(std::uint32_t{magic} << 16 | std::uint32_t(version_1 | flags) << 8 | width_32 << 4 | width_32);
  put(probe_id);
}

void PacketWriter::record(std::size_t writes, std::size_t reads, std::uint8_t byte_enable) {
  put(std::uint32_t{byte_enable} << 16 | static_cast<std::uint32_t>(writes) << 8 | static_cast<std::uint32_t>(reads));
}

void PacketWriter::put(std::uint32_t value) {
  for (unsigned shift = 32; shift != 0;) bytes_[size_++] = static_cast<std::byte>(value >> (shift -= 8) & 0xFF);
}

}  // namespace heatbath::etherbone
