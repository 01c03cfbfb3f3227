#pragma once
// The figures of an emulated part, from the model, and estimates of them in units of their standard errors.

#include <cmath>
#include <cstdint>
#include <string>
#include <vector>

#include "heatbath/codes.h"
#include "heatbath/measure/estimate.hpp"
#include "hw_model/analog/die.hpp"
#include "hw_model/analog/mismatch.hpp"
#include "hw_model/analog/parameter_curve.hpp"
#include "hw_model/device/profile.hpp"
#include "hw_model/physics/parameters.hpp"

namespace heatbath::testing {

/// What a part does, read out of the model: the figures that a calibration should find.
struct PartFigures {
  model::Profile profile;
  model::Mismatch mismatch;

  std::uint64_t serial;

  explicit PartFigures(std::uint64_t chip, const std::string& name = "hb-1024") : profile(model::load_profile(name)), mismatch(spread_of(profile), chip), serial(chip) {}
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

/// What acts on the cells of a part at a device time, read out of the model: all that is fixed, its age and its warmth.
/// Noise that is slow is no figure of a part.
struct ActingFigures {
  struct Line {
    double gain = 0, offset = 0;
  };
  std::vector<Line> bias;      ///< of cells: the line through all codes of the bias up to `most`
  double coupling_factor = 1;  ///< on the gains of couplers that the part had when it was new and cold

  ActingFigures(PartFigures& part, std::uint32_t cells, double most, double time) : bias(cells) {
    const model::Profile& p = part.profile;
    model::ParameterCurve curve(p.parameter_inl_sd_steps, p.parameter_dnl_sd_steps, scales(p), part.serial);
    model::Die die(warmth(p), part.serial);
    model::Drift drift({p.drift_exponent, p.drift_exponent_sd, p.drift_onset, p.bias_walk, p.drift_age}, part.serial);
    model::Moment moment;
    moment.cells = cells, moment.running = true, moment.time = time;
    moment.period_time = static_cast<double>(p.slow_period);
    die.pass(moment), drift.pass(moment);
    const auto acting = [&](float value) {
      physics::Parameters live;
      live.j2.assign(cells, 1), live.j4.assign(cells, 0), live.bias.assign(cells, value);
      curve.load(HB_SECTION_BIAS, live.bias);
      part.mismatch.load(HB_SECTION_BIAS, live.bias);
      die.act(live), drift.act(live);
      coupling_factor = static_cast<double>(live.gain);
      return live.bias;
    };
    const double step = static_cast<double>(hb_code_step(p.range_bias, p.parameter_bits));
    const int last = static_cast<int>(most / step);
    double count = 0, squares = 0;
    for (int code = -last; code <= last; ++code) {
      const double value = code * step;
      const physics::ValueList is = acting(static_cast<float>(value));
      ++count, squares += value * value;
      for (std::uint32_t i = 0; i < cells; ++i) bias[i].gain += value * static_cast<double>(is[i]), bias[i].offset += static_cast<double>(is[i]);
    }
    for (Line& line : bias) line.gain /= squares, line.offset /= count;
  }

 private:
  static std::vector<model::ParameterCurve::Scale> scales(const model::Profile& p) {
    std::vector<model::ParameterCurve::Scale> scales(HB_SECTIONS);
    scales[HB_SECTION_BIAS] = {p.range_bias, p.parameter_bits};
    return scales;
  }
  static model::DieLaw warmth(const model::Profile& p) {
    model::DieLaw law;
    law.thermal_time = static_cast<double>(p.thermal_time), law.idle_warmth = static_cast<double>(p.idle_warmth_K);
    law.run_warmth = static_cast<double>(p.run_warmth_K), law.ambient = static_cast<double>(p.ambient_K), law.kT_tracks = static_cast<double>(p.kT_tracks);
    law.coupling_gain = static_cast<double>(p.coupling_gain_per_K), law.cell_gain = static_cast<double>(p.cell_gain_per_K);
    law.bias_offset_sd = static_cast<double>(p.bias_offset_sd_per_K);
    return law;
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
