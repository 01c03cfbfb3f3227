#include "server/etherbone_service.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <system_error>
#include <thread>
#include <utility>

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
/// How often a serving child is looked after, and how long it may take to end when it is told to.
constexpr std::chrono::milliseconds look_after_period{50}, longest_farewell{1000};
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
}

ServerCounters EtherboneService::counters() const {
  ServerCounters counters;
  counters.sessions = shared_->sessions;
  counters.refused = shared_->refused;
  counters.ended_by_server = shared_->ended_here;
  counters.busy = shared_->busy;
  counters.repeated = shared_->repeated;
  counters.strangers = shared_->strangers;
  for (const auto& fault : shared_->faults) counters.malformed += fault;
  return counters;
}

void EtherboneService::note(Entry kind, const std::string& line) {
  if (in_child_)
    shared_->lines.add(kind, line);
  else
    journal_.add(kind, line);
}

void EtherboneService::run() {
  while (!stopped()) {
    if (device_.wants_own_process())
      serve_in_child();
    else
      serve();
  }
  for (std::size_t fault = 0; fault < shared_->faults.size(); ++fault)
    if (shared_->faults[fault] != 0)
      journal_.add(Entry::other, "dropped " + std::to_string(shared_->faults[fault]) + " packet(s): " +
                                     etherbone::fault_name(static_cast<Fault>(fault)));
  if (shared_->repeated != 0)
    journal_.add(Entry::other, std::to_string(shared_->repeated) + " packet(s) came again");
  if (shared_->strangers != 0)
    journal_.add(Entry::other, "dropped " + std::to_string(shared_->strangers) + " packet(s) of hosts without a session");
}

/// Opens the device and serves until a session is over, or stop().
void EtherboneService::serve() {
  try {
    device_.open();
    time_.emplace(device_.transport(), shared_->stop);
    open_ = true;
    if (Kept& kept = shared_->kept; kept.bytes != 0) {
      std::memcpy(datagram_.data(), kept.datagram.data(), kept.bytes);
      take(kept.from, std::exchange(kept.bytes, 0));
    }
    while (open_ && !stopped()) {
      const bool more = time_->pass();
      // Without a program time passes with packets, so that no host is late for the next word of a time.
      while (!serve_packet(!more) && !more && !stopped()) {
      }
      for (int k = 1; k < packets_in_a_row && open_ && serve_packet(false); ++k) {
      }
      if (!in_child_) journal_.turn_over();
    }
  } catch (const std::exception& failure) {
    // The packet is not answered; the device starts again from power-on.
    end_session(failure.what());
    std::this_thread::sleep_for(after_failure);
  }
  if (open_) end_session("the server stops");
}

void EtherboneService::serve_in_child() {
  try {
    const int kept = socket_.get();
    ChildProcess child(std::span(&kept, 1), [this] {
      in_child_ = true;
      serve();
    });
    auto deadline = Clock::time_point::max();
    while (!child.ended(look_after_period)) {
      shared_->lines.move_to(journal_);
      journal_.turn_over();
      if (!stopped()) continue;
      if (deadline == Clock::time_point::max()) deadline = Clock::now() + longest_farewell;
      if (Clock::now() >= deadline) child.kill();
    }
    shared_->lines.move_to(journal_);
    if (shared_->busy.exchange(0) != 0)
      journal_.add(Entry::session, "session over: its process ended by signal " + std::to_string(child.signal()));
  } catch (const std::exception& failure) {
    journal_.add(Entry::device, std::string("the device cannot be opened: ") + failure.what());
    std::this_thread::sleep_for(after_failure);
  }
}

/// False when none came.
bool EtherboneService::serve_packet(bool wait) {
  Host from;
  from.bytes = sizeof from.address;
  const ssize_t got = ::recvfrom(socket_.get(), datagram_.data(), datagram_.size(), wait ? 0 : MSG_DONTWAIT,
                                 reinterpret_cast<sockaddr*>(&from.address), &from.bytes);
  if (got < 0) return false;
  time_->looked();
  take(from, static_cast<std::size_t>(got));
  return true;
}

