#include "files/equilibrium_file.hpp"

#include "files/machine_json.hpp"
#include "files/utf8.hpp"

namespace heatbath::apps {

namespace {

constexpr const char* kNetFormat = "net of train equilibrium";

}  // namespace

std::string equilibrium_text(const SavedEquilibrium& saved) {
  const trainers::EquilibriumOptions& o = saved.options;
  const trainers::QuarticNet& net = saved.training.net;
  return machine_file_text({{"heatbath", kNetFormat}, {"problem", valid_utf8(saved.problem)}, {"device", saved.device},
                            {"updates", saved.updates}, {"kT", o.kT}, {"nudge", o.nudge}, {"repeats", o.repeats}, {"relax", o.relax},
                            {"records", o.records}, {"interval", o.interval}, {"rate", o.rate}, {"stiffness", o.stiffness}, {"seed", o.seed},
                            {"inputs", net.inputs}, {"hidden", net.hidden}, {"outputs", net.outputs}, {"j2", net.j2}, {"j4", net.j4},
                            {"bias", net.bias}, {"couplings", net.couplings}, {"made", saved.training.updates}, {"costs", saved.training.costs}});
}

SavedEquilibrium read_equilibrium(const std::filesystem::path& path) {
  SavedEquilibrium saved;
  read_machine_file(path, "--continue goes on from the net of an earlier training", [&](const nlohmann::json& file) {
    if (file.at("heatbath") != kNetFormat) wrong_key("heatbath", std::string("it must say ") + kNetFormat);
    saved.problem = file.at("problem").get<std::string>();
    saved.device = file.at("device").get<std::string>();
    saved.updates = whole_number<std::uint32_t>(file, "updates");
    trainers::EquilibriumOptions& o = saved.options;
    o.kT = finite_number(file.at("kT"), "kT");
    o.nudge = finite_number(file.at("nudge"), "nudge");
    o.repeats = whole_number<std::uint32_t>(file, "repeats");
    o.relax = finite_number(file.at("relax"), "relax");
    o.records = whole_number<std::uint32_t>(file, "records");
    o.interval = finite_number(file.at("interval"), "interval");
    o.rate = finite_number(file.at("rate"), "rate");
    o.stiffness = finite_number(file.at("stiffness"), "stiffness");
    o.seed = whole_number<std::uint64_t>(file, "seed");
    trainers::QuarticNet& net = saved.training.net;
    net.inputs = whole_number<std::uint32_t>(file, "inputs");
    net.hidden = whole_number<std::uint32_t>(file, "hidden");
    net.outputs = whole_number<std::uint32_t>(file, "outputs");
    net.j2 = finite_number(file.at("j2"), "j2");
    net.j4 = finite_number(file.at("j4"), "j4");
    net.bias = finite_numbers<double>(file, "bias");
    net.couplings = finite_numbers<double>(file, "couplings");
    saved.training.updates = whole_number<std::uint32_t>(file, "made");
    saved.training.costs = finite_numbers<double>(file, "costs");
  });
  return saved;
}

}  // namespace heatbath::apps
