#include "files/graph_machine_file.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/array_file.hpp"
#include "files/json_numbers.hpp"
#include "files/machine_json.hpp"
#include "files/npz_file.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

using trainers::Spin;

constexpr const char* kFormat = "machine of train graph";

[[noreturn]] void fail(const std::filesystem::path& path, const std::string& what) {
  throw Error(HB_BAD_ARG, numerics::escaped(path.string()) + ": " + what);
}

/// The arrays of a file by name.
class Members {
 public:
  explicit Members(const std::filesystem::path& path) : path_(path), arrays_(read_npz(path)) {}

  const RawArray& named(const std::string& name) const {
    for (const RawArray& array : arrays_)
      if (array.name == name) return array;
    fail(path_, "the array " + name + " is missing: it is no " + kFormat);
  }
  template <typename T>
  std::vector<T> values(const std::string& name, const char* type, const std::vector<std::uint64_t>& shape) const {
    const RawArray& array = named(name);
    if (array.type != type || array.shape != shape || array.bytes.size() != array.values_behind(0) * sizeof(T))
      fail(path_, "the array " + name + " is of another type or shape than its settings say");
    std::vector<T> values(array.values_behind(0));
    if (!values.empty()) std::memcpy(values.data(), array.bytes.data(), array.bytes.size());
    return values;
  }

 private:
  const std::filesystem::path& path_;
  std::vector<RawArray> arrays_;
};

nlohmann::json settings_of(const SavedGraphMachine& saved) {
  const trainers::GraphMachine& machine = saved.training.machine;
  nlohmann::json settings = chain_settings(saved.options);
  settings.update({{"heatbath", kFormat}, {"version", 1}, {"patterns", valid_utf8(saved.patterns)}, {"array", valid_utf8(saved.array)}, {"crc32", saved.crc32}, {"device", saved.device},
          {"held_out", saved.held_out}, {"seed", saved.training.seed},
          {"made", saved.training.updates}, {"cells", machine.cells}, {"edges", machine.edges.size()},
          {"visible", machine.visible.size()}, {"chain_states", saved.training.chains.size()},
          {"clamped_states", saved.training.clamped.size()}, {"first_learned", or_null(saved.first_learned)},
          {"first_held_out", or_null(saved.first_held_out)}});
  return settings;
}

}  // namespace

void write_graph_machine(const std::filesystem::path& path, const SavedGraphMachine& saved) {
  const trainers::GraphTraining& training = saved.training;
  const trainers::GraphMachine& machine = training.machine;
  NpzFile file;
  file.add_text("settings", settings_of(saved).dump());
  file.lend("field", std::span<const float>(machine.field), {machine.field.size()});
  file.lend("coupling", std::span<const float>(machine.coupling), {machine.coupling.size()});
  static_assert(sizeof(Coupler) == 2 * sizeof(std::uint32_t));
  file.add("edges", "<u4", std::as_bytes(std::span(machine.edges)), {machine.edges.size(), 2}, sizeof(std::uint32_t));
  file.add("visible", "<u4", std::as_bytes(std::span(machine.visible)), {machine.visible.size()}, sizeof(std::uint32_t));
  const auto states = [&](const char* name, const std::vector<Spin>& spins) {
    file.add(name, "|i1", std::as_bytes(std::span(spins)), {spins.size() / machine.cells, machine.cells}, 1);
  };
  states("chains", training.chains);
  states("clamped", training.clamped);
  file.add("gaps", std::span<const double>(training.gaps), {training.gaps.size()});
  file.write(path);
}

