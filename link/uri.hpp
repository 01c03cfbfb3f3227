#pragma once
// Device URIs: scheme:key=value&key=value where the scheme says it all, else scheme:address?key=value&key=value.

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace heatbath {

/// What stands between the scheme and the keys: nothing (func:), a name up to '?' (unix:/path), or "//host:port".
enum class UriAddress : std::uint8_t { none, name, host };

/// A URI taken apart.
struct Uri {
  std::string what;    ///< what messages call it
  std::string text;    ///< as given
  std::string scheme;
  std::string address;  ///< without "//"
  std::map<std::string, std::string> keys;

  /// Value of a key, or `otherwise`.
  std::string get(const std::string& key, const std::string& otherwise = {}) const;
  /// The same of numbers, decimal or hexadecimal after 0x: Error(BAD_ARG) that names key, value and range.
  std::chrono::milliseconds milliseconds(const std::string& key, std::chrono::milliseconds otherwise) const;
  std::uint64_t number(const std::string& key, std::uint64_t lowest, std::uint64_t highest, std::uint64_t otherwise) const;
};

/// Takes a URI apart. Only the keys of `valid` may stand in it; a value of the key `device`, itself a URI, goes to the
/// end of the text. Throws Error(BAD_ARG) in one line that lists the valid keys or shows the right form: a text without
/// scheme or address, a pair without '=', an empty key or value, a key given twice. `what`: what messages call it.
Uri parse_uri(std::string_view text, UriAddress address, std::span<const std::string_view> valid,
              std::string_view what = "device URI");

/// The scheme of any device URI; empty when there is none.
std::string_view scheme_of(std::string_view text);

}  // namespace heatbath
