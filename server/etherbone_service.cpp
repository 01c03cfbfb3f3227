#include "server/etherbone_service.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/time.h>

#include "heatbath/error.hpp"
#include "heatbath/regs.h"

namespace heatbath {
namespace {

using etherbone::Fault;
using etherbone::Record;

/// How long the service waits for a packet before it checks for a stop, and packets it takes between slices of device
/// time.
constexpr timeval look_up_period{0, 20'000};
constexpr int packets_in_a_row = 64;
constexpr std::chrono::milliseconds after_failure{100};
constexpr std::uint32_t remembered = 64;
constexpr std::uint8_t all_bytes = 0xF;

std::string name_of(const sockaddr_storage& address, socklen_t bytes) {
  char host[64], port[16];
  if (getnameinfo(reinterpret_cast<const sockaddr*>(&address), bytes, host, sizeof host, port, sizeof port,
                  NI_NUMERICHOST | NI_NUMERICSERV | NI_DGRAM) != 0)
    return "somewhere";
  return std::string(host) + ":" + port;
}

/// Registers and the topology window; memory begins behind.
bool is_memory(std::uint64_t address, std::uint64_t end) { return address >= HB_MEMORY_BASE && address < end; }

bool is_numbered(const Record& record) {
  return !record.reads.empty() && (record.return_address & etherbone::mark_mask) == etherbone::number_mark;
}

}  // namespace

bool EtherboneService::Host::operator==(const Host& other) const {
  return bytes == other.bytes && std::memcmp(&address, &other.address, bytes) == 0;
}

EtherboneService::EtherboneService(const ServerOptions& options, const std::string& address)
    : options_(options), journal_(options.log), device_(options.device), datagram_(2 * etherbone::longest_packet) {
  memory_end_ = std::min<std::uint64_t>(HB_MEMORY_BASE + device_.facts().memory_bytes, std::uint64_t{1} << 32);
  try {
    address_ = socket_address("etherbone", address);
    socket_ = listen_for_datagrams(address_);
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, "listen '" + options.listen + "': " + wrong.what());
  } catch (const std::system_error& failure) {
    throw Error(HB_IO, "listen '" + options.listen + "': " + failure.code().message());
  }
  setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &look_up_period, sizeof look_up_period);
  packet_.records.reserve(etherbone::longest_packet / etherbone::record_header_bytes);
  open_device();
}

ServerCounters EtherboneService::counters() const {
  ServerCounters counters;
  counters.sessions = sessions_;
  counters.refused = refused_;
  counters.ended_by_server = ended_here_;
  counters.busy = busy_;
  counters.repeated = repeated_;
  counters.strangers = strangers_;
  for (const auto& fault : faults_) counters.malformed += fault;
  return counters;
}

void EtherboneService::open_device() {
  if (open_) return;
  device_.open();
  time_.emplace(device_.transport(), stop_);
  open_ = true;
}

void EtherboneService::run() {
  while (!stop_.load(std::memory_order_relaxed)) {
    try {
      open_device();
      const bool more = time_->pass();
      // Without a program time passes with packets, so that no host is late for the next word of a time.
      while (!serve_packet(!more) && !more && !stop_.load(std::memory_order_relaxed)) {
      }
      for (int k = 1; k < packets_in_a_row && serve_packet(false); ++k) {
      }
    } catch (const std::exception& failure) {
      // The packet is not answered; the device starts again from power-on.
      end_session(failure.what());
      std::this_thread::sleep_for(after_failure);
    }
    journal_.turn_over();
  }
  if (session_) end_session("the server stops");
  for (std::size_t fault = 0; fault < faults_.size(); ++fault)
    if (faults_[fault] != 0)
      journal_.add(Entry::other, "dropped " + std::to_string(faults_[fault]) + " packet(s): " + etherbone::fault_name(static_cast<Fault>(fault)));
  if (repeated_ != 0) journal_.add(Entry::other, std::to_string(repeated_) + " packet(s) came again");
  if (strangers_ != 0) journal_.add(Entry::other, "dropped " + std::to_string(strangers_) + " packet(s) of hosts without a session");
}

