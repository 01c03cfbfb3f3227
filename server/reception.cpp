#include "server/reception.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link/token_proof.hpp"
#include "server/glances.hpp"

namespace heatbath {
namespace {

using wire::Header;
using wire::Kind;

constexpr std::chrono::milliseconds alive_period{wire::alive_period_ms};
/// How long a client that was sent away may take to hear why.
constexpr std::chrono::milliseconds farewell{1000};
/// Connections that have not said hello, beside the queue, and connections in all beside both.
constexpr std::size_t greeting_limit = 64;
/// A viewer that asks for nothing for so long is sent away.
constexpr std::chrono::seconds viewer_patience{60};
/// Origins of wrong tokens that are remembered.
constexpr std::size_t most_origins = 1024;
/// How long no connection is accepted when the process has no descriptors left, or no memory.
constexpr std::chrono::milliseconds out_of_means{100};

std::vector<std::byte> frame(Kind kind, hb_status_t status, std::uint64_t value, const std::string& text) {
  Header header;
  header.kind = kind;
  header.status = static_cast<std::uint16_t>(status);
  header.value = value;
  header.length = static_cast<std::uint32_t>(text.size());
  std::vector<std::byte> bytes(sizeof header + text.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, text.data(), text.size());
  return bytes;
}

/// The other side of a connection: an address without its port, or a process; and who answers for its wrong tokens: an
/// address, of IPv6 its first half, or a user.
struct Peer {
  std::string name, origin;
};
Peer peer_of(int socket) {
  sockaddr_storage address{};
  socklen_t bytes = sizeof address;
  if (getpeername(socket, reinterpret_cast<sockaddr*>(&address), &bytes) != 0) return {};
  char text[INET6_ADDRSTRLEN] = "";
  if (address.ss_family == AF_INET) {
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address).sin_addr, text, sizeof text);
    return {text, text};
  }
  if (address.ss_family == AF_INET6) {
    const in6_addr& six = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
    inet_ntop(AF_INET6, &six, text, sizeof text);
    return {text, std::string(reinterpret_cast<const char*>(&six), sizeof six / 2)};
  }
  ucred process{};
  socklen_t size = sizeof process;
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &process, &size) != 0) return {};
  const std::string user = "user " + std::to_string(process.uid);
  return {user + ", process " + std::to_string(process.pid), user};
}

/// Sends all of it at once, or says no.
bool send_at_once(int socket, std::span<const std::byte> bytes) {
  return ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT) == static_cast<ssize_t>(bytes.size());
}

}  // namespace

Reception::Reception(FileDescriptor listener, const ServerOptions& options, const Facts& facts, std::string token)
    : listener_(std::move(listener)),
      wake_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      options_(options),
      facts_(facts),
      token_(std::move(token)),
      own_desk_(std::make_unique<ViewDesk>()),
      audit_(options.audit_file),
      journal_(options.log) {
  if (!wake_) throw std::system_error(errno, std::generic_category(), "eventfd");
  thread_ = std::thread([this] { listen(); });
}

Reception::~Reception() {
  stop();
  thread_.join();
}

void Reception::stop() noexcept {
  stop_.store(true, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
}

ServerCounters Reception::counters() const {
  const std::lock_guard lock(mutex_);
  ServerCounters counters = counters_;
  counters.busy = session_ != nullptr;
  counters.viewers = count(Stage::viewing);
  return counters;
}

std::optional<FileDescriptor> Reception::next() {
  std::unique_lock lock(mutex_);
  taken_ = false;
  for (;;) {
    if (stopping()) return std::nullopt;
    const auto first = std::find_if(visitors_.begin(), visitors_.end(),
                                    [](const Visitor& visitor) { return visitor.stage == Stage::waiting; });
    if (first != visitors_.end()) {
      FileDescriptor socket = std::move(first->socket);
      const auto waited = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - first->since);
      counters_.longest_wait_ms = std::max(counters_.longest_wait_ms, static_cast<std::uint64_t>(waited.count()));
      ++counters_.sessions;
      taken_ = true;
      session_entry_ = {.number = counters_.sessions, .peer = first->peer, .token = first->proved, .began = std::chrono::system_clock::now()};
      visitors_.erase(first);
      return socket;
    }
    called_.wait(lock);
  }
}

