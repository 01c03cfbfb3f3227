#pragma once
// What the converters that read states add beside their curve: noise, memory of the channel before, uneven steps.

#include <array>
#include <cstdint>
#include <vector>

#include "hw_model/analog/imperfection.hpp"
#include "hw_model/analog/read_out_curve.hpp"

namespace heatbath::model {

/// Of a record's cells, read one after the other: y_i = (1 - c) x_i + c x_{i-1}; the first has none before it.
class Crosstalk : public Imperfection {
 public:
  explicit Crosstalk(float fraction) : fraction_(fraction) {}
  bool reads_out() const override { return true; }
  void read_out(std::uint32_t component, std::uint32_t first, std::span<float> values,
                const ReadAddress* address) const override;

 private:
  float fraction_;
};

/// White noise of each conversion, normal, in steps; its address is that of the job, so results repeat.
class ReadOutNoise : public Imperfection {
 public:
  ReadOutNoise(float sd_steps, std::array<ReadOutCurve::Component, 2> components)
      : sd_(sd_steps), components_(components) {}
  bool reads_out() const override { return true; }
  void read_out(std::uint32_t component, std::uint32_t first, std::span<float> values,
                const ReadAddress* address) const override;

 private:
  float sd_;
  std::array<ReadOutCurve::Component, 2> components_;
};

/// Uneven steps: what lies nearest to a code is read wrong by an error of that code, normal with standard deviation
/// dnl_sd / sqrt 2 steps, so that neighbours differ by dnl_sd; a pure function of the serial number, the cell, the
/// component and the code.
class ReadOutSteps : public Imperfection {
 public:
  ReadOutSteps(float dnl_sd_steps, std::array<ReadOutCurve::Component, 2> components, std::uint32_t bits,
               std::uint64_t serial);
  void prepare_read_out(std::uint32_t cells) override;
  bool reads_out() const override { return true; }
  void read_out(std::uint32_t component, std::uint32_t first, std::span<float> values,
                const ReadAddress* address) const override;

 private:
  float sd_;
  std::array<ReadOutCurve::Component, 2> components_;
  std::uint32_t bits_;
  std::uint64_t key_;
  std::array<std::vector<float>, 2> errors_;  // of each component: cells x codes
};

}  // namespace heatbath::model
