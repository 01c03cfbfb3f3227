#pragma once
// A network of spins on a device: sweeps at any temperature, from states to states.

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/solvers/anneal.hpp"

namespace heatbath::solvers {

/// One stretch of a run: sweeps at one temperature, in the network's units, or from it in a ramp to another.
struct Stretch {
  double kT = 1;
  std::uint32_t sweeps = 1;
  double ramped_to = 0;  ///< 0: none. For devices whose temperature can be set alone
};

/// Sweeps while the temperature falls from hottest to coldest. `ramps`: whether the temperature can be ramped.
std::vector<Stretch> cooling_schedule(const TemperatureRange& range, std::uint32_t sweeps, Cooling cooling, bool ramps);

/// Programs for one network of spins. The network is scaled for the coldest temperature; where a device has one
/// temperature alone, colder means larger couplings and fields.
class SpinRuns {
 public:
  /// Sets the device's step to one sweep. Error(UNSUPPORTED) that says which range is exceeded.
  SpinRuns(Device& device, const network::Network& network, double coldest, double hottest, const network::ShotOptions& shots);

  /// Runs every row of `states` (rows of the cells) through the stretches, one after the other.
  void anneal(std::span<float> states, std::span<const Stretch> schedule);
  /// Runs rows of replicas x cells at each temperature: `states` are temperatures x replicas x cells.
  void sweep(std::span<float> states, std::span<const double> temperatures, std::uint32_t replicas, std::uint32_t sweeps);

  const network::Scaling& scaling() const { return scaling_; }
  Device& device() { return *device_; }
  void set_progress(Progress progress) { shots_.set_progress(std::move(progress)); }
  Ticks ticks() const { return ticks_; }
  std::uint64_t updates() const { return updates_; }
  /// What scaling and converters did to the problem, a line each.
  std::vector<std::string> notes() const;

 private:
  Device* device_;
  std::uint32_t cells_;
  double coldest_;
  network::Scaling scaling_;
  network::Shots shots_;
  std::vector<float> fields_;  // on the device, at the coldest temperature
  bool uniform_field_ = true, coupled_ = true;
  Program base_;  // the network at the coldest temperature in the shadow, no COMMIT
  Ticks ticks_;
  std::uint64_t updates_ = 0;

  void climate(Program& program, double kT) const;
  void count(const Result& result, std::uint32_t shots);
};

/// Rows of spins +1 and -1, independent, each with probability 1/2.
std::vector<float> random_spins(std::uint64_t seed, std::size_t count);

}  // namespace heatbath::solvers
