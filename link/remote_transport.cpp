#include "link/patience.hpp"
#include "link/remote_transport.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/regs.h"
#include "heatbath/topology.h"
#include "link/block_range.hpp"
#include "link/socket_address.hpp"
#include "link/token_proof.hpp"

namespace heatbath {
namespace {

using wire::Header;
using wire::Kind;

constexpr std::chrono::milliseconds shortest_patience{2 * wire::alive_period_ms};
/// How long a server may take to answer a request to stop. The short one is for servers that cannot be asked: they may
/// be busy.
constexpr std::chrono::milliseconds usual_farewell{1000}, short_farewell{250};
constexpr std::size_t gather_bytes = std::size_t{64} << 10;
constexpr std::uint32_t longest_text = 4096;
constexpr std::size_t longest_token_file = std::size_t{64} << 10;

template <typename Value>
std::span<const std::byte> bytes_of_value(const Value& value) {
  return std::as_bytes(std::span(&value, 1));
}

}  // namespace

std::string read_token(const std::string& file) {
  std::string token;
  try {
    const std::string text = numerics::read_text_file(file, longest_token_file);
    numerics::TextLines lines(text);
    lines.next();
    token = lines.line();
  } catch (const numerics::UnreadableFile& unreadable) {
    throw Error(HB_IO, "token file " + file + ": " + unreadable.what() + "; it holds the token in its first line");
  }
  if (token.size() < wire::min_token || token.size() > wire::max_token)
    throw Error(HB_BAD_ARG, "token file " + file + ": the token has " + std::to_string(token.size()) + " bytes; it needs " +
                                std::to_string(wire::min_token) + ".." + std::to_string(wire::max_token));
  return token;
}

RemoteTransport::RemoteTransport(const Uri& uri, wire::Role role) {
  const std::string& text = uri_ = uri.text;
  patience_ = uri.milliseconds("link_timeout_ms", usual_patience);
  if (patience_ < shortest_patience)
    throw Error(HB_BAD_ARG, "device URI '" + text + "': link_timeout_ms is " + std::to_string(patience_.count()) +
                                "; a server shows that it is alive every " + std::to_string(wire::alive_period_ms) +
                                " ms, so it needs " + std::to_string(shortest_patience.count()) + " or more");
  const std::string token = uri.keys.contains("token_file") ? read_token(uri.get("token_file")) : std::string{};
  FileDescriptor socket;
  try {
    socket = connect_to(socket_address(uri.scheme, uri.address), patience_);
  } catch (const std::system_error& failure) {
    lose("cannot connect: " + numerics::system_words(failure.code().value()) + "; is `heatbath serve` listening there?");
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, "device URI '" + text + "': " + wrong.what());
  }
  begin_session(std::move(socket), role, token, uri.milliseconds("queue_timeout_ms", usual_queue_limit));
}

RemoteTransport::~RemoteTransport() = default;

