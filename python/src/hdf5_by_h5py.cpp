// Hdf5Reader and Hdf5Writer (files/hdf5_file.hpp) by the package h5py, so that files of trained models are read and written by the code of the
// command while the module itself needs no HDF5. With the GIL. What no such file calls is not here.

#include <array>
#include <functional>
#include <numeric>

#include "bound.hpp"
#include "files/atomic_file.hpp"
#include "files/hdf5_file.hpp"
#include "files/utf8.hpp"

namespace heatbath::apps {
namespace {

namespace py = pybind11;

/// Memory that a file may ask for beyond twice its own size, as hdf5_file.cpp has it: deflate can shrink zeros a thousandfold.
constexpr std::uint64_t kFreeMemory = std::uint64_t{32} << 20;

py::module_ h5py() {
  try {
    return py::module_::import("h5py");
  } catch (const py::error_already_set& error) {
    if (!error.matches(PyExc_ImportError)) throw;
    throw py::import_error("files of trained models are HDF5: pip install 'heatbath[files]', or Debian's python3-h5py");
  }
}

/// What h5py raises is a fault of the file; a KeyboardInterrupt is none.
template <class Call>
auto guarded(const std::string& path, const char* what, Call&& call) {
  try {
    return call();
  } catch (py::error_already_set& error) {
    if (!error.matches(PyExc_Exception) || error.matches(PyExc_MemoryError)) throw;
    throw Error(HB_IO, path + ": " + what);
  }
}

std::string shape_in_words(const Shape& shape) {
  std::string text;
  for (const std::size_t side : shape) text += (text.empty() ? "" : " x ") + std::to_string(side);
  return text;
}

}  // namespace

// -- writer ---------------------------------------------------------------------------------------------------------------

struct Hdf5Writer::Impl {
  AtomicFile target;
  std::string path;
  py::object file;

  explicit Impl(const std::filesystem::path& where) : target(where), path(where.string()) {
    const py::module_ library = h5py();
    file = guarded(path, "cannot write the file", [&] { return py::object(library.attr("File")(target.temporary().string(), "w")); });
  }

  void text_of(const py::object& object, std::string_view name, std::string_view text) const {
    const std::string value = valid_utf8(text);
    const py::object type = h5py().attr("string_dtype")("utf-8", value.size() + 1);
    object.attr("attrs").attr("create")(py::str(name.data(), name.size()), py::module_::import("numpy").attr("array")(py::bytes(value), py::arg("dtype") = type));
  }
  void attribute(std::string_view name, const py::object& value) const {
    guarded(path, "cannot write its attributes; is the folder writable and the disk not full?", [&] {
      file.attr("attrs").attr("create")(py::str(name.data(), name.size()), value);
    });
  }

  template <typename T>
  void dataset(std::string_view name, std::span<const T> values, const Shape& shape, std::string_view units) const {
    if (std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>()) != values.size())
      throw Error(HB_BAD_ARG, path + ": " + std::to_string(values.size()) + " values do not fill " + std::string(name) + " (" + shape_in_words(shape) + ")");
    guarded(path, "cannot write its data sets; is the folder writable and the disk not full?", [&] {
      py::dict how;
      how["data"] = py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data()).reshape(std::vector<py::ssize_t>(shape.begin(), shape.end()));
      how["track_times"] = false;
      if (values.size() >= 1024) {
        how["compression"] = "gzip";
        how["compression_opts"] = 4;
        how["shuffle"] = true;
      }
      text_of(file.attr("create_dataset")(py::str(name.data(), name.size()), **how), "units", units);
    });
  }
};

