#include "report/result_figure.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/nearest_word.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {
namespace {

constexpr std::size_t most_points = 2000, most_side = 512, most_lines = 6, most_shaded = 2, bins = 60;

const ResultArray* find(std::span<const ResultArray> arrays, std::string_view name) {
  const auto found = std::ranges::find(arrays, name, &ResultArray::name);
  return found == arrays.end() ? nullptr : &*found;
}

std::string shape_of(const ResultArray& array) { return fmt::format("{}", fmt::join(array.shape, " x ")); }

/// A text of gnuplot.
std::string gnuplot_text(const std::string& text) {
  std::string safe;
  for (const char c : numerics::escaped(text)) safe += c == '\'' ? "''" : std::string(1, c);
  return "'" + safe + "'";
}

std::string value_text(double value) { return std::isfinite(value) ? numerics::general(value, 7) : "nan"; }

/// Where each stretch of a series that is too long begins; `count` is the last one.
std::vector<std::size_t> stretches(std::size_t count, std::size_t most) {
  const std::size_t parts = std::min(count, most);
  std::vector<std::size_t> begins;
  for (std::size_t k = 0; k <= parts; ++k) begins.push_back(k * count / parts);
  return begins;
}

template <typename Value>
double mean(std::size_t begin, std::size_t end, const Value& value) {
  double sum = 0;
  for (std::size_t k = begin; k < end; ++k) sum += value(k);
  return sum / static_cast<double>(end - begin);
}

ResultFigure histogram(const std::string& title, const std::vector<double>& values) {
  double low = std::numeric_limits<double>::infinity(), high = -low;
  for (const double x : values)
    if (std::isfinite(x)) low = std::min(low, x), high = std::max(high, x);
  if (low > high) throw Error(HB_BAD_ARG, title + ": holds no finite number");
  const double width = high > low ? (high - low) / bins : 1;
  if (high == low) low -= 0.5 * bins * width;
  std::vector<std::size_t> counts(bins);
  for (const double x : values)
    if (std::isfinite(x)) ++counts[std::min(bins - 1, static_cast<std::size_t>((x - low) / width))];
  ResultFigure figure{.title = title, .script = {}, .data = {}, .text = {}};
  for (std::size_t k = 0; k < bins; ++k) figure.data += fmt::format("{} {}\n", value_text(low + (static_cast<double>(k) + 0.5) * width), counts[k]);
  figure.script = fmt::format("set title {} noenhanced\nset ylabel 'number'\nset yrange [0:*]\nset style fill solid 0.8\nset boxwidth {}\n"
                              "plot 'data' using 1:2 with boxes lc rgb '#1d63b8' notitle\n", gnuplot_text(title), value_text(width));
  return figure;
}

/// Rows of (x, value, error); error 0: none.
struct Series {
  std::string name;
  std::vector<double> x, y, error;
};

ResultFigure lines(const std::string& title, const std::string& x_name, const std::vector<Series>& all, const Canvas& canvas) {
  static constexpr const char* colours[] = {"#1d63b8", "#a8480b", "#1e7d45", "#8e2fa8", "#8a6a00", "#00707d"};
  ResultFigure figure{.title = title, .script = fmt::format("set title {} noenhanced\nset xlabel {} noenhanced\nset key outside\nplot ", gnuplot_text(title), gnuplot_text(x_name)),
                      .data = {}, .text = {}};
  for (std::size_t k = 0; k < all.size(); ++k) {
    const Series& one = all[k];
    const bool bars = std::ranges::any_of(one.error, [](double x) { return x > 0; });
    const std::vector<std::size_t> at = stretches(one.x.size(), most_points);
    for (std::size_t part = 0; part + 1 < at.size(); ++part) {
      const auto of = [&](const std::vector<double>& values) { return mean(at[part], at[part + 1], [&](std::size_t n) { return values[n]; }); };
      figure.data += fmt::format("{} {} {}\n", value_text(of(one.x)), value_text(of(one.y)), value_text(bars ? of(one.error) : 0));
    }
    figure.data += "\n\n";
    const std::string colour = canvas.kind == Canvas::Kind::text ? "" : fmt::format(" lc rgb '{}'", colours[k % std::size(colours)]);
    figure.script += fmt::format("{}'data' index {} using 1:2 with {}{} title {} noenhanced", k > 0 ? ", " : "", k,
                                 one.x.size() > 1 ? "lines" : "points", colour, gnuplot_text(one.name));
    if (bars && all.size() <= most_shaded && canvas.kind != Canvas::Kind::text)  // more shades on one another are grey
      figure.script += fmt::format(", 'data' index {} using 1:($2-$3):($2+$3) with filledcurves fs transparent solid 0.15 noborder{} notitle", k, colour);
  }
  figure.script += "\n";
  return figure;
}

/// 0, 1, 2, ... or the times of the records, where there is one for each.
std::vector<double> places(std::span<const ResultArray> arrays, std::size_t count, std::string& name) {
  const ResultArray* const time = find(arrays, "time");
  if (time != nullptr && time->values.size() == count) {
    name = "time, time units";
    return time->values;
  }
  std::vector<double> numbers(count);
  for (std::size_t k = 0; k < count; ++k) numbers[k] = static_cast<double>(k);
  return numbers;
}

/// Values of shots x records x cells: means over shots with their standard deviation, or of one record their histogram.
ResultFigure of_states(std::span<const ResultArray> arrays, const ResultArray& states, const Canvas& canvas) {
  const std::size_t shots = states.shape[0], records = states.shape[1], cells = states.values.size() / std::max<std::size_t>(1, shots * records);
  if (records < 2) return histogram(fmt::format("{}: all {} shots and {} cells", states.name, shots, cells), states.values);
  std::string x_name = "record";
  const std::vector<double> x = places(arrays, records, x_name);
  std::vector<Series> all;
  for (std::size_t k = 0; k < std::min(most_lines, cells); ++k) {
    const std::size_t cell = k * cells / std::min(most_lines, cells);
    Series one{fmt::format("cell {}", cell), x, {}, {}};
    for (std::size_t record = 0; record < records; ++record) {
      const auto value = [&](std::size_t shot) { return states.values[(shot * records + record) * cells + cell]; };
      const double middle = mean(0, shots, value);
      one.y.push_back(middle);
      one.error.push_back(std::sqrt(mean(0, shots, [&](std::size_t shot) { return (value(shot) - middle) * (value(shot) - middle); })));
    }
    all.push_back(std::move(one));
  }
  const bool shaded = shots > 1 && all.size() <= most_shaded && canvas.kind != Canvas::Kind::text;
  return lines(fmt::format("{}: means over {} shots{}", states.name, shots, shaded ? ", shaded one standard deviation" : ""), x_name, all, canvas);
}

/// Values of snapshots x shots: means over shots with their standard errors.
ResultFigure of_snapshots(const ResultArray& array, const Canvas& canvas) {
  const std::size_t snapshots = array.shape[0], shots = array.shape[1];
  if (snapshots < 2) return histogram(fmt::format("{}: all {} shots", array.name, shots), array.values);
  Series one{array.name, {}, {}, {}};
  for (std::size_t k = 0; k < snapshots; ++k) {
    const auto value = [&](std::size_t shot) { return array.values[k * shots + shot]; };
    const double middle = mean(0, shots, value);
    one.x.push_back(static_cast<double>(k));
    one.y.push_back(middle);
    one.error.push_back(shots > 1 ? std::sqrt(mean(0, shots, [&](std::size_t shot) { return (value(shot) - middle) * (value(shot) - middle); }) / static_cast<double>(shots - 1)) : 0);
  }
  return lines(fmt::format("{}: mean over {} shots", array.name, shots), "snapshot", {one}, canvas);
}

ResultFigure of_series(std::span<const ResultArray> arrays, const ResultArray& array, const Canvas& canvas) {
  std::string x_name = "number";
  Series one{array.name, places(arrays, array.values.size(), x_name), array.values, {}};
  if (const ResultArray* const error = find(arrays, array.name + "_error"); error != nullptr && error->shape == array.shape) one.error = error->values;
  return lines(array.name + (one.error.empty() ? "" : ", shaded its standard error"), x_name, {one}, canvas);
}

ResultFigure of_matrix(const ResultArray& array, const Canvas& canvas) {
  const std::size_t rows = array.shape[0], columns = array.values.size() / std::max<std::size_t>(1, rows);
  const bool text = canvas.kind == Canvas::Kind::text;
  const std::vector<std::size_t> down = stretches(rows, text ? canvas.rows : most_side), across = stretches(columns, text ? canvas.columns : most_side);
  std::vector<std::vector<double>> means(down.size() - 1);
  double most = 0;
  for (std::size_t r = 0; r + 1 < down.size(); ++r)
    for (std::size_t c = 0; c + 1 < across.size(); ++c) {
      means[r].push_back(mean(down[r], down[r + 1], [&](std::size_t row) {
        return mean(across[c], across[c + 1], [&](std::size_t column) { return array.values[row * columns + column]; });
      }));
      if (std::isfinite(means[r].back())) most = std::max(most, std::fabs(means[r].back()));
    }
  ResultFigure figure{.title = fmt::format("{}: {} x {}, from {} to {}", array.name, rows, columns, value_text(-most), value_text(most)), .script = {}, .data = {}, .text = {}};
  if (text) {
    for (const auto& row : means) {
      for (const double x : row) {
        const double size = most > 0 && std::isfinite(x) ? std::fabs(x) / most : 0;
        const auto level = static_cast<std::size_t>(std::min(7.0, size * 8));
        figure.text += size < 0.02 ? ' ' : x < 0 ? "abcdefgh"[level] : "ABCDEFGH"[level];
      }
      figure.text += '\n';
    }
    figure.title += "; a to h: -1/8 to -1 of it, A to H: 1/8 to 1";
    return figure;
  }
  for (const auto& row : means) {
    for (const double x : row) figure.data += value_text(x) + " ";
    figure.data += "\n";
  }
  // Rows and columns by their numbers, where stretches of them are drawn as one, too.
  const double tall = static_cast<double>(rows) / static_cast<double>(means.size()), wide = static_cast<double>(columns) / static_cast<double>(means[0].size());
  figure.script = fmt::format("set title {} noenhanced\nunset grid\nset xrange [{}:{}]\nset yrange [{}:{}]\nset palette defined (-1 '#21539c', 0 '#ffffff', 1 '#b22228')\nset cbrange [{}:{}]\n"
                              "plot 'data' matrix using ($1*{}):($2*{}):3 with image notitle\n",
                              gnuplot_text(figure.title), value_text(-0.5 * wide), value_text(static_cast<double>(columns) - 0.5 * wide),
                              value_text(static_cast<double>(rows) - 0.5 * tall), value_text(-0.5 * tall), value_text(most > 0 ? -most : -1), value_text(most > 0 ? most : 1), value_text(wide), value_text(tall));
  return figure;
}

ResultFigure figure_of(std::span<const ResultArray> arrays, const ResultArray& array, const Canvas& canvas) {
  if (array.values.empty()) throw Error(HB_BAD_ARG, fmt::format("{}: is empty ({})", array.name, shape_of(array)));
  if (array.name == "energies" || array.name == "energy") return histogram(array.name, array.values);
  if (array.name == "training_action_per_step") {
    const ResultArray* const floor = find(arrays, "training_action_floor");
    if (floor != nullptr && floor->shape == array.shape) {
      ResultArray above{"action above its floor", array.shape, array.values};
      for (std::size_t k = 0; k < above.values.size(); ++k) above.values[k] -= floor->values[k];
      return of_series({}, above, canvas);
    }
  }
  if (array.shape.size() == 1) return of_series(arrays, array, canvas);
  if (array.shape.size() == 3) return of_states(arrays, array, canvas);
  if (array.shape.size() == 2 && array.name.starts_with("meters_")) return of_snapshots(array, canvas);
  if (array.shape.size() == 2) return array.name == "states" ? histogram(array.name, array.values) : of_matrix(array, canvas);
  throw Error(HB_BAD_ARG, fmt::format("{} has {} axes ({}); at most 3 are plotted", array.name, array.shape.size(), shape_of(array)));
}

}  // namespace

