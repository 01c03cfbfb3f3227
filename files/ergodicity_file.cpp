#include "files/ergodicity_file.hpp"

#include "files/machine_json.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

using nlohmann::json;

std::string machines_text(const SavedMachines& saved) {
  const trainers::Experts& experts = saved.state.experts;
  json machines = json::array();
  for (const trainers::MachineTraining& machine : experts.machines) machines.push_back(machine_json(machine));
  json free_energies = json::array();
  for (const auto& f : experts.free_energies)
    free_energies.push_back(experts.rounds > 0 ? json{f.value, f.standard_error, f.effective} : json::array());
  json whole{{"heatbath", "machines of train ergodicity"},
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
  return machine_file_text(std::move(whole));
}

SavedMachines read_machines(const std::filesystem::path& path) {
  SavedMachines saved;
  read_machine_file(path, "--continue goes on from the machines of an earlier training", [&](const json& file) {
    saved.problem = file.at("problem").get<std::string>();
    saved.digits = file.value("digits", "");
    saved.device = file.value("device", "");
    saved.options.experts = whole_number<std::uint32_t>(file, "experts");
    saved.options.seed = whole_number<std::uint64_t>(file, "seed");
    saved.options.updates = whole_number<std::uint32_t>(file, "updates");
    saved.options.effort = finite_number(file.at("effort"), "effort");
    saved.state.single = machine_of(file.at("single"));
    const json& mixture = file.at("mixture");
    trainers::Experts& experts = saved.state.experts;
    for (const json& machine : mixture.at("machines")) experts.machines.push_back(machine_of(machine));
    experts.shares = finite_numbers<double>(mixture, "shares");
    experts.responsibilities = finite_numbers<double>(mixture, "responsibilities");
    experts.rounds = whole_number<std::uint32_t>(mixture, "rounds");
    for (const json& f : mixture.at("free_energies")) {
      trainers::SpinDevice::FreeEnergy free_energy;
      if (!f.empty()) {
        free_energy.value = finite_number(f.at(0), "free_energies");
        free_energy.standard_error = finite_number(f.at(1), "free_energies");
        free_energy.effective = finite_number(f.at(2), "free_energies");
      }
      experts.free_energies.push_back(free_energy);
    }
    if (experts.machines.size() != saved.options.experts || experts.shares.size() != saved.options.experts ||
        experts.free_energies.size() != saved.options.experts)
      throw Error(HB_BAD_ARG, "mixture of another size");
  });
  return saved;
}

}  // namespace heatbath::apps