Hdf5Writer::Hdf5Writer(const std::filesystem::path& path) : impl_(std::make_unique<Impl>(path)) {}
Hdf5Writer::~Hdf5Writer() {
  try {
    if (impl_) impl_->file.attr("close")();
  } catch (...) {
    PyErr_Clear();  // what was not committed is thrown away
  }
}
void Hdf5Writer::attribute(std::string_view name, std::string_view text) {
  guarded(impl_->path, "cannot write its attributes; is the folder writable and the disk not full?", [&] { impl_->text_of(impl_->file, name, text); });
}
void Hdf5Writer::attribute(std::string_view name, std::uint64_t value) { impl_->attribute(name, py::module_::import("numpy").attr("uint64")(value)); }
void Hdf5Writer::attribute(std::string_view name, double value) { impl_->attribute(name, py::module_::import("numpy").attr("float64")(value)); }
void Hdf5Writer::dataset(std::string_view name, std::span<const float> values, const Shape& shape, std::string_view units) {
  impl_->dataset(name, values, shape, units);
}
void Hdf5Writer::dataset(std::string_view name, std::span<const double> values, const Shape& shape, std::string_view units) {
  impl_->dataset(name, values, shape, units);
}
void Hdf5Writer::dataset(std::string_view name, std::span<const std::uint8_t> values, const Shape& shape, std::string_view units) {
  impl_->dataset(name, values, shape, units);
}
void Hdf5Writer::commit() {
  guarded(impl_->path, "cannot write the file; is the disk not full?", [&] { impl_->file.attr("close")(); });
  impl_->target.commit();
}

// -- reader ---------------------------------------------------------------------------------------------------------------

struct Hdf5Reader::Impl {
  std::string path;
  py::object file;
  std::uint64_t budget = 0;

  Impl(const std::filesystem::path& where, std::uint64_t times) : path(where.string()) {
    std::error_code error;
    const std::filesystem::file_status status = std::filesystem::status(where, error);
    if (!std::filesystem::is_regular_file(status))
      fail(!std::filesystem::exists(status) ? "no such file" : std::filesystem::is_directory(status) ? "is a folder" : "is not a regular file");
    budget = kFreeMemory + times * std::filesystem::file_size(where);
    const py::module_ library = h5py();
    file = guarded(path, "not an HDF5 file, or truncated", [&] { return py::object(library.attr("File")(path, "r")); });
  }

  [[noreturn]] void fail(const std::string& what) const { throw Error(HB_IO, path + ": " + what); }

  py::object attribute(std::string_view name) const {
    const py::object value = guarded(path, "an attribute cannot be read; the file is damaged", [&] {
      return py::object(file.attr("attrs").attr("get")(py::str(name.data(), name.size())));
    });
    if (value.is_none()) fail("attribute " + std::string(name) + " is missing");
    return value;
  }
  /// One number of a numpy kind ("u" or "i", "f").
  py::array scalar(std::string_view name, const char* kinds, const char* what) const {
    const py::array value = py::array::ensure(attribute(name));
    if (!value || value.size() != 1 || std::string_view(kinds).find(value.dtype().kind()) == std::string_view::npos) {
      PyErr_Clear();
      fail("attribute " + std::string(name) + " is not " + what);
    }
    return value;
  }

  /// A data set whose values lie in this file, stored by what the library itself can undo; None where there is none.
  py::object data_set(std::string_view name) const {
    const py::str key(name.data(), name.size());
    const py::module_ library = h5py();
    const py::object link = file.attr("get")(key, py::arg("getlink") = true, py::arg("default") = py::none());
    if (link.is_none()) return link;
    if (!py::isinstance(link, library.attr("HardLink"))) fail("data set " + std::string(name) + " is a link; its values must lie in this file");
    const py::object set = file.attr("get")(key);
    if (!py::isinstance(set, library.attr("Dataset"))) return py::none();
    if (!set.attr("external").is_none() || set.attr("is_virtual").cast<bool>())
      fail("data set " + std::string(name) + " has its values in another file; they must lie in this one");
    const py::object properties = set.attr("id").attr("get_create_plist")();
    for (int i = 0; i < properties.attr("get_nfilters")().cast<int>(); ++i) {
      const int filter = py::tuple(properties.attr("get_filter")(i))[0].cast<int>();
      const py::object h5z = library.attr("h5z");
      if (filter != h5z.attr("FILTER_DEFLATE").cast<int>() && filter != h5z.attr("FILTER_SHUFFLE").cast<int>() && filter != h5z.attr("FILTER_FLETCHER32").cast<int>())
        fail("data set " + std::string(name) + " is stored through filter " + std::to_string(filter) + "; deflate, shuffle and fletcher32 are read");
    }
    return set;
  }
  Shape shape(std::string_view name) const {
    return guarded(path, "a data set cannot be read; the file is damaged", [&] {
      const py::object set = data_set(name);
      const py::object shape = set.is_none() ? py::object(py::none()) : py::object(set.attr("shape"));
      Shape sides;
      if (!shape.is_none())
        for (const py::handle side : shape) sides.push_back(side.cast<std::size_t>());
      return sides;
    });
  }

