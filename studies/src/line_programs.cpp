#include "line_programs.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "heatbath/cells/quartic.hpp"
#include "heatbath/error.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/random.hpp"
#include "stoppable.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::uint32_t kCellsPerShot = 256;
constexpr double kRailMargin = 6;       // standard deviations of the noised law that stay within the rails
constexpr double kKneeOfLevels = 0.1;           // of the spacing of levels, in standard deviations of the data
constexpr double kRelaxations = 6;      // relaxation times in which a cell forgets that it was clamped
constexpr std::uint32_t kFirstGeneration = 0x40000000;
constexpr std::uint32_t kShotsPerLook = 64;  // of 256 cells at each level
constexpr std::uint32_t kShotsPerRun = 0x04000000;

[[noreturn]] void refuse(const std::string& what) { throw Error(HB_BAD_ARG, "score_bound: " + what); }

/// Adds the error of the converter back as even noise, so that equal codes are not equal values.
void dither(const Capabilities& capabilities, double unit, std::uint64_t seed, std::uint32_t run,
            std::vector<std::vector<double>>& states, const Look& look) {
  if (capabilities.capture_bits == 0) return;
  const double step = unit * std::ldexp(static_cast<double>(capabilities.range_state),
                                        1 - static_cast<int>(capabilities.capture_bits));
  for (std::size_t level = 0; level < states.size(); ++level) {
    in_blocks(states[level].size(), look, [&](std::size_t first, std::size_t last) {
      for (std::size_t i = first; i < last; ++i) {
        const auto words = numerics::random_words(seed, numerics::HostPurpose::capture_dither, static_cast<std::uint32_t>(i),
                                                  static_cast<std::uint32_t>(level), run);
        states[level][i] += step * (numerics::unit_interval(words[0]) - 0.5);
      }
    });
  }
}

/// Runs a program whose samples are levels and whose snapshots (where there are meters) are too.
LineRun run_line(Device& device, const LinePlan& plan, const Program& program, std::span<const double> kT,
                 const std::function<double(std::size_t segment, double state)>& potential, std::uint32_t first_shot,
                 std::uint32_t run, const BoundOptions& options) {
  const Capabilities& capabilities = device.capabilities();
  network::Shots shots(device, {.seed_where_taken = options.seed, .first_shot = first_shot, .progress = options.progress});
  const Result result = shots.run(program, plan.shots);
  const Look look = [&] {
    if (options.progress && !options.progress(1)) throw Error(HB_ABORTED, "score_bound: stopped");
  };
  LineRun out;
  out.clips = result.clips;
  out.rails = result.rails;
  const std::size_t levels = result.capture.records();
  out.states.assign(levels, std::vector<double>(plan.values()));
  for (std::uint32_t shot = 0; shot < plan.shots; ++shot) {
    if (shot % kShotsPerLook == 0) look();
    for (std::size_t level = 0; level < levels; ++level) {
      const std::span<const float> state = result.capture.state(shot, level);
      for (std::size_t c = 0; c < plan.cells; ++c) {
        out.states[level][shot * plan.cells + c] = plan.unit * static_cast<double>(state[c]);
      }
    }
  }
  out.heat.assign(levels - 1, std::vector<double>(plan.shots, 0.0));
  for (std::size_t segment = 0; segment + 1 < levels; ++segment) {
    for (std::uint32_t shot = 0; shot < plan.shots; ++shot) {
      double heat = 0;
      if (capabilities.meters) {
        heat = result.meters[segment + 1][shot].heat - result.meters[segment][shot].heat;
      } else {
        for (std::size_t c = 0; c < plan.cells; ++c) {
          const std::size_t i = shot * plan.cells + c;
          heat += potential(segment, out.states[segment][i] / plan.unit) -
                  potential(segment, out.states[segment + 1][i] / plan.unit);
        }
      }
      out.heat[segment][shot] = heat / kT[segment];
    }
  }
  dither(capabilities, plan.unit, options.seed, run, out.states, look);
  return out;
}

}  // namespace

double process_time(Process process, double clock, double sigma) {
  if (process == Process::vp) return clock;
  const double log = std::log(sigma);
  return std::log1p(2 * log * clock) / (2 * log);
}