SavedGraphMachine read_graph_machine(const std::filesystem::path& path) {
  if (!std::filesystem::exists(path))
    throw Error(HB_IO, numerics::escaped(path.string()) + " is missing: --continue goes on from the machine of an earlier training");
  const Members members(path);
  SavedGraphMachine saved;
  try {
    const nlohmann::json settings = parsed_json(members.named("settings").text());
    if (settings.at("heatbath") != kFormat) wrong_key("heatbath", std::string("it must say ") + kFormat);
    saved.patterns = settings.at("patterns").get<std::string>();
    saved.array = settings.at("array").get<std::string>();
    saved.crc32 = whole_number<std::uint32_t>(settings, "crc32");
    saved.device = settings.at("device").get<std::string>();
    saved.held_out = whole_number<std::uint64_t>(settings, "held_out");
    read_chain_settings(settings, saved.options);
    const auto optional = [&](const char* key) {
      return settings.at(key).is_null() ? std::optional<double>() : std::optional(finite_number(settings.at(key), key));
    };
    saved.first_learned = optional("first_learned");
    saved.first_held_out = optional("first_held_out");
    trainers::GraphTraining& training = saved.training;
    trainers::GraphMachine& machine = training.machine;
    training.seed = whole_number<std::uint64_t>(settings, "seed");
    training.updates = whole_number<std::uint32_t>(settings, "made");
    machine.cells = whole_number<std::uint32_t>(settings, "cells");
    if (machine.cells == 0) wrong_key("cells", "it must be above 0");
    const auto edges = whole_number<std::uint64_t>(settings, "edges");
    machine.field = members.values<float>("field", "<f4", {machine.cells});
    machine.coupling = members.values<float>("coupling", "<f4", {edges});
    const auto ends = members.values<std::uint32_t>("edges", "<u4", {edges, 2});
    for (std::uint64_t e = 0; e < edges; ++e) machine.edges.push_back({ends[2 * e], ends[2 * e + 1]});
    machine.visible = members.values<std::uint32_t>("visible", "<u4", {whole_number<std::uint64_t>(settings, "visible")});
    const auto states = [&](const char* name, const char* key) {
      return members.values<Spin>(name, "|i1", {whole_number<std::uint64_t>(settings, key) / machine.cells, machine.cells});
    };
    training.chains = states("chains", "chain_states");
    training.clamped = states("clamped", "clamped_states");
    training.gaps = members.values<double>("gaps", "<f8", {training.updates});
    for (const std::vector<Spin>* spins : {&training.chains, &training.clamped})
      if (!std::ranges::all_of(*spins, [](Spin s) { return s == 1 || s == -1; })) wrong_key("chains", "a state holds other values than -1 and 1");
    for (const std::vector<float>* values : {&machine.field, &machine.coupling})
      if (!std::ranges::all_of(*values, [](float v) { return std::isfinite(v); })) wrong_key("field", "a parameter is no finite number");
  } catch (const nlohmann::json::exception& error) {
    fail(path, fmt::format("its settings are damaged: {}", error.what()));
  } catch (const Error& error) {
    if (std::string_view(error.what()).starts_with(numerics::escaped(path.string()))) throw;
    throw Error(error.code(), numerics::escaped(path.string()) + ": " + error.what());
  }
  return saved;
}

namespace {

constexpr std::uint64_t kMostValues = std::uint64_t{1} << 36;
/// Whole numbers that single precision holds.
constexpr std::uint32_t kExactCells = 1u << 24;

}  // namespace

trainers::Patterns read_spin_rows(const std::filesystem::path& file, const std::string& array_name, std::uint32_t cells) {
  const NumberArray array = read_array(file, array_name, kMostValues, [&](const std::vector<std::uint64_t>& shape) -> std::string {
    if (!shape.empty() && shape.back() == cells && std::ranges::all_of(shape, [](std::uint64_t n) { return n > 0; })) return {};
    return fmt::format("has rows of {} values; patterns of {} cells are needed", shape.empty() ? 0 : shape.back(), cells);
  });
  trainers::Patterns patterns;
  patterns.cells = cells;
  patterns.source = valid_utf8(file.string());
  const bool bits = std::ranges::none_of(array.values, [](float value) { return value == -1; });
  patterns.spins.reserve(array.values.size());
  for (std::size_t k = 0; k < array.values.size(); ++k) {
    const float value = array.values[k];
    if (value != 1 && value != (bits ? 0.0f : -1.0f))
      fail(file, fmt::format("cell {} of pattern {} is {}; patterns are of -1 and 1, or of 0 and 1", k % cells, k / cells, value));
    patterns.spins.push_back(value == 1 ? Spin{1} : Spin{-1});
  }
  const std::size_t count = array.values.size() / cells;
  patterns.weights.assign(count, 1.0 / static_cast<double>(count));
  return patterns;
}

std::vector<std::uint32_t> read_cell_numbers(const std::filesystem::path& file, std::uint32_t cells) {
  if (cells > kExactCells) fail(file, fmt::format("cells are listed as numbers up to {}; the device has {}", kExactCells, cells));
  const NumberArray array = read_array(file, "", cells, [&](const std::vector<std::uint64_t>& shape) -> std::string {
    if (shape.size() == 1 && shape[0] > 0 && shape[0] <= cells) return {};
    return fmt::format("is no list of 1 to {} cells", cells);
  });
  std::vector<std::uint32_t> numbers;
  for (const float value : array.values) {
    if (!(value >= 0 && value < static_cast<float>(cells)) || value != std::floor(value) || (!numbers.empty() && value <= static_cast<float>(numbers.back())))
      fail(file, fmt::format("{} is no cell behind the one before it; whole numbers below {}, rising, are needed", value, cells));
    numbers.push_back(static_cast<std::uint32_t>(value));
  }
  return numbers;
}

}  // namespace heatbath::apps
