// Handwritten-looking digits: a few pen strokes through control points that vary from image to image.
// Only +, -, *, / and sqrt are used, so an image has the same bytes on every machine.
#include <algorithm>
#include <cmath>
#include <limits>

#include "heatbath/error.hpp"
#include "heatbath/trainers/images.hpp"
#include "heatbath/numerics/random.hpp"

namespace heatbath::trainers {
namespace {

struct Point {
  double x = 0, y = 0;
};

/// A way to write a digit: control points in a unit box (y down), and strokes as indices into them, so that strokes
/// that meet stay together when points move. A stroke is a smooth curve through its points; two points make a line.
struct Glyph {
  std::vector<Point> points;
  std::vector<std::vector<int>> strokes;
};

/// The ways of writing each digit.
const std::vector<Glyph>& glyphs(std::size_t digit) {
  static const std::vector<std::vector<Glyph>> all = {
      {{{{0.50, 0.00}, {0.22, 0.12}, {0.08, 0.50}, {0.22, 0.88}, {0.50, 1.00}, {0.78, 0.88}, {0.92, 0.50}, {0.78, 0.12}},
        {{0, 1, 2, 3, 4, 5, 6, 7, 0}}},
       {{{0.60, 0.02}, {0.30, 0.10}, {0.10, 0.48}, {0.20, 0.90}, {0.50, 1.00}, {0.80, 0.86}, {0.92, 0.46}, {0.74, 0.10}, {0.46, 0.06}},
        {{0, 1, 2, 3, 4, 5, 6, 7, 8}}}},
      {{{{0.50, 0.00}, {0.51, 0.50}, {0.50, 1.00}}, {{0, 1, 2}}},
       {{{0.34, 0.20}, {0.52, 0.00}, {0.51, 0.50}, {0.50, 1.00}}, {{0, 1}, {1, 2, 3}}},
       {{{0.50, 0.00}, {0.49, 0.50}, {0.50, 1.00}}, {{0, 1, 2}}}},
      {{{{0.14, 0.26}, {0.30, 0.05}, {0.60, 0.02}, {0.80, 0.22}, {0.70, 0.50}, {0.42, 0.76}, {0.12, 0.99}, {0.90, 0.96}},
        {{0, 1, 2, 3, 4, 5, 6}, {6, 7}}},
       {{{0.16, 0.24}, {0.34, 0.03}, {0.64, 0.04}, {0.78, 0.26}, {0.66, 0.56}, {0.40, 0.88}, {0.16, 0.98}, {0.10, 0.82}, {0.32, 0.78}, {0.62, 0.95}, {0.96, 0.92}},
        {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10}}}},
      {{{{0.14, 0.13}, {0.45, 0.00}, {0.80, 0.16}, {0.70, 0.40}, {0.40, 0.48}, {0.76, 0.56}, {0.86, 0.78}, {0.54, 1.00}, {0.10, 0.90}},
        {{0, 1, 2, 3, 4}, {4, 5, 6, 7, 8}}},
       {{{0.18, 0.04}, {0.50, 0.02}, {0.78, 0.06}, {0.42, 0.42}, {0.74, 0.50}, {0.86, 0.74}, {0.56, 0.99}, {0.12, 0.94}},
        {{0, 1, 2}, {2, 3}, {3, 4, 5, 6, 7}}}},
      {{{{0.20, 0.02}, {0.14, 0.30}, {0.20, 0.54}, {0.50, 0.57}, {0.84, 0.50}, {0.80, 0.05}, {0.77, 0.50}, {0.70, 1.00}},
        {{0, 1, 2, 3, 4}, {5, 6, 7}}},
       {{{0.64, 0.00}, {0.36, 0.34}, {0.08, 0.64}, {0.94, 0.62}, {0.65, 0.50}, {0.63, 1.00}},
        {{0, 1, 2}, {2, 3}, {0, 4, 5}}}},
      {{{{0.86, 0.02}, {0.30, 0.04}, {0.22, 0.45}, {0.55, 0.38}, {0.85, 0.62}, {0.70, 0.93}, {0.36, 1.00}, {0.10, 0.88}},
        {{0, 1}, {1, 2}, {2, 3, 4, 5, 6, 7}}},
       {{{0.92, 0.06}, {0.34, 0.00}, {0.20, 0.40}, {0.50, 0.42}, {0.76, 0.64}, {0.62, 0.92}, {0.30, 1.00}, {0.06, 0.94}},
        {{0, 1}, {1, 2}, {2, 3, 4, 5, 6, 7}}}},
      {{{{0.70, 0.00}, {0.36, 0.25}, {0.15, 0.60}, {0.22, 0.90}, {0.50, 1.00}, {0.80, 0.85}, {0.75, 0.60}, {0.48, 0.53}, {0.20, 0.72}},
        {{0, 1, 2, 3, 4, 5, 6, 7, 8}}},
       {{{0.44, 0.00}, {0.24, 0.34}, {0.16, 0.66}, {0.26, 0.94}, {0.54, 1.00}, {0.76, 0.84}, {0.66, 0.62}, {0.42, 0.62}, {0.22, 0.82}},
        {{0, 1, 2, 3, 4, 5, 6, 7, 8}}}},
      {{{{0.10, 0.08}, {0.88, 0.05}, {0.60, 0.50}, {0.42, 1.00}}, {{0, 1}, {1, 2, 3}}},
       {{{0.10, 0.06}, {0.86, 0.04}, {0.62, 0.48}, {0.46, 1.00}, {0.34, 0.52}, {0.84, 0.48}}, {{0, 1}, {1, 2, 3}, {4, 5}}},
       {{{0.08, 0.18}, {0.16, 0.04}, {0.86, 0.04}, {0.66, 0.40}, {0.54, 1.00}}, {{0, 1}, {1, 2}, {2, 3, 4}}}},
      {{{{0.50, 0.48}, {0.22, 0.30}, {0.26, 0.06}, {0.54, 0.00}, {0.79, 0.14}, {0.72, 0.34}, {0.22, 0.68}, {0.20, 0.90}, {0.50, 1.00}, {0.80, 0.90}, {0.78, 0.66}},
        {{0, 1, 2, 3, 4, 5, 0, 6, 7, 8, 9, 10, 0}}},
       {{{0.80, 0.12}, {0.52, 0.00}, {0.24, 0.18}, {0.42, 0.42}, {0.74, 0.66}, {0.70, 0.94}, {0.40, 1.00}, {0.20, 0.82}, {0.44, 0.52}},
        {{0, 1, 2, 3, 4, 5, 6, 7, 8, 0}}}},
      {{{{0.82, 0.18}, {0.55, 0.00}, {0.22, 0.12}, {0.18, 0.38}, {0.48, 0.50}, {0.76, 0.36}, {0.80, 0.55}, {0.70, 1.00}},
        {{0, 1, 2, 3, 4, 5, 0}, {0, 6, 7}}},
       {{{0.80, 0.14}, {0.52, 0.00}, {0.20, 0.16}, {0.22, 0.42}, {0.52, 0.48}, {0.76, 0.30}, {0.80, 0.62}, {0.60, 0.95}, {0.24, 0.94}},
        {{0, 1, 2, 3, 4, 5, 0}, {0, 6, 7, 8}}}},
  };
  return all[digit];
}

/// The random numbers of one image, in the order they are drawn.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t image) : seed_(seed), image_(image) {}