void RemoteTransport::begin_session(FileDescriptor socket, wire::Role role, const std::string& token,
                                    std::chrono::milliseconds queue_limit) {
  const int descriptor = socket.get();
  auto over_socket = std::make_unique<SocketChannel>(std::move(socket), patience_);
  channel_ = std::move(over_socket);
  wire::Hello hello;
  hello.map_major = HB_MAP_MAJOR;
  hello.map_minor = HB_MAP_MINOR;
  hello.role = role;
  hello.map_hash = HB_MAP_HASH;
  const auto say = [this](Kind kind, std::span<const std::byte> payload) {
    Header header;
    header.kind = kind;
    header.length = static_cast<std::uint32_t>(payload.size());
    post(header);
    out_.insert(out_.end(), payload.begin(), payload.end());
    flush();
  };
  say(Kind::hello, bytes_of_value(hello));

  const auto give_up = std::chrono::steady_clock::now() + queue_limit;
  for (;;) {
    const Header answer = receive_header();
    if (answer.kind == Kind::queued) {
      if (std::chrono::steady_clock::now() < give_up) continue;
      throw Error(HB_BUSY, uri_ + ": " + std::to_string(answer.value) + " session(s) are before this one after " +
                               std::to_string(queue_limit.count()) + " ms; try later, or a longer queue_timeout_ms");
    }
    if (answer.kind == Kind::challenge) {
      wire::Nonce nonce;
      if (answer.length != nonce.size()) lose("the server's challenge has " + std::to_string(answer.length) + " bytes");
      receive_exactly(nonce);
      if (token.empty()) throw Error(HB_BAD_ARG, uri_ + ": this server asks for a token; give token_file=FILE");
      say(Kind::proof, token_proof(token, nonce, hello));
      continue;
    }
    if (answer.kind == Kind::refused) {
      const std::string reason = receive_text(answer.length);
      throw Error(static_cast<hb_status_t>(answer.status), uri_ + ": refused: " + reason);
    }
    if (answer.kind != Kind::welcome || answer.length < sizeof welcome_ || answer.length > longest_text)
      lose("the server answered hello with a frame of kind " + std::to_string(static_cast<int>(answer.kind)));
    std::vector<std::byte> payload(answer.length);
    if (answer.value != 0) {
      // The rings come as a descriptor with the first byte of the payload.
      try {
        FileDescriptor rings = receive_descriptor(descriptor, payload);
        std::memcpy(&welcome_, payload.data(), sizeof welcome_);
        FileDescriptor kept = duplicate(descriptor);
        channel_ = std::make_unique<RingChannel>(RingMemory::map(std::move(rings)), std::move(kept), false, patience_);
      } catch (const std::system_error& failure) {
        lose(failure.what());
      } catch (const Channel::Lost& failure) {
        lose(failure.what());
      }
    } else {
      receive_exactly(payload);
      std::memcpy(&welcome_, payload.data(), sizeof welcome_);
    }
    served_.assign(reinterpret_cast<const char*>(payload.data()) + sizeof welcome_, payload.size() - sizeof welcome_);
    ticks_ = answer.ticks;
    return;
  }
}

void RemoteTransport::lose(const std::string& why) {
  if (lost_.empty()) {
    lost_ = uri_ + ": " + why;
    channel_.reset();
    out_.clear();
  }
  throw Error(HB_LINK, lost_, ticks_ == wire::unknown_ticks ? 0 : ticks_);
}

/// The other side may have said why before it closed.
void RemoteTransport::send_failed(const std::string& why) {
  try {
    while (channel_->readable()) {
      const Header header = receive_header();
      if (header.kind == Kind::ended) break;
      receive_text(header.length);
    }
  } catch (const Channel::Lost&) {
    // Nothing was left.
  }
  lose(why);
}

void RemoteTransport::post(const Header& header) {
  if (!lost_.empty()) lose({});
  if (out_.size() >= gather_bytes) flush();
  const auto bytes = bytes_of_value(header);
  out_.insert(out_.end(), bytes.begin(), bytes.end());
}

void RemoteTransport::flush(std::span<const std::byte> body) {
  std::span<const std::byte> head(out_);
  try {
    while (!head.empty() || !body.empty()) {
      const std::size_t sent = channel_->send(head, body);
      if (sent == 0) {
        // A server that works on an earlier write does not read, but shows that it is alive.
        if (!channel_->readable()) lose("the server took nothing for " + std::to_string(patience_.count()) + " ms");
        const Header header = receive_header();
        if (header.kind != Kind::alive) lose("the server sent a frame out of turn");
        continue;
      }
      const std::size_t of_head = std::min(sent, head.size());
      head = head.subspan(of_head);
      body = body.subspan(sent - of_head);
    }
  } catch (const Channel::Lost& failure) {
    send_failed(failure.what());
  }
  out_.clear();
}

