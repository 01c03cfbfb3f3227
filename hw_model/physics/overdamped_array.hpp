#pragma once
// The overdamped quartic cell, Euler–Maruyama, whatever its scales: the fused kernels, or split states.

#include <memory>
#include <optional>
#include <vector>

#include "hw_model/physics/array.hpp"
#include "hw_model/physics/cell_meters.hpp"

namespace heatbath::physics {

class QuarticArray;

/// Runs on a QuarticArray; with parameters whose increments float32 would lose (small_increments.hpp) on a
/// GeneralArray, which splits its states then. The array is chosen at the start of a stretch, by parameters, step and
/// clamped cells (in a ramp by both its ends), and takes over states and meters.
class OverdampedArray final : public Array {
 public:
  /// As QuarticArray.
  OverdampedArray(const ArraySpec& spec, numerics::ThreadTeam* team);
  ~OverdampedArray() override;

  /// Whether states are split since the last stretch.
  bool split() const { return exact_ && active_ == exact_.get(); }

  void read(std::uint32_t lane, std::span<float> out) const override { active_->read(lane, out); }
  float state(std::uint32_t lane, std::uint32_t variable) const override { return active_->state(lane, variable); }
  void write(std::uint32_t lane, std::uint32_t first, std::span<const float> values, const Parameters& live) override {
    active_->write(lane, first, values, live);
  }
  void set_clamped(std::span<const std::uint8_t> clamped, const Parameters& live) override;
  void change_parameters(const Parameters& from, const Parameters& to) override { active_->change_parameters(from, to); }
  void change_ramp(const Ramp& from, const Ramp& to, std::uint64_t ramp_first, std::uint64_t ramp_steps) override {
    active_->change_ramp(from, to, ramp_first, ramp_steps);
  }
  std::uint64_t advance(const Run& run, const Parameters& live) override;
  void enable_meters(bool on) override;
  void enable_cell_meter(CellMeter meter) override;
  void clear_meters() override;
  LaneMeters meters(std::uint32_t lane, const Parameters& live) const override;
  void cell_meter(CellMeter meter, std::uint32_t lane, std::span<double> out) const override;
  double energy(std::uint32_t lane, const Parameters& live) const override { return active_->energy(lane, live); }
  std::uint64_t rail_count() const override;
  std::uint32_t rail_cell() const override;
  void clear_rails() override;
  void exchange(numerics::Archive& archive) override;

 private:
  void switch_to(Array& other, const Parameters& live);

  numerics::ThreadTeam* team_;
  std::unique_ptr<QuarticArray> fast_;
  std::unique_ptr<Array> exact_;  // made when it is needed
  Array* active_;
  std::vector<std::uint8_t> clamped_;
  bool metered_ = false;
  CellMeterSet cell_meters_;
  std::vector<LaneMeters> metered_before_;  // of the array that was active before; empty: nothing
  std::vector<double> cells_before_[cell_meters];  // its meters of cells that are kept, lanes x cells
};

}  // namespace heatbath::physics