LinePlan line_plan(const Device& device, const DataLaw& law, const BoundOptions& options) {
  const Capabilities& capabilities = device.capabilities();
  require_cell_kind(capabilities, "score_bound", CellKind::overdamped);
  if (options.samples < 64) refuse("samples is " + std::to_string(options.samples) + ", at least 64 are needed");
  if (options.levels < 8 || options.levels > 1000) {
    refuse("levels is " + std::to_string(options.levels) + ", 8 to 1000 are possible");
  }
  if (!(options.ratio > 0) || !std::isfinite(options.ratio)) refuse("ratio must be positive and finite");
  const bool vp = options.process == Process::vp;
  if (vp && !(options.duration > 0 && options.duration <= 20)) {
    refuse("duration is " + numerics::general(options.duration) + " time units, it must be above 0 and at most 20");
  }
  if (!vp && !(options.sigma > 1 && options.sigma <= 100)) {
    refuse("sigma is " + numerics::general(options.sigma) + ", it must be above 1 and at most 100");
  }

  LinePlan plan;
  plan.process = options.process;
  plan.cells = std::min({kCellsPerShot, capabilities.cells, options.samples});
  plan.shots = (options.samples + plan.cells - 1) / plan.cells;

  // Levels: equal steps of ln(sqrt(clock) + knee).
  const double log_sigma = std::log(options.sigma);
  const double end = vp ? options.duration : (options.sigma * options.sigma - 1) / (2 * log_sigma);
  const double deviation = std::sqrt(law.variance());
  const double knee = kKneeOfLevels * (vp ? 1 : deviation);
  std::vector<double> wanted{0};
  const double range = std::log((std::sqrt(end) + knee) / knee);
  for (std::uint32_t k = 1; k < options.levels; ++k) {
    const double root = knee * std::expm1(range * k / (options.levels - 1));
    wanted.push_back(root * root);
  }
  if (vp) {
    // Times at which others give figures, in place of the levels next to them.
    for (const double time : {0.1, 0.5, 1.0, 2.0}) {
      if (time >= 0.9 * end) continue;
      const auto nearest = std::min_element(wanted.begin() + 1, wanted.end() - 1, [&](double a, double b) {
        return std::abs(a - time) < std::abs(b - time);
      });
      *nearest = time;
    }
  }

  // The unit of state: rails wide enough, temperature in range.
  const double noised = vp ? std::max(deviation, 1.0) : std::sqrt(law.variance() + end);
  const double widest = std::max(law.reach(), kRailMargin * noised);
  const double mobility = static_cast<double>(capabilities.mobility);
  plan.unit = std::max(1.0, widest / static_cast<double>(capabilities.range_state));
  if (vp) {
    if (!capabilities.kT_programmable) plan.unit = 1 / std::sqrt(mobility * static_cast<double>(capabilities.kT_reset));
    else plan.unit = std::max(plan.unit, 1 / std::sqrt(mobility * static_cast<double>(capabilities.kT_max)));
    if (widest / plan.unit > 1.0001 * static_cast<double>(capabilities.range_state)) {
      throw Error(HB_UNSUPPORTED, "score_bound: values reach " + numerics::general(widest) + ", and at kT " +
                                      numerics::general(static_cast<double>(capabilities.kT_reset)) + " the device's rails are at " +
                                      numerics::general(plan.unit * static_cast<double>(capabilities.range_state)));
    }
  }
  const double kT_unit = 1 / (mobility * plan.unit * plan.unit);  // kT at which the diffusion constant is 1
  const double tick = device.time_units(Ticks{1});
  const std::uint64_t grain = std::max<std::uint64_t>(device.step().count, 1);
  const std::uint64_t shortest = std::max<std::uint64_t>(device.capture_period(Ticks{grain}).count, grain);
  const bool euler = capabilities.stepper == Stepper::euler_maruyama && capabilities.kT_programmable;
  const double h = euler ? device.time_units(device.step()) : 0;
  // One Euler–Maruyama step of stiffness (1 - e^-h)/h at temperature (1 - e^-2h)/2h is the exact transition over h.
  const double stiffness = euler ? -std::expm1(-h) / h : 1;
  const double heat_bath = euler ? -std::expm1(-2 * h) / (2 * h) : 1;
  plan.j2 = vp ? static_cast<float>(0.5 * stiffness / mobility) : 0.0f;

  plan.clock.push_back(0);
  double kT_low = 0, kT_high = HUGE_VAL;
  if (capabilities.kT_programmable) {
    kT_low = static_cast<double>(capabilities.kT_min);
    kT_high = static_cast<double>(capabilities.kT_max);
  } else {
    kT_low = kT_high = static_cast<double>(capabilities.kT_reset);
  }
  for (std::size_t k = 1; k < wanted.size(); ++k) {
    const double from = plan.clock.back();
    const double step = wanted[k] - from;
    double duration = vp ? step : process_time(options.process, wanted[k], options.sigma) -
                                      process_time(options.process, from, options.sigma);
    if (!vp) {  // stretched or cut where kT = step/(2 duration) is out of range
      if (kT_high > 0) duration = std::max(duration, 0.5 * step * kT_unit / kT_high);
      if (kT_low > 0) duration = std::min(duration, 0.5 * step * kT_unit / kT_low);
    }
    std::uint64_t ticks = duration > 0 ? static_cast<std::uint64_t>(std::llround(duration / tick / static_cast<double>(grain))) * grain : 0;
    if (vp && ticks < shortest) {
      if (k + 1 == wanted.size() || step <= 0.3 * static_cast<double>(shortest) * tick) continue;
    }
    ticks = std::max(ticks, shortest);
    const double time = static_cast<double>(ticks) * tick;
    double kT = kT_unit * heat_bath, reverse = kT_unit;
    double advance = time;
    if (!vp) {
      if (step <= 0) continue;
      kT = reverse = std::clamp(0.5 * step * kT_unit / time, kT_low, kT_high);
      advance = 2 * kT / kT_unit * time;
    }
    plan.durations.push_back(Ticks{ticks});
    plan.kT.push_back(kT);
    plan.kT_reverse.push_back(reverse);
    plan.clock.push_back(from + advance);
  }
  if (plan.levels() < 4) {
    refuse("only " + std::to_string(plan.levels()) + " levels of noise fit between captures of the device; a longer "
           "duration is needed");
  }
  for (const double clock : plan.clock) {
    plan.noise.push_back(vp ? LinearNoise{std::exp(-clock), -std::expm1(-2 * clock)} : LinearNoise{1, clock});
  }
  return plan;
}

