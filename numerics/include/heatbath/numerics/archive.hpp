#pragma once
// Values as bytes that every machine reads alike, and files of them with a kind, a version and a checksum.

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "heatbath/numerics/crc32.hpp"

namespace heatbath::numerics {

/// Writes values one after the other, or reads them: one function of a class, `void exchange(Archive&)`, serves both
/// ways, so that they cannot differ. Integers and floats are little-endian, enumerations are their numbers, bool is a
/// byte, lists and texts begin with their length in 64 bits. Reading takes memory in proportion to the bytes that are
/// there: lengths are compared with what is left before anything is allocated.
class Archive {
 public:
  /// The bytes are not what belongs here: one line.
  struct Refused : std::runtime_error {
    using std::runtime_error::runtime_error;
  };

  /// One that writes in the format `version`.
  explicit Archive(std::uint32_t version) : version_(version) {}
  /// One that reads bytes of that format, which outlive it.
  Archive(std::span<const std::byte> from, std::uint32_t version) : from_(from), version_(version), reads_(true) {}

  bool reads() const { return reads_; }
  /// Of the format: what is read may be older than what is written.
  std::uint32_t version() const { return version_; }
  /// What was written.
  std::vector<std::byte> take() { return std::move(to_); }
  /// Bytes not yet read.
  std::size_t left() const { return from_.size(); }

  [[noreturn]] void refuse(const std::string& what) const { throw Refused(what); }
  /// For values that were just read: refuses them unless `right`.
  void check(bool right, const char* what) const {
    if (reads_ && !right) refuse(std::string("its ") + what + " cannot be");
  }
  /// The end of what is read: nothing may be left.
  void end() const {
    if (reads_ && !from_.empty()) refuse("it is longer than its contents");
  }

  /// A name between parts, which the reader must find in the same place.
  void section(std::string_view name) {
    std::array<char, 8> here{};
    std::copy_n(name.begin(), std::min(name.size(), here.size()), here.begin());
    std::array<char, 8> found = here;
    raw(std::as_writable_bytes(std::span(found)));
    if (found != here) refuse("part '" + std::string(name) + "' is not where it belongs");
  }

  template <class... Values>
  Archive& operator()(Values&... values) {
    (one(values), ...);
    return *this;
  }

  /// Bytes as they are.
  void raw(std::span<std::byte> bytes) {
    if (!reads_) {
      to_.insert(to_.end(), bytes.begin(), bytes.end());
      return;
    }
    if (bytes.size() > from_.size()) refuse("it ends too early");
    if (!bytes.empty()) std::memcpy(bytes.data(), from_.data(), bytes.size());
    from_ = from_.subspan(bytes.size());
  }

  /// A list whose length both sides know.
  template <class Value, std::size_t extent>
  void values(std::span<Value, extent> list) {
    if constexpr (sizeof(Value) == 1 || (std::is_arithmetic_v<Value> && std::endian::native == std::endian::little)) {
      raw(std::as_writable_bytes(list));
    } else {
      for (Value& value : list) one(value);
    }
  }

 private:
  template <std::size_t bytes>
  using Bits = std::conditional_t<bytes == 1, std::uint8_t,
                                  std::conditional_t<bytes == 2, std::uint16_t,
                                                     std::conditional_t<bytes == 4, std::uint32_t, std::uint64_t>>>;

  template <class Value>
  void one(Value& value) {
    if constexpr (std::is_same_v<Value, bool>) {
      std::uint8_t byte = value ? 1 : 0;
      one(byte);
      if (byte > 1) refuse("a yes or no is neither");
      value = byte != 0;
    } else if constexpr (std::is_enum_v<Value>) {
      auto number = static_cast<std::underlying_type_t<Value>>(value);
      one(number);
      value = static_cast<Value>(number);
    } else if constexpr (std::is_arithmetic_v<Value>) {
      auto bits = std::bit_cast<Bits<sizeof(Value)>>(value);
      std::array<std::byte, sizeof(Value)> bytes;
      for (std::size_t k = 0; k < bytes.size(); ++k) bytes[k] = static_cast<std::byte>(bits >> (8 * k) & 0xFF);
      raw(bytes);
      bits = 0;
      for (std::size_t k = 0; k < bytes.size(); ++k)
        bits = static_cast<Bits<sizeof(Value)>>(bits | static_cast<Bits<sizeof(Value)>>(bytes[k]) << (8 * k));
      value = std::bit_cast<Value>(bits);
    } else {
      value.exchange(*this);
    }
  }

  /// The length of a list whose values take at least `bytes` each.
  std::size_t length(std::size_t is, std::size_t bytes) {
    std::uint64_t size = is;
    one(size);
    if (reads_ && size > from_.size() / bytes) refuse("it ends too early");
    return static_cast<std::size_t>(size);
  }

