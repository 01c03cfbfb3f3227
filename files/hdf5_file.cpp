#include "files/hdf5_file.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <hdf5.h>
#include <hdf5_hl.h>

#include "files/atomic_file.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

/// An HDF5 identifier and the function that closes it.
class Handle {
 public:
  Handle(hid_t id, herr_t (*closer)(hid_t)) : id_(id), closer_(closer) {}
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)), closer_(other.closer_) {}
  Handle& operator=(Handle&&) = delete;
  ~Handle() { close(); }

  operator hid_t() const { return id_; }
  bool valid() const { return id_ >= 0; }
  bool close() { return id_ < 0 || closer_(std::exchange(id_, H5I_INVALID_HID)) >= 0; }

 private:
  hid_t id_;
  herr_t (*closer_)(hid_t);
};

/// The library prints a stack of its own at every error unless told not to, and at the end of the process closes once
/// more, and crashes over, a file that could not be closed because the disk was full. Files are closed here.
void quiet() {
  static const herr_t first_of_all = H5dont_atexit();
  static_cast<void>(first_of_all);
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
}

std::string shape_text(const Shape& shape) { return fmt::format("{}", fmt::join(shape, " x ")); }

}  // namespace

// -- writer -------------------------------------------------------------------------------------------------------

struct Hdf5Writer::Impl {
  AtomicFile target;
  std::string path;
  Handle file;

  explicit Impl(const std::filesystem::path& where)
      : target(where),
        path(where.string()),
        file(H5Fcreate(target.temporary().c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose) {
    check(file.valid(), "the file");
  }

  void check(bool good, std::string_view what) const {
    if (!good)
      throw Error(HB_IO, fmt::format("{}: cannot write {}; is the folder writable and the disk not full?", path, what));
  }

  void attribute_of(hid_t object, std::string_view name, hid_t type, const void* value) const {
    const Handle space(H5Screate(H5S_SCALAR), H5Sclose);
    const Handle attribute(H5Acreate2(object, std::string(name).c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT),
                           H5Aclose);
    check(attribute.valid() && H5Awrite(attribute, type, value) >= 0, name);
  }

  void text_of(hid_t object, std::string_view name, std::string_view text) const {
    const std::string value = valid_utf8(text);
    const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(type, value.size() + 1);
    H5Tset_cset(type, H5T_CSET_UTF8);
    attribute_of(object, name, type, value.c_str());
  }

  void dataset(std::string_view name, hid_t type, const void* values, std::size_t count, const Shape& shape,
               std::string_view units) const {
    if (std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>()) != count) {
      throw Error(HB_BAD_ARG, fmt::format("{}: {} values do not fill {} ({})", path, count, name, shape_text(shape)));
    }
    const std::vector<hsize_t> extent(shape.begin(), shape.end());
    const Handle space(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr), H5Sclose);
    const Handle properties(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_obj_track_times(properties, false);
    if (count >= 1024) {
      // A chunk is a run of whole rows of at most 1 MiB.
      std::vector<hsize_t> chunk = extent;
      std::size_t bytes = H5Tget_size(type) * count;
      for (hsize_t& side : chunk) {
        const std::size_t rest = bytes / side;
        side = rest >= (1u << 20) ? 1 : std::min<hsize_t>(side, std::max<hsize_t>(1, (1u << 20) / rest));
        if (side > 1) break;
        bytes = rest;
      }
      H5Pset_chunk(properties, static_cast<int>(chunk.size()), chunk.data());
      H5Pset_shuffle(properties);
      H5Pset_deflate(properties, 4);
    }
    const Handle set(H5Dcreate2(file, std::string(name).c_str(), type, space, H5P_DEFAULT, properties, H5P_DEFAULT),
                     H5Dclose);
    check(set.valid() && H5Dwrite(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, name);
    text_of(set, "units", units);
  }
};

Hdf5Writer::Hdf5Writer(const std::filesystem::path& path) {
  quiet();
  impl_ = std::make_unique<Impl>(path);
}
Hdf5Writer::~Hdf5Writer() = default;

void Hdf5Writer::attribute(std::string_view name, std::string_view text) { impl_->text_of(impl_->file, name, text); }
void Hdf5Writer::long_text(std::string_view name, std::string_view text) {
  const std::string value = valid_utf8(text);
  const char* const pointer = value.c_str();
  const Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type, H5T_VARIABLE);
  H5Tset_cset(type, H5T_CSET_UTF8);
  impl_->attribute_of(impl_->file, name, type, &pointer);
}
void Hdf5Writer::attribute(std::string_view name, std::uint64_t value) {
  impl_->attribute_of(impl_->file, name, H5T_NATIVE_UINT64, &value);
}
void Hdf5Writer::attribute(std::string_view name, double value) {
  impl_->attribute_of(impl_->file, name, H5T_NATIVE_DOUBLE, &value);
}
void Hdf5Writer::dataset(std::string_view name, std::span<const float> values, const Shape& shape,
                         std::string_view units) {
  impl_->dataset(name, H5T_NATIVE_FLOAT, values.data(), values.size(), shape, units);
}
void Hdf5Writer::dataset(std::string_view name, std::span<const double> values, const Shape& shape,
                         std::string_view units) {
  impl_->dataset(name, H5T_NATIVE_DOUBLE, values.data(), values.size(), shape, units);
}
void Hdf5Writer::dataset(std::string_view name, std::span<const std::uint64_t> values, const Shape& shape,
                         std::string_view units) {
  impl_->dataset(name, H5T_NATIVE_UINT64, values.data(), values.size(), shape, units);
}
void Hdf5Writer::dataset(std::string_view name, std::span<const std::uint8_t> values, const Shape& shape,
                         std::string_view units) {
  impl_->dataset(name, H5T_NATIVE_UINT8, values.data(), values.size(), shape, units);
}

