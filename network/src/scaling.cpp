#include "heatbath/network/scaling.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "heatbath/cells.h"
#include "heatbath/chip_correction.hpp"
#include "heatbath/codes.h"
#include "heatbath/error.hpp"
#include "heatbath/network/calibration.hpp"
#include "heatbath/numerics/lanczos.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::network {
namespace {

constexpr double infinite = std::numeric_limits<double>::infinity();
constexpr double far_up = 18;              // in kT: six standard deviations of a linear cell
constexpr std::uint32_t exact_cells = 96;  // up to which spectrum_ends is exact
constexpr double lanczos_part = 1e-3;      // of the width of the spectrum, beyond

std::string rounded(double value) { return numerics::general(value, 4); }

/// Sum of the magnitudes of the couplings of each cell.
std::vector<double> coupling_of_cells(const Network& network) {
  std::vector<double> sums(network.cells(), 0.0);
  const double share = network.directed() ? 0.5 : 1.0;
  for (const Edge& edge : network.couplings()) {
    sums[edge.i] += share * std::abs(edge.value);
    sums[edge.j] += share * std::abs(edge.value);
  }
  return sums;
}

/// Where j4 x^4 + k x^2/2 - b x has risen above `height` for good, b >= 0; infinite where it does not rise.
double rise(double j4, double k, double b, double height) {
  if (j4 <= 0 && k <= 0) return infinite;
  if (j4 <= 0) return (b + std::sqrt(b * b + 2 * k * height)) / k;
  const auto low = [&](double x) { return x * (x * (j4 * x * x + k / 2) - b) < height; };
  double above = 1;
  while (above < 1e150 && (low(above) || 4 * j4 * above * above * above + k * above < b)) above *= 2;
  double below = above / 2;
  while (below > 1e-150 && !low(below)) below /= 2;
  for (int step = 0; step < 60; ++step) {
    const double middle = (below + above) / 2;
    (low(middle) ? below : above) = middle;
  }
  return above;
}

/// Beyond which no state is expected at kT. Throws where the energy has no floor, or none that is found.
double reach_of(const Network& network, const Network::Curvature& bend, double kT) {
  const double lowest_curvature = bend.lowest;
  // A curvature within the rounding of the highest is none: a singular matrix.
  const bool flat = bend.highest > 0 && std::abs(lowest_curvature) < 1e-13 * bend.highest;
  const bool edges_bind = network.kind() != CellKind::rlc;
  const std::vector<double> coupled = coupling_of_cells(network);
  double by_cells = 0, field = 0;
  for (std::uint32_t i = 0; i < network.cells(); ++i) {
    const double b = std::abs(network.value(CellSection::bias, i));
    field += b * b;
    by_cells =
        std::max(by_cells, rise(network.value(CellSection::j4, i),
                                2 * network.value(CellSection::j2, i) - (edges_bind ? coupled[i] : 0), b, far_up * kT));
  }
  const double by_spectrum = lowest_curvature > 0 && !flat ? rise(0, lowest_curvature, std::sqrt(field), far_up * kT) : infinite;
  const double reach = std::min(by_cells, by_spectrum);
  if (std::isfinite(reach)) return reach > 0 ? reach : 1;
  if (network.largest(CellSection::j4) == 0 && lowest_curvature < 0)
    throw Error(HB_BAD_ARG, "network: its energy has no floor: its lowest curvature is " + rounded(lowest_curvature) +
                                " and it has no quartic terms; a matrix must be positive definite");
  if (network.largest(CellSection::j4) == 0 && flat)
    throw Error(HB_BAD_ARG, "network: its energy has no floor: its matrix is singular, with a lowest curvature of " + rounded(lowest_curvature) +
                                " beside a highest of " + rounded(bend.highest) + "; a matrix must be positive definite");
  throw Error(HB_BAD_ARG, "network: how far its states reach cannot be told: its lowest curvature is " +
                              rounded(lowest_curvature) +
                              " and some cells have no quartic term; give ScalingOptions::reach");
}

/// A value in a device's format.
double held_value(const Capabilities& capabilities, float range, double value) {
  const auto wanted = static_cast<float>(value);
  if (capabilities.parameter_number == Number::float32) return static_cast<double>(wanted);
  const std::uint32_t bits = capabilities.parameter_bits;
  return static_cast<double>(hb_code_to_value(hb_value_to_code(wanted, range, bits), range, bits));
}

/// One range of a device and what a network puts into it.
struct Use {
  double largest = 0, range = 0;
  double power = 0;  ///< of the factor of states
  double other = 1;  ///< beside the factors of energy and states
  const char* name = "";
};

std::vector<Use> uses_of(const Network& network, const Capabilities& caps) {
  std::vector<Use> uses;
  const auto add = [&](CellSection section, double power, const char* name, double other = 1) {
    if (!has_section(network.kind(), section)) return;
    uses.push_back(
        {network.largest(section), section_range(caps, static_cast<hb_section_t>(section)), power, other, name});
  };
  add(CellSection::j2, 2, "CAPS_RANGE_J2");
  add(CellSection::j4, 4, "CAPS_RANGE_J4");
  add(CellSection::bias, 1, "CAPS_RANGE_BIAS");
  add(CellSection::mass, 2, "CAPS_RANGE_MASS");
  add(CellSection::damping, 2, "CAPS_RANGE_DAMPING");
  add(CellSection::frequency, 0, "CAPS_RANGE_FREQUENCY", static_cast<double>(caps.mobility));
  uses.push_back({network.largest_coupling(), static_cast<double>(caps.range_coupling), 2, 1, "CAPS_RANGE_COUPLING"});
  return uses;
}

/// Where a network fits, or what stands in the way.
struct Fit {
  bool fits = false;
  Factors factors;
  double reach = 0;
  std::string obstacle;
};

class Fitting {
 public:
  Fitting(const Network& network, const Capabilities& caps, const ScalingOptions& options)
      : network_(network),
        caps_(caps),
        options_(options),
        uses_(uses_of(network, caps)),
        codes_(caps.parameter_number != Number::float32),
        bend_(network.has_positions() && !options.keep_states && options.reach == 0 ? network.curvature(0) : Network::Curvature{}) {}

