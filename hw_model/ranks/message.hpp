#pragma once
// Values as bytes between ranks of one program, which share versions and the order of bytes.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <type_traits>
#include <vector>

namespace heatbath::ranks {

class Message {
 public:
  Message() = default;
  explicit Message(std::vector<std::byte> bytes) : bytes_(std::move(bytes)) {}

  const std::vector<std::byte>& bytes() const { return bytes_; }

  /// Room for so many bytes more.
  Message& reserve(std::size_t bytes) {
    bytes_.reserve(bytes_.size() + bytes + sizeof(std::uint64_t));
    return *this;
  }
  template <class Value>
  Message& put(const Value& value) {
    static_assert(std::is_trivially_copyable_v<Value>);
    const auto* from = reinterpret_cast<const std::byte*>(&value);
    bytes_.insert(bytes_.end(), from, from + sizeof value);
    return *this;
  }
  template <class Value>
  Message& put_all(std::span<const Value> values) {
    put(std::uint64_t{values.size()});
    const auto bytes = std::as_bytes(values);
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }

  /// In the order in which they were put. Throws std::out_of_range beyond the end.
  template <class Value>
  Value get() {
    Value value;
    std::memcpy(&value, take(sizeof value), sizeof value);
    return value;
  }
  template <class Value>
  std::vector<Value> get_all() {
    std::vector<Value> values(get<std::uint64_t>());
    const std::byte* from = take(values.size() * sizeof(Value));
    if (!values.empty()) std::memcpy(values.data(), from, values.size() * sizeof(Value));
    return values;
  }

 private:
  const std::byte* take(std::size_t count) {
    if (count > bytes_.size() - at_) throw std::out_of_range("a message between ranks ends too early");
    at_ += count;
    return bytes_.data() + (at_ - count);
  }

  std::vector<std::byte> bytes_;
  std::size_t at_ = 0;
};

}  // namespace heatbath::ranks
