#include "link/uri.hpp"

#include <algorithm>

#include "heatbath/error.hpp"
#include "heatbath/numerics/nearest_word.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath {
namespace {

[[noreturn]] void bad_uri(const Uri& uri, const std::string& why) {
  throw Error(HB_BAD_ARG, uri.what + " '" + numerics::escaped(uri.text, 400) + "': " + numerics::escaped(why, 1000));
}

constexpr std::uint64_t longest_ms = 7 * 24 * 3600 * std::uint64_t{1000};

std::string listed(std::span<const std::string_view> names) {
  std::string list;
  for (const std::string_view name : names) list.append(list.empty() ? "" : ", ").append(name);
  return list;
}

}  // namespace

std::string Uri::get(const std::string& key, const std::string& otherwise) const {
  const auto at = keys.find(key);
  return at == keys.end() ? otherwise : at->second;
}

std::chrono::milliseconds Uri::milliseconds(const std::string& key, std::chrono::milliseconds otherwise) const {
  const auto at = keys.find(key);
  if (at == keys.end()) return otherwise;
  const auto number = numerics::parse_decimal_or_hexadecimal(at->second);
  if (!number || *number < 1 || *number > longest_ms)
    bad_uri(*this, key + "=" + at->second + " is not a whole number of milliseconds in 1.." + std::to_string(longest_ms));
  return std::chrono::milliseconds(*number);
}

std::uint64_t Uri::number(const std::string& key, std::uint64_t lowest, std::uint64_t highest,
                          std::uint64_t otherwise) const {
  const auto at = keys.find(key);
  if (at == keys.end()) return otherwise;
  const auto number = numerics::parse_decimal_or_hexadecimal(at->second);
  if (!number || *number < lowest || *number > highest)
    bad_uri(*this, key + "=" + at->second + " is not a whole number in " + std::to_string(lowest) + ".." +
                      std::to_string(highest));
  return *number;
}

std::string_view scheme_of(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon == std::string_view::npos ? std::string_view{} : text.substr(0, colon);
}

Uri parse_uri(std::string_view text, UriAddress address, std::span<const std::string_view> valid,
              std::string_view what) {
  Uri uri;
  uri.what = what;
  uri.text = text;
  uri.scheme = scheme_of(text);
  if (uri.scheme.empty()) bad_uri(uri, "no scheme; write it as func:profile=ideal&cells=64");
  std::string_view rest = text.substr(uri.scheme.size() + 1);
  if (address != UriAddress::none) {
    const bool host = address == UriAddress::host;
    if (host && !rest.starts_with("//")) bad_uri(uri, "write it as " + uri.scheme + "://host:port");
    if (host) rest.remove_prefix(2);
    const std::size_t question = rest.find('?');
    uri.address = rest.substr(0, question);
    if (uri.address.empty()) bad_uri(uri, "nothing stands after '" + uri.scheme + (host ? "://'" : ":'"));
    rest = question == std::string_view::npos ? std::string_view{} : rest.substr(question + 1);
    if (question != std::string_view::npos && rest.empty())
      bad_uri(uri, "it ends in '?'; key=value must follow, or nothing");
  }
  while (!rest.empty()) {
    const bool takes_all = rest.starts_with("device=");
    const std::size_t end = takes_all ? std::string_view::npos : rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    if (end != std::string_view::npos && rest.empty())
      bad_uri(uri, "it ends in '&'; another key=value must follow, or nothing");
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == pair.size())
      bad_uri(uri, "'" + std::string(pair) + "' is not key=value");
    const std::string key(pair.substr(0, equals));
    if (std::ranges::find(valid, key) == valid.end())
      bad_uri(uri, "key '" + key + "' is unknown" + numerics::did_you_mean(key, valid) + "; " + uri.scheme + ": has " + (valid.empty() ? "no keys" : listed(valid)));
    if (!uri.keys.emplace(key, pair.substr(equals + 1)).second) bad_uri(uri, "key '" + key + "' is given twice");
  }
  return uri;
}

}  // namespace heatbath
