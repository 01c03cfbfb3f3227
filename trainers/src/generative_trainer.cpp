#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <limits>
#include <numeric>
#include <optional>
#include <set>

#include "generative_programs.hpp"
#include "heatbath/error.hpp"
#include "heatbath/network/shots.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/numerics/thread_team.hpp"
#include "heatbath/trainers/generative.hpp"
#include "heatbath/trainers/sample_quality.hpp"
#include "least_squares.hpp"
#include "online_rule.hpp"
#include "path_action.hpp"
#include "trainable.hpp"

namespace heatbath::trainers {
namespace {

constexpr double kBalanceStep = 0.5;                  // of the log of a class's weight, in the first round

/// Adds the time from construction to destruction to `total`, in seconds.
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
  const bool exact = options.optimizer == Optimizer::least_squares;
  check(options.segments >= 1 && options.segments <= 64,
        "segments is " + std::to_string(options.segments) + ", 1 to 64 are possible");
  check(exact || options.segments == 1, "more than one segment needs the least-squares optimizer");
  check(exact || !options.labels, "label cells need the least-squares optimizer");
  check(options.ramp_end > 0 && options.ramp_end < 1, "ramp_end must lie between 0 and 1");
  check(exact || options.balance_rounds == 0, "balance_rounds needs the least-squares optimizer");
  check(!options.labels || options.balance_rounds == 0,
        "balance_rounds with labels: a machine with label cells draws the class it is asked for");
  check(options.balance_rounds == 0 || (options.balance_shots >= 1 && options.balance_rounds <= kShotsPerRange / options.balance_shots),
        "balance_rounds of balance_shots drawings must stay below " + std::to_string(kShotsPerRange) + " in all");
  check(options.images_per_class >= 1, "images_per_class is 0, at least 1 is needed");
  const std::uint64_t images = std::uint64_t{options.images_per_class} * options.digits.size();
  check(!exact || options.updates >= 2 * images,
        "updates is " + std::to_string(options.updates) + ", least squares needs two trajectories of each of " +
            std::to_string(images) + " images: at least " + std::to_string(2 * images));
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
  const std::uint64_t cells =
      std::uint64_t{data.rows} * data.columns + options.hidden + (options.labels ? options.digits.size() : 0);
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
        numbered(the_device),
        schedule((check_options(the_device, data, the_options),
                  noising_schedule(the_device, the_options.tf, the_options.capture_period, the_options.ramp_end))),
        team(the_options.threads),
        theta(data.rows * data.columns, the_options.hidden),
        gradient(the_options.optimizer == Optimizer::gradient ? theta : Trainable(0, 0)),
        action(team),
        online(team) {
    std::vector<std::size_t> images;
    std::vector<std::uint8_t> digits;
    for (std::uint32_t nth = 0; nth < options.images_per_class; ++nth) {
      for (std::size_t l = 0; l < options.digits.size(); ++l) {
        images.push_back(nth_of_class(data, options.digits[l], nth));
        digits.push_back(options.digits[l]);
        label_of.push_back(static_cast<std::uint32_t>(l));
      }
    }
    model.visible = theta.visible;
    model.hidden = theta.hidden;
    model.labels = options.labels ? static_cast<std::uint32_t>(options.digits.size()) : 0;
    model.segments = options.segments;
    model.ramp_end = options.ramp_end;
    model.couplings.assign(std::size_t{model.segments} * model.cells() * model.cells(), 0.0f);
    model.bias.assign(std::size_t{model.segments} * model.cells(), 0.0f);
    model.j2 = options.j2;
    model.j4 = options.j4;
    model.kT = options.kT;
    model.tf = options.tf;
    model.scaling = options.scaling;
    model.drive = options.drive;
    model.optimizer = options.optimizer;
    model.seed = options.seed;
    model.prototypes = {digits, scale_images(data, images, options.scaling)};
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
    image_weights.assign(fields.size(), 1.0 / static_cast<double>(fields.size()));
    const Capabilities& capabilities = device.capabilities();
    const std::uint64_t trajectory_bytes = (schedule.steps() + 1) * theta.cells() * sizeof(float);
    block = std::min({options.block, numbered.block(trajectory_bytes), std::max<std::uint32_t>(capabilities.lanes, 1)});
    model.capture_period = device.time_units(schedule.period);
    scale = {options.j2, options.j4, options.kT, device.time_units(schedule.period), capabilities.mobility};
    if (schedule.steps() < options.segments) {
      throw Error(HB_BAD_ARG, "GenerativeTrainer: segments is " + std::to_string(options.segments) + ", only " +
                                  std::to_string(schedule.steps()) + " steps are captured");
    }
  }

