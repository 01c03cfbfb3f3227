#include "files/npz_file.hpp"

#include <bit>
#include <functional>
#include <numeric>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "files/utf8.hpp"
#include "files/zip_file.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

static_assert(std::endian::native == std::endian::little, "arrays are written as they lie in memory");

NpzFile::Member& NpzFile::add_header(std::string_view name, std::string_view dtype, std::span<const std::byte> bytes,
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

  const auto size = static_cast<std::uint16_t>(header.size());
  std::string preamble("\x93NUMPY\x01\x00", 8);
  preamble.push_back(static_cast<char>(size & 0xFF));
  preamble.push_back(static_cast<char>(size >> 8));
  return members_.emplace_back(Member{fmt::format("{}.npy", name), preamble.append(header), {}, {}});
}

void NpzFile::add_copy(std::string_view name, std::string_view dtype, std::span<const std::byte> bytes,
                       const std::vector<std::size_t>& shape, std::size_t value_bytes) {
  add_header(name, dtype, bytes, shape, value_bytes).own.assign(bytes.begin(), bytes.end());
}

void NpzFile::lend(std::string_view name, std::span<const float> values, std::vector<std::size_t> shape) {
  add_header(name, "<f4", std::as_bytes(values), shape, sizeof(float)).lent = std::as_bytes(values);
}

void NpzFile::add(std::string_view name, std::span<const float> values, std::vector<std::size_t> shape) {
  add_copy(name, "<f4", std::as_bytes(values), shape, sizeof(float));
}

void NpzFile::add(std::string_view name, std::span<const double> values, std::vector<std::size_t> shape) {
  add_copy(name, "<f8", std::as_bytes(values), shape, sizeof(double));
}

void NpzFile::add(std::string_view name, std::span<const std::uint64_t> values, std::vector<std::size_t> shape) {
  add_copy(name, "<u8", std::as_bytes(values), shape, sizeof(std::uint64_t));
}

void NpzFile::add_text(std::string_view name, std::string_view text) {
  const std::u32string points = code_points(text);
  add_copy(name, fmt::format("<U{}", points.size()), std::as_bytes(std::span(points)), {}, 4 * points.size());
}

void NpzFile::write(const std::filesystem::path& path) const {
  std::vector<ZipMember> members;
  for (const Member& member : members_)
    members.push_back({member.name, {std::as_bytes(std::span(member.header)), member.own, member.lent}});
  write_zip(path, members, ZipMethod::store);
}

}  // namespace heatbath::apps
