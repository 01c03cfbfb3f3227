#include "bridges/netlist.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <iterator>
#include <utility>

#include <Eigen/Cholesky>
#include <fmt/format.h>

#include "files/model_file.hpp"
#include "files/program_builder.hpp"
#include "files/provenance.hpp"
#include "files/toml_program.hpp"
#include "heatbath/capabilities.hpp"
#include "heatbath/cells.h"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/regs.h"

namespace heatbath::apps {

namespace {

constexpr double kBoltzmann = 1.380649e-23;  // J/K
constexpr double kZeroCelsius = 273.15;      // K

std::vector<float> per_cell(const std::optional<std::vector<float>>& values, float otherwise, std::uint32_t cells) {
  std::vector<float> all = values.value_or(std::vector<float>{otherwise});
  if (all.size() == 1) all.resize(cells, all.front());
  if (all.size() != cells)
    throw Error(HB_UNSUPPORTED, fmt::format("values that differ from shot to shot ({} for {} cells): a circuit has one value "
                                            "for each cell",
                                            all.size(), cells));
  return all;
}

/// Appends the lines of a deck.
class Deck {
 public:
  template <typename... Values>
  void line(fmt::format_string<Values...> form, Values&&... values) {
    fmt::format_to(std::back_inserter(text_), form, std::forward<Values>(values)...);
    text_ += '\n';
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

double of_cell(const std::vector<float>& values, std::uint32_t cell, double otherwise) {
  return values.empty() ? otherwise : static_cast<double>(values[cell]);
}

/// gain J_ik.
double coupling(const Network& network, std::uint32_t i, std::uint32_t k) {
  return static_cast<double>(network.gain) *
         static_cast<double>(network.couplings[std::size_t{i} * network.cells() + k]);
}

void require_reciprocal(const Network& network) {
  const std::uint32_t n = network.cells();
  for (std::uint32_t i = 0; !network.couplings.empty() && i < n; ++i)
    for (std::uint32_t k = i + 1; k < n; ++k)
      if (coupling(network, i, k) != coupling(network, k, i))
        throw Error(HB_UNSUPPORTED, fmt::format("netlist: cells {} and {} are coupled by {:g} one way and {:g} the other; "
                                                "a circuit of conductances or capacitances is reciprocal",
                                                i, k, coupling(network, i, k), coupling(network, k, i)));
}

void require_positive_capacitance(const Network& network) {
  const auto n = static_cast<Eigen::Index>(network.cells());
  Eigen::MatrixXd capacitance = Eigen::MatrixXd::Zero(n, n);
  for (std::uint32_t i = 0; i < network.cells(); ++i) {
    for (std::uint32_t k = 0; !network.couplings.empty() && k < network.cells(); ++k)
      capacitance(i, k) = coupling(network, i, k);
    capacitance(i, i) = of_cell(network.mass, i, 1);
  }
  if (Eigen::LLT<Eigen::MatrixXd>(capacitance).info() != Eigen::Success)
    throw Error(HB_UNSUPPORTED, fmt::format("netlist: {}: the capacitance matrix, mass on its diagonal and gain times "
                                            "couplings beside it, is not positive definite",
                                            network.source));
}

/// The bath of a cell: a resistor whose noise has the temperature of the cell.
void bath(Deck& deck, const Network& network, const CircuitScale& scale, std::uint32_t i, char node, double ohms) {
  const double kT = static_cast<double>(network.kT), own = of_cell(network.kT_per_cell, i, kT);
  // ngspice takes the temperature of the noise from dtemp alone; it ignores temp= of a resistor there.
  if (own == kT) deck.line("R{} {}{} 0 {:.17g}", i, node, i, ohms);
  else deck.line("R{} {}{} 0 {:.17g} dtemp={:.17g}", i, node, i, ohms, scale.kelvin(own - kT));
}

/// Resistors and capacitors of overdamped cells, and their couplings. Returns what no resistor carries of the terms of
/// dV/dx_i in x_i, in units of the bath's conductance.
std::vector<double> overdamped_elements(Deck& deck, const Network& network, const CircuitScale& scale) {
  const std::uint32_t n = network.cells();
  std::vector<double> rest(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    deck.line("C{} x{} 0 {:.17g}", i, i, scale.farads);
    bath(deck, network, scale, i, 'x', scale.ohms);
    rest[i] = 2 * static_cast<double>(network.j2[i]) - 1;  // the bath's resistor carries 1
  }
  for (std::uint32_t i = 0; !network.couplings.empty() && i < n; ++i) {
    for (std::uint32_t k = i + 1; k < n; ++k) {
      const double j = coupling(network, i, k);
      if (j < 0) {  // current (x_i - x_k) |J|
        deck.line("Rj{}_{} x{} x{} {:.17g} noisy=0", i, k, i, k, scale.ohms / -j);
        rest[i] += j;
        rest[k] += j;
      } else if (j > 0) {
        deck.line("Gj{}_{} x{} 0 x{} 0 {:.17g}", i, k, i, k, j / scale.ohms);
        deck.line("Gj{}_{} x{} 0 x{} 0 {:.17g}", k, i, k, i, j / scale.ohms);
      }
    }
  }
  return rest;
}

/// The same of cells with inertia: velocities are the voltages of nodes v<i>, positions those of nodes x<i>.
std::vector<double> inertial_elements(Deck& deck, const Network& network, const CircuitScale& scale) {
  const std::uint32_t n = network.cells();
  const bool rlc = network.cell_kind == CellKind::rlc;
  std::vector<double> ground(n), rest(n);
  for (std::uint32_t i = 0; i < n; ++i) {
    ground[i] = of_cell(network.mass, i, 1);
    rest[i] = 2 * static_cast<double>(network.j2[i]);
  }
  for (std::uint32_t i = 0; !network.couplings.empty() && i < n; ++i) {
    for (std::uint32_t k = i + 1; k < n; ++k) {
      const double j = coupling(network, i, k);
      if (j == 0) continue;
      if (rlc) {  // a capacitor -J between two nodes adds -J to the diagonal at both
        deck.line("Cj{}_{} v{} v{} {:.17g}", i, k, i, k, scale.farads * -j);
        ground[i] += j;
        ground[k] += j;
      } else {
        deck.line("Gj{}_{} v{} 0 x{} 0 {:.17g}", i, k, i, k, j / scale.ohms);
        deck.line("Gj{}_{} v{} 0 x{} 0 {:.17g}", k, i, k, i, j / scale.ohms);
      }
    }
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    const double damping = of_cell(network.damping, i, 1), start = of_cell(network.initial, i, 0);
    if (ground[i] != 0) deck.line("C{} v{} 0 {:.17g}", i, i, scale.farads * ground[i]);
    if (damping > 0) bath(deck, network, scale, i, 'v', scale.ohms / damping);
    if (rlc && rest[i] != 0) {
      // The current of the inductor 1/(2 J2) is its flux times 2 J2.
      deck.line("L{} v{} l{} {:.17g} ic={:.17g}", i, i, i, scale.seconds * scale.ohms / rest[i],
                scale.amperes() * rest[i] * start);
      deck.line("Vl{} l{} 0 dc 0", i, i);
      deck.line("Hx{} x{} 0 Vl{} {:.17g}", i, i, i, scale.ohms / rest[i]);
      rest[i] = 0;
    } else {  // dx/dt = v
      deck.line("Cx{} x{} 0 {:.17g}", i, i, scale.farads);
      deck.line("Gx{} 0 x{} v{} 0 {:.17g}", i, i, i, scale.farads / scale.seconds);
      if (start != 0) deck.line(".ic v(x{})={:.17g}", i, scale.volts * start);
    }
    if (!network.initial_second.empty())
      deck.line(".ic v(v{})={:.17g}", i, scale.volts * static_cast<double>(network.initial_second[i]));
  }
  return rest;
}

}  // namespace

bool Network::inertia() const { return has_section(cell_kind, HB_SECTION_MASS); }

Network network_of(const TomlProgram& program, const Capabilities& capabilities) {
  Network it;
  it.source = program.path;
  it.cell_kind = capabilities.cell_kind;
  if (is_discrete(it.cell_kind) && capabilities.states > 1)
    throw Error(HB_UNSUPPORTED, fmt::format("{}: {} cells have a bias for each state, a network of values has one",
                                            program.path, name(it.cell_kind)));
  for (const auto& [given, section] : {std::pair{program.network.j2.has_value(), HB_SECTION_J2},
                                       {program.network.j4.has_value(), HB_SECTION_J4},
                                       {program.network.mass.has_value(), HB_SECTION_MASS},
                                       {program.network.damping.has_value(), HB_SECTION_DAMPING},
                                       {program.network.frequency.has_value(), HB_SECTION_FREQUENCY}})
    if (given && !has_section(it.cell_kind, section))
      throw Error(HB_UNSUPPORTED, fmt::format("{}: [network] {}: {} cells have none", program.path,
                                              hb_section_name(section), name(it.cell_kind)));
  if (program.initial_second && capabilities.components < 2)
    throw Error(HB_UNSUPPORTED, fmt::format("{}: [network] initial_second: {} cells have one state variable",
                                            program.path, name(it.cell_kind)));
  it.j2 = per_cell(program.network.j2, default_j2(capabilities), program.cells);
  it.j4 = per_cell(program.network.j4, default_j4(capabilities), program.cells);
  it.bias = per_cell(program.network.bias, 0, program.cells);
  if (it.inertia()) {
    it.mass = per_cell(program.network.mass, 1, program.cells);
    it.damping = per_cell(program.network.damping, 1, program.cells);
  }
  if (has_section(it.cell_kind, HB_SECTION_FREQUENCY))
    it.frequency = per_cell(program.network.frequency, 0, program.cells);
  if (program.initial_second) it.initial_second = per_cell(program.initial_second, 0, program.cells);
  if (program.network.couplings || capabilities.graph_couplings)
    it.couplings = matrix_of(program.network.couplings ? *program.network.couplings : usual_couplings(capabilities),
                             program.cells, capabilities);
  it.gain = program.network.gain.value_or(1.0f);
  const std::vector<float> kT = program.network.kT.value_or(std::vector<float>{capabilities.kT_reset});
  if (std::adjacent_find(kT.begin(), kT.end(), std::not_equal_to<>()) != kT.end())
    it.kT_per_cell = kT;
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
  const CellKind kind = capabilities.cell_kind;
  const bool inertia = has_section(kind, HB_SECTION_MASS);
  if (!inertia && kind != CellKind::overdamped) {
    const char* reason = is_discrete(kind)         ? ": they flip by chance and follow no current"
                         : kind == CellKind::phase ? ": a phase on a circle is no voltage"
                                                           : "";
    throw Error(HB_UNSUPPORTED, fmt::format("netlist: cells of kind {} ({} in CAPS_CELL.KIND) have no netlist{}; "
                                            "overdamped, underdamped and rlc cells have",
                                            static_cast<unsigned>(kind), name(kind), reason));
  }
  if (!(farads > 0) || !std::isfinite(farads))
    throw Error(HB_BAD_ARG, fmt::format("netlist: a capacitance of {} F; it must be positive", farads));
  CircuitScale scale;
  scale.farads = farads;
  scale.energy_joules = static_cast<double>(capabilities.energy_unit_joules);
  scale.seconds = capabilities.time_unit_seconds();
  scale.ohms = scale.seconds / ((inertia ? 1.0 : static_cast<double>(capabilities.mobility)) * farads);
  scale.volts = std::sqrt(scale.energy_joules / farads);
  return scale;
}

std::string netlist(const Network& network, const CircuitScale& scale, const NetlistOptions& options) {
  const std::uint32_t n = network.cells();
  const bool inertia = network.inertia(), rlc = network.cell_kind == CellKind::rlc;
  require_reciprocal(network);
  if (rlc) require_positive_capacitance(network);
  const double siemens = 1 / scale.ohms, kelvin = scale.kelvin(static_cast<double>(network.kT));
  const char force = inertia ? 'v' : 'x';  // the nodes into which forces are currents
  Deck deck;

  deck.line("* {} {} cells of {}", n, name(network.cell_kind), numerics::escaped(network.source));
  deck.line("* written by {}", version_line());
  deck.line("* node x<i>: state x_i of cell i, {:.9g} V per unit; time unit {:.9g} s; energy unit {:.9g} J", scale.volts,
            scale.seconds, scale.energy_joules);
  if (inertia) deck.line("* node v<i>: dx_i/dt, {:.9g} V per unit; {:.9g} F are mass 1", scale.volts, scale.farads);
  deck.line("* V = sum(J2 x^2 + J4 x^4 + b x){}, kT{} = {:.9g} energy units = {:.9g} K",
            rlc ? "; g J_ij are capacitances" : " + g sum(J_ij x_i x_j)", network.kT_per_cell.empty() ? "" : " of cell 0",
            network.kT, kelvin);
  deck.line(".options temp={:.9g} tnom={:.9g}", kelvin - kZeroCelsius, kelvin - kZeroCelsius);
  deck.line(".options reltol=1e-6 vntol={:.3g} abstol={:.3g} gmin={:.3g}", 1e-9 * scale.volts, 1e-9 * scale.amperes(),
            1e-9 * siemens);
  deck.line("Iac 0 {}0 dc 0 ac 1", force);

  const std::vector<double> rest =
      inertia ? inertial_elements(deck, network, scale) : overdamped_elements(deck, network, scale);
  for (std::uint32_t i = 0; i < n; ++i) {
    if (rest[i] != 0) deck.line("Gk{} {}{} 0 x{} 0 {:.17g}", i, force, i, i, siemens * rest[i]);
    if (network.bias[i] != 0)
      deck.line("Ib{} {}{} 0 dc {:.17g}", i, force, i, scale.amperes() * static_cast<double>(network.bias[i]));
    if (network.j4[i] != 0)
      // Products: ngspice takes the absolute value of the base of a power.
      deck.line("Bq{0} {3}{0} 0 i={1:.17g}*(v(x{0})*{2:.17g})*(v(x{0})*{2:.17g})*(v(x{0})*{2:.17g})", i,
                scale.amperes() * 4 * static_cast<double>(network.j4[i]), 1 / scale.volts, force);
    if (options.external_sources) deck.line("In{} 0 {}{} external", i, force, i);
    if (!inertia && !network.initial.empty())
      deck.line(".ic v(x{})={:.17g}", i, scale.volts * static_cast<double>(network.initial[i]));
  }
  if (options.transient_time_units > 0) {
    const double stop = options.transient_time_units * scale.seconds;
    const double step = options.step_time_units > 0 ? options.step_time_units * scale.seconds : stop / 1000;
    deck.line(".tran {:.17g} {:.17g} 0 {:.17g} uic", step, stop, step);
  }
  deck.line(".end");
  return deck.take();
}

}  // namespace heatbath::apps
