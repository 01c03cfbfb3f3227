#pragma once
// Text from outside as Unicode: names of files are bytes, while JSON, HTML, XML, HDF5 and numpy's texts have rules.

#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

namespace heatbath::apps {

/// Code points of UTF-8 text; each byte that belongs to none becomes U+FFFD.
std::u32string code_points(std::string_view text);

/// The same text as well-formed UTF-8.
std::string valid_utf8(std::string_view text);

/// JSON text: indented by `indent` spaces, on one line for -1. Strings that are no UTF-8 have their bad bytes replaced:
/// a name never costs a result.
std::string json_text(const nlohmann::json& value, int indent = -1);

/// The value of a JSON text whose brackets nest at most 64 deep, as those of every file here do. Throws
/// nlohmann::json::parse_error for a text that is none, or deeper: a bracket takes a hundred times its own memory.
nlohmann::json parsed_json(std::string_view text);

}  // namespace heatbath::apps