void RemoteTransport::receive_exactly(std::span<std::byte> out) {
  try {
    while (!out.empty()) {
      const std::size_t got = channel_->receive(out);
      if (got == 0) lose("the server was silent for " + std::to_string(patience_.count()) + " ms");
      out = out.subspan(got);
    }
  } catch (const Channel::Lost& failure) {
    lose(failure.what());
  }
}

std::string RemoteTransport::receive_text(std::uint32_t length) {
  if (length > longest_text) lose("the server sent a message of " + std::to_string(length) + " bytes");
  std::string text(length, '\0');
  receive_exactly(std::as_writable_bytes(std::span(text)));
  return text;
}

Header RemoteTransport::receive_header() {
  Header header;
  receive_exactly(std::as_writable_bytes(std::span(&header, 1)));
  if (header.magic != wire::frame_magic) lose("what the server sent is no frame of this protocol");
  if (header.ticks != wire::unknown_ticks) ticks_ = header.ticks;
  if (header.kind == Kind::ended) lose("the server ended the session: " + receive_text(header.length));
  return header;
}

void RemoteTransport::ask(std::function<Wish()> wish) {
  wish_ = std::move(wish);
  if (!channel_) return;
  channel_->look_while_waiting(wish_ ? std::function<void()>([this] { look(); }) : nullptr);
}

/// While the link waits for the server.
void RemoteTransport::look() {
  if (wish_() == Wish::go_on) return;
  const auto now = std::chrono::steady_clock::now();
  const bool can = (welcome_.abilities & wire::breaks_off) != 0;
  if (stopped_at_) {
    if (now - *stopped_at_ < (can ? usual_farewell : short_farewell)) return;
    throw Channel::Lost("it was asked to stop, and the server did not come back to say so");
  }
  if (can && awaits_reply_) {
    Header header;
    header.kind = Kind::break_off;
    header.ticks = ticks_;
    const std::size_t sent = channel_->send(bytes_of_value(header), {}, false);
    if (sent == 0) return;  // at the next look
    if (sent != sizeof header) throw Channel::Lost("it was asked to stop, and the server takes nothing");
  }
  stopped_at_ = now;
}

RemoteTransport::Reply RemoteTransport::receive_reply(std::uint32_t id, std::span<std::byte> out) {
  awaits_reply_ = true;
  for (;;) {
    const Header header = receive_header();
    if (header.kind == Kind::alive && header.length == 0) continue;
    if (header.kind == Kind::refused) lose("sent away: " + receive_text(header.length));
    if (header.kind != Kind::reply || header.id != id)
      lose("the server sent a frame of kind " + std::to_string(static_cast<int>(header.kind)) + " with id " +
           std::to_string(header.id) + " where the reply to request " + std::to_string(id) + " belongs");
    Reply reply{header.status, header.value, {}};
    if (header.status != HB_OK) {
      reply.message = receive_text(header.length);
    } else if (header.length != out.size()) {
      lose("a reply carries " + std::to_string(header.length) + " bytes where " + std::to_string(out.size()) + " belong");
    } else {
      receive_exactly(out);
    }
    return reply;
  }
}

std::uint32_t RemoteTransport::request(Header header) {
  awaits_reply_ = false;
  stopped_at_.reset();
  header.id = next_id_++;
  if (next_id_ == 0) next_id_ = 1;
  header.ticks = ticks_;
  post(header);
  return header.id;
}

std::uint64_t RemoteTransport::value_of(Header header) {
  const std::uint32_t id = request(header);
  flush();
  const Reply reply = receive_reply(id, {});
  if (reply.status == HB_LINK) lose(reply.message);
  if (reply.status != HB_OK) throw Error(static_cast<hb_status_t>(reply.status), reply.message, device_ticks().value_or(0));
  return reply.value;
}

