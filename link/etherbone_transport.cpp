#include "link/etherbone_transport.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <system_error>
#include <thread>

#include <sys/socket.h>
#include <sys/time.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/regs.h"
#include "heatbath/topology.h"
#include "link/block_range.hpp"
#include "link/capability_sizes.hpp"
#include "link/effectful_registers.hpp"
#include "link/patience.hpp"
#include "link/socket_address.hpp"

namespace heatbath {
namespace {

using etherbone::get_little;
using etherbone::Packet;
using etherbone::put_little;
using namespace std::chrono_literals;

constexpr std::chrono::milliseconds queue_period{50};
/// Bounds on how long a request waits for its answer before it is sent again, and the wait before any was answered.
constexpr std::chrono::milliseconds shortest_wait{2}, longest_wait{250}, first_wait{20};
/// Requests under way lie within so many numbers: a server remembers 64.
constexpr std::uint32_t number_span = 48;
constexpr std::size_t posted_limit = 64;
/// wait_irq looks so often without a break, and so often without one that outlasts the wait; breaks grow between
/// bounds.
constexpr int eager_looks = 4, short_looks = 16;
constexpr std::chrono::microseconds shortest_break{20}, longest_break{1000};
constexpr std::size_t record_overhead = etherbone::record_header_bytes + 4;
constexpr std::uint64_t bus_bytes = std::uint64_t{1} << 32;

bool is_register(std::uint64_t address) { return address < HB_WINDOW_BYTES && address % 4 == 0; }

}  // namespace

EtherboneTransport::EtherboneTransport(const Uri& uri) {
  const std::string& text = uri.text;
  info_ = {text, "device behind Etherbone (Wishbone over UDP)"};
  patience_ = uri.milliseconds("link_timeout_ms", usual_patience);
  base_ = static_cast<std::uint32_t>(uri.number("base", 0, 0xFFFFFFFCu, 0)) & ~3u;
  burst_ = static_cast<std::uint32_t>(uri.number("burst", 1, etherbone::max_record_words, etherbone::max_record_words));
  records_ = static_cast<std::uint32_t>(uri.number("records", 1, 100, 8));
  requests_.resize(uri.number("in_flight", 1, number_span, 8));
  datagram_.resize(2 * etherbone::longest_packet);
  std::optional<std::uint16_t> local_port;
  if (uri.keys.contains("local_port"))
    local_port = static_cast<std::uint16_t>(uri.number("local_port", 0, 65535, 0));
  std::array<std::uint32_t, 2> entropy{};
  if (::getentropy(entropy.data(), sizeof entropy) != 0)
    throw Error(HB_IO, text + ": no random numbers: " + numerics::system_words(errno));
  session_ = entropy[0] & etherbone::number_mask;
  next_number_ = entropy[1] & etherbone::number_mask;
  again_ = first_wait;
  try {
    socket_ = connect_datagrams(socket_address(uri.scheme, uri.address), local_port);
  } catch (const std::system_error& failure) {
    throw Error(local_port ? HB_IO : HB_LINK, text + ": " + failure.what());
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, "device URI '" + text + "': " + wrong.what());
  }
  begin_session(uri.milliseconds("queue_timeout_ms", usual_queue_limit));

  const auto read = [this](std::uint32_t offset) { return read32(offset); };
  memory_bytes_ = memory_bytes_of(read);
  topology_bytes_ = topology_bytes_of(read);
  tick_seconds_ = read(HB_CAPS_TICK_PS_OFFSET) * 1e-12;
}

EtherboneTransport::~EtherboneTransport() {
  if (!socket_ || !lost_.empty()) return;
  try {
    greet(etherbone::bye_mark | session_, 60ms, answer_);
  } catch (...) {
    // The other side itself ends a session that has been idle for long.
  }
}

void EtherboneTransport::lose(const std::string& why) {
  if (lost_.empty()) lost_ = info_.uri + ": " + why;
  throw Error(HB_LINK, lost_);
}

