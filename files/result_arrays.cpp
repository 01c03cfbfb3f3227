#include "files/result_arrays.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <numeric>
#include <set>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/array_file.hpp"
#include "files/hdf5_file.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath::apps {
namespace {

std::size_t count_of(const std::vector<std::size_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), std::size_t{1}, std::multiplies<>());
}

template <typename T>
std::vector<double> widened(const RawArray& array) {
  std::vector<double> values(array.bytes.size() / sizeof(T));
  for (std::size_t k = 0; k < values.size(); ++k) {
    T value;
    std::memcpy(&value, array.bytes.data() + k * sizeof value, sizeof value);
    values[k] = static_cast<double>(value);
  }
  return values;
}

std::vector<ResultArray> arrays_of_npz(const std::filesystem::path& file) {
  std::vector<ResultArray> arrays;
  for (const RawArray& raw : read_npz(file)) {
    if (raw.shape.empty()) continue;
    ResultArray array{raw.name, {raw.shape.begin(), raw.shape.end()}, {}};
    if (raw.type == "<f4") array.values = widened<float>(raw);
    else if (raw.type == "<f8") array.values = widened<double>(raw);
    else if (raw.type == "<u8") array.values = widened<std::uint64_t>(raw);
    else if (raw.type == "<i8") array.values = widened<std::int64_t>(raw);
    else if (raw.type == "<i4") array.values = widened<std::int32_t>(raw);
    else if (raw.type == "<u4") array.values = widened<std::uint32_t>(raw);
    else if (raw.type == "|i1") array.values = widened<std::int8_t>(raw);
    else if (raw.type == "|u1" || raw.type == "|b1") array.values = widened<std::uint8_t>(raw);
    else continue;
    arrays.push_back(std::move(array));
  }
  return arrays;
}

std::vector<ResultArray> arrays_of_hdf5(const std::filesystem::path& path) {
  const Hdf5Reader file(path);
  std::vector<ResultArray> arrays;
  for (const std::string& name : file.names()) {
    const Shape shape = file.shape(name);
    if (shape.empty() || !file.holds_numbers(name)) continue;
    arrays.push_back({name, shape, file.numbers(name, shape)});
  }
  return arrays;
}

using Json = nlohmann::ordered_json;

bool is_numbers(const Json& json) {
  return json.is_array() && !json.empty() && std::all_of(json.begin(), json.end(), [](const Json& one) { return one.is_number(); });
}

/// Adds what is below `json`, whose way is `name`.
void add_arrays(const Json& json, const std::string& name, std::vector<ResultArray>& arrays, int depth = 0) {
  constexpr int deepest = 32;
  if (depth > deepest) return;
  const auto below = [&](const std::string& key) { return name.empty() ? key : name + "." + key; };
  if (is_numbers(json)) {
    if (json.size() > 1) arrays.push_back({name, {json.size()}, json.get<std::vector<double>>()});
    return;
  }
  if (json.is_array() && json.size() > 1 && std::all_of(json.begin(), json.end(), [&](const Json& row) { return is_numbers(row) && row.size() == json[0].size(); })) {
    ResultArray matrix{name, {json.size(), json[0].size()}, {}};
    for (const Json& row : json)
      for (const Json& value : row) matrix.values.push_back(value.get<double>());
    arrays.push_back(std::move(matrix));
    return;
  }
  if (json.is_array() && json.size() > 1 && std::all_of(json.begin(), json.end(), [](const Json& one) { return one.is_object(); })) {
    for (const auto& [key, first] : json[0].items()) {
      const auto has = [&, &wanted = key](const Json& one) { return one.contains(wanted) && one[wanted].is_number(); };
      if (!std::all_of(json.begin(), json.end(), has)) continue;
      ResultArray column{below(key), {json.size()}, {}};
      for (const Json& one : json) column.values.push_back(one[key].get<double>());
      arrays.push_back(std::move(column));
    }
  }
  if (json.is_object())
    for (const auto& [key, value] : json.items()) add_arrays(value, below(key), arrays, depth + 1);
  if (json.is_array())
    for (std::size_t k = 0; k < json.size(); ++k) add_arrays(json[k], below(std::to_string(k)), arrays, depth + 1);
}

std::vector<ResultArray> arrays_of_json(const std::filesystem::path& file) {
  constexpr std::size_t largest = std::size_t{256} << 20;
  std::string text;
  try {
    text = numerics::read_text_file(file.string(), largest);
  } catch (const numerics::UnreadableFile& unreadable) {
    throw Error(HB_IO, fmt::format("{}: {}", numerics::escaped(file.string()), unreadable.what()));
  }
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) throw Error(HB_BAD_ARG, fmt::format("{}: not JSON", numerics::escaped(file.string())));
  std::vector<ResultArray> arrays;
  add_arrays(json, {}, arrays);
  return arrays;
}

}  // namespace

std::vector<ResultArray> result_arrays(const std::filesystem::path& file) {
  const std::string ending = file.extension().string();
  std::vector<ResultArray> arrays;
  if (ending == ".npz") arrays = arrays_of_npz(file);
  else if (ending == ".h5") arrays = arrays_of_hdf5(file);
  else if (ending == ".json") arrays = arrays_of_json(file);
  else throw Error(HB_BAD_ARG, fmt::format("{}: results are in .npz, .h5 and .json files", numerics::escaped(file.string())));
  std::size_t values = 0;
  for (const ResultArray& array : arrays) values += count_of(array.shape);
  if (values > most_result_values)
    throw Error(HB_BAD_ARG, fmt::format("{}: {} values; at most {} are plotted", numerics::escaped(file.string()), values, most_result_values));
  return arrays;
}

}  // namespace heatbath::apps
