#include "heatbath/trainers/ergodicity/binary_digits.hpp"

#include <algorithm>
#include <cmath>

#include "heatbath/error.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::uint32_t kSide = 8, kPool = 3, kMargin = 2, kCells = kSide * kSide;
constexpr std::uint32_t kInk = 80 * kPool * kPool;

}  // namespace

std::vector<Spin> binary_digit(const Images& images, std::size_t index) {
  const std::span<const std::uint8_t> pixels = images.image(index);
  std::vector<Spin> spins;
  for (std::uint32_t row = 0; row < kSide; ++row) {
    for (std::uint32_t column = 0; column < kSide; ++column) {
      std::uint32_t sum = 0;
      for (std::uint32_t i = 0; i < kPool; ++i)
        for (std::uint32_t j = 0; j < kPool; ++j)
          sum += pixels[std::size_t{kMargin + kPool * row + i} * images.columns + kMargin + kPool * column + j];
      spins.push_back(sum >= kInk ? Spin{1} : Spin{-1});
    }
  }
  return spins;
}

BinaryDigits binary_digits(const Images& images, std::vector<std::uint8_t> digits, std::uint32_t learned,
                           std::uint32_t held_out, double rare) {
  if (images.rows != 28 || images.columns != 28)
    throw Error(HB_BAD_ARG, images.source + ": digits of 28 x 28 pixels are needed");
  if (digits.empty() || learned == 0 || held_out == 0)
    throw Error(HB_BAD_ARG, "digits: classes, learned and held out are needed");
  BinaryDigits set;
  const std::size_t classes = digits.size();
  for (Patterns* part : {&set.learned, &set.held_out}) {
    part->cells = kCells;
    part->source = images.source;
  }
  for (std::size_t k = 0; k < classes; ++k) {
    const bool last = classes > 1 && k + 1 == classes;
    const double share = classes == 1 ? 1 : last ? rare : (1 - rare) / static_cast<double>(classes - 1);
    const auto train = static_cast<std::size_t>(std::lround(share * learned));
    const auto test = static_cast<std::size_t>(std::lround(share * held_out));
    std::size_t found = 0;
    for (std::size_t index = 0; index < images.size() && found < train + test; ++index) {
      if (images.labels[index] != digits[k]) continue;
      const bool to_learn = found++ < train;
      Patterns& part = to_learn ? set.learned : set.held_out;
      const std::vector<Spin> spins = binary_digit(images, index);
      part.spins.insert(part.spins.end(), spins.begin(), spins.end());
      (to_learn ? set.labels : set.held_labels).push_back(digits[k]);
    }
    if (found < train + test)
      throw Error(HB_BAD_ARG, images.source + ": " + std::to_string(found) + " images of digit " +
                                  std::to_string(digits[k]) + ", " + std::to_string(train + test) + " are needed");
    if (last) set.rare_share = static_cast<double>(train) / learned;
  }
  set.digits = std::move(digits);
  // Batches are taken in file order: deal the classes out evenly.
  const auto deal = [](Patterns& part, std::vector<std::uint8_t>& labels) {
    std::vector<std::size_t> order(labels.size());
    std::vector<double> place(labels.size());
    std::vector<std::size_t> seen(256, 0), count(256, 0);
    for (const std::uint8_t label : labels) ++count[label];
    for (std::size_t n = 0; n < labels.size(); ++n) {
      order[n] = n;
      place[n] = (static_cast<double>(seen[labels[n]]++) + 0.5) / static_cast<double>(count[labels[n]]);
    }
    std::ranges::stable_sort(order, {}, [&](std::size_t n) { return place[n]; });
    const std::vector<Spin> spins = part.spins;
    const std::vector<std::uint8_t> names = labels;
    for (std::size_t n = 0; n < order.size(); ++n) {
      std::copy_n(spins.begin() + static_cast<std::ptrdiff_t>(order[n] * kCells), kCells,
                  part.spins.begin() + static_cast<std::ptrdiff_t>(n * kCells));
      labels[n] = names[order[n]];
    }
    part.weights.assign(labels.size(), 1.0 / static_cast<double>(labels.size()));
  };
  deal(set.learned, set.labels);
  deal(set.held_out, set.held_labels);
  return set;
}

std::vector<double> class_shares(const BinaryDigits& digits, const std::vector<Spin>& patterns) {
  constexpr double kUnsure = 0.02;
  const std::size_t classes = digits.digits.size();
  std::vector<std::vector<double>> up(classes, std::vector<double>(kCells, 0.0));
  for (std::size_t k = 0; k < classes; ++k) {
    double count = 0;
    for (std::size_t n = 0; n < digits.labels.size(); ++n) {
      if (digits.labels[n] != digits.digits[k]) continue;
      ++count;
      for (std::size_t i = 0; i < kCells; ++i) up[k][i] += digits.learned.pattern(n)[i] > 0 ? 1 : 0;
    }
    for (double& value : up[k]) value = std::clamp(value / count, kUnsure, 1 - kUnsure);
  }
  std::vector<double> shares(classes, 0.0);
  const std::size_t count = patterns.size() / kCells;
  for (std::size_t n = 0; n < count; ++n) {
    std::size_t best = 0;
    double highest = -1e300;
    for (std::size_t k = 0; k < classes; ++k) {
      double sum = 0;
      for (std::size_t i = 0; i < kCells; ++i) sum += std::log(patterns[n * kCells + i] > 0 ? up[k][i] : 1 - up[k][i]);
      if (sum > highest) {
        highest = sum;
        best = k;
      }
    }
    shares[best] += 1.0 / static_cast<double>(count);
  }
  return shares;
}

}  // namespace heatbath::trainers
