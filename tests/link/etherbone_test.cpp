// Etherbone: packets as LiteX's tools write them, sessions, and what repeated, late and broken packets do.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "faulty_wire.hpp"
#include "heatbath/open.hpp"
#include "heatbath/regs.h"
#include "served.hpp"

namespace heatbath {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using testing::Datagram;
using testing::FaultyWire;
using testing::Served;

constexpr const char* small = "func:cells=8&lanes=2&threads=1";

/// A host that writes its packets byte by byte.
class RawHost {
 public:
  explicit RawHost(const std::string& uri) : socket_(testing::datagram_socket().first), server_(testing::loopback(testing::port_in(uri))) {}
  ~RawHost() { ::close(socket_); }
  RawHost(const RawHost&) = delete;

  void send(const Datagram& bytes) {
    ::sendto(socket_, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&server_), sizeof server_);
  }
  /// The next datagram; empty when none comes within `limit`.
  Datagram receive(std::chrono::milliseconds limit) {
    pollfd ask{socket_, POLLIN, 0};
    Datagram bytes(4096);
    const ssize_t got = ::poll(&ask, 1, static_cast<int>(limit.count())) > 0 ? ::recv(socket_, bytes.data(), bytes.size(), 0) : 0;
    bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    return bytes;
  }
  Datagram ask(const Datagram& bytes) {
    send(bytes);
    return receive(5000ms);
  }

 private:
  int socket_;
  sockaddr_in server_;
};

void put(Datagram& to, std::uint32_t word) {
  for (const unsigned shift : {24u, 16u, 8u, 0u}) to.push_back(static_cast<unsigned char>(word >> shift));
}
/// Magic, version 1, 32 bits, padding.
Datagram header(unsigned char flags = 0, std::uint32_t id = 0) {
  Datagram packet{0x4E, 0x6F, static_cast<unsigned char>(0x10 | flags), 0x44};
  put(packet, id);
  return packet;
}
void add_record(Datagram& packet, std::uint32_t write_to, std::initializer_list<std::uint32_t> words, std::uint32_t back,
                std::initializer_list<std::uint32_t> addresses, unsigned char bytes = 0x0F) {
  packet.insert(packet.end(), {0x00, bytes, static_cast<unsigned char>(words.size()), static_cast<unsigned char>(addresses.size())});
  if (words.size() > 0) put(packet, write_to);
  for (const std::uint32_t word : words) put(packet, word);
  if (addresses.size() > 0) put(packet, back);
  for (const std::uint32_t address : addresses) put(packet, address);
}
Datagram reading(std::initializer_list<std::uint32_t> addresses, std::uint32_t back = 0) {
  Datagram packet = header();
  add_record(packet, 0, {}, back, addresses);
  return packet;
}
Datagram writing(std::uint32_t address, std::initializer_list<std::uint32_t> words) {
  Datagram packet = header();
  add_record(packet, address, words, 0, {});
  return packet;
}
/// The answer to reading(): the words, written to `back`.
Datagram answer(std::initializer_list<std::uint32_t> words, std::uint32_t back = 0) {
  Datagram packet = header();
  add_record(packet, back, words, 0, {});
  return packet;
}
std::uint32_t last_word(const Datagram& packet) {
  std::uint32_t word = 0;
  for (std::size_t k = packet.size() < 4 ? packet.size() : packet.size() - 4; k < packet.size(); ++k) word = word << 8 | packet[k];
  return word;
}

