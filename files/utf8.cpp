#include "files/utf8.hpp"

#include <algorithm>

#include <nlohmann/json.hpp>

#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

std::u32string code_points(std::string_view text) {
  std::u32string points;
  while (!text.empty()) {
    const auto [code, bytes] = numerics::text_detail::first_character(text);
    points += bytes == 0 ? U'\uFFFD' : char32_t{code};
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return points;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const std::size_t bytes = numerics::text_detail::first_character(text).bytes;
    out += bytes == 0 ? std::string_view("\uFFFD") : text.substr(0, bytes);
    text.remove_prefix(std::max<std::size_t>(bytes, 1));
  }
  return out;
}

std::string json_text(const nlohmann::json& value, int indent) {
  return value.dump(indent, ' ', false, nlohmann::json::error_handler_t::replace);
}

nlohmann::json parsed_json(std::string_view text) {
  constexpr std::size_t deepest = 64;
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') ++at;
    if (in_string) continue;
    if ((c == '[' || c == '{') && ++depth > deepest)
      throw nlohmann::json::parse_error::create(101, at + 1, "brackets nest deeper than 64", nullptr);
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  return nlohmann::json::parse(text);
}

}  // namespace heatbath::apps
