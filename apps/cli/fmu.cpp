// heatbath fmu: the chip as a co-simulation unit.

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "bridges/fmi/package.hpp"
#include "files/atomic_file.hpp"
#include "files/program_builder.hpp"
#include "files/toml_program.hpp"
#include "files/utf8.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {

namespace {

Network uncoupled(std::uint32_t cells, const Capabilities& capabilities) {
  Network it;
  it.source = "uncoupled cells";
  it.cell_kind = capabilities.cell_kind;
  it.j2.assign(cells, default_j2(capabilities));
  it.j4.assign(cells, default_j4(capabilities));
  it.bias.assign(cells, 0.0f);
  it.kT = capabilities.kT_reset;
  return it;
}

}  // namespace

int run_fmu(const FmuOptions& options) {
  if (!options.model.empty() && !options.program.empty())
    throw Error(HB_BAD_ARG, "fmu: give --model FILE or --program FILE, not both");
  if (options.out.extension() != ".fmu")
    throw Error(HB_BAD_ARG, fmt::format("--out {}: the name must end in .fmu", options.out.string()));
  Device device = open("func:profile=" + options.profile + (options.cell.empty() ? "" : "&cell=" + options.cell));
  std::optional<TomlProgram> program;
  if (!options.program.empty()) program = read_toml_program(options.program);
  if (options.step != 0) {
    TomlProgram step;
    step.dt = options.step;
    step.places["network.dt"] = "--step";
    set_step(device, step);
  } else if (program) {
    set_step(device, *program);
  }
  fmi::PackageOptions package;
  package.profile = options.profile;
  package.library = fmi::unit_library();
  package.time_unit_seconds = options.time_unit_seconds;
  package.scalar = options.scalar;
  const Capabilities& capabilities = device.capabilities();
  package.network = !options.model.empty()     ? network_of_model(options.model)
                    : !options.program.empty() ? network_of(*program, capabilities)
                                               : uncoupled(options.cells, capabilities);
  prepare_file(options.out);
  fmi::write_unit(options.out, device, package);

  const double seconds = fmi::step_seconds(device, package);
  if (options.json) {
    put("{}\n", json_text({{"out", options.out.string()},
                           {"cells", package.network.cells()},
                           {"step_seconds", seconds}}, 2));
  } else {
    put("wrote {}: {} cells, steps of {:.6g} s\n", options.out.string(), package.network.cells(), seconds);
  }
  return 0;
}

}  // namespace heatbath::apps
