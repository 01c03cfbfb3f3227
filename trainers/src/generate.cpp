#include <algorithm>
#include <chrono>
#include <cmath>

#include "block_memory.hpp"
#include "generative_programs.hpp"
#include "heatbath/error.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/trainers/generative.hpp"
#include "potential_energy.hpp"

namespace heatbath::trainers {
namespace {

void check_model(const GenerativeModel& model) {
  const std::size_t n = model.cells();
  const auto check = [](bool good, const std::string& what) {
    if (!good) throw Error(HB_BAD_ARG, "generate: " + what);
  };
  check(model.visible >= 1, "the model has no visible cells");
  check(model.segments >= 1 && model.couplings.size() == model.segments * n * n &&
            model.bias.size() == model.segments * n,
        "the model holds " + std::to_string(model.couplings.size()) + " couplings and " +
            std::to_string(model.bias.size()) + " biases, " + std::to_string(n) + " cells in " +
            std::to_string(model.segments) + " segments need " + std::to_string(model.segments * n * n) + " and " +
            std::to_string(model.segments * n));
  check(model.labels == 0 || model.classes().size() == model.labels,
        "the model has " + std::to_string(model.labels) + " label cells and " + std::to_string(model.classes().size()) +
            " classes");
  const auto finite = [](float value) { return std::isfinite(value); };
  check(std::all_of(model.couplings.begin(), model.couplings.end(), finite) &&
            std::all_of(model.bias.begin(), model.bias.end(), finite),
        "the model holds a parameter that is not finite");
}

}  // namespace

Samples generate(Device& device, const GenerativeModel& model, const GenerateOptions& options) {
  const auto begin = std::chrono::steady_clock::now();
  const Capabilities& capabilities = device.capabilities();
  check_model(model);
  check_machine(capabilities, "generate", model.cells(), model.j2, model.j4, model.kT, model.tf);
  const auto check = [](bool good, const std::string& what) {
    if (!good) throw Error(HB_BAD_ARG, "generate: " + what);
  };
  check(options.shots >= 1 && options.shots <= kShotsPerRange,
        "shots is " + std::to_string(options.shots) + ", 1 to " + std::to_string(kShotsPerRange) + " are possible");
  const std::uint32_t kept_shots = std::min(options.trajectory_shots, options.shots);
  check(kept_shots == 0 || options.trajectory_times >= 2,
        "trajectory_times is " + std::to_string(options.trajectory_times) + ", at least 2 are needed");

  const std::vector<std::uint8_t> classes = model.labels > 0 ? model.classes() : std::vector<std::uint8_t>{};
  check(options.asked.empty() || model.labels > 0, "classes are asked for, and the model has no label cells");
  for (const std::uint8_t digit : options.asked) {
    check(std::find(classes.begin(), classes.end(), digit) != classes.end(),
          "class " + std::to_string(digit) + " is asked for, which the model has not learned");
  }

  const Ticks tf = device.ticks(model.tf);
  GenerationPlan ends, path;  // what jobs without and with trajectories record
  ends.meters = path.meters = capabilities.meters;
  for (std::uint32_t s = 1; s < model.segments; ++s) {
    ends.switch_times.push_back(device.ticks(model.tf * s / model.segments));
  }
  path.switch_times = ends.switch_times;
  // Without meters the energies at both ends of each segment are needed.
  if (!capabilities.meters) {
    ends.sample_times.push_back(Ticks{0});
    ends.sample_times.insert(ends.sample_times.end(), ends.switch_times.begin(), ends.switch_times.end());
  }
  ends.sample_times.push_back(tf);
  Samples samples;
  std::vector<Ticks> shown;
  if (kept_shots > 0) {
    const std::uint32_t last = options.trajectory_times - 1;
    for (std::uint32_t k = 0; k <= last; ++k) {
      const double fraction = static_cast<double>(k) / last;
      Ticks time = k == 0 ? Ticks{0} : k == last ? tf : std::min(device.nearest_ticks(fraction * model.tf), tf);
      // A record that the drawing takes anyway is shown where the device could not take another one as near to it.
      for (const Ticks taken : ends.sample_times)
        if (std::max(taken, time) - std::min(taken, time) < capabilities.capture_min) time = taken;
      shown.push_back(time);
      samples.trajectory_time_units.push_back(device.time_units(time));
    }
    path.sample_times = shown;
    path.sample_times.insert(path.sample_times.end(), ends.sample_times.begin(), ends.sample_times.end());
    std::sort(path.sample_times.begin(), path.sample_times.end());
    path.sample_times.erase(std::unique(path.sample_times.begin(), path.sample_times.end()), path.sample_times.end());
    bool rising = std::is_sorted(shown.begin(), shown.end()) && std::adjacent_find(shown.begin(), shown.end()) == shown.end();
    for (std::size_t k = 1; k < path.sample_times.size(); ++k) {
      rising &= (path.sample_times[k] - path.sample_times[k - 1]).count >= capabilities.capture_min.count;
    }
    check(rising, "trajectory_times is " + std::to_string(options.trajectory_times) + ", more than the device can capture within tf of " +
                      std::to_string(tf.count) + " ticks, " + std::to_string(ends.sample_times.size()) +
                      " of which the energies need: its shortest period is " + std::to_string(capabilities.capture_min.count));
  }

  samples.shots = options.shots;
  samples.visible = model.visible;
  samples.kT = model.kT;
  samples.heat_source = capabilities.meters ? "meter" : "states";
  samples.images.resize(std::size_t{options.shots} * model.visible);
  samples.heat.resize(options.shots);
  samples.v0.resize(options.shots);
  samples.vf.resize(options.shots);
  samples.trajectories.resize(std::size_t{kept_shots} * samples.trajectory_time_units.size() * model.visible);

  // With meters only the pictures are captured; without, the energy needs the hidden cells too.
  const std::uint32_t captured = capabilities.meters ? model.visible : model.cells();
  numerics::ThreadTeam team(options.threads);
  network::Shots shots(device, {.seed_where_taken = options.seed, .first_shot = options.first_shot, .memory = block_memory});
  const auto take = [&](const GenerationPlan& plan, std::uint32_t done, const Result& result) {
    const Capture& capture = result.capture;
    const std::uint64_t last = capture.records() - 1;
    team.run(capture.shots(), [&](std::size_t index) {
      const auto shot = static_cast<std::uint32_t>(index);
      const std::size_t row = done + index;
      const std::span<const float> end = capture.state(shot, last);
      std::copy_n(end.begin(), model.visible, samples.images.begin() + static_cast<std::ptrdiff_t>(row * model.visible));
      if (capabilities.meters) {
        samples.v0[row] = result.meters[0][index].energy;
        samples.vf[row] = result.meters[1][index].energy;
        samples.heat[row] = result.meters[1][index].heat;
      } else {
        samples.v0[row] = potential_energy(model, capture.state(shot, 0));
        samples.vf[row] = potential_energy(model, end, model.segments - 1);
        samples.heat[row] = 0;
        for (std::uint32_t s = 0; s < model.segments; ++s) {
          const auto at = [&](std::uint32_t boundary) {
            const Ticks time = boundary == 0 ? Ticks{0} : boundary == model.segments ? tf : plan.switch_times[boundary - 1];
            const auto found = std::lower_bound(plan.sample_times.begin(), plan.sample_times.end(), time);
            return capture.state(shot, static_cast<std::uint64_t>(found - plan.sample_times.begin()));
          };
          samples.heat[row] += potential_energy(model, at(s), s) - potential_energy(model, at(s + 1), s);
        }
      }
      if (row < kept_shots) {
        float* out = samples.trajectories.data() + row * shown.size() * model.visible;
        for (std::size_t k = 0; k < shown.size(); ++k) {
          const auto record = std::lower_bound(plan.sample_times.begin(), plan.sample_times.end(), shown[k]);
          std::copy_n(capture.state(shot, static_cast<std::uint64_t>(record - plan.sample_times.begin())).begin(),
                      model.visible, out + k * model.visible);
        }
      }
    });
    if (done == 0) {
      samples.clips = result.clips;
      if (capabilities.readback) {
        samples.applied_bias = result.readback[0];
        samples.applied_couplings = result.readback[1];
      }
    }
    samples.rails += result.rails;
  };
  /// Shots first.. by one plan.
  const auto draw = [&](GenerationPlan& plan, std::uint32_t first, std::uint32_t count) {
    if (count == 0) return;
    if (options.progress) {
      shots.set_progress([&](double fraction) { return options.progress((first + fraction * count) / options.shots); });
    }
    JobOptions job;
    job.capture_cells = captured;
    const auto program_of = [&](std::uint32_t done, std::uint32_t now) {
      plan.readback = capabilities.readback && first + done == 0;
      plan.labels.assign(std::size_t{now} * model.labels, 0.0f);
      for (std::uint32_t shot = 0; shot < now && model.labels > 0; ++shot) {
        const std::vector<std::uint8_t>& turn = options.asked.empty() ? classes : options.asked;
        const std::uint8_t digit = turn[(first + done + shot) % turn.size()];
        samples.asked.push_back(digit);
        plan.labels[std::size_t{shot} * model.labels +
                    static_cast<std::size_t>(std::find(classes.begin(), classes.end(), digit) - classes.begin())] = 1.0f;
      }
      return generation_program(capabilities, model, tf, plan);
    };
    shots.run(count, std::uint64_t{plan.sample_times.size()} * captured * sizeof(float), program_of,
              [&](std::uint32_t done, Result&& result) { take(plan, first + done, result); }, job);
  };
  draw(path, 0, kept_shots);
  draw(ends, kept_shots, options.shots - kept_shots);
  samples.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return samples;
}

}  // namespace heatbath::trainers
