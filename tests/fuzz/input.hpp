#pragma once
// Bytes of a fuzzer as choices; and what every target promises.

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <type_traits>

/// One input. Whatever is wrong (a crash, a hang, two models that differ, an error of more than one line) ends the
/// process by abort().
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace heatbath::fuzz {

/// What was done in all inputs, said on standard error when the process ends: campaigns go by it.
struct Tally {
  const char* what;
  std::uint64_t count = 0;
  ~Tally() { std::fprintf(stderr, "%llu %s\n", static_cast<unsigned long long>(count), what); }
};

/// Takes values off the front; zeros behind the end.
class Input {
 public:
  Input(const std::uint8_t* data, std::size_t size) : left_(reinterpret_cast<const std::byte*>(data), size) {}
  bool empty() const { return left_.empty(); }
  std::span<const std::byte> rest() const { return left_; }
  template <class Value>
  Value take() {
    Value value{};
    const std::size_t size = left_.size() < sizeof value ? left_.size() : sizeof value;
    if (size > 0) std::memcpy(&value, left_.data(), size);
    left_ = left_.subspan(size);
    return value;
  }
  std::uint32_t below(std::uint32_t limit) { return take<std::uint16_t>() % limit; }
  std::span<const std::byte> bytes(std::size_t most) {
    const auto some = left_.first(left_.size() < most ? left_.size() : most);
    left_ = left_.subspan(some.size());
    return some;
  }

 private:
  std::span<const std::byte> left_;
};

[[noreturn]] inline void wrong(const std::string& what) {
  std::fprintf(stderr, "WRONG: %s\n", what.c_str());
  std::abort();
}

/// An error that a person gets: one line, without characters that a terminal obeys, and not endless.
inline void expect_one_line(const char* what) {
  const std::size_t length = std::strlen(what);
  if (length == 0 || length > 4000) wrong("an error of " + std::to_string(length) + " characters");
  for (std::size_t k = 0; k < length; ++k)
    if (static_cast<unsigned char>(what[k]) < 0x20 || what[k] == 0x7F) wrong("an error with control characters: " + std::string(what));
}

}  // namespace heatbath::fuzz
