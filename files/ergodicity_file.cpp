#include "files/ergodicity_file.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/crc32.hpp"
#include "heatbath/numerics/text_file.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

using nlohmann::json;
using trainers::MachineTraining;
using trainers::Spin;
using trainers::SpinMachine;

constexpr std::uint32_t kVersion = 2;
constexpr std::size_t kLongestModel = std::size_t{256} << 20, kFewValues = std::size_t{1} << 20;

json machine_json(const MachineTraining& training) {
  const SpinMachine& machine = training.machine;
  json upper = json::array();
  for (std::uint32_t i = 0; i < machine.cells; ++i)
    for (std::uint32_t j = i + 1; j < machine.cells; ++j) upper.push_back(machine.coupling(i, j));
  std::string chains;
  for (const Spin spin : training.chains) chains += spin > 0 ? '+' : '-';
  return {{"cells", machine.cells}, {"visible", machine.visible}, {"updates", training.updates},
          {"seed", training.seed},  {"fields", machine.field},    {"couplings", std::move(upper)},
          {"chains", chains}};
}

[[noreturn]] void wrong(const char* key, const std::string& what) {
  throw Error(HB_BAD_ARG, fmt::format("{}: {}", key, what));
}

template <typename Unsigned>
Unsigned whole(const json& from, const char* key) {
  const json& value = from.at(key);
  if (!value.is_number_unsigned() || value.get<std::uint64_t>() > std::numeric_limits<Unsigned>::max())
    wrong(key, fmt::format("it must be a whole number up to {}", std::numeric_limits<Unsigned>::max()));
  return value.get<Unsigned>();
}

double number(const json& value, const char* key) {
  if (!value.is_number() || !std::isfinite(value.get<double>())) wrong(key, "it must hold finite numbers");
  return value.get<double>();
}

template <typename Value>
std::vector<Value> numbers(const json& from, const char* key) {
  std::vector<Value> values;
  for (const json& value : from.at(key)) values.push_back(static_cast<Value>(number(value, key)));
  return values;
}

/// Lists are counted before there is memory for what they claim to be.
MachineTraining machine_of(const json& from) {
  const std::uint64_t n = whole<std::uint32_t>(from, "cells");
  const json& upper = from.at("couplings");
  if (from.at("fields").size() != n) wrong("fields", fmt::format("{} values for {} cells", from.at("fields").size(), n));
  if (n == 0 || upper.size() != n * (n - 1) / 2)
    wrong("couplings", fmt::format("{} values for the pairs of {} cells", upper.size(), n));
  MachineTraining training;
  training.machine = SpinMachine(static_cast<std::uint32_t>(n));
  SpinMachine& machine = training.machine;
  machine.visible = whole<std::uint32_t>(from, "visible");
  if (machine.visible > machine.cells) wrong("visible", fmt::format("{} of {} cells", machine.visible, n));
  machine.field = numbers<float>(from, "fields");
  auto value = upper.begin();
  for (std::uint32_t i = 0; i < machine.cells; ++i)
    for (std::uint32_t j = i + 1; j < machine.cells; ++j)
      machine.couple(i, j, static_cast<float>(number(*value++, "couplings")));
  training.updates = whole<std::uint32_t>(from, "updates");
  training.seed = whole<std::uint64_t>(from, "seed");
  for (const char sign : from.at("chains").get<std::string>()) {
    if (sign != '+' && sign != '-') wrong("chains", "it holds signs, + and -");
    training.chains.push_back(sign == '+' ? Spin{1} : Spin{-1});
  }
  if (training.chains.size() % n != 0)
    wrong("chains", fmt::format("{} signs are no chains of {} cells", training.chains.size(), n));
  return training;
}

/// Of the text of everything else in the file.
std::uint32_t checksum_without_its_own(json whole_file) {
  whole_file.erase("crc32");
  const std::string text = json_text(whole_file);
  return numerics::crc32(std::as_bytes(std::span(text)));
}

}  // namespace

