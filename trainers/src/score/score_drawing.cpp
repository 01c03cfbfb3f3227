#include "heatbath/trainers/score_drawing.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "heatbath/error.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::trainers {
namespace {

constexpr double kNoiseStep = 0.02;          // of the uncoupled cells that make the noise, in their relaxation time
constexpr std::uint64_t kNoiseSteps = 200;   // e^-8 of the variance is missing
constexpr double kFinishStep = 0.04;         // of the stiffest pixel, while the last noise is removed
constexpr std::uint32_t kAverages = 20;      // captures of one mean, each a relaxation after the other

[[noreturn]] void refuse(const std::string& what) { throw Error(HB_BAD_ARG, "draw: " + what); }

void check_network(const ScoreNetwork& network) {
  if (network.segments.empty()) refuse("the network has no segments");
  for (const ScoreSegment& segment : network.segments) {
    if (segment.parameters.size() != network.layout().size()) refuse("the network is not trained to its last segment");
    for (const float value : segment.parameters)
      if (!std::isfinite(value)) refuse("the network holds a parameter that is not finite");
  }
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
  const double h = capabilities.mobility * device.time_units(device.step().count > 0 ? device.step() : Ticks{1});
  std::vector<ScoreStretch> plan;
  for (std::size_t s = 0; s < network.segments.size(); ++s) {
    const ScoreSegment& segment = network.segments[s];
    ScoreStretch stretch;
    stretch.steps = options.steps;
    stretch.kT = (segment.tau_first - segment.tau_last) / (options.steps * h);
    stretch.kappa = std::sqrt(stretch.kT * h / options.hidden_step);
    const auto check = [&](double value, double range, const char* what) {
      if (value > range) {
        throw Error(HB_UNSUPPORTED, "draw: segment " + std::to_string(s) + " needs " + what + " " + numerics::general(value) +
                                        ", the device has at most " + numerics::general(range));
      }
    };
    check(stretch.kT, capabilities.kT_max, "kT");
    if (stretch.kT < capabilities.kT_min) {
      throw Error(HB_UNSUPPORTED, "draw: segment " + std::to_string(s) + " needs kT " + numerics::general(stretch.kT) +
                                      ", the device has at least " + numerics::general(capabilities.kT_min));
    }
    const Loaded values = loaded(network, segment, stretch);
    const auto largest = [](const std::vector<float>& list) {
      float most = 0;
      for (const float v : list) most = std::max(most, std::fabs(v));
      return double{most};
    };
    check(largest(values.j2), capabilities.range_j2, "J2");
    check(largest(values.j4), capabilities.range_j4, "J4");
    check(largest(values.bias), capabilities.range_bias, "biases of");
    double coupling = 0;
    for (const Coupling& c : values.couplings) coupling = std::max(coupling, double{std::fabs(c.value)});
    check(coupling, capabilities.range_coupling, "couplings of");
    plan.push_back(stretch);
  }
  return plan;
}

ScoreStretch plan_finish(const Device& device, const ScoreNetwork& network, const ScoreDrawOptions& options) {
  const double h = device.capabilities().mobility * device.time_units(device.step().count > 0 ? device.step() : Ticks{1});
  const std::vector<float>& parameters = network.segments.back().parameters;
  double stiffest = 1e-6;
  for (std::size_t i = 0; i < network.visible(); ++i) stiffest = std::max(stiffest, -double{parameters[network.layout().a() + i]});
  ScoreStretch stretch;
  stretch.steps = options.finish_steps;
  stretch.kT = kFinishStep / (stiffest * h);
  stretch.kappa = std::sqrt(stretch.kT * h / options.hidden_step);
  return stretch;
}

void load_segment(Program& program, const ScoreNetwork& network, std::size_t segment, const ScoreStretch& stretch) {
  const Loaded values = loaded(network, network.segments.at(segment), stretch);
  program.load(CellSection::j2, values.j2).load(CellSection::j4, values.j4).load(CellSection::bias, values.bias);
  program.load_coupling_list(values.couplings);
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
  const std::uint32_t visible = network.visible(), hidden = network.hidden, labels = network.labels;
  const std::uint32_t moving = visible + hidden;
  const bool told = labels > 0 && !options.unlabelled;
  out.shots = options.shots;
  out.visible = visible;
  out.last_noise = !options.remove_last_noise ? LastNoise::none : capabilities.kT_per_cell ? LastNoise::cold : LastNoise::averaged;
  const Ticks step = device.step().count > 0 ? device.step() : Ticks{1};
  const double h = capabilities.mobility * device.time_units(step);
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
  const double noise_kT = kNoiseStep / h;
  const auto average_steps = static_cast<std::uint64_t>(1 / kFinishStep);
  const Ticks average_period = device.capture_period(step * average_steps);
  out.finish = plan_finish(device, network, options);

  // Everything but the labels is the same in all jobs: built once.
  const auto built = [&](bool paths, std::span<const float> clamped, std::uint32_t shots) {
    Program program(capabilities, network.cells());
    // Noise: uncoupled linear cells with <x^2> = 1, a step of which Euler-Maruyama makes 1/(1 - step/2) of.
    std::vector<float> j2(network.cells(), static_cast<float>(noise_kT / 2));
    program.load(CellSection::j2, j2).load(CellSection::j4, 0.0f).load(CellSection::bias, 0.0f).load_gain(0.0f);
    program.load_temperature(static_cast<float>(noise_kT * (device.step().count > 0 ? 1 - kNoiseStep / 2 : 1)));
    program.commit().clamp(0, moving, 0.0f);
    if (labels > 0) program.clamp_per_shot(moving, labels, clamped, shots);
    program.release(0, moving).evolve(step * kNoiseSteps);
    if (paths) program.sample();
    if (capabilities.meters) program.meter_clear().meter_snapshot();
    for (std::size_t s = 0; s < out.stretches.size(); ++s) {
      load_segment(program, network, s, out.stretches[s]);
      if (s == 0) program.load_gain(1.0f);
      program.load_temperature(static_cast<float>(out.stretches[s].kT)).commit().evolve(step * out.stretches[s].steps);
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

  network::Shots shots(device, {.seed_where_taken = options.seed, .first_shot = options.first_shot});
  const auto run = [&](bool paths, std::uint32_t first, std::uint32_t count) {
    if (count == 0) return;
    if (options.progress) {
      shots.set_progress([&](double fraction) { return options.progress((first + fraction * count) / options.shots); });
    }
    JobOptions job;
    job.capture_cells = visible;
    const std::uint64_t records = (paths ? out.path_times - 1 : 0) + (out.last_noise == LastNoise::averaged ? kAverages : 1);
    const auto program_of = [&](std::uint32_t done, std::uint32_t now) {
      std::vector<float> clamped(std::size_t{now} * labels, 0.0f);
      for (std::uint32_t k = 0; k < now && told; ++k) {
        const std::uint32_t turn = first + done + k;
        const std::uint32_t digit = options.asked.empty() ? turn % labels : options.asked[turn % options.asked.size()];
        out.asked.push_back(static_cast<std::uint8_t>(digit));
        clamped[std::size_t{k} * labels + digit] = static_cast<float>(options.guidance);
      }
      Program program = built(paths, clamped, now);
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
