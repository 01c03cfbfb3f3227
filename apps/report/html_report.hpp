#pragma once
// report.html: one file that explains itself.

#include <string>

#include "apps/report/generative_report.hpp"

namespace heatbath::apps {

/// A page with pictures embedded, the figures beside the paper's, settings, times and provenance. Needs no network
/// and no other file.
std::string html_report(const GenerativeReport& report);


/// The style sheet of the project's pages.
std::string_view html_style();

/// Text with &, <, > and " escaped.
std::string html_escape(std::string_view text);

/// RFC 4648 base64 with padding.
std::string base64(const PngBytes& bytes);

}  // namespace heatbath::apps