  template <class Value, class Allocator>
  void one(std::vector<Value, Allocator>& list) {
    if constexpr (std::is_same_v<Value, bool>) {
      list.resize(length(list.size(), 1));
      for (std::size_t k = 0; k < list.size(); ++k) {
        bool value = list[k];
        one(value);
        list[k] = value;
      }
    } else {
      list.resize(length(list.size(), std::is_arithmetic_v<Value> ? sizeof(Value) : 1));
      if constexpr (std::is_arithmetic_v<Value>) {
        values(std::span(list.data(), list.size()));
      } else {
        for (Value& value : list) one(value);
      }
    }
  }
  template <class Value, std::size_t count>
  void one(std::array<Value, count>& list) {
    for (Value& value : list) one(value);
  }
  void one(std::string& text) {
    text.resize(length(text.size(), 1));
    raw(std::as_writable_bytes(std::span(text)));
  }
  template <class Value>
  void one(std::optional<Value>& value) {
    bool there = value.has_value();
    one(there);
    if (reads_) value = there ? std::optional<Value>(Value{}) : std::nullopt;
    if (there) one(*value);
  }

  std::span<const std::byte> from_;
  std::vector<std::byte> to_;
  std::uint32_t version_;
  bool reads_ = false;
};

/// Refuses numbers that are NaN or infinite, where an archive was read.
template <class List>
void check_finite(const Archive& archive, const List& list, const char* what) {
  if (!archive.reads()) return;
  archive.check(std::all_of(list.begin(), list.end(), [](auto value) { return std::isfinite(value); }), what);
}

// -- sealed bytes -----------------------------------------------------------------------------------------------------
// "heatbath", the kind in 8 characters, the version of its format in 32 bits, 32 bits of 0, the length of the contents
// in 64 bits, the contents, and the CRC-32 of all bytes before it.

namespace detail {
constexpr std::array<char, 8> seal_mark{'h', 'e', 'a', 't', 'b', 'a', 't', 'h'};
constexpr std::size_t seal_head = 32;
inline std::array<char, 8> seal_kind(std::string_view kind) {
  std::array<char, 8> name{};
  std::copy_n(kind.begin(), std::min(kind.size(), name.size()), name.begin());
  return name;
}
}  // namespace detail

/// `kind`: up to 8 characters.
inline std::vector<std::byte> seal(std::string_view kind, std::uint32_t version, std::span<const std::byte> contents) {
  Archive out(version);
  auto mark = detail::seal_mark, name = detail::seal_kind(kind);
  std::uint32_t none = 0;
  std::uint64_t size = contents.size();
  out.values(std::span(mark));
  out.values(std::span(name));
  out(version, none, size);
  std::vector<std::byte> bytes = out.take();
  bytes.insert(bytes.end(), contents.begin(), contents.end());
  std::uint32_t sum = crc32(bytes);
  Archive last(version);
  last(sum);
  const std::vector<std::byte> tail = last.take();
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

struct Sealed {
  std::uint32_t version = 0;
  std::span<const std::byte> contents;  ///< of the bytes that were given
};

/// The contents of seal(). Throws Archive::Refused, which says in one line what is wrong: no sealed bytes, another kind,
/// a version above `newest`, cut short, longer, damaged.
inline Sealed unseal(std::span<const std::byte> bytes, std::string_view kind, std::uint32_t newest) {
  const auto wrong = [&](const std::string& what) { throw Archive::Refused(what); };
  std::array<char, 8> mark{}, name{};
  std::uint32_t version = 0, none = 0;
  std::uint64_t size = 0;
  if (bytes.size() < detail::seal_mark.size() ||
      std::memcmp(bytes.data(), detail::seal_mark.data(), detail::seal_mark.size()) != 0)
    wrong("it is nothing that Heatbath has saved");
  if (bytes.size() < detail::seal_head + sizeof(std::uint32_t)) wrong("it is cut short");
  Archive head(bytes, 0);
  head.values(std::span(mark));
  head.values(std::span(name));
  head(version, none, size);
  if (name != detail::seal_kind(kind)) {
    std::string found;
    for (const char letter : name)
      if (letter != 0) found += letter >= ' ' && letter <= '~' ? letter : '?';
    wrong("it holds the state of a '" + found + "', not of a '" + std::string(kind) + "'");
  }
  if (version == 0 || version > newest)
    wrong("it has format " + std::to_string(version) + "; this program reads formats 1 to " + std::to_string(newest));
  const std::size_t there = bytes.size() - detail::seal_head - sizeof(std::uint32_t);
  if (size != there)
    wrong(size > there ? "it is cut short: " + std::to_string(there) + " of " + std::to_string(size) + " bytes are there"
                       : "it is longer than it says");
  std::uint32_t sum = 0;
  Archive tail(bytes.last(sizeof sum), 0);
  tail(sum);
  if (sum != crc32(bytes.first(bytes.size() - sizeof sum))) wrong("it is damaged (its checksum differs)");
  return {version, bytes.subspan(detail::seal_head, there)};
}

}  // namespace heatbath::numerics
