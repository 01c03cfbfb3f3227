#pragma once
// Labelled grey images, read from IDX files or drawn by the project.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace heatbath::trainers {

/// Grey images of one size with a label each; 0 = background, 255 = ink.
struct Images {
  std::uint32_t rows = 28, columns = 28;  ///< pixels
  std::vector<std::uint8_t> pixels;  ///< count x rows x columns
  std::vector<std::uint8_t> labels;  ///< count, digits 0..9
  std::string source;                ///< where they come from, for reports

  std::size_t size() const { return labels.size(); }  ///< images
  /// rows x columns pixels.
  std::span<const std::uint8_t> image(std::size_t index) const {
    return {pixels.data() + index * rows * columns, std::size_t{rows} * columns};
  }
};

/// Reads the MNIST pair of IDX files (the LeCun format), plain or .gz, that `directory` holds under its usual names
/// (*images-idx3-ubyte*, *labels-idx1-ubyte*). Of several sets it reads the one that has "train" in its name, and it
/// refuses the folder when more have, or none. Throws Error(IO) in one line with file, what was found and what would be
/// right: missing, truncated, wrong magic, not 28x28, counts that differ, a label above 9.
Images read_idx(const std::filesystem::path& directory);

/// Draws `per_class` images of each digit 0..9 in turn (0, 1, …, 9, 0, 1, …): strokes with jitter, thickness and
/// slant. A pure function of the seed and the image's index.
Images draw_digits(std::uint64_t seed, std::size_t per_class);

/// Seed of the digits that commands draw where no files are given: one data set, whatever the seed of a training.
inline constexpr std::uint64_t drawn_digits_seed = 1;

/// Index of the n-th image (n from 0) of a class in file order. Throws Error(BAD_ARG) that names the class and how many
/// there are.
std::size_t nth_of_class(const Images& images, std::uint8_t digit, std::size_t n = 0);

}  // namespace heatbath::trainers
