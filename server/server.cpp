// Server: one device, one client at a time.

#include "heatbath/server.hpp"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <new>
#include <optional>
#include <stdexcept>
#include <system_error>

#include <unistd.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "link/channel.hpp"
#include "link/link_uri.hpp"
#include "link/remote_transport.hpp"
#include "link/socket_address.hpp"
#include "server/child_process.hpp"
#include "server/etherbone_service.hpp"
#include "server/pacer.hpp"
#include "server/reception.hpp"
#include "server/served_device.hpp"
#include "server/session.hpp"
#include "server/stand_in.hpp"
#include "sim/src/open_transport.hpp"

namespace heatbath {
namespace {

/// How long the session's thread waits for bytes before it looks up.
constexpr std::chrono::milliseconds look_up_period{50};
/// How long a session in a process of its own may take to end when it has to.
constexpr std::chrono::milliseconds longest_farewell{1000};

Error bad_listen(const std::string& listen) {
  return {HB_BAD_ARG, "listen '" + listen +
                          "': a device is served at tcp://host:port, unix:/path, shm:/name, etherbone://host:port or uio:FILE"};
}

/// A file that stands in for a device on a bus: no sessions.
struct StandInService {
  std::atomic<bool> stop{false};
  StandIn device;
  StandInService(const ServerOptions& options, const std::string& file)
      : device(uri_or_default(options.device), file, options.force, stop) {}
};

}  // namespace

struct Server::Impl {
  explicit Impl(ServerOptions given);

  /// How a session went.
  struct Attendance {
    std::string reason;
    bool ended_by_server = false;
    Pace pace;
  };

  void serve(FileDescriptor socket);
  void serve_in_child(FileDescriptor socket);
  void attend(FileDescriptor socket, SessionControl& control, Attendance& attendance,
              const std::function<void(Channel&)>& begins, const std::function<void(FileDescriptor)>& ends);
  void note(const Attendance& attendance);
  std::unique_ptr<Channel> welcome(FileDescriptor socket, SessionControl& control);
  void note_pace(const Pace& pace);

  ServerOptions options;
  LinkUri uri;
  SocketAddress address;
  std::optional<SocketFile> socket_file;
  std::unique_ptr<StandInService> stand_in;
  std::unique_ptr<EtherboneService> etherbone;
  std::optional<ServedDevice> device;
  std::optional<Reception> reception;
  mutable std::mutex pace_mutex;
  Pace pace;
  std::uint64_t ended_by_server = 0;
};

Server::Impl::Impl(ServerOptions given)
    : options(std::move(given)), uri(parse_link_uri(options.listen, {})) {
  if (uri.scheme == "uio") {
    if (!options.token_file.empty() || options.realtime)
      throw Error(HB_BAD_ARG, "listen '" + options.listen + "': a file that stands in for a device takes neither token nor realtime");
    stand_in = std::make_unique<StandInService>(options, uri.address);
    return;
  }
  if (uri.scheme == "etherbone") {
    if (!options.token_file.empty() || options.realtime)
      throw Error(HB_BAD_ARG, "listen '" + options.listen + "': Etherbone has neither token nor realtime");
    etherbone = std::make_unique<EtherboneService>(options, uri.address);
    return;
  }
  if (uri.scheme != "tcp" && uri.scheme != "unix" && uri.scheme != "shm") throw bad_listen(options.listen);
  device.emplace(options.device);
  const std::string token = options.token_file.empty() ? std::string{} : read_token(options.token_file);
  if (!(options.slowdown > 0) || !std::isfinite(options.slowdown))
    throw Error(HB_BAD_ARG, "slowdown " + numerics::text_of(options.slowdown) + ": it must be above 0");
  if (options.realtime && !device->sees_time())
    throw Error(HB_UNSUPPORTED, "realtime: device time of " + device->uri() +
                                    " is not seen without an access; func: and tlm: show it");
  try {
    address = socket_address(uri.scheme, uri.address);
    Listener listener = listen_at(address, token.empty());
    socket_file.emplace(std::move(listener.file));
    wire::Welcome facts = device->facts();
    facts.session_ms = static_cast<std::uint32_t>(options.session_limit.count());
    reception.emplace(std::move(listener.socket), options, facts, token);
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, "listen '" + options.listen + "': " + wrong.what());
  } catch (const std::system_error& failure) {
    throw Error(HB_IO, "listen '" + options.listen + "': " + failure.code().message());
  }
}

Server::Server(ServerOptions options) {
  if (scheme_of(options.listen).empty()) throw bad_listen(options.listen);
  impl_ = std::make_unique<Impl>(std::move(options));
}

Server::~Server() = default;

