#pragma once
// Scaling: a network into a device's ranges, and results back into the network's units.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/network/network.hpp"

namespace heatbath::network {

/// What a network is scaled for.
struct ScalingOptions {
  /// Temperature in the network's energy units.
  double kT = 1;
  /// Largest |state| to make room for, in the network's units; 0: an estimate, beyond which a state lies 18 kT up. States
  /// that are kept must reach no farther than the rails.
  double reach = 0;
  /// Largest factor on energies; 0: 1 where parameters are float32, and as large as the converters allow where they are
  /// codes, or larger where the device cannot be as cold. A factor that is given is not exceeded.
  double most_energy = 0;
  /// Keeps the states of the network, as for wells at 1 and -1; otherwise states are scaled to the rails.
  bool keep_states = false;
  /// Part of each range that is used; the remainder allows for gain errors of converters.
  double room = 0.98;
  /// Suggested step times the largest curvature: the relative error of a stationary variance under Euler-Maruyama is
  /// half of it. Steppers of second order take four times the step.
  double stiffness = 0.05;
};

/// Rounding of a network's parameters by the converters.
struct Rounding {
  double worst = 0;        ///< largest |held - wanted|, as a part of the largest value of its section
  std::uint64_t lost = 0;  ///< values other than 0 that are held as 0
};

/// How a network is scaled to a device. Energies are multiplied by one factor (kT with them), states divided by
/// another, and times follow: only ratios matter. Spins and phases keep their states; p-bits count time in sweeps.
/// Cells with inertia keep their time: masses and dampings are scaled as energies.
///
/// Throws Error(UNSUPPORTED) that says which range or temperature is exceeded and what would fit, Error(BAD_ARG)
/// for options out of range, a network whose energy has no lower bound, and more cells than the device has.
class Scaling {
 public:
  /// Finds the factors; the network and the capabilities are copied. Error(BAD_ARG, UNSUPPORTED): see
  /// above.
  Scaling(const Network& network, const Capabilities& capabilities, const ScalingOptions& options = {});

  double kT() const { return options_.kT; }  ///< in the network's energy units
  /// kT on the device, in its energy units.
  double device_kT() const { return factors_.energy * options_.kT; }
  /// From the network to the device; and how far the states of the device reach, in the network's units.
  const Factors& factors() const { return factors_; }
  double reach() const { return reach_; }

  /// Parameters and temperature to the program's shadow. The network may be another of the same kind and smaller
  /// values. Programs of a device that is corrected (calibration.hpp) load what undoes what the chip does; held() and
  /// rounding() are those of a nominal chip.
  void load_into(Program& program) const { load_into(program, network_); }
  /// Another network of the same cells, with the same factors.
  void load_into(Program& program, const Network& network) const;
  /// A program with the network live: load_into and COMMIT.
  Program program() const;

  // -- time --------------------------------------------------------------------------------------------------------
  /// A stable step, in the network's time units (mobility 1; sweeps of p-bits); 0 where any step is exact (exact-ou).
  double step() const { return step_; }
  /// Sets the device's step where it can be set: to step(), to one sweep for p-bits, and to a tenth of the relaxation
  /// time where any step is exact. Does nothing on a device that hides its step.
  void set_step(Device& device) const;
  /// Bound on the relaxation time in the network's time units: 1/(lowest curvature) where V is convex (and with inertia
  /// the slower of that and of the dampings); for spins 1/(1 - influence) where the sum of tanh |J|/kT on each is below
  /// 1 (Dobrushin). None where there is none, as with barriers or below a transition.
  std::optional<double> relaxation_time() const { return relaxation_; }
  /// The same; Error(UNSUPPORTED) that says why where there is none.
  double need_relaxation_time() const;
  /// Time to forget a start to e^-times: at least one step of the device.
  Ticks burn_in(const Device& device, double times = 8) const { return ticks(device, times * need_relaxation_time()); }
  /// A duration in the network's time units, to the nearest step.
  Ticks ticks(const Device& device, double time) const { return device.nearest_ticks(time / factors_.time); }
  /// A duration of the device in the network's time units.
  double time(const Device& device, Ticks duration) const { return device.time_units(duration) * factors_.time; }

  // -- results --------------------------------------------------------------------------------------------------------
  /// States of the device in the network's units and back; an energy of the device in the network's units.
  double state(double of_device) const { return of_device * factors_.state; }
  std::vector<double> states(std::span<const double> of_device) const;
  std::vector<float> to_device(std::span<const double> states) const;
  double energy(double of_device) const { return of_device / factors_.energy; }
  /// Energy, work and heat in the network's units.
  hb_meters_t meters(const hb_meters_t& of_device) const;

  /// The network that the device's converters hold, in the network's units; the same network where they are float32 but
  /// for its rounding.
  Network held() const;
  Rounding rounding() const;

 private:
  Network network_;
  Capabilities capabilities_;
  ScalingOptions options_;
  Factors factors_;
  double reach_ = 0, step_ = 0;
  std::optional<double> relaxation_;
  std::string why_no_relaxation_;

  void check_given() const;
  void find_factors();
  void check_masses() const;
  void find_times();
};

}  // namespace heatbath::network
