#pragma once
// Etherbone, version 1: Wishbone over UDP with addresses and data of 32 bits, as the cores of LiteX boards speak it.
// The one place that defines the format; docs/wire_protocol.md says it in words. Everything is big-endian.

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace heatbath::etherbone {

constexpr std::size_t packet_header_bytes = 8;  ///< of a packet's head
constexpr std::size_t record_header_bytes = 4;  ///< of a record's head
constexpr std::size_t max_record_words = 255;  ///< words of one record, each way
/// Longest packet the driver sends, and longest that is taken: what an Ethernet frame holds.
constexpr std::size_t longest_request = 1400, longest_packet = 1472;

// Flags of a packet.
/// A packet that asks whether somebody is there, and the answer.
constexpr std::uint8_t probe = 1, probe_reply = 2;

/// The driver's requests are numbered: the return address of each of their records is number_mark + number, where
/// numbers count up modulo 2^24. Any core gives it back with the answer. `heatbath serve` carries out the writes of a
/// number once.
constexpr std::uint32_t number_mark = 0x48000000, mark_mask = 0xFF000000, number_mask = 0x00FFFFFF;

/// Top byte of the id of a probe with which the driver begins and ends a session; the rest is a random name of the
/// session. Any core answers; `heatbath serve` answers hello_mark with busy_mark while another session has the device.
constexpr std::uint32_t hello_mark = 0x48000000, bye_mark = 0x45000000, busy_mark = 0x42000000;

/// What is wrong with a packet.
enum class Fault : std::uint8_t { none, too_short, too_long, magic, version, width, flags, truncated, byte_enable };
constexpr std::size_t fault_count = 9;  ///< kinds of Fault
/// In a few words, for a log.
const char* fault_name(Fault fault);

/// Part of a packet: words to write from an address on, then addresses to read.
struct Record {
  std::uint8_t byte_enable = 0xF;         ///< bytes of each word that are written; bit 0 is the lowest byte
  std::uint32_t write_address = 0;        ///< of the first word
  std::span<const std::byte> writes;      ///< words; see word()
  std::uint32_t return_address = 0;       ///< where the answer is to be written
  std::span<const std::byte> reads;       ///< addresses
};

/// A packet taken apart; its records lie in the datagram.
struct Packet {
  std::uint8_t flags = 0;  ///< probe, probe_reply, or 0
  std::uint32_t probe_id = 0;  ///< bytes 4 to 7, which only probes use
  std::vector<Record> records;  ///< those that hold anything
};

/// Takes a datagram apart, wholly or not at all. Widths may list others beside 32 bits. Record flags other than those
/// that end a bus cycle (address spaces, FIFOs) are a fault, and so are writes without a byte.
Fault parse(std::span<const std::byte> datagram, Packet& packet);

/// Word `index` of a span of big-endian words.
std::uint32_t word(std::span<const std::byte> words, std::size_t index);

/// A word as it lies in device memory, lowest byte first.
std::uint32_t get_little(const std::byte* from);
void put_little(std::uint32_t word, std::byte* to);

/// Builds a packet.
class PacketWriter {
 public:
  /// Starts a new packet.
  void begin(std::uint8_t flags = 0, std::uint32_t probe_id = 0);
  /// Begins a record, whose words must follow: where `writes` is not 0 the address and the words, then where `reads` is
  /// not 0 the return address and the addresses.
  void record(std::size_t writes, std::size_t reads, std::uint8_t byte_enable = 0xF);
  void put(std::uint32_t word);

  /// Of what has been put together so far.
  std::size_t size() const { return size_; }
  std::span<const std::byte> bytes() const { return std::span(bytes_).first(size_); }

 private:
  std::array<std::byte, longest_packet> bytes_;
  std::size_t size_ = 0;
};

}  // namespace heatbath::etherbone