  Fit at(double kT) const {
    Fit fit;
    double least_state = 1, state = 1;
    const bool scalable = network_.has_positions() && !options_.keep_states;
    if (network_.has_positions()) fit.reach = 1;
    if (scalable) {
      fit.reach = options_.reach > 0 ? options_.reach : reach_of(network_, bend_, kT);
      least_state = fit.reach / (options_.room * static_cast<double>(caps_.range_state));
      state = codes_ ? least_state : std::max(1.0, least_state);
    }
    const auto [least_energy, most_energy] = energies(kT);
    double energy = std::min(most_energy, limit(state).energy);
    if (energy < least_energy) {  // finer states, as far as the rails let them be
      energy = least_energy;
      state = std::min(state, state_for(energy));
      if (!scalable) state = limit(1).energy < energy ? 0 : 1;
    }
    if (state < least_state) {
      const Limit tight = limit(least_state);
      fit.obstacle = tight.use->name;
      fit.obstacle += " of " +
                      rounded(tight.use->largest * tight.use->other * energy * std::pow(least_state, tight.use->power) /
                           options_.room) +
                      " (it has " + rounded(tight.use->range) + ")";
      if (scalable) fit.obstacle += " where states reach " + rounded(fit.reach);
      return fit;
    }
    fit.fits = true;
    fit.factors.energy = energy;
    fit.factors.state = state;
    return fit;
  }

 private:
  struct Limit {
    double energy = infinite;
    const Use* use = nullptr;
  };

  const Network& network_;
  const Capabilities& caps_;
  const ScalingOptions& options_;
  std::vector<Use> uses_;
  bool codes_;
  Network::Curvature bend_;