void EtherboneTransport::send_bytes(const etherbone::PacketWriter& packet) {
  const auto bytes = packet.bytes();
  if (::send(socket_.get(), bytes.data(), bytes.size(), 0) >= 0) return;
  // A packet that did not fit into the socket's buffer counts as lost.
  if (errno == ENOBUFS || errno == EAGAIN || errno == EINTR) return;
  if (errno == ECONNREFUSED) lose("nobody listens at that port; is `heatbath serve` there?");
  lose(std::string("cannot be reached: ") + numerics::system_words(errno));
}

/// Bytes of the next datagram, in datagram_; 0 when none came.
std::size_t EtherboneTransport::receive(std::chrono::milliseconds limit) {
  if (limit != set_limit_) {
    const timeval time{limit.count() / 1000, limit.count() % 1000 * 1000};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &time, sizeof time);
    set_limit_ = limit;
  }
  const ssize_t got = ::recv(socket_.get(), datagram_.data(), datagram_.size(), 0);
  if (got >= 0) return static_cast<std::size_t>(got);
  if (errno == ECONNREFUSED) lose("nobody listens at that port; is `heatbath serve` there?");
  if (errno != EAGAIN && errno != EINTR) lose(numerics::system_words(errno));
  return 0;
}

/// Sends a probe until it is answered. False when it was not.
bool EtherboneTransport::greet(std::uint32_t id, std::chrono::milliseconds limit, Packet& answer) {
  etherbone::PacketWriter packet;
  packet.begin(etherbone::probe, id);
  packet.put(0);  // LiteX's core waits for a word behind the header
  const auto began = Clock::now();
  do {
    send_bytes(packet);
    const auto sent = Clock::now();
    while (Clock::now() - sent < first_wait) {
      const std::size_t bytes = receive(first_wait);
      if (bytes == 0) continue;
      const etherbone::Fault fault = etherbone::parse(std::span(datagram_).first(bytes), answer);
      if (fault == etherbone::Fault::width)
        throw Error(HB_DEVICE, info_.uri + ": the bus behind it has no 32-bit addresses and data");
      // A core may give 0 for the id; another id is the answer to another probe.
      const std::uint32_t name = answer.probe_id & etherbone::number_mask;
      if (fault == etherbone::Fault::none && (answer.flags & etherbone::probe_reply) != 0 &&
          (answer.probe_id == 0 || name == session_))
        return true;
    }
  } while (Clock::now() - began < limit);
  return false;
}

void EtherboneTransport::begin_session(std::chrono::milliseconds queue_limit) {
  const auto began = Clock::now();
  for (;;) {
    if (!greet(etherbone::hello_mark | session_, patience_, answer_))
      lose("no answer to a probe for " + std::to_string(patience_.count()) +
           " ms; check address, port and firewall, that the board is powered, and that its core answers to local_port");
    if ((answer_.probe_id & etherbone::mark_mask) != etherbone::busy_mark) return;
    if (Clock::now() - began > queue_limit)
      throw Error(HB_BUSY, info_.uri + ": another session has had the device for " + std::to_string(queue_limit.count()) +
                               " ms; try later, or a longer queue_timeout_ms");
    std::this_thread::sleep_for(queue_period);
  }
}

/// A request to fill and send; waits for answers where all are under way. The packet is begun.
EtherboneTransport::Request& EtherboneTransport::begin_request() {
  if (!lost_.empty()) lose({});
  for (;;) {
    Request* free = nullptr;
    bool far = false;
    for (Request& request : requests_) {
      if (!request.open) free = &request;
      far = far || (request.open && ((next_number_ - request.number) & etherbone::number_mask) >= number_span);
    }
    if (free != nullptr && !far) {
      free->number = next_number_;
      next_number_ = (next_number_ + 1) & etherbone::number_mask;
      free->words = 0;
      free->to = nullptr;
      free->packet.begin();
      return *free;
    }
    take_answer();
  }
}

/// The second half of a record: return address and addresses.
void EtherboneTransport::add_reads(Request& request, std::uint32_t address, std::size_t words) {
  request.packet.put(etherbone::number_mark | request.number);
  for (std::size_t k = 0; k < words; ++k) request.packet.put(base_ + address + static_cast<std::uint32_t>(4 * k));
  request.words += words;
}

void EtherboneTransport::send(Request& request) {
  request.first = request.last = Clock::now();
  request.sendings = 1;
  request.open = true;
  send_bytes(request.packet);
}

