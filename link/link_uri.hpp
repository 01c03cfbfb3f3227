#pragma once
// URIs of links: scheme:address?key=value&key=value

#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>

namespace heatbath {

/// A link URI taken apart.
struct LinkUri {
  std::string text;     ///< as given
  std::string scheme;   ///< tcp, unix, shm, etherbone, uio, record, replay
  std::string address;  ///< what stands between the scheme (and "//" of tcp and etherbone) and '?'
  std::map<std::string, std::string> keys;

  /// Value of a key, or `otherwise`. Numbers (hexadecimal after 0x) throw Error(BAD_ARG) that names key, value and range.
  std::string get(const std::string& key, const std::string& otherwise = {}) const;
  std::chrono::milliseconds milliseconds(const std::string& key, std::chrono::milliseconds otherwise) const;
  std::uint32_t number(const std::string& key, std::uint32_t lowest, std::uint32_t highest, std::uint32_t otherwise) const;
};

/// Takes a URI apart. Only the keys of `valid` may stand in it; a value of the key `device`, itself a URI, goes to the
/// end of the text. Throws Error(BAD_ARG) in one line that lists the valid keys or shows the right form.
LinkUri parse_link_uri(std::string_view text, std::initializer_list<const char*> valid);

/// The scheme of any device URI; empty when there is none.
std::string_view scheme_of(std::string_view text);

}  // namespace heatbath
