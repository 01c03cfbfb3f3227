#include "link/recording.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <limits>
#include <utility>

#include "heatbath/error.hpp"
#include "heatbath/numerics/crc32.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath {
namespace {

constexpr std::uint64_t not_seen = ~std::uint64_t{0};

std::string hexadecimal(std::uint64_t value) {
  char buffer[24];
  std::snprintf(buffer, sizeof buffer, "0x%03llX", static_cast<unsigned long long>(value));
  return buffer;
}

/// An access in words, as "a read of register 0x104".
std::string describe(const RecordEntry& entry) {
  switch (entry.access) {
    case Access::read32: return "a read of register " + hexadecimal(entry.address);
    case Access::write32: return "a write of " + hexadecimal(entry.value) + " to register " + hexadecimal(entry.address);
    case Access::read_block:
      return "a read of " + std::to_string(entry.value) + " bytes at " + hexadecimal(entry.address);
    case Access::write_block:
      return "a write of " + std::to_string(entry.value) + " bytes at " + hexadecimal(entry.address);
    case Access::wait_irq: return "a wait of at most " + std::to_string(entry.address) + " ticks";
  }
  return "an access of kind " + std::to_string(static_cast<int>(entry.access));
}

/// Of a head or an entry and what follows it.
template <typename Piece>
std::uint32_t checksum_of(Piece piece, std::span<const std::byte> behind) {
  piece.checksum = 0;
  return numerics::crc32(behind, numerics::crc32(std::as_bytes(std::span(&piece, 1))));
}

RecordEntry entry_of(Access access, std::uint64_t address, std::uint64_t value = 0) {
  RecordEntry entry;
  entry.access = access;
  entry.address = address;
  entry.value = value;
  return entry;
}

}  // namespace

RecordTransport::RecordTransport(std::unique_ptr<Transport> device, std::string file)
    : device_(std::move(device)),
      interruptible_(dynamic_cast<Interruptible*>(device_.get())),
      name_(std::move(file)),
      file_(name_, std::ios::binary | std::ios::trunc) {
  if (!file_) throw Error(HB_IO, "record " + name_ + ": cannot be created: " + numerics::system_words(errno));
  const LinkInfo info = device_->info();
  RecordHead head;
  head.uri_bytes = static_cast<std::uint32_t>(info.uri.size());
  head.description_bytes = static_cast<std::uint32_t>(info.description.size());
  const std::string text = info.uri + info.description;
  head.checksum = checksum_of(head, std::as_bytes(std::span(text)));
  write(&head, sizeof head);
  write(text.data(), text.size());
}

RecordTransport::~RecordTransport() = default;

void RecordTransport::ask(std::function<Wish()> wish) {
  if (interruptible_ != nullptr) interruptible_->ask(std::move(wish));
}

void RecordTransport::write(const void* bytes, std::size_t size) {
  file_.write(static_cast<const char*>(bytes), static_cast<std::streamsize>(size));
  if (!file_) throw Error(HB_IO, "record " + name_ + ": cannot be written; is there room on the disk?");
}

template <typename Do>
void RecordTransport::keep(RecordEntry entry, std::span<const std::byte> data, Do&& perform) {
  try {
    perform(entry);
  } catch (const Error& error) {
    const std::string message = error.what();
    entry.status = static_cast<std::uint16_t>(error.code());
    entry.ticks = error.device_ticks();
    put(entry, std::as_bytes(std::span(message)));
    file_.flush();
    throw;
  }
  entry.ticks = device_ticks().value_or(not_seen);
  put(entry, data);
}

void RecordTransport::put(RecordEntry entry, std::span<const std::byte> data) {
  entry.bytes = data.size();
  entry.checksum = checksum_of(entry, data);
  write(&entry, sizeof entry);
  write(data.data(), data.size());
}

std::uint32_t RecordTransport::read32(std::uint64_t address) {
  std::uint32_t value = 0;
  keep(entry_of(Access::read32, address), {}, [&](RecordEntry& entry) { entry.value = value = device_->read32(address); });
  return value;
}

void RecordTransport::write32(std::uint64_t address, std::uint32_t value) {
  keep(entry_of(Access::write32, address, value), {}, [&](RecordEntry&) { device_->write32(address, value); });
}

void RecordTransport::read_block(std::uint64_t address, std::span<std::byte> out) {
  keep(entry_of(Access::read_block, address, out.size()), out, [&](RecordEntry&) { device_->read_block(address, out); });
}

void RecordTransport::write_block(std::uint64_t address, std::span<const std::byte> data) {
  keep(entry_of(Access::write_block, address, data.size()), data,
       [&](RecordEntry&) { device_->write_block(address, data); });
}

std::optional<std::span<std::byte>> RecordTransport::map(std::uint64_t address, std::uint64_t size) {
  device_->map(address, size);  // for its errors only
  return std::nullopt;
}

bool RecordTransport::wait_irq(std::uint64_t limit_ticks) {
  bool pending = false;
  keep(entry_of(Access::wait_irq, limit_ticks), {},
       [&](RecordEntry& entry) { entry.value = pending = device_->wait_irq(limit_ticks); });
  return pending;
}

LinkInfo RecordTransport::info() const {
  const LinkInfo inner = device_->info();
  return {"record:" + name_ + "?device=" + inner.uri, inner.description + ", recorded to " + name_};
}

std::optional<std::uint64_t> RecordTransport::device_ticks() const { return device_->device_ticks(); }

