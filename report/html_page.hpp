#pragma once
// What every report page is made of: one file that needs no network and no other file.

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "heatbath/measure/estimate.hpp"
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

/// A measured value with its standard error, HTML; a dash for what was not measured.
std::string with_error(const std::optional<measure::Estimate>& measured);

/// A table of more columns: the head, which opens it, rows of HTML, and what closes it.
std::string table_head(std::initializer_list<const char*> names);
std::string table_row(std::initializer_list<std::string> cells);
inline constexpr const char* kTableEnd = "</table></div>\n";

/// Pictures with titles and captions; of an absent one, the reason.
std::string figures(const std::vector<Picture>& pictures);

/// A large figure with what it is: HTML.
std::string tile(const std::string& value, const char* what);

}  // namespace heatbath::apps