  /// Factors on energies that temperature and options allow.
  std::pair<double, double> energies(double kT) const {
    if (!caps_.kT_programmable) {
      const double fixed = static_cast<double>(caps_.kT_reset) / kT;
      return {fixed, fixed};
    }
    double most = options_.most_energy > 0 ? options_.most_energy : codes_ ? infinite : 1.0;
    if (kT > 0) most = std::min(most, static_cast<double>(caps_.kT_max) / kT);
    if (std::isinf(most) && std::isinf(limit(1).energy)) most = 1;  // nothing that could be scaled
    return {kT > 0 ? static_cast<double>(caps_.kT_min) / kT : 0.0, most};
  }

  /// The largest factor on energies that the ranges allow, and which of them.
  Limit limit(double state) const {
    Limit limit;
    for (const Use& use : uses_) {
      if (use.largest == 0) continue;
      const double most = options_.room * use.range / (use.largest * use.other * std::pow(state, use.power));
      if (most < limit.energy) limit = {most, &use};
    }
    return limit;
  }

  /// The largest factor of states at which energies times `energy` fit.
  double state_for(double energy) const {
    double state = infinite;
    for (const Use& use : uses_) {
      if (use.largest == 0) continue;
      const double ratio = options_.room * use.range / (use.largest * use.other * energy);
      state = std::min(state, use.power > 0 ? std::pow(ratio, 1 / use.power) : ratio >= 1 ? infinite : 0.0);
    }
    return state;
  }
};

}  // namespace

Scaling::Scaling(const Network& network, const Capabilities& capabilities, const ScalingOptions& options)
    : network_(network), capabilities_(capabilities), options_(options) {
  const auto refuse = [](const std::string& what) { throw Error(HB_BAD_ARG, "Scaling: " + what); };
  require_cell_kind(capabilities, "this network", network.kind());
  if (network.cells() > capabilities.cells)
    refuse("the network has " + std::to_string(network.cells()) + " cells; this device has " +
           std::to_string(capabilities.cells));
  if (!(options.kT >= 0) || !std::isfinite(options.kT)) refuse("kT is " + rounded(options.kT) + "; 0 or more");
  if (options.kT == 0 && !(capabilities.kT_programmable && capabilities.kT_min == 0))
    throw Error(HB_UNSUPPORTED, "Scaling: kT of 0; this device cannot be colder than " +
                                    rounded(static_cast<double>(capabilities.kT_programmable ? capabilities.kT_min
                                                                                          : capabilities.kT_reset)) +
                                    ": any kT above 0 can be scaled to that");
  if (!(options.reach >= 0) || !std::isfinite(options.reach))
    refuse("reach is " + rounded(options.reach) + "; 0 (an estimate) or more");
  if (!(options.room > 0 && options.room <= 1)) refuse("room is " + rounded(options.room) + "; above 0, at most 1");
  if (!(options.stiffness > 0 && options.stiffness < 1))
    refuse("stiffness is " + rounded(options.stiffness) + "; between 0 and 1");
  if (!(options.most_energy >= 0) || !std::isfinite(options.most_energy))
    refuse("most_energy is " + rounded(options.most_energy) + "; 0 (as suits the device) or more");
  check_given();
  find_factors();
  check_masses();
  find_times();
}

void Scaling::check_given() const {
  const auto rail = static_cast<double>(capabilities_.range_state);
  if (options_.keep_states && network_.has_positions() && options_.reach > options_.room * rail)
    throw Error(HB_UNSUPPORTED, "Scaling: keep_states with a reach of " + rounded(options_.reach) +
                                    " needs a CAPS_RANGE_STATE of " + rounded(options_.reach / options_.room) + " (it has " +
                                    rounded(rail) + "); a reach of " + rounded(options_.room * rail) +
                                    " or less fits, or states that are scaled");
  if (options_.most_energy == 0 || options_.kT == 0) return;
  const auto coldest = static_cast<double>(capabilities_.kT_programmable ? capabilities_.kT_min : capabilities_.kT_reset);
  if (options_.most_energy * options_.kT < coldest * (1 - 1e-6))
    throw Error(HB_UNSUPPORTED, "Scaling: energies times " + rounded(options_.most_energy) + " (most_energy) make kT " +
                                    rounded(options_.most_energy * options_.kT) + " on the device, which is " +
                                    (capabilities_.kT_programmable ? "never below " : "always ") + rounded(coldest) +
                                    "; most_energy of " + numerics::general(coldest / options_.kT * 1.001, 4) +
                                    " or more fits, or kT of " +
                                    numerics::general(coldest / options_.most_energy * 1.001, 4) + " or more");
}

