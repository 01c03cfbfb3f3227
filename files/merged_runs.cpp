#include "files/merged_runs.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/array_file.hpp"
#include "files/hdf5_file.hpp"
#include "files/npz_file.hpp"
#include "files/run_result.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {
namespace {

struct Part {
  std::string path;
  std::vector<RawArray> arrays;
  std::vector<std::string> units;  ///< of each array; of .npz none
  nlohmann::json provenance;
  std::uint64_t first = 0, count = 0;

  [[noreturn]] void fail(const std::string& what) const { throw Error(HB_BAD_ARG, fmt::format("{}: {}", path, what)); }
  const RawArray& like(const RawArray& other) const {
    const auto found = std::ranges::find(arrays, other.name, &RawArray::name);
    if (found == arrays.end() || found->type != other.type) fail(fmt::format("has not the arrays of the first part ({})", other.name));
    return *found;
  }
};

/// Deflate makes values a thousandth at most, and those of p-bits and of held cells come near that.
constexpr std::uint64_t most_times = 1032;

/// Reads the arrays of write_run_result, but for the axes that it adds.
void read_hdf5(Part& part, const std::filesystem::path& path) {
  const Hdf5Reader file(path, most_times);
  if (!file.has_attribute("provenance")) return;
  part.provenance = nlohmann::json::parse(file.text("provenance"), nullptr, false);
  for (const std::string& name : file.names()) {
    const Shape shape = file.shape(name);
    if (name == "shot" || name == "variable" || shape.empty()) continue;
    RawArray array{name, file.type(name), {shape.begin(), shape.end()}, {}};
    const auto take = [&](const auto& values) {
      const auto bytes = std::as_bytes(std::span(values));
      array.bytes.assign(bytes.begin(), bytes.end());
    };
    if (array.type == "<f4") take(file.floats(name, shape));
    else if (array.type == "<f8") take(file.doubles(name, shape));
    else if (array.type == "<u8") take(file.integers(name, shape));
    else part.fail(fmt::format("array {} is of a type that heatbath run does not write", name));
    part.arrays.push_back(std::move(array));
    part.units.push_back(file.units(name));
  }
}

/// An .h5 file as write_run_result makes it.
class Hdf5Result {
 public:
  explicit Hdf5Result(const std::filesystem::path& path) : file_(path) {}

  void add(const RawArray& array, const Shape& shape, const std::string& units) {
    if (array.type == "<f4") write<float>(array, shape, units);
    else if (array.type == "<f8") write<double>(array, shape, units);
    else write<std::uint64_t>(array, shape, units);
    if (array.name == "states") states_ = shape;
  }
  void commit(const std::string& provenance) { finish_run_result(file_, states_, provenance); }

 private:
  template <typename T>
  void write(const RawArray& array, const Shape& shape, const std::string& units) {
    std::vector<T> values(array.bytes.size() / sizeof(T));
    if (!values.empty()) std::memcpy(values.data(), array.bytes.data(), values.size() * sizeof(T));
    file_.dataset(array.name, std::span<const T>(values), shape, units);
  }

  Hdf5Writer file_;
  Shape states_;
};

Part read_part(const std::filesystem::path& file) {
  Part part;
  part.path = numerics::escaped(file.string());
  if (file.extension() == ".h5") read_hdf5(part, file);
  else if (file.extension() == ".npz") part.arrays = read_npz(file);
  else part.fail("parts are .npz or .h5 files of heatbath run --shots A:B --out");
  for (const RawArray& array : part.arrays) {
    if (array.name == "provenance") part.provenance = nlohmann::json::parse(array.text(), nullptr, false);
    if (array.name.starts_with("statistics_") || array.name.starts_with("sweep_"))
      part.fail("holds averages over its shots, which are merged no more; write the states: without only = true, or [statistics]");
  }
  if (!part.provenance.is_object() || !part.provenance.contains("shots") || !part.provenance["shots"].is_object())
    part.fail("does not say which shots it holds; it is no file of heatbath run");
  part.first = part.provenance["shots"].value("first", std::uint64_t{0});
  part.count = part.provenance["shots"].value("count", std::uint64_t{0});
  return part;
}

/// The axis of shots of an array of heatbath run (run_result.hpp); of the others -1.
int shot_axis(const RawArray& array) {
  if (array.name == "states") return 0;
  const bool no_shots = array.name == "time" || array.name == "ticks" || array.name == "meters_ticks" || array.name == "couplers" ||
                        array.name.starts_with("readback_") || array.name == "provenance";
  return no_shots ? -1 : 1;
}

/// What must be the same in all parts.
nlohmann::json essence(const nlohmann::json& provenance) {
  nlohmann::json same;
  for (const char* key : {"heatbath_version", "program", "seed", "step", "meter_names"}) same[key] = provenance.value(key, nlohmann::json());
  same["device"] = provenance.value("device", nlohmann::json());
  if (same["device"].is_object()) same["device"].erase("link"), same["device"].erase("rack");
  return same;
}

}  // namespace