void Hdf5Writer::axes(std::string_view name, const std::vector<std::string>& axes) {
  const auto opened = [&](const std::string& data_set) {
    Handle set(H5Dopen2(impl_->file, data_set.c_str(), H5P_DEFAULT), H5Dclose);
    impl_->check(set.valid(), data_set);
    return set;
  };
  const Handle set = opened(std::string(name));
  for (unsigned k = 0; k < axes.size(); ++k) {
    const Handle axis = opened(axes[k]);
    impl_->check((H5DSis_scale(axis) > 0 || H5DSset_scale(axis, axes[k].c_str()) >= 0) &&
                     H5DSattach_scale(set, axis, k) >= 0,
                 axes[k]);
  }
}

void Hdf5Writer::commit() {
  impl_->check(H5Fflush(impl_->file, H5F_SCOPE_LOCAL) >= 0 && impl_->file.close(), "the file");
  impl_->target.commit();
}

// -- reader -------------------------------------------------------------------------------------------------------

namespace {

constexpr std::size_t kLongestText = std::size_t{1} << 20;
/// Memory that a file may ask for beyond twice its own size: deflate can shrink zeros a thousandfold.
constexpr std::uint64_t kFreeBytes = std::uint64_t{32} << 20;

/// How data sets are found: a link that leads into another file, at whatever place of a path, is not followed.
Handle inside_of_the_file() {
  Handle access(H5Pcreate(H5P_DATASET_ACCESS), H5Pclose);
  H5Pset_elink_cb(access, [](const char*, const char*, const char*, const char*, unsigned*, hid_t, void*) -> herr_t {
    return -1;
  }, nullptr);
  return access;
}

}  // namespace

struct Hdf5Reader::Impl {
  std::string path;
  Handle file;
  Handle access = inside_of_the_file();
  mutable std::uint64_t budget;

