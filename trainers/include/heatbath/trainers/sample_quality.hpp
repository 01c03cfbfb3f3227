#pragma once
// How good drawings are, by a classifier that never saw them and by their distances.

#include <cstdint>
#include <memory>
#include <span>

#include "heatbath/trainers/generative.hpp"
#include "heatbath/trainers/images.hpp"

namespace heatbath::trainers {

/// A small classifier of digits: ridge regression on 600 random tanh features of images brought to mean 0 and variance
/// 1. Learns from four fifths of the first 10,000 images and is tested on the others.
class DigitClassifier {
 public:
  /// Throws Error(BAD_ARG) for fewer than 100 images.
  explicit DigitClassifier(const Images& data);
  ~DigitClassifier();
  DigitClassifier(DigitClassifier&&) noexcept;

  /// Part of the images held out that it gets right.
  double accuracy() const;
  /// Most likely digit of one image, of any scale and offset. Throws Error(BAD_ARG) for another number of pixels.
  std::uint8_t digit(std::span<const float> image) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// How good drawings are, by a classifier and by the digits themselves.
struct Quality {
  double classifier_accuracy = 0;  ///< on real digits it did not learn from
  double recognised = 0;           ///< part of the samples that it reads as the class of their nearest training image
  double class_entropy = 0;        ///< of the digits it reads, nats
  double images_drawn = 0;         ///< exp of the entropy of the nearest training images: how many are in use
  /// How many training images the machine holds: share of the samples whose correlation with their nearest is 0.7 or
  /// more, times exp of the entropy of those.
  double images_held = 0;
  double prototype_distance = 0;   ///< root mean square distance to the nearest training image, both at variance 1
  double diversity = 0;            ///< the same between samples of one training image; NaN where no two share one
};

/// Entropy in nats of the frequencies of at least one positive count.
double entropy_of(std::span<const double> counts);

/// `classes` are those of classify().
Quality judge_samples(const Samples& samples, const GenerativeModel& model, const DigitClassifier& classifier,
                      const Classification& classes);

}  // namespace heatbath::trainers
