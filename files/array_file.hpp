#pragma once
// Arrays of numbers from .npy, .npz and text files.

#include <cstddef>
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

/// An array as it lies in an .npz file.
struct RawArray {
  std::string name, type;  ///< type as NumPy has it: "<f4"
  std::vector<std::uint64_t> shape;
  std::vector<std::byte> bytes;  ///< row-major

  /// Values of all but the first axes.
  std::uint64_t values_behind(std::size_t axes) const;
  std::uint64_t value_bytes() const;
  /// The text of a zero-dimensional array of text, as UTF-8.
  std::string text() const;
};

/// All arrays of an .npz file, in order. Throws as read_array, and where the arrays are larger than the file says.
std::vector<RawArray> read_npz(const std::filesystem::path& file);

}  // namespace heatbath::apps