  Impl(const std::filesystem::path& where, std::uint64_t times)
      : path(where.string()),
        file(H5Fopen(where.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose),
        budget(kFreeBytes + times * std::filesystem::file_size(where)) {}

  [[noreturn]] void fail(const std::string& what) const { throw Error(HB_IO, fmt::format("{}: {}", path, what)); }

  Handle attribute(std::string_view name) const {
    Handle id(H5Aopen(file, std::string(name).c_str(), H5P_DEFAULT), H5Aclose);
    if (!id.valid()) fail(fmt::format("attribute {} is missing", name));
    return id;
  }

  /// The text of an attribute that is open.
  std::string text_of(hid_t id, std::string_view name) const {
    const Handle stored(H5Aget_type(id), H5Tclose);
    const Handle space(H5Aget_space(id), H5Sclose);
    if (H5Tget_class(stored) != H5T_STRING || H5Sget_simple_extent_npoints(space) != 1)
      fail(fmt::format("attribute {} is not one text", name));
    const auto unreadable = [&] { fail(fmt::format("attribute {} cannot be read", name)); };
    if (H5Tis_variable_str(stored) > 0) {  // as h5py writes them
      char* text = nullptr;
      if (H5Aread(id, stored, &text) < 0) unreadable();
      std::string result = text == nullptr ? "" : text;
      H5free_memory(text);
      return result;
    }
    const std::size_t size = H5Tget_size(stored);
    if (size > kLongestText) fail(fmt::format("attribute {} is a text of {} bytes", name, size));
    std::string buffer(size + 1, '\0');
    if (H5Aread(id, stored, buffer.data()) < 0) unreadable();
    return buffer.c_str();
  }

  void scalar(std::string_view name, hid_t type, H5T_class_t wanted, const char* kind, void* value) const {
    const Handle id = attribute(name);
    const Handle space(H5Aget_space(id), H5Sclose);
    const Handle stored(H5Aget_type(id), H5Tclose);
    if (H5Tget_class(stored) != wanted || H5Sget_simple_extent_npoints(space) != 1 || H5Aread(id, type, value) < 0) {
      fail(fmt::format("attribute {} is not {}", name, kind));
    }
  }

  Shape shape(std::string_view name) const {
    const std::string key(name);
    if (H5Lexists(file, key.c_str(), access) <= 0) return {};
    H5L_info_t link{};
    if (H5Lget_info(file, key.c_str(), &link, H5P_DEFAULT) >= 0 && link.type == H5L_TYPE_EXTERNAL)
      fail(fmt::format("data set {} is a link into another file; its values must lie in this one", name));
    const Handle set(H5Dopen2(file, key.c_str(), access), H5Dclose);
    if (!set.valid()) return {};
    const Handle space(H5Dget_space(set), H5Sclose);
    const int rank = H5Sget_simple_extent_ndims(space);
    if (rank <= 0) return {};
    std::vector<hsize_t> extent(static_cast<std::size_t>(rank));
    H5Sget_simple_extent_dims(space, extent.data(), nullptr);
    return {extent.begin(), extent.end()};
  }

  /// Values that lie in this file, stored by what the library itself can undo.
  void check_storage(hid_t set, std::string_view name) const {
    const Handle properties(H5Dget_create_plist(set), H5Pclose);
    if (H5Pget_external_count(properties) > 0 || H5Pget_layout(properties) == H5D_VIRTUAL)
      fail(fmt::format("data set {} has its values in another file; they must lie in this one", name));
    for (int i = 0; i < H5Pget_nfilters(properties); ++i) {
      unsigned flags = 0, config = 0;
      std::size_t parameters = 0;
      const H5Z_filter_t filter =
          H5Pget_filter2(properties, static_cast<unsigned>(i), &flags, &parameters, nullptr, 0, nullptr, &config);
      if (filter != H5Z_FILTER_DEFLATE && filter != H5Z_FILTER_SHUFFLE && filter != H5Z_FILTER_FLETCHER32)
        fail(fmt::format("data set {} is stored through filter {}; deflate, shuffle and fletcher32 are read", name,
                         static_cast<int>(filter)));
    }
  }

  template <typename T>
  std::vector<T> read(std::string_view name, const Shape& wanted, hid_t type, H5T_class_t type_class) const {
    const Shape found = shape(name);
    if (found.empty()) fail(fmt::format("data set {} is missing; it would be {} values", name, shape_text(wanted)));
    if (found != wanted)
      fail(fmt::format("data set {} is {}; it would be {}", name, shape_text(found), shape_text(wanted)));
    const Handle set(H5Dopen2(file, std::string(name).c_str(), access), H5Dclose);
    const Handle stored(H5Dget_type(set), H5Tclose);
    if (H5Tget_class(stored) != type_class) fail(fmt::format("data set {} holds another type of value", name));
    check_storage(set, name);
    std::uint64_t bytes = sizeof(T);
    for (const std::size_t side : wanted) {
      if (side > budget / bytes)
        fail(fmt::format("data set {} of {} values is too large for a file of this size", name, shape_text(wanted)));
      bytes *= std::max<std::uint64_t>(side, 1);
    }
    budget -= bytes;
    std::vector<T> values(std::accumulate(wanted.begin(), wanted.end(), std::size_t{1}, std::multiplies<>()));
    if (H5Dread(set, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()) < 0) {
      fail(fmt::format("data set {} cannot be read; the file is damaged", name));
    }
    return values;
  }
};

Hdf5Reader::Hdf5Reader(const std::filesystem::path& path, std::uint64_t times) {
  quiet();
  H5PLset_loading_state(0);  // filters of plugins are code that a file asks for
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::is_regular_file(status))
    throw Error(HB_IO, fmt::format("{}: {}", path.string(), !std::filesystem::exists(status)    ? "no such file"
                                                            : std::filesystem::is_directory(status) ? "is a folder"
                                                                                                : "is not a regular file"));
  impl_ = std::make_unique<Impl>(path, times);
  if (!impl_->file.valid()) impl_->fail("not an HDF5 file, or truncated");
}
Hdf5Reader::~Hdf5Reader() = default;

