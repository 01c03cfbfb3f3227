#include "heatbath/trainers/drawing_judge.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>

#include <Eigen/Core>

#include "heatbath/error.hpp"
#include "heatbath/numerics/matrix_product.hpp"
#include "heatbath/numerics/random.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/trainers/score_network.hpp"
#include "normal_rows.hpp"
#include "numerics/dense_algebra.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::size_t kBatch = 100, kEpochs = 24, kClasses = 10, kHidden = DigitReader::features;
constexpr float kRate = 2e-3f, kNoise = 0.2f;
constexpr std::size_t kParts = 10;  // of the jackknife

std::ptrdiff_t stride(std::size_t n) { return static_cast<std::ptrdiff_t>(n); }

/// All images, count x pixels in [-1, 1].
std::vector<float> all_pixels(const Images& data) {
  std::vector<float> out;
  out.reserve(data.pixels.size());
  for (const std::uint8_t p : data.pixels) out.push_back(static_cast<float>(p) * (2.0f / 255.0f) - 1.0f);
  return out;
}

}  // namespace

SplitImages split_images(const Images& data, std::size_t held_out) {
  if (held_out < 1 || held_out >= data.size()) {
    throw Error(HB_BAD_ARG, "split_images: " + std::to_string(held_out) + " of " + std::to_string(data.size()) +
                                " images of " + data.source + " cannot be held out");
  }
  SplitImages out{data, data};
  const std::size_t learned = data.size() - held_out, pixels = std::size_t{data.rows} * data.columns;
  out.learned.labels.resize(learned);
  out.learned.pixels.resize(learned * pixels);
  out.held_out.labels.erase(out.held_out.labels.begin(), out.held_out.labels.begin() + stride(learned));
  out.held_out.pixels.erase(out.held_out.pixels.begin(), out.held_out.pixels.begin() + stride(learned * pixels));
  return out;
}

struct DigitReader::Impl {
  std::size_t visible = 0, rows = 0, columns = 0;
  // hidden x visible, hidden, classes x hidden, classes: one list for Adam.
  std::vector<float> parameters;
  std::size_t b1() const { return kHidden * visible; }
  std::size_t w2() const { return b1() + kHidden; }
  std::size_t b2() const { return w2() + kClasses * kHidden; }
  std::size_t size() const { return b2() + kClasses; }

  /// Hidden units and scores (before softmax) of rows of images.
  void forward(const float* x, std::size_t count, std::vector<float>& hidden, std::vector<float>& scores,
               numerics::ThreadTeam* team) const {
    hidden.resize(count * kHidden);
    scores.resize(count * kClasses);
    const float* p = parameters.data();
    numerics::matrix_product(count, kHidden, visible, {x, stride(visible)}, numerics::MatrixView{p, stride(visible)}.transposed(),
                             hidden.data(), kHidden, false, team);
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t k = 0; k < kHidden; ++k) hidden[r * kHidden + k] = std::max(0.0f, hidden[r * kHidden + k] + p[b1() + k]);
    numerics::matrix_product(count, kClasses, kHidden, {hidden.data(), stride(kHidden)},
                             numerics::MatrixView{p + w2(), stride(kHidden)}.transposed(), scores.data(), kClasses, false, team);
    for (std::size_t r = 0; r < count; ++r)
      for (std::size_t c = 0; c < kClasses; ++c) scores[r * kClasses + c] += p[b2() + c];
  }
};

