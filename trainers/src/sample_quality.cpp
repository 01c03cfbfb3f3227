#include "heatbath/trainers/sample_quality.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include <Eigen/Dense>

#include "heatbath/error.hpp"
#include "heatbath/numerics/random.hpp"

namespace heatbath::trainers {
namespace {

constexpr Eigen::Index kFeatures = 600;
constexpr std::size_t kMostImages = 10000;
constexpr std::uint64_t kFeatureSeed = 1;
constexpr float kRidge = 1e-3f;  // of the number of images
constexpr int kClasses = 10;
constexpr float kHeld = 0.7f;  // correlation of a drawing that shows its training image
constexpr std::size_t kMostPairs = 20000;

/// Mean 0 and variance 1.
Eigen::VectorXf standardised(const Eigen::VectorXf& image) {
  const Eigen::VectorXf centred = image.array() - image.mean();
  const float size = std::sqrt(centred.squaredNorm() / static_cast<float>(image.size()));
  return size > 0 ? Eigen::VectorXf(centred / size) : centred;
}

}  // namespace

double entropy_of(std::span<const double> counts) {
  double total = 0, entropy = 0;
  for (const double count : counts) total += count;
  for (const double count : counts) {
    if (count > 0) entropy -= count / total * std::log(count / total);
  }
  return entropy;
}

struct DigitClassifier::Impl {
  Eigen::MatrixXf projection;  // features x (pixels + 1)
  Eigen::MatrixXf weights;     // classes x features
  double accuracy = 0;