  double between(double low, double high) { return low + (high - low) * numerics::unit_interval(word()); }

  /// Mean 0, standard deviation 1, never beyond 2 sqrt(3): the sum of four uniforms.
  double bell() {
    double sum = -2.0;
    for (int i = 0; i < 4; ++i) sum += numerics::unit_interval(word());
    return sum * 1.7320508075688772;
  }

  std::size_t below(std::size_t count) { return std::size_t{word()} * count >> 32; }

 private:
  std::uint32_t word() {
    if (used_ == 4) {
      words_ = numerics::random_words(seed_, numerics::HostPurpose::drawn_digit, static_cast<std::uint32_t>(image_),
                            static_cast<std::uint32_t>(image_ >> 32), block_++);
      used_ = 0;
    }
    return words_[used_++];
  }

  std::uint64_t seed_, image_;
  std::array<std::uint32_t, 4> words_{};
  std::uint32_t block_ = 0;
  std::size_t used_ = 4;
};

/// Points along a Catmull–Rom curve through `points`; closed when it ends where it starts.
std::vector<Point> curve(const std::vector<Point>& points) {
  if (points.size() == 2) return points;
  constexpr int kPieces = 8;
  const int spans = static_cast<int>(points.size()) - 1;
  const bool closed = points.front().x == points.back().x && points.front().y == points.back().y;
  const auto at = [&](int i) {
    if (i < 0) return closed ? points[static_cast<std::size_t>(spans - 1)] : points.front();
    if (i > spans) return closed ? points[1] : points.back();
    return points[static_cast<std::size_t>(i)];
  };
  std::vector<Point> line{points.front()};
  for (int span = 0; span < spans; ++span) {
    const Point a = at(span - 1), b = at(span), c = at(span + 1), d = at(span + 2);
    for (int piece = 1; piece <= kPieces; ++piece) {
      const double t = static_cast<double>(piece) / kPieces;
      const auto blend = [t](double p, double q, double r, double s) {
        return q + 0.5 * t * (r - p + t * (2 * p - 5 * q + 4 * r - s + t * (3 * (q - r) + s - p)));
      };
      line.push_back({blend(a.x, b.x, c.x, d.x), blend(a.y, b.y, c.y, d.y)});
    }
  }
  return line;
}

