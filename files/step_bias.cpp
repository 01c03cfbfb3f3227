#include "files/step_bias.hpp"

#include <bit>
#include <cmath>
#include <cstring>
#include <vector>

#include <fmt/format.h>

#include "heatbath/regs.h"

namespace heatbath::apps {

namespace {

constexpr std::size_t most_couplings = 1000000, most_values = 4000000;  // other than 0, and in all
constexpr std::uint32_t most_cells = 65536;  // ends of larger spectra take longer than short runs
constexpr double least_bias = 1e-6;

/// One value for all, or those of an operand's first row.
std::vector<double> values_of(const Program& program, const Program::Step& step) {
  if (step.operand < 0) return {static_cast<double>(std::bit_cast<float>(step.instruction.imm))};
  const Program::Operand& operand = program.operands()[static_cast<std::size_t>(step.operand)];
  const std::size_t count = operand.bytes->size() / operand.rows / sizeof(float);
  std::vector<float> values(count);
  std::memcpy(values.data(), operand.bytes->data(), count * sizeof(float));
  return {values.begin(), values.end()};
}

std::optional<std::vector<measure::PairCoupling>> pairs_of(const Program& program, const Program::Step& step) {
  const Capabilities& caps = program.capabilities();
  const std::uint32_t n = program.cells();
  std::vector<measure::PairCoupling> pairs;
  const bool one = step.operand < 0;
  const std::size_t count =
      one ? caps.couplers().size() : program.operands()[static_cast<std::size_t>(step.operand)].bytes->size() / sizeof(float);
  if (one && std::bit_cast<float>(step.instruction.imm) == 0) return pairs;
  if (count > most_values) return std::nullopt;
  const std::vector<double> values = values_of(program, step);
  const auto add = [&](std::uint32_t i, std::uint32_t j, double value) {
    if (value != 0) pairs.push_back({i, j, value});
    return pairs.size() <= most_couplings;
  };
  std::size_t k = 0;
  const auto next = [&] { return one ? values.front() : values.at(k++); };
  const double part = caps.couplings_full ? 0.5 : 1;  // of one-way couplings the symmetric part counts
  if (caps.sparse()) {
    for (const Coupler& at : program.couplers())
      for (std::uint32_t way = 0; way < (caps.couplings_full ? 2u : 1u); ++way)
        if (!add(at.i, at.j, part * next())) return std::nullopt;
    return pairs;
  }
  for (std::uint32_t i = 0; i < n; ++i) {
    if (caps.couplings_full) {
      for (std::uint32_t j = 0; j < n; ++j) {
        const double value = next();
        if (i != j && !add(i, j, part * value)) return std::nullopt;
      }
    } else {
      for (std::uint32_t j = i + 1; j < n; ++j)
        if (!add(i, j, next())) return std::nullopt;
    }
  }
  return pairs;
}

}  // namespace

std::optional<measure::VarianceBias> step_bias(const Program& program, double dt) {
  const Capabilities& caps = program.capabilities();
  if (caps.parameter_number != Number::float32 || !(dt > 0) || program.cells() > most_cells) return std::nullopt;
  std::vector<double> j2, bias, mass, damping;
  std::vector<measure::PairCoupling> couplings;
  measure::LinearNetwork network;
  network.cells = program.cells();
  network.mobility = caps.mobility;
  for (const Program::Step& step : program.steps()) {
    if (step.instruction.op != HB_OP_LOAD) break;
    switch (step.instruction.section) {
      case HB_SECTION_J2: j2 = values_of(program, step); break;
      case HB_SECTION_BIAS: bias = values_of(program, step); break;
      case HB_SECTION_MASS: mass = values_of(program, step); break;
      case HB_SECTION_DAMPING: damping = values_of(program, step); break;
      case HB_SECTION_GAIN: network.gain = values_of(program, step).front(); break;
      case HB_SECTION_COUPLING: {
        auto pairs = pairs_of(program, step);
        if (!pairs) return std::nullopt;
        couplings = std::move(*pairs);
        break;
      }
      default: break;
    }
  }
  network.j2 = j2, network.bias = bias, network.mass = mass, network.damping = damping, network.couplings = couplings;
  return measure::predicted_bias(caps.cell_kind, caps.stepper, network, dt);
}

std::string in_words(const measure::VarianceBias& bias) {
  const double worst = bias.worst();
  if (std::isinf(worst)) return "the linear part is not stable under it";
  if (!(std::fabs(worst) >= least_bias)) return {};
  return fmt::format("variances up to {:.2g} % too {} (linear part)", 100 * std::fabs(worst), worst > 0 ? "large" : "small");
}

}  // namespace heatbath::apps
