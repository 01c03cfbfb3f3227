#pragma once
// Slow noise of the cells: 1/f and telegraph noise of their offsets.

#include <cstdint>
#include <vector>

#include "hw_model/analog/imperfection.hpp"

namespace heatbath::model {

/// Laws of slow noise, in the units of the bias and in time units; each lane and cell has its own.
struct FlickerLaw {
  double flicker_sd = 0;        ///< of the 1/f noise
  double flicker_time = 1000;   ///< longest correlation time; the shortest is a period
  double telegraph_step = 0;    ///< the offset is + or - this
  double telegraph_time = 100;  ///< mean time between two turns
};

/// 1/f noise is a sum of Ornstein-Uhlenbeck processes of equal variance with correlation times flicker_time / 4^k down to
/// a period (van der Ziel, Physica 16 (1950) 359; four to a step keep the slope within a few percent of -1 between
/// 1/flicker_time and 1/period). Telegraph noise turns at rate 1 / telegraph_time: its autocorrelation is
/// step^2 exp(-2 t / telegraph_time). Both are exact at the periods' beginnings, start from their stationary laws, and
/// have the address of the noise: seed, shot, cell, number of the period.
class Flicker : public Imperfection {
 public:
  explicit Flicker(const FlickerLaw& law) : law_(law) {}

  bool moves() const override { return true; }
  void pass(const Moment& moment) override;
  void act(physics::Parameters& parameters) const override;
  void exchange(numerics::Archive& archive, std::uint32_t cells, std::uint32_t lanes) override;
  void restart() override { fresh_ = true; }

 private:
  void draw(const Moment& moment, std::uint64_t stage, bool start, std::vector<float>& normals) const;

  FlickerLaw law_;
  bool fresh_ = true;
  std::uint64_t period_ = 0;
  std::uint32_t cells_ = 0, lanes_ = 0;
  std::vector<std::vector<double>> stages_;  // of each correlation time: lanes x cells, variance 1
  std::vector<std::int8_t> side_;            // of telegraph noise
  std::vector<float> offsets_;               // lanes x cells
};

}  // namespace heatbath::model
