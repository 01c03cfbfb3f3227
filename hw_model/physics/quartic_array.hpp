#pragma once
// The overdamped quartic cell, Euler–Maruyama: fused kernels.

#include <memory>

#include "hw_model/physics/array.hpp"

namespace heatbath::physics {

/// One kernel makes the sums over the couplings, the noise, the step and the meters for 64 cells at a time. Couplings
/// are symmetric: dense, dense in integer arithmetic, or on the graph of the spec.
class QuarticArray final : public Array {
 public:
  /// Overdamped, Euler–Maruyama, reciprocal, white noise. `team` is borrowed and may be null.
  explicit QuarticArray(const ArraySpec& spec, numerics::ThreadTeam* team = nullptr);
  /// The same with dense couplings.
  QuarticArray(std::uint32_t cells, std::uint32_t lanes, float mobility, float rail, numerics::ThreadTeam* team);
  ~QuarticArray() override;

  void read(std::uint32_t lane, std::span<float> out) const override;
  float state(std::uint32_t lane, std::uint32_t variable) const override;
  void write(std::uint32_t lane, std::uint32_t first, std::span<const float> values, const Parameters& live) override;
  void set_clamped(std::span<const std::uint8_t> clamped, const Parameters& live) override;
  void change_parameters(const Parameters& from, const Parameters& to) override;
  void change_ramp(const Ramp& from, const Ramp& to, std::uint64_t ramp_first, std::uint64_t ramp_steps) override;
  std::uint64_t advance(const Run& run, const Parameters& live) override;
  void enable_meters(bool on) override;
  void enable_cell_meter(CellMeter meter) override;
  void clear_meters() override;
  LaneMeters meters(std::uint32_t lane, const Parameters& live) const override;
  void cell_meter(CellMeter meter, std::uint32_t lane, std::span<double> out) const override;
  double energy(std::uint32_t lane, const Parameters& live) const override;
  std::uint64_t rail_count() const override;
  std::uint32_t rail_cell() const override;
  void clear_rails() override;
  void exchange(numerics::Archive& archive) override;

 private:
  void advance_fused(const Run& run, const Parameters& live);
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace heatbath::physics