double squared_distance(Point p, Point a, Point b) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double length = dx * dx + dy * dy;
  double t = length > 0 ? ((p.x - a.x) * dx + (p.y - a.y) * dy) / length : 0.0;
  t = std::clamp(t, 0.0, 1.0);
  const double ex = p.x - a.x - t * dx, ey = p.y - a.y - t * dy;
  return ex * ex + ey * ey;
}

constexpr std::uint32_t kSide = 28;
constexpr double kBox = 20;  // as in MNIST: the ink fills a box of 20x20 pixels in the middle

void draw(std::size_t digit, Draws& draws, std::uint8_t* pixels) {
  const std::vector<Glyph>& ways = glyphs(digit);
  const Glyph& glyph = ways[draws.below(ways.size())];

  const double width = digit == 1 ? draws.between(0.5, 0.9) : draws.between(0.55, 0.95);
  const double slant = 0.16 + 0.17 * draws.bell();
  const double turn = 0.05 * draws.bell();
  const double thickness = draws.between(1.7, 3.3);
  const double size = kBox - draws.between(0.0, 1.5);

  std::vector<Point> points = glyph.points;
  for (Point& p : points) {
    p.x += 0.035 * draws.bell();
    p.y += 0.030 * draws.bell();
    const double x = width * (p.x - 0.5), y = p.y - 0.5;
    p = {x - (slant + turn) * y, y + turn * x};
  }
  std::vector<std::vector<Point>> lines;
  Point low{std::numeric_limits<double>::max(), std::numeric_limits<double>::max()};
  Point high{-low.x, -low.y};
  for (const std::vector<int>& stroke : glyph.strokes) {
    std::vector<Point> through;
    for (const int index : stroke) through.push_back(points[static_cast<std::size_t>(index)]);
    lines.push_back(curve(through));
    for (const Point p : lines.back()) {
      low = {std::min(low.x, p.x), std::min(low.y, p.y)};
      high = {std::max(high.x, p.x), std::max(high.y, p.y)};
    }
  }
  const double scale = (size - thickness) / std::max(high.x - low.x, high.y - low.y);
  const Point middle{(low.x + high.x) / 2, (low.y + high.y) / 2};
  for (std::vector<Point>& line : lines) {
    for (Point& p : line) p = {kSide / 2.0 + scale * (p.x - middle.x), kSide / 2.0 + scale * (p.y - middle.y)};
  }

  for (std::uint32_t row = 0; row < kSide; ++row) {
    for (std::uint32_t column = 0; column < kSide; ++column) {
      const Point centre{column + 0.5, row + 0.5};
      double nearest = std::numeric_limits<double>::max();
      for (const std::vector<Point>& line : lines) {
        for (std::size_t i = 1; i < line.size(); ++i) {
          nearest = std::min(nearest, squared_distance(centre, line[i - 1], line[i]));
        }
      }
      // Ink falls off over 1.4 pixels at the edge of the pen.
      const double ink = std::clamp((thickness / 2 - std::sqrt(nearest)) / 1.4 + 0.5, 0.0, 1.0);
      pixels[row * kSide + column] = static_cast<std::uint8_t>(255.0 * ink + 0.5);
    }
  }
}

}  // namespace

Images draw_digits(std::uint64_t seed, std::size_t per_class) {
  if (per_class == 0) throw Error(HB_BAD_ARG, "draw_digits: 0 images per class asked for, at least 1 is needed");
  Images images;
  images.rows = images.columns = kSide;
  const std::size_t count = 10 * per_class;
  images.pixels.resize(count * kSide * kSide);
  images.labels.resize(count);
  images.source = "drawn digits (seed " + std::to_string(seed) + ")";
  for (std::size_t i = 0; i < count; ++i) {
    Draws draws(seed, i);
    images.labels[i] = static_cast<std::uint8_t>(i % 10);
    draw(i % 10, draws, images.pixels.data() + i * kSide * kSide);
  }
  return images;
}

}  // namespace heatbath::trainers
