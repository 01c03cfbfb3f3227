#pragma once
// A programmed network as a circuit that SPICE simulates.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace heatbath {
struct Capabilities;
}

namespace heatbath::apps {

struct TomlProgram;

/// A network of overdamped quartic cells: V = sum_i (J2_i x_i^2 + J4_i x_i^4 + b_i x_i) + gain sum_{i<j} J_ij x_i x_j.
struct Network {
  std::string source;                 ///< the file it comes from
  std::vector<float> j2, j4, bias;    ///< one per cell
  std::vector<float> couplings;       ///< cells x cells, symmetric, zero diagonal; or empty: none
  float gain = 1;
  float kT = 1;                       ///< energy units
  std::vector<float> initial;         ///< one per cell; or empty: 0

  std::uint32_t cells() const { return static_cast<std::uint32_t>(j2.size()); }
};

/// The network of a TOML program, as it is before its schedule. `capabilities` give the temperature where it has none.
Network network_of(const TomlProgram& program, const Capabilities& capabilities);
/// The network of a trained model (model.h5). Throws Error(IO).
Network network_of_model(const std::filesystem::path& path);

/// What one unit of the device is in a circuit. A cell is a capacitor with the resistor of its bath across it, and RC is
/// the time unit over the mobility; the state x is the node's voltage in units of sqrt(energy unit / C). So the
/// resistor's Johnson noise at its temperature kT/k_B is the noise of the cell, and energies are those of the device.
struct CircuitScale {
  double farads = 0;         ///< C of a cell
  double ohms = 0;           ///< R of its bath: time unit / (mobility C)
  double volts = 0;          ///< of x = 1
  double seconds = 0;        ///< of one time unit
  double energy_joules = 0;  ///< of one energy unit

  /// Current of one unit of dV/dx.
  double amperes() const { return volts / ohms; }
  /// Temperature of the baths at kT energy units.
  double kelvin(double kT) const;
};

/// `farads` is a free choice, positive; the rest follows from the device. Throws Error(UNSUPPORTED) that says why a
/// device's cells have no netlist.
CircuitScale circuit_scale(const Capabilities& capabilities, double farads);

struct NetlistOptions {
  /// Where the noise comes from: thermal, the Johnson noise of the resistors, which .noise sees and .tran does not; or
  /// also a current source per cell, `In<cell> external`, whose values the host of a shared library gives.
  bool external_sources = false;
  double transient_time_units = 0;  ///< length of a .tran line; 0: none
  double step_time_units = 0;       ///< its printing step and longest internal step; 0: a thousandth of the length
};

/// An ngspice deck. Nodes x0, x1, … hold the states; Iac is a source of ac 1 into x0, for .noise and .ac lines that the
/// user adds. Couplings that attract (J < 0) are resistors without noise, others are controlled sources; quartic terms
/// are B sources. Rails, converters and mismatch are not in it. Throws Error(UNSUPPORTED) for couplings that are not
/// reciprocal, naming the first pair.
std::string netlist(const Network& network, const CircuitScale& scale, const NetlistOptions& options = {});

}  // namespace heatbath::apps
