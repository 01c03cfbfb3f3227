#pragma once
// Arrays that numpy.load reads: an uncompressed zip of .npy members.
// Format: numpy.lib.format version 1.0.

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace heatbath::apps {

/// Collects arrays in memory and writes them at once. Little-endian hosts only, as the device formats.
class NpzFile {
 public:
  /// Adds an array in row-major order; the product of `shape` must be the number of values (Error(BAD_ARG)).
  void add(std::string_view name, std::span<const float> values, std::vector<std::size_t> shape);
  void add(std::string_view name, std::span<const double> values, std::vector<std::size_t> shape);
  void add(std::string_view name, std::span<const std::uint64_t> values, std::vector<std::size_t> shape);
  /// The same without a copy, for what is large: `values` must live until they are written.
  void lend(std::string_view name, std::span<const float> values, std::vector<std::size_t> shape);
  /// A zero-dimensional array of text, copied: numpy gives it back with str(). Bytes that are no UTF-8 are replaced.
  void add_text(std::string_view name, std::string_view text);

  /// Any array, of NumPy's type `dtype`: row-major bytes of values of value_bytes each.
  void add(std::string_view name, std::string_view dtype, std::span<const std::byte> bytes,
           const std::vector<std::size_t>& shape, std::size_t value_bytes) {
    add_copy(name, dtype, bytes, shape, value_bytes);
  }

  /// Writes the file whole (see atomic_file.hpp). Throws Error(IO).
  void write(const std::filesystem::path& path) const;

 private:
  struct Member {
    std::string name, header;
    std::vector<std::byte> own;
    std::span<const std::byte> lent;  ///< instead of own ones
  };
  std::vector<Member> members_;

  /// A member without values yet.
  Member& add_header(std::string_view name, std::string_view dtype, std::span<const std::byte> bytes,
                     const std::vector<std::size_t>& shape, std::size_t value_bytes);
  void add_copy(std::string_view name, std::string_view dtype, std::span<const std::byte> bytes,
                const std::vector<std::size_t>& shape, std::size_t value_bytes);
};

}  // namespace heatbath::apps
