#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <set>

#include "generative_programs.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/trainers/generative.hpp"
#include "online_rule.hpp"
#include "path_action.hpp"
#include "trainable.hpp"

namespace heatbath::trainers {
namespace {

constexpr std::uint64_t kCaptureBudget = 256u << 20;  // bytes of captured states one job may leave on the host

/// Adds the life of the object to a number of seconds.
class Stopwatch {
 public:
  explicit Stopwatch(double& total) : total_(total), start_(std::chrono::steady_clock::now()) {}
  ~Stopwatch() { total_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count(); }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  double& total_;
  std::chrono::steady_clock::time_point start_;
};

void check_options(const Device& device, const Images& data, const GenerativeOptions& options) {
  const auto check = [](bool good, const std::string& what) {
    if (!good) throw Error(HB_BAD_ARG, "GenerativeTrainer: " + what);
  };
  check(options.hidden >= 1, "hidden is 0, at least 1 hidden cell is needed");
  check(options.updates >= 1 && options.updates <= kShotsPerRange,
        "updates is " + std::to_string(options.updates) + ", 1 to " + std::to_string(kShotsPerRange) + " are possible");
  check(options.block >= 1, "block is 0, at least 1 trajectory per job is needed");
  check(options.learning_rate > 0 && std::isfinite(options.learning_rate), "learning_rate must be positive and finite");
  check(!options.digits.empty(), "digits is empty, at least one class is needed");
  check(std::set<std::uint8_t>(options.digits.begin(), options.digits.end()).size() == options.digits.size(),
        "digits names a class twice");
  for (const std::uint8_t digit : options.digits) {
    check(digit <= 9, "digits names class " + std::to_string(digit) + ", classes are 0 to 9");
  }
  check(data.size() > 0 && data.pixels.size() == data.size() * data.rows * data.columns,
        data.source + " holds " + std::to_string(data.size()) + " labels and " + std::to_string(data.pixels.size()) +
            " pixels, which do not belong together");
  const std::uint64_t cells = std::uint64_t{data.rows} * data.columns + options.hidden;
  check(cells <= 0xFFFFFFFFu, "hidden is " + std::to_string(options.hidden) + ", the device has " +
                                  std::to_string(device.capabilities().cells) + " cells");
  check_machine(device.capabilities(), "GenerativeTrainer", static_cast<std::uint32_t>(cells), options.j2, options.j4,
                options.kT, options.tf);
}

}  // namespace

struct GenerativeTrainer::Impl {
  Impl(Device& the_device, const Images& data, const GenerativeOptions& the_options)
      : device(the_device),
        options(the_options),
        schedule((check_options(the_device, data, the_options),
                  noising_schedule(the_device, the_options.tf, the_options.capture_period))),
        team(the_options.threads),
        theta(data.rows * data.columns, the_options.hidden),
        gradient(the_options.optimizer == Optimizer::gradient ? theta : Trainable(0, 0)),
        action(team),
        online(team) {
    std::vector<std::size_t> images;
    for (const std::uint8_t digit : options.digits) images.push_back(nth_of_class(data, digit));
    model.visible = theta.visible;
    model.hidden = theta.hidden;
    model.couplings.assign(theta.cells() * theta.cells(), 0.0f);
    model.bias.assign(theta.cells(), 0.0f);
    model.j2 = options.j2;
    model.j4 = options.j4;
    model.kT = options.kT;
    model.tf = options.tf;
    model.scaling = options.scaling;
    model.drive = options.drive;
    model.optimizer = options.optimizer;
    model.seed = options.seed;
    model.prototypes = {options.digits, scale_images(data, images, options.scaling)};
    model.data_source = data.source;
    const Identity& identity = device.identity();
    char part[64];
    std::snprintf(part, sizeof part, " (vendor 0x%x, part 0x%x, revision %u)", identity.vendor, identity.part,
                  identity.revision);
    model.device = device.link().uri + part;
    for (std::size_t p = 0; p < images.size(); ++p) {
      const std::span<const float> image(model.prototypes.images.data() + p * theta.visible, theta.visible);
      fields.push_back(drive_field(image, options.hidden, options.drive, options.seed));
    }
    const Capabilities& capabilities = device.capabilities();
    const std::uint64_t trajectory_bytes = (schedule.steps() + 1) * theta.cells() * sizeof(float);
    const std::uint64_t affordable = std::max<std::uint64_t>(1, kCaptureBudget / trajectory_bytes);
    block = static_cast<std::uint32_t>(
        std::min<std::uint64_t>({options.block, affordable, std::max<std::uint32_t>(capabilities.lanes, 1)}));
    scale = {options.j2, options.j4, options.kT, device.time_units(schedule.period), capabilities.mobility};
  }