/// False when none came.
bool EtherboneService::serve_packet(bool wait) {
  Host from;
  from.bytes = sizeof from.address;
  const ssize_t got = ::recvfrom(socket_.get(), datagram_.data(), datagram_.size(), wait ? 0 : MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from.address), &from.bytes);
  if (got < 0) return false;
  if (time_) time_->looked();
  const Fault fault = etherbone::parse(std::span(datagram_).first(static_cast<std::size_t>(got)), packet_);
  if (fault != Fault::none) {
    drop(fault, from);
  } else if ((packet_.flags & etherbone::probe_reply) != 0) {
    drop(Fault::flags, from);
  } else if ((packet_.flags & etherbone::probe) != 0) {
    answer_probe(from, packet_.probe_id);
  } else {
    carry_out(from);
  }
  return true;
}

void EtherboneService::drop(Fault fault, const Host& from) {
  if (faults_[static_cast<std::size_t>(fault)]++ == 0)
    journal_.add(Entry::refusal, "dropped a packet of " + name_of(from.address, from.bytes) + ": " + etherbone::fault_name(fault) +
        "; more of them are counted");
}

void EtherboneService::answer_probe(const Host& from, std::uint32_t id) {
  const std::uint32_t mark = id & etherbone::mark_mask, name = id & etherbone::number_mask;
  if (mark == etherbone::hello_mark && !(has_session(from) && session_->name == name)) {
    if (!begin_session(from, name)) id = etherbone::busy_mark | name;
  }
  if (mark == etherbone::bye_mark && has_session(from) && session_->name == name) end_session("the client closed it");
  answer_.begin(etherbone::probe_reply, id);
  answer_.put(0);
  reply(from);
}

/// A host asks for the device. False when another one keeps it.
bool EtherboneService::begin_session(const Host& host, std::optional<std::uint32_t> name) {
  const auto now = Clock::now();
  if (session_ && session_->host == host) {
    end_session("its host began another one");
  } else if (session_) {
    const bool idle = options_.idle_limit.count() != 0 && now - session_->last > options_.idle_limit;
    const bool long_enough = options_.session_limit.count() != 0 && now - session_->began > options_.session_limit;
    if (!idle && !long_enough) {
      if (name) ++refused_;
      return false;
    }
    ++ended_here_;
    end_session(idle ? "another host asks, and it was idle for too long" : "another host asks, and its time was over");
  }
  open_device();
  session_ = Session{host, name, now, now, std::nullopt, 0};
  ++sessions_;
  busy_ = 1;
  return true;
}

/// The device is as after power-on when it is opened again.
void EtherboneService::end_session(const char* why) {
  if (session_) journal_.add(Entry::session, "session of " + name_of(session_->host.address, session_->host.bytes) + " over: " + why);
  session_.reset();
  busy_ = 0;
  open_ = false;
  time_.reset();
  try {
    device_.close();
  } catch (const std::exception& failure) {
    journal_.add(Entry::device, std::string("the device did not reset: ") + failure.what());
  }
}

EtherboneService::Novelty EtherboneService::note_number(std::uint32_t number) {
  Session& session = *session_;
  if (!session.newest) {
    session.newest = number;
    session.done = 1;
    return Novelty::fresh;
  }
  const std::uint32_t ahead = (number - *session.newest) & etherbone::number_mask;
  const std::uint32_t behind = (*session.newest - number) & etherbone::number_mask;
  if (ahead != 0 && ahead <= behind) {
    session.done = ahead < remembered ? session.done << ahead | 1 : 1;
    session.newest = number;
    return Novelty::fresh;
  }
  if (behind >= remembered) return Novelty::forgotten;
  const std::uint64_t bit = std::uint64_t{1} << behind;
  if ((session.done & bit) != 0) return Novelty::repeat;
  session.done |= bit;
  return Novelty::fresh;
}

