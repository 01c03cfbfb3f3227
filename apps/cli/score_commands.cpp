// Options of the command that trains a score network.

#include "apps/cli/score_commands.hpp"

#include <memory>

#include <CLI/CLI.hpp>

#include "apps/cli/command_groups.hpp"
#include "apps/cli/option_kinds.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

void add_score_commands(CLI::App& app, Command& command) {
  struct TrainScoreWords {
    TrainScoreOptions options;
    std::string ask;
    std::vector<double> guidance, class_guidance;
    bool no_labels = false;
    std::uint64_t checkpoint_seconds = 60;
  };
  const auto given = std::make_shared<TrainScoreWords>();
  TrainScoreOptions& options = given->options;
  CLI::App* score = train_of(app).add_subcommand(
      "score", "learn all images of a data set as a score network of cells, then draw new ones");
  score->add_option("--out", options.out, "folder for pictures, score_network.h5, report.json and report.html")
      ->required()
      ->check(a_name())
      ->option_text("DIR");
  score->add_option("--data", options.data, "folder with the MNIST IDX files, plain or .gz (default: digits the project draws)")
      ->option_text("DIR");
  add_whole(score, "--hidden", options.training.hidden, 1, 65536, "hidden cells, beside 784 visible and 10 label cells (default 512)");
  add_whole(score, "--segments", options.training.segments, 1, 64,
            "parts of the drawing with parameters of their own (default 16)");
  add_whole(score, "--steps", options.training.steps, 1, 1000000, "of the optimizer in each segment, twice as many in the first (default 1000)");
  add_whole(score, "--batch", options.training.batch, 1, 65536, "images of a step (default 256)");
  score->add_option("--rate", options.training.learning_rate, "of the optimizer at the begin of a segment (default 0.003)")
      ->transform(finite(1e-9, 1))
      ->option_text("X");
  score->add_option("--coarse-noise", options.training.coarse_noise,
                    "variance of the noise above which segments are learned again, at another rate, when all are learned; 1: none (default 0.4)")
      ->transform(finite(0, 1))
      ->option_text("X");
  score->add_option("--coarse-rate", options.training.coarse_rate, "of the optimizer then (default 0.02)")->transform(finite(1e-9, 1))->option_text("X");
  score->add_flag("--no-labels", given->no_labels, "no label cells: the network is never told a class");
  add_whole(score, "--held-out", options.held_out, 0, kMost32, "images at the end of the data that are not learned (default 0: a ninth, at most 1000)");
  add_list(score, "--guidance", given->guidance, finite(0, 100),
           "what the label cell of the class asked for is clamped to, 1 in training: values for as many equal parts of the segments, with commas between (default 1.5)");
  add_list(score, "--class-guidance", given->class_guidance, finite(0, 100),
           "factors on what of the guidance lies above 1, for classes 0 to 9 (default: 1 for all)", 10);
  score->add_option("--ask", given->ask, "classes to draw, in turn (default: all in turn)")->option_text("LIST");
  add_whole(score, "--shots", options.draw.shots, 2, 10000000, "drawings (default 1000)");
  add_whole(score, "--unlabelled-shots", options.unlabelled_shots, 0, 10000000, "further drawings with all label cells at 0 (default 0)");
  add_whole(score, "--free-shots", options.free_shots, 0, 10000000, "further drawings whose class the label cells choose by their noise (default 0)");
  add_whole(score, "--draw-steps", options.draw.steps, 1, 1000000, "steps of the device in each segment, at least (default 60)");
  score->add_option("--speed-ratio", options.draw.speed_ratio, "how many times as fast as visible cells hidden ones are at least: more steps where needed (default 6)")
      ->transform(finite(0, 1e6))
      ->option_text("X");
  score->add_option("--finish", options.draw.finish, "how far the last noise is removed: 1 to the mean of the pictures that it may come from, less leaves specks and variety (default 1)")
      ->transform(finite(1e-3, 1000))
      ->option_text("X");
  add_device(score, options.device);
  add_whole(score, "--seed", options.training.seed, 0, kMost64,
            "of the training and, where the device can be seeded, of its noise (default 1)");
  add_whole(score, "--threads", options.training.threads, 0, 1024, "threads for work on the host (default 0: one per processor)");
  add_whole(score, "--checkpoint-every", given->checkpoint_seconds, 0, 1000000,
            "seconds after which score_network.h5 is saved while it trains; 0: after every step (default 60)");
  score->add_flag("--continue", options.go_on, "take up the training whose score_network.h5 is in the folder, or draw again with it");
  add_json(score, options.json);
  score->footer("Ctrl-C (SIGTERM, SIGHUP) saves the training and exits with 130 (143, 129); --continue goes on from it. A later one kills.");
  score->callback([&command, given, score] {
    for (const char* name : {"--hidden", "--segments", "--steps", "--batch", "--rate", "--coarse-noise", "--coarse-rate", "--no-labels", "--seed"})
      if (score->count(name) > 0) given->options.given.emplace_back(name);
    command = [given] {
      TrainScoreOptions& own = given->options;
      own.training.labels = !given->no_labels;
      own.draw.seed = own.training.seed;
      if (!given->guidance.empty()) own.draw.guidance = given->guidance;
      if (!given->class_guidance.empty()) own.draw.class_guidance = given->class_guidance;
      if (!given->ask.empty()) own.draw.asked = parse_digits(given->ask, "--ask");
      own.checkpoint_every = std::chrono::seconds(given->checkpoint_seconds);
      return run_train_score(own);
    };
  });
}

}  // namespace heatbath::apps