  template <typename T>
  std::vector<T> read(std::string_view name, const Shape& wanted, const char* kinds) {
    const Shape found = shape(name);
    if (found.empty()) fail("data set " + std::string(name) + " is missing; it would be " + shape_in_words(wanted) + " values");
    if (found != wanted) fail("data set " + std::string(name) + " is " + shape_in_words(found) + "; it would be " + shape_in_words(wanted));
    std::uint64_t bytes = sizeof(T);
    for (const std::size_t side : wanted) {
      if (side > budget / bytes) fail("data set " + std::string(name) + " of " + shape_in_words(wanted) + " values is too large for a file of this size");
      bytes *= std::max<std::uint64_t>(side, 1);
    }
    budget -= bytes;
    const py::object set = data_set(name);
    if (std::string_view(kinds).find(set.attr("dtype").attr("kind").cast<char>()) == std::string_view::npos)
      fail("data set " + std::string(name) + " holds another type of value");
    return guarded(path, "a data set cannot be read; the file is damaged", [&] {
      const auto array = python::numbers<T>(set.attr("__getitem__")(py::tuple()), "a data set");
      return std::vector<T>(array.data(), array.data() + array.size());
    });
  }
};

Hdf5Reader::Hdf5Reader(const std::filesystem::path& path, std::uint64_t times) : impl_(std::make_unique<Impl>(path, times)) {}
Hdf5Reader::~Hdf5Reader() {
  try {
    if (impl_) impl_->file.attr("close")();
  } catch (...) {
    PyErr_Clear();
  }
}
bool Hdf5Reader::has_attribute(std::string_view name) const {
  return guarded(impl_->path, "its attributes cannot be read; the file is damaged", [&] {
    return impl_->file.attr("attrs").attr("__contains__")(py::str(name.data(), name.size())).cast<bool>();
  });
}
std::string Hdf5Reader::text(std::string_view name) const {
  const py::object value = impl_->attribute(name);
  if (py::isinstance<py::str>(value)) return value.cast<std::string>();
  if (!py::isinstance<py::bytes>(value)) impl_->fail("attribute " + std::string(name) + " is not one text");
  const std::string text = value.cast<std::string>();
  return text.substr(0, text.find('\0'));
}
std::uint64_t Hdf5Reader::integer(std::string_view name) const {
  const py::object value = impl_->scalar(name, "ui", "a whole number").attr("item")();
  if (value < py::int_(0)) impl_->fail("attribute " + std::string(name) + " is negative");
  return value.cast<std::uint64_t>();
}
double Hdf5Reader::number(std::string_view name) const { return impl_->scalar(name, "f", "a floating-point number").attr("item")().cast<double>(); }
std::vector<float> Hdf5Reader::floats(std::string_view name, const Shape& shape) const { return impl_->read<float>(name, shape, "f"); }
std::vector<double> Hdf5Reader::doubles(std::string_view name, const Shape& shape) const { return impl_->read<double>(name, shape, "f"); }
std::vector<std::uint8_t> Hdf5Reader::bytes(std::string_view name, const Shape& shape) const { return impl_->read<std::uint8_t>(name, shape, "ui"); }
Shape Hdf5Reader::shape(std::string_view name) const { return impl_->shape(name); }

}  // namespace heatbath::apps
