#include "apps/files/npz_file.hpp"

#include <bit>
#include <functional>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include "apps/files/atomic_file.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

static_assert(std::endian::native == std::endian::little, "arrays are written as they lie in memory");

namespace {

void put16(std::vector<std::byte>& out, std::uint32_t value) {
  out.push_back(static_cast<std::byte>(value));
  out.push_back(static_cast<std::byte>(value >> 8));
}

void put32(std::vector<std::byte>& out, std::uint64_t value) {
  put16(out, static_cast<std::uint32_t>(value & 0xFFFFu));
  put16(out, static_cast<std::uint32_t>(value >> 16 & 0xFFFFu));
}

void put(std::vector<std::byte>& out, std::string_view text) {
  const auto bytes = std::as_bytes(std::span(text));
  out.insert(out.end(), bytes.begin(), bytes.end());
}

std::uint32_t checksum(std::span<const std::byte> bytes) {
  const auto* data = reinterpret_cast<const Bytef*>(bytes.data());
  return static_cast<std::uint32_t>(crc32_z(0, data, bytes.size()));
}

/// The fields a local header and a directory entry share, from "version needed" to "file name length".
void put_entry(std::vector<std::byte>& out, std::uint32_t crc, std::size_t size, std::size_t name_length) {
  put16(out, 20);      // version needed: 2.0
  put16(out, 0);       // flags
  put16(out, 0);       // method: stored
  put16(out, 0);       // time
  put16(out, 0x0021);  // date: 1980-01-01, so that the same arrays give the same file
  put32(out, crc);
  put32(out, size);
  put32(out, size);
  put16(out, static_cast<std::uint32_t>(name_length));
}

}  // namespace

void NpzFile::add_raw(std::string_view name, std::string_view dtype, std::span<const std::byte> bytes,
                      const std::vector<std::size_t>& shape, std::size_t value_bytes) {
  const std::size_t count = std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
  if (count * value_bytes != bytes.size()) {
    throw Error(HB_BAD_ARG, fmt::format("array {}: {} values do not fill the shape ({})", name,
                                        bytes.size() / value_bytes, fmt::join(shape, ", ")));
  }
  // Python writes a one-element tuple with a comma.
  const std::string shape_text = fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': {}, }}", dtype, shape_text);
  constexpr std::size_t kPreamble = 10;
  header.append(63 - (kPreamble + header.size()) % 64, ' ');
  header.push_back('\n');

  Member member{fmt::format("{}.npy", name), {}};
  put(member.npy, std::string_view("\x93NUMPY\x01\x00", 8));
  put16(member.npy, static_cast<std::uint32_t>(header.size()));
  put(member.npy, header);
  member.npy.insert(member.npy.end(), bytes.begin(), bytes.end());
  members_.push_back(std::move(member));
}

void NpzFile::add(std::string_view name, std::span<const float> values, std::vector<std::size_t> shape) {
  add_raw(name, "<f4", std::as_bytes(values), shape, sizeof(float));
}

void NpzFile::add(std::string_view name, std::span<const double> values, std::vector<std::size_t> shape) {
  add_raw(name, "<f8", std::as_bytes(values), shape, sizeof(double));
}

void NpzFile::add(std::string_view name, std::span<const std::uint64_t> values, std::vector<std::size_t> shape) {
  add_raw(name, "<u8", std::as_bytes(values), shape, sizeof(std::uint64_t));
}

void NpzFile::add_text(std::string_view name, std::string_view text) {
  add_raw(name, fmt::format("|S{}", text.size()), std::as_bytes(std::span(text)), {}, text.size());
}

void NpzFile::write(const std::filesystem::path& path) const {
  std::size_t total = 22;
  for (const Member& member : members_) total += member.npy.size() + 2 * member.name.size() + 76;
  if (total > 0xFFFFFFFFu) {
    throw Error(HB_IO, fmt::format("{}: {} bytes do not fit an .npz file (4 GiB); write .h5, or capture fewer records",
                                   path.string(), total));
  }
  std::vector<std::byte> out;
  out.reserve(total);
  std::vector<std::byte> directory;
  for (const Member& member : members_) {
    const std::size_t offset = out.size();
    const std::uint32_t crc = checksum(member.npy);
    put32(out, 0x04034b50u);
    put_entry(out, crc, member.npy.size(), member.name.size());
    put16(out, 0);  // extra field
    put(out, member.name);
    out.insert(out.end(), member.npy.begin(), member.npy.end());

    put32(directory, 0x02014b50u);
    put16(directory, 20);  // made by: 2.0
    put_entry(directory, crc, member.npy.size(), member.name.size());
    put16(directory, 0);  // extra field
    put16(directory, 0);  // comment
    put16(directory, 0);  // disk
    put16(directory, 0);  // internal attributes
    put32(directory, 0);  // external attributes
    put32(directory, offset);
    put(directory, member.name);
  }
  const std::size_t directory_offset = out.size();
  out.insert(out.end(), directory.begin(), directory.end());
  put32(out, 0x06054b50u);
  put16(out, 0);  // this disk
  put16(out, 0);  // disk of the directory
  put16(out, static_cast<std::uint32_t>(members_.size()));
  put16(out, static_cast<std::uint32_t>(members_.size()));
  put32(out, directory.size());
  put32(out, directory_offset);
  put16(out, 0);  // comment
  write_file(path, out);
}

}  // namespace heatbath::apps
