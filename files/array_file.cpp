#include "files/array_file.hpp"

#include <zip.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath::apps {

static_assert(std::endian::native == std::endian::little, "arrays are read as they lie in the file");

namespace {

constexpr std::size_t kLongestHeader = 65536;
constexpr std::uint64_t kLongestText = std::uint64_t{1} << 20, kLongestNumber = 32;  // comments; a line

/// Bytes one after another, of a file or of a part of an archive.
class Stream {
 public:
  explicit Stream(std::string where) : where_(std::move(where)) {}
  virtual ~Stream() = default;
  /// As many bytes as there are, at most `bytes`.
  virtual std::size_t read(void* to, std::size_t bytes) = 0;

  [[noreturn]] void fail(const std::string& what) const { throw Error(HB_BAD_ARG, fmt::format("{}: {}", where_, what)); }
  [[noreturn]] void fail_to_read(const std::string& what) const {
    throw Error(HB_IO, fmt::format("{}: {}", where_, what));
  }
  void read_all(void* to, std::size_t bytes) {
    if (read(to, bytes) != bytes) fail("ends early");
  }

 private:
  std::string where_;
};

class FileStream final : public Stream {
 public:
  explicit FileStream(const std::filesystem::path& path)
      : Stream(numerics::escaped(path.string())), file_(std::fopen(path.c_str(), "rb")) {
    if (!file_) fail_to_read(errno == ENOENT ? "no such file" : "cannot be read: " + numerics::system_words(errno));
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) fail_to_read("is a folder; a file is needed");
  }
  std::size_t read(void* to, std::size_t bytes) override {
    const std::size_t got = std::fread(to, 1, bytes, file_.get());
    if (got < bytes && std::ferror(file_.get())) fail_to_read("cannot be read: " + numerics::system_words(errno));
    return got;
  }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<std::FILE, Close> file_;
};

class Archive {
 public:
  explicit Archive(const std::filesystem::path& path) : path_(numerics::escaped(path.string())) {
    std::error_code error;
    if (!std::filesystem::exists(path, error)) throw Error(HB_IO, fmt::format("{}: no such file", path_));
    int code = 0;
    archive_.reset(zip_open(path.c_str(), ZIP_RDONLY, &code));
    if (archive_) return;
    zip_error_t why;
    zip_error_init_with_code(&why, code);
    const std::string text = zip_error_strerror(&why);
    zip_error_fini(&why);
    throw Error(code == ZIP_ER_OPEN || code == ZIP_ER_READ ? HB_IO : HB_BAD_ARG,
                fmt::format("{}: is no .npz file: {}", path_, text));
  }

  /// Number of the array's part.
  zip_uint64_t find(const std::string& name) const {
    const zip_int64_t parts = zip_get_num_entries(archive_.get(), 0);
    if (name.empty() && parts == 1) return 0;
    std::string names;
    for (zip_int64_t n = 0; n < parts; ++n) {
      const char* part = zip_get_name(archive_.get(), static_cast<zip_uint64_t>(n), 0);
      const std::string_view whole = part == nullptr ? "" : part;
      const std::string_view array = whole.ends_with(".npy") ? whole.substr(0, whole.size() - 4) : whole;
      if (!name.empty() && array == name) return static_cast<zip_uint64_t>(n);
      if (names.size() < 400) names.append(names.empty() ? "" : ", ").append(numerics::escaped(array, 40));
    }
    if (name.empty()) throw Error(HB_BAD_ARG, fmt::format("{}: has {} arrays; say which with array = \"…\": {}", path_, parts, names));
    throw Error(HB_BAD_ARG, fmt::format("{}: has no array {}; it has {}", path_, numerics::quoted(name), names));
  }

  zip_t* get() const { return archive_.get(); }
  const std::string& path() const { return path_; }

 private:
  struct Close {
    void operator()(zip_t* archive) const { zip_discard(archive); }
  };
  std::string path_;
  std::unique_ptr<zip_t, Close> archive_;
};