void Reception::begin(SessionControl& session) {
  const std::lock_guard lock(mutex_);
  session_ = &session;
  // The listening thread may have ended since this client was called.
  if (stopping()) session.verdict.store(Verdict::stopping, std::memory_order_relaxed);
  session_began_ = last_work_ = Clock::now();
  seen_work_ = 0;
}

void Reception::end(FileDescriptor socket) {
  const std::lock_guard lock(mutex_);
  session_ = nullptr;
  looking_ = 0;
  const std::uint64_t one = 1;  // a look on its desk is answered without it
  [[maybe_unused]] const ssize_t written = ::write(wake_.get(), &one, sizeof one);
  if (!socket) return;
  ::shutdown(socket.get(), SHUT_WR);
  visitors_.push_back({.socket = std::move(socket), .stage = Stage::leaving, .since = Clock::now(), .heard = {}, .peer = {}, .origin = {}, .hello = {}, .nonce = {}, .reason = {}});
}

void Reception::tell_audit(const Audit::Entry& entry) {
  if (!audit_.add(entry)) journal_.add(Entry::other, "the audit file cannot be written");
}

void Reception::note_end(const std::string& reason, bool by_server, std::uint64_t requests, std::optional<std::uint64_t> ticks) {
  const std::lock_guard lock(mutex_);
  session_entry_.ended = reason;
  session_entry_.by_server = by_server;
  session_entry_.requests = requests;
  session_entry_.ticks = ticks;
  tell_audit(session_entry_);
}

/// The audit's line of a viewer that has gone.
void Reception::say_goodbye(const Visitor& visitor) {
  if (visitor.number == 0) return;
  tell_audit({.what = "viewer", .number = visitor.number, .peer = visitor.peer, .token = visitor.proved, .began = visitor.came,
              .requests = visitor.looks, .ended = visitor.reason.empty() ? "the client closed it" : visitor.reason,
              .by_server = !visitor.reason.empty()});
}

void Reception::refuse(FileDescriptor socket, hb_status_t code, const std::string& reason) {
  note_end(reason, true, 0, {});
  const std::lock_guard lock(mutex_);
  visitors_.push_back({.socket = std::move(socket), .stage = Stage::leaving, .since = Clock::now(), .heard = {}, .peer = {}, .origin = {}, .hello = {}, .nonce = {}, .reason = {}});
  send_away(visitors_.back(), code, reason);
}

void Reception::send_away(Visitor& visitor, hb_status_t code, const std::string& reason) {
  ++counters_.refused;
  journal_.add(Entry::refusal, "refused a client: " + reason);
  send_at_once(visitor.socket.get(), frame(Kind::refused, code, 0, reason));
  // It is closed when the client has heard it: closing with unread bytes would take the reason back.
  ::shutdown(visitor.socket.get(), SHUT_WR);
  visitor.stage = Stage::leaving;
  visitor.since = Clock::now();
  visitor.reason = reason;
}

void Reception::listen() {
  next_round_ = Clock::now() + alive_period;
  std::vector<pollfd> asked;
  while (!stopping()) {
    try {
      look_around(asked);
    } catch (const std::exception& failure) {
      // Out of memory: new connections wait in the backlog.
      journal_.add(Entry::other, std::string("connections wait: ") + failure.what());
      std::this_thread::sleep_for(out_of_means);
    }
  }
  const std::lock_guard lock(mutex_);
  if (session_ != nullptr) session_->verdict.store(Verdict::stopping, std::memory_order_relaxed);
  for (Visitor& visitor : visitors_)
    if (visitor.socket && visitor.stage != Stage::leaving) send_away(visitor, HB_LINK, "the server stops");
  for (const Visitor& visitor : visitors_) say_goodbye(visitor);
  visitors_.clear();
  called_.notify_all();
}

