// heatbath plot: a figure of any result file.

#include <algorithm>
#include <cmath>

#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/terminal.hpp"
#include "files/atomic_file.hpp"
#include "files/result_arrays.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "report/result_figure.hpp"

namespace heatbath::apps {
namespace {

Canvas canvas_of(const std::filesystem::path& out) {
  if (out.empty()) {
    constexpr std::size_t usual = 100, widest = 200, rows = 30;
    const std::size_t columns = columns_of(STDOUT_FILENO);
    return {Canvas::Kind::text, columns == 0 ? usual : std::clamp<std::size_t>(columns, 40, widest), rows};
  }
  if (out.extension() == ".png") return {Canvas::Kind::png};
  if (out.extension() == ".svg") return {Canvas::Kind::svg};
  throw Error(HB_BAD_ARG, fmt::format("--out {}: needs a file name that ends in .png or .svg", numerics::escaped(out.string())));
}

}  // namespace

int run_plot(const PlotOptions& options) {
  const Canvas canvas = canvas_of(options.out);
  if (!options.out.empty()) prepare_file(options.out);
  const std::vector<ResultArray> arrays = result_arrays(options.file);
  if (options.list) {
    for (const ResultArray& array : arrays) put("{:<40} {}\n", numerics::escaped(array.name), fmt::join(array.shape, " x "));
    return 0;
  }
  ResultFigure figure;
  try {
    figure = result_figure(arrays, options.what, canvas);
  } catch (const Error& error) {
    throw Error(error.code(), fmt::format("{}: {}", numerics::escaped(options.file.string()), error.what()));
  }
  const std::string drawn = figure.script.empty() ? figure.text + numerics::escaped(figure.title) + "\n" : gnuplot_on(canvas, figure.script, figure.data);
  if (options.out.empty()) {
    put_text(drawn);
  } else {
    write_file(options.out, drawn);
    put("wrote {}: {}\n", numerics::escaped(options.out.string()), numerics::escaped(figure.title));
  }
  return 0;
}

}  // namespace heatbath::apps