  /// Noising trajectories of `shots` shots; shot k of the job has image (index + k) in turn.
  Capture simulate(std::uint32_t first_shot, std::uint32_t index, std::uint32_t shots) {
    const Capabilities& capabilities = device.capabilities();
    JobOptions job;
    job.shots = shots;
    if (capabilities.seeded) {
      job.seed = options.seed;
      job.first_shot = first_shot + index;
    }
    std::unique_ptr<Program> program;
    {
      Stopwatch watch(seconds.build_programs);
      std::vector<float> rows;
      rows.reserve(shots * theta.cells());
      for (std::uint32_t k = 0; k < shots; ++k) {
        const std::vector<float>& field = fields[(index + k) % fields.size()];
        rows.insert(rows.end(), field.begin(), field.end());
      }
      program = std::make_unique<Program>(noising_program(capabilities, model, schedule, rows, shots));
    }
    Stopwatch watch(seconds.simulate);
    return device.run(*program, job).capture;
  }

  Device& device;
  GenerativeOptions options;
  NoisingSchedule schedule;
  numerics::ThreadTeam team;
  Trainable theta, gradient;
  PathAction action;
  OnlineRule online;
  PathScale scale;
  std::uint32_t block = 1;
  std::vector<std::vector<float>> fields;  // drive of each prototype
  GenerativeModel model;
  std::vector<ReverseAction> actions;
  Seconds seconds;
};

GenerativeTrainer::GenerativeTrainer(Device& device, const Images& data, const GenerativeOptions& options)
    : impl_(std::make_unique<Impl>(device, data, options)) {}

GenerativeTrainer::~GenerativeTrainer() = default;

void GenerativeTrainer::train(const Progress& progress) {
  Impl& self = *impl_;
  Stopwatch total(self.seconds.total);
  const std::uint32_t updates = self.options.updates;
  const float rate = static_cast<float>(self.options.learning_rate);
  while (self.model.updates < updates) {
    const std::uint32_t shots = std::min(self.block, updates - self.model.updates);
    const Capture capture = self.simulate(kTrainingFirstShot, self.model.updates, shots);
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      {
        Stopwatch watch(self.seconds.gradient);
        const std::span<const float> trajectory = capture.trajectory(shot);
        if (self.options.optimizer == Optimizer::online) {
          self.actions.push_back(self.online.descend(self.theta, trajectory, self.scale, rate));
        } else {
          self.actions.push_back(self.action.evaluate(self.theta, trajectory, self.scale, &self.gradient));
          self.theta.descend(self.gradient, rate, self.team);
        }
        self.theta.write_couplings(self.model.couplings, self.team);
        self.theta.write_bias(self.model.bias);
        ++self.model.updates;
      }
      if (progress && !progress(self.model.updates, updates, self.actions.back())) return;
    }
  }
}

const GenerativeModel& GenerativeTrainer::model() const { return impl_->model; }
const std::vector<ReverseAction>& GenerativeTrainer::actions() const { return impl_->actions; }
const Seconds& GenerativeTrainer::seconds() const { return impl_->seconds; }

ReverseAction GenerativeTrainer::held_out(std::uint32_t trajectories) {
  Impl& self = *impl_;
  if (trajectories == 0 || trajectories > kShotsPerRange) {
    throw Error(HB_BAD_ARG, "GenerativeTrainer::held_out: " + std::to_string(trajectories) + " trajectories, 1 to " +
                                std::to_string(kShotsPerRange) + " are possible");
  }
  Stopwatch total(self.seconds.total);
  ReverseAction mean;
  for (std::uint32_t done = 0; done < trajectories;) {
    const std::uint32_t shots = std::min(self.block, trajectories - done);
    const Capture capture = self.simulate(kHeldOutFirstShot, done, shots);
    Stopwatch watch(self.seconds.gradient);
    for (std::uint32_t shot = 0; shot < shots; ++shot) {
      const ReverseAction one = self.action.evaluate(self.theta, capture.trajectory(shot), self.scale, nullptr);
      mean.per_step += one.per_step / trajectories;
      mean.floor += one.floor / trajectories;
    }
    done += shots;
  }
  return mean;
}

}  // namespace heatbath::trainers