ReplayTransport::ReplayTransport(std::string file) : name_(std::move(file)), file_(name_, std::ios::binary) {
  RecordHead head, right;
  if (!file_ || !file_.read(reinterpret_cast<char*>(&head), sizeof head) ||
      std::memcmp(head.magic, right.magic, sizeof head.magic) != 0)
    throw Error(HB_IO, "replay " + name_ + ": " + (file_.is_open() ? "is no record of a session" : "cannot be read") +
                           "; record:FILE?device=URI writes one");
  if (head.version != right.version && head.version != 1)
    throw Error(HB_IO, "replay " + name_ + ": it is a record of version " + std::to_string(head.version) +
                           "; this software reads versions 1 and " + std::to_string(right.version));
  has_checksums_ = head.version != 1;
  std::string text(std::min<std::size_t>(std::size_t{head.uri_bytes} + head.description_bytes, 65536), '\0');
  read(text.data(), text.size());
  if (has_checksums_ && checksum_of(head, std::as_bytes(std::span(text))) != head.checksum)
    throw Error(HB_IO, "replay " + name_ + ": the head of the record is damaged (its checksum differs)");
  info_ = {"replay:" + name_, "record of " + text.substr(0, head.uri_bytes)};
}

void ReplayTransport::read(void* bytes, std::size_t size) {
  if (size != 0 && !file_.read(static_cast<char*>(bytes), static_cast<std::streamsize>(size)))
    differ("the record breaks off in access " + std::to_string(count_ + 1), HB_IO);
}

/// Memory grows with what the file holds, not with what an entry claims.
void ReplayTransport::read_data(std::uint64_t bytes) {
  data_.clear();
  while (data_.size() < bytes) {
    const std::size_t had = data_.size();
    data_.resize(had + static_cast<std::size_t>(std::min<std::uint64_t>(bytes - had, 1u << 20)));
    read(data_.data() + had, data_.size() - had);
  }
}

void ReplayTransport::damaged() {
  differ("the record is damaged in access " + std::to_string(count_ + 1) + (has_checksums_ ? " (its checksum differs)" : ""), HB_IO);
}

void ReplayTransport::differ(const std::string& what, hb_status_t code) {
  if (differs_.empty()) differs_ = "replay " + name_ + ": " + what, why_ = code;
  throw Error(why_, differs_, ticks_ == not_seen ? 0 : ticks_);
}

/// The record's next entry, which must be the access asked for; its data is in data_.
RecordEntry ReplayTransport::next(const RecordEntry& asked) {
  if (!differs_.empty()) differ({});
  if (file_.peek() == std::ifstream::traits_type::eof())
    differ("the record ends after " + std::to_string(count_) + " accesses; the host goes on with " + describe(asked));
  RecordEntry entry;
  read(&entry, sizeof entry);
  if (has_checksums_) {  // first, so that what is damaged is not said to differ
    read_data(entry.bytes);
    if (checksum_of(entry, data_) != entry.checksum) damaged();
  }
  const bool writes = asked.access == Access::write32;
  const bool sized = asked.access == Access::read_block || asked.access == Access::write_block;
  if (entry.access != asked.access || entry.address != asked.address ||
      ((writes || sized) && entry.value != asked.value))
    differ("access " + std::to_string(count_ + 1) + " differs: the host makes " + describe(asked) + ", the record has " +
           describe(entry));
  if (has_checksums_) return entry;
  if (entry.bytes > std::max<std::uint64_t>(asked.value, 65536)) damaged();
  read_data(entry.bytes);
  return entry;
}

void ReplayTransport::finish(const RecordEntry& entry) {
  ++count_;
  if (entry.ticks != not_seen) ticks_ = entry.ticks;
  if (entry.status != HB_OK)
    throw Error(static_cast<hb_status_t>(entry.status),
                std::string(reinterpret_cast<const char*>(data_.data()), data_.size()), entry.ticks);
}

std::uint32_t ReplayTransport::read32(std::uint64_t address) {
  const RecordEntry entry = next(entry_of(Access::read32, address));
  finish(entry);
  return static_cast<std::uint32_t>(entry.value);
}

void ReplayTransport::write32(std::uint64_t address, std::uint32_t value) {
  finish(next(entry_of(Access::write32, address, value)));
}

void ReplayTransport::read_block(std::uint64_t address, std::span<std::byte> out) {
  const RecordEntry entry = next(entry_of(Access::read_block, address, out.size()));
  finish(entry);
  std::copy_n(data_.begin(), std::min(data_.size(), out.size()), out.begin());
}

void ReplayTransport::write_block(std::uint64_t address, std::span<const std::byte> data) {
  const RecordEntry entry = next(entry_of(Access::write_block, address, data.size()));
  if (entry.status == HB_OK) {
    const auto at = std::mismatch(data.begin(), data.end(), data_.begin(), data_.end()).first;
    if (at != data.end())
      differ("access " + std::to_string(count_ + 1) + " differs: the host makes " + describe(entry) +
             " whose byte " + std::to_string(at - data.begin()) + " is not the record's");
  }
  finish(entry);
}

std::optional<std::span<std::byte>> ReplayTransport::map(std::uint64_t, std::uint64_t) { return std::nullopt; }

bool ReplayTransport::wait_irq(std::uint64_t limit_ticks) {
  const RecordEntry entry = next(entry_of(Access::wait_irq, limit_ticks));
  finish(entry);
  return entry.value != 0;
}

LinkInfo ReplayTransport::info() const { return info_; }

std::optional<std::uint64_t> ReplayTransport::device_ticks() const {
  return ticks_ == not_seen ? std::nullopt : std::optional(ticks_);
}

}  // namespace heatbath