/// Waits for something to happen or for the next round, and sees to it.
void Reception::look_around(std::vector<pollfd>& asked) {
  asked.assign({{wake_.get(), POLLIN, 0}});
  auto until = next_round_;
  {
    const std::lock_guard lock(mutex_);
    const bool accepts = Clock::now() >= accept_from_;
    if (!accepts) until = std::min(until, accept_from_);
    asked.push_back({accepts ? listener_.get() : -1, POLLIN, 0});
    const bool watch = session_ != nullptr && session_->verdict.load(std::memory_order_relaxed) == Verdict::none;
    asked.push_back({watch ? session_->socket : -1, POLLRDHUP, 0});
    for (const Visitor& visitor : visitors_) {
      const short events = visitor.stage == Stage::waiting || visitor.asks ? POLLRDHUP : POLLIN;
      asked.push_back({visitor.socket.get(), events, 0});
    }
  }
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now());
  if (::poll(asked.data(), asked.size(), static_cast<int>(std::max<std::int64_t>(0, left.count() + 1))) < 0)
    for (pollfd& ask : asked) ask.revents = 0;
  if ((asked[0].revents & POLLIN) != 0) {
    std::uint64_t rung = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_.get(), &rung, sizeof rung);
  }
  const std::lock_guard lock(mutex_);
  if (session_ != nullptr && session_->socket == asked[2].fd && (asked[2].revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0)
    session_->verdict.store(Verdict::gone, std::memory_order_relaxed);
  for (auto visitor = visitors_.begin(); visitor != visitors_.end();) {
    const auto answer = std::find_if(asked.begin() + 3, asked.end(),
                                     [&](const pollfd& ask) { return ask.fd == visitor->socket.get(); });
    const short events = answer == asked.end() ? short{0} : answer->revents;
    if (events != 0) hear(*visitor);
    const auto limit = visitor->stage == Stage::greeting ? options_.handshake_limit : farewell;
    if (visitor->stage == Stage::greeting && Clock::now() - visitor->since > limit)
      send_away(*visitor, HB_TIMEOUT, std::string(visitor->nonce ? "no proof of the token" : "no hello") + " within " + std::to_string(limit.count()) + " ms");
    if (visitor->stage == Stage::viewing && !visitor->asks && Clock::now() - visitor->since > viewer_patience)
      send_away(*visitor, HB_TIMEOUT, "a viewer that looks at nothing");
    const bool left_us = !visitor->socket || (visitor->stage == Stage::leaving && Clock::now() - visitor->since > limit);
    if (left_us) say_goodbye(*visitor);
    visitor = left_us ? visitors_.erase(visitor) : std::next(visitor);
  }
  serve_viewers();
  if ((asked[1].revents & POLLIN) != 0) accept_all();
  if (Clock::now() < next_round_) return;
  next_round_ = Clock::now() + alive_period;
  tell_position();
  watch_session();
  journal_.turn_over();
}

/// Visitors at a stage, of one peer or of all.
std::size_t Reception::count(Stage stage, const std::string* peer) const {
  return static_cast<std::size_t>(std::count_if(visitors_.begin(), visitors_.end(), [&](const Visitor& visitor) {
    return visitor.stage == stage && (peer == nullptr || visitor.peer == *peer);
  }));
}

/// The first or last visitor at a stage of the peer that has most there.
Reception::Visitors::iterator Reception::from_largest_peer(Stage stage, bool last) {
  auto found = visitors_.end();
  std::size_t most = 0;
  for (auto visitor = visitors_.begin(); visitor != visitors_.end(); ++visitor) {
    if (visitor->stage != stage) continue;
    const std::size_t own = count(stage, &visitor->peer);
    if (own > most || (last && own == most && found->peer == visitor->peer)) {
      most = own;
      found = visitor;
    }
  }
  return found;
}

