#include "link/faulty_link.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/numerics/crc32.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath {
namespace {

constexpr std::array<std::string_view, 5> kinds{"dropped", "reordered", "duplicated", "truncated", "corrupted"};

std::vector<PlannedFrameFault> parse_plan(std::string_view text) {
  std::vector<PlannedFrameFault> plan;
  while (!text.empty()) {
    const std::size_t comma = text.find(','), at = text.substr(0, comma).find('@');
    const std::string_view entry = text.substr(0, comma);
    const auto kind = std::ranges::find(kinds, entry.substr(0, at));
    const auto frame = at == std::string_view::npos ? std::nullopt : numerics::parse_number<std::uint64_t>(entry.substr(at + 1));
    if (kind == kinds.end() || !frame)
      throw Error(HB_BAD_ARG, "device URI faulty: " + numerics::quoted(entry) +
                                  " is no fault of a frame; write dropped@FRAME, or reordered, duplicated, truncated, corrupted");
    plan.push_back({static_cast<FrameFault>(kind - kinds.begin()), *frame});
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  return plan;
}

template <class T>
void append(std::vector<std::byte>& bytes, T value) {
  const auto at = bytes.size();
  bytes.resize(at + sizeof value);
  std::memcpy(bytes.data() + at, &value, sizeof value);
}

template <class T>
T take(std::span<const std::byte>& bytes) {
  T value{};
  std::memcpy(&value, bytes.data(), sizeof value);
  bytes = bytes.subspan(sizeof value);
  return value;
}

/// A frame: its number, what it carries, the checksum of both.
std::vector<std::byte> frame_of(std::uint64_t number, std::span<const std::byte> payload) {
  std::vector<std::byte> frame(sizeof number + payload.size());
  std::memcpy(frame.data(), &number, sizeof number);
  std::ranges::copy(payload, frame.begin() + sizeof number);
  append(frame, numerics::crc32(frame));
  return frame;
}

/// What a frame carries; nothing where it is not sound.
std::optional<std::vector<std::byte>> opened(std::span<const std::byte> frame, std::uint64_t number) {
  constexpr std::size_t around = sizeof(std::uint64_t) + sizeof(std::uint32_t);
  if (frame.size() < around) return std::nullopt;
  std::span<const std::byte> sum = frame.last(sizeof(std::uint32_t)), body = frame.first(frame.size() - sizeof(std::uint32_t));
  if (take<std::uint32_t>(sum) != numerics::crc32(body)) return std::nullopt;
  if (take<std::uint64_t>(body) != number) return std::nullopt;
  return std::vector<std::byte>(body.begin(), body.end());
}

}  // namespace

FaultyLink::FaultyLink(std::unique_ptr<Transport> device, std::string_view plan, std::uint64_t retries)
    : device_(std::move(device)),
      interruptible_(dynamic_cast<Interruptible*>(device_.get())),
      plan_text_(plan),
      plan_(parse_plan(plan)),
      retries_(retries) {}

std::optional<FrameFault> FaultyLink::fault_of(std::uint64_t frame) const {
  const auto planned = std::ranges::find(plan_, frame, &PlannedFrameFault::frame);
  return planned == plan_.end() ? std::nullopt : std::optional(planned->kind);
}

FaultyLink::Bytes FaultyLink::pass(Bytes payload, const std::string& what) {
  const std::uint64_t number = frames_++;
  const std::optional<FrameFault> fault = fault_of(number);
  for (std::uint64_t attempt = 0;; ++attempt) {
    std::vector<Bytes> arriving{frame_of(number, payload)};
    if (fault && attempt == 0) {
      Bytes& frame = arriving.front();
      switch (*fault) {
        case FrameFault::dropped: arriving.clear(); break;
        case FrameFault::truncated: frame.resize(frame.size() / 2); break;
        case FrameFault::corrupted: frame[number % frame.size()] ^= std::byte{1} << (number / frame.size() % 8); break;
        case FrameFault::duplicated: arriving.push_back(frame); break;
        // A frame of before comes between: its number says that it is none to take now.
        case FrameFault::reordered: arriving.insert(arriving.begin(), frame_of(number - 1, {})); break;
      }
    }
    std::optional<Bytes> taken;
    for (const Bytes& frame : arriving) {
      if (taken) ++corrected_;
      else taken = opened(frame, number);
    }
    if (taken) {
      if (attempt > 0 || fault == FrameFault::reordered) ++corrected_;
      return *std::move(taken);
    }
    if (attempt == retries_)
      throw Error(HB_LINK, "the link lost frame " + std::to_string(number) + " (" + what + "): it was " +
                               std::string(kinds[static_cast<std::size_t>(*fault)]) +
                               (retries_ > 0 ? " and not received in " + std::to_string(retries_) + " more attempts" : ""));
  }
}

std::uint32_t FaultyLink::read32(std::uint64_t address) {
  Bytes request;
  append(request, address);
  const Bytes arrived = pass(std::move(request), "a register read");
  std::span<const std::byte> asked = arrived;
  Bytes answer;
  append(answer, device_->read32(take<std::uint64_t>(asked)));
  const Bytes back = pass(std::move(answer), "the answer to a register read");
  std::span<const std::byte> values = back;
  return take<std::uint32_t>(values);
}

void FaultyLink::write32(std::uint64_t address, std::uint32_t value) {
  Bytes request;
  append(request, address);
  append(request, value);
  const Bytes arrived = pass(std::move(request), "a register write");
  std::span<const std::byte> asked = arrived;
  const auto where = take<std::uint64_t>(asked);
  device_->write32(where, take<std::uint32_t>(asked));
  pass({}, "the answer to a register write");
}

void FaultyLink::read_block(std::uint64_t address, std::span<std::byte> out) {
  Bytes request;
  append(request, address);
  append(request, static_cast<std::uint64_t>(out.size()));
  const Bytes arrived = pass(std::move(request), "a block read");
  std::span<const std::byte> asked = arrived;
  const auto where = take<std::uint64_t>(asked);
  Bytes answer(take<std::uint64_t>(asked));
  device_->read_block(where, answer);
  const Bytes back = pass(std::move(answer), "the answer to a block read");
  std::ranges::copy(back, out.begin());
}

void FaultyLink::write_block(std::uint64_t address, std::span<const std::byte> data) {
  Bytes request;
  append(request, address);
  request.resize(sizeof address + data.size());
  std::ranges::copy(data, request.begin() + sizeof address);
  const Bytes arrived = pass(std::move(request), "a block write");
  std::span<const std::byte> asked = arrived;
  const auto where = take<std::uint64_t>(asked);
  device_->write_block(where, asked);
  pass({}, "the answer to a block write");
}

std::optional<std::span<std::byte>> FaultyLink::map(std::uint64_t, std::uint64_t) { return std::nullopt; }

bool FaultyLink::wait_irq(std::uint64_t limit_ticks) {
  Bytes request;
  append(request, limit_ticks);
  const Bytes arrived = pass(std::move(request), "a wait");
  std::span<const std::byte> asked = arrived;
  Bytes answer;
  append(answer, static_cast<std::uint8_t>(device_->wait_irq(take<std::uint64_t>(asked))));
  const Bytes back = pass(std::move(answer), "the answer to a wait");
  std::span<const std::byte> values = back;
  return take<std::uint8_t>(values) != 0;
}

LinkInfo FaultyLink::info() const {
  const LinkInfo inner = device_->info();
  return {"faulty:" + plan_text_ + "?retries=" + std::to_string(retries_) + "&device=" + inner.uri,
          "a link with planned faults to " + inner.description};
}

void FaultyLink::ask(std::function<Wish()> wish) {
  if (interruptible_ != nullptr) interruptible_->ask(std::move(wish));
}

}  // namespace heatbath
