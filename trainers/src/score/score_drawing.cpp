#include "heatbath/trainers/score_drawing.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <optional>

#include "../block_memory.hpp"
#include "heatbath/error.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::trainers {
namespace {

constexpr double kNoiseStep = 0.02;          // of the uncoupled cells that make the noise, in their relaxation time
constexpr std::uint64_t kNoiseSteps = 200;   // e^-8 of the variance is missing
constexpr std::uint32_t kAverages = 20;      // captures of one mean
constexpr std::uint32_t kClassShots = 1u << 29;  // from here on shots choose classes

/// Step of the device, or a tick where it hides its step.
Ticks one_step(const Device& device) { return device.step().count > 0 ? device.step() : Ticks{1}; }

[[noreturn]] void refuse(const std::string& what) { throw Error(HB_BAD_ARG, "draw: " + what); }

void check_network(const ScoreNetwork& network) {
  if (network.segments.empty()) refuse("the network has no segments");
  for (const ScoreSegment& segment : network.segments) {
    if (segment.parameters.size() != network.layout().size()) refuse("the network is not trained to its last segment");
    for (const float value : segment.parameters)
      if (!std::isfinite(value)) refuse("the network holds a parameter that is not finite");
  }
}

/// Noise of the cells of a program that is new: uncoupled linear cells from 0 on, until <x^2> = 1, a step of which
/// Euler-Maruyama makes 1/(1 - step/2) of. Ends before the first step; cells from `moving` on are not touched.
void begin_noise(Program& program, const Device& device, std::uint32_t cells, std::uint32_t moving) {
  const Ticks step = one_step(device);
  const double kT = kNoiseStep / (device.capabilities().mobility * device.time_units(step));
  program.load(CellSection::j2, std::vector<float>(cells, static_cast<float>(kT / 2)));
  program.load(CellSection::j4, 0.0f).load(CellSection::bias, 0.0f).load_gain(0.0f);
  program.load_temperature(static_cast<float>(kT * (device.step().count > 0 ? 1 - kNoiseStep / 2 : 1)));
  program.commit().clamp(0, moving, 0.0f);
}

/// What the sections of a segment hold, in device units.
struct Loaded {
  std::vector<float> j2, j4, bias;
  std::vector<Coupling> couplings;
};

Loaded loaded(const ScoreNetwork& network, const ScoreSegment& segment, const ScoreStretch& stretch) {
  const ScoreLayout layout = network.layout();
  const std::size_t visible = layout.visible(), hidden = layout.hidden(), labels = layout.labels(), cells = network.cells();
  const float* p = segment.parameters.data();
  const double kT = stretch.kT, kappa = stretch.kappa;
  Loaded out;
  out.j2.assign(cells, 0.0f);
  out.j4.assign(cells, 0.0f);
  out.bias.assign(cells, 0.0f);
  for (std::size_t i = 0; i < visible; ++i) {
    out.j2[i] = static_cast<float>(-kT * p[layout.a() + i] / 2);
    out.bias[i] = static_cast<float>(-kT * p[layout.c() + i]);
  }
  for (std::size_t k = 0; k < hidden; ++k) {
    out.j2[visible + k] = static_cast<float>(kT * network.A / (kappa * kappa));
    out.j4[visible + k] = static_cast<float>(kT * network.B / (kappa * kappa * kappa * kappa));
    out.bias[visible + k] = static_cast<float>(-kT * p[layout.b() + k] / kappa);
  }
  out.couplings.reserve(visible * hidden + labels * (visible + hidden));
  const auto add = [&](std::size_t i, std::size_t j, double value) {
    out.couplings.push_back({static_cast<std::uint32_t>(i), static_cast<std::uint32_t>(j), static_cast<float>(value)});
  };
  for (std::size_t k = 0; k < hidden; ++k)
    for (std::size_t i = 0; i < visible; ++i) add(i, visible + k, -kT * p[k * visible + i] / kappa);
  for (std::size_t l = 0; l < labels; ++l) {
    for (std::size_t i = 0; i < visible; ++i) add(i, visible + hidden + l, -kT * p[layout.L() + l * visible + i]);
    for (std::size_t k = 0; k < hidden; ++k)
      add(visible + k, visible + hidden + l, -kT * p[layout.U() + l * hidden + k] / kappa);
  }
  return out;
}

/// A stretch of the reverse clock in the force of a segment: in as few steps as `steps` where the ranges of the device
/// hold its parameters and hidden cells are fast enough, else in as many as a lower kT needs. Hidden cells are as fast as
/// hidden_step lets them be, or as the range of J4 does.
ScoreStretch fitted(const Device& device, const ScoreNetwork& network, std::size_t segment, double duration, std::uint32_t steps,
                    const ScoreDrawOptions& options) {
  const double hidden_step = options.hidden_step;
  const Capabilities& capabilities = device.capabilities();
  const ScoreLayout layout = network.layout();
  const double h = capabilities.mobility * device.time_units(one_step(device));
  const std::vector<float>& parameters = network.segments[segment].parameters;
  const auto largest = [&](std::size_t first, std::size_t last) {
    double most = 0;
    for (std::size_t i = first; i < last; ++i) most = std::max(most, std::fabs(double{parameters[i]}));
    return most;
  };
  const double W = largest(0, layout.a()), a = largest(layout.a(), layout.c()), c = largest(layout.c(), layout.L()),
               L = largest(layout.L(), layout.b()), b = largest(layout.b(), layout.U()), U = largest(layout.U(), layout.size());
  const auto kappa_at = [&](double kT) {
    return std::max({std::sqrt(kT * h / hidden_step), std::pow(kT * network.B / capabilities.range_j4, 0.25),
                     std::sqrt(kT * std::fabs(network.A) / capabilities.range_j2)});
  };
  // Each falls with kT: what is needed, over what there is.
  struct Need {
    const char* what;
    double value, range;
  };
  const auto needs_at = [&](double kT) {
    const double kappa = kappa_at(kT);
    return std::array<Need, 5>{{{"kT", kT, capabilities.kT_max},
                                {"J2", kT * a / 2, capabilities.range_j2},
                                {"biases of", kT * std::max(c, b / kappa), capabilities.range_bias},
                                {"couplings of", kT * std::max({W / kappa, L, U / kappa}), capabilities.range_coupling},
                                {"a ratio of speeds of", options.speed_ratio * kappa * kappa, 1}}};
  };
  const auto too_large = [&](double kT) -> std::optional<Need> {
    for (const Need& need : needs_at(kT))
      if (need.value > need.range * (1 + 1e-6)) return need;
    return std::nullopt;
  };
  const auto at_steps = [&](std::uint64_t count) { return duration / (static_cast<double>(count) * h); };
  std::uint64_t count = steps;
  if (too_large(at_steps(count))) {
    std::uint64_t enough = count, most = std::uint64_t{1} << 32;
    if (const auto need = too_large(at_steps(most))) {
      throw Error(HB_UNSUPPORTED, "draw: segment " + std::to_string(segment) + " needs " + need->what + " " +
                                      numerics::general(need->value) + " at any kT, the device has at most " + numerics::general(need->range));
    }
    while (most - enough > 1) {
      const std::uint64_t middle = enough + (most - enough) / 2;
      (too_large(at_steps(middle)) ? enough : most) = middle;
    }
    count = most;
  }
  const double kT = at_steps(count);
  if (kT < capabilities.kT_min) {
    const std::optional<Need> need = too_large(std::max(double{capabilities.kT_min}, kT));
    throw Error(HB_UNSUPPORTED, "draw: segment " + std::to_string(segment) + " needs " +
                                    (need ? std::string(need->what) + " " + numerics::general(need->value) + " at the lowest kT, the device has at most " + numerics::general(need->range)
                                          : "kT " + numerics::general(kT) + ", the device has at least " + numerics::general(capabilities.kT_min)));
  }
  return {kT, kappa_at(kT), count};
}

}  // namespace

