// Whatever comes to its port, an Etherbone server keeps serving, and grows no memory.
#include <gtest/gtest.h>

#include <cstdint>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>

#include "faulty_wire.hpp"
#include "heatbath/device.hpp"
#include "heatbath/etherbone.hpp"
#include "heatbath/regs.h"
#include "served.hpp"

namespace heatbath {
namespace {

using testing::Datagram;

long resident_kib() {
  std::ifstream in("/proc/self/status");
  for (std::string word; in >> word;)
    if (word == "VmRSS:") {
      long kib = 0;
      in >> kib;
      return kib;
    }
  return 0;
}

/// A packet with a few bytes changed, cut or added; sometimes only noise. Reads alone, so that nothing is programmed.
Datagram broken_packet(std::mt19937& random) {
  Datagram packet{0x4E, 0x6F, 0x10, 0x44, 0, 0, 0, 0};
  for (unsigned records = random() % 4; records > 0; --records) {
    const unsigned reads = random() % 5;
    packet.insert(packet.end(), {0, 0x0F, 0, static_cast<unsigned char>(reads)});
    for (unsigned byte = 0; reads > 0 && byte < 4 * (reads + 1); ++byte) packet.push_back(static_cast<unsigned char>(random()));
  }
  if (random() % 8 == 0) packet.assign(random() % 1600, 0);
  for (unsigned changes = random() % 6; changes > 0 && !packet.empty(); --changes)
    packet[random() % packet.size()] = static_cast<unsigned char>(random());
  if (random() % 3 == 0) packet.resize(random() % (packet.size() + 8));
  return packet;
}

TEST(EtherboneFuzz, BrokenPacketsAreTakenApartWithinTheirBounds) {
  std::mt19937 random(11);
  etherbone::Packet packet;
  std::size_t whole = 0;
  for (int k = 0; k < 200000; ++k) {
    const Datagram bytes = broken_packet(random);
    const auto span = std::as_bytes(std::span(bytes));
    if (etherbone::parse(span, packet) != etherbone::Fault::none) continue;
    ++whole;
    for (const etherbone::Record& record : packet.records)
      for (const auto part : {record.writes, record.reads}) {
        ASSERT_EQ(part.size() % 4, 0u);
        ASSERT_LE(part.size(), 4 * etherbone::max_record_words);
        if (part.empty()) continue;
        ASSERT_GE(part.data(), span.data());
        ASSERT_LE(part.data() + part.size(), span.data() + span.size());
      }
  }
  EXPECT_GT(whole, 1000u);
  EXPECT_LT(whole, 190000u);
}

TEST(EtherboneFuzz, TheServerKeepsServingAndDoesNotGrow) {
  testing::Served served("func:cells=4&lanes=1&threads=1", "etherbone");
  const auto [socket, port] = testing::datagram_socket();
  const sockaddr_in server = testing::loopback(testing::port_in(served.uri()));
  std::mt19937 random(12);
  long settled = 0;
  for (int round = 0; round < 40; ++round) {
    for (int k = 0; k < 500; ++k) {
      const Datagram bytes = broken_packet(random);
      ::sendto(socket, bytes.data(), bytes.size(), 0, reinterpret_cast<const sockaddr*>(&server), sizeof server);
    }
    Device device = open_link(served.uri());
    device.transport().write32(HB_SCRATCH_OFFSET, static_cast<std::uint32_t>(round));
    ASSERT_EQ(device.transport().read32(HB_SCRATCH_OFFSET), static_cast<std::uint32_t>(round));
    if (round == 10) settled = resident_kib();
  }
  ::close(socket);
  EXPECT_GT(served.server().counters().malformed, 3000u);
  EXPECT_LT(resident_kib() - settled, 4096) << "memory goes on growing";
}

}  // namespace
}  // namespace heatbath