/// Gives an answer to its request. False when no open request is its own.
bool EtherboneTransport::settle_one(const Packet& answer) {
  if ((answer.flags & (etherbone::probe | etherbone::probe_reply)) != 0 || answer.records.empty()) return false;
  const std::uint32_t tag = answer.records.front().write_address;
  for (Request& request : requests_) {
    if (!request.open || tag != (etherbone::number_mark | request.number)) continue;
    std::size_t words = 0;
    for (const etherbone::Record& record : answer.records) words += record.writes.size() / 4;
    if (words != request.words) return false;
    std::byte* to = request.to;
    for (const etherbone::Record& record : answer.records)
      for (std::size_t k = 0; to != nullptr && k < record.writes.size() / 4; ++k, to += 4)
        put_little(etherbone::word(record.writes, k), to);
    request.open = false;
    // For a request that was sent twice it is unknown which sending was answered.
    if (request.sendings == 1) note_round_trip(Clock::now() - request.first);
    return true;
  }
  return false;
}

/// The wait before a request is sent again follows the round trips as TCP's does (RFC 6298).
void EtherboneTransport::note_round_trip(Clock::duration took) {
  const std::chrono::duration<double> seconds(took);
  if (smooth_.count() == 0) {
    smooth_ = seconds;
    deviation_ = seconds / 2;
  } else {
    deviation_ = 0.75 * deviation_ + 0.25 * std::chrono::duration<double>(std::fabs((seconds - smooth_).count()));
    smooth_ = 0.875 * smooth_ + 0.125 * seconds;
  }
  again_ = std::clamp(std::chrono::ceil<std::chrono::milliseconds>(smooth_ + 4 * deviation_), shortest_wait, longest_wait);
}

void EtherboneTransport::send_again() {
  const auto now = Clock::now();
  for (Request& request : requests_) {
    if (!request.open) continue;
    const auto wait = std::min<std::chrono::milliseconds>(again_ * (1 << std::min(request.sendings - 1, 8u)), longest_wait);
    if (now - request.last < wait) continue;
    if (now - request.first > patience_)
      lose("no answer for " + std::to_string(patience_.count()) + " ms to a packet of " +
           std::to_string(request.packet.size()) + " bytes, sent " + std::to_string(request.sendings) +
           " times; was the session ended for another one, or does the board's core hold less (keys burst, records, "
           "in_flight)?");
    request.last = now;
    ++request.sendings;
    send_bytes(request.packet);
  }
}

/// Takes a datagram, or sends again what is overdue.
void EtherboneTransport::take_answer() {
  const std::size_t bytes = receive(again_);
  const bool settled = bytes != 0 &&
                       etherbone::parse(std::span(datagram_).first(bytes), answer_) == etherbone::Fault::none &&
                       settle_one(answer_);
  if (!settled || requests_.size() > 1) send_again();
}

void EtherboneTransport::settle() {
  while (std::any_of(requests_.begin(), requests_.end(), [](const Request& request) { return request.open; }))
    take_answer();
}

/// Posted writes from `begin` on that go into one record of at most `room` words: to ascending addresses, the last one
/// effectful or not.
std::size_t EtherboneTransport::run_from(std::size_t begin, std::size_t room) const {
  std::size_t length = 1;
  while (begin + length < posted_.size() && length < room && !is_effectful(posted_[begin + length - 1].address) &&
         posted_[begin + length].address == posted_[begin + length - 1].address + 4)
    ++length;
  return length;
}

