// From grey images to the fields that drive the cells: scaling and projection.
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/trainers/generative.hpp"
#include "heatbath/numerics/random.hpp"

namespace heatbath::trainers {
namespace {

// generative.md 2.4: mean and standard deviation of the pixels of MNIST, and the norm all images are brought to.
constexpr double kPixelMean = 0.13066;
constexpr double kPixelDeviation = 0.30811;
constexpr double kCommonNorm = 44.48;

}  // namespace

std::vector<float> scale_images(const Images& data, std::span<const std::size_t> images, Scaling scaling) {
  const std::size_t visible = std::size_t{data.rows} * data.columns;
  std::vector<float> scaled(images.size() * visible);
  std::vector<double> s(visible);
  for (std::size_t n = 0; n < images.size(); ++n) {
    if (images[n] >= data.size()) {
      throw Error(HB_BAD_ARG, "scale_images: image " + std::to_string(images[n]) + " is beyond the " +
                                  std::to_string(data.size()) + " images of " + data.source);
    }
    const auto pixels = data.image(images[n]);
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < visible; ++i) {
      s[i] = (pixels[i] / 255.0 - kPixelMean) / kPixelDeviation;
      sum += s[i];
    }
    const double shift = scaling == Scaling::unit_variance ? sum / static_cast<double>(visible) : 0.0;
    for (double& value : s) {
      value -= shift;
      squares += value * value;
    }
    if (!(squares > 1e-12)) {
      throw Error(HB_BAD_ARG, "scale_images: image " + std::to_string(images[n]) + " of " + data.source +
                                  " is one grey all over; unit variance needs an image with ink");
    }
    const double norm = scaling == Scaling::unit_variance ? std::sqrt(static_cast<double>(visible)) : kCommonNorm;
    const double factor = norm / std::sqrt(squares);
    for (std::size_t i = 0; i < visible; ++i) scaled[n * visible + i] = static_cast<float>(factor * s[i]);
  }
  return scaled;
}

std::vector<float> drive_field(std::span<const float> image, std::uint32_t hidden, Drive drive, std::uint64_t seed) {
  const std::size_t visible = image.size();
  if (visible == 0) throw Error(HB_BAD_ARG, "drive_field: the image is empty");
  std::vector<float> field(visible + hidden);
  for (std::size_t i = 0; i < visible; ++i) field[i] = 2.0f * image[i];
  if (drive == Drive::pixel) {
    for (std::size_t a = 0; a < hidden; ++a) field[visible + a] = field[a % visible];
    return field;
  }
  // [O]: h_hidden = 2 P^T s with P_ia ~ N(0, 1/visible).
  const double deviation = 1.0 / std::sqrt(static_cast<double>(visible));
  for (std::uint32_t a = 0; a < hidden; ++a) {
    double sum = 0;
    for (std::size_t i = 0; i < visible; i += 2) {
      const auto words = numerics::random_words(seed, numerics::HostPurpose::projection, static_cast<std::uint32_t>(i / 2), a);
      sum += numerics::standard_normal(words[0], words[1]) * image[i];
      if (i + 1 < visible) sum += numerics::standard_normal(words[2], words[3]) * image[i + 1];
    }
    field[visible + a] = static_cast<float>(2.0 * deviation * sum);
  }
  return field;
}

std::size_t nth_of_class(const Images& images, std::uint8_t digit, std::size_t n) {
  std::size_t seen = 0;
  for (std::size_t i = 0; i < images.size(); ++i) {
    if (images.labels[i] == digit && seen++ == n) return i;
  }
  throw Error(HB_BAD_ARG, "class " + std::to_string(digit) + ": image " + std::to_string(n) + " (from 0) asked for, " +
                              images.source + " holds " + std::to_string(seen) + " of it");
}

}  // namespace heatbath::trainers
