#pragma once
// A figure of any result file.

#include <span>
#include <string>

#include "files/result_arrays.hpp"
#include "report/figure.hpp"

namespace heatbath::apps {

/// What `heatbath plot` draws: for gnuplot, or where characters show it better, text as it is.
struct ResultFigure {
  std::string title;         ///< what is seen, in words
  std::string script, data;
  std::string text;          ///< instead of the two; on a canvas of text only
};

/// The figure of the array `name`; empty: of what tells most of such a file (states over time, energies, losses, ...). Axes
/// are those of heatbath run where the name is one of its arrays: shots x records x cells, snapshots x shots. Of states
/// means over shots, of at most six cells, of at most two with their standard deviation; of one record, and of energies, a histogram; a
/// series with its `_error` where there is one; a matrix as a picture. More than 2,000 points of a line, or 512 of a
/// matrix's side, are means over stretches. Throws Error(BAD_ARG) in one line that lists the arrays.
ResultFigure result_figure(std::span<const ResultArray> arrays, const std::string& name, const Canvas& canvas);

}  // namespace heatbath::apps