  NoisingStatistics empty_statistics() const {
    return NoisingStatistics(theta.visible, theta.hidden, static_cast<std::uint32_t>(fields.size()), schedule.steps(),
                             model.segments, scale);
  }

  /// Noising runs against drawing: the first recorded steps belong to the last segment.
  std::uint32_t window_of(std::uint32_t segment) const { return model.segments - 1 - segment; }

  /// Writes the optimum of what was gathered into the model; false, and the model stays as it is, while an image lacks
  /// trajectories.
  bool solve_least_squares(const NoisingStatistics& statistics) {
    for (std::uint32_t p = 0; p < fields.size(); ++p) {
      if (statistics.trajectories(p) < 2) return false;
    }
    const std::size_t n = model.cells(), moving = model.moving();
    std::vector<float> all_fields;
    for (const std::vector<float>& field : fields) all_fields.insert(all_fields.end(), field.begin(), field.end());
    for (std::uint32_t segment = 0; segment < model.segments; ++segment) {
      const NoisingStatistics::Optimum best =
          statistics.solve(window_of(segment), model.segments > 1, all_fields, label_of, model.labels, image_weights, team);
      std::vector<float> moving_block(moving * moving);
      best.theta.write_couplings(moving_block, team);
      float* matrix = model.couplings.data() + std::size_t{segment} * n * n;
      for (std::size_t i = 0; i < moving; ++i) std::copy_n(moving_block.data() + i * moving, moving, matrix + i * n);
      for (std::size_t l = 0; l < model.labels; ++l) {
        for (std::size_t i = 0; i < moving; ++i) {
          matrix[(moving + l) * n + i] = matrix[i * n + moving + l] = best.label_weights[l * moving + i];
        }
      }
      float* bias = model.bias.data() + std::size_t{segment} * n;
      std::copy(best.theta.visible_bias.begin(), best.theta.visible_bias.end(), bias);
      std::copy(best.theta.bias.begin(), best.theta.bias.end(), bias + model.visible);
    }
    model.updates = 0;
    for (std::uint32_t p = 0; p < fields.size(); ++p) {
      model.updates += static_cast<std::uint32_t>(statistics.trajectories(p));
    }
    noise_memory = statistics.memory(all_fields);
    return true;
  }