bool Hdf5Reader::has_attribute(std::string_view name) const {
  return H5Aexists(impl_->file, std::string(name).c_str()) > 0;
}

std::string Hdf5Reader::text(std::string_view name) const { return impl_->text_of(impl_->attribute(name), name); }

std::string Hdf5Reader::units(std::string_view name) const {
  const Handle set(H5Dopen2(impl_->file, std::string(name).c_str(), impl_->access), H5Dclose);
  if (!set.valid() || H5Aexists(set, "units") <= 0) return {};
  return impl_->text_of(Handle(H5Aopen(set, "units", H5P_DEFAULT), H5Aclose), fmt::format("units of {}", name));
}

std::string Hdf5Reader::type(std::string_view name) const {
  const Handle set(H5Dopen2(impl_->file, std::string(name).c_str(), impl_->access), H5Dclose);
  if (!set.valid()) return {};
  const Handle stored(H5Dget_type(set), H5Tclose);
  if (H5Tequal(stored, H5T_IEEE_F32LE) > 0) return "<f4";
  if (H5Tequal(stored, H5T_IEEE_F64LE) > 0) return "<f8";
  return H5Tequal(stored, H5T_STD_U64LE) > 0 ? "<u8" : "";
}

std::uint64_t Hdf5Reader::integer(std::string_view name) const {
  std::uint64_t value = 0;
  impl_->scalar(name, H5T_NATIVE_UINT64, H5T_INTEGER, "a whole number", &value);
  return value;
}

double Hdf5Reader::number(std::string_view name) const {
  double value = 0;
  impl_->scalar(name, H5T_NATIVE_DOUBLE, H5T_FLOAT, "a floating-point number", &value);
  return value;
}

std::vector<float> Hdf5Reader::floats(std::string_view name, const Shape& shape) const {
  return impl_->read<float>(name, shape, H5T_NATIVE_FLOAT, H5T_FLOAT);
}
std::vector<double> Hdf5Reader::doubles(std::string_view name, const Shape& shape) const {
  return impl_->read<double>(name, shape, H5T_NATIVE_DOUBLE, H5T_FLOAT);
}
std::vector<std::uint8_t> Hdf5Reader::bytes(std::string_view name, const Shape& shape) const {
  return impl_->read<std::uint8_t>(name, shape, H5T_NATIVE_UINT8, H5T_INTEGER);
}
std::vector<std::uint64_t> Hdf5Reader::integers(std::string_view name, const Shape& shape) const {
  return impl_->read<std::uint64_t>(name, shape, H5T_NATIVE_UINT64, H5T_INTEGER);
}
std::vector<std::string> Hdf5Reader::names() const {
  std::vector<std::string> names;
  const auto take = [](hid_t, const char* name, const H5L_info_t* link, void* list) -> herr_t {
    if (link->type == H5L_TYPE_HARD) static_cast<std::vector<std::string>*>(list)->emplace_back(name);
    return 0;
  };
  if (H5Literate(impl_->file, H5_INDEX_NAME, H5_ITER_INC, nullptr, take, &names) < 0) impl_->fail("its list of data sets cannot be read; the file is damaged");
  return names;
}

bool Hdf5Reader::holds_numbers(std::string_view name) const {
  const Handle set(H5Dopen2(impl_->file, std::string(name).c_str(), impl_->access), H5Dclose);
  if (!set.valid()) return false;
  const Handle stored(H5Dget_type(set), H5Tclose);
  return H5Tget_class(stored) == H5T_FLOAT || H5Tget_class(stored) == H5T_INTEGER;
}

std::vector<double> Hdf5Reader::numbers(std::string_view name, const Shape& shape) const {
  const Handle set(H5Dopen2(impl_->file, std::string(name).c_str(), impl_->access), H5Dclose);
  const Handle stored(H5Dget_type(set), H5Tclose);
  return impl_->read<double>(name, shape, H5T_NATIVE_DOUBLE, H5Tget_class(stored) == H5T_INTEGER ? H5T_INTEGER : H5T_FLOAT);
}

Shape Hdf5Reader::shape(std::string_view name) const { return impl_->shape(name); }

}  // namespace heatbath::apps
