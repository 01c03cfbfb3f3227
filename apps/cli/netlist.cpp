// heatbath netlist: the programmed network as a circuit.

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "bridges/netlist.hpp"
#include "files/atomic_file.hpp"
#include "files/toml_program.hpp"
#include "files/utf8.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {

int run_netlist(const NetlistCommandOptions& options) {
  if (options.model.empty() == options.program.empty())
    throw Error(HB_BAD_ARG, "netlist: give either --model FILE or --program FILE");
  const Device device = open(options.device);
  const Capabilities& capabilities = device.capabilities();
  const CircuitScale scale = circuit_scale(capabilities, options.farads);
  if (!options.model.empty()) require_cell_kind(capabilities, "netlist --model", CellKind::overdamped);
  const Network network = options.model.empty() ? network_of(read_toml_program(options.program), capabilities)
                                                : network_of_model(options.model);
  NetlistOptions form;
  form.external_sources = options.external_sources;
  form.transient_time_units = options.transient;
  prepare_file(options.out);
  write_file(options.out, netlist(network, scale, form));

  std::vector<double> kelvin{scale.kelvin(static_cast<double>(network.kT))};
  if (!network.kT_per_cell.empty()) {
    kelvin.clear();
    for (const float kT : network.kT_per_cell) kelvin.push_back(scale.kelvin(static_cast<double>(kT)));
  }
  if (options.json) {
    const nlohmann::json temperatures =
        kelvin.size() == 1 ? nlohmann::json(kelvin.front()) : nlohmann::json(kelvin);
    put("{}\n", json_text({{"out", options.out.string()},
                           {"cells", network.cells()},
                           {"farads", scale.farads},
                           {"ohms", scale.ohms},
                           {"volts", scale.volts},
                           {"seconds", scale.seconds},
                           {"kelvin", temperatures}}, 2));
  } else {
    const auto [coldest, hottest] = std::ranges::minmax(kelvin);
    const std::string range =
        kelvin.size() == 1 ? fmt::format("{:.4g} K", coldest) : fmt::format("{:.4g}..{:.4g} K", coldest, hottest);
    put("wrote {}: {} cells, {} {:.4g} F with {:.4g} ohm at {}; x = 1 is {:.4g} V\n", options.out.string(), network.cells(),
        network.inertia() ? "mass 1 and damping 1 are" : "each", scale.farads, scale.ohms, range, scale.volts);
  }
  return 0;
}

}  // namespace heatbath::apps
