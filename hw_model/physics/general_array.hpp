#pragma once
// Every kind of cell with every stepper, on dense couplings or a graph.

#include <memory>

#include "hw_model/physics/array.hpp"

namespace heatbath::physics {

/// Steps are sequences (heatbath/physics/schemes.hpp) of elementwise kernels and coupling products on tiles of 16 or 32
/// lanes; meters are kept in double precision. Cost of a step: one product with the couplings per evaluation of the
/// forces (two of cosines and sines for phases), plus one per metered step. While a ramp runs, exact-ou and
/// rlc arrays compute their matrices in every step, O(cells^3).
class GeneralArray final : public Array {
 public:
  /// `team` is borrowed and may be null. Throws std::invalid_argument with the refusal of the spec.
  GeneralArray(ArraySpec spec, numerics::ThreadTeam* team);
  ~GeneralArray() override;

  void read(std::uint32_t lane, std::span<float> out) const override;
  float state(std::uint32_t lane, std::uint32_t variable) const override;
  std::int32_t turns(std::uint32_t lane, std::uint32_t cell) const override;
  void write(std::uint32_t lane, std::uint32_t first, std::span<const float> values, const Parameters& live) override;
  void set_clamped(std::span<const std::uint8_t> clamped, const Parameters& live) override;
  void change_parameters(const Parameters& from, const Parameters& to) override;
  void change_ramp(const Ramp& from, const Ramp& to, std::uint64_t ramp_first, std::uint64_t ramp_steps) override;
  std::uint64_t advance(const Run& run, const Parameters& live) override;
  void restart() override;
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

  struct Impl;  ///< of its sources and the steppers

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace heatbath::physics
