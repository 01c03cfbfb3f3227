#include <algorithm>
#include <chrono>
#include <cmath>

#include "generative_programs.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/trainers/generative.hpp"
#include "potential_energy.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::uint64_t kCaptureBudget = 256u << 20;  // bytes of captured states one job may leave on the host

void check_model(const GenerativeModel& model) {
  const std::size_t n = model.cells();
  const auto check = [](bool good, const std::string& what) {
    if (!good) throw Error(HB_BAD_ARG, "generate: " + what);
  };
  check(model.visible >= 1, "the model has no visible cells");
  check(model.couplings.size() == n * n && model.bias.size() == n,
        "the model holds " + std::to_string(model.couplings.size()) + " couplings and " +
            std::to_string(model.bias.size()) + " biases, " + std::to_string(n) + " cells need " + std::to_string(n * n) +
            " and " + std::to_string(n));
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

  const Ticks tf = device.ticks(model.tf);
  GenerationPlan ends, path;  // what jobs without and with trajectories record
  ends.meters = path.meters = capabilities.meters;
  if (!capabilities.meters) ends.sample_times.push_back(Ticks{0});
  ends.sample_times.push_back(tf);
  Samples samples;
  if (kept_shots > 0) {
    const std::uint32_t last = options.trajectory_times - 1;
    for (std::uint32_t k = 0; k <= last; ++k) {
      const double fraction = static_cast<double>(k) / last;
      Ticks time = k == 0 ? Ticks{0} : k == last ? tf : device.ticks(fraction * model.tf);
      time = std::min(time, tf);
      check(k == 0 || (time > path.sample_times.back() &&
                       (time - path.sample_times.back()).count >= capabilities.capture_min.count),
            "trajectory_times is " + std::to_string(options.trajectory_times) +
                ", more than the device can capture within tf");
      path.sample_times.push_back(time);
      samples.trajectory_time_units.push_back(device.time_units(time));
    }
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
  for (std::uint32_t done = 0; done < options.shots;) {
    const bool with_path = done < kept_shots;
    GenerationPlan& plan = with_path ? path : ends;
    plan.readback = capabilities.readback && done == 0;
    const std::uint64_t shot_bytes = std::uint64_t{plan.sample_times.size()} * captured * sizeof(float);
    const auto shots = static_cast<std::uint32_t>(std::min<std::uint64_t>(
        options.shots - done, std::max<std::uint64_t>(1, kCaptureBudget / shot_bytes)));

    JobOptions job;
    job.shots = shots;
    if (capabilities.seeded) {
      job.seed = options.seed;
      job.first_shot = kGenerationFirstShot + done;
    }
    job.capture_cells = captured;
    if (options.progress) {
      job.progress = [&](double fraction) { return options.progress((done + fraction * shots) / options.shots); };
    }
    const Result result = device.run(generation_program(capabilities, model, tf, plan), job);

    const Capture& capture = result.capture;
    const std::uint64_t last = capture.records() - 1;
    team.run(shots, [&](std::size_t index) {
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
        samples.vf[row] = potential_energy(model, end);
        samples.heat[row] = samples.v0[row] - samples.vf[row];
      }
      if (row < kept_shots) {
        float* out = samples.trajectories.data() + row * capture.records() * model.visible;
        for (std::uint64_t record = 0; record < capture.records(); ++record) {
          std::copy_n(capture.state(shot, record).begin(), model.visible, out + record * model.visible);
        }
      }
    });
    if (plan.readback) {
      samples.applied_bias = result.readback[0];
      samples.applied_couplings = result.readback[1];
    }
    if (done == 0) samples.clips = result.clips;
    samples.rails += result.rails;
    done += shots;
  }
  samples.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return samples;
}

}  // namespace heatbath::trainers
