#pragma once
// The temperature of the die, its age and its supply: what moves all parameters slowly.

#include <cstdint>
#include <vector>

#include "hw_model/analog/imperfection.hpp"

namespace heatbath::model {

/// Laws of the die's temperature. Warmth is degrees above the ambient temperature at which the part was specified.
struct DieLaw {
  double thermal_time = 1000;   ///< time units in which a difference falls to 1/e
  double idle_warmth = 0;       ///< kelvin, when nothing has run for long; also the warmth at power-on
  double run_warmth = 0;        ///< kelvin, when a job has run for long
  double ambient = 300;         ///< kelvin, at warmth 0
  double kT_tracks = 1;         ///< of kT: 1: a thermal bath, kT goes with the absolute temperature; 0: it stays
  double coupling_gain = 0;     ///< relative change per kelvin
  double cell_gain = 0;         ///< of J2 and J4
  double bias_offset_sd = 0;    ///< of a cell's offset, units of the bias per kelvin, fixed by the serial number
};

/// Between two moments warmth follows dw/dt = (w_end - w) / thermal_time exactly, w_end being run_warmth while a job runs
/// and idle_warmth else. Parameters are those of the last moment. The die is one: heat of lanes, which are copies of it,
/// does not add up.
class Die : public Imperfection {
 public:
  Die(const DieLaw& law, std::uint64_t serial);

  bool moves() const override { return true; }
  void pass(const Moment& moment) override;
  void act(physics::Parameters& parameters) const override;
  void exchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t lanes) override;
  void power_on() override;

  double warmth() const { return warmth_; }
  double kelvin() const override { return law_.ambient + warmth_; }

 private:
  DieLaw law_;
  std::uint64_t key_;
  double warmth_, at_ = 0;
  std::vector<float> offsets_;  // per cell, units of the bias per kelvin
};

/// Laws of ageing.
struct DriftLaw {
  double exponent = 0;      ///< nu: gains of couplings and cells fall as (1 + t / onset)^-nu
  double exponent_sd = 0;   ///< of the nu of each cell's J2 and J4 about it, fixed by the serial number
  double onset = 1;         ///< t0, time units
  double walk = 0;          ///< of a cell's offset: standard deviation after one time unit; it grows as sqrt(t)
  double age = 0;           ///< time units behind the part when it is first powered on
};

/// The random walk is a Brownian path that is a pure function of serial number, cell and time: it is built of bridges,
/// halving intervals from 2^40 periods down to one, so its value at a time does not depend on when it was asked for
/// before.
class Drift : public Imperfection {
 public:
  Drift(const DriftLaw& law, std::uint64_t serial);

  bool moves() const override { return true; }
  void pass(const Moment& moment) override;
  void act(physics::Parameters& parameters) const override;
  void exchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t lanes) override;

  /// The walk of cells 0..cells-1 after `periods` periods, in units of its standard deviation after one.
  static std::vector<double> walk(std::uint64_t key, std::uint64_t periods, std::uint32_t cells);

 private:
  DriftLaw law_;
  std::uint64_t key_;
  double gain_ = 1;
  std::vector<float> cell_gain_;
  std::vector<float> exponents_;
  std::vector<float> offsets_;
};

/// A supply that ripples: gains of couplings and cells by 1 + gain sin(2 pi t / period), kT by 1 + kT sin(same).
class Supply : public Imperfection {
 public:
  Supply(double gain, double kT, double period) : gain_(gain), kT_(kT), period_(period) {}

  bool moves() const override { return true; }
  void pass(const Moment& moment) override;
  void act(physics::Parameters& parameters) const override;
  void exchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t lanes) override;

 private:
  double gain_, kT_, period_, wave_ = 0;
};

}  // namespace heatbath::model