void Reception::accept_all() {
  constexpr int at_once = 256;
  for (int k = 0; k < at_once; ++k) {
    pollfd ask{listener_.get(), POLLIN, 0};
    if (::poll(&ask, 1, 0) <= 0) return;
    FileDescriptor socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) {
      const int error = errno;
      if (error != EMFILE && error != ENFILE && error != ENOMEM && error != ENOBUFS) return;
      // The connection waits in the backlog until a silent one is closed.
      journal_.add(Entry::other, std::string("connections wait: ") + std::strerror(error));
      if (const auto oldest = from_largest_peer(Stage::greeting, false); oldest != visitors_.end()) {
        send_away(*oldest, HB_BUSY, "the server has no room for connections that say nothing; try again");
        visitors_.erase(oldest);
      } else {
        accept_from_ = Clock::now() + out_of_means;
        return;
      }
      continue;
    }
    Peer peer = peer_of(socket.get());
    visitors_.push_back({.socket = std::move(socket), .stage = Stage::greeting, .since = Clock::now(), .heard = {}, .peer = std::move(peer.name), .origin = std::move(peer.origin), .hello = {}, .nonce = {}, .reason = {}});
    if (count(Stage::greeting) > greeting_limit)
      send_away(*from_largest_peer(Stage::greeting, false), HB_BUSY, "too many connections that say nothing; try again");
    // Those that do not hear why they are sent away do not keep descriptors.
    if (count(Stage::leaving) > greeting_limit)
      visitors_.erase(std::find_if(visitors_.begin(), visitors_.end(),
                                   [](const Visitor& visitor) { return visitor.stage == Stage::leaving; }));
  }
}

/// A full queue: a place of the peer that has most of them, for a client of one that has fewer.
bool Reception::make_room_in_line(Visitor& visitor) {
  const auto last = from_largest_peer(Stage::waiting, true);
  if (last == visitors_.end() || count(Stage::waiting, &last->peer) <= count(Stage::waiting, &visitor.peer) + 1) return false;
  send_away(*last, HB_BUSY, "the queue is full, and others have fewer clients in it; try later");
  return true;
}

/// Bytes that `heard`, the begin of a frame, lacks to its header, or where that has come to its end.
std::size_t Reception::missing_of_frame(std::span<const std::byte> heard) {
  if (heard.size() < sizeof(Header)) return sizeof(Header) - heard.size();
  Header header;
  std::memcpy(&header, heard.data(), sizeof header);
  return sizeof header + header.length - heard.size();
}

/// Takes what a visitor sent, or notes that it left.
void Reception::hear(Visitor& visitor) {
  std::byte buffer[4096];
  if (visitor.stage == Stage::waiting || visitor.asks) {
    visitor.socket = FileDescriptor();
    return;
  }
  if (visitor.stage == Stage::viewing) return hear_look(visitor);
  const bool greeting = visitor.stage == Stage::greeting;
  // Never beyond the hello: what follows belongs to the session.
  std::size_t wanted = sizeof buffer;
  if (greeting) {
    wanted = missing_of_frame(visitor.heard);
  }
  const ssize_t got = ::recv(visitor.socket.get(), buffer, std::min(wanted, sizeof buffer), MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
    visitor.socket = FileDescriptor();
    return;
  }
  if (got < 0 || !greeting) return;
  visitor.heard.insert(visitor.heard.end(), buffer, buffer + got);
  if (visitor.heard.size() >= sizeof(Header)) judge(visitor);
}