  /// Evens out how often the classes are drawn, by drawing. go_on: false stops; the model is that of the most even
  /// round.
  void balance(const NoisingStatistics& statistics, const std::function<bool()>& go_on) {
    const std::size_t classes = options.digits.size();
    std::vector<double> weights(classes, 0.0), best_weights = weights, step(classes, kBalanceStep), before(classes, 0.0);
    double best = -1;
    const auto fit_with = [&](const std::vector<double>& logs) {
      double sum = 0;
      for (const double weight : logs) sum += std::exp(weight);
      for (std::size_t p = 0; p < fields.size(); ++p) {
        image_weights[p] = std::exp(logs[label_of[p]]) / sum / options.images_per_class;
      }
      solve_least_squares(statistics);
    };
    for (std::uint32_t round = 0; round < options.balance_rounds; ++round) {
      if (round > 0) fit_with(weights);
      GenerateOptions draw;
      draw.shots = options.balance_shots;
      draw.seed = options.seed;
      draw.first_shot = kBalanceFirstShot + round * options.balance_shots;
      draw.trajectory_shots = 0;
      draw.threads = options.threads;
      draw.progress = [&](double) { return go_on(); };
      Samples samples;
      try {
        samples = generate(device, model, draw);
      } catch (const Error& error) {
        if (error.code() != HB_ABORTED) throw;
        break;
      }
      const Classification drawn = classify(samples, model.prototypes);
      std::vector<double> shares(classes, 0.0);
      for (std::size_t p = 0; p < fields.size(); ++p) shares[label_of[p]] += drawn.fractions[p];
      const double entropy = entropy_of(shares);
      if (entropy > best) {
        best = entropy;
        best_weights = weights;
      }
      const double shots = options.balance_shots, even = 1.0 / static_cast<double>(classes);
      for (std::size_t c = 0; c < classes; ++c) {
        // One drawing more of each class than was seen: a class that was never drawn has a finite ratio.
        const double lack = std::clamp(std::log((shots * even + 1) / (shots * shares[c] + 1)), -1.0, 1.0);
        step[c] *= lack * before[c] < 0 ? 0.5 : 1.2;
        before[c] = lack;
        weights[c] += step[c] * lack;
      }
    }
    if (best >= 0) fit_with(best_weights);
  }

  /// Action of the present model on shots first_shot...
  std::vector<ReverseAction> judge(std::uint32_t first_shot, std::uint32_t trajectories) {
    std::vector<Trainable> parts;  // [label][segment]
    const std::uint32_t labels = std::max(model.labels, 1u);
    const bool plain = model.segments == 1 && model.labels == 0;
    for (std::uint32_t l = 0; l < labels && !plain; ++l) {
      for (std::uint32_t segment = 0; segment < model.segments; ++segment) {
        parts.emplace_back(model, segment, model.labels > 0 ? static_cast<int>(l) : -1);
      }
    }
    if (plain) parts.emplace_back(model);
    std::vector<ReverseAction> values;
    const std::uint64_t steps = schedule.steps();
    const std::size_t n = theta.cells();
    for (std::uint32_t done = 0; done < trajectories;) {
      const std::uint32_t shots = std::min(block, trajectories - done);
      Capture capture = simulate(first_shot, done, shots);
      Stopwatch watch(seconds.gradient);
      for (std::uint32_t shot = 0; shot < shots; ++shot) {
        const std::span<const float> trajectory = capture.trajectory(shot);
        const std::uint32_t label = model.labels > 0 ? label_of[(done + shot) % label_of.size()] : 0;
        ReverseAction sum;
        for (std::uint32_t segment = 0; segment < model.segments; ++segment) {
          const std::uint32_t window = window_of(segment);
          const std::uint64_t first = steps * window / model.segments, last = steps * (window + 1) / model.segments;
          const ReverseAction one = action.evaluate(parts[label * model.segments + segment],
                                                    trajectory.subspan(first * n, (last - first + 1) * n), scale, nullptr);
          const double share = static_cast<double>(last - first) / static_cast<double>(steps);
          sum.per_step += share * one.per_step;
          sum.floor += share * one.floor;
        }
        values.push_back(sum);
      }
      spare = std::move(capture);
      done += shots;
    }
    return values;
  }

  /// Noising trajectories of `shots` shots; shot k of the job has image (index + k) in turn.
  Capture simulate(std::uint32_t first_shot, std::uint32_t index, std::uint32_t shots) {
    const Capabilities& capabilities = device.capabilities();
    numbered.seek(options.seed, first_shot + index);
    const JobOptions job = numbered.next(shots);
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
    return device.run(*program, job, std::move(spare)).capture;
  }

