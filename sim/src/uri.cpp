#include "uri.hpp"

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath {
namespace {

[[noreturn]] void bad_uri(std::string_view text, const std::string& what) {
  throw Error(HB_BAD_ARG, "device URI '" + numerics::escaped(text, 400) + "': " + numerics::escaped(what, 1000));
}

}  // namespace

Uri parse_uri(std::string_view text) {
  Uri uri;
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0) bad_uri(text, "no scheme; write it as func:profile=ideal&cells=64");
  uri.scheme = std::string(text.substr(0, colon));
  std::string_view rest = text.substr(colon + 1);
  if (uri.scheme != "func" && uri.scheme != "tlm") return uri;
  if (rest.ends_with('&')) bad_uri(text, "it ends in '&'; another key=value must follow, or nothing");
  while (!rest.empty()) {
    const std::size_t end = rest.find('&');
    const std::string_view pair = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view{} : rest.substr(end + 1);
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || equals == 0 || equals + 1 == pair.size())
      bad_uri(text, std::string("'").append(pair).append("' is not key=value"));
    const auto [at, inserted] = uri.keys.emplace(pair.substr(0, equals), pair.substr(equals + 1));
    if (!inserted) bad_uri(text, std::string("key '").append(at->first).append("' is given twice"));
  }
  return uri;
}

std::uint64_t parse_number(const std::string& key, const std::string& value, std::uint64_t lowest, std::uint64_t highest) {
  const auto number = numerics::parse_decimal_or_hexadecimal(value);
  if (!number || *number < lowest || *number > highest)
    throw Error(HB_BAD_ARG, "device URI: " + key + "=" + numerics::escaped(value, 80) + " is not a whole number in " +
                                std::to_string(lowest) + ".." + std::to_string(highest));
  return *number;
}

}  // namespace heatbath