void Scaling::check_masses() const {
  if (!has_section(network_.kind(), CellSection::mass) || capabilities_.parameter_number == Number::float32) return;
  const float range = section_range(capabilities_, HB_SECTION_MASS);
  const double factor = factors_.of(CellSection::mass);
  for (std::uint32_t i = 0; i < network_.cells(); ++i) {
    const double mass = network_.value(CellSection::mass, i);
    if (held_value(capabilities_, range, mass * factor) > 0) continue;
    const double least = 0.5 * static_cast<double>(hb_code_step(range, capabilities_.parameter_bits)) / factor;
    throw Error(HB_UNSUPPORTED, "Scaling: the mass of cell " + std::to_string(i) + ", " + rounded(mass) +
                                    ", is 0 in the codes of this device (CAPS_RANGE_MASS " +
                                    rounded(static_cast<double>(range)) + " in " + std::to_string(capabilities_.parameter_bits) +
                                    " bits); beside a largest mass of " + rounded(network_.largest(CellSection::mass)) +
                                    " masses of " + numerics::general(least * 1.001, 4) + " or more fit");
  }
}

void Scaling::find_factors() {
  const Fitting fitting(network_, capabilities_, options_);
  const Fit fit = fitting.at(options_.kT);
  if (!fit.fits) {
    // Warmer, everything else is smaller: the least kT that fits, by doubling and halving.
    double fits = options_.kT > 0 ? options_.kT : 1e-6, fails = options_.kT;
    for (int step = 0; step < 60 && !fitting.at(fits).fits; ++step) {
      fails = fits;
      fits *= 2;
    }
    const bool found = fitting.at(fits).fits;
    for (int step = 0; step < 30; ++step) {
      const double middle = (fits + fails) / 2;
      (fitting.at(middle).fits ? fits : fails) = middle;
    }
    throw Error(HB_UNSUPPORTED,
                "Scaling: at kT " + rounded(options_.kT) + ", which is " +
                    (capabilities_.kT_programmable ? rounded(static_cast<double>(capabilities_.kT_min)) + " or more"
                                                   : "always " + rounded(static_cast<double>(capabilities_.kT_reset))) +
                    " on this device, the network needs a " + fit.obstacle +
                    (found ? "; kT of " + numerics::general(fits * 1.001, 4) + " or more fits" : "; no kT fits"));
  }
  factors_ = fit.factors;
  reach_ = network_.has_positions()             ? (options_.reach > 0 ? options_.reach : fit.reach)
           : network_.kind() == CellKind::phase ? 3.14159265358979
                                                : 1.0;
  const auto mobility = static_cast<double>(capabilities_.mobility);
  factors_.time = network_.kind() == CellKind::overdamped || network_.kind() == CellKind::phase
                      ? mobility * factors_.of_couplings()
                      : 1.0;
}

