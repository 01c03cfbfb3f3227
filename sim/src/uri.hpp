#pragma once
// Device URIs: scheme:key=value&key=value

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace heatbath {

/// A URI taken apart; nothing is known of the meaning of its keys.
struct Uri {
  std::string scheme;
  std::map<std::string, std::string> keys;
};

/// Takes "scheme:key=value&key=value" apart. Throws Error(BAD_ARG) in one line: no scheme, a pair without '=', an empty
/// key or value, a key given twice.
Uri parse_uri(std::string_view text);

/// A whole number in decimal or 0x hexadecimal. Throws Error(BAD_ARG) that names key, value and range.
std::uint64_t parse_number(const std::string& key, const std::string& value, std::uint64_t lowest, std::uint64_t highest);

}  // namespace heatbath