LineRun noise_values(Device& device, const LinePlan& plan, std::span<const double> x0, const BoundOptions& options) {
  const Capabilities& capabilities = device.capabilities();
  std::vector<float> states(plan.values());
  for (std::size_t i = 0; i < states.size(); ++i) states[i] = static_cast<float>(x0[i] / plan.unit);
  Program program(capabilities, plan.cells);
  program.load(CellSection::j2, plan.j2).load(CellSection::j4, 0.0f).load(CellSection::bias, 0.0f).load_gain(0.0f);
  program.at_temperature(static_cast<float>(plan.kT.front()));
  program.commit().clamp_per_shot(0, plan.cells, states, plan.shots).release(0, plan.cells);
  if (capabilities.meters) program.meter_clear().meter_snapshot();
  program.sample();
  for (std::size_t k = 0; k < plan.durations.size(); ++k) {
    if (k > 0 && plan.kT[k] != plan.kT[k - 1]) program.load_temperature(static_cast<float>(plan.kT[k])).commit();
    program.evolve(plan.durations[k]).sample();
    if (capabilities.meters) program.meter_snapshot();
  }
  const double j2 = static_cast<double>(plan.j2);
  return run_line(device, plan, program, plan.kT, [j2](std::size_t, double y) { return j2 * y * y; }, 0, 0, options);
}

LineRun generate_values(Device& device, const LinePlan& plan, std::span<const CellForce> forces, double variance,
                        std::uint32_t run, const BoundOptions& options) {
  const Capabilities& capabilities = device.capabilities();
  const double mobility = static_cast<double>(capabilities.mobility);
  const std::size_t segments = forces.size();
  struct Cell {
    float j2, j4, bias;
  };
  std::vector<Cell> cells;   // in the order in which they act
  std::vector<double> kT;
  for (std::size_t k = 0; k < segments; ++k) {
    const std::size_t j = segments - 1 - k;
    const double speed =
        (plan.clock[j + 1] - plan.clock[j]) / device.time_units(plan.durations[j]) / mobility;  // clock per time unit
    cells.push_back({static_cast<float>(-0.5 * forces[j].linear * speed),
                     static_cast<float>(-0.25 * forces[j].cubic * plan.unit * plan.unit * speed),
                     static_cast<float>(-forces[j].constant / plan.unit * speed)});
    kT.push_back(plan.kT_reverse[j]);
  }
  Program program(capabilities, plan.cells);
  // Thermal noise of the wanted variance: a cell of stiffness kT/variance.
  const double start_j2 = 0.5 * kT.front() * plan.unit * plan.unit / variance;
  program.load(CellSection::j2, static_cast<float>(start_j2)).load(CellSection::j4, 0.0f);
  program.load(CellSection::bias, 0.0f).load_gain(0.0f);
  program.at_temperature(static_cast<float>(kT.front()));
  program.commit().clamp(0, plan.cells, 0.0f).release(0, plan.cells);
  program.evolve(device.ticks(kRelaxations / (2 * start_j2 * mobility)));
  if (capabilities.meters) program.meter_clear().meter_snapshot();
  program.sample();
  for (std::size_t k = 0; k < segments; ++k) {
    program.load(CellSection::j2, cells[k].j2).load(CellSection::j4, cells[k].j4).load(CellSection::bias, cells[k].bias);
    program.at_temperature(static_cast<float>(kT[k])).commit().evolve(plan.durations[segments - 1 - k]).sample();
    if (capabilities.meters) program.meter_snapshot();
  }
  const auto potential = [&cells](std::size_t segment, double y) {
    const Cell& cell = cells[segment];
    return cells::quartic_energy<double>(cell.j2, cell.j4, cell.bias, y);
  };
  return run_line(device, plan, program, kT, potential, kFirstGeneration + run * kShotsPerRun, 1 + run, options);
}

}  // namespace heatbath::trainers