class PartStream final : public Stream {
 public:
  PartStream(const Archive& archive, zip_uint64_t part)
      : Stream(fmt::format("{}, {}", archive.path(), numerics::escaped(zip_get_name(archive.get(), part, 0), 80))),
        file_(zip_fopen_index(archive.get(), part, 0)) {
    if (!file_) fail(fmt::format("cannot be unpacked: {}", zip_strerror(archive.get())));
  }
  std::size_t read(void* to, std::size_t bytes) override {
    std::size_t had = 0;
    while (had < bytes) {
      const zip_int64_t got = zip_fread(file_.get(), static_cast<char*>(to) + had, bytes - had);
      if (got < 0) fail(fmt::format("cannot be unpacked: {}", zip_file_strerror(file_.get())));
      if (got == 0) break;
      had += static_cast<std::size_t>(got);
    }
    return had;
  }

 private:
  struct Close {
    void operator()(zip_file_t* file) const { zip_fclose(file); }
  };
  std::unique_ptr<zip_file_t, Close> file_;
};

struct Header {
  std::string type;
  bool fortran_order = false;
  std::vector<std::uint64_t> shape;
};

/// The dictionary in front of an array: {'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }.
Header header_of(Stream& stream) {
  std::array<unsigned char, 8> magic{};
  stream.read_all(magic.data(), magic.size());
  if (std::memcmp(magic.data(), "\x93NUMPY", 6) != 0) stream.fail("is no NumPy array");
  if (magic[6] < 1 || magic[6] > 3) stream.fail(fmt::format("is a NumPy array of version {}; 1 to 3 are known", magic[6]));
  std::array<unsigned char, 4> size{};
  stream.read_all(size.data(), magic[6] == 1 ? 2 : 4);
  const std::size_t length = size[0] | std::size_t{size[1]} << 8 | std::size_t{size[2]} << 16 | std::size_t{size[3]} << 24;
  if (length > kLongestHeader) stream.fail(fmt::format("has a header of {} bytes", length));
  std::string text(length, '\0');
  stream.read_all(text.data(), length);

  const auto bad = [&]() { stream.fail(fmt::format("has the header {}, which is none of an array", numerics::quoted(text))); };
  std::string_view rest(text);
  const auto blanks = [&] {
    while (!rest.empty() && numerics::is_blank(rest.front())) rest.remove_prefix(1);
  };
  const auto take = [&](std::string_view token) {
    blanks();
    if (!rest.starts_with(token)) return false;
    rest.remove_prefix(token.size());
    return true;
  };
  const auto need = [&](std::string_view token) {
    if (!take(token)) bad();
  };
  const auto quotation = [&] {
    blanks();
    if (rest.empty() || (rest.front() != '\'' && rest.front() != '"')) bad();
    const std::size_t end = rest.find(rest.front(), 1);
    if (end == std::string_view::npos) bad();
    const std::string_view inside = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    return inside;
  };
  Header header;
  int keys = 0;
  need("{");
  while (!take("}")) {
    const std::string_view key = quotation();
    need(":");
    if (key == "descr") {
      blanks();
      if (rest.starts_with('[')) stream.fail("is an array of records; plain numbers are needed");
      header.type = quotation();
      keys |= 1;
    } else if (key == "fortran_order") {
      header.fortran_order = take("True");
      if (!header.fortran_order) need("False");
      keys |= 2;
    } else if (key == "shape") {
      need("(");
      while (!take(")")) {
        blanks();
        std::size_t digits = 0;
        while (digits < rest.size() && numerics::is_digit(rest[digits])) ++digits;
        const auto side = numerics::parse_number<std::uint64_t>(rest.substr(0, digits));
        if (!side || header.shape.size() == 32) bad();
        rest.remove_prefix(digits);
        header.shape.push_back(*side);
        if (!take(",")) {
          need(")");
          break;
        }
      }
      keys |= 4;
    } else {
      bad();
    }
    if (!take(",")) {
      need("}");
      break;
    }
  }
  if (keys != 7) bad();
  return header;
}

