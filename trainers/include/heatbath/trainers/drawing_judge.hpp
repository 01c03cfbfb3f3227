#pragma once
// What drawings of digits are worth, told by a classifier that learned from real ones and by distances.

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "heatbath/job.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/trainers/images.hpp"

namespace heatbath::trainers {

/// A network 784-200-10 of rectified units that reads digits: the judge of drawings, never part of a training of them.
/// Learned by Adam on images shifted by up to a pixel, with noise.
class DigitReader {
 public:
  static constexpr std::uint32_t features = 200;  ///< of the layer before the last

  /// `data`: what it learns from. `progress`: false stops with Error(ABORTED).
  DigitReader(const Images& data, std::uint64_t seed, unsigned threads, const Progress& progress = {});
  ~DigitReader();
  DigitReader(DigitReader&&) noexcept;

  /// images: rows x pixels in [-1, 1]. Classes, and the hidden units rows x features when `of` is not empty.
  std::vector<std::uint8_t> read(std::span<const float> images, std::span<float> of = {}) const;
  /// Share that it reads as labelled.
  double accuracy(const Images& data) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Frechet distance of the Gaussians with the means and covariances of two samples, rows x width.
double frechet_distance(std::span<const float> a, std::span<const float> b, std::size_t width);

/// What judges say of drawings.
struct DrawingQuality {
  double reader_accuracy = 0;                  ///< on held-out digits
  measure::Estimate asked_fraction;            ///< read as the class asked for
  double inverted_fraction = 0;                ///< nearer to the negative of a digit than to any digit
  std::vector<double> class_fractions;         ///< as read
  /// Frechet distance to the learned digits in the reader's hidden units; of the drawings and of as many held-out digits
  /// (or all of them). Errors by leaving out a tenth at a time.
  measure::Estimate frechet, frechet_held_out;
  /// Variance of pixels within a class, over that of the learned digits; of drawings by the class asked for, else read.
  measure::Estimate within_class_variance;
  /// Median over the drawings, and over held-out digits, of the distance to the nearest learned digit, pixels in [-1, 1].
  measure::Estimate nearest_training_distance, nearest_held_out_distance;
};

/// drawings: rows x pixels; asked: of each, or empty.
DrawingQuality judge_drawings(std::span<const float> drawings, std::span<const std::uint8_t> asked, const DigitReader& reader,
                              const Images& learned, const Images& held_out, unsigned threads);

/// The last `count` images of a set apart from the others.
struct SplitImages {
  Images learned, held_out;  ///< before, and after the cut
};
/// Error(BAD_ARG) unless both parts hold an image.
SplitImages split_images(const Images& data, std::size_t held_out);

}  // namespace heatbath::trainers
