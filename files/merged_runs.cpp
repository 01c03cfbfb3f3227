#include "files/merged_runs.hpp"

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/array_file.hpp"
#include "files/npz_file.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {
namespace {

struct Part {
  std::string path;
  std::vector<RawArray> arrays;
  nlohmann::json provenance;
  std::uint64_t first = 0, count = 0;

  [[noreturn]] void fail(const std::string& what) const { throw Error(HB_BAD_ARG, fmt::format("{}: {}", path, what)); }
  const RawArray& at(std::size_t k, const RawArray& other) const {
    if (k >= arrays.size() || arrays[k].name != other.name || arrays[k].type != other.type) fail(fmt::format("has not the arrays of the first part ({})", other.name));
    return arrays[k];
  }
};

Part read_part(const std::filesystem::path& file) {
  Part part;
  part.path = numerics::escaped(file.string());
  if (file.extension() != ".npz") part.fail("parts are .npz files of heatbath run --shots A:B --out");
  part.arrays = read_npz(file);
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
  if (out.extension() != ".npz") throw Error(HB_BAD_ARG, fmt::format("{}: the name must end in .npz", numerics::escaped(out.string())));
  std::vector<Part> parts;
  for (const std::filesystem::path& file : files) parts.push_back(read_part(file));
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
  NpzFile file;
  for (std::size_t k = 0; k < head.arrays.size(); ++k) {
    const RawArray& array = head.arrays[k];
    const int axis = shot_axis(array);
    if (array.name == "provenance") continue;
    std::vector<std::size_t> shape(array.shape.begin(), array.shape.end());
    if (axis < 0) {
      for (const Part& part : parts)
        if (part.at(k, array).shape != array.shape || (part.arrays[k].bytes != array.bytes && !array.name.starts_with("readback_")))
          part.fail(fmt::format("has another array {} than {}", array.name, head.path));
      file.add(array.name, array.type, array.bytes, shape, array.value_bytes());
      continue;
    }
    const auto at = static_cast<std::size_t>(axis);
    std::vector<std::byte> bytes;
    shape.at(at) = 0;
    for (const Part& part : parts) {
      const RawArray& its = part.at(k, array);
      bool fits = its.shape.size() == array.shape.size() && its.shape.at(at) == part.count;
      for (std::size_t side = 0; fits && side < shape.size(); ++side) fits = side == at || its.shape[side] == array.shape[side];
      if (!fits) part.fail(fmt::format("array {} has another shape than that of {}", array.name, head.path));
      shape[at] += part.count;
    }
    const std::uint64_t rows = axis == 0 ? 1 : array.shape[0];
    for (std::uint64_t row = 0; row < rows; ++row)
      for (const Part& part : parts) {
        const RawArray& its = part.arrays[k];
        const auto width = static_cast<std::ptrdiff_t>(its.bytes.size() / rows);
        const auto from = its.bytes.begin() + static_cast<std::ptrdiff_t>(row) * width;
        bytes.insert(bytes.end(), from, from + width);
      }
    file.add(array.name, array.type, bytes, shape, array.value_bytes());
  }
  nlohmann::json provenance = head.provenance;
  provenance["shots"] = {{"first", head.first}, {"count", next - head.first}};
  provenance["merged"] = parts.size();
  for (const char* key : {"clips", "capture_clips", "rails"}) {
    std::uint64_t most = 0, sum = 0;
    for (const Part& part : parts) most = std::max(most, part.provenance.value(key, std::uint64_t{0})), sum += part.provenance.value(key, std::uint64_t{0});
    provenance[key] = std::string_view(key) == "clips" ? most : sum;
  }
  file.add_text("provenance", json_text(provenance));
  file.write(out);
}

}  // namespace heatbath::apps
