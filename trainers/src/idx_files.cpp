// The LeCun IDX format of MNIST (yann.lecun.com/exdb/mnist): big-endian magic number, counts, then bytes.
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <system_error>

#include "heatbath/error.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/trainers/images.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::uint32_t kImagesMagic = 0x00000803;
constexpr std::uint32_t kLabelsMagic = 0x00000801;
constexpr std::uint32_t kDigitSide = 28;

[[noreturn]] void refuse(const std::filesystem::path& file, const std::string& what) {
  throw Error(HB_IO, file.string() + ": " + what);
}

std::string hex(std::uint32_t value) {
  std::array<char, 16> text{};
  std::snprintf(text.data(), text.size(), "0x%08X", static_cast<unsigned>(value));
  return text.data();
}

/// A file read through zlib, which passes plain files on as they are.
class IdxFile {
 public:
  explicit IdxFile(const std::filesystem::path& path) : path_(path), file_(gzopen(path.c_str(), "rb"), &gzclose) {
    if (!file_) refuse(path_, "cannot be opened; a readable IDX file, plain or .gz, is needed");
  }

  std::uint32_t number(const char* name) {
    std::array<std::uint8_t, 4> bytes{};
    if (read(bytes.data(), 4) != 4) refuse(path_, std::string("ends before the ") + name + " of its IDX header");
    return std::uint32_t{bytes[0]} << 24 | std::uint32_t{bytes[1]} << 16 | std::uint32_t{bytes[2]} << 8 | bytes[3];
  }

  /// The rest of the file, which must be `size` bytes. Memory grows with what the file holds, not with what its header
  /// claims.
  std::vector<std::uint8_t> body(std::uint64_t size, const std::string& claim) {
    std::vector<std::uint8_t> bytes;
    while (bytes.size() < size) {
      const std::size_t had = bytes.size();
      const std::size_t piece = static_cast<std::size_t>(std::min<std::uint64_t>(size - had, 1u << 20));
      bytes.resize(had + piece);
      const std::size_t got = read(bytes.data() + had, piece);
      if (got < piece) {
        refuse(path_, "truncated: " + std::to_string(had + got) + " bytes after the header, " + claim + " need " +
                          std::to_string(size));
      }
    }
    std::uint8_t beyond = 0;
    if (read(&beyond, 1) != 0) refuse(path_, "goes on after the " + std::to_string(size) + " bytes that " + claim + " need");
    return bytes;
  }

 private:
  std::size_t read(std::uint8_t* out, std::size_t size) {
    const int got = gzread(file_.get(), out, static_cast<unsigned>(size));
    if (got < 0) {
      int code = Z_OK;
      const char* message = gzerror(file_.get(), &code);
      if (code == Z_BUF_ERROR) refuse(path_, "truncated: the compressed data end too early");
      refuse(path_, std::string("cannot be read (") + message + "); an IDX file, plain or .gz, is needed");
    }
    return static_cast<std::size_t>(got);
  }

  std::filesystem::path path_;
  std::unique_ptr<gzFile_s, decltype(&gzclose)> file_;
};

/// A file of a set: train-images-idx3-ubyte, emnist-digits-test-labels.idx1-ubyte.gz.
struct SetFile {
  std::string name;
  std::string prefix;  // in front of images or labels: which set it is of
};

/// Files of one part ("images", "idx3-ubyte") of all sets in `directory`, by name: plain before .gz.
std::vector<SetFile> files_of(const std::filesystem::path& directory, const std::string& part, const std::string& form) {
  std::vector<SetFile> files;
  std::error_code error;
  for (std::filesystem::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    for (const char mark : {'-', '.'}) {
      const std::size_t at = name.find(part + mark + form);
      if (at != std::string::npos && !name.starts_with('.') && !entry->is_directory())
        files.push_back({name, name.substr(0, at)});
    }
  }
  if (error)
    refuse(directory, "cannot be listed (" + numerics::system_words(error.value()) +
                          "); a folder with the MNIST IDX files is needed");
  std::ranges::sort(files, {}, &SetFile::name);
  return files;
}

/// The set to learn from: the only one, else the one whose name says that it is for training; never one by alphabet.
SetFile training_set(const std::filesystem::path& directory, const std::vector<SetFile>& sets) {
  std::vector<SetFile> named;  // one per prefix
  const auto add = [&](const SetFile& set) {
    if (std::ranges::find(named, set.prefix, &SetFile::prefix) == named.end()) named.push_back(set);
  };
  for (const SetFile& set : sets)
    if (set.prefix.find("train") != std::string::npos) add(set);
  if (named.empty())
    for (const SetFile& set : sets) add(set);
  if (named.size() > 1)
    refuse(directory, "holds several sets, " + named[0].name + " and " + named[1].name +
                          (named.size() > 2 ? " among them" : "") + "; leave the one to learn from in it");
  return named.front();
}

}  // namespace

Images read_idx(const std::filesystem::path& directory) {
  const std::vector<SetFile> sets = files_of(directory, "images", "idx3-ubyte");
  if (sets.empty()) refuse(directory, "holds no *images-idx3-ubyte* (or *images.idx3-ubyte*) file, plain or .gz");
  const SetFile set = training_set(directory, sets);
  const std::string& image_name = set.name;
  const std::vector<SetFile> labels_of_sets = files_of(directory, "labels", "idx1-ubyte");
  const auto labels_found = std::ranges::find(labels_of_sets, set.prefix, &SetFile::prefix);
  if (labels_found == labels_of_sets.end())
    refuse(directory, "holds " + image_name + " but no " + set.prefix + "labels-idx1-ubyte, plain or .gz, with its labels");
  const std::string& label_name = labels_found->name;

  IdxFile image_file(directory / image_name);
  if (const std::uint32_t magic = image_file.number("magic number"); magic != kImagesMagic) {
    refuse(directory / image_name, "magic number " + hex(magic) + ", an IDX file of images starts with " + hex(kImagesMagic));
  }
  const std::uint32_t count = image_file.number("image count");
  const std::uint32_t rows = image_file.number("row count");
  const std::uint32_t columns = image_file.number("column count");
  if (rows != kDigitSide || columns != kDigitSide) {
    refuse(directory / image_name,
           "images of " + std::to_string(rows) + "x" + std::to_string(columns) + ", 28x28 is needed");
  }
  if (count == 0) refuse(directory / image_name, "holds 0 images, at least one is needed");

  IdxFile label_file(directory / label_name);
  if (const std::uint32_t magic = label_file.number("magic number"); magic != kLabelsMagic) {
    refuse(directory / label_name, "magic number " + hex(magic) + ", an IDX file of labels starts with " + hex(kLabelsMagic));
  }
  if (const std::uint32_t labels = label_file.number("label count"); labels != count) {
    refuse(directory / label_name, std::to_string(labels) + " labels, " + image_name + " holds " + std::to_string(count) +
                                       " images; the counts must be equal");
  }

  Images images;
  images.rows = rows;
  images.columns = columns;
  images.pixels = image_file.body(std::uint64_t{count} * rows * columns, std::to_string(count) + " images");
  images.labels = label_file.body(count, std::to_string(count) + " labels");
  for (std::size_t i = 0; i < images.labels.size(); ++i) {
    if (images.labels[i] > 9) {
      refuse(directory / label_name,
             "label " + std::to_string(i) + " is " + std::to_string(images.labels[i]) + ", digits are 0 to 9");
    }
  }
  images.source = (directory / image_name).string();
  return images;
}

}  // namespace heatbath::trainers
