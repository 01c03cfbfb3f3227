#pragma once
// What every report page is made of: one file that needs no network and no other file.

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "report/picture.hpp"

namespace heatbath::apps {

/// The style sheet of every page.
std::string_view html_style();

/// Text with &, <, > and " escaped, as UTF-8.
std::string html_escape(std::string_view text);

/// RFC 4648 base64 with padding.
std::string base64(const PngBytes& bytes);

/// A number for a table; a dash for what was not measured.
std::string number(double value, int decimals, const char* unit = "");

/// Everything before a page's text, its title as the heading; and everything behind it: who made it, and `where` else
/// to look.
std::string page_head(std::string_view title);
std::string page_foot(std::string_view where);

/// A table of names and values (plain text).
std::string pairs(const std::vector<std::pair<std::string, std::string>>& rows);

/// Pictures with titles and captions; of an absent one, the reason.
std::string figures(const std::vector<Picture>& pictures);

/// A large figure with what it is: HTML.
std::string tile(const std::string& value, const char* what);

}  // namespace heatbath::apps
