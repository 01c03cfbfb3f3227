#pragma once
// Categorical cells, on dense couplings or a graph.

#include <memory>

#include "hw_model/physics/array.hpp"

namespace heatbath::physics {

/// A step updates every free cell once, in order or colour by colour: a cell takes state s with probability
/// exp(-V(s)/kT) / sum in the field of the others (heatbath/cells/categorical.hpp). One 32-bit word per cell, step and
/// shot decides. Cost of an update: the couplings of the cell, and an exponential per state.
class CategoricalArray final : public Array {
 public:
  /// `team` is borrowed and may be null. Throws std::invalid_argument with the refusal of the spec.
  CategoricalArray(ArraySpec spec, numerics::ThreadTeam* team);
  ~CategoricalArray() override;

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
  std::uint64_t rail_count() const override { return 0; }
  std::uint32_t rail_cell() const override { return 0xFFFFFFFFu; }
  void clear_rails() override {}
  void exchange(numerics::Archive& archive) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace heatbath::physics