TEST(Etherbone, AnswersThePacketsOfLiteXsTools) {
  Served served(small, "etherbone");
  RawHost tool(served.uri());
  // A probe with the word that keeps it from being too short, and a read of one register, byte for byte.
  EXPECT_EQ(tool.ask({0x4E, 0x6F, 0x11, 0x44, 0, 0, 0, 0, 0, 0, 0, 0}), (Datagram{0x4E, 0x6F, 0x12, 0x44, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(tool.ask({0x4E, 0x6F, 0x10, 0x44, 0, 0, 0, 0, 0x00, 0x0F, 0x00, 0x01, 0, 0, 0, 0, 0, 0, 0, 0}),
            (Datagram{0x4E, 0x6F, 0x10, 0x44, 0, 0, 0, 0, 0x00, 0x0F, 0x01, 0x00, 0, 0, 0, 0, 0x48, 0x54, 0x42, 0x48}));
  tool.send({0x4E, 0x6F, 0x10, 0x44, 0, 0, 0, 0, 0x00, 0x0F, 0x01, 0x00, 0, 0, 0, 0x20, 0x12, 0x34, 0x56, 0x78});
  EXPECT_EQ(tool.ask(reading({HB_SCRATCH_OFFSET}, 0xABCD)), answer({0x12345678}, 0xABCD));
}

TEST(Etherbone, TakesSeveralRecordsOfWritesAndReadsInOnePacket) {
  Served served(small, "etherbone");
  RawHost tool(served.uri());
  Datagram packet = header(), expected = header();
  add_record(packet, HB_MEMORY_BASE + 16, {0x03020100, 0x07060504}, 0x10, {HB_ID_OFFSET, HB_MEMORY_BASE + 20});
  add_record(packet, HB_SCRATCH_OFFSET, {77}, 0, {});
  add_record(packet, HB_MEMORY_BASE + 16, {0xFF00FF00}, 0x20, {HB_MEMORY_BASE + 16, HB_SCRATCH_OFFSET}, 0x02);  // its second byte
  add_record(expected, 0x10, {HB_ID_RESET, 0x07060504}, 0, {});
  add_record(expected, 0x20, {0x0302FF00, 77}, 0, {});
  EXPECT_EQ(tool.ask(packet), expected);
}

TEST(Etherbone, ARepeatOfANumberedPacketWritesNothingAndIsAnswered) {
  Served served(small, "etherbone");
  RawHost host(served.uri());
  host.ask(header(1, 0x48000001));
  const auto numbered = [](std::uint32_t number, std::uint32_t value) {
    Datagram packet = header();
    add_record(packet, HB_SCRATCH_OFFSET, {value}, 0x48000000 | number, {HB_SCRATCH_OFFSET});
    return packet;
  };
  EXPECT_EQ(last_word(host.ask(numbered(0xFFFFFF, 1))), 1u);
  EXPECT_EQ(last_word(host.ask(numbered(1, 3))), 3u) << "numbers go on at 0";
  EXPECT_EQ(last_word(host.ask(numbered(0xFFFFFF, 1))), 3u) << "a repeat, late";
  EXPECT_EQ(last_word(host.ask(numbered(0, 2))), 2u) << "not a repeat: the first to come of its number, out of order";
  EXPECT_EQ(last_word(host.ask(numbered(0, 2))), 2u);
  EXPECT_EQ(last_word(host.ask(numbered(200, 9))), 9u);
  host.send(numbered(100, 8));  // too old to know: not carried out and not answered
  EXPECT_EQ(last_word(host.ask(reading({HB_SCRATCH_OFFSET}, 0x480000C9))), 9u);
  EXPECT_EQ(served.server().counters().repeated, 3u);
  // A number that is not the driver's means nothing.
  Datagram other = writing(HB_SCRATCH_OFFSET, {5});
  host.send(other);
  host.send(writing(HB_SCRATCH_OFFSET, {6}));
  host.send(other);
  EXPECT_EQ(last_word(host.ask(reading({HB_SCRATCH_OFFSET}, 0x480000CA))), 5u);
}

/// What a core without numbers makes of the driver's packets: the server sees none.
void hide_numbers(bool to_server, Datagram& packet) {
  const unsigned char from = to_server ? 0x48 : 0x77, into = to_server ? 0x77 : 0x48;
  for (std::size_t at = 8; at + 4 <= packet.size();) {
    const std::size_t writes = packet[at + 2], reads = packet[at + 3];
    const std::size_t back = to_server ? at + 4 + (writes > 0 ? 4 * (writes + 1) : 0) : at + 4;
    if ((to_server ? reads : writes) > 0 && back < packet.size() && packet[back] == from) packet[back] = into;
    at += 4 + (writes > 0 ? 4 * (writes + 1) : 0) + (reads > 0 ? 4 * (reads + 1) : 0);
  }
}

std::vector<float> seeded_states(Device& device) {
  Program program(device.capabilities(), 8);
  program.load(CellSection::j2, 1.0f).load(CellSection::j4, 0.5f).commit().set(0, std::vector<float>(8, 0.25f));
  program.capture_start(device.step()).evolve(device.ticks(0.2)).capture_stop();
  std::vector<float> states;
  for (int job = 0; job < 12; ++job) {  // each of several passes, with a START of its own
    const Capture capture = device.run(program, {.shots = 7, .seed = 3}).capture;
    for (std::uint32_t shot = 0; shot < 7; ++shot) {
      const auto path = capture.trajectory(shot);
      states.insert(states.end(), path.begin(), path.end());
    }
  }
  return states;
}

TEST(Etherbone, OnACoreWithoutNumbersTheRegisterRulesMakeRepeatsHarmless) {
  Device local = open(small);
  Served served(small, "etherbone");
  FaultyWire wire(served.uri(), {.lost_every = 25, .doubled_every = 4, .seed = 3}, hide_numbers);
  Device device = open_link(wire.uri());
  EXPECT_EQ(seeded_states(device), seeded_states(local));
  EXPECT_EQ(served.server().counters().repeated, 0u) << "the server took none for a repeat";
  EXPECT_GT(device.transport().read32(HB_ERR_SEQUENCE_OFFSET), 5u) << "so commands came again, and the device ignored them";
  EXPECT_EQ(device.transport().read32(HB_ERR_ACCESS_OFFSET), 0u);
  // An effectful write ends its packet: two of them in one would act again when it is repeated.
  const std::uint32_t resets = device.transport().read32(HB_RESET_COUNT_OFFSET);
  for (int k = 0; k < 20; ++k) {
    const std::uint32_t last = device.transport().read32(HB_COMMAND_ACK_OFFSET) >> HB_COMMAND_ACK_SEQ_SHIFT;
    for (const std::uint32_t next : {last + 1, last + 2})
      device.transport().write32(HB_COMMAND_OFFSET, HB_COMMAND_OP_RESET | (next & 0xFFFFu) << HB_COMMAND_SEQ_SHIFT);
  }
  EXPECT_EQ(device.transport().read32(HB_RESET_COUNT_OFFSET), resets + 40);
}

TEST(Etherbone, BlocksOfAnyAlignmentPassALossyWire) {
  Served served(small, "etherbone");
  for (const char* keys : {"", "?burst=13&records=1&in_flight=1", "?burst=3&records=7&in_flight=48"}) {
    SCOPED_TRACE(keys);
    FaultyWire wire(served.uri(), {.lost_every = 100, .doubled_every = 100, .swapped_every = 50, .seed = 5});
    Device device = open_link(wire.uri() + keys);
    std::mt19937 random(9);
    std::vector<std::byte> memory(6000, std::byte{0}), back(memory.size());
    for (int k = 0; k < 60; ++k) {
      const std::size_t at = random() % memory.size(), left = memory.size() - at;
      const std::size_t bytes = random() % (k % 4 == 0 ? left : std::min<std::size_t>(9, left));
      for (std::size_t i = at; i < at + bytes; ++i) memory[i] = static_cast<std::byte>(random());
      device.transport().write_block(HB_MEMORY_BASE + at, std::span(memory).subspan(at, bytes));
      if (k % 6 != 5) continue;
      const std::size_t from = random() % 7;
      device.transport().read_block(HB_MEMORY_BASE + from, std::span(back).subspan(from));
      std::copy_n(memory.begin(), from, back.begin());
      ASSERT_EQ(back, memory) << "after block " << k;
    }
  }
}

TEST(Etherbone, ASessionHasTheDeviceAndOthersMayLookOn) {
  Served served(small, "etherbone", [](ServerOptions& options) { options.idle_limit = 3000ms; });
  RawHost other(served.uri());
  {
    Device device = open_link(served.uri());
    device.transport().write32(HB_SCRATCH_OFFSET, 5);
    EXPECT_EQ(device.transport().read32(HB_SCRATCH_OFFSET), 5u);
    other.send(writing(HB_SCRATCH_OFFSET, {6}));
    EXPECT_EQ(other.ask(reading({HB_SCRATCH_OFFSET})), answer({5}));
    EXPECT_EQ(served.server().counters().strangers, 1u);
    try {
      open_link(served.uri() + "?queue_timeout_ms=60");
      ADD_FAILURE() << "two sessions";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_BUSY) << error.what();
    }
    EXPECT_EQ(device.transport().read32(HB_SCRATCH_OFFSET), 5u);
    // Idle for too long while another one asks.
    Device next = open_link(served.uri());
    EXPECT_EQ(next.transport().read32(HB_SCRATCH_OFFSET), 0u) << "as after power-on";
  }
  // Farewells end sessions at once; hosts without greetings begin one with a write.
  other.send(writing(HB_SCRATCH_OFFSET, {6}));
  EXPECT_EQ(other.ask(reading({HB_SCRATCH_OFFSET})), answer({6}));
  EXPECT_EQ(served.server().counters().ended_by_server, 1u);
}

TEST(Etherbone, ALostSessionIsALinkError) {
  Served served(small, "etherbone", [](ServerOptions& options) { options.idle_limit = 20ms; });
  Device device = open_link(served.uri() + "?link_timeout_ms=300");
  std::this_thread::sleep_for(50ms);
  const Device next = open_link(served.uri());
  for (int k = 0; k < 2; ++k) {
    try {
      device.transport().read32(HB_SCRATCH_OFFSET);
      ADD_FAILURE() << "a session that is over reads another one's device";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), HB_LINK);
      EXPECT_THAT(error.what(), HasSubstr("was the session ended for another one"));
    }
  }
}

