#include "files/boltzmann_file.hpp"

#include "files/machine_json.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

constexpr const char* kFormat = "machine of train boltzmann";

}  // namespace

std::string boltzmann_text(const SavedBoltzmann& saved) {
  const trainers::BoltzmannOptions& o = saved.options;
  nlohmann::json curve = nlohmann::json::array();
  for (const auto& [updates, divergence] : saved.curve) curve.push_back({updates, divergence});
  nlohmann::json file = chain_settings(o);
  file.update({{"heatbath", kFormat},
               {"problem", valid_utf8(saved.problem)},
               {"digits", saved.digits},
               {"device", saved.device},
               {"temperatures", o.temperatures},
               {"hottest", o.hottest},
               {"machine", machine_json(saved.training)},
               {"curve", std::move(curve)}});
  return machine_file_text(std::move(file));
}

SavedBoltzmann read_boltzmann(const std::filesystem::path& path) {
  SavedBoltzmann saved;
  read_machine_file(path, "--continue goes on from the machine of an earlier training", [&](const nlohmann::json& file) {
    if (file.at("heatbath") != kFormat) wrong_key("heatbath", std::string("it must say ") + kFormat);
    saved.problem = file.at("problem").get<std::string>();
    saved.digits = file.at("digits").get<std::string>();
    saved.device = file.at("device").get<std::string>();
    read_chain_settings(file, saved.options);
    saved.options.temperatures = whole_number<std::uint32_t>(file, "temperatures");
    saved.options.hottest = finite_number(file.at("hottest"), "hottest");
    saved.training = machine_of(file.at("machine"));
    for (const nlohmann::json& point : file.at("curve"))
      saved.curve.emplace_back(point.at(0).get<std::uint32_t>(), finite_number(point.at(1), "curve"));
  });
  return saved;
}

}  // namespace heatbath::apps