  Eigen::MatrixXf features(const Eigen::MatrixXf& images) const {
    Eigen::MatrixXf sums = projection.leftCols(images.rows()) * images;
    sums.colwise() += projection.col(images.rows());
    return sums.array().tanh();
  }
};

DigitClassifier::DigitClassifier(const Images& data) : impl_(std::make_unique<Impl>()) {
  const std::size_t count = std::min(data.size(), kMostImages);
  if (count < 100) {
    throw Error(HB_BAD_ARG, "DigitClassifier: " + data.source + " holds " + std::to_string(data.size()) +
                                " images, at least 100 are needed");
  }
  const auto pixels = static_cast<Eigen::Index>(std::size_t{data.rows} * data.columns);
  impl_->projection.resize(kFeatures, pixels + 1);
  const float deviation = 1 / std::sqrt(static_cast<float>(pixels));
  for (Eigen::Index f = 0; f < kFeatures; ++f) {
    for (Eigen::Index i = 0; i <= pixels; ++i) {
      const auto words = numerics::random_words(kFeatureSeed, numerics::HostPurpose::classifier, static_cast<std::uint32_t>(f),
                                      static_cast<std::uint32_t>(i));
      impl_->projection(f, i) = static_cast<float>(numerics::standard_normal(words[0], words[1])) * (i < pixels ? deviation : 0.5f);
    }
  }
  Eigen::MatrixXf images(pixels, static_cast<Eigen::Index>(count));
  for (std::size_t n = 0; n < count; ++n) {
    const auto source = data.image(n);
    Eigen::VectorXf image(pixels);
    for (Eigen::Index i = 0; i < pixels; ++i) image[i] = source[static_cast<std::size_t>(i)];
    images.col(static_cast<Eigen::Index>(n)) = standardised(image);
  }
  const Eigen::Index taught = static_cast<Eigen::Index>(count * 4 / 5);
  const Eigen::MatrixXf phi = impl_->features(images);
  Eigen::MatrixXf targets = Eigen::MatrixXf::Zero(kClasses, taught);
  for (Eigen::Index n = 0; n < taught; ++n) targets(data.labels[static_cast<std::size_t>(n)], n) = 1;
  Eigen::MatrixXf gram = phi.leftCols(taught) * phi.leftCols(taught).transpose();
  gram.diagonal().array() += kRidge * static_cast<float>(taught);
  impl_->weights = gram.ldlt().solve(phi.leftCols(taught) * targets.transpose()).transpose();
  double right = 0;
  for (Eigen::Index n = taught; n < phi.cols(); ++n) {
    Eigen::Index best = 0;
    (impl_->weights * phi.col(n)).maxCoeff(&best);
    right += best == data.labels[static_cast<std::size_t>(n)];
  }
  impl_->accuracy = right / static_cast<double>(phi.cols() - taught);
}

DigitClassifier::~DigitClassifier() = default;
DigitClassifier::DigitClassifier(DigitClassifier&&) noexcept = default;

double DigitClassifier::accuracy() const { return impl_->accuracy; }

std::uint8_t DigitClassifier::digit(std::span<const float> image) const {
  const auto pixels = static_cast<Eigen::Index>(image.size());
  if (pixels + 1 != impl_->projection.cols()) {
    throw Error(HB_BAD_ARG, "DigitClassifier: an image of " + std::to_string(image.size()) + " pixels, it learned from " +
                                std::to_string(impl_->projection.cols() - 1));
  }
  const Eigen::MatrixXf column = standardised(Eigen::Map<const Eigen::VectorXf>(image.data(), pixels));
  Eigen::Index best = 0;
  Eigen::VectorXf(impl_->weights * impl_->features(column)).maxCoeff(&best);
  return static_cast<std::uint8_t>(best);
}

Quality judge_samples(const Samples& samples, const GenerativeModel& model, const DigitClassifier& classifier,
                      const Classification& classes) {
  Quality quality;
  quality.classifier_accuracy = classifier.accuracy();
  const std::size_t visible = samples.visible, shots = samples.shots;
  std::vector<double> digits(kClasses, 0.0), nearest(model.prototypes.digits.size(), 0.0), held = nearest;
  double distance = 0;
  Eigen::MatrixXf images(static_cast<Eigen::Index>(visible), static_cast<Eigen::Index>(shots));
  for (std::size_t shot = 0; shot < shots; ++shot) {
    const std::span<const float> image(samples.images.data() + shot * visible, visible);
    const auto prototype = static_cast<std::size_t>(classes.prototype[shot]);
    const std::uint8_t digit = classifier.digit(image);
    ++digits[digit];
    ++nearest[prototype];
    if (classes.correlation[shot] >= kHeld) ++held[prototype];
    quality.recognised += (digit == model.prototypes.digits[prototype]) / static_cast<double>(shots);
    // Between images of mean 0 and variance 1 the mean square distance is 2 - 2 correlation.
    distance += (2 - 2 * static_cast<double>(classes.correlation[shot])) / static_cast<double>(shots);
    images.col(static_cast<Eigen::Index>(shot)) =
        standardised(Eigen::Map<const Eigen::VectorXf>(image.data(), static_cast<Eigen::Index>(visible)));
  }
  quality.class_entropy = entropy_of(digits);
  quality.images_drawn = std::exp(entropy_of(nearest));
  quality.images_held = std::accumulate(held.begin(), held.end(), 0.0) / static_cast<double>(shots) * std::exp(entropy_of(held));
  quality.prototype_distance = std::sqrt(distance);
  double squares = 0;
  std::size_t pairs = 0;
  for (std::size_t a = 0; a < shots && pairs < kMostPairs; ++a) {
    for (std::size_t b = 0; b < a && pairs < kMostPairs; ++b) {
      if (classes.prototype[a] != classes.prototype[b]) continue;
      squares += static_cast<double>((images.col(static_cast<Eigen::Index>(a)) - images.col(static_cast<Eigen::Index>(b)))
                                         .squaredNorm()) /
                 static_cast<double>(visible);
      ++pairs;
    }
  }
  quality.diversity = pairs > 0 ? std::sqrt(squares / static_cast<double>(pairs)) : std::numeric_limits<double>::quiet_NaN();
  return quality;
}

}  // namespace heatbath::trainers