std::vector<ScoreStretch> plan_stretches(const Device& device, const ScoreNetwork& network, const ScoreDrawOptions& options) {
  const Capabilities& capabilities = device.capabilities();
  require_cell_kind(capabilities, "draw", CellKind::overdamped);
  require(capabilities.kT_programmable, "draw", "KT_PROGRAMMABLE");
  if (capabilities.sparse()) throw Error(HB_UNSUPPORTED, "draw: a score network couples all visible cells with all hidden ones; this device has couplers of a graph");
  if (network.cells() > capabilities.cells) {
    refuse(std::to_string(network.cells()) + " cells are needed, the device has " + std::to_string(capabilities.cells));
  }
  check_network(network);
  if (options.steps < 1) refuse("steps is 0, at least 1 is needed");
  if (!(options.hidden_step > 0)) refuse("hidden_step must be positive");
  if (!(options.speed_ratio >= 0) || !std::isfinite(options.speed_ratio)) refuse("speed_ratio must be 0 or more, and finite");
  std::vector<ScoreStretch> plan;
  for (std::size_t s = 0; s < network.segments.size(); ++s) {
    const ScoreSegment& segment = network.segments[s];
    plan.push_back(fitted(device, network, s, segment.tau_first - segment.tau_last, options.steps, options));
  }
  return plan;
}

