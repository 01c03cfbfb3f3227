#pragma once
// The wire protocol of a served device: the one place that defines it. docs/wire_protocol.md tells it in words.
//
// A connection carries frames in both directions: a Header, then `length` bytes of payload. All numbers are
// little-endian. tcp: and unix: carry the frames in a byte stream; shm: carries the same frames in two rings of shared
// memory (RingPage below), which the server hands over on the socket that did the handshake.

#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace heatbath::wire {

static_assert(std::endian::native == std::endian::little, "frames are copied to and from memory as they are");

constexpr std::uint32_t frame_magic = 0x4B4C4248;  ///< "HBLK": a frame begins here
constexpr std::uint16_t protocol_version = 2;      ///< both sides must speak the same one

/// Largest payload of a frame, and largest block a read_block may ask for. Larger blocks are several frames.
constexpr std::uint32_t max_payload = 1u << 20;
/// Largest payload of a hello, of other versions too, that is heard to its end.
constexpr std::uint32_t max_hello = 4096;
/// Shortest and longest token in bytes.
constexpr std::uint32_t min_token = 16, max_token = 1024;
/// Requests for blocks a client may have sent without having read their replies.
constexpr std::uint32_t max_block_requests = 4;
/// Ranges that a viewer may ask for in one look, and bytes in all of them.
constexpr std::uint32_t max_glances = 64, max_look = 1u << 18;
/// A server that is at work or has a client waiting sends `alive` or `queued` this often, in milliseconds.
constexpr std::uint32_t alive_period_ms = 250;
/// Device time where the server cannot see it without an access of its own.
constexpr std::uint64_t unknown_ticks = ~std::uint64_t{0};

/// What a frame is.
enum class Kind : std::uint16_t {
  // to the server
  hello = 1,         ///< first frame; payload: Hello
  read32 = 2,        ///< address; answered by `reply` with the value
  write32 = 3,       ///< address, value; posted: no reply
  read_block = 4,    ///< address, value = bytes, at most max_payload; answered by `reply` with the bytes
  write_block = 5,   ///< address, payload = bytes; posted
  wait_irq = 6,      ///< value = limit in ticks; answered by `reply`, value = 1 when an interrupt is pending
  break_off = 7,     ///< id 0: requests before it that are not done end early, where they can, and are answered; no
                     ///< answer of its own. To servers with `breaks_off` only
  look = 8,          ///< of a viewer, its only request; payload = up to max_glances Glances; answered by `reply` with
                     ///< their bytes one after the other, value = number of the session that is looked at
  proof = 9,         ///< to a challenge; payload = Proof
  // to the client
  welcome = 32,      ///< the session begins; payload: Welcome, then the device's URI. value = 1: a file descriptor of a
                     ///< RingPage comes with the payload's first byte, and all further frames go through the rings
  queued = 33,       ///< value = sessions before this one; sent until welcome
  refused = 34,      ///< status, payload = reason; the connection closes
  reply = 35,        ///< to the request of the same id
  alive = 36,        ///< the server is at work on the request; id 0
  ended = 37,        ///< the server ends the session: status, payload = reason; the connection closes
  challenge = 38,    ///< after hello, where the server asks for a token: payload = Nonce, of this connection alone
};

/// Begins every frame. What a kind does not use is zero.
struct Header {
  std::uint32_t magic = frame_magic;  ///< first, so that a stream that is none is known
  Kind kind{};  ///< what it is
  std::uint16_t status = 0;   ///< hb_status_t of a reply, refusal or end. Not OK: the payload is a message of one line
  /// number of the request, from 1 on, the next one for each; a reply carries its request's
  std::uint32_t id = 0;
  std::uint32_t length = 0;   ///< bytes of payload that follow
  std::uint64_t ticks = unknown_ticks;  ///< device time: to the client, when it was sent; to the server, last one seen
  std::uint64_t address = 0;  ///< register or memory address, as in Transport
  std::uint64_t value = 0;
};
static_assert(sizeof(Header) == 40);