void EtherboneService::carry_out(const Host& from) {
  const auto& records = packet_.records;
  if (records.empty()) return;
  open_device();  // a farewell just before has closed it
  const bool writes = std::any_of(records.begin(), records.end(), [](const Record& record) { return !record.writes.empty(); });
  const auto numbered = std::find_if(records.begin(), records.end(), is_numbered);
  for (const Record& record : records)
    if (!record.writes.empty() && record.byte_enable != all_bytes && !is_memory(record.write_address, memory_end_))
      return drop(Fault::byte_enable, from);
  // Reading changes nothing, so any host may read, except a driver whose session is over.
  if (!has_session(from) &&
      (numbered != records.end() || (writes && !begin_session(from, std::nullopt)))) {
    ++strangers_;
    return;
  }
  if (has_session(from)) session_->last = Clock::now();

  bool again = false;
  if (writes && numbered != records.end()) {
    const Novelty novelty = note_number(numbered->return_address & etherbone::number_mask);
    again = novelty != Novelty::fresh;
    if (again) ++repeated_;
    if (novelty == Novelty::forgotten) return;
  }
  answer_.begin();
  const std::size_t header = answer_.size();
  for (const Record& record : records) {
    if (!record.writes.empty() && !again) write(record);
    if (!record.reads.empty()) read(record);
  }
  if (answer_.size() > header) reply(from);
}

void EtherboneService::write(const Record& record) {
  Transport& device = device_.transport();
  const std::size_t words = record.writes.size() / 4;
  const std::uint64_t begin = record.write_address & ~3u;
  const std::uint64_t end = begin + 4 * words;
  if (!is_memory(begin, memory_end_) || end > memory_end_) {
    for (std::size_t k = 0; k < words; ++k) {
      const std::uint64_t address = begin + 4 * k;
      if (!is_memory(address, memory_end_)) device.write32(address, etherbone::word(record.writes, k));
    }
    return;
  }
  staging_.resize(4 * words);
  if (record.byte_enable != all_bytes) device.read_block(begin, staging_);
  for (std::size_t k = 0; k < words; ++k) {
    std::array<std::byte, 4> word;
    etherbone::put_little(etherbone::word(record.writes, k), word.data());
    for (unsigned byte = 0; byte < 4; ++byte)
      if ((record.byte_enable >> byte & 1) != 0) staging_[4 * k + byte] = word[byte];
  }
  device.write_block(begin, staging_);
}

/// Addresses from `begin` on that are words of memory one behind the other.
std::size_t EtherboneService::memory_run(std::span<const std::byte> addresses, std::size_t begin) const {
  const std::uint64_t first = etherbone::word(addresses, begin) & ~3u;
  std::size_t length = 0;
  while (begin + length < addresses.size() / 4 && is_memory(first + 4 * length, memory_end_) &&
         (etherbone::word(addresses, begin + length) & ~3u) == first + 4 * length)
    ++length;
  return length;
}

void EtherboneService::read(const Record& record) {
  Transport& device = device_.transport();
  const std::size_t words = record.reads.size() / 4;
  answer_.record(words, 0);
  answer_.put(record.return_address);
  const auto put_bytes = [&](std::span<const std::byte> bytes) {
    for (std::size_t at = 0; at < bytes.size(); at += 4) answer_.put(etherbone::get_little(bytes.data() + at));
  };
  for (std::size_t k = 0; k < words;) {
    const std::uint32_t address = etherbone::word(record.reads, k) & ~3u;
    if (const std::size_t run = memory_run(record.reads, k); run != 0) {
      staging_.resize(4 * run);
      device.read_block(address, staging_);
      put_bytes(staging_);
      k += run;
      continue;
    }
    ++k;
    if (address >= HB_TOPOLOGY_BASE && address < HB_MEMORY_BASE) {
      try {
        staging_.resize(4);
        device.read_block(address, staging_);
        put_bytes(staging_);
        continue;
      } catch (const Error& error) {
        if (error.code() != HB_BAD_ARG) throw;
      }
    }
    answer_.put(device.read32(address));  // where there is nothing, the device counts it
  }
}

/// A packet that does not fit into the socket's buffer counts as lost.
void EtherboneService::reply(const Host& to) {
  const auto bytes = answer_.bytes();
  [[maybe_unused]] const ssize_t sent = ::sendto(socket_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                                                 reinterpret_cast<const sockaddr*>(&to.address), to.bytes);
}

}  // namespace heatbath