void Scaling::find_times() {
  const CellKind kind = network_.kind();
  const Stepper stepper = capabilities_.stepper;
  if (is_discrete(kind)) {
    step_ = 1;
    // How far one cell moves the law of another's update (Dobrushin): a change of a neighbour changes differences of the
    // energies of its states by up to 4 |J| of spins and 2 |J| of categorical cells, and tanh of a quarter of that over
    // kT bounds the distance of the laws.
    const double quarter = network_.states() > 1 ? 0.5 : 1.0;
    double most = 0;
    std::vector<double> influence(network_.cells(), 0.0);
    for (const Edge& edge : network_.couplings()) {
      const double on_other = std::tanh(quarter * std::abs(edge.value) / options_.kT);
      influence[edge.i] += on_other;
      if (!network_.directed()) influence[edge.j] += on_other;
    }
    for (const double of_cell : influence) most = std::max(most, of_cell);
    if (most < 1)
      relaxation_ = 1 / (1 - most);
    else
      why_no_relaxation_ = std::string("its ") + (network_.states() > 1 ? "states" : "spins") +
                           " influence one another by up to " + rounded(most) + " (the sum of tanh |J|/" +
                           (network_.states() > 1 ? "2kT" : "kT") + "); a bound needs less than 1";
    return;
  }
  const Network::Curvature bend = network_.curvature(reach_);
  const double width = network_.cells() > exact_cells ? lanczos_part * (bend.highest - bend.lowest) : 0;
  const double highest = bend.highest + width, lowest = bend.lowest - width;
  const double part =
      options_.stiffness *
      (stepper == Stepper::heun || stepper == Stepper::leimkuhler_matthews || stepper == Stepper::baoab ? 4 : 1);
  if (kind == CellKind::overdamped || kind == CellKind::phase) {
    if (highest > 0) step_ = part / highest;
    if (kind == CellKind::overdamped && lowest > 0) relaxation_ = 1 / lowest;
  } else {
    double mass_low = infinite, mass_high = 0, damping_low = infinite, damping_high = 0;
    for (std::uint32_t i = 0; i < network_.cells(); ++i) {
      mass_low = std::min(mass_low, network_.value(CellSection::mass, i));
      mass_high = std::max(mass_high, network_.value(CellSection::mass, i));
      damping_low = std::min(damping_low, network_.value(CellSection::damping, i));
      damping_high = std::max(damping_high, network_.value(CellSection::damping, i));
    }
    if (kind == CellKind::rlc && !network_.couplings().empty()) {
      const numerics::SpectrumEnds ends =
          numerics::spectrum_ends(network_.cells(), [&](std::span<const double> x, std::span<double> y) {
            for (std::uint32_t i = 0; i < network_.cells(); ++i) y[i] += network_.value(CellSection::mass, i) * x[i];
            for (const Edge& edge : network_.couplings()) {
              y[edge.i] += edge.value * x[edge.j];
              y[edge.j] += edge.value * x[edge.i];
            }
          });
      if (!(ends.lowest > 0))
        throw Error(HB_BAD_ARG, "Scaling: the capacitance matrix is not positive definite: its lowest eigenvalue is " +
                                    rounded(ends.lowest) +
                                    "; the mass of a node is its whole capacitance, that to its neighbours included");
      mass_low = ends.lowest;
      mass_high = ends.highest;
    }
    const double swing = highest > 0 ? std::sqrt(mass_low / highest) : infinite;
    const double damped = damping_high > 0 ? mass_low / damping_high : infinite;
    double step = std::min(swing, damped);
    if (stepper == Stepper::euler_maruyama && highest > 0 &&
        damping_low > 0)  // dt < gamma/(m kappa), docs/theory_of_operation.md
      step = std::min(step, damping_low / highest);
    if (std::isfinite(step)) step_ = part * step;
    if (lowest > 0 && damping_low > 0) relaxation_ = std::max(2 * mass_high / damping_low, damping_high / lowest);
  }
  if (stepper == Stepper::exact_ou) step_ = 0;
  if (!relaxation_)
    why_no_relaxation_ = kind == CellKind::phase
                             ? "phases have barriers, and turn without end"
                             : "its energy is not convex: its lowest curvature is " + rounded(bend.lowest);
}

namespace {

Network in_device_units(const Network& network, const Factors& factors) {
  Network scaled = network;
  for (const CellSection section : sections) {
    if (!has_section(network.kind(), section)) continue;
    std::vector<double> values(network.cells());
    for (std::uint32_t i = 0; i < network.cells(); ++i) values[i] = network.value(section, i) * factors.of(section);
    scaled.set(section, values);
  }
  std::vector<Edge> edges(network.couplings().begin(), network.couplings().end());
  for (Edge& edge : edges) edge.value *= factors.of_couplings();
  if (network.directed())
    scaled.set_directed(edges);
  else
    scaled.set_couplings(edges);
  return scaled;
}

}  // namespace