std::uint64_t RemoteTransport::look(std::span<const wire::Glance> glances, std::span<std::byte> out) {
  Header header;
  header.kind = Kind::look;
  header.length = static_cast<std::uint32_t>(glances.size_bytes());
  const std::uint32_t id = request(header);
  const auto list = std::as_bytes(glances);
  out_.insert(out_.end(), list.begin(), list.end());
  flush();
  const Reply reply = receive_reply(id, out);
  if (reply.status != HB_OK) throw Error(static_cast<hb_status_t>(reply.status), uri_ + ": " + reply.message);
  return reply.value;
}

std::uint32_t RemoteTransport::read32(std::uint64_t address) {
  Header header;
  header.kind = Kind::read32;
  header.address = address;
  return static_cast<std::uint32_t>(value_of(header));
}

void RemoteTransport::write32(std::uint64_t address, std::uint32_t value) {
  Header header;
  header.kind = Kind::write32;
  header.address = address;
  header.value = value;
  request(header);
}

void RemoteTransport::check_block(std::uint64_t address, std::uint64_t size) const {
  check_memory_block(address, size, welcome_.memory_bytes, device_ticks().value_or(0));
}

void RemoteTransport::read_block(std::uint64_t address, std::span<std::byte> out) {
  // How long the list of couplers is, the server's device knows.
  if (!lies_in(address, out.size(), HB_TOPOLOGY_BASE, HB_MEMORY_BASE - HB_TOPOLOGY_BASE) && address < HB_TOPOLOGY_FAR)
    check_block(address, out.size());
  if (!lost_.empty()) lose({});
  struct Asked {
    std::uint32_t id;
    std::span<std::byte> out;
  };
  std::vector<Asked> asked;
  std::size_t answered = 0;
  Reply failure;
  while (!out.empty() || answered < asked.size()) {
    while (!out.empty() && asked.size() - answered < wire::max_block_requests && failure.status == HB_OK) {
      const std::size_t bytes = std::min<std::size_t>(out.size(), wire::max_payload);
      Header header;
      header.kind = Kind::read_block;
      header.address = address;
      header.value = bytes;
      asked.push_back({request(header), out.first(bytes)});
      address += bytes;
      out = out.subspan(bytes);
    }
    if (answered == asked.size()) break;
    flush();
    const Reply reply = receive_reply(asked[answered].id, asked[answered].out);
    ++answered;
    if (reply.status != HB_OK && failure.status == HB_OK) failure = reply;
  }
  if (failure.status == HB_LINK) lose(failure.message);
  if (failure.status != HB_OK)
    throw Error(static_cast<hb_status_t>(failure.status), failure.message, device_ticks().value_or(0));
}

void RemoteTransport::write_block(std::uint64_t address, std::span<const std::byte> data) {
  check_block(address, data.size());
  while (!data.empty()) {
    const std::span<const std::byte> piece = data.first(std::min<std::size_t>(data.size(), wire::max_payload));
    Header header;
    header.kind = Kind::write_block;
    header.address = address;
    header.length = static_cast<std::uint32_t>(piece.size());
    request(header);
    if (piece.size() <= gather_bytes) {
      out_.insert(out_.end(), piece.begin(), piece.end());
    } else {
      flush(piece);
    }
    address += piece.size();
    data = data.subspan(piece.size());
  }
}

std::optional<std::span<std::byte>> RemoteTransport::map(std::uint64_t address, std::uint64_t size) {
  check_block(address, size);
  return std::nullopt;
}

bool RemoteTransport::wait_irq(std::uint64_t limit_ticks) {
  Header header;
  header.kind = Kind::wait_irq;
  header.value = limit_ticks;
  return value_of(header) != 0;
}

LinkInfo RemoteTransport::info() const { return {uri_, "served device: " + served_}; }

std::optional<std::uint64_t> RemoteTransport::device_ticks() const {
  return ticks_ == wire::unknown_ticks ? std::nullopt : std::optional(ticks_);
}

}  // namespace heatbath