std::string machines_text(const SavedMachines& saved) {
  const trainers::Experts& experts = saved.state.experts;
  json machines = json::array();
  for (const MachineTraining& machine : experts.machines) machines.push_back(machine_json(machine));
  json free_energies = json::array();
  for (const auto& f : experts.free_energies)
    free_energies.push_back(experts.rounds > 0 ? json{f.value, f.standard_error, f.effective} : json::array());
  json whole{{"heatbath", "machines of train ergodicity"},
             {"version", kVersion},
             {"problem", valid_utf8(saved.problem)},
             {"digits", saved.digits},
             {"device", saved.device},
                   {"experts", saved.options.experts},
                   {"seed", saved.options.seed},
                   {"updates", saved.options.updates},
                   {"effort", saved.options.effort},
                   {"single", machine_json(saved.state.single)},
                   {"mixture",
                    {{"machines", std::move(machines)},
                     {"shares", experts.shares},
                     {"free_energies", std::move(free_energies)},
                     {"responsibilities", experts.responsibilities},
                     {"rounds", experts.rounds}}}};
  whole["crc32"] = checksum_without_its_own(whole);
  return json_text(whole) + "\n";
}

SavedMachines read_machines(const std::filesystem::path& path) {
  std::string text;
  try {
    text = numerics::read_text_file(path, kLongestModel);
  } catch (const numerics::UnreadableFile& unreadable) {
    throw Error(HB_IO, fmt::format("{}: {}; --continue goes on from the machines of an earlier training", path.string(),
                                   unreadable.what()));
  }
  try {
    // A number in a tree takes what ten digits take in the text; more of them are none of a training.
    if (static_cast<std::size_t>(std::ranges::count(text, ',')) > kFewValues + text.size() / 8)
      throw Error(HB_BAD_ARG, "more values than the machines of a training have");
    const json file = json::parse(text);
    // Before version 2 there was no checksum.
    if (file.contains("version")) {
      if (whole<std::uint32_t>(file, "version") != kVersion)
        wrong("version", fmt::format("this software reads {} and files without one", kVersion));
      if (whole<std::uint32_t>(file, "crc32") != checksum_without_its_own(file)) wrong("crc32", "the file is damaged or was changed");
    }
    SavedMachines saved;
    saved.problem = file.at("problem").get<std::string>();
    saved.digits = file.value("digits", "");
    saved.device = file.value("device", "");
    saved.options.experts = whole<std::uint32_t>(file, "experts");
    saved.options.seed = whole<std::uint64_t>(file, "seed");
    saved.options.updates = whole<std::uint32_t>(file, "updates");
    saved.options.effort = number(file.at("effort"), "effort");
    saved.state.single = machine_of(file.at("single"));
    const json& mixture = file.at("mixture");
    trainers::Experts& experts = saved.state.experts;
    for (const json& machine : mixture.at("machines")) experts.machines.push_back(machine_of(machine));
    experts.shares = numbers<double>(mixture, "shares");
    experts.responsibilities = numbers<double>(mixture, "responsibilities");
    experts.rounds = whole<std::uint32_t>(mixture, "rounds");
    for (const json& f : mixture.at("free_energies")) {
      trainers::SpinDevice::FreeEnergy free_energy;
      if (!f.empty()) {
        free_energy.value = number(f.at(0), "free_energies");
        free_energy.standard_error = number(f.at(1), "free_energies");
        free_energy.effective = number(f.at(2), "free_energies");
      }
      experts.free_energies.push_back(free_energy);
    }
    if (experts.machines.size() != saved.options.experts || experts.shares.size() != saved.options.experts ||
        experts.free_energies.size() != saved.options.experts)
      throw Error(HB_BAD_ARG, "mixture of another size");
    return saved;
  } catch (const json::exception& error) {
    throw Error(HB_BAD_ARG, fmt::format("{}: not the machines of a training: {}", path.string(), numerics::escaped(error.what(), 200)));
  } catch (const Error& error) {
    throw Error(HB_BAD_ARG, fmt::format("{}: not the machines of a training: {}", path.string(), error.what()));
  }
}

}  // namespace heatbath::apps
