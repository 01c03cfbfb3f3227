#pragma once
// Plots drawn by gnuplot.

#include <optional>
#include <string>

#include "report/picture.hpp"
#include "report/png_sheet.hpp"

namespace heatbath::apps {

/// Runs gnuplot on `script` in a temporary folder that holds `data` as "data", and returns the PNG. The script may
/// assume terminal and output set. Nothing when gnuplot is not installed (`why` then says which package has it) or
/// failed (`why` says how); a figure is never a reason to lose a run. $PATH decides which gnuplot.
/// With two figures or more running side by side nothing is shared but $TMPDIR.
std::optional<PngBytes> gnuplot_figure(const std::string& script, const std::string& data, std::string& why);

/// Where a figure goes: a picture of pixels or lines, or characters of `columns` x `rows`.
struct Canvas {
  enum class Kind { png, svg, text };
  Kind kind = Kind::png;
  std::size_t columns = 100, rows = 30;
};
/// The same on a canvas of any kind. Throws Error(UNSUPPORTED) without gnuplot, Error(IO) where it failed.
std::string gnuplot_on(const Canvas& canvas, const std::string& script, const std::string& data);

/// The picture with the figure that gnuplot draws of `data`, or with the reason why there is none.
Picture plotted(Picture picture, const std::string& script, const std::string& data);

}  // namespace heatbath::apps