void Reception::judge(Visitor& visitor) {
  if (visitor.nonce) return judge_proof(visitor);
  Header header;
  std::memcpy(&header, visitor.heard.data(), sizeof header);
  if (header.magic != wire::frame_magic || header.kind != Kind::hello)
    return send_away(visitor, HB_BAD_ARG, "this is a Heatbath server; a connection begins with a hello frame");
  if (header.length < sizeof(wire::Hello) || header.length > wire::max_hello)
    return send_away(visitor, HB_BAD_ARG, "a hello of " + std::to_string(header.length) + " bytes; it has " +
                                              std::to_string(sizeof(wire::Hello)) + ".." + std::to_string(wire::max_hello));
  if (visitor.heard.size() < sizeof header + header.length) return;
  wire::Hello hello;
  std::memcpy(&hello, visitor.heard.data() + sizeof header, sizeof hello);
  if (hello.version != wire::protocol_version)
    return send_away(visitor, HB_DEVICE, "protocol version " + std::to_string(hello.version) + "; this server speaks " +
                                             std::to_string(wire::protocol_version) + ": update the older one of the two");
  if (header.length != sizeof hello)
    return send_away(visitor, HB_BAD_ARG, "a hello of " + std::to_string(header.length) + " bytes; in this version it has " + std::to_string(sizeof hello));
  const wire::Welcome& welcome = facts_.welcome;
  if (hello.map_major != welcome.map_major)
    return send_away(visitor, HB_DEVICE, "register map " + std::to_string(hello.map_major) + ".x; the device has " +
                                             std::to_string(welcome.map_major) + "." + std::to_string(welcome.map_minor));
  if (hello.role != wire::Role::owner && hello.role != wire::Role::viewer)
    return send_away(visitor, HB_BAD_ARG, "role " + std::to_string(static_cast<int>(hello.role)) + "; it is 0, to have the device, or 1, to look on");
  visitor.hello = hello;
  visitor.heard.clear();
  if (token_.empty()) return admit(visitor);
  if (tries_of(visitor.origin).wrong >= options_.wrong_tokens)
    return send_away(visitor, HB_BUSY, "too many wrong tokens came from there; try again in a minute");
  visitor.nonce = fresh_nonce();
  const std::string nonce(reinterpret_cast<const char*>(visitor.nonce->data()), visitor.nonce->size());
  if (!send_at_once(visitor.socket.get(), frame(Kind::challenge, HB_OK, 0, nonce))) visitor.socket = FileDescriptor();
}

/// How often an origin was wrong of late.
Reception::Tries& Reception::tries_of(const std::string& origin) {
  const auto now = Clock::now();
  std::erase_if(tries_, [&](const auto& one) { return now - one.second.since > options_.wrong_token_time; });
  if (tries_.size() >= most_origins && !tries_.contains(origin))
    tries_.erase(std::min_element(tries_.begin(), tries_.end(), [](const auto& a, const auto& b) { return a.second.since < b.second.since; }));
  return tries_.try_emplace(origin, Tries{0, now}).first->second;
}

void Reception::judge_proof(Visitor& visitor) {
  Header header;
  std::memcpy(&header, visitor.heard.data(), sizeof header);
  wire::Proof proof;
  if (header.magic != wire::frame_magic || header.kind != Kind::proof || header.length != proof.size())
    return send_away(visitor, HB_BAD_ARG, "the answer to a challenge is a proof of " + std::to_string(proof.size()) + " bytes");
  if (visitor.heard.size() < sizeof header + proof.size()) return;
  std::memcpy(proof.data(), visitor.heard.data() + sizeof header, proof.size());
  Tries& tries = tries_of(visitor.origin);
  // Several may have been challenged before one of them was wrong.
  const bool heard = tries.wrong < options_.wrong_tokens;
  if (!heard || !same_proof(proof, token_proof(token_, *visitor.nonce, visitor.hello))) {
    ++tries.wrong;
    tell_audit({.what = "refused", .peer = visitor.peer, .began = visitor.came, .ended = "wrong token", .by_server = true});
    return send_away(visitor, heard ? HB_BAD_ARG : HB_BUSY, heard ? "the token is wrong" : "too many wrong tokens came from there; try again in a minute");
  }
  visitor.proved = true;
  visitor.heard.clear();
  admit(visitor);
}

/// Who has said all it must: into the line, or to the viewers.
void Reception::admit(Visitor& visitor) {
  if (visitor.hello.role == wire::Role::viewer) return let_look_on(visitor);
  const std::size_t waiting = count(Stage::waiting);
  if (waiting >= options_.queue_limit + (taken_ ? 0u : 1u) && !make_room_in_line(visitor))
    return send_away(visitor, HB_BUSY,
                     options_.queue_limit == 0 ? "another client has the device, and this server keeps no queue; try later"
                                               : std::to_string(waiting) + " clients wait, more than this server keeps; try later");
  visitor.stage = Stage::waiting;
  visitor.since = Clock::now();
  visitor.heard = {};
  called_.notify_one();
}

