#include "apps/cli/add_pictures.hpp"
#include "apps/cli/draw_and_report.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/progress_bar.hpp"
#include "files/provenance.hpp"
#include "report/generative_pictures.hpp"
#include "report/html_report.hpp"
#include "report/json_report.hpp"
#include "report/paper_figures.hpp"

namespace heatbath::apps {

namespace {

void print_summary(const GenerativeReport& report, const std::filesystem::path& out) {
  const Moments heat = report.heat();
  const trainers::GenerativeModel& model = report.saved.model;
  put("heat of one drawing   {:.0f} kT, s.d. {:.0f} kT (the paper's: {:.0f} and about {:.0f})\n", heat.mean,
             heat.sd, kPaperHeat, kPaperHeatSd);
  put("energy V0 -> Vf       {:.0f} -> {:.0f} kT\n", moments(report.samples.v0, report.kT()).mean,
             moments(report.samples.vf, report.kT()).mean);
  put("classes              ");
  const std::vector<double> shares = report.class_shares();
  for (std::size_t i = 0; i < shares.size(); ++i) {
    put(" {}: {:.0f} %", int{model.classes()[i]}, 100 * shares[i]);
  }
  put("; inverted {:.0f} %; likeness {:.2f}\n", 100 * report.classes.inverted_fraction,
             report.classes.mean_abs_correlation);
  if (std::isfinite(report.classes.asked_fraction)) {
    put("asked for and drawn   {:.1f} %\n", 100 * report.classes.asked_fraction);
  }
  if (report.quality) {
    put("read by a classifier  {:.0f} % as drawn (real digits {:.0f} %); entropy of classes {:.2f} nats; diversity {:.2f}\n",
               100 * report.quality->recognised, 100 * report.quality->classifier_accuracy, report.quality->class_entropy,
               report.quality->diversity);
  }
  if (std::isfinite(report.saved.held_out_last.per_step)) {
    put("action per step       {:.2f} -> {:.2f} (held out)\n", report.saved.held_out_first.per_step,
               report.saved.held_out_last.per_step);
  }
  put("seconds               total {:.1f}: programs {:.1f}, device {:.1f}, gradient {:.1f}, drawing {:.1f}\n",
             report.seconds.total, report.seconds.build_programs, report.seconds.simulate, report.seconds.gradient,
             report.seconds.generate);
  for (const auto& [title, text] : electricity_rows(report.electricity)) put("{:<21} {}\n", title, text);
  put("report                {}\n", (out / "report.html").string());
}

}  // namespace

OutputFolder drawing_folder(const std::filesystem::path& path) {
  constexpr std::array<std::string_view, 7> kFiles{"samples.png", "trajectories.png", "receptive_fields.png", "training.png",
                                                   "heat.png",    "report.html",      "report.json"};
  return OutputFolder(path, kFiles);
}

int draw_and_report(Device& device, DrawJob job, OutputFolder& out) {
  GenerativeReport report;
  report.command = job.command;
  report.saved = std::move(job.saved);
  report.seconds = job.seconds;
  report.seed = job.seed;
  report.shots = job.shots;
  report.device = device_line(device);
  report.capture_period = job.capture_period;
  report.model_path = job.model_path.string();
  report.beside = std::move(job.beside);

  {
    ProgressBar bar(ProgressBar::style_for(job.json), "draw", job.shots, "samples");
    trainers::GenerateOptions options;
    options.shots = job.shots;
    options.asked = job.asked;
    options.seed = job.seed;
    options.threads = job.threads;
    options.trajectory_shots = std::min(options.trajectory_shots, job.shots);
    options.progress = [&](double fraction) {
      bar.update(fraction * job.shots);
      return !interrupted();
    };
    report.samples = trainers::generate(device, report.saved.model, options);
    bar.finish();
  }
  report.seconds.generate = report.samples.seconds;
  report.electricity = electricity_of(device, std::accumulate(report.samples.heat.begin(), report.samples.heat.end(), 0.0),
                                      job.host);
  report.classes = trainers::classify(report.samples, report.saved.model.prototypes);
  report.in_sample = job.in_sample;
  report.held_out = std::move(job.held_out);
  report.training_processor_seconds = job.training_processor_seconds;
  report.noise_memory = job.noise_memory;
  report.image_weights = std::move(job.image_weights);
  if (job.judge_data) {
    report.quality =
        trainers::judge_samples(report.samples, report.saved.model, trainers::DigitClassifier(*job.judge_data), report.classes);
  }

  report.pictures = {samples_picture(report.samples, report.classes), trajectories_picture(report.samples),
                     receptive_fields_picture(report.saved.model), training_picture(report.saved),
                     heat_picture(report.samples.heat, report.kT())};
  report.seconds.total = std::chrono::duration<double>(std::chrono::steady_clock::now() - job.start).count();

  add_pictures(out, report.pictures, !job.json);
  out.add("report.html", html_report(report));
  const std::string json = out.commit(json_report(report));
  if (job.json) put("{}", json);
  else print_summary(report, out.path());

  if (!std::isfinite(report.heat().mean)) {
    note("heatbath: the heat of the samples is not a finite number; see {}\n",
               (out.path() / "report.json").string());
    return 1;
  }
  return 0;
}

}  // namespace heatbath::apps