/// Carries out the posted writes, then reads; in one packet where it holds all.
void EtherboneTransport::transact(std::span<const std::uint32_t> addresses, std::span<std::uint32_t> values) {
  constexpr std::array<std::uint32_t, 1> any{HB_ID_OFFSET};
  std::array<std::byte, 4 * 8> words{};
  std::size_t done = 0;
  bool read = false;
  while (done < posted_.size() || (!addresses.empty() && !read)) {
    Request& request = begin_request();
    const auto append_reads = [&](std::span<const std::uint32_t> from) {
      request.packet.put(etherbone::number_mark | request.number);
      for (const std::uint32_t address : from) request.packet.put(base_ + address);
      request.words = from.size();
    };
    std::size_t records = 0;
    while (done < posted_.size()) {
      const std::size_t length = run_from(done, burst_);
      const std::size_t end = done + length;
      const bool effectful = is_effectful(posted_[end - 1].address);
      // The last record of the packet reads, too: what was asked for, or anything, for the answer.
      const bool all = end == posted_.size() && !addresses.empty() && length + addresses.size() <= burst_;
      const std::size_t next =
          end < posted_.size() ? record_overhead + 4 * run_from(end, burst_) + 4 * (1 + any.size()) : 0;
      const std::size_t bytes = record_overhead + 4 * length;
      const bool last = end == posted_.size() || effectful || ++records == records_ ||
                        request.packet.size() + bytes + next + 4 * (1 + addresses.size()) > etherbone::longest_request;
      const auto reads = all ? addresses : std::span<const std::uint32_t>(any);
      request.packet.record(length, last ? reads.size() : 0);
      request.packet.put(base_ + posted_[done].address);
      for (; done < end; ++done) request.packet.put(posted_[done].value);
      if (!last) continue;
      append_reads(reads);
      read = all;
      break;
    }
    if (request.words == 0) {
      request.packet.record(0, addresses.size());
      append_reads(addresses);
      read = true;
    }
    if (read) request.to = words.data();
    send(request);
    settle();
  }
  posted_.clear();
  for (std::size_t k = 0; k < addresses.size(); ++k) values[k] = get_little(words.data() + 4 * k);
}

std::uint32_t EtherboneTransport::read_word(std::uint32_t address) {
  std::uint32_t value = 0;
  transact(std::span(&address, 1), std::span(&value, 1));
  return value;
}

std::uint32_t EtherboneTransport::read32(std::uint64_t address) {
  if (!lost_.empty()) lose({});
  return is_register(address) ? read_word(static_cast<std::uint32_t>(address)) : 0;
}

void EtherboneTransport::write32(std::uint64_t address, std::uint32_t value) {
  if (!lost_.empty()) lose({});
  if (!is_register(address)) return;
  posted_.push_back({static_cast<std::uint32_t>(address), value});
  if (posted_.size() >= posted_limit) transact({}, {});
}

void EtherboneTransport::check_block(std::uint64_t address, std::uint64_t size, bool reads) const {
  if (reads && topology_bytes_ > 0 && lies_in(address, size, hb_topology_address(topology_bytes_), topology_bytes_)) {
    if (address < HB_TOPOLOGY_FAR) return;
    throw Error(HB_UNSUPPORTED, info_.uri + ": the device's list of couplers has " + std::to_string(topology_bytes_) +
                                    " bytes and lies beyond the 32 bits of bus address that Etherbone reaches; use unix: or tcp:");
  }
  check_memory_block(address, size, memory_bytes_);
  if (address + size > bus_bytes - base_)
    throw Error(HB_BAD_ARG, "block of " + std::to_string(size) + " bytes at address " + std::to_string(address) +
                                " ends beyond what 32 bits of bus address reach");
}

void EtherboneTransport::read_block(std::uint64_t address, std::span<std::byte> out) {
  check_block(address, out.size(), true);
  transact({}, {});
  auto at = static_cast<std::uint32_t>(address);
  const auto part = [&](std::size_t bytes) {
    std::array<std::byte, 4> word{};
    put_little(read_word(at & ~3u), word.data());
    std::memcpy(out.data(), word.data() + at % 4, bytes);
    at += static_cast<std::uint32_t>(bytes);
    out = out.subspan(bytes);
  };
  if (at % 4 != 0 && !out.empty()) part(std::min<std::size_t>(4 - at % 4, out.size()));
  while (out.size() >= 4) {
    Request& request = begin_request();
    request.to = out.data();
    for (std::size_t record = 0; record < records_ && out.size() >= 4; ++record) {
      const std::size_t space = etherbone::longest_request - request.packet.size();
      if (space < record_overhead + 4) break;
      const std::size_t words = std::min({burst_, (space - record_overhead) / 4, out.size() / 4});
      request.packet.record(0, words);
      add_reads(request, at, words);
      at += static_cast<std::uint32_t>(4 * words);
      out = out.subspan(4 * words);
    }
    send(request);
  }
  settle();
  if (!out.empty()) part(out.size());
}

