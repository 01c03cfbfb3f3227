#pragma once
// The figures of an emulated part, from the model, and estimates of them in units of their standard errors.

#include <cmath>
#include <cstdint>
#include <vector>

#include "heatbath/codes.h"
#include "heatbath/measure/estimate.hpp"
#include "hw_model/analog/mismatch.hpp"
#include "hw_model/device/profile.hpp"

namespace heatbath::testing {

/// What a part does, read out of the model: the figures that a calibration should find.
struct PartFigures {
  model::Profile profile;
  model::Mismatch mismatch;

  explicit PartFigures(std::uint64_t chip) : profile(model::load_profile("hb-1024")), mismatch(spread_of(profile), chip) {}
  static model::MismatchSpread spread_of(const model::Profile& p) {
    model::MismatchSpread spread;
    spread.cell_gain = p.cell_gain_sd, spread.coupling_gain = p.coupling_gain_sd, spread.j2 = p.j2_sd, spread.j4 = p.j4_sd;
    spread.bias_gain = p.bias_gain_sd, spread.temperature = p.kT_sd;
    spread.bias_offset = p.bias_offset_sd_steps * hb_code_step(p.range_bias, p.parameter_bits);
    spread.coupling_offset = p.coupling_offset_sd_steps * hb_code_step(p.range_coupling, p.parameter_bits);
    spread.die = {p.correlated_fraction, p.correlation_length, p.die_columns};
    return spread;
  }
  std::vector<float> loaded(hb_section_t section, std::uint32_t cells, float value) {
    std::vector<float> values(cells, value);
    mismatch.load(section, values);
    return values;
  }
};

/// Root mean square of (found - true)/standard error.
class Scores {
 public:
  void add(const measure::Estimate& found, double truth) {
    const double z = (found.value - truth) / found.standard_error;
    squares_ += z * z;
    ++count_;
  }
  double root_mean_square() const { return std::sqrt(squares_ / count_); }

 private:
  double squares_ = 0, count_ = 0;
};

}  // namespace heatbath::testing
