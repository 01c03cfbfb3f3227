#pragma once
// A picture of a report.

#include <optional>
#include <string>

#include "report/png_sheet.hpp"

namespace heatbath::apps {

/// A picture of a report and what it shows.
struct Picture {
  std::string file;  ///< name in the output folder
  std::string title;
  std::string caption;  ///< plain text
  std::optional<PngBytes> png;
  std::string missing;  ///< why there is no picture
  bool pixels = false;  ///< drawn pixel by pixel, not to be smoothed when it is enlarged
};

}  // namespace heatbath::apps
