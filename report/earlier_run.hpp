#pragma once
// An earlier run, which a report shows beside its own.

#include <filesystem>
#include <limits>
#include <optional>
#include <string>

#include "report/png_sheet.hpp"

namespace heatbath::apps {

/// The figures of an earlier run of generative training or drawing, and its drawings. NaN is what it did not measure.
struct EarlierRun {
  static constexpr double unknown = std::numeric_limits<double>::quiet_NaN();
  std::string folder;
  bool papers_recipe = false;  ///< trained as the paper says: the rule of gradients, pixel drive, one set of couplings
  double heat = unknown, heat_sd = unknown, v0 = unknown, vf = unknown, action_first = unknown, action_last = unknown;
  double correlation = unknown, inverted = unknown, asked = unknown, recognised = unknown;
  std::optional<PngBytes> drawings;  ///< samples.png

  /// What to call it at the head of a column.
  std::string name() const { return papers_recipe ? "The paper's recipe, run here" : "Run in " + folder; }
};

/// Reads report.json, and samples.png where there is one, of a folder that `heatbath train generate` or `heatbath
/// generate` wrote. Throws Error(IO) when there is no report and Error(BAD_ARG) when it is of something else, with the
/// file and the reason.
EarlierRun earlier_run(const std::filesystem::path& folder);

}  // namespace heatbath::apps
