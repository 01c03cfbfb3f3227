#pragma once
// report.html: one file that explains itself.

#include <string>

#include "report/generative_report.hpp"

namespace heatbath::apps {

/// A page with pictures embedded, the figures beside the paper's, settings, times and provenance. Needs no network
/// and no other file.
std::string html_report(const GenerativeReport& report);

}  // namespace heatbath::apps
