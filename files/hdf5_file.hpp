#pragma once
// The little of HDF5 that result and model files need: flat arrays with units, and attributes of the root.

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heatbath::apps {

using Shape = std::vector<std::size_t>;

/// Writes one file; it appears whole at commit() (see atomic_file.hpp). No time stamps: the same content gives the
/// same bytes. Every function throws Error(IO) that names the file.
class Hdf5Writer {
 public:
  explicit Hdf5Writer(const std::filesystem::path& path);
  ~Hdf5Writer();

  void attribute(std::string_view name, std::string_view text);
  /// A text of variable length, which h5py gives back as str.
  void long_text(std::string_view name, std::string_view text);
  void attribute(std::string_view name, std::uint64_t value);
  void attribute(std::string_view name, double value);

  /// A compressed data set in row-major order; the product of `shape` must be values.size().
  void dataset(std::string_view name, std::span<const float> values, const Shape& shape, std::string_view units);
  void dataset(std::string_view name, std::span<const double> values, const Shape& shape, std::string_view units);
  void dataset(std::string_view name, std::span<const std::uint64_t> values, const Shape& shape,
               std::string_view units);
  void dataset(std::string_view name, std::span<const std::uint8_t> values, const Shape& shape, std::string_view units);

  /// Makes dimension k of a data set that was written that of `axes[k]`, a data set of one dimension, as a dimension
  /// scale: readers give the values of the axis along with those of the data set.
  void axes(std::string_view name, const std::vector<std::string>& axes);

  void commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// Reads one file. Throws Error(IO) in one line: file, attribute or data set, and what would be right. Nothing outside
/// of the file is read (links, raw data and virtual sets of other files are refused) and no filter is loaded; all data
/// sets together may take 32 MiB and `times` the size of the file.
class Hdf5Reader {
 public:
  explicit Hdf5Reader(const std::filesystem::path& path, std::uint64_t times = 2);
  ~Hdf5Reader();

  bool has_attribute(std::string_view name) const;
  std::string text(std::string_view name) const;
  std::uint64_t integer(std::string_view name) const;
  double number(std::string_view name) const;

  /// Reads a data set whose shape must be `shape`.
  std::vector<float> floats(std::string_view name, const Shape& shape) const;
  std::vector<double> doubles(std::string_view name, const Shape& shape) const;
  std::vector<std::uint8_t> bytes(std::string_view name, const Shape& shape) const;
  /// Data sets of the root, by name.
  std::vector<std::string> names() const;
  /// Whether a data set is of whole or floating-point numbers; they are read as double by numbers().
  bool holds_numbers(std::string_view name) const;
  std::vector<double> numbers(std::string_view name, const Shape& shape) const;
  /// Type of the stored values as NumPy names it: "<f4", "<f8" or "<u8"; of all others empty.
  std::string type(std::string_view name) const;
  std::vector<std::uint64_t> integers(std::string_view name, const Shape& shape) const;
  /// The text that Hdf5Writer::dataset was given with a data set; empty when it has none.
  std::string units(std::string_view name) const;
  /// Shape of a data set; empty when the file has none of that name.
  Shape shape(std::string_view name) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace heatbath::apps
