#include "server/session.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <utility>

#include <unistd.h>

#include "heatbath/error.hpp"
#include "heatbath/observable.hpp"
#include "heatbath/regs.h"
#include "server/glances.hpp"

namespace heatbath {
namespace {

using wire::Header;
using wire::Kind;
using Clock = std::chrono::steady_clock;

constexpr std::size_t receive_bytes = std::size_t{256} << 10;
/// Replies and blocks below this are gathered; larger blocks are sent from where they lie.
constexpr std::size_t gather_bytes = std::size_t{32} << 10;

// A wait is made in slices of a few milliseconds of work, between which the session may end.
constexpr std::uint64_t first_slice = 1u << 16;
constexpr std::chrono::milliseconds short_slice{2}, long_slice{20};

/// A client that takes nothing for so long is as good as dead.
constexpr std::chrono::seconds slowest_reader{30};

/// Showing the device to viewers takes a twentieth of the session's time at most: after a look they wait 19 times as long
/// as it took.
constexpr int rest_after_look = 19;

/// The client broke the protocol.
struct Malformed {
  std::string what;
};
/// The session has to end.
struct Over {
  Verdict verdict;
};

}  // namespace

Session::Session(Channel& channel, SessionControl& control, Transport& transport, Pacer* pacer, std::uint64_t memory_bytes)
    : channel_(channel),
      control_(control),
      transport_(transport),
      interruptible_(dynamic_cast<Interruptible*>(&transport)),
      pacer_(pacer),
      memory_bytes_(memory_bytes),
      in_(receive_bytes),
      slice_(first_slice) {
  try {
    memory_ = transport_.map(HB_MEMORY_BASE, memory_bytes_);
  } catch (const Error&) {
    // Then blocks go through the transport, which reports what is wrong.
  }
  if (interruptible_ != nullptr) interruptible_->ask([this] { return asked_to_stop() ? Wish::stop : Wish::go_on; });
}

Session::~Session() {
  if (interruptible_ != nullptr) interruptible_->ask({});
}

std::uint64_t Session::ticks() const {
  return transport_.device_ticks().value_or(wire::unknown_ticks);
}

std::string Session::run() {
  std::string reason = "the client closed it";
  struct LastTicks {  // for the audit
    Session& session;
    ~LastTicks() { session.control_.ticks.store(session.ticks(), std::memory_order_relaxed); }
  } const last{*this};
  try {
    serve();
  } catch (const Channel::Lost&) {
  } catch (const Malformed& malformed) {
    reason = malformed.what;
    ended_by_server_ = true;
    last_words(HB_BAD_ARG, reason);
  } catch (const Over& over) {
    ended_by_server_ = over.verdict != Verdict::gone;
    switch (over.verdict) {
      case Verdict::stopping: reason = "the server stops"; break;
      case Verdict::session_limit: reason = "others wait, and its time was over; connect again to queue"; break;
      case Verdict::idle_limit: reason = "others wait, and it was idle for too long; connect again to queue"; break;
      default: break;
    }
    if (ended_by_server_) last_words(HB_BUSY, reason);
  }
  return reason;
}

void Session::look_at_verdict() const {
  const Verdict verdict = control_.verdict.load(std::memory_order_relaxed);
  if (verdict != Verdict::none) throw Over{verdict};
}

/// Asked while the device works: the session is over, or the client has sent break_off, which is for all requests
/// before it.
bool Session::asked_to_stop() {
  control_.ticks.store(ticks(), std::memory_order_relaxed);
  if (control_.channel == nullptr) show_life();
  if (broken_off_ || control_.verdict.load(std::memory_order_relaxed) != Verdict::none) return true;
  try {
    if (end_ - begin_ < receive_bytes / 2 && channel_.readable()) fill();
  } catch (const Channel::Lost&) {
    control_.verdict.store(Verdict::gone, std::memory_order_relaxed);
    return true;
  }
  for (std::size_t at = begin_; at < end_ && end_ - at >= sizeof(Header);) {
    Header next;
    std::memcpy(&next, in_.data() + at, sizeof next);
    if (next.magic != wire::frame_magic) break;
    broken_off_ = broken_off_ || next.kind == Kind::break_off;
    at += sizeof next + next.length;
  }
  return broken_off_;
}

/// Answers a look that waits on the desk. Nothing of the device changes.
void Session::show() {
  ViewDesk& desk = control_.desk;
  if (desk.state.load(std::memory_order_acquire) != ViewDesk::State::asked) return;
  const auto began = Clock::now();
  if (began < next_show_) return;
  answer_look(desk, dynamic_cast<Observable*>(&transport_), memory_);
  desk.ticks = ticks();
  desk.state.store(ViewDesk::State::answered, std::memory_order_release);
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(control_.bell, &one, sizeof one);
  const auto done = Clock::now();
  next_show_ = done + rest_after_look * (done - began);
}

/// A sign of life, in the place of the listening thread's.
void Session::show_life() {
  const auto now = Clock::now();
  if (now - shown_ < std::chrono::milliseconds(wire::alive_period_ms)) return;
  shown_ = now;
  if (control_.rings != nullptr) {
    control_.rings->pulse.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  if (torn_ || !control_.unsent.empty()) return;
  Header sign;
  sign.kind = Kind::alive;
  sign.ticks = ticks();
  const auto bytes = std::as_bytes(std::span(&sign, 1));
  try {
    const std::size_t sent = channel_.send(bytes, {}, false);
    if (sent != 0) control_.unsent.assign(bytes.begin() + static_cast<std::ptrdiff_t>(sent), bytes.end());
  } catch (const Channel::Lost&) {
    control_.verdict.store(Verdict::gone, std::memory_order_relaxed);
  }
}

/// Receives what there is behind in_[end_). Returns the bytes; 0 when patience ended.
std::size_t Session::fill() {
  if (begin_ == end_) begin_ = end_ = 0;
  if (end_ == in_.size()) {
    std::memmove(in_.data(), in_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const std::size_t got = channel_.receive(std::span(in_).subspan(end_));
  end_ += got;
  return got;
}

void Session::receive(std::span<std::byte> out) {
  const std::size_t there = std::min(out.size(), end_ - begin_);
  std::memcpy(out.data(), in_.data() + begin_, there);
  begin_ += there;
  out = out.subspan(there);
  while (!out.empty()) {
    out = out.subspan(channel_.receive(out));
    look_at_verdict();
  }
}

void Session::serve() {
  for (;;) {
    while (end_ - begin_ < sizeof(Header)) {
      if (!out_.empty()) flush();
      if (fill() == 0 && pacer_ != nullptr) pacer_->catch_up();
      show();
      look_at_verdict();
    }
    Header request;
    std::memcpy(&request, in_.data() + begin_, sizeof request);
    begin_ += sizeof request;
    if (request.magic != wire::frame_magic) throw Malformed{"what it sent is no frame of this protocol"};
    if (request.length > wire::max_payload)
      throw Malformed{"a frame of " + std::to_string(request.length) + " bytes; it may have " +
                      std::to_string(wire::max_payload)};
    if (request.length != 0 && request.kind != Kind::write_block)
      throw Malformed{"payload in a frame of kind " + std::to_string(static_cast<int>(request.kind)) + ", which has none"};
    if (request.kind == Kind::break_off) {  // what it was meant for is done
      broken_off_ = false;
      continue;
    }
    if (request.id != last_id_ + 1 && !(request.id == 1 && last_id_ == ~std::uint32_t{0}))
      throw Malformed{"request " + std::to_string(request.id) + " after request " + std::to_string(last_id_)};
    last_id_ = request.id;
    control_.work.store(++work_, std::memory_order_relaxed);
    if (pacer_ != nullptr) pacer_->catch_up();
    execute(request);
    show();
    control_.work.store(++work_, std::memory_order_relaxed);
  }
}

template <typename Access>
Session::Failure Session::guarded(Access&& access) {
  try {
    access();
    return {};
  } catch (const Error& error) {
    return {error.code(), error.what()};
  } catch (const std::exception& other) {
    return {HB_LINK, std::string("the server's link to the device failed: ") + other.what()};
  }
}

void Session::execute(const Header& request) {
  Header reply;
  reply.kind = Kind::reply;
  reply.id = request.id;
  Failure failure;
  switch (request.kind) {
    case Kind::write32:
      if (posted_.code == HB_OK)
        posted_ = guarded([&] { transport_.write32(request.address, static_cast<std::uint32_t>(request.value)); });
      if (pacer_ != nullptr) hold();
      return;
    case Kind::write_block: write_block(request); return;
    case Kind::read32:
    case Kind::wait_irq:
      if (posted_.code != HB_OK) {
        failure = std::exchange(posted_, {});
      } else {
        failure = guarded([&] {
          reply.value = request.kind == Kind::read32 ? transport_.read32(request.address) : wait_irq(request.value);
        });
        if (pacer_ != nullptr && request.kind == Kind::read32) hold();
      }
      break;
    case Kind::read_block:
      if (request.value > wire::max_payload)
        throw Malformed{"a read of " + std::to_string(request.value) + " bytes; it may have " +
                        std::to_string(wire::max_payload)};
      if (posted_.code == HB_OK) {
        read_block(request, reply);
        return;
      }
      failure = std::exchange(posted_, {});
      break;
    default: throw Malformed{"a frame of kind " + std::to_string(static_cast<int>(request.kind)) + ", which is no request"};
  }
  reply.ticks = ticks();
  if (failure.code == HB_OK) {
    append(reply);
    return;
  }
  reply.status = static_cast<std::uint16_t>(failure.code);
  append(reply, std::as_bytes(std::span(failure.message)));
}

void Session::write_block(const Header& request) {
  const std::uint64_t offset = request.address - HB_MEMORY_BASE;
  if (memory_ && request.address >= HB_MEMORY_BASE && offset <= memory_->size() &&
      request.length <= memory_->size() - offset && posted_.code == HB_OK) {
    receive(memory_->subspan(offset, request.length));
    return;
  }
  staging_.resize(request.length);
  receive(staging_);
  if (posted_.code == HB_OK) posted_ = guarded([&] { transport_.write_block(request.address, staging_); });
}

void Session::read_block(const Header& request, Header& reply) {
  const std::uint64_t offset = request.address - HB_MEMORY_BASE;
  const std::size_t bytes = static_cast<std::size_t>(request.value);
  std::span<const std::byte> data;
  Failure failure;
  if (memory_ && request.address >= HB_MEMORY_BASE && offset <= memory_->size() && bytes <= memory_->size() - offset) {
    data = memory_->subspan(offset, bytes);
  } else {
    staging_.resize(bytes);
    failure = guarded([&] { transport_.read_block(request.address, staging_); });
    data = failure.code == HB_OK ? std::span<const std::byte>(staging_) : std::as_bytes(std::span(failure.message));
  }
  reply.status = static_cast<std::uint16_t>(failure.code);
  reply.ticks = ticks();
  append(reply, data);
}

bool Session::wait_irq(std::uint64_t limit_ticks) {
  slice_ = std::min(slice_, first_slice);
  if (pacer_ != nullptr) slice_ = pacer_->period_ticks();
  for (std::uint64_t left = limit_ticks;;) {
    const std::uint64_t slice = std::min(left, slice_);
    const auto began = Clock::now();
    if (transport_.wait_irq(slice)) {
      if (pacer_ != nullptr) hold();
      return true;
    }
    left -= slice;
    if (pacer_ != nullptr) hold();
    if (left == 0 || broken_off_) return false;
    control_.ticks.store(ticks(), std::memory_order_relaxed);
    show();
    look_at_verdict();
    if (pacer_ != nullptr) continue;
    const auto took = Clock::now() - began;
    if (took < short_slice && slice_ < std::uint64_t{1} << 60) slice_ *= 2;
    if (took > long_slice) slice_ = std::max<std::uint64_t>(1, slice_ / 2);
  }
}

void Session::hold() {
  pacer_->hold([this] { return asked_to_stop(); });
}

void Session::append(const Header& header, std::span<const std::byte> payload) {
  Header framed = header;
  framed.length = static_cast<std::uint32_t>(payload.size());
  const auto bytes = std::as_bytes(std::span(&framed, 1));
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  if (payload.size() > gather_bytes) return flush(payload);
  out_.insert(out_.end(), payload.begin(), payload.end());
  if (out_.size() > gather_bytes) flush();
}

void Session::flush(std::span<const std::byte> body) {
  std::unique_lock lock(control_.sending, std::defer_lock);
  if (control_.rings == nullptr) lock.lock();  // into rings nobody else sends
  if (!control_.unsent.empty()) {
    out_.insert(out_.begin(), control_.unsent.begin(), control_.unsent.end());
    control_.unsent.clear();
  }
  std::span<const std::byte> head(out_);
  torn_ = true;
  auto progress = Clock::time_point::max();  // set when the client lags
  while (!head.empty() || !body.empty()) {
    const std::size_t sent = channel_.send(head, body, true);
    if (sent == 0) {
      look_at_verdict();
      if (progress == Clock::time_point::max()) progress = Clock::now();
      if (Clock::now() - progress > slowest_reader) throw Over{Verdict::idle_limit};
      continue;
    }
    progress = Clock::time_point::max();
    const std::size_t of_head = std::min(sent, head.size());
    head = head.subspan(of_head);
    body = body.subspan(sent - of_head);
  }
  torn_ = false;
  out_.clear();
}

/// Tells the client why the session ends, if it takes it at once.
void Session::last_words(hb_status_t code, const std::string& reason) {
  Header header;
  header.kind = Kind::ended;
  header.status = static_cast<std::uint16_t>(code);
  header.ticks = ticks();
  header.length = static_cast<std::uint32_t>(reason.size());
  const std::lock_guard lock(control_.sending);
  // After a frame that was sent in part nothing can be said.
  if (torn_ || !control_.unsent.empty()) return;
  const auto bytes = std::as_bytes(std::span(&header, 1));
  out_.insert(out_.end(), bytes.begin(), bytes.end());
  try {
    channel_.send(out_, std::as_bytes(std::span(reason)), false);
  } catch (const Channel::Lost&) {
    // The client has gone.
  }
}

}  // namespace heatbath