  Device& device;
  GenerativeOptions options;
  network::Shots numbered;
  NoisingSchedule schedule;
  numerics::ThreadTeam team;
  Trainable theta, gradient;
  PathAction action;
  OnlineRule online;
  Capture spare;  // what the last job captured: its memory serves the next
  PathScale scale;
  std::uint32_t block = 1;
  std::vector<std::vector<float>> fields;  // drive of each prototype
  std::vector<std::uint32_t> label_of;     // label cell of each prototype
  GenerativeModel model;
  std::vector<double> image_weights;
  double noise_memory = std::numeric_limits<double>::quiet_NaN();
  std::vector<ReverseAction> actions;
  std::optional<NoisingStatistics> gathered;  // least squares: of the trajectories whose actions those are
  Seconds seconds;
};

GenerativeTrainer::GenerativeTrainer(Device& device, const Images& data, const GenerativeOptions& options)
    : impl_(std::make_unique<Impl>(device, data, options)) {}

GenerativeTrainer::~GenerativeTrainer() = default;

void GenerativeTrainer::train(const AfterUpdate& after) {
  Impl& self = *impl_;
  Stopwatch total(self.seconds.total);
  const std::uint32_t updates = self.options.updates;
  if (self.options.optimizer == Optimizer::least_squares) {
    if (self.model.updates >= updates) return;
    if (!self.gathered) {
      self.gathered = self.empty_statistics();
      self.actions.clear();
    }
    NoisingStatistics& statistics = *self.gathered;
    bool go_on = true;
    for (auto done = static_cast<std::uint32_t>(self.actions.size()); done < updates && go_on;) {
      const std::uint32_t shots = std::min(self.block, updates - done);
      Capture capture = self.simulate(kTrainingFirstShot, done, shots);
      for (std::uint32_t shot = 0; shot < shots && go_on; ++shot, ++done) {
        {
          Stopwatch watch(self.seconds.gradient);
          const auto image = static_cast<std::uint32_t>(done % self.fields.size());
          self.actions.push_back(statistics.add(image, capture.trajectory(shot), self.team));
        }
        go_on = !after || after(done + 1, updates, self.actions.back());
      }
      self.spare = std::move(capture);
    }
    Stopwatch watch(self.seconds.gradient);
    if (self.solve_least_squares(statistics) && go_on) {
      self.balance(statistics, [&] { return !after || after(updates, updates, self.actions.back()); });
    }
    return;
  }
  const float rate = static_cast<float>(self.options.learning_rate);
  while (self.model.updates < updates) {
    const std::uint32_t shots = std::min(self.block, updates - self.model.updates);
    Capture capture = self.simulate(kTrainingFirstShot, self.model.updates, shots);
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
      if (after && !after(self.model.updates, updates, self.actions.back())) return;
    }
    self.spare = std::move(capture);
  }
}

void GenerativeTrainer::set_progress(Progress progress) { impl_->numbered.set_progress(std::move(progress)); }

const GenerativeModel& GenerativeTrainer::model() const { return impl_->model; }
const std::vector<ReverseAction>& GenerativeTrainer::actions() const { return impl_->actions; }
double GenerativeTrainer::noise_memory() const { return impl_->noise_memory; }
const std::vector<double>& GenerativeTrainer::image_weights() const { return impl_->image_weights; }
const Seconds& GenerativeTrainer::seconds() const { return impl_->seconds; }

std::vector<ReverseAction> GenerativeTrainer::held_out_each(std::uint32_t trajectories) {
  if (trajectories == 0 || trajectories > kShotsPerRange) {
    throw Error(HB_BAD_ARG, "GenerativeTrainer::held_out: " + std::to_string(trajectories) + " trajectories, 1 to " +
                                std::to_string(kShotsPerRange) + " are possible");
  }
  Stopwatch total(impl_->seconds.total);
  return impl_->judge(kHeldOutFirstShot, trajectories);
}

ReverseAction mean_action(std::span<const ReverseAction> each) {
  ReverseAction mean;
  for (const ReverseAction& one : each) {
    mean.per_step += one.per_step / static_cast<double>(each.size());
    mean.floor += one.floor / static_cast<double>(each.size());
  }
  return mean;
}

ReverseAction GenerativeTrainer::held_out(std::uint32_t trajectories) { return mean_action(held_out_each(trajectories)); }

