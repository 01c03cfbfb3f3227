#include "server/session_service.hpp"

#include <array>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <new>
#include <stdexcept>
#include <system_error>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "link/remote_transport.hpp"
#include "link/token_proof.hpp"
#include "server/child_process.hpp"
#include "server/session.hpp"

namespace heatbath {
namespace {

/// How long the session's thread waits for bytes before it checks for a stop.
constexpr std::chrono::milliseconds look_up_period{50};
/// How long a session in a separate process may take to end when it is told to.
constexpr std::chrono::milliseconds longest_farewell{1000};

}  // namespace

SessionService::SessionService(const ServerOptions& options, const Uri& listen)
    : options_(options), listen_(listen), device_(options.device) {
  if (!options_.token_file.empty() && !proves_tokens()) (void)fresh_nonce();  // which says what is missing
  const std::string token = options_.token_file.empty() ? std::string{} : read_token(options_.token_file);
  if (!(options_.slowdown > 0) || !std::isfinite(options_.slowdown))
    throw Error(HB_BAD_ARG, "slowdown " + numerics::text_of(options_.slowdown) + ": it must be above 0");
  if (options_.realtime && !device_.sees_time())
    throw Error(HB_UNSUPPORTED, "realtime: device time of " + device_.uri() +
                                    " is not seen without an access; func: and tlm: show it");
  try {
    const bool handed_over = listen_.scheme == "systemd";
    if (!handed_over) address_ = socket_address(listen_.scheme, listen_.address);
    Listener listener = handed_over ? adopt_listener(listen_.scheme, address_, token.empty()) : listen_at(address_, token.empty());
    if (handed_over && listen_.scheme == "unix") listen_.text = "unix:" + address_.path;
    socket_file_.emplace(std::move(listener.file));
    wire::Welcome facts = device_.facts();
    facts.session_ms = static_cast<std::uint32_t>(options_.session_limit.count());
    reception_.emplace(std::move(listener.socket), options, Reception::Facts{facts, device_.uri(), device_.registers()}, token);
  } catch (const std::invalid_argument& wrong) {
    throw Error(HB_BAD_ARG, "listen '" + options_.listen + "': " + wrong.what());
  } catch (const std::system_error& failure) {
    throw Error(HB_IO, "listen '" + options_.listen + "': " + failure.code().message());
  }
}

SessionService::~SessionService() = default;

std::string SessionService::uri() const { return listen_.scheme == "tcp" ? uri_of(listen_.scheme, address_) : listen_.text; }

void SessionService::run() {
  while (auto socket = reception_->next()) serve(std::move(*socket));
}

void SessionService::stop() noexcept { reception_->stop(); }

ServerCounters SessionService::counters() const {
  ServerCounters counters = reception_->counters();
  const std::lock_guard lock(pace_mutex_);
  const Pace& pace = pace_;
  counters.ended_by_server = ended_by_server_;
  counters.paced = pace.holds;
  counters.overruns = pace.overruns;
  counters.jitter_mean_us = pace.holds == 0 ? 0 : pace.jitter_sum_us / static_cast<double>(pace.holds);
  counters.jitter_worst_us = pace.jitter_worst_us;
  counters.lag_worst_us = pace.lag_worst_us;
  return counters;
}

void SessionService::note_pace(const Pace& of_session) {
  const double mean = of_session.holds == 0 ? 0 : of_session.jitter_sum_us / static_cast<double>(of_session.holds);
  reception_->journal().add(Entry::session,
                           "realtime: " + std::to_string(of_session.holds) + " holds, jitter mean " +
                               numerics::fixed(mean, 1) + " us, worst " + numerics::fixed(of_session.jitter_worst_us, 1) +
                               " us; " + std::to_string(of_session.overruns) + " overruns, worst lag " +
                               numerics::fixed(of_session.lag_worst_us, 1) + " us");
  const std::lock_guard lock(pace_mutex_);
  pace_.holds += of_session.holds;
  pace_.overruns += of_session.overruns;
  pace_.jitter_sum_us += of_session.jitter_sum_us;
  pace_.jitter_worst_us = std::max(pace_.jitter_worst_us, of_session.jitter_worst_us);
  pace_.lag_worst_us = std::max(pace_.lag_worst_us, of_session.lag_worst_us);
}

/// Sends the welcome and makes the channel of the session. Throws Channel::Lost, std::system_error.
std::unique_ptr<Channel> SessionService::welcome(FileDescriptor socket, SessionControl& control) {
  const bool rings = listen_.scheme == "shm";
  const auto patience = options_.realtime ? Pacer::period : look_up_period;
  wire::Welcome facts = device_.facts();
  facts.session_ms = static_cast<std::uint32_t>(options_.session_limit.count());
  const std::string& served = device_.uri();
  wire::Header header;
  header.kind = wire::Kind::welcome;
  header.value = rings;
  header.length = static_cast<std::uint32_t>(sizeof facts + served.size());
  std::vector<std::byte> payload(header.length);
  std::memcpy(payload.data(), &facts, sizeof facts);
  std::memcpy(payload.data() + sizeof facts, served.data(), served.size());
  header.ticks = device_.transport().device_ticks().value_or(wire::unknown_ticks);

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
void SessionService::attend(FileDescriptor socket, SessionControl& control, Attendance& attendance,
                          const std::function<void(Channel&)>& begins,
                          const std::function<void(FileDescriptor)>& ends) {
  std::unique_ptr<Channel> channel;  // outlives the listening thread's knowledge of it
  FileDescriptor leaving;
  attendance.reason = "the client left before it began";
  try {
    channel = welcome(std::move(socket), control);
    begins(*channel);
    std::optional<Pacer> pacer;
    if (options_.realtime) pacer.emplace(device_.transport(), device_.tick_seconds() * options_.slowdown);
    Session session(*channel, control, device_.transport(), pacer ? &*pacer : nullptr,
                    device_.facts().memory_bytes);
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

void SessionService::note(const Attendance& attendance, const SessionControl& control) {
  const std::uint64_t ticks = control.ticks.load(std::memory_order_relaxed);
  reception_->note_end(attendance.reason, attendance.ended_by_server, control.work.load(std::memory_order_relaxed) / 2,
                       ticks == wire::unknown_ticks ? std::nullopt : std::optional(ticks));
  if (options_.realtime) note_pace(attendance.pace);
  {
    const std::lock_guard lock(pace_mutex_);
    ended_by_server_ += attendance.ended_by_server;
  }
  reception_->journal().add(Entry::session, "session over: " + attendance.reason);
}

void SessionService::serve(FileDescriptor socket) {
  if (device_.wants_own_process()) return serve_in_child(std::move(socket));
  try {
    device_.open();
  } catch (const Error& failure) {
    return reception_->refuse(std::move(socket), HB_DEVICE, std::string("the device cannot be opened: ") + failure.what());
  } catch (const std::bad_alloc&) {
    return reception_->refuse(std::move(socket), HB_DEVICE, "the device cannot be opened: the server is out of memory");
  } catch (const std::exception& failure) {  // of memory that cannot be mapped, of threads
    return reception_->refuse(std::move(socket), HB_DEVICE, std::string("the device cannot be opened: ") + failure.what());
  }
  const auto control = std::make_unique<SessionControl>();
  control->bell = reception_->bell();
  Attendance attendance;
  attend(
      std::move(socket), *control, attendance,
      [&](Channel& channel) {
        control->channel = &channel;
        reception_->begin(*control);
      },
      [&](FileDescriptor leaving) { reception_->end(std::move(leaving)); });
  note(attendance, *control);
  try {
    device_.close();
  } catch (const std::exception& failure) {
    reception_->journal().add(Entry::device, std::string("the device did not reset: ") + failure.what());
  }
}

/// The result of a session in a separate process.
struct ChildSession {
  SessionControl control;
  hb_status_t opened = HB_DEVICE;
  bool over = false, ended_by_server = false;
  Pace pace;
  char text[1024] = "";  ///< why it is over, or why the device did not open
  void put(const std::string& what) { text[what.copy(text, sizeof text - 1)] = '\0'; }
};

void SessionService::serve_in_child(FileDescriptor socket) {
  std::optional<Shared<ChildSession>> shared;
  std::optional<ChildProcess> child;
  try {
    shared.emplace();
    ChildSession& session = **shared;
    session.control.socket = socket.get();
    session.control.bell = reception_->bell();
    const std::array kept{session.control.socket, session.control.bell};
    child.emplace(kept, [&] {
      try {
        device_.open();
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
    return reception_->refuse(std::move(socket), HB_DEVICE, std::string("the device cannot be opened: ") + failure.what());
  }
  ChildSession& session = **shared;
  reception_->begin(session.control);
  auto deadline = std::chrono::steady_clock::time_point::max();
  while (!child->ended(look_up_period)) {
    const auto now = std::chrono::steady_clock::now();
    if (session.control.verdict.load() == Verdict::none) continue;
    if (deadline == std::chrono::steady_clock::time_point::max()) deadline = now + longest_farewell;
    if (now >= deadline) child->kill();
  }
  if (session.opened != HB_OK && child->signal() == 0) {
    reception_->end(FileDescriptor());
    return reception_->refuse(std::move(socket), HB_DEVICE, session.text);
  }
  Attendance attendance;
  attendance.ended_by_server = session.ended_by_server || !session.over;
  attendance.pace = session.pace;
  attendance.reason = session.over ? session.text : "its process ended by signal " + std::to_string(child->signal());
  reception_->end(attendance.ended_by_server ? std::move(socket) : FileDescriptor());
  note(attendance, session.control);
}

}  // namespace heatbath
