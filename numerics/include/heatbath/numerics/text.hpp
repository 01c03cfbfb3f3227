#pragma once
// Numbers and quotations as text: one syntax for every file, option and key, whatever locale the process has.

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace heatbath::numerics {
namespace text_detail {

template <typename T>
std::string shortest(T value) {
  std::array<char, 32> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value);
  return std::string(text.data(), end);
}

inline std::string printed(double value, std::chars_format format, int digits) {
  std::array<char, 400> text;  // of the largest double: 309 digits and those behind the dot
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, format, digits);
  return std::string(text.data(), end);
}

struct Character {
  std::uint32_t code;
  std::size_t bytes;  // 0: not UTF-8
};

/// The character of UTF-8 at the front of `text`, which is not empty (RFC 3629: shortest form, no surrogates).
inline Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint32_t>(static_cast<unsigned char>(text[i])); };
  const std::uint32_t lead = byte(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t bytes = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < bytes) return {lead, 0};
  std::uint32_t code = lead & (0x7fu >> bytes);
  for (std::size_t i = 1; i < bytes; ++i) {
    if ((byte(i) & 0xc0) != 0x80) return {lead, 0};
    code = code << 6 | (byte(i) & 0x3f);
  }
  const bool longer_than_needed = (bytes == 3 && code < 0x800) || (bytes == 4 && code < 0x10000);
  if (longer_than_needed || (code >= 0xd800 && code < 0xe000) || code > 0x10ffff) return {lead, 0};
  return {code, bytes};
}

/// Whether a terminal shows `code` in its place: no control (C0, DEL, C1), no mark without width, no turn of direction.
inline bool seen(std::uint32_t code) {
  const auto within = [&](std::uint32_t first, std::uint32_t last) { return code >= first && code <= last; };
  return code >= 0x20 && !within(0x7f, 0x9f) && code != 0xad && code != 0x61c && !within(0x180b, 0x180e) &&
         !within(0x200b, 0x200f) && !within(0x2028, 0x202e) && !within(0x2060, 0x206f) && !within(0xfe00, 0xfe0f) &&
         code != 0xfeff && !within(0xfff0, 0xfffb) && !within(0xe0000, 0xe0fff);
}

inline std::string hexadecimal(std::uint32_t value) {
  std::array<char, 8> text;
  const auto [end, error] = std::to_chars(text.data(), text.data() + text.size(), value, 16);
  return std::string(text.data(), end);
}

inline std::string shown(Character c, std::string_view written) {
  if (c.bytes == 0) return "\\x" + hexadecimal(c.code);
  switch (c.code) {
    case '\n':
      return "\\n";
    case '\t':
      return "\\t";
    case '\r':
      return "\\r";
  }
  if (seen(c.code)) return std::string(written);
  return c.code < 0x80 ? (c.code < 0x10 ? "\\x0" : "\\x") + hexadecimal(c.code) : "\\u{" + hexadecimal(c.code) + '}';
}

}  // namespace text_detail

/// Space, tab, carriage return, line feed, vertical tab and form feed: what separates words, in every locale.
constexpr bool is_blank(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

/// ASCII letters in lower case; every other byte as it is.
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// `text` without the blanks at its two ends.
constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
  return text;
}

/// The first word (a run of bytes that are not blank) of `text`, taken off its front; empty when none is left.
constexpr std::string_view take_word(std::string_view& text) {
  while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
  std::size_t length = 0;
  while (length < text.size() && !is_blank(text[length])) ++length;
  const std::string_view word = text.substr(0, length);
  text.remove_prefix(length);
  return word;
}

/// `text` without the byte-order mark of UTF-8 in front, which some editors write.
constexpr std::string_view without_byte_order_mark(std::string_view text) {
  constexpr std::string_view mark = "\xef\xbb\xbf";
  return text.starts_with(mark) ? text.substr(mark.size()) : text;
}

/// The number that the whole of `text` writes, or nothing: decimal with a dot, an optional sign, for floating point an
/// optional exponent (1.5e-3), inf and nan. Zeros in front change nothing (010 is ten, as in padded names of jobs).
/// Nothing for blanks, bytes left over, other bases, thousands, D exponents, and what T cannot hold (a floating-point
/// value that would become infinite or zero).
template <typename T>
  requires(std::integral<T> || std::floating_point<T>) && (!std::same_as<T, bool>)
std::optional<T> parse_number(std::string_view text) {
  if (text.starts_with('+')) {
    text.remove_prefix(1);
    if (text.starts_with('-')) return std::nullopt;
  }
  T value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// A whole number of a URI or of sysfs: decimal, or hexadecimal behind 0x.
inline std::optional<std::uint64_t> parse_decimal_or_hexadecimal(std::string_view text) {
  if (!text.starts_with("0x") && !text.starts_with("0X")) return parse_number<std::uint64_t>(text);
  text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

/// The shortest text that parse_number reads back as the same value: 0.1, 1e-07, inf, nan.
inline std::string text_of(double value) { return text_detail::shortest(value); }
inline std::string text_of(float value) { return text_detail::shortest(value); }

/// `value` with at most `digits` significant digits, without zeros behind: what printf gives for %.6g in the C locale.
inline std::string general(double value, int digits = 6) {
  return text_detail::printed(value, std::chars_format::general, digits);
}

/// `value` with `digits` digits behind the dot: what printf gives for %.6f in the C locale.
inline std::string fixed(double value, int digits = 6) {
  return text_detail::printed(value, std::chars_format::fixed, digits);
}

/// `text` fit for a terminal or a log: one line of readable characters. Control characters, bytes that are no UTF-8 and
/// characters that cannot be seen or that turn the direction of writing are shown as \n, \t, \r, \x1b or \u{feff}. What
/// is longer than `longest` characters is cut, "..." and its size in bytes in its place.
inline std::string escaped(std::string_view text, std::size_t longest = std::numeric_limits<std::size_t>::max()) {
  std::string result;
  const std::size_t all = text.size();
  for (std::size_t characters = 0; !text.empty(); ++characters) {
    if (characters == longest) return result + "... (" + std::to_string(all) + " bytes)";
    const text_detail::Character c = text_detail::first_character(text);
    const std::size_t bytes = c.bytes == 0 ? 1 : c.bytes;
    result += text_detail::shown(c, text.substr(0, bytes));
    text.remove_prefix(bytes);
  }
  return result;
}

/// A quotation of outside text (of a file, an option, a key) for a message: in single quotes, escaped, cut after 80
/// characters. Called by its whole name, as std::quoted answers to strings, too.
inline std::string quoted(std::string_view text) { return '\'' + escaped(text, 80) + '\''; }

}  // namespace heatbath::numerics
