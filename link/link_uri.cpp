#include "link/link_uri.hpp"

#include <algorithm>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath {
namespace {

[[noreturn]] void bad_uri(std::string_view text, const std::string& what) {
  throw Error(HB_BAD_ARG, "device URI '" + numerics::escaped(text, 400) + "': " + numerics::escaped(what, 1000));
}

constexpr std::uint64_t longest_ms = 7 * 24 * 3600 * std::uint64_t{1000};

}  // namespace

std::string LinkUri::get(const std::string& key, const std::string& otherwise) const {
  const auto at = keys.find(key);
  return at == keys.end() ? otherwise : at->second;
}

std::chrono::milliseconds LinkUri::milliseconds(const std::string& key, std::chrono::milliseconds otherwise) const {
  const auto at = keys.find(key);
  if (at == keys.end()) return otherwise;
  const auto number = numerics::parse_decimal_or_hexadecimal(at->second);
  if (!number || *number < 1 || *number > longest_ms)
    bad_uri(text, key + "=" + at->second + " is not a whole number of milliseconds in 1.." + std::to_string(longest_ms));
  return std::chrono::milliseconds(*number);
}

std::uint32_t LinkUri::number(const std::string& key, std::uint32_t lowest, std::uint32_t highest,
                              std::uint32_t otherwise) const {
  const auto at = keys.find(key);
  if (at == keys.end()) return otherwise;
  const auto number = numerics::parse_decimal_or_hexadecimal(at->second);
  if (!number || *number < lowest || *number > highest)
    bad_uri(text, key + "=" + at->second + " is not a whole number in " + std::to_string(lowest) + ".." +
                      std::to_string(highest));
  return static_cast<std::uint32_t>(*number);
}

std::string_view scheme_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon == std::string_view::npos ? std::string_view{} : text.substr(0, colon);
}

LinkUri parse_link_uri(std::string_view text, std::initializer_list<const char*> valid) {
  LinkUri uri;
  uri.text = text;
  uri.scheme = scheme_of(text);
  std::string_view rest = text.substr(uri.scheme.size() + 1);
  const bool host = uri.scheme == "tcp" || uri.scheme == "etherbone";
  if (host && !rest.starts_with("//")) bad_uri(text, "write it as " + uri.scheme + "://host:port");
  if (host) rest.remove_prefix(2);
  const std::size_t question = rest.find('?');
  uri.address = rest.substr(0, question);
  if (uri.address.empty()) bad_uri(text, "nothing stands after '" + uri.scheme + (host ? "://'" : ":'"));
  rest = question == std::string_view::npos ? std::string_view{} : rest.substr(question + 1);
  if (question != std::string_view::npos && rest.empty())
    bad_uri(text, "it ends in '?'; key=value must follow, or nothing");
  while (!rest.empty()) {
    const bool takes_all = rest.starts_with("device=");
    const std::size_t end = takes_all ? std::string_view::npos : rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == pair.size())
      bad_uri(text, "'" + std::string(pair) + "' is not key=value");
    const std::string key(pair.substr(0, equals));
    if (std::none_of(valid.begin(), valid.end(), [&](const char* name) { return key == name; })) {
      std::string list;
      for (const char* name : valid) list += (list.empty() ? "" : ", ") + std::string(name);
      bad_uri(text, "key '" + key + "' is unknown; " + uri.scheme + ": has " + (list.empty() ? "no keys" : list));
    }
    if (!uri.keys.emplace(key, pair.substr(equals + 1)).second) bad_uri(text, "key '" + key + "' is given twice");
  }
  return uri;
}

}  // namespace heatbath
