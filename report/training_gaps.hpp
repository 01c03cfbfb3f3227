#pragma once
// How far the averages of data and device lay apart in a training of binary cells, as a curve.

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>

#include <fmt/format.h>

namespace heatbath::apps {

/// Rows of update and gap for gnuplot, some thousand of them.
inline std::string gap_rows(std::span<const double> gaps) {
  std::string rows;
  const std::size_t stride = std::max<std::size_t>(1, gaps.size() / 1000);
  for (std::size_t u = 0; u < gaps.size(); u += stride) rows += fmt::format("{} {:.8g}\n", u + 1, gaps[u]);
  return rows;
}

/// The curve alone.
inline constexpr const char* kGapsPlot =
    "set xlabel 'update'\nset ylabel 'difference of averages'\nset yrange [0:*]\nset key off\n"
    "plot 'data' using 1:2 with lines lw 1.2 lc rgb '#1d4f91'\n";

}  // namespace heatbath::apps
