#pragma once
// Whole text files, with a size before they have memory.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <string>

#include "heatbath/numerics/text.hpp"

namespace heatbath::numerics {

/// The system's words for an error number, in English whatever the locale.
inline std::string system_words(int error) {
#ifdef __GLIBC__
  if (const char* words = strerrordesc_np(error)) return words;
  return "error " + std::to_string(error);
#else
  return std::strerror(error);
#endif
}

/// A file that cannot be read; what() is the reason, to stand behind its name, as in "no such file" or "is a folder".
class UnreadableFile : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// The text in a file, a pipe or a device, without a byte-order mark. Reads no more than `longest` bytes. Throws
/// UnreadableFile when there is nothing, more than that, or a zero byte, which no text has: so nothing is endless.
inline std::string read_text_file(const std::filesystem::path& path, std::size_t longest) {
  struct Descriptor {
    int number;
    ~Descriptor() {
      if (number >= 0) ::close(number);
    }
  };
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY)};
  const auto refuse = [](int error) {
    throw UnreadableFile(error == ENOENT ? "no such file" : "cannot be read: " + system_words(error));
  };
  if (file.number < 0) refuse(errno);
  struct stat state {};
  if (::fstat(file.number, &state) != 0) refuse(errno);
  if (S_ISDIR(state.st_mode)) throw UnreadableFile("is a folder");
  const auto too_long = [&] {
    const bool large = longest >> 20 > 0;
    throw UnreadableFile("holds more than " + std::to_string(large ? longest >> 20 : longest) +
                         (large ? " MiB" : " bytes") + " of text");
  };
  std::string text;
  if (S_ISREG(state.st_mode)) {
    if (static_cast<std::uint64_t>(state.st_size) > longest) too_long();
    text.reserve(static_cast<std::size_t>(state.st_size) + 1);
  }
  for (;;) {
    const std::size_t had = text.size();
    const std::size_t piece = std::min<std::size_t>(std::max<std::size_t>(text.capacity() - had, 4096), 1u << 20);
    text.resize(had + piece);
    ssize_t got = 0;
    do got = ::read(file.number, text.data() + had, piece);
    while (got < 0 && errno == EINTR);
    if (got < 0) refuse(errno);
    text.resize(had + static_cast<std::size_t>(got));
    if (got == 0) break;
    if (text.find('\0', had) != std::string::npos) throw UnreadableFile("is no text: it holds a zero byte");
    if (text.size() > longest) too_long();
  }
  if (without_byte_order_mark(text).size() != text.size()) text.erase(0, 3);
  if (text.empty()) throw UnreadableFile("is empty");
  return text;
}

/// The lines of a text one after the other, without their ends (LF or CR LF).
class TextLines {
 public:
  explicit TextLines(std::string_view text) : rest_(text) {}

  /// Goes on to the next line; false when there is none.
  bool next() {
    if (rest_.empty()) return false;
    const std::size_t end = rest_.find('\n');
    line_ = rest_.substr(0, end);
    if (line_.ends_with('\r')) line_.remove_suffix(1);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    ++number_;
    return true;
  }
  std::string_view line() const { return line_; }
  /// Of the present line, counted from 1.
  std::size_t number() const { return number_; }

 private:
  std::string_view rest_, line_;
  std::size_t number_ = 0;
};

}  // namespace heatbath::numerics
