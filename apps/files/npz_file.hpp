#pragma once
// Arrays that numpy.load reads: an uncompressed zip of .npy members.
// Formats: numpy.lib.format version 1.0; PKWARE APPNOTE 6.3, stored members, no zip64.

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
  /// A zero-dimensional array of dtype bytes: numpy gives it back with .item().decode().
  void add_text(std::string_view name, std::string_view text);

  /// Writes the file whole (see atomic_file.hpp). Throws Error(IO); also when it would pass 4 GiB, the limit of a
  /// plain zip.
  void write(const std::filesystem::path& path) const;

 private:
  struct Member {
    std::string name;
    std::vector<std::byte> npy;
  };
  std::vector<Member> members_;

  void add_raw(std::string_view name, std::string_view dtype, std::span<const std::byte> bytes,
               const std::vector<std::size_t>& shape, std::size_t value_bytes);
};

}  // namespace heatbath::apps