std::string Server::uri() const {
  const std::string& scheme = impl_->uri.scheme;
  if (scheme != "tcp" && scheme != "etherbone") return impl_->uri.text;
  const SocketAddress& address = impl_->etherbone ? impl_->etherbone->address() : impl_->address;
  const bool v6 = address.host.find(':') != std::string::npos;
  return scheme + "://" + (v6 ? "[" + address.host + "]" : address.host) + ":" + address.port;
}

void Server::stop() noexcept {
  if (impl_->stand_in) {
    impl_->stand_in->stop.store(true, std::memory_order_relaxed);
  } else if (impl_->etherbone) {
    impl_->etherbone->stop();
  } else {
    impl_->reception->stop();
  }
}

ServerCounters Server::counters() const {
  if (impl_->stand_in) return {};
  if (impl_->etherbone) return impl_->etherbone->counters();
  ServerCounters counters = impl_->reception->counters();
  const std::lock_guard lock(impl_->pace_mutex);
  const Pace& pace = impl_->pace;
  counters.ended_by_server = impl_->ended_by_server;
  counters.paced = pace.holds;
  counters.overruns = pace.overruns;
  counters.jitter_mean_us = pace.holds == 0 ? 0 : pace.jitter_sum_us / static_cast<double>(pace.holds);
  counters.jitter_worst_us = pace.jitter_worst_us;
  counters.lag_worst_us = pace.lag_worst_us;
  return counters;
}

void Server::run() {
  if (impl_->stand_in) return impl_->stand_in->device.run();
  if (impl_->etherbone) return impl_->etherbone->run();
  while (auto socket = impl_->reception->next()) impl_->serve(std::move(*socket));
}

void Server::Impl::note_pace(const Pace& of_session) {
  const double mean = of_session.holds == 0 ? 0 : of_session.jitter_sum_us / static_cast<double>(of_session.holds);
  reception->journal().add(Entry::session,
                           "realtime: " + std::to_string(of_session.holds) + " holds, jitter mean " +
                               numerics::fixed(mean, 1) + " us, worst " + numerics::fixed(of_session.jitter_worst_us, 1) +
                               " us; " + std::to_string(of_session.overruns) + " overruns, worst lag " +
                               numerics::fixed(of_session.lag_worst_us, 1) + " us");
  const std::lock_guard lock(pace_mutex);
  pace.holds += of_session.holds;
  pace.overruns += of_session.overruns;
  pace.jitter_sum_us += of_session.jitter_sum_us;
  pace.jitter_worst_us = std::max(pace.jitter_worst_us, of_session.jitter_worst_us);
  pace.lag_worst_us = std::max(pace.lag_worst_us, of_session.lag_worst_us);
}

/// Sends the welcome and makes the channel of the session. Throws Channel::Lost, std::system_error.
std::unique_ptr<Channel> Server::Impl::welcome(FileDescriptor socket, SessionControl& control) {
  const bool rings = uri.scheme == "shm";
  const auto patience = options.realtime ? Pacer::period : look_up_period;
  wire::Welcome facts = device->facts();
  facts.session_ms = static_cast<std::uint32_t>(options.session_limit.count());
  const std::string& served = device->uri();
  wire::Header header;
  header.kind = wire::Kind::welcome;
  header.value = rings;
  header.length = static_cast<std::uint32_t>(sizeof facts + served.size());
  std::vector<std::byte> payload(header.length);
  std::memcpy(payload.data(), &facts, sizeof facts);
  std::memcpy(payload.data() + sizeof facts, served.data(), served.size());
  if (device->clock() != nullptr) header.ticks = device->clock()->ticks().value_or(wire::unknown_ticks);

  control.socket = socket.get();
  const auto head = std::as_bytes(std::span(&header, 1));
  if (!rings) {
    auto channel = std::make_unique<SocketChannel>(std::move(socket), patience);
    if (channel->send(head, payload, true) != head.size() + payload.size()) throw Channel::Lost("the client took no welcome");
    return channel;
  }
  RingMemory memory = RingMemory::make();
  control.rings = &memory.page();
  SocketChannel greeting(duplicate(socket.get()), patience);
  if (greeting.send(head, {}, true) != head.size()) throw Channel::Lost("the client took no welcome");
  send_descriptor(socket.get(), payload, memory.descriptor());
  return std::make_unique<RingChannel>(std::move(memory), std::move(socket), true, patience);
}