DigitReader::DigitReader(const Images& data, std::uint64_t seed, unsigned threads, const Progress& progress)
    : impl_(std::make_unique<Impl>()) {
  Impl& net = *impl_;
  net.rows = data.rows;
  net.columns = data.columns;
  net.visible = net.rows * net.columns;
  const std::size_t visible = net.visible;
  if (data.size() < kBatch) {
    throw Error(HB_BAD_ARG, "DigitReader: " + data.source + " holds " + std::to_string(data.size()) + " images, at least " +
                                std::to_string(kBatch) + " are needed");
  }
  numerics::ThreadTeam team(threads);
  numerics::RandomStream random(numerics::split_mix(seed ^ 0x726561646572ULL));
  net.parameters.assign(net.size(), 0.0f);
  for (std::size_t i = 0; i < net.b1(); ++i)
    net.parameters[i] = static_cast<float>(random.normal() * std::sqrt(2.0 / static_cast<double>(visible)));
  for (std::size_t i = net.w2(); i < net.b2(); ++i)
    net.parameters[i] = static_cast<float>(random.normal() * std::sqrt(2.0 / kHidden));
  std::vector<float> m(net.size(), 0.0f), v(net.size(), 0.0f), g(net.size(), 0.0f);
  std::vector<float> x(kBatch * visible), noise(visible), hidden, scores, back(kBatch * kHidden);
  std::vector<std::size_t> order(data.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const std::size_t batches = data.size() / kBatch, total = kEpochs * batches;
  for (std::size_t step = 0; step < total; ++step) {
    if (step % batches == 0) {
      for (std::size_t i = order.size(); i > 1; --i) std::swap(order[i - 1], order[random.word() % i]);
    }
    std::array<std::uint8_t, kBatch> labels{};
    for (std::size_t r = 0; r < kBatch; ++r) {
      const std::size_t index = order[step % batches * kBatch + r];
      labels[r] = data.labels[index];
      const auto pixels = data.image(index);
      const std::uint64_t word = random.word();
      const int down = static_cast<int>(word % 3) - 1, right = static_cast<int>(word / 3 % 3) - 1;
      normal_row(word, noise);
      for (int i = 0; i < static_cast<int>(net.rows); ++i) {
        for (int j = 0; j < static_cast<int>(net.columns); ++j) {
          const int from_i = i - down, from_j = j - right;
          const bool inside = from_i >= 0 && from_j >= 0 && from_i < static_cast<int>(net.rows) && from_j < static_cast<int>(net.columns);
          const auto at = static_cast<std::size_t>(i) * net.columns + static_cast<std::size_t>(j);
          const float ink = inside ? static_cast<float>(pixels[static_cast<std::size_t>(from_i) * net.columns + static_cast<std::size_t>(from_j)]) : 0.0f;
          x[r * visible + at] = ink * (2.0f / 255.0f) - 1.0f + kNoise * noise[at];
        }
      }
    }
    net.forward(x.data(), kBatch, hidden, scores, &team);
    for (std::size_t r = 0; r < kBatch; ++r) {
      float* s = scores.data() + r * kClasses;
      const float most = *std::max_element(s, s + kClasses);
      float sum = 0;
      for (std::size_t c = 0; c < kClasses; ++c) sum += s[c] = std::exp(s[c] - most);
      for (std::size_t c = 0; c < kClasses; ++c) s[c] = (s[c] / sum - (c == labels[r] ? 1.0f : 0.0f)) / kBatch;
    }
    std::fill(g.begin(), g.end(), 0.0f);
    const numerics::MatrixView S{scores.data(), kClasses}, H{hidden.data(), stride(kHidden)};
    numerics::matrix_product(kClasses, kHidden, kBatch, S.transposed(), H, g.data() + net.w2(), kHidden, false, &team);
    numerics::matrix_product(kBatch, kHidden, kClasses, S, {net.parameters.data() + net.w2(), stride(kHidden)}, back.data(),
                             kHidden, false, &team);
    for (std::size_t r = 0; r < kBatch; ++r) {
      for (std::size_t c = 0; c < kClasses; ++c) g[net.b2() + c] += scores[r * kClasses + c];
      for (std::size_t k = 0; k < kHidden; ++k) {
        if (hidden[r * kHidden + k] <= 0) back[r * kHidden + k] = 0;
        g[net.b1() + k] += back[r * kHidden + k];
      }
    }
    numerics::matrix_product(kHidden, visible, kBatch, numerics::MatrixView{back.data(), stride(kHidden)}.transposed(),
                             {x.data(), stride(visible)}, g.data(), visible, false, &team);
    const double n = static_cast<double>(step) + 1;
    const float rate = kRate * static_cast<float>(0.5 * (1 + std::cos(std::numbers::pi * static_cast<double>(step) / static_cast<double>(total))) /
                                                  (1 - std::pow(0.9, n)));
    const auto unbias = static_cast<float>(1 / (1 - std::pow(0.99, n)));
    for (std::size_t i = 0; i < net.size(); ++i) {
      m[i] += 0.1f * (g[i] - m[i]);
      v[i] += 0.01f * (g[i] * g[i] - v[i]);
      net.parameters[i] -= rate * m[i] / (std::sqrt(v[i] * unbias) + 1e-8f);
    }
    if (progress && !progress(static_cast<double>(step + 1) / static_cast<double>(total)))
      throw Error(HB_ABORTED, "DigitReader: stopped");
  }
}
DigitReader::~DigitReader() = default;
DigitReader::DigitReader(DigitReader&&) noexcept = default;

std::vector<std::uint8_t> DigitReader::read(std::span<const float> images, std::span<float> of) const {
  const std::size_t count = images.size() / impl_->visible;
  std::vector<float> hidden, scores;
  impl_->forward(images.data(), count, hidden, scores, nullptr);
  std::vector<std::uint8_t> out;
  for (std::size_t r = 0; r < count; ++r) {
    const float* s = scores.data() + r * kClasses;
    out.push_back(static_cast<std::uint8_t>(std::max_element(s, s + kClasses) - s));
  }
  if (!of.empty()) std::copy(hidden.begin(), hidden.end(), of.begin());
  return out;
}

double DigitReader::accuracy(const Images& data) const {
  const std::vector<std::uint8_t> told = read(all_pixels(data));
  double right = 0;
  for (std::size_t i = 0; i < told.size(); ++i) right += told[i] == data.labels[i] ? 1 : 0;
  return right / static_cast<double>(std::max<std::size_t>(told.size(), 1));
}

namespace {

struct Gaussian {
  Eigen::VectorXd mean;
  Eigen::MatrixXd covariance;
};

/// The part of a sample that a row belongs to. Classes that come in turn are spread over all parts.
std::size_t part_of(std::size_t row) { return row / kClasses % kParts; }

/// Of the rows that are not in part `without` of kParts; kParts: all rows.
Gaussian gaussian_of(std::span<const float> rows, std::size_t width, std::size_t without = kParts) {
  const std::size_t count = rows.size() / width;
  const auto n = static_cast<Eigen::Index>(width);
  Eigen::MatrixXd kept(static_cast<Eigen::Index>(count), n);
  Eigen::Index used = 0;
  for (std::size_t r = 0; r < count; ++r) {
    if (part_of(r) == without) continue;
    for (std::size_t i = 0; i < width; ++i) kept(used, static_cast<Eigen::Index>(i)) = double{rows[r * width + i]};
    ++used;
  }
  const auto block = kept.topRows(used);
  Gaussian out;
  out.mean = block.colwise().mean();
  const Eigen::MatrixXd centred = block.rowwise() - out.mean.transpose();
  out.covariance = centred.transpose() * centred / static_cast<double>(used - 1);
  return out;
}

Eigen::MatrixXd root_of(const Eigen::MatrixXd& matrix) {
  numerics::Modes modes = numerics::symmetric_modes(matrix);
  modes.values = modes.values.cwiseMax(0);
  return numerics::root(modes);
}

/// Dowson & Landau 1982; `root`: of b's covariance.
double frechet(const Gaussian& a, const Gaussian& b, const Eigen::MatrixXd& root) {
  const Eigen::VectorXd values = numerics::symmetric_eigenvalues(root * a.covariance * root);
  return (a.mean - b.mean).squaredNorm() + a.covariance.trace() + b.covariance.trace() -
         2 * values.cwiseMax(0).cwiseSqrt().sum();
}

/// Error of a statistic of a sample, by leaving out its kParts parts in turn.
template <class Statistic>
measure::Estimate left_out(const Statistic& of_all_but, std::size_t samples) {
  std::array<double, kParts> values{};
  double mean = 0;
  for (std::size_t p = 0; p < kParts; ++p) mean += (values[p] = of_all_but(p)) / kParts;
  double sum = 0;
  for (const double v : values) sum += (v - mean) * (v - mean);
  return {of_all_but(kParts), std::sqrt(sum * (kParts - 1) / kParts), static_cast<double>(samples)};
}

double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + stride(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

struct Nearest {
  std::vector<double> distance;
  std::size_t inverted = 0;
};

/// Distance of each row to the nearest of `learned`, and how many lie nearer to the negative of one.
Nearest nearest(std::span<const float> rows, const std::vector<float>& learned, std::size_t width, numerics::ThreadTeam& team) {
  const std::size_t count = rows.size() / width, known = learned.size() / width;
  const auto squared = [width](const float* x) {
    double sum = 0;
    for (std::size_t i = 0; i < width; ++i) sum += double{x[i]} * double{x[i]};
    return sum;
  };
  std::vector<double> norms(known);
  for (std::size_t t = 0; t < known; ++t) norms[t] = squared(learned.data() + t * width);
  std::vector<float> products(count * known);
  numerics::matrix_product(count, known, width, {rows.data(), stride(width)},
                           numerics::MatrixView{learned.data(), stride(width)}.transposed(), products.data(), known, false, &team);
  Nearest out;
  for (std::size_t r = 0; r < count; ++r) {
    double best = std::numeric_limits<double>::max(), negative = best;
    for (std::size_t t = 0; t < known; ++t) {
      best = std::min(best, norms[t] - 2 * double{products[r * known + t]});
      negative = std::min(negative, norms[t] + 2 * double{products[r * known + t]});
    }
    out.distance.push_back(std::sqrt(std::max(0.0, best + squared(rows.data() + r * width))));
    out.inverted += negative < best ? 1 : 0;
  }
  return out;
}

/// Mean over the classes present of the variance within, summed over pixels; rows of part `without` left out.
double within_class(std::span<const float> rows, std::span<const std::uint8_t> classes, std::size_t width, std::size_t without) {
  double total = 0;
  std::size_t present = 0;
  for (std::size_t c = 0; c < kClasses; ++c) {
    std::vector<double> sum(width, 0.0), square(width, 0.0);
    double n = 0;
    for (std::size_t r = 0; r < classes.size(); ++r) {
      if (classes[r] != c || part_of(r) == without) continue;
      ++n;
      for (std::size_t i = 0; i < width; ++i) {
        const double x = rows[r * width + i];
        sum[i] += x;
        square[i] += x * x;
      }
    }
    if (n < 2) continue;
    ++present;
    for (std::size_t i = 0; i < width; ++i) total += (square[i] - sum[i] * sum[i] / n) / (n - 1);
  }
  return total / static_cast<double>(std::max<std::size_t>(present, 1));
}

}  // namespace

double frechet_distance(std::span<const float> a, std::span<const float> b, std::size_t width) {
  const Gaussian of_b = gaussian_of(b, width);
  return frechet(gaussian_of(a, width), of_b, root_of(of_b.covariance));
}

DrawingQuality judge_drawings(std::span<const float> drawings, std::span<const std::uint8_t> asked, const DigitReader& reader,
                              const Images& learned, const Images& held_out, unsigned threads) {
  const std::size_t width = std::size_t{learned.rows} * learned.columns, count = drawings.size() / width;
  if (count < 2) throw Error(HB_BAD_ARG, "judge_drawings: at least 2 drawings are needed");
  numerics::ThreadTeam team(threads);
  DrawingQuality out;
  const std::vector<float> known = all_pixels(learned), apart = all_pixels(held_out);
  out.reader_accuracy = reader.accuracy(held_out);
  std::vector<float> drawn_features(count * kHidden), known_features(learned.size() * kHidden), apart_features(held_out.size() * kHidden);
  const std::vector<std::uint8_t> told = reader.read(drawings, drawn_features);
  reader.read(known, known_features);
  reader.read(apart, apart_features);

  out.class_fractions.assign(kClasses, 0.0);
  double right = 0;
  for (std::size_t r = 0; r < count; ++r) {
    out.class_fractions[told[r]] += 1.0 / static_cast<double>(count);
    if (!asked.empty()) right += told[r] == asked[r] ? 1 : 0;
  }
  if (!asked.empty()) {
    const double n = static_cast<double>(count), share = right / n;
    // Of a share near 1 the binomial error would be 0: half a count more on either side.
    const double careful = (right + 0.5) / (n + 1);
    out.asked_fraction = {share, std::sqrt(careful * (1 - careful) / n), n};
  }
  const Gaussian of_known = gaussian_of(known_features, kHidden);
  const Eigen::MatrixXd root = root_of(of_known.covariance);
  const auto distance_of = [&](std::span<const float> features) {
    return left_out([&](std::size_t part) { return frechet(gaussian_of(features, kHidden, part), of_known, root); },
                    features.size() / kHidden);
  };
  out.frechet = distance_of(drawn_features);
  out.frechet_held_out = distance_of(apart_features);

  const std::span<const std::uint8_t> classes = asked.empty() ? std::span<const std::uint8_t>(told) : asked;
  const double of_data = within_class(known, learned.labels, width, kParts);
  out.within_class_variance = left_out([&](std::size_t part) { return within_class(drawings, classes, width, part) / of_data; }, count);

  const auto median_of = [&](const std::vector<double>& values) {
    return left_out([&](std::size_t part) {
      std::vector<double> kept;
      for (std::size_t i = 0; i < values.size(); ++i)
        if (part_of(i) != part) kept.push_back(values[i]);
      return median(std::move(kept));
    }, values.size());
  };
  const Nearest near = nearest(drawings, known, width, team);
  out.nearest_training_distance = median_of(near.distance);
  out.inverted_fraction = static_cast<double>(near.inverted) / static_cast<double>(count);
  out.nearest_held_out_distance = median_of(nearest(apart, known, width, team).distance);
  return out;
}

}  // namespace heatbath::trainers