void Reception::let_look_on(Visitor& visitor) {
  if (options_.viewer_limit == 0) return send_away(visitor, HB_UNSUPPORTED, "nobody may look on at this server");
  if (count(Stage::viewing) >= options_.viewer_limit)
    return send_away(visitor, HB_BUSY, std::to_string(options_.viewer_limit) + " viewers look on, as many as this server lets; try later");
  std::vector<std::byte> welcome = frame(Kind::welcome, HB_OK, 0, std::string(sizeof facts_.welcome, '\0') + facts_.device);
  std::memcpy(welcome.data() + sizeof(Header), &facts_.welcome, sizeof facts_.welcome);
  if (!send_at_once(visitor.socket.get(), welcome)) {
    visitor.socket = FileDescriptor();
    return;
  }
  visitor.stage = Stage::viewing;
  visitor.since = Clock::now();
  visitor.number = ++viewers_;
  visitor.heard = {};
}

/// Takes of a look what has come. A viewer that sends anything else is sent away.
void Reception::hear_look(Visitor& visitor) {
  std::byte buffer[sizeof(Header) + wire::max_glances * sizeof(wire::Glance)];
  const std::size_t wanted = missing_of_frame(visitor.heard);
  const ssize_t got = ::recv(visitor.socket.get(), buffer, std::min(wanted, sizeof buffer), MSG_DONTWAIT);
  if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
    visitor.socket = FileDescriptor();
    return;
  }
  if (got < 0) return;
  visitor.heard.insert(visitor.heard.end(), buffer, buffer + got);
  if (visitor.heard.size() < sizeof(Header)) return;
  Header header;
  std::memcpy(&header, visitor.heard.data(), sizeof header);
  if (header.magic != wire::frame_magic) return send_away(visitor, HB_BAD_ARG, "what it sent is no frame of this protocol");
  if (header.kind != Kind::look)
    return send_away(visitor, HB_UNSUPPORTED, "a viewer looks and does nothing else: a frame of kind " + std::to_string(static_cast<int>(header.kind)));
  if (header.length % sizeof(wire::Glance) != 0 || header.length > wire::max_glances * sizeof(wire::Glance))
    return send_away(visitor, HB_BAD_ARG, "a look of " + std::to_string(header.length) + " bytes; it has 0 to " +
                                              std::to_string(wire::max_glances) + " ranges of " + std::to_string(sizeof(wire::Glance)));
  if (visitor.heard.size() < sizeof header + header.length) return;
  visitor.looked = header.id;
  visitor.asks = true;
}

/// Sends a viewer the answer to its look. False when it does not take it: then it has left.
bool Reception::show(Visitor& visitor, const ViewDesk& answer, std::uint64_t session) {
  Header header;
  header.kind = Kind::reply;
  header.status = static_cast<std::uint16_t>(answer.status);
  header.id = visitor.looked;
  header.length = answer.bytes;
  header.ticks = answer.ticks;
  header.value = session;
  std::vector<std::byte> bytes(sizeof header + answer.bytes);
  std::memcpy(bytes.data(), &header, sizeof header);
  std::memcpy(bytes.data() + sizeof header, answer.data.data(), answer.bytes);
  visitor.asks = false;
  visitor.heard.clear();
  visitor.since = Clock::now();
  ++counters_.looks;
  ++visitor.looks;
  if (send_at_once(visitor.socket.get(), bytes)) return true;
  visitor.socket = FileDescriptor();
  return false;
}

