// heatbath netlist: the programmed network as a circuit.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/bridges/netlist.hpp"
#include "apps/cli/commands.hpp"
#include "apps/files/atomic_file.hpp"
#include "apps/files/toml_program.hpp"
#include "heatbath/device.hpp"

namespace heatbath::apps {

int run_netlist(const NetlistCommandOptions& options) {
  if (options.model.empty() == options.program.empty())
    throw Error(HB_BAD_ARG, "netlist: give either --model FILE or --program FILE");
  const Device device = open(options.device);
  const Capabilities& capabilities = device.capabilities();
  const CircuitScale scale = circuit_scale(capabilities, options.farads);
  const Network network = options.model.empty() ? network_of(read_toml_program(options.program), capabilities)
                                                : network_of_model(options.model);
  NetlistOptions form;
  form.external_sources = options.external_sources;
  form.transient_time_units = options.transient;
  write_file(options.out, netlist(network, scale, form));

  const double kelvin = scale.kelvin(static_cast<double>(network.kT));
  if (options.json) {
    fmt::print("{}\n", nlohmann::json{{"out", options.out.string()},
                                      {"cells", network.cells()},
                                      {"farads", scale.farads},
                                      {"ohms", scale.ohms},
                                      {"volts", scale.volts},
                                      {"seconds", scale.seconds},
                                      {"kelvin", kelvin}}
                           .dump(2));
  } else {
    fmt::print("wrote {}: {} cells, each {:.4g} F with {:.4g} ohm at {:.4g} K; x = 1 is {:.4g} V\n",
               options.out.string(), network.cells(), scale.farads, scale.ohms, kelvin, scale.volts);
  }
  return 0;
}

}  // namespace heatbath::apps