ScoreStretch plan_finish(const Device& device, const ScoreNetwork& network, const ScoreDrawOptions& options) {
  const double left = -std::expm1(-2 * network.segments.back().tau_last);  // variance
  return fitted(device, network, network.segments.size() - 1, options.finish * left / 2, options.finish_steps, options);
}

double guidance_in(const ScoreDrawOptions& options, std::size_t segment, std::size_t segments, std::uint32_t digit) {
  const double over = options.guidance[segment * options.guidance.size() / segments] - 1;
  return 1 + over * (options.class_guidance.empty() ? 1 : options.class_guidance[digit]);
}

void load_segment(Program& program, const ScoreNetwork& network, std::size_t segment, const ScoreStretch& stretch) {
  const Loaded values = loaded(network, network.segments.at(segment), stretch);
  program.load(CellSection::j2, values.j2).load(CellSection::j4, values.j4).load(CellSection::bias, values.bias);
  program.load_coupling_list(values.couplings);
}

std::vector<std::uint8_t> choose_classes(Device& device, const ScoreNetwork& network, const ScoreDrawOptions& options) {
  const std::uint32_t labels = network.labels;
  if (labels < 1) refuse("a class is to be chosen, the network has no label cells");
  if (options.shots < 1) refuse("shots is 0, at least 1 is needed");
  require_cell_kind(device.capabilities(), "draw", CellKind::overdamped);
  require(device.capabilities().kT_programmable, "draw", "KT_PROGRAMMABLE");
  Program program(device.capabilities(), labels);
  begin_noise(program, device, labels, labels);
  program.release(0, labels).evolve(one_step(device) * kNoiseSteps).sample();
  if (options.shots > kClassShots || options.first_shot > ~std::uint32_t{0} - kClassShots - options.shots)
    refuse("classes of " + std::to_string(options.shots) + " drawings from shot " + std::to_string(options.first_shot) + " on: their own shots would have no numbers");
  network::Shots shots(device, {.seed_where_taken = options.seed, .first_shot = options.first_shot + kClassShots, .memory = block_memory, .progress = options.progress});
  const Result result = shots.run(program, options.shots);
  std::vector<std::uint8_t> classes;
  for (std::uint32_t k = 0; k < options.shots; ++k) {
    const std::span<const float> state = result.capture.state(k, 0);
    classes.push_back(static_cast<std::uint8_t>(std::max_element(state.begin(), state.end()) - state.begin()));
  }
  return classes;
}