std::string shape_text(const std::vector<std::uint64_t>& shape) {
  return fmt::format("({}{})", fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
}

/// Reads `count` numbers of one type in pieces.
template <typename T>
void read_values(Stream& stream, std::uint64_t count, std::vector<float>& values) {
  std::vector<T> piece(std::min<std::uint64_t>(count, 65536));
  for (std::uint64_t done = 0; done < count;) {
    const auto n = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), count - done));
    if (stream.read(piece.data(), n * sizeof(T)) != n * sizeof(T))
      stream.fail(fmt::format("ends before its {} values", count));
    for (std::size_t k = 0; k < n; ++k) {
      const auto value = static_cast<float>(piece[k]);
      if (!std::isfinite(value))
        stream.fail(fmt::format("value {} is {}; finite numbers of single precision are needed", done + k,
                                numerics::text_of(static_cast<double>(piece[k]))));
      values.push_back(value);
    }
    done += n;
  }
  char more = 0;
  if (stream.read(&more, 1) != 0) stream.fail(fmt::format("goes on after its {} values", count));
}

NumberArray read_numpy(Stream& stream, const ShapeCheck& check) {
  const Header header = header_of(stream);
  NumberArray array{header.shape, {}};
  if (const std::string wrong = check(array.shape); !wrong.empty()) stream.fail(wrong);
  if (header.fortran_order && header.shape.size() > 1)
    stream.fail("is in Fortran order; save numpy.ascontiguousarray of it");
  std::uint64_t count = 1;
  for (const std::uint64_t side : header.shape)
    if (__builtin_mul_overflow(count, side, &count)) stream.fail(fmt::format("has the shape {}", shape_text(header.shape)));
  const std::string_view type = header.type;
  const auto reserve = [&](std::uint64_t most) { array.values.reserve(std::min(count, most)); };
  reserve(std::uint64_t{1} << 20);  // what is announced is not yet there
  if (type == "<f4") read_values<float>(stream, count, array.values);
  else if (type == "<f8") read_values<double>(stream, count, array.values);
  else if (type == "|i1") read_values<std::int8_t>(stream, count, array.values);
  else if (type == "|u1") read_values<std::uint8_t>(stream, count, array.values);
  else if (type == "<i2") read_values<std::int16_t>(stream, count, array.values);
  else if (type == "<u2") read_values<std::uint16_t>(stream, count, array.values);
  else if (type == "<i4") read_values<std::int32_t>(stream, count, array.values);
  else if (type == "<u4") read_values<std::uint32_t>(stream, count, array.values);
  else if (type == "<i8") read_values<std::int64_t>(stream, count, array.values);
  else if (type == "<u8") read_values<std::uint64_t>(stream, count, array.values);
  else stream.fail(fmt::format("is of type {}{}; float32, float64 or integers, little-endian, are needed",
                               numerics::quoted(type), type.starts_with('>') ? " (big-endian)" : ""));
  return array;
}

NumberArray read_text(const std::filesystem::path& path, std::uint64_t most, const ShapeCheck& check) {
  const std::string where = numerics::escaped(path.string());
  const auto fail = [&](const std::string& what) { throw Error(HB_BAD_ARG, fmt::format("{}: {}", where, what)); };
  std::string text;
  try {
    text = numerics::read_text_file(path, kLongestText + most * kLongestNumber);
  } catch (const numerics::UnreadableFile& unreadable) {
    throw Error(HB_IO, fmt::format("{}: {}", where, unreadable.what()));
  }
  NumberArray array;
  for (numerics::TextLines lines(text); lines.next();) {
    const std::string_view line = numerics::trimmed(lines.line());
    if (line.empty() || line.front() == '#') continue;
    const auto value = numerics::parse_number<float>(line);
    if (!value || !std::isfinite(*value))
      fail(fmt::format("line {}: {} is no finite number of single precision; one a line is needed", lines.number(),
                       numerics::quoted(line)));
    array.values.push_back(*value);
    if (array.values.size() > most) fail(fmt::format("has more than {} numbers", most));
  }
  array.shape = {array.values.size()};
  if (const std::string wrong = check(array.shape); !wrong.empty()) fail(wrong);
  return array;
}

}  // namespace