/// Some bytes of a word, from byte `first` on.
void EtherboneTransport::write_part(std::uint32_t address, std::size_t first, std::span<const std::byte> bytes) {
  std::array<std::byte, 4> word{};
  std::memcpy(word.data() + first, bytes.data(), bytes.size());
  Request& request = begin_request();
  request.packet.record(1, 1, static_cast<std::uint8_t>(((1u << bytes.size()) - 1u) << first));
  request.packet.put(base_ + address);
  request.packet.put(get_little(word.data()));
  add_reads(request, address, 1);
  send(request);
}

void EtherboneTransport::write_block(std::uint64_t address, std::span<const std::byte> data) {
  check_block(address, data.size(), false);
  transact({}, {});
  auto at = static_cast<std::uint32_t>(address);
  if (at % 4 != 0 && !data.empty()) {
    const std::size_t bytes = std::min<std::size_t>(4 - at % 4, data.size());
    write_part(at & ~3u, at % 4, data.first(bytes));
    at += static_cast<std::uint32_t>(bytes);
    data = data.subspan(bytes);
  }
  while (data.size() >= 4) {
    Request& request = begin_request();
    // The last record reads back the last word, for the answer.
    constexpr std::size_t read_bytes = 8;
    for (std::size_t record = 1;; ++record) {
      const std::size_t space = etherbone::longest_request - read_bytes - request.packet.size() - record_overhead;
      const std::size_t words = std::min({burst_, space / 4, data.size() / 4});
      const std::size_t left = data.size() - 4 * words;
      const bool last = record == records_ || left < 4 || space - 4 * words < record_overhead + 4;
      request.packet.record(words, last);
      request.packet.put(base_ + at);
      for (std::size_t k = 0; k < words; ++k) request.packet.put(get_little(data.data() + 4 * k));
      at += static_cast<std::uint32_t>(4 * words);
      data = data.subspan(4 * words);
      if (!last) continue;
      add_reads(request, at - 4, 1);
      break;
    }
    send(request);
  }
  if (!data.empty()) write_part(at, 0, data);
  settle();
}

std::optional<std::span<std::byte>> EtherboneTransport::map(std::uint64_t address, std::uint64_t size) {
  check_block(address, size, false);
  return std::nullopt;
}

bool EtherboneTransport::wait_irq(std::uint64_t limit_ticks) {
  // Time first: an interrupt up to it is then seen.
  constexpr std::array<std::uint32_t, 5> look{HB_TIME_HI_OFFSET, HB_TIME_LO_OFFSET, HB_TIME_HI_OFFSET,
                                              HB_INTR_STATE_OFFSET, HB_INTR_ENABLE_OFFSET};
  // A wish that was there before is that of a host which waits for the end of what it has stopped.
  const bool wished_before = wish_ && wish_() != Wish::go_on;
  std::optional<std::uint64_t> began;
  std::uint64_t last = 0;
  auto stood = Clock::now();
  std::chrono::microseconds pause = shortest_break;
  for (int looks = 0;;) {
    std::array<std::uint32_t, look.size()> seen{};
    if (burst_ >= look.size()) {
      transact(look, seen);
    } else {
      for (std::size_t k = 0; k < look.size(); ++k) seen[k] = read_word(look[k]);
    }
    const auto [high, low, high_again, state, enable] = seen;
    if ((state & enable) != 0) return true;
    if (high != high_again) continue;
    const std::uint64_t now = std::uint64_t{high} << 32 | low;
    if (!began) {
      began = now;
    } else if (now != last) {
      stood = Clock::now();
    } else if (Clock::now() - stood > patience_) {
      lose("device time stood still for " + std::to_string(patience_.count()) + " ms");
    }
    last = now;
    if (now - *began >= limit_ticks || (!wished_before && wish_ && wish_() != Wish::go_on)) return false;
    if (++looks <= eager_looks) continue;
    // A break ends with the wait, by the wall clock; a device that is later than that is an emulator at work.
    const std::chrono::duration<double> left(static_cast<double>(limit_ticks - (now - *began)) * tick_seconds_);
    if (looks <= short_looks && left < pause) continue;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, longest_break);
  }
}

LinkInfo EtherboneTransport::info() const { return info_; }

}  // namespace heatbath
