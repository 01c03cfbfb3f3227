#include "apps/bridges/netlist.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "apps/files/model_file.hpp"
#include "apps/files/provenance.hpp"
#include "apps/files/toml_program.hpp"
#include "heatbath/capabilities.hpp"
#include "heatbath/error.hpp"
#include "heatbath/regs.h"

namespace heatbath::apps {

namespace {

constexpr double kBoltzmann = 1.380649e-23;  // J/K
constexpr double kZeroCelsius = 273.15;      // K

std::vector<float> per_cell(const std::optional<std::vector<float>>& values, float otherwise, std::uint32_t cells) {
  std::vector<float> all = values.value_or(std::vector<float>{otherwise});
  if (all.size() == 1) all.resize(cells, all.front());
  return all;
}

}  // namespace

Network network_of(const TomlProgram& program, const Capabilities& capabilities) {
  Network it;
  it.source = program.path;
  it.j2 = per_cell(program.network.j2, 1, program.cells);
  it.j4 = per_cell(program.network.j4, 1, program.cells);
  it.bias = per_cell(program.network.bias, 0, program.cells);
  if (program.network.couplings) it.couplings = *program.network.couplings;
  it.gain = program.network.gain.value_or(1.0f);
  const std::vector<float> kT = program.network.kT.value_or(std::vector<float>{capabilities.kT_reset});
  if (std::adjacent_find(kT.begin(), kT.end(), std::not_equal_to<>()) != kT.end())
    throw Error(HB_UNSUPPORTED, fmt::format("{}: [network] kT differs from cell to cell; a circuit has one temperature",
                                            program.path));
  it.kT = kT.front();
  if (program.initial) it.initial = per_cell(program.initial, 0, program.cells);
  return it;
}

Network network_of_model(const std::filesystem::path& path) {
  const trainers::GenerativeModel model = load_model(path).model;
  Network it;
  it.source = path.string();
  it.j2.assign(model.cells(), model.j2);
  it.j4.assign(model.cells(), model.j4);
  it.bias = model.bias;
  it.couplings = model.couplings;
  it.kT = model.kT;
  return it;
}

double CircuitScale::kelvin(double kT) const { return kT * energy_joules / kBoltzmann; }

CircuitScale circuit_scale(const Capabilities& capabilities, double farads) {
  if (capabilities.cell_kind != HB_CAPS_CELL_KIND_OVERDAMPED)
    throw Error(HB_UNSUPPORTED, fmt::format("netlist: cells of kind {} (CAPS_CELL.KIND) have no netlist; overdamped cells, "
                                            "kind {}, have",
                                            capabilities.cell_kind, HB_CAPS_CELL_KIND_OVERDAMPED));
  if (!(farads > 0) || !std::isfinite(farads))
    throw Error(HB_BAD_ARG, fmt::format("netlist: a capacitance of {} F; it must be positive", farads));
  CircuitScale scale;
  scale.farads = farads;
  scale.energy_joules = static_cast<double>(capabilities.energy_unit_joules);
  scale.seconds = 1e-12 * capabilities.tick_ps * static_cast<double>(capabilities.time_unit.count);
  scale.ohms = scale.seconds / (static_cast<double>(capabilities.mobility) * farads);
  scale.volts = std::sqrt(scale.energy_joules / farads);
  return scale;
}

std::string netlist(const Network& network, const CircuitScale& scale, const NetlistOptions& options) {
  const std::uint32_t n = network.cells();
  const double siemens = 1 / scale.ohms;
  const auto coupling = [&](std::uint32_t i, std::uint32_t k) {
    return static_cast<double>(network.gain) *
           static_cast<double>(network.couplings[std::size_t{i} * n + k]);
  };
  std::string text;
  const auto line = [&]<typename... Values>(fmt::format_string<Values...> form, Values&&... values) {
    fmt::format_to(std::back_inserter(text), form, std::forward<Values>(values)...);
    text += '\n';
  };

  std::string source = network.source;
  std::ranges::replace(source, '\n', ' ');
  line("* {} cells of {}", n, source);
  line("* written by {}", version_line());
  line("* node x<i>: state x_i of cell i, {:.9g} V per unit; time unit {:.9g} s; energy unit {:.9g} J", scale.volts,
       scale.seconds, scale.energy_joules);
  line("* V = sum(J2 x^2 + J4 x^4 + b x) + g sum(J_ij x_i x_j), kT = {:.9g} energy units = {:.9g} K", network.kT,
       scale.kelvin(static_cast<double>(network.kT)));
  const double celsius = scale.kelvin(static_cast<double>(network.kT)) - kZeroCelsius;
  line(".options temp={:.9g} tnom={:.9g}", celsius, celsius);
  line(".options reltol=1e-6 vntol={:.3g} abstol={:.3g} gmin={:.3g}", 1e-9 * scale.volts, 1e-9 * scale.amperes(),
       1e-9 * siemens);
  line("Iac 0 x0 dc 0 ac 1");

  // Terms of dV/dx_i in x_i that no resistor carries, in units of the bath's conductance; that one carries 1.
  std::vector<double> rest(n);
  for (std::uint32_t i = 0; i < n; ++i) rest[i] = 2 * static_cast<double>(network.j2[i]) - 1;
  for (std::uint32_t i = 0; !network.couplings.empty() && i < n; ++i) {
    for (std::uint32_t k = i + 1; k < n; ++k) {
      const double j = coupling(i, k);
      if (j != coupling(k, i))
        throw Error(HB_UNSUPPORTED, fmt::format("netlist: cells {} and {} are coupled by {:g} one way and {:g} the other; "
                                                "a circuit of conductances is reciprocal",
                                                i, k, coupling(i, k), coupling(k, i)));
      if (j < 0) {  // current (x_i - x_k) |J|
        line("Rj{}_{} x{} x{} {:.17g} noisy=0", i, k, i, k, scale.ohms / -j);
        rest[i] += j;
        rest[k] += j;
      } else if (j > 0) {
        line("Gj{}_{} x{} 0 x{} 0 {:.17g}", i, k, i, k, siemens * j);
        line("Gj{}_{} x{} 0 x{} 0 {:.17g}", k, i, k, i, siemens * j);
      }
    }
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    line("C{} x{} 0 {:.17g}", i, i, scale.farads);
    line("R{} x{} 0 {:.17g}", i, i, scale.ohms);
    if (rest[i] != 0) line("Gk{} x{} 0 x{} 0 {:.17g}", i, i, i, siemens * rest[i]);
    if (network.bias[i] != 0) line("Ib{} x{} 0 dc {:.17g}", i, i, scale.amperes() * static_cast<double>(network.bias[i]));
    if (network.j4[i] != 0)
      // Products: ngspice takes the absolute value of the base of a power.
      line("Bq{0} x{0} 0 i={1:.17g}*(v(x{0})*{2:.17g})*(v(x{0})*{2:.17g})*(v(x{0})*{2:.17g})", i,
           scale.amperes() * 4 * static_cast<double>(network.j4[i]), 1 / scale.volts);
    if (options.external_sources) line("In{} 0 x{} external", i, i);
    if (!network.initial.empty())
      line(".ic v(x{})={:.17g}", i, scale.volts * static_cast<double>(network.initial[i]));
  }
  if (options.transient_time_units > 0) {
    const double stop = options.transient_time_units * scale.seconds;
    const double step = options.step_time_units > 0 ? options.step_time_units * scale.seconds : stop / 1000;
    line(".tran {:.17g} {:.17g} 0 {:.17g}{}", step, stop, step, " uic");
  }
  line(".end");
  return text;
}

}  // namespace heatbath::apps
