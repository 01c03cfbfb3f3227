// heatbath train generate: couplings that turn noise into digits, learned on a device.

#include <algorithm>
#include <chrono>
#include <ctime>
#include <limits>
#include <optional>
#include <thread>

#include <fmt/format.h>

#include "apps/cli/console.hpp"
#include "apps/cli/draw_and_report.hpp"
#include "apps/cli/generative_commands.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/other_device.hpp"
#include "apps/cli/progress_bar.hpp"
#include "apps/cli/save_schedule.hpp"
#include "files/model_file.hpp"
#include "files/output_folder.hpp"
#include "files/provenance.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/open.hpp"
#include "heatbath/trainers/generative.hpp"
#include "heatbath/trainers/images.hpp"

namespace heatbath::apps {

namespace {

constexpr std::size_t kDrawnDigitsPerClass = 20;
/// What a classifier of the samples learns from.
constexpr std::size_t kJudgedDigitsPerClass = 100;
constexpr std::size_t kFewestToJudge = 500;

/// Enough trajectories for an error of 0.15 on the mean action (one has a standard deviation of 0.65), and a whole
/// number of rounds of the images.
std::uint32_t held_out_count(std::size_t images) {
  const auto round = static_cast<std::uint32_t>(images);
  return (20 + round - 1) / round * round;
}

constexpr trainers::ReverseAction kNotMeasured{std::numeric_limits<double>::quiet_NaN(),
                                               std::numeric_limits<double>::quiet_NaN()};

/// Faults of a device after which later jobs are sound, or will be when it has cooled; with a cell less, perhaps.
bool passes_by(hb_status_t code) {
  return code == HB_PARITY || code == HB_OVERHEATED || code == HB_BROWN_OUT || code == HB_WATCHDOG || code == HB_DEFECT;
}
constexpr std::uint32_t kMostFaults = 100;  ///< after which a training gives up
constexpr std::uint64_t kPause = 1000;      ///< time units after a fault, for a die to cool
constexpr std::chrono::seconds kReopening{30};  ///< in which a device whose link was lost is tried again, each second; the last try takes what its link takes

/// Opens a device whose link was lost again, in its place. False where that fails, or another chip answers.
bool reopened(Device& device, const DeviceChoice& choice) {
  const std::uint64_t serial = device.identity().serial;
  { const Device lost = std::move(device); }  // a server may serve one client alone
  const auto end = std::chrono::steady_clock::now() + kReopening;
  for (int tried = 0; (tried == 0 || std::chrono::steady_clock::now() < end) && !interrupted(); ++tried) {
    if (tried > 0)
      for (int part = 0; part < 10 && !interrupted(); ++part) std::this_thread::sleep_for(std::chrono::milliseconds(100));
    try {
      device = open_chosen(choice);
      return device.identity().serial == serial;
    } catch (const Error&) {
    }
  }
  return false;
}

/// Says what differs between a training and what takes it up, and may.
void note_changes(const trainers::GenerativeModel& was, const trainers::GenerativeModel& is) {
  remark_other_device(was.device, is.device);
  if (was.data_source != is.data_source)
    remark("heatbath: --continue: the images were of {} and are of {}\n", numerics::escaped(was.data_source),
         numerics::escaped(is.data_source));
}

}  // namespace

int run_train_generate(const TrainGenerateOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const HostEnergy host;
  DrawJob job;
  if (!options.beside.empty()) job.beside = earlier_run(options.beside);
  Device device = open_chosen(options.device);
  const std::size_t per_class = std::max<std::size_t>(kDrawnDigitsPerClass, options.training.images_per_class);
  const trainers::Images data = options.data.empty() ? trainers::draw_digits(trainers::drawn_digits_seed, per_class)
                                                     : trainers::read_idx(options.data);
  trainers::GenerativeTrainer trainer(device, data, options.training);
  const bool exact = options.training.optimizer == trainers::Optimizer::least_squares;
  const std::filesystem::path model_path = options.out / "model.h5";
  std::optional<SavedModel> before;
  if (options.go_on) {
    before = load_model(model_path);
    trainer.resume(before->model, before->actions, std::move(before->sums));
    note_changes(before->model, trainer.model());
  }
  watch_interrupts();
  OutputFolder out = drawing_folder(options.out);
  prepare_file(model_path);
  const auto style = ProgressBar::style_for(options.json);

  SavedModel saved;
  saved.held_out_trajectories =
      options.held_out > 0 ? options.held_out : held_out_count(std::min<std::size_t>(trainer.model().prototypes.digits.size(), 100));
  saved.held_out_last = kNotMeasured;
  const bool measured = before && before->held_out_trajectories == saved.held_out_trajectories;
  if (measured) saved.held_out_first = before->held_out_first;
  bool ended = false;  // by itself: nothing goes on from what it gathered
  const auto save = [&] {
    saved.model = trainer.model();
    saved.sums = ended ? trainers::GatheredSums{} : trainer.sums();
    saved.actions = trainer.actions();
    if (saved.model.device.empty()) saved.model.device = device_line(device);
    save_model(model_path, saved);
    out.invalidate();
  };
  SaveSchedule schedule(options.checkpoint_every);
  const auto checkpoint = [&] { schedule.look(save); };
  const auto stopped = [&] {
    if (trainer.actions().empty()) {
      note("heatbath: interrupted before the first update; nothing was written\n");
    } else {
      note("heatbath: interrupted after update {} of {}; {} holds the model after it, --continue goes on\n",
                 trainer.actions().size(), options.training.updates, model_path.string());
    }
    return interrupted_status();
  };

  // Whatever fault of the device passes by, the work is done again: a training goes on after the last update that was whole.
  std::uint32_t faults = 0;
  const auto through_faults = [&](const auto& work) {
    while (true) {
      try {
        work();
        return;
      } catch (const Error& error) {
        const bool lost = error.code() == HB_LINK;
        if ((lost || passes_by(error.code())) && ++faults <= kMostFaults && (!lost || reopened(device, options.device))) {
          note("heatbath: {}; the training goes on after update {}\n", error.what(), trainer.actions().size());
          if (!lost) device.transport().wait_irq(kPause * device.capabilities().time_unit.count);
          continue;
        }
        if (error.code() != HB_ABORTED && !trainer.actions().empty()) {
          save();
          note("heatbath: {} holds the model after update {}; --continue goes on\n", model_path.string(), trainer.actions().size());
        }
        throw;
      }
    }
  };
  if (!measured) through_faults([&] { saved.held_out_first = trainer.held_out(saved.held_out_trajectories); });
  if (interrupted()) return stopped();
  const std::clock_t before_training = std::clock();
  {
    ProgressBar bar(style, "train", options.training.updates, exact ? "trajectories" : "updates");
    const auto after = [&](std::uint32_t done, std::uint32_t, const trainers::ReverseAction& action) {
      bar.update(done, fmt::format("action {:+.2f} above its floor", action.per_step - action.floor));
      if (interrupted()) return false;
      checkpoint();
      return true;
    };
    through_faults([&] { trainer.train(after); });
    if (!interrupted()) bar.finish();
  }
  const std::clock_t trained = std::clock();
  ended = !interrupted();
  if (!trainer.actions().empty()) save();
  if (!ended) return stopped();
  job.training_processor_seconds = static_cast<double>(trained - before_training) / CLOCKS_PER_SEC;
  through_faults([&] { job.held_out = trainer.held_out_each(saved.held_out_trajectories); });
  saved.held_out_last = trainers::mean_action(job.held_out);
  save();
  if (interrupted()) return stopped();

  if (exact || options.held_out > 0) {
    through_faults([&] { job.in_sample = trainer.in_sample(std::min(saved.held_out_trajectories, options.training.updates)); });
  }
  const trainers::Images drawn = options.data.empty() ? trainers::draw_digits(trainers::drawn_digits_seed, kJudgedDigitsPerClass)
                                                      : trainers::Images{};
  job.noise_memory = trainer.noise_memory();
  job.image_weights = trainer.image_weights();
  job.judge_data = options.data.empty() ? &drawn : data.size() >= kFewestToJudge ? &data : nullptr;
  job.command = "train generate";
  job.saved = saved;
  job.model_path = model_path;
  job.shots = options.shots;
  job.seed = options.training.seed;
  job.threads = options.training.threads;
  job.seconds = trainer.seconds();
  job.capture_period = device.time_units(device.capture_period(options.training.capture_period));
  job.start = start;
  job.host = host;
  job.json = options.json;
  try {
    return draw_and_report(device, std::move(job), out);
  } catch (const Error& error) {
    if (error.code() != HB_ABORTED || !interrupted()) throw;
    note("heatbath: interrupted while drawing; {} holds the trained model\n", model_path.string());
    return interrupted_status();
  }
}

}  // namespace heatbath::apps