TEST(Etherbone, SaysWhatToCheckWhereNobodyAnswers) {
  const auto error_of = [](const std::string& uri) -> std::string {
    try {
      open_link(uri);
    } catch (const Error& error) {
      return error.what();
    }
    return "opened";
  };
  const auto [silent, port] = testing::datagram_socket();
  const std::string at = "etherbone://127.0.0.1:" + std::to_string(port);
  EXPECT_THAT(error_of(at + "?link_timeout_ms=100"), HasSubstr("no answer to a probe for 100 ms; check address, port"));
  ::close(silent);
  EXPECT_THAT(error_of(at), HasSubstr("heatbath serve"));
  EXPECT_THAT(error_of("etherbone:host"), HasSubstr("etherbone://host:port"));
  EXPECT_THAT(error_of("etherbone://host"), HasSubstr("etherbone://host:port"));
  EXPECT_THAT(error_of(at + "?burst=256"), HasSubstr("burst=256 is not a whole number in 1..255"));
  EXPECT_THAT(error_of(at + "?width=64"), HasSubstr("base, burst, records, in_flight, local_port"));
  ServerOptions beyond{.device = small, .listen = "etherbone://0.0.0.0:0"};
  try {
    Server server(beyond);
    ADD_FAILURE() << "listens";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("not a loopback address; Etherbone has no way to show a token"));
  }
}