ResultFigure result_figure(std::span<const ResultArray> arrays, const std::string& name, const Canvas& canvas) {
  std::vector<std::string> names;
  for (const ResultArray& array : arrays) names.push_back(array.name);
  if (arrays.empty()) throw Error(HB_BAD_ARG, "holds no series of numbers, so there is nothing to plot");
  if (!name.empty()) {
    const ResultArray* const array = find(arrays, name);
    if (array == nullptr) throw Error(HB_BAD_ARG, fmt::format("has no {}{}; it has {}", numerics::quoted(name), numerics::did_you_mean(name, names), fmt::join(names, ", ")));
    return figure_of(arrays, *array, canvas);
  }
  // What tells most, of the files that the commands write.
  for (const char* usual : {"energies", "states", "training_action_per_step", "losses", "mean", "meters_heat"})
    if (const ResultArray* const array = find(arrays, usual); array != nullptr && !array->values.empty()) return figure_of(arrays, *array, canvas);
  for (const ResultArray& array : arrays)
    if (!array.values.empty() && array.shape.size() <= 3) return figure_of(arrays, array, canvas);
  throw Error(HB_BAD_ARG, fmt::format("nothing in it can be plotted; it has {}", fmt::join(names, ", ")));
}

}  // namespace heatbath::apps