ScoreDrawings draw(Device& device, const ScoreNetwork& network, const ScoreDrawOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const Capabilities& capabilities = device.capabilities();
  ScoreDrawings out;
  out.stretches = plan_stretches(device, network, options);
  if (options.shots < 1) refuse("shots is 0, at least 1 is needed");
  if (options.unlabelled && !options.asked.empty()) refuse("classes are asked for of drawings without labels");
  for (const std::uint8_t digit : options.asked) {
    if (digit >= network.labels) refuse("class " + std::to_string(digit) + " is asked for, the network has " + std::to_string(network.labels));
  }
  if (options.finish_steps < 1 || !(options.finish > 0)) refuse("finish_steps and finish must be positive");
  if (options.guidance.empty() || options.guidance.size() > network.segments.size()) {
    refuse("guidance has " + std::to_string(options.guidance.size()) + " values, 1 to " + std::to_string(network.segments.size()) +
           " are possible, one for each part of the segments");
  }
  if (!options.class_guidance.empty() && options.class_guidance.size() != network.labels) {
    refuse("class_guidance has " + std::to_string(options.class_guidance.size()) + " values, the network has " +
           std::to_string(network.labels) + " classes");
  }
  const std::uint32_t visible = network.visible(), hidden = network.hidden, labels = network.labels;
  const std::uint32_t moving = visible + hidden;
  const bool told = labels > 0 && !options.unlabelled;
  out.shots = options.shots;
  out.visible = visible;
  // A temperature per cell that is a code is too coarse for hidden cells.
  const bool cold = capabilities.kT_per_cell && capabilities.parameter_bits == 0;
  out.last_noise = !options.remove_last_noise ? LastNoise::none : cold ? LastNoise::cold : LastNoise::averaged;
  const Ticks step = one_step(device);
  const std::uint32_t kept = std::min(options.path_shots, options.shots);
  out.path_times = static_cast<std::uint32_t>(out.stretches.size()) + 2;
  out.images.assign(std::size_t{options.shots} * visible, 0.0f);
  out.paths.assign(std::size_t{kept} * out.path_times * visible, 0.0f);
  if (capabilities.meters) {
    out.heat_kT.assign(options.shots, 0.0);
    out.work_kT.assign(options.shots, 0.0);
    out.heat.assign(options.shots, 0.0);
    out.heat_kT_of_segment.assign(out.stretches.size() + 1, 0.0);
  }
  out.finish = plan_finish(device, network, options);
  const Ticks average_period = device.capture_period(step * out.finish.steps);

  const auto digit_of = [&](std::uint32_t turn) {
    return options.asked.empty() ? turn % labels : options.asked[turn % options.asked.size()];
  };

  // Everything but the labels is the same in all jobs: built once.
  const auto built = [&](bool paths, std::uint32_t first, std::uint32_t shots) {
    const auto clamp_labels = [&](Program& program, std::size_t segment) {
      std::vector<float> clamped(std::size_t{shots} * labels, 0.0f);
      for (std::uint32_t k = 0; k < shots && told; ++k) {
        const std::uint32_t digit = digit_of(first + k);
        clamped[std::size_t{k} * labels + digit] = static_cast<float>(guidance_in(options, segment, out.stretches.size(), digit));
      }
      program.clamp_per_shot(moving, labels, clamped, shots);
    };
    Program program(capabilities, network.cells());
    begin_noise(program, device, network.cells(), moving);
    if (labels > 0) clamp_labels(program, 0);
    // Hidden cells wait at 0: noise of variance 1 is far outside of the wells of a small kappa, where a step is unstable.
    program.release(0, visible).evolve(step * kNoiseSteps);
    if (paths) program.sample();
    if (capabilities.meters) program.meter_clear().meter_snapshot();
    for (std::size_t s = 0; s < out.stretches.size(); ++s) {
      load_segment(program, network, s, out.stretches[s]);
      if (s == 0) program.load_gain(1.0f);
      const std::size_t parts = options.guidance.size(), segments = out.stretches.size();
      if (told && s > 0 && s * parts / segments != (s - 1) * parts / segments) clamp_labels(program, s);
      program.load_temperature(static_cast<float>(out.stretches[s].kT)).commit();
      if (s == 0) program.release(visible, hidden);
      program.evolve(step * out.stretches[s].steps);
      if (capabilities.meters) program.meter_snapshot();
      if (paths && s + 1 < out.stretches.size()) program.sample();
    }
    if (paths) program.sample();
    if (out.last_noise != LastNoise::none) {
      load_segment(program, network, out.stretches.size() - 1, out.finish);
      if (out.last_noise == LastNoise::cold) {
        std::vector<float> kT(network.cells(), static_cast<float>(out.finish.kT));
        std::fill_n(kT.begin(), visible, capabilities.kT_min);
        program.load(CellSection::kT, kT).commit().evolve(step * out.finish.steps).sample();
      } else {
        program.load_temperature(static_cast<float>(out.finish.kT)).commit();
        program.capture_start(average_period, true).evolve(average_period * (kAverages - 1)).capture_stop();
      }
      if (capabilities.meters) program.meter_snapshot();
    } else {
      program.sample();
    }
    return program;
  };

  network::Shots shots(device, {.seed_where_taken = options.seed, .first_shot = options.first_shot, .memory = block_memory});
  const auto run = [&](bool paths, std::uint32_t first, std::uint32_t count) {
    if (count == 0) return;
    if (options.progress) {
      shots.set_progress([&](double fraction) { return options.progress((first + fraction * count) / options.shots); });
    }
    JobOptions job;
    job.capture_cells = visible;
    const std::uint64_t records = (paths ? out.path_times - 1 : 0) + (out.last_noise == LastNoise::averaged ? kAverages : 1);
    const auto program_of = [&](std::uint32_t done, std::uint32_t now) {
      for (std::uint32_t k = 0; k < now && told; ++k) out.asked.push_back(static_cast<std::uint8_t>(digit_of(first + done + k)));
      Program program = built(paths, first + done, now);
      out.steps = program.duration().count / step.count;
      out.device_seconds = static_cast<double>(program.duration().count) * capabilities.tick_seconds();
      return program;
    };
    const auto take = [&](std::uint32_t done, Result&& result) {
      const Capture& capture = result.capture;
      const std::uint64_t last = capture.records() - 1, averaged = out.last_noise == LastNoise::averaged ? kAverages : 1;
      for (std::uint32_t k = 0; k < capture.shots(); ++k) {
        const std::size_t row = first + done + k;
        float* image = out.images.data() + row * visible;
        for (std::uint64_t r = last + 1 - averaged; r <= last; ++r) {
          const std::span<const float> state = capture.state(k, r);
          for (std::uint32_t i = 0; i < visible; ++i) image[i] += state[i] / static_cast<float>(averaged);
        }
        if (paths && row < kept) {
          float* path = out.paths.data() + row * out.path_times * visible;
          for (std::uint32_t t = 0; t + 1 < out.path_times; ++t) std::copy_n(capture.state(k, t).begin(), visible, path + std::size_t{t} * visible);
          std::copy_n(image, visible, path + std::size_t{out.path_times - 1} * visible);
        }
        // Heat and work of a stretch over its temperature. A cold end counts at that of the hidden cells.
        for (std::size_t s = 0; s + 1 < result.meters.size(); ++s) {
          const double kT = s < out.stretches.size() ? out.stretches[s].kT : out.finish.kT;
          const double given_off = result.meters[s + 1][k].heat - result.meters[s][k].heat, heat = given_off / kT;
          out.heat[row] += given_off;
          out.heat_kT[row] += heat;
          out.work_kT[row] += (result.meters[s + 1][k].work - result.meters[s][k].work) / kT;
          out.heat_kT_of_segment[s] += heat / options.shots;
        }
      }
      out.clips = std::max(out.clips, result.clips);
      out.rails += result.rails;
    };
    shots.run(count, records * visible * sizeof(float), program_of, take, job);
  };
  run(true, 0, kept);
  run(false, kept, options.shots - kept);
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return out;
}

}  // namespace heatbath::trainers