TEST(Etherbone, DropsAnswersToOtherRequests) {
  Served served(small, "etherbone");
  Datagram before;
  bool odd = false;
  int stale = 0;
  FaultyWire wire(served.uri(), {}, [&](bool to_server, Datagram& packet) {
    if (to_server || packet.size() < 20) return;
    odd = !odd;
    // In place of every second answer comes one to an earlier request.
    if (!odd) {
      ++stale;
      packet = before;
    } else {
      before = packet;
    }
  });
  Device device = open_link(wire.uri());
  for (std::uint32_t k = 1; k < 30; ++k) {
    device.transport().write32(HB_SCRATCH_OFFSET, k);
    EXPECT_EQ(device.transport().read32(HB_SCRATCH_OFFSET), k);
  }
  EXPECT_GT(stale, 5);
}

TEST(Etherbone, CountsPacketsThatAreNoneByKindAndLogsEachKindOnce) {
  std::mutex mutex;
  std::vector<std::string> lines;
  Served served(small, "etherbone", [&](ServerOptions& options) {
    options.log = [&](const std::string& line) {
      const std::lock_guard lock(mutex);
      lines.push_back(line);
    };
  });
  RawHost host(served.uri());
  const Datagram good = reading({HB_ID_OFFSET});
  const auto changed = [&](std::size_t at, unsigned char value) {
    Datagram packet = good;
    packet[at] = value;
    return packet;
  };
  Datagram part = header();
  add_record(part, HB_SCRATCH_OFFSET, {1}, 0, {}, 0x01);
  Datagram none = header();
  add_record(none, HB_MEMORY_BASE, {1}, 0, {}, 0x00);
  const std::vector<std::pair<const char*, std::vector<Datagram>>> kinds = {
      {"shorter than a header", {{}, {0x4E}, Datagram(good.begin(), good.begin() + 7)}},
      {"longer than an Ethernet frame", {Datagram(1473, 0)}},
      {"no Etherbone", {changed(0, 0x4F), changed(1, 0), Datagram(64, 'x')}},
      {"another version than 1", {changed(2, 0x20), changed(2, 0x00)}},
      {"addresses or data not of 32 bits", {changed(3, 0x84), changed(3, 0x48), changed(3, 0x11)}},
      {"flags of address spaces, FIFOs or answers", {changed(8, 0x01), changed(8, 0x02), changed(8, 0x40), header(2)}},
      {"records that end beyond the packet",
       {changed(11, 2), changed(10, 255), Datagram(good.begin(), good.end() - 1), Datagram(good.begin(), good.begin() + 10)}},
      {"writes of part of a register, or of no byte", {part, none}}};
  std::uint64_t sent = 0;
  for (const auto& [name, packets] : kinds)
    for (const Datagram& packet : packets) {
      host.send(packet);
      ++sent;
    }
  EXPECT_EQ(host.ask(good), answer({HB_ID_RESET})) << "the server is well";
  EXPECT_EQ(last_word(host.ask(reading({HB_SCRATCH_OFFSET}))), 0u) << "nothing was carried out in part";
  EXPECT_EQ(served.server().counters().malformed, sent);
  served.stop();
  for (const auto& [name, packets] : kinds) {
    std::size_t dropped = 0, summed = 0;
    for (const std::string& line : lines) {
      dropped += line.starts_with("dropped a packet") && line.find(name) != std::string::npos;
      summed += line == "dropped " + std::to_string(packets.size()) + " packet(s): " + name;
    }
    EXPECT_EQ(dropped, 1u) << name;
    EXPECT_EQ(summed, 1u) << name;
  }
}

}  // namespace
}  // namespace heatbath
