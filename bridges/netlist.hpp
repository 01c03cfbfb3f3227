#pragma once
// A programmed network as a circuit that SPICE simulates.

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "heatbath/cell_enums.hpp"

namespace heatbath {
struct Capabilities;
}

namespace heatbath::apps {

struct TomlProgram;

/// A network of cells, of quartic ones V = sum_i (J2_i x_i^2 + J4_i x_i^4 + b_i x_i) + gain sum_{i<j} J_ij x_i x_j, where
/// in an rlc array the couplings are capacitances between nodes instead. Equations of the kinds: docs/dynamics.md.
/// Parameters that the kind lacks mean nothing.
struct Network {
  std::string source;                 ///< the file it comes from
  CellKind cell_kind = CellKind::overdamped;
  std::vector<float> j2, j4, bias;    ///< one per cell
  std::vector<float> mass, damping;   ///< of cells with inertia: one per cell; or empty: 1
  std::vector<float> frequency;       ///< of phases: one per cell; or empty: 0
  std::vector<float> couplings;       ///< cells x cells, symmetric, zero diagonal; or empty: none
  float gain = 1;
  float kT = 1;                       ///< energy units; of cell 0 where it differs from cell to cell
  std::vector<float> kT_per_cell;     ///< one per cell; or empty: kT
  std::vector<float> initial;         ///< one per cell; or empty: 0
  std::vector<float> initial_second;  ///< second state variables, one per cell; or empty: 0

  std::uint32_t cells() const { return static_cast<std::uint32_t>(j2.size()); }
  /// Whether a cell has a velocity or voltage of its own: underdamped and rlc.
  bool inertia() const;
};

/// The network of a TOML program, as it is before its schedule. `capabilities` give the kind of the cells and what the
/// program leaves out. Throws Error(UNSUPPORTED) for parameters that the kind lacks.
Network network_of(const TomlProgram& program, const Capabilities& capabilities);
/// The network of a trained model (model.h5). Throws Error(IO).
Network network_of_model(const std::filesystem::path& path);

/// What one unit of the device is in a circuit. A cell is a capacitor with the resistor of its bath across it. The
/// voltage of an overdamped cell is its state x, and RC is the time unit over the mobility; the voltage of a cell with
/// inertia is its velocity, C is the mass 1 and 1/R the damping 1, so that RC is the time unit. Voltages are in units
/// of sqrt(energy unit / C). So the resistor's Johnson noise at its temperature kT/k_B is the noise of the cell, and
/// energies are those of the device.
struct CircuitScale {
  double farads = 0;         ///< C of an overdamped cell, or of mass 1
  double ohms = 0;           ///< R of the bath of an overdamped cell, or of damping 1
  double volts = 0;          ///< of x = 1, and of a velocity of 1
  double seconds = 0;        ///< of one time unit
  double energy_joules = 0;  ///< of one energy unit

  /// Current of one unit of force.
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

/// An ngspice deck. Nodes x0, x1, … hold the states, nodes v0, v1, … the velocities of cells with inertia; Iac is a
/// source of ac 1 into x0 or v0, for .noise and .ac lines that the user adds. Quartic terms are B sources. Couplings of
/// overdamped cells that attract (J < 0) are resistors without noise; those of rlc nodes are capacitors, of which some
/// may be negative; others are controlled sources. An rlc node with J2 other than 0 has an inductor. Resistors have
/// temperatures of their own where kT differs. Rails, converters and mismatch are not in it, and the noise is white.
/// Throws Error(UNSUPPORTED) for couplings that are not reciprocal, naming the first pair, and for a capacitance matrix
/// that is not positive definite.
std::string netlist(const Network& network, const CircuitScale& scale, const NetlistOptions& options = {});

}  // namespace heatbath::apps