/// Holds the session of a client on the open device, from begins() to ends().
void Server::Impl::attend(FileDescriptor socket, SessionControl& control, Attendance& attendance,
                          const std::function<void(Channel&)>& begins,
                          const std::function<void(FileDescriptor)>& ends) {
  std::unique_ptr<Channel> channel;  // outlives the listening thread's knowledge of it
  FileDescriptor leaving;
  attendance.reason = "the client left before it began";
  try {
    channel = welcome(std::move(socket), control);
    begins(*channel);
    std::optional<Pacer> pacer;
    if (options.realtime) pacer.emplace(device->transport(), *device->clock(), device->tick_seconds() * options.slowdown);
    Session session(*channel, control, device->transport(), device->clock(), pacer ? &*pacer : nullptr,
                    device->facts().memory_bytes);
    attendance.reason = session.run();
    attendance.ended_by_server = session.ended_by_server();
    if (pacer) attendance.pace = pacer->pace();
    if (attendance.ended_by_server) leaving = duplicate(control.socket);
  } catch (const Channel::Lost&) {
  } catch (const std::exception& failure) {
    attendance.reason = failure.what();
  }
  ends(std::move(leaving));
}

void Server::Impl::note(const Attendance& attendance) {
  if (options.realtime) note_pace(attendance.pace);
  {
    const std::lock_guard lock(pace_mutex);
    ended_by_server += attendance.ended_by_server;
  }
  reception->journal().add(Entry::session, "session over: " + attendance.reason);
}

void Server::Impl::serve(FileDescriptor socket) {
  if (device->wants_own_process()) return serve_in_child(std::move(socket));
  try {
    device->open();
  } catch (const Error& failure) {
    return reception->refuse(std::move(socket), HB_DEVICE, std::string("the device cannot be opened: ") + failure.what());
  } catch (const std::bad_alloc&) {
    return reception->refuse(std::move(socket), HB_DEVICE, "the device cannot be opened: the server is out of memory");
  } catch (const std::exception& failure) {  // of memory that cannot be mapped, of threads
    return reception->refuse(std::move(socket), HB_DEVICE, std::string("the device cannot be opened: ") + failure.what());
  }
  SessionControl control;
  Attendance attendance;
  attend(
      std::move(socket), control, attendance,
      [&](Channel& channel) {
        control.channel = &channel;
        reception->begin(control);
      },
      [&](FileDescriptor leaving) { reception->end(std::move(leaving)); });
  note(attendance);
  try {
    device->close();
  } catch (const std::exception& failure) {
    reception->journal().add(Entry::device, std::string("the device did not reset: ") + failure.what());
  }
}

/// What a session in a process of its own leaves.
struct ChildSession {
  SessionControl control;
  hb_status_t opened = HB_DEVICE;
  bool over = false, ended_by_server = false;
  Pace pace;
  char text[1024] = "";  ///< why it is over, or why the device did not open
  void put(const std::string& what) { text[what.copy(text, sizeof text - 1)] = '\0'; }
};

void Server::Impl::serve_in_child(FileDescriptor socket) {
  std::optional<Shared<ChildSession>> shared;
  std::optional<ChildProcess> child;
  try {
    shared.emplace();
    ChildSession& session = **shared;
    session.control.socket = socket.get();
    child.emplace(std::span(&session.control.socket, 1), [&] {
      try {
        device->open();
        session.opened = HB_OK;
      } catch (const std::exception& failure) {
        return session.put(std::string("the device cannot be opened: ") + failure.what());
      }
      Attendance attendance;
      attend(std::move(socket), session.control, attendance, [](Channel&) {}, [](FileDescriptor) {});
      session.put(attendance.reason);
      session.pace = attendance.pace;
      session.ended_by_server = attendance.ended_by_server;
      session.over = true;
    });
  } catch (const std::exception& failure) {
    return reception->refuse(std::move(socket), HB_DEVICE, std::string("the device cannot be opened: ") + failure.what());
  }
  ChildSession& session = **shared;
  reception->begin(session.control);
  auto deadline = std::chrono::steady_clock::time_point::max();
  while (!child->ended(look_up_period)) {
    const auto now = std::chrono::steady_clock::now();
    if (session.control.verdict.load() == Verdict::none) continue;
    if (deadline == std::chrono::steady_clock::time_point::max()) deadline = now + longest_farewell;
    if (now >= deadline) child->kill();
  }
  if (session.opened != HB_OK && child->signal() == 0) {
    reception->end(FileDescriptor());
    return reception->refuse(std::move(socket), HB_DEVICE, session.text);
  }
  Attendance attendance;
  attendance.ended_by_server = session.ended_by_server || !session.over;
  attendance.pace = session.pace;
  attendance.reason = session.over ? session.text : "its process ended by signal " + std::to_string(child->signal());
  reception->end(attendance.ended_by_server ? std::move(socket) : FileDescriptor());
  note(attendance);
}

}  // namespace heatbath
