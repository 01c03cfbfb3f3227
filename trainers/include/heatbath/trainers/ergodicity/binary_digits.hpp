#pragma once
// Digits as patterns of binary cells.

#include <cstdint>
#include <vector>

#include "heatbath/trainers/ergodicity/spins.hpp"
#include "heatbath/trainers/images.hpp"

namespace heatbath::trainers {

/// Digits of 8 x 8 binary cells, one part to learn from and one held out.
struct BinaryDigits {
  Patterns learned, held_out;             ///< equal weights
  std::vector<std::uint8_t> labels;       ///< of the learned
  std::vector<std::uint8_t> held_labels;  ///< of the held out
  std::vector<std::uint8_t> digits;       ///< the classes; the last is the rare one
  double rare_share = 0;                  ///< of the rare class among the learned
};

/// One image of 28 x 28 pixels as 64 cells: two pixels cut off at each side, means of 3 x 3 pixels, up at a mean of 80
/// or more.
std::vector<Spin> binary_digit(const Images& images, std::size_t index);

/// The images of `digits` in file order, `learned` + `held_out` of them in all, the two parts mixed alike: the last
/// class has the share `rare`, the others equal ones. Throws Error(BAD_ARG) when a class has too few images.
BinaryDigits binary_digits(const Images& images, std::vector<std::uint8_t> digits, std::uint32_t learned,
                           std::uint32_t held_out, double rare);

/// Shares of the classes among patterns (count x 64), each put to the class that is likeliest when cells are
/// independent with the means of that class among the learned (naive Bayes). In the order of digits.digits.
std::vector<double> class_shares(const BinaryDigits& digits, const std::vector<Spin>& patterns);

}  // namespace heatbath::trainers
