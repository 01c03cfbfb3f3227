// heatbath train score: a score network made of cells learns all digits, then draws new ones on a device.

#include <algorithm>
#include <array>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/add_pictures.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/plus_minus.hpp"
#include "apps/cli/progress_bar.hpp"
#include "apps/cli/save_schedule.hpp"
#include "apps/cli/score_commands.hpp"
#include "files/output_folder.hpp"
#include "files/provenance.hpp"
#include "files/score_network_file.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/open.hpp"
#include "report/score_network_report.hpp"

namespace heatbath::apps {

namespace {

constexpr std::uint64_t kReaderSeed = 1;
constexpr std::size_t kScoreDigitsPerClass = 900, kMostHeldOut = 1000;
constexpr std::array<std::string_view, 7> kScoreFiles{"samples.png", "paths.png", "nearest.png", "training.png", "heat.png", "report.html", "report.json"};

void print_summary(const ScoreNetworkReport& report, const std::filesystem::path& out) {
  const trainers::DrawingQuality& q = report.quality;
  if (!report.drawings.asked.empty())
    put("read as asked         {} (real digits {:.3f})\n", plus_minus(q.asked_fraction, 3), q.reader_accuracy);
  put("inverted              {:.3f}\n", q.inverted_fraction);
  put("Frechet distance      {} (held-out digits {})\n", plus_minus(q.frechet, 1), plus_minus(q.frechet_held_out, 1));
  put("variance in a class   {} of the data's\n", plus_minus(q.within_class_variance, 3));
  put("nearest learned digit {} (held-out digits {})\n", plus_minus(q.nearest_training_distance, 2),
      plus_minus(q.nearest_held_out_distance, 2));
  const auto put_classes = [](const char* name, const std::optional<trainers::DrawingQuality>& quality) {
    if (!quality) return;
    put("{}", name);
    for (std::size_t c = 0; c < quality->class_fractions.size(); ++c) put(" {}: {:.1f} %", c, 100 * quality->class_fractions[c]);
    put("; inverted {:.3f}\n", quality->inverted_fraction);
  };
  put_classes("without labels       ", report.unlabelled);
  put_classes("labels left free     ", report.free);
  if (const auto heat = report.heat_kT()) put("heat of one drawing   {} kT\n", plus_minus(*heat, 0));
  put("device                {} steps, {:.4g} us a drawing; last noise: {}\n", report.drawings.steps, 1e6 * report.drawings.device_seconds,
      report.drawings.last_noise == trainers::LastNoise::cold ? "cold end" : "averaged captures");
  put("seconds               train {:.1f}, draw {:.1f}, total {:.1f}\n", report.train_seconds, report.drawings.seconds, report.total_seconds);
  put("report                {}\n", (out / "report.html").string());
}

/// Options that the command line does not name are those of the training that goes on.
trainers::ScoreOptions taken_up(const TrainScoreOptions& options, const trainers::ScoreOptions& before) {
  trainers::ScoreOptions training = before;
  const auto named = [&](const char* name) { return std::find(options.given.begin(), options.given.end(), name) != options.given.end(); };
  training.threads = options.training.threads;
  if (named("--hidden")) training.hidden = options.training.hidden;
  if (named("--segments")) training.segments = options.training.segments;
  if (named("--steps")) {
    training.steps = options.training.steps;
    training.first_steps = 0;
  }
  if (named("--batch")) training.batch = options.training.batch;
  if (named("--rate")) training.learning_rate = options.training.learning_rate;
  if (named("--coarse-noise")) training.coarse_noise = options.training.coarse_noise;
  if (named("--coarse-rate")) training.coarse_rate = options.training.coarse_rate;
  if (named("--no-labels")) training.labels = options.training.labels;
  if (named("--seed")) training.seed = options.training.seed;
  return training;
}

}  // namespace

int run_train_score(const TrainScoreOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const HostEnergy host;
  const auto since = [](Clock::time_point from) { return std::chrono::duration<double>(Clock::now() - from).count(); };
  Device device = open_chosen(options.device);
  const std::filesystem::path model_path = options.out / "score_network.h5";
  ScoreNetworkReport report;
  SavedScoreNetwork& saved = report.saved;
  trainers::ScoreOptions training = options.training;
  std::optional<SavedScoreNetwork> before;
  std::uint64_t held_out = options.held_out;
  if (options.go_on) {
    before = load_score_network(model_path);
    training = taken_up(options, before->options);
    if (held_out != 0 && held_out != before->held_out)
      throw Error(HB_BAD_ARG, fmt::format("--held-out {}: the training that goes on held out {}", held_out, before->held_out));
    held_out = before->held_out;
  }
  const trainers::Images data = options.data.empty() ? trainers::draw_digits(trainers::drawn_digits_seed, kScoreDigitsPerClass)
                                                     : trainers::read_idx(options.data);
  if (held_out == 0) held_out = std::clamp<std::size_t>(data.size() / 9, 1, kMostHeldOut);
  const trainers::SplitImages split = trainers::split_images(data, held_out);
  trainers::ScoreTrainer trainer(split.learned, training);
  if (before) {
    if (before->data_source != data.source)
      throw Error(HB_BAD_ARG, fmt::format("--continue: the images were of {} and are of {}", numerics::escaped(before->data_source), numerics::escaped(data.source)));
    trainer.resume(before->network, before->options, std::move(before->checkpoint));
  }
  {
    // What the device cannot hold is refused before the training, not after it.
    const trainers::ScoreNetwork& network = trainer.network();
    if (network.cells() > device.capabilities().cells)
      throw Error(HB_BAD_ARG, fmt::format("--hidden {}: {} cells are needed, the device has {}", network.hidden, network.cells(), device.capabilities().cells));
    if (options.draw.guidance.size() > network.segments.size())
      throw Error(HB_BAD_ARG, fmt::format("--guidance: {} values for {} segments, at most one for each is possible", options.draw.guidance.size(), network.segments.size()));
    if (options.free_shots > 0 && network.labels == 0) throw Error(HB_BAD_ARG, "--free-shots: the network has no label cells");
    if (!options.draw.class_guidance.empty() && network.labels == 0)
      throw Error(HB_BAD_ARG, "--class-guidance: the network has no label cells");
    require_cell_kind(device.capabilities(), "train score", CellKind::overdamped);
    require(device.capabilities().kT_programmable, "train score", "KT_PROGRAMMABLE");
  }
  watch_interrupts();
  OutputFolder out(options.out, kScoreFiles);
  prepare_file(model_path);
  const auto style = ProgressBar::style_for(options.json);
  saved.data_source = data.source;
  saved.held_out = held_out;
  const auto save = [&] {
    saved.network = trainer.network();
    saved.options = trainer.options();
    saved.checkpoint = trainer.checkpoint();
    save_score_network(model_path, saved);
    out.invalidate();
  };
  const bool trained_before = trainer.finished();
  const auto training_start = Clock::now();
  if (!trained_before) {
    SaveSchedule schedule(options.checkpoint_every);
    ProgressBar bar(style, "train", static_cast<double>(trainer.total_steps()), "steps");
    double smooth = 0;
    trainer.train([&](std::uint64_t done, std::uint64_t, double loss) {
      smooth = smooth == 0 ? loss : smooth + 0.05 * (loss - smooth);
      bar.update(static_cast<double>(done), fmt::format("segment {} of {}, loss {:.4f}", std::min(trainer.segment() + 1, training.segments), training.segments, smooth));
      if (interrupted()) return false;
      schedule.look(save);
      return true;
    });
    if (trainer.finished()) bar.finish();
    save();
    if (!trainer.finished()) {
      note("heatbath: interrupted in segment {} of {}; {} holds the training so far, and --continue goes on from it\n",
           trainer.segment() + 1, training.segments, model_path.string());
      return interrupted_status();
    }
  } else {
    saved.network = trainer.network();
    saved.options = trainer.options();
    saved.checkpoint = trainer.checkpoint();
  }
  report.train_seconds = trained_before ? 0 : since(training_start);

  try {
    const auto shown = [&](const char* what, double count, const char* unit, const auto& work) {
      ProgressBar bar(style, what, count, unit);
      const Progress progress = [&](double fraction) {
        bar.update(fraction * count);
        return !interrupted();
      };
      auto result = work(progress);
      bar.finish();
      return result;
    };
    report.draw = options.draw;
    report.drawings = shown("draw", options.draw.shots, "drawings", [&](const Progress& progress) {
      trainers::ScoreDrawOptions draw = options.draw;
      draw.progress = progress;
      return trainers::draw(device, trainer.network(), draw);
    });
    const auto further = [&](const char* what, std::uint32_t shots, std::uint32_t first_shot, bool unlabelled) {
      std::optional<trainers::ScoreDrawings> drawings;
      if (shots == 0) return drawings;
      drawings = shown("draw", shots, what, [&](const Progress& progress) {
        trainers::ScoreDrawOptions draw = options.draw;
        draw.progress = progress;
        draw.shots = shots;
        draw.unlabelled = unlabelled;
        draw.path_shots = 0;
        draw.first_shot = first_shot;
        draw.asked = unlabelled ? std::vector<std::uint8_t>{} : trainers::choose_classes(device, trainer.network(), draw);
        return trainers::draw(device, trainer.network(), draw);
      });
      return drawings;
    };
    const auto unlabelled = further("drawings without labels", options.unlabelled_shots, 0x40000000, true);
    const auto free = further("drawings of classes that label cells choose", options.free_shots, 0x80000000, false);
    report.unlabelled_shots = options.unlabelled_shots;
    report.free_shots = options.free_shots;
    const trainers::DigitReader reader = shown("judge", 1, "", [&](const Progress& progress) {
      return trainers::DigitReader(split.learned, kReaderSeed, training.threads, progress);
    });
    const auto judged = [&](const trainers::ScoreDrawings& of) {
      return trainers::judge_drawings(of.images, of.asked, reader, split.learned, split.held_out, training.threads);
    };
    report.quality = judged(report.drawings);
    if (unlabelled) report.unlabelled = judged(*unlabelled);
    if (free) report.free = judged(*free);
  } catch (const Error& error) {
    if (error.code() != HB_ABORTED || !interrupted()) throw;
    note("heatbath: interrupted; {} holds the trained network, and --continue draws with it\n", model_path.string());
    return interrupted_status();
  }
  report.learned = split.learned.size();
  report.device = device_line(device);
  report.electricity = electricity_of(device, std::numeric_limits<double>::quiet_NaN(), host);
  report.energy_unit_joules = device.capabilities().energy_unit_joules;
  report.model_path = model_path.string();
  report.total_seconds = since(start);
  report.pictures = {score_samples_picture(report), score_nearest_picture(report, split.learned), score_paths_picture(report),
                     score_training_picture(report), score_heat_picture(report)};
  add_pictures(out, report.pictures, !options.json);
  out.add("report.html", score_network_html(report));
  const std::string json = out.commit(score_network_json(report));
  if (options.json) put("{}", json);
  else print_summary(report, options.out);
  return 0;
}

}  // namespace heatbath::apps
