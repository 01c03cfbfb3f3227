#pragma once
// A device as an array of binary cells: p-bits, or bistable overdamped cells read by their sign.

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "heatbath/device.hpp"
#include "heatbath/network/scaling.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/trainers/ergodicity/spins.hpp"
#include "heatbath/measure/estimate.hpp"

namespace heatbath::trainers {

/// Spins of many shots at many times.
struct SpinRecords {
  std::uint32_t shots = 0, records = 0, cells = 0;  ///< sizes of what follows
  std::vector<Spin> spins;  ///< shots x records x cells, row-major

  /// One state, `cells` spins.
  std::span<const Spin> state(std::uint32_t shot, std::uint32_t record) const {
    return {spins.data() + (std::size_t{shot} * records + record) * cells, cells};
  }
};

/// Bistable cells, V = height (x^2 - 1)^2 at T = 1, and what a field and a coupling must be multiplied by to act as on
/// spins: soft cells couple more weakly. See calibrate().
struct BistableCells {
  double height = 4;  ///< of the barrier, kT
  double coupling_scale = 1;  ///< of couplings
  double field_scale = 1;  ///< of fields
};

/// What a machine does on a device. Energies are in units of the machine; where a device's ranges are narrow, energies
/// and kT are scaled together so that its converters are used as far as they go. Durations are in sweeps for p-bits
/// (one update per cell on average), and for bistable cells in time units at unit mobility and T = 1. Each call is a
/// job of its own noise: shots are numbered on.
class SpinDevice {
 public:
  /// p-bits. Throws Error(UNSUPPORTED) that names the kind of cells when the device has others. The device's step
  /// becomes one sweep where it can be set. `device` must outlive this. Shots are numbered from `first_shot`.
  SpinDevice(Device& device, std::uint64_t seed, std::uint32_t first_shot = 0);
  /// Overdamped cells made bistable. The device's step becomes 0.008/height at T = mobility = 1 where it can be set.
  SpinDevice(Device& device, std::uint64_t seed, const BistableCells& cells, std::uint32_t first_shot = 0);

  /// Cells one behind another.
  struct Cells {
    std::uint32_t first = 0, count = 0;  ///< first .. first + count - 1
  };
  /// How shots run.
  struct Run {
    std::uint32_t shots = 1;  ///< independent ones
    std::span<const Spin> starts = {};  ///< shots x cells; empty: drawn at random by the uncoupled cells themselves
    std::vector<Cells> held = {};       ///< stay clamped at their start for `settle`; rising, no cell twice
    double settle = 0;                  ///< before all cells run
    double burn = 0;                    ///< of all cells, before the first record
    std::uint32_t records = 1;
    double interval = 1;  ///< between records
  };
  /// Runs a machine at kT and records its cells. Throws Error(BAD_ARG) for sizes and what Device::run throws. Bistable
  /// cells run at kT = 1 only.
  SpinRecords run(const SpinMachine& machine, double kT, const Run& run);
  /// The same of any network of p-bits, such as the graph of a sparse device. Error(BAD_ARG) for one of other cells.
  SpinRecords run(const network::Network& spins, double kT, const Run& run);

  /// F of a machine at kT from the work of a ramp of its couplings and fields from 0 within `duration`: Jarzynski's
  /// average over shots, F = -T N ln 2 - T ln <exp(-W/T)>, which is annealed importance sampling. `effective` is
  /// (sum w)^2/sum w^2. Needs CAPS.METERS and p-bits.
  struct FreeEnergy : measure::Estimate {
    double effective = 0;  ///< independent shots that would do as well
  };
  /// See FreeEnergy.
  FreeEnergy free_energy(const SpinMachine& machine, double kT, std::uint32_t shots, double duration);

  Device& device() { return *device_; }  ///< that holds the spins
  bool bistable() const { return bistable_.has_value(); }  ///< soft cells stand for spins
  std::uint32_t next_shot() const { return shots_.next_shot(); }  ///< number of the next one
  /// The next job has this seed and this first shot: what a continued training needs to go on with the same noise.
  void seek(std::uint64_t seed, std::uint32_t first_shot) { shots_.seek(seed, first_shot); }
  /// Of the present call; false ends it with Error(ABORTED).
  void set_progress(Progress progress) { shots_.set_progress(std::move(progress)); }

 private:
  Device* device_;
  network::Shots shots_;
  std::optional<BistableCells> bistable_;

  /// Spins as a network of this device's cells, checked.
  network::Network network_of_cells(const network::Network& spins, double kT) const;
  network::Scaling scaling(const network::Network& network, double kT) const;
};

/// Fields and couplings of bistable cells that act as those of spins: single cells and pairs run at several fields and
/// couplings, their <s> and <s s'> are turned into effective values artanh <s>, artanh <s s'>, and the scale is the
/// ratio at the strength `target`, interpolated. `effective_*` are measured anew at the scales found.
struct Calibration {
  BistableCells cells;  ///< with the scales found
  double target = 1;  ///< strength that they suit best
  measure::Estimate effective_coupling;  ///< at coupling `target`, after calibration
  measure::Estimate effective_field;
  measure::Estimate soft_coupling;  ///< at coupling `target`, before it
};
/// See Calibration.
Calibration calibrate(Device& device, std::uint64_t seed, double height, double target, std::uint32_t shots);

}  // namespace heatbath::trainers
