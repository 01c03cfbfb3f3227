#pragma once
// A picture of a report.

#include <optional>
#include <span>
#include <string>

#include <nlohmann/json_fwd.hpp>

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

/// By file: true, or why there is no picture.
nlohmann::json pictures_json(std::span<const Picture> pictures);

}  // namespace heatbath::apps