ReverseAction GenerativeTrainer::in_sample(std::uint32_t trajectories) {
  Impl& self = *impl_;
  if (trajectories == 0 || trajectories > self.options.updates) {
    throw Error(HB_BAD_ARG, "GenerativeTrainer::in_sample: " + std::to_string(trajectories) + " trajectories, 1 to " +
                                std::to_string(self.options.updates) + " are in the training");
  }
  Stopwatch total(self.seconds.total);
  return mean_action(self.judge(kTrainingFirstShot, trajectories));
}

GatheredSums GenerativeTrainer::sums() const {
  return impl_->gathered ? impl_->gathered->sums() : GatheredSums{};
}

void GenerativeTrainer::resume(const GenerativeModel& model, const std::vector<ReverseAction>& actions, GatheredSums sums) {
  Impl& self = *impl_;
  const GenerativeModel& own = self.model;
  std::string changed;
  const auto compare = [&](const char* name, const auto& was, const auto& is, const auto& text) {
    if (was == is) return;
    if (!changed.empty()) changed += ", ";
    changed.append(name).append(" was ").append(text(was)).append(" and is ").append(text(is));
  };
  const auto whole = [](auto number) { return std::to_string(number); };
  const auto real = [](auto number) { return numerics::text_of(number); };
  const auto name_of = [](auto choice, auto... names) { return std::string(std::array{names...}.at(static_cast<std::size_t>(choice))); };
  compare("optimizer", model.optimizer, own.optimizer, [&](Optimizer it) { return name_of(it, "gradient", "online", "least-squares"); });
  compare("visible cells", model.visible, own.visible, whole);
  compare("hidden cells", model.hidden, own.hidden, whole);
  compare("label cells", model.labels, own.labels, whole);
  compare("segments", model.segments, own.segments, whole);
  compare("seed", model.seed, own.seed, whole);
  compare("scaling", model.scaling, own.scaling, [&](Scaling it) { return name_of(it, "common-norm", "unit-variance"); });
  compare("drive", model.drive, own.drive, [&](Drive it) { return name_of(it, "pixel", "projection"); });
  compare("j2", model.j2, own.j2, real);
  compare("j4", model.j4, own.j4, real);
  compare("kT", model.kT, own.kT, real);
  compare("tf", model.tf, own.tf, real);
  compare("ramp_end", model.ramp_end, own.ramp_end, real);
  if (model.capture_period != 0) compare("capture period (time units)", model.capture_period, own.capture_period, real);
  const auto digits = [&](const std::vector<std::uint8_t>& classes) {
    std::string text;
    for (const std::uint8_t digit : classes) text.append(text.empty() ? "" : ",").append(std::to_string(digit));
    return text;
  };
  compare("digits of the images", model.prototypes.digits, own.prototypes.digits, digits);
  if (changed.empty() && model.prototypes.images != own.prototypes.images)
    changed = "the images were of " + model.data_source + " and are others of " + own.data_source;
  if (!changed.empty()) throw Error(HB_BAD_ARG, "GenerativeTrainer::resume: the model is of other settings: " + changed);
  if (model.updates > self.options.updates) {
    throw Error(HB_BAD_ARG, "GenerativeTrainer::resume: updates is " + std::to_string(self.options.updates) +
                                ", the model has made " + std::to_string(model.updates));
  }
  const auto inconsistent = [] {
    throw Error(HB_BAD_ARG, "GenerativeTrainer::resume: the model has another number of updates than its record says");
  };
  if (self.options.optimizer == Optimizer::least_squares) {
    if (sums.trajectories.empty()) return;
    NoisingStatistics statistics = self.empty_statistics();
    if (std::reduce(sums.trajectories.begin(), sums.trajectories.end()) != actions.size() ||
        actions.size() > self.options.updates || !statistics.take_up(std::move(sums)))
      inconsistent();
    self.gathered = std::move(statistics);
    self.actions = actions;
    return;
  }
  if (model.updates != actions.size()) inconsistent();
  self.model.updates = model.updates;
  self.model.couplings = model.couplings;
  self.model.bias = model.bias;
  self.theta = Trainable(model);
  self.actions = actions;
}

}  // namespace heatbath::trainers
