// heatbath train classifier: cells learn to follow the guides of a digital network, then read digits on a device.

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/add_pictures.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/emulator_for.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/machine_commands.hpp"
#include "apps/cli/other_device.hpp"
#include "apps/cli/plus_minus.hpp"
#include "apps/cli/progress_bar.hpp"
#include "apps/cli/same_settings.hpp"
#include "apps/cli/save_schedule.hpp"
#include "files/atomic_file.hpp"
#include "files/classifier_file.hpp"
#include "files/output_folder.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/trainers/drawing_judge.hpp"
#include "report/classifier_report.hpp"

namespace heatbath::apps {

namespace {

constexpr std::array<std::string_view, 4> kClassifierFiles{"training.png", "digits.png", "report.html", "report.json"};
constexpr std::uint32_t kClassifierLanes = 64;
constexpr std::size_t kClassifierDigits = 900, kMostApart = 1000;

void check_same_classifier(const std::filesystem::path& path, const SavedClassifier& before, const SavedClassifier& now) {
  SameSettings same;
  const trainers::ClassifierOptions &a = before.options, &b = now.options;
  same.compare("data", numerics::escaped(before.data_source), numerics::escaped(now.data_source));
  same.compare("held-out", before.held_out, now.held_out);
  same.compare("layer", a.layer, b.layer);
  same.compare("teacher-steps", a.teacher_steps, b.teacher_steps);
  same.compare("steps", a.steps, b.steps);
  same.compare("batch", a.batch, b.batch);
  same.compare("rate", a.rate, b.rate);
  same.compare("drive", a.drive, b.drive);
  same.compare("seed", a.seed, b.seed);
  if (before.tuning.updates > 0) {
    same.compare("fine-tune", before.tuning_options.updates, now.tuning_options.updates);
    same.compare("tune-batch", before.tuning_options.batch, now.tuning_options.batch);
    same.compare("tune-rate", before.tuning_options.rate, now.tuning_options.rate);
  }
  same.require(path);
}

void print_classifier(const ClassifierRun& run, const std::filesystem::path& out) {
  const auto told = [&](const char* what, const trainers::Inference& of) {
    put("{}{} of {} digits by {} runs, {} by one, {} among the first two\n", what, plus_minus(of.accuracy, 3), of.classes.size(), of.runs,
        plus_minus(of.single, 3), plus_minus(of.top_two, 3));
  };
  told("read right     ", run.told);
  if (run.tuned) told("fine-tuned     ", *run.tuned);
  put("teacher        {:.3f}\n", run.teacher_accuracy);
  const trainers::Inference& last = run.tuned ? *run.tuned : run.told;
  if (last.heat_kT.value == last.heat_kT.value) put("heat of a run  {} kT\n", plus_minus(last.heat_kT, 0));
  put("device         {:.4g} us a run\nseconds        train {:.1f}, total {:.1f}\nreport         {}\n", 1e6 * last.device_seconds, run.train_seconds, run.seconds,
      (out / "report.html").string());
}

}  // namespace

int run_train_classifier(const TrainClassifierOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const HostEnergy host;
  const auto since = [](Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); };
  const trainers::Images data = options.data.empty() ? trainers::draw_digits(trainers::drawn_digits_seed, kClassifierDigits) : trainers::read_idx(options.data);
  const std::uint64_t held_out = options.held_out != 0 ? options.held_out : std::clamp<std::size_t>(data.size() / 9, 1, kMostApart);
  const trainers::SplitImages split = trainers::split_images(data, held_out);
  ClassifierRun run;
  SavedClassifier& saved = run.saved;
  saved.data_source = valid_utf8(data.source);
  saved.held_out = held_out;
  saved.options = options.training;
  saved.tuning_options = options.tuning;
  saved.tuning_options.drive = options.training.drive;
  saved.tuning_options.seed = options.training.seed;
  trainers::ClassifierTrainer trainer(split.learned, options.training);
  const std::uint32_t cells = trainer.training().machine.cells();
  Device device = open_for(options.device, network::Network(CellKind::overdamped, cells), kClassifierLanes);
  run.device = device_line(device);
  saved.device = valid_utf8(run.device);
  if (cells > device.capabilities().cells)
    throw Error(HB_BAD_ARG, fmt::format("--layer {}: {} cells are needed, the device has {}", options.training.layer, cells, device.capabilities().cells));
  if (held_out * options.inference.runs > trainers::first_tuning_shot)
    throw Error(HB_BAD_ARG, fmt::format("--runs {}: {} runs at most of {} digits", options.inference.runs, trainers::first_tuning_shot / held_out, held_out));
  const std::filesystem::path path = options.out / "classifier.json";
  if (options.go_on) {
    SavedClassifier before = read_classifier(path);
    check_same_classifier(path, before, saved);
    remark_other_device(before.device, saved.device);
    trainer.resume(std::move(before.training));
    saved.tuning = std::move(before.tuning);
    saved.tuned = std::move(before.tuned);
  }
  watch_interrupts();
  OutputFolder out(options.out, kClassifierFiles);
  prepare_file(path);
  const auto style = ProgressBar::style_for(options.json);
  SaveSchedule schedule(options.checkpoint_every);
  const auto save = [&] {
    saved.training = trainer.training();
    write_file(path, classifier_text(saved));
    out.invalidate();
  };
  const auto save_when_due = [&] { schedule.look(save); };
  const auto stopped_in = [&](const char* what) {
    note("heatbath: interrupted in the {}; {} holds it so far, and --continue goes on from it\n", what, path.string());
    return interrupted_status();
  };
  const auto training_start = Clock::now();
  if (!trainer.finished()) {
    const auto total = static_cast<double>(trainer.total_steps());
    ProgressBar bar(style, "train", total, "steps");
    trainer.train([&](std::uint64_t done, std::uint64_t, double loss) {
      bar.update(static_cast<double>(done), fmt::format("{} {:.4f}", done <= options.training.teacher_steps ? "teacher, loss" : "machine, missed", loss));
      save_when_due();
      return !interrupted();
    });
    if (trainer.finished()) bar.finish();
    save();
    if (!trainer.finished()) return stopped_in("training");
  }
  run.train_seconds = since(training_start);
  saved.training = trainer.training();
  run.teacher_accuracy = trainers::teacher_accuracy(saved.training.teacher, split.held_out, options.training.threads);
  try {
    const auto read = [&](const char* what, const trainers::ClassifierMachine& machine) {
      const auto count = static_cast<double>(held_out);
      ProgressBar bar(style, what, count, "digits");
      trainers::InferenceOptions inference = options.inference;
      inference.seed = options.training.seed;
      inference.progress = [&](double fraction) {
        bar.update(fraction * count);
        return !interrupted();
      };
      trainers::Inference told = trainers::infer(device, machine, split.held_out, inference);
      bar.finish();
      return told;
    };
    run.told = read("read", saved.training.machine);
    if (saved.tuning_options.updates > 0) {
      if (saved.tuning.updates == 0) saved.tuned = saved.training.machine;
      if (saved.tuning.updates < saved.tuning_options.updates) {
        ProgressBar bar(style, "fine-tune", saved.tuning_options.updates, "updates");
        trainers::fine_tune(device, saved.tuned, saved.training.teacher, split.learned, saved.tuning_options, saved.tuning, trainers::first_tuning_shot, [&] {
          bar.update(saved.tuning.updates, fmt::format("off by {:.4f}", saved.tuning.misses.back()));
          save_when_due();
          return !interrupted();
        });
        const bool whole = saved.tuning.updates == saved.tuning_options.updates;
        if (whole) bar.finish();
        save();
        if (!whole) return stopped_in("fine-tuning");
      }
      run.tuned = read("read again", saved.tuned);
    }
  } catch (const Error& error) {
    if (error.code() != HB_ABORTED || !interrupted()) throw;
    return stopped_in("reading of digits");
  }
  run.electricity = electricity_of(device, std::numeric_limits<double>::quiet_NaN(), host);
  run.seconds = since(start);
  run.pictures = classifier_pictures(run, split.held_out);
  add_pictures(out, run.pictures, !options.json);
  out.add("report.html", classifier_html(run));
  const std::string json = out.commit(classifier_json(run));
  if (options.json) put("{}", json);
  else print_classifier(run, options.out);
  return 0;
}

}  // namespace heatbath::apps