/// Carries out the packet of that many bytes in datagram_.
void EtherboneService::take(const Host& from, std::size_t bytes) {
  received_ = bytes;
  const Fault fault = etherbone::parse(std::span(datagram_).first(bytes), packet_);
  if (fault != Fault::none) {
    drop(fault, from);
  } else if ((packet_.flags & etherbone::probe_reply) != 0) {
    drop(Fault::flags, from);
  } else if ((packet_.flags & etherbone::probe) != 0) {
    answer_probe(from, packet_.probe_id);
  } else {
    carry_out(from);
  }
}

void EtherboneService::drop(Fault fault, const Host& from) {
  if (shared_->faults[static_cast<std::size_t>(fault)]++ == 0)
    note(Entry::refusal, "dropped a packet of " + name_of(from.address, from.bytes) + ": " +
                             etherbone::fault_name(fault) + "; more of them are counted");
}

void EtherboneService::answer_probe(const Host& from, std::uint32_t id) {
  const std::uint32_t mark = id & etherbone::mark_mask, name = id & etherbone::number_mask;
  if (mark == etherbone::hello_mark && !(has_session(from) && session_->name == name)) {
    const Begun begun = begin_session(from, name);
    if (begun == Begun::later) return;
    if (begun == Begun::refused) id = etherbone::busy_mark | name;
  }
  if (mark == etherbone::bye_mark && has_session(from) && session_->name == name) end_session("the client closed it");
  answer_.begin(etherbone::probe_reply, id);
  answer_.put(0);
  reply(from);
}

/// A host asks for the device: it has it now, or another one keeps it, or it has it as soon as the device is as after
/// power-on again, when its packet is taken once more.
EtherboneService::Begun EtherboneService::begin_session(const Host& host, std::optional<std::uint32_t> name) {
  const auto now = Clock::now();
  if (session_) {
    const char* why = "its host began another one";
    if (session_->host != host) {
      const bool idle = options_.idle_limit.count() != 0 && now - session_->last > options_.idle_limit;
      const bool long_enough = options_.session_limit.count() != 0 && now - session_->began > options_.session_limit;
      if (!idle && !long_enough) {
        if (name) ++shared_->refused;
        return Begun::refused;
      }
      ++shared_->ended_here;
      why = idle ? "another host asks, and it was idle for too long" : "another host asks, and its time was over";
    }
    keep_packet(host);
    end_session(why);
    return Begun::later;
  }
  session_ = Session{host, name, now, now, std::nullopt, 0};
  ++shared_->sessions;
  shared_->busy = 1;
  return Begun::yes;
}

void EtherboneService::keep_packet(const Host& from) {
  Kept& kept = shared_->kept;
  kept.from = from;
  std::memcpy(kept.datagram.data(), datagram_.data(), received_);
  kept.bytes = received_;
}

/// The device is as after power-on when it is opened again.
void EtherboneService::end_session(const char* why) {
  if (session_)
    note(Entry::session, "session of " + name_of(session_->host.address, session_->host.bytes) + " over: " + why);
  session_.reset();
  shared_->busy = 0;
  open_ = false;
  time_.reset();
  if (in_child_) return;  // it ends with the process
  try {
    device_.close();
  } catch (const std::exception& failure) {
    note(Entry::device, std::string("the device did not reset: ") + failure.what());
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
  const bool writes = std::any_of(records.begin(), records.end(), [](const Record& record) { return !record.writes.empty(); });
  const auto numbered = std::find_if(records.begin(), records.end(), is_numbered);
  for (const Record& record : records)
    if (!record.writes.empty() && record.byte_enable != all_bytes && !is_memory(record.write_address, memory_end_))
      return drop(Fault::byte_enable, from);
  // Reading changes nothing, so any host may read, except a driver whose session is over.
  if (!has_session(from)) {
    const Begun begun = numbered != records.end() ? Begun::refused : writes ? begin_session(from, std::nullopt) : Begun::yes;
    if (begun == Begun::refused) ++shared_->strangers;
    if (begun != Begun::yes) return;
  }
  if (has_session(from)) session_->last = Clock::now();

  bool again = false;
  if (writes && numbered != records.end()) {
    const Novelty novelty = note_number(numbered->return_address & etherbone::number_mask);
    again = novelty != Novelty::fresh;
    if (again) ++shared_->repeated;
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
