#include "heatbath/view.hpp"

#include <algorithm>
#include <cstring>

#include "heatbath/error.hpp"
#include "heatbath/regs.h"
#include "link/remote_transport.hpp"
#include "link/scheme.hpp"
#include "link/uri.hpp"

namespace heatbath {
namespace {

Uri served_uri(const std::string& text) {
  const std::string_view name = scheme_of(text);
  if (name != "tcp" && name != "unix" && name != "shm")
    throw Error(HB_BAD_ARG, "device URI '" + text + "': one looks on at a served device: tcp://host:port, unix:/path or shm:/name");
  const Scheme* const scheme = find_scheme(link_schemes(), name);
  return parse_uri(text, scheme->address, scheme->keys);
}

/// Identity and capabilities never change: [0, SCRATCH) and [CAPS, COMMAND).
constexpr bool is_fixed(std::uint64_t address) {
  return address < HB_SCRATCH_OFFSET || (address >= HB_CAPS_OFFSET && address < HB_COMMAND_OFFSET);
}

}  // namespace

static_assert(View::most_ranges == wire::max_glances && View::most_bytes == wire::max_look);

View::View(const std::string& uri) : server_(std::make_unique<RemoteTransport>(served_uri(uri), wire::Role::viewer)) {}

View::~View() = default;

View::Moment View::look(std::span<const Range> ranges) {
  std::vector<wire::Glance> glances;
  std::uint64_t bytes = 0;
  for (const Range& range : ranges) {
    glances.push_back({range.address, range.bytes, 0});
    bytes += range.bytes;
  }
  if (glances.size() > most_ranges || bytes > most_bytes)
    throw Error(HB_BAD_ARG, "a look has at most " + std::to_string(most_ranges) + " ranges and " + std::to_string(most_bytes) + " bytes");
  Moment moment;
  moment.bytes.resize(bytes);
  moment.session = server_->look(glances, moment.bytes);
  moment.ticks = server_->device_ticks();
  return moment;
}

std::uint32_t View::read32(std::uint64_t address) {
  const Range word{address, 4};
  std::uint32_t value = 0;
  if (is_fixed(address) && address % 4 == 0) {
    if (fixed_.empty()) {
      const Range fixed{0, HB_COMMAND_OFFSET};
      fixed_ = look(std::span(&fixed, 1)).bytes;
    }
    std::memcpy(&value, fixed_.data() + address, sizeof value);
    return value;
  }
  std::memcpy(&value, look(std::span(&word, 1)).bytes.data(), sizeof value);
  return value;
}

void View::read_block(std::uint64_t address, std::span<std::byte> out) {
  while (!out.empty()) {
    const Range piece{address, static_cast<std::uint32_t>(std::min(out.size(), most_bytes))};
    const Moment moment = look(std::span(&piece, 1));
    std::copy(moment.bytes.begin(), moment.bytes.end(), out.begin());
    address += piece.bytes;
    out = out.subspan(piece.bytes);
  }
}

void View::refuse(const char* what) const {
  throw Error(HB_UNSUPPORTED, server_->info().uri + ": " + what + ": who looks on has not got the device");
}

void View::write32(std::uint64_t, std::uint32_t) { refuse("a register cannot be written"); }
void View::write_block(std::uint64_t, std::span<const std::byte>) { refuse("memory cannot be written"); }
bool View::wait_irq(std::uint64_t) { refuse("time cannot be let pass"); }
std::optional<std::span<std::byte>> View::map(std::uint64_t, std::uint64_t) { return std::nullopt; }
LinkInfo View::info() const { return server_->info(); }
std::optional<std::uint64_t> View::device_ticks() const { return server_->device_ticks(); }

}  // namespace heatbath