double Scaling::need_relaxation_time() const {
  if (relaxation_) return *relaxation_;
  throw Error(HB_UNSUPPORTED, "Scaling: no bound on this network's relaxation time: " + why_no_relaxation_ +
                                  "; choose the time to wait by measurement");
}

void Scaling::load_into(Program& program, const Network& network) const {
  const ChipCorrection* const correction = program.capabilities().correction.get();
  if (correction != nullptr && correction->step() > 0)
    stiffened(in_device_units(network, factors_), correction->step(), capabilities_.couplers()).load_into(program);
  else
    network.load_into(program, factors_);
  program.at_temperature(static_cast<float>(device_kT()));
}

Program Scaling::program() const {
  Program program(capabilities_, network_.cells());
  load_into(program);
  program.commit();
  return program;
}

void Scaling::set_step(Device& device) const {
  if (!device.capabilities().dt_programmable) return;
  const double wanted = step_ > 0 ? step_ : relaxation_ ? *relaxation_ / 10 : 0;
  if (wanted == 0) return;
  const double ticks =
      std::floor(wanted / factors_.time * static_cast<double>(capabilities_.time_unit.count) * (1 + 1e-9));
  if (ticks < 1)
    throw Error(HB_UNSUPPORTED, "Scaling: a step of " + rounded(wanted / factors_.time) +
                                    " time units is needed; a tick of this device is " +
                                    rounded(1 / static_cast<double>(capabilities_.time_unit.count)) +
                                    ": ScalingOptions::most_energy of " + rounded(factors_.energy * ticks) +
                                    " or less slows the network down");
  device.set_step(Ticks{static_cast<std::uint64_t>(std::min(ticks, 4294967295.0))});
}

std::vector<double> Scaling::states(std::span<const double> of_device) const {
  std::vector<double> states(of_device.begin(), of_device.end());
  for (double& state : states) state *= factors_.state;
  return states;
}

std::vector<float> Scaling::to_device(std::span<const double> states) const {
  std::vector<float> of_device;
  for (const double state : states) of_device.push_back(static_cast<float>(state / factors_.state));
  return of_device;
}

hb_meters_t Scaling::meters(const hb_meters_t& of_device) const {
  hb_meters_t meters = of_device;
  for (const MeterFacts& meter : meter_list)
    if (meter.in_record != nullptr) meters.*meter.in_record /= factors_.energy;
  return meters;
}

Network Scaling::held() const {
  Network held = network_;
  for (const CellSection section : sections) {
    if (!has_section(network_.kind(), section)) continue;
    const float range = section_range(capabilities_, static_cast<hb_section_t>(section));
    std::vector<double> values(network_.values_in(section));
    for (std::uint32_t i = 0; i < values.size(); ++i)
      values[i] =
          held_value(capabilities_, range, network_.value(section, i) * factors_.of(section)) / factors_.of(section);
    held.set(section, values);
  }
  std::vector<Edge> edges(network_.couplings().begin(), network_.couplings().end());
  for (Edge& edge : edges)
    edge.value = held_value(capabilities_, capabilities_.range_coupling, edge.value * factors_.of_couplings()) /
                 factors_.of_couplings();
  if (network_.directed())
    held.set_directed(edges);
  else
    held.set_couplings(edges);
  return held;
}

Rounding Scaling::rounding() const {
  Rounding rounding;
  const Network held = this->held();
  const auto compare = [&](double wanted, double there, double largest) {
    if (largest > 0) rounding.worst = std::max(rounding.worst, std::abs(there - wanted) / largest);
    if (wanted != 0 && there == 0) ++rounding.lost;
  };
  for (const CellSection section : sections)
    for (std::uint32_t i = 0; i < network_.values_in(section); ++i)
      compare(network_.value(section, i), held.value(section, i), network_.largest(section));
  for (std::size_t k = 0; k < held.couplings().size(); ++k)
    compare(network_.couplings()[k].value, held.couplings()[k].value, network_.largest_coupling());
  return rounding;
}

}  // namespace heatbath::network
