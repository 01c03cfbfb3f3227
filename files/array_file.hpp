#pragma once
// Arrays of numbers from .npy, .npz and text files.

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

namespace heatbath::apps {

struct NumberArray {
  std::vector<std::uint64_t> shape;
  std::vector<float> values;  ///< row-major
};

/// Says what is wrong with a shape, in a few words ("has the shape (3, 4); needs (4,)"), or nothing.
using ShapeCheck = std::function<std::string(const std::vector<std::uint64_t>& shape)>;

/// Reads an array, told by the ending of the file: .npy; .npz, of which `name` says the array and may be empty where
/// there is one only; else text of one number a line, blank lines and lines from '#' skipped, a byte-order mark left
/// out. NumPy arrays may be of float32, float64 or integers of 8 to 64 bits, little-endian, in C order; the values must
/// be finite in single precision, to which they are rounded. The shape is checked before memory is taken; a text may
/// have at most `most` numbers. Throws Error(IO) for a file that cannot be read, Error(BAD_ARG) in one line, file
/// first, for the rest.
NumberArray read_array(const std::filesystem::path& file, const std::string& name, std::uint64_t most,
                       const ShapeCheck& check);

}  // namespace heatbath::apps
