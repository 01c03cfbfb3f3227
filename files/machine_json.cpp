#include "files/machine_json.hpp"

#include <algorithm>
#include <cmath>
#include <span>

#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/crc32.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/text_file.hpp"

namespace heatbath::apps {

namespace {

using nlohmann::json;
using trainers::MachineTraining;
using trainers::Spin;
using trainers::SpinMachine;

constexpr std::uint32_t kVersionOfFiles = 2;
constexpr std::size_t kLongestModel = std::size_t{256} << 20, kFewValues = std::size_t{1} << 20;

std::string signs_of(const std::vector<Spin>& spins) {
  std::string signs;
  for (const Spin spin : spins) signs += spin > 0 ? '+' : '-';
  return signs;
}

std::vector<Spin> spins_of_signs(const std::string& signs, const char* key, std::uint64_t cells) {
  std::vector<Spin> spins;
  for (const char sign : signs) {
    if (sign != '+' && sign != '-') wrong_key(key, "it holds signs, + and -");
    spins.push_back(sign == '+' ? Spin{1} : Spin{-1});
  }
  if (spins.size() % cells != 0) wrong_key(key, fmt::format("{} signs are no chains of {} cells", spins.size(), cells));
  return spins;
}

/// Of the text of everything else in the file.
std::uint32_t checksum_without_its_own(json whole_file) {
  whole_file.erase("crc32");
  const std::string text = json_text(whole_file);
  return numerics::crc32(std::as_bytes(std::span(text)));
}

}  // namespace

json machine_json(const MachineTraining& training) {
  const SpinMachine& machine = training.machine;
  json upper = json::array();
  for (std::uint32_t i = 0; i < machine.cells; ++i)
    for (std::uint32_t j = i + 1; j < machine.cells; ++j) upper.push_back(machine.coupling(i, j));
  return {{"cells", machine.cells},
          {"visible", machine.visible},
          {"visible_coupled", machine.visible_coupled},
          {"hidden_coupled", machine.hidden_coupled},
          {"updates", training.updates},
          {"seed", training.seed},
          {"fields", machine.field},
          {"couplings", std::move(upper)},
          {"chains", signs_of(training.chains)},
          {"clamped", signs_of(training.clamped)},
          {"gaps", training.gaps},
          {"exchanges_tried", training.exchanges_tried},
          {"exchanges_made", training.exchanges_made}};
}

nlohmann::json chain_settings(const trainers::BoltzmannOptions& options) {
  return {{"updates", options.updates}, {"shots", options.shots}, {"sweeps", options.sweeps}, {"settle", options.settle},
          {"rate", options.rate}, {"decay", options.decay}, {"limit", options.limit}, {"chains", name(options.phase)}};
}

void read_chain_settings(const nlohmann::json& from, trainers::BoltzmannOptions& options) {
  options.updates = whole_number<std::uint32_t>(from, "updates");
  options.shots = whole_number<std::uint32_t>(from, "shots");
  options.sweeps = finite_number(from.at("sweeps"), "sweeps");
  options.settle = finite_number(from.at("settle"), "settle");
  options.rate = finite_number(from.at("rate"), "rate");
  options.decay = finite_number(from.at("decay"), "decay");
  options.limit = finite_number(from.at("limit"), "limit");
  options.phase = trainers::free_phase_named(from.at("chains").get<std::string>(), "chains");
}

void wrong_key(const char* key, const std::string& what) { throw Error(HB_BAD_ARG, fmt::format("{}: {}", key, what)); }

double finite_number(const json& value, const char* key) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) wrong_key(key, "it must hold finite numbers");
  return value.get<double>();
}

MachineTraining machine_of(const json& from) {
  const std::uint64_t n = whole_number<std::uint32_t>(from, "cells");
  const json& upper = from.at("couplings");
  if (from.at("fields").size() != n) wrong_key("fields", fmt::format("{} values for {} cells", from.at("fields").size(), n));
  if (n == 0 || upper.size() != n * (n - 1) / 2)
    wrong_key("couplings", fmt::format("{} values for the pairs of {} cells", upper.size(), n));
  MachineTraining training;
  training.machine = SpinMachine(static_cast<std::uint32_t>(n));
  SpinMachine& machine = training.machine;
  machine.visible = whole_number<std::uint32_t>(from, "visible");
  if (machine.visible > machine.cells) wrong_key("visible", fmt::format("{} of {} cells", machine.visible, n));
  machine.field = finite_numbers<float>(from, "fields");
  auto value = upper.begin();
  for (std::uint32_t i = 0; i < machine.cells; ++i)
    for (std::uint32_t j = i + 1; j < machine.cells; ++j)
      machine.couple(i, j, static_cast<float>(finite_number(*value++, "couplings")));
  training.updates = whole_number<std::uint32_t>(from, "updates");
  training.seed = whole_number<std::uint64_t>(from, "seed");
  training.chains = spins_of_signs(from.at("chains").get<std::string>(), "chains", n);
  // What files had not from the beginning.
  machine.visible_coupled = from.value("visible_coupled", true);
  machine.hidden_coupled = from.value("hidden_coupled", false);
  training.clamped = spins_of_signs(from.value("clamped", ""), "clamped", n);
  if (from.contains("gaps")) training.gaps = finite_numbers<double>(from, "gaps");
  if (from.contains("exchanges_tried")) {
    training.exchanges_tried = whole_number<std::uint64_t>(from, "exchanges_tried");
    training.exchanges_made = whole_number<std::uint64_t>(from, "exchanges_made");
  }
  return training;
}

std::string machine_file_text(json whole) {
  whole["version"] = kVersionOfFiles;
  whole["crc32"] = checksum_without_its_own(whole);
  return json_text(whole) + "\n";
}

void read_machine_file(const std::filesystem::path& path, const char* purpose, const std::function<void(const json&)>& read) {
  std::string text;
  try {
    text = numerics::read_text_file(path, kLongestModel);
  } catch (const numerics::UnreadableFile& unreadable) {
    throw Error(HB_IO, fmt::format("{}: {}; {}", path.string(), unreadable.what(), purpose));
  }
  try {
    // A number in a tree takes what ten digits take in the text; more of them are none of a training.
    if (static_cast<std::size_t>(std::ranges::count(text, ',')) > kFewValues + text.size() / 8)
      throw Error(HB_BAD_ARG, "more values than the machines of a training have");
    const json file = parsed_json(text);
    // Before version 2 there was no checksum.
    if (file.contains("version")) {
      if (whole_number<std::uint32_t>(file, "version") != kVersionOfFiles)
        wrong_key("version", fmt::format("this software reads {} and files without one", kVersionOfFiles));
      if (whole_number<std::uint32_t>(file, "crc32") != checksum_without_its_own(file)) wrong_key("crc32", "the file is damaged or was changed");
    }
    read(file);
  } catch (const json::exception& error) {
    throw Error(HB_BAD_ARG, fmt::format("{}: not the machines of a training: {}", path.string(), numerics::escaped(error.what(), 200)));
  } catch (const Error& error) {
    throw Error(HB_BAD_ARG, fmt::format("{}: not the machines of a training: {}", path.string(), error.what()));
  }
}

}  // namespace heatbath::apps
