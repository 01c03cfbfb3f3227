#pragma once
// Tables of measurements to which parameters are fitted.

#include <filesystem>
#include <string>
#include <variant>
#include <vector>

#include "heatbath/measure/fit.hpp"

namespace heatbath::apps {

using FitData = std::variant<std::vector<measure::CurvePoint>, std::vector<measure::TraceReading>>;

/// Reads text with a line of column names, then a line of numbers for each point; commas, semicolons, tabs or blanks
/// between, # comments, CR LF, byte-order mark. Columns of a curve: bias, and ones and trials, or p and trials. Of traces:
/// time, reading, and trace (whole numbers; default one trace) and drive (default 0). Their order is free; others are
/// refused by name. Throws Error(IO), Error(BAD_ARG) with file and line.
FitData read_fit_data(const std::filesystem::path& file);

}  // namespace heatbath::apps