/// Takes the answer from the desk of the session, and lays the next look onto it.
void Reception::serve_viewers() {
  const auto put = [](const Visitor& visitor, ViewDesk& desk) {
    desk.glances = static_cast<std::uint32_t>((visitor.heard.size() - sizeof(Header)) / sizeof(wire::Glance));
    std::memcpy(desk.list.data(), visitor.heard.data() + sizeof(Header), desk.glances * sizeof(wire::Glance));
  };
  const auto next = [this] {
    return std::find_if(visitors_.begin(), visitors_.end(), [](const Visitor& visitor) { return visitor.asks && visitor.socket; });
  };
  if (session_ == nullptr) {
    for (auto visitor = next(); visitor != visitors_.end(); visitor = next()) {
      put(*visitor, *own_desk_);
      answer_look(*own_desk_, facts_.registers, facts_.welcome.memory_bytes);
      show(*visitor, *own_desk_, 0);
    }
    return;
  }
  ViewDesk& desk = session_->desk;
  if (desk.state.load(std::memory_order_acquire) == ViewDesk::State::answered) {
    const auto visitor = std::find_if(visitors_.begin(), visitors_.end(), [this](const Visitor& one) { return one.number == looking_; });
    if (looking_ != 0 && visitor != visitors_.end() && visitor->asks && visitor->socket) {
      // A session of another process may write what it likes there.
      if (desk.bytes > desk.data.size()) desk.refuse(HB_DEVICE, "the session answered what cannot be");
      show(*visitor, desk, counters_.sessions);
      visitors_.splice(visitors_.end(), visitors_, visitor);  // others first
    }
    looking_ = 0;
    desk.state.store(ViewDesk::State::empty, std::memory_order_relaxed);
  }
  if (desk.state.load(std::memory_order_relaxed) != ViewDesk::State::empty) return;
  if (const auto visitor = next(); visitor != visitors_.end()) {
    put(*visitor, desk);
    looking_ = visitor->number;
    desk.state.store(ViewDesk::State::asked, std::memory_order_release);
  }
}

void Reception::tell_position() {
  std::uint64_t before = session_ != nullptr ? 1 : 0;
  for (Visitor& visitor : visitors_) {
    if (visitor.stage != Stage::waiting) continue;
    if (!send_at_once(visitor.socket.get(), frame(Kind::queued, HB_OK, before, {}))) visitor.socket = FileDescriptor();
    ++before;
  }
  visitors_.remove_if([](const Visitor& visitor) { return !visitor.socket; });
}

/// Limits of the running session, and its signs of life.
void Reception::watch_session() {
  if (session_ == nullptr || session_->verdict.load(std::memory_order_relaxed) != Verdict::none) return;
  const auto now = Clock::now();
  const std::uint64_t work = session_->work.load(std::memory_order_relaxed);
  const bool at_work = work % 2 == 1;
  if (work != seen_work_ || at_work) last_work_ = now;
  seen_work_ = work;
  const bool others = std::any_of(visitors_.begin(), visitors_.end(),
                                  [](const Visitor& visitor) { return visitor.stage == Stage::waiting; });
  const auto over = [&](std::chrono::milliseconds limit, Clock::time_point from) {
    return others && limit.count() != 0 && now - from > limit;
  };
  if (over(options_.session_limit, session_began_)) {
    session_->verdict.store(Verdict::session_limit, std::memory_order_relaxed);
  } else if (over(options_.idle_limit, last_work_)) {
    session_->verdict.store(Verdict::idle_limit, std::memory_order_relaxed);
  }
  if (session_->channel != nullptr && session_->rings != nullptr) {
    session_->rings->pulse.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (!at_work || session_->channel == nullptr) return;
  const std::unique_lock sending(session_->sending, std::try_to_lock);
  if (!sending || !session_->unsent.empty()) return;
  std::vector<std::byte> sign = frame(Kind::alive, HB_OK, 0, {});
  Header header;
  std::memcpy(&header, sign.data(), sizeof header);
  header.ticks = session_->ticks.load(std::memory_order_relaxed);
  std::memcpy(sign.data(), &header, sizeof header);
  try {
    const std::size_t sent = session_->channel->send(sign, {}, false);
    if (sent != 0) session_->unsent.assign(sign.begin() + static_cast<std::ptrdiff_t>(sent), sign.end());
  } catch (const Channel::Lost&) {
    session_->verdict.store(Verdict::gone, std::memory_order_relaxed);
  }
}

}  // namespace heatbath