/// What a client comes for: to have the device, in its turn, or to look on while others have it.
enum class Role : std::uint16_t { owner = 0, viewer = 1 };

/// What a proof of the token is made of: HMAC-SHA256 with the token as key over proof_name with its zero, the nonce, and the
/// payload of hello.
using Nonce = std::array<std::byte, 32>;
using Proof = std::array<std::byte, 32>;
inline constexpr char proof_name[] = "heatbath hello 2";

/// Payload of `hello`.
struct Hello {
  std::uint16_t version = protocol_version;  ///< of the wire
  std::uint16_t map_major = 0;  ///< register map the client drives; another major version is refused
  std::uint16_t map_minor = 0;
  Role role = Role::owner;
  std::uint32_t map_hash = 0;  ///< informative
  std::uint32_t zero = 0;
};
static_assert(sizeof(Hello) == 16);

/// Bits of Welcome::abilities.
constexpr std::uint16_t breaks_off = 1;  ///< the server takes `break_off`

/// A range of what a viewer looks at: whole registers, or bytes of device memory.
struct Glance {
  std::uint64_t address = 0;  ///< as in Transport
  std::uint32_t bytes = 0;
  std::uint32_t zero = 0;
};
static_assert(sizeof(Glance) == 16);

/// Payload of `welcome`, before the URI of the served device.
struct Welcome {
  std::uint16_t version = protocol_version;  ///< of the wire
  std::uint16_t map_major = 0;  ///< register map of the device
  std::uint16_t map_minor = 0;
  std::uint16_t abilities = 0;  ///< what the server can beside what version 1 asks of it; other bits are ignored
  std::uint32_t map_hash = 0;   ///< informative
  std::uint32_t session_ms = 0; ///< longest the session lasts while others wait; 0: no bound
  std::uint64_t memory_bytes = 0;
};
static_assert(sizeof(Welcome) == 24);

/// What one side of a session over shared memory tells the other: one cache line, which only it writes, so that a short
/// frame costs one line in each direction. Counts are of bytes since the session began.
struct alignas(64) RingSide {
  std::atomic<std::uint64_t> written;    ///< bytes put into the outgoing stream; stored last
  std::atomic<std::uint64_t> read;       ///< bytes taken from the incoming stream; may lag behind
  std::atomic<std::uint64_t> inline_end;  ///< byte of the outgoing stream before which `in_line` ends; 0: none
  std::byte in_line[sizeof(Header)];      ///< those bytes; they are not in the ring
};
static_assert(sizeof(RingSide) == 64);

/// How one side wakes the other. Byte n of a stream lies at n mod ring_bytes of its ring, except a frame without
/// payload that is written while the stream is empty: that lies in the writer's RingSide.
struct alignas(64) RingBells {
  std::atomic<std::uint32_t> data_bell;      ///< futex: counts up when bytes came while data_sleeper is 1
  std::atomic<std::uint32_t> data_sleeper;   ///< 1 while the reader sleeps
  std::atomic<std::uint32_t> space_bell;     ///< futex: counts up when room came while space_sleeper is 1
  std::atomic<std::uint32_t> space_sleeper;  ///< 1 while the writer sleeps
};
static_assert(std::atomic<std::uint64_t>::is_always_lock_free && std::atomic<std::uint32_t>::is_always_lock_free);

/// First page of the shared memory of a session; the bytes of the two rings follow it, client's first.
struct RingPage {
  static constexpr std::uint64_t ring_bytes = 4u << 20;  ///< of one ring
  static constexpr std::uint64_t offset = 4096;  ///< of the first ring in the file
  RingSide client, server;  ///< how far each side has written and read
  RingBells to_server, to_client;  ///< what each waits for
  alignas(64) std::atomic<std::uint32_t> pulse;  ///< counts up every alive_period_ms while the server lives
};
static_assert(sizeof(RingPage) <= RingPage::offset);
constexpr std::uint64_t ring_file_bytes = RingPage::offset + 2 * RingPage::ring_bytes;  ///< of a session's file

}  // namespace heatbath::wire
