#include "apps/files/ergodicity_file.hpp"

#include <fstream>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/files/utf8.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

using nlohmann::json;
using trainers::MachineTraining;
using trainers::Spin;
using trainers::SpinMachine;

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

MachineTraining machine_of(const json& from) {
  MachineTraining training;
  training.machine = SpinMachine(from.at("cells").get<std::uint32_t>());
  SpinMachine& machine = training.machine;
  machine.visible = from.at("visible").get<std::uint32_t>();
  const json& upper = from.at("couplings");
  const std::size_t n = machine.cells;
  if (machine.visible > machine.cells || upper.size() != n * (n - 1) / 2 || from.at("fields").size() != n)
    throw Error(HB_BAD_ARG, "machine of another shape");
  machine.field = from.at("fields").get<std::vector<float>>();
  std::size_t at = 0;
  for (std::uint32_t i = 0; i < machine.cells; ++i)
    for (std::uint32_t j = i + 1; j < machine.cells; ++j) machine.couple(i, j, upper[at++].get<float>());
  training.updates = from.at("updates").get<std::uint32_t>();
  training.seed = from.at("seed").get<std::uint64_t>();
  for (const char sign : from.at("chains").get<std::string>())
    training.chains.push_back(sign == '+' ? Spin{1} : Spin{-1});
  return training;
}

}  // namespace

std::string machines_text(const SavedMachines& saved) {
  const trainers::Experts& experts = saved.state.experts;
  json machines = json::array();
  for (const MachineTraining& machine : experts.machines) machines.push_back(machine_json(machine));
  json free_energies = json::array();
  for (const auto& f : experts.free_energies)
    free_energies.push_back(experts.rounds > 0 ? json{f.value, f.error, f.effective} : json::array());
  const json whole{{"heatbath", "machines of train ergodicity"},
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
  return json_text(whole) + "\n";
}

SavedMachines read_machines(const std::filesystem::path& path) {
  std::ifstream in(path);
  if (!in)
    throw Error(HB_IO, path.string() + ": no such file; --continue goes on from the machines of an earlier training");
  try {
    const json whole = json::parse(in);
    SavedMachines saved;
    saved.problem = whole.at("problem").get<std::string>();
    saved.digits = whole.value("digits", "");
    saved.device = whole.value("device", "");
    saved.options.experts = whole.at("experts").get<std::uint32_t>();
    saved.options.seed = whole.at("seed").get<std::uint64_t>();
    saved.options.updates = whole.at("updates").get<std::uint32_t>();
    saved.options.effort = whole.at("effort").get<double>();
    saved.state.single = machine_of(whole.at("single"));
    const json& mixture = whole.at("mixture");
    trainers::Experts& experts = saved.state.experts;
    for (const json& machine : mixture.at("machines")) experts.machines.push_back(machine_of(machine));
    experts.shares = mixture.at("shares").get<std::vector<double>>();
    experts.responsibilities = mixture.at("responsibilities").get<std::vector<double>>();
    experts.rounds = mixture.at("rounds").get<std::uint32_t>();
    for (const json& f : mixture.at("free_energies")) {
      trainers::SpinDevice::FreeEnergy free_energy;
      if (!f.empty()) {
        free_energy.value = f.at(0).get<double>();
        free_energy.error = f.at(1).get<double>();
        free_energy.effective = f.at(2).get<double>();
      }
      experts.free_energies.push_back(free_energy);
    }
    if (experts.machines.size() != saved.options.experts || experts.shares.size() != saved.options.experts ||
        experts.free_energies.size() != saved.options.experts)
      throw Error(HB_BAD_ARG, "mixture of another size");
    return saved;
  } catch (const json::exception& error) {
    throw Error(HB_BAD_ARG, fmt::format("{}: not the machines of a training: {}", path.string(), error.what()));
  } catch (const Error& error) {
    throw Error(HB_BAD_ARG, fmt::format("{}: not the machines of a training: {}", path.string(), error.what()));
  }
}

}  // namespace heatbath::apps