NumberArray read_array(const std::filesystem::path& file, const std::string& name, std::uint64_t most,
                       const ShapeCheck& check) {
  if (file.extension() == ".npz") {
    const Archive archive(file);
    PartStream stream(archive, archive.find(name));
    return read_numpy(stream, check);
  }
  if (!name.empty())
    throw Error(HB_BAD_ARG, fmt::format("{}: array = {} is for .npz files", numerics::escaped(file.string()), numerics::quoted(name)));
  if (file.extension() != ".npy") return read_text(file, most, check);
  FileStream stream(file);
  return read_numpy(stream, check);
}

std::uint64_t RawArray::values_behind(std::size_t axes) const {
  std::uint64_t values = 1;
  for (std::size_t k = axes; k < shape.size(); ++k) values *= shape[k];
  return values;
}

std::uint64_t RawArray::value_bytes() const {
  const std::uint64_t values = values_behind(0);
  return values == 0 ? 0 : bytes.size() / values;
}

std::string RawArray::text() const {
  std::u32string points(bytes.size() / sizeof(char32_t), U'\0');
  std::memcpy(points.data(), bytes.data(), points.size() * sizeof(char32_t));
  while (!points.empty() && points.back() == 0) points.pop_back();
  std::string text;
  for (const char32_t point : points) {
    const auto add = [&](std::uint32_t bits) { text += static_cast<char>(bits); };
    if (point < 0x80) {
      add(point);
    } else if (point < 0x800) {
      add(0xC0 | point >> 6), add(0x80 | (point & 0x3F));
    } else if (point < 0x10000) {
      add(0xE0 | point >> 12), add(0x80 | (point >> 6 & 0x3F)), add(0x80 | (point & 0x3F));
    } else {
      add(0xF0 | (point >> 18 & 7)), add(0x80 | (point >> 12 & 0x3F)), add(0x80 | (point >> 6 & 0x3F)), add(0x80 | (point & 0x3F));
    }
  }
  return text;
}

std::vector<RawArray> read_npz(const std::filesystem::path& file) {
  const Archive archive(file);
  std::vector<RawArray> arrays;
  const zip_int64_t parts = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t n = 0; n < parts; ++n) {
    const auto part = static_cast<zip_uint64_t>(n);
    PartStream stream(archive, part);
    const Header header = header_of(stream);
    const char* const name = zip_get_name(archive.get(), part, 0);
    RawArray& array = arrays.emplace_back(RawArray{name == nullptr ? "" : name, header.type, header.shape, {}});
    if (array.name.ends_with(".npy")) array.name.resize(array.name.size() - 4);
    if (header.fortran_order && header.shape.size() > 1) stream.fail("is in Fortran order");
    std::uint64_t size = 0, count = 1;
    std::size_t digit = 0;
    while (digit < header.type.size() && !numerics::is_digit(header.type[digit])) ++digit;
    if (const auto width = numerics::parse_number<std::uint64_t>(std::string_view(header.type).substr(digit)); width && digit > 0)
      size = *width * (header.type[digit - 1] == 'U' ? sizeof(char32_t) : 1);
    for (const std::uint64_t side : header.shape)
      if (__builtin_mul_overflow(count, side, &count)) stream.fail(fmt::format("has the shape {}", shape_text(header.shape)));
    if (__builtin_mul_overflow(count, size, &count)) stream.fail(fmt::format("has the shape {}", shape_text(header.shape)));
    constexpr std::uint64_t piece = std::uint64_t{1} << 24;  // what is announced is not yet there
    while (array.bytes.size() < count) {
      const std::size_t had = array.bytes.size();
      array.bytes.resize(std::min(count, had + piece));
      stream.read_all(array.bytes.data() + had, array.bytes.size() - had);
    }
    char more = 0;
    if (stream.read(&more, 1) != 0) stream.fail("goes on after its values");
  }
  return arrays;
}

}  // namespace heatbath::apps