void merge_runs(const std::filesystem::path& out, std::span<const std::filesystem::path> files) {
  const bool hdf5 = out.extension() == ".h5";
  if (!hdf5 && out.extension() != ".npz") throw Error(HB_BAD_ARG, fmt::format("{}: the name must end in .npz or .h5", numerics::escaped(out.string())));
  std::vector<Part> parts;
  for (const std::filesystem::path& file : files) {
    parts.push_back(read_part(file));
    if (hdf5 && file.extension() != ".h5") parts.back().fail("an .h5 is made of .h5 parts (.npz has no units); name the result .npz");
  }
  if (parts.empty()) throw Error(HB_BAD_ARG, "merge: no parts");
  std::ranges::sort(parts, {}, &Part::first);
  const Part& head = parts.front();
  const nlohmann::json same = essence(head.provenance);
  std::uint64_t next = head.first;
  for (const Part& part : parts) {
    if (part.first != next)
      part.fail(fmt::format("begins with shot {}; the parts before it end with shot {}, and parts must follow each other", part.first, next - 1));
    next += part.count;
    const nlohmann::json its = essence(part.provenance);
    for (const auto& [key, value] : same.items())
      if (its.at(key) != value) part.fail(fmt::format("was made with another {} than {}", key == "heatbath_version" ? "version" : key, head.path));
  }
  NpzFile npz;
  std::optional<Hdf5Result> h5;
  if (hdf5) h5.emplace(out);
  for (std::size_t k = 0; k < head.arrays.size(); ++k) {
    const RawArray& array = head.arrays[k];
    const int axis = shot_axis(array);
    if (array.name == "provenance") continue;
    Shape shape(array.shape.begin(), array.shape.end());
    const auto put = [&](const RawArray& whole) {
      if (h5) h5->add(whole, shape, head.units[k]);
      else npz.add(whole.name, whole.type, whole.bytes, shape, whole.value_bytes());
    };
    if (axis < 0) {
      for (const Part& part : parts)
        if (part.like(array).shape != array.shape || (part.like(array).bytes != array.bytes && !array.name.starts_with("readback_")))
          part.fail(fmt::format("has another array {} than {}", array.name, head.path));
      put(array);
      continue;
    }
    const auto at = static_cast<std::size_t>(axis);
    RawArray whole{array.name, array.type, array.shape, {}};
    shape.at(at) = 0;
    for (const Part& part : parts) {
      const RawArray& its = part.like(array);
      bool fits = its.shape.size() == array.shape.size() && its.shape.at(at) == part.count;
      for (std::size_t side = 0; fits && side < shape.size(); ++side) fits = side == at || its.shape[side] == array.shape[side];
      if (!fits) part.fail(fmt::format("array {} has another shape than that of {}", array.name, head.path));
      shape[at] += part.count;
    }
    const std::uint64_t rows = axis == 0 ? 1 : array.shape[0];
    for (std::uint64_t row = 0; row < rows; ++row)
      for (const Part& part : parts) {
        const RawArray& its = part.like(array);
        const auto width = static_cast<std::ptrdiff_t>(its.bytes.size() / rows);
        const auto from = its.bytes.begin() + static_cast<std::ptrdiff_t>(row) * width;
        whole.bytes.insert(whole.bytes.end(), from, from + width);
      }
    whole.shape.assign(shape.begin(), shape.end());
    put(whole);
  }
  nlohmann::json provenance = head.provenance;
  provenance["shots"] = {{"first", head.first}, {"count", next - head.first}};
  provenance["merged"] = parts.size();
  for (const char* key : {"clips", "capture_clips", "rails"}) {
    std::uint64_t most = 0, sum = 0;
    for (const Part& part : parts) most = std::max(most, part.provenance.value(key, std::uint64_t{0})), sum += part.provenance.value(key, std::uint64_t{0});
    provenance[key] = std::string_view(key) == "clips" ? most : sum;
  }
  if (h5) {
    h5->commit(json_text(provenance));
    return;
  }
  npz.add_text("provenance", json_text(provenance));
  npz.write(out);
}

}  // namespace heatbath::apps
