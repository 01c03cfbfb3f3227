// Options of the commands that train a machine or use a trained one.

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "apps/cli/command_groups.hpp"
#include "apps/cli/generative_commands.hpp"
#include "apps/cli/option_kinds.hpp"
#include "heatbath/error.hpp"
#include "heatbath/trainers/setting_names.hpp"

namespace heatbath::apps {

namespace {

void add_train_generate(CLI::App& train, Command& command) {
  struct TrainGenerateWords {
    TrainGenerateOptions options;
    std::string digits = "0,1,2", scaling = "common-norm", drive = "pixel", optimizer = "gradient", recipe = "paper";
    std::uint64_t period = 0, checkpoint_seconds = 60;
  };
  const auto given = std::make_shared<TrainGenerateWords>();
  CLI::App* generate_trainer = train.add_subcommand(
      "generate", "learn to draw digits out of thermal noise, then draw some (arXiv:2506.15121)");
  generate_trainer->add_option("--out", given->options.out, "folder for pictures, model.h5, report.json and report.html")
      ->required()
      ->check(a_name())
      ->option_text("DIR");
  generate_trainer
      ->add_option("--data", given->options.data,
                   "folder with the MNIST IDX files, plain or .gz (default: digits the project draws)")
      ->option_text("DIR");
  generate_trainer->add_option("--digits", given->digits, "classes to learn, the first image of each (default 0,1,2)")
      ->option_text("LIST");
  generate_trainer
      ->add_option("--recipe", given->recipe,
                   "paper: the defaults below. schedule: the machine whose digits are not inverted and equally frequent: "
                   "--optimizer least-squares --drive projection --segments 8 --ramp-end 0.35 --balance 5 (no balance "
                   "with --labels); options beside it win (default paper)")
      ->option_text("NAME");
  add_whole(generate_trainer, "--updates", given->options.training.updates, 1, 1000000,
            "updates of the couplings, one noising trajectory each (default 100)");
  add_whole(generate_trainer, "--hidden", given->options.training.hidden, 1, 65536,
            "hidden cells, beside 784 visible ones (default 512)");
  add_device(generate_trainer, given->options.device);
  add_whole(generate_trainer, "--seed", given->options.training.seed, 0, kMost64,
            "of the host's randomness and, where the device can be seeded, of its noise (default 1)");
  generate_trainer
      ->add_option("--scaling", given->scaling,
                   "of the images: common-norm (L2 norm 44.48) or unit-variance (default common-norm)")
      ->option_text("NAME");
  generate_trainer->add_option("--drive", given->drive, "of hidden cells while noising: pixel or projection (default pixel)")
      ->option_text("NAME");
  generate_trainer
      ->add_option("--optimizer", given->optimizer,
                   "gradient (after each trajectory), online (after each record) or least-squares (the exact optimum of "
                   "all trajectories) (default gradient)")
      ->option_text("NAME");
  add_whole(generate_trainer, "--segments", given->options.training.segments, 1, 64,
            "parts of the drawing with couplings and biases of their own; least-squares (default 1)");
  generate_trainer
      ->add_option("--ramp-end", given->options.training.ramp_end,
                   "part of the noising in which the drive falls to 0, above 0 and below 1 (default 0.75)")
      ->transform(finite())
      ->option_text("X");
  generate_trainer->add_flag("--labels", given->options.training.labels,
                             "clamped cells that tell the class, one per class; least-squares");
  add_whole(generate_trainer, "--balance", given->options.training.balance_rounds, 0, 100,
            "rounds of drawing 100 and fitting again, for classes drawn equally often; least-squares (default 0)");
  add_whole(generate_trainer, "--images", given->options.training.images_per_class, 1, 100000,
            "images of each class to learn (default 1)");
  generate_trainer->add_flag("--continue", given->options.go_on, "take up the training whose model.h5 is in the folder");
  add_whole(generate_trainer, "--checkpoint-every", given->checkpoint_seconds, 0, 1000000,
            "seconds after which model.h5 is saved while it trains; 0: after every update (default 60)");
  add_whole(generate_trainer, "--capture-period", given->period, 0, kMost64,
            "device ticks between captured states (default 0: the shortest the device has)");
  add_whole(generate_trainer, "--shots", given->options.shots, 1, 10000000, "drawings after training (default 200)");
  generate_trainer
      ->add_option("--beside", given->options.beside,
                   "folder of an earlier run whose figures and drawings the report shows beside these")
      ->option_text("DIR");
  add_whole(generate_trainer, "--held-out", given->options.held_out, 0, 1000000,
            "noising trajectories beside the training that judge it (default 0: 20, or one of each image)");
  add_whole(generate_trainer, "--threads", given->options.training.threads, 0, 1024,
            "threads for work on the host (default 0: one per processor)");
  add_json(generate_trainer, given->options.json);
  generate_trainer->footer("Ctrl-C (SIGTERM, SIGHUP) finishes the update, saves the model and exits with 130 (143, 129); --continue goes on from it. A later one kills.");
  generate_trainer->callback([&command, given, generate_trainer] {
    if (given->recipe == "schedule") {
      trainers::GenerativeOptions& training = given->options.training;
      const auto open_to = [generate_trainer](const char* option) { return generate_trainer->count(option) == 0; };
      if (open_to("--optimizer")) given->optimizer = "least-squares";
      if (open_to("--drive")) given->drive = "projection";
      if (open_to("--segments")) training.segments = 8;
      if (open_to("--ramp-end")) training.ramp_end = 0.35;
      if (open_to("--balance") && !training.labels) training.balance_rounds = 5;
    }
    command = [given] {
      if (given->recipe != "paper" && given->recipe != "schedule") {
        throw Error(HB_BAD_ARG, "--recipe " + given->recipe + ": paper or schedule are possible");
      }
      given->options.training.digits = parse_digits(given->digits);
      given->options.training.scaling = trainers::scaling_named(given->scaling, "--scaling");
      given->options.training.drive = trainers::drive_named(given->drive, "--drive");
      given->options.training.optimizer = trainers::optimizer_named(given->optimizer, "--optimizer");
      given->options.training.capture_period = Ticks{given->period};
      given->options.checkpoint_every = std::chrono::seconds(given->checkpoint_seconds);
      return run_train_generate(given->options);
    };
  });
}

void add_generate(CLI::App& app, Command& command) {
  struct GenerateWords {
    GenerateCommandOptions options;
    std::string ask;
  };
  const auto given = std::make_shared<GenerateWords>();
  CLI::App* generate_app = app.add_subcommand("generate", "draw more from a saved model");
  generate_app->add_option("--model", given->options.model, "model.h5 of an earlier training")
      ->required()
      ->option_text("FILE");
  generate_app->add_option("--out", given->options.out, "folder for pictures, report.json and report.html")
      ->required()
      ->check(a_name())
      ->option_text("DIR");
  add_whole(generate_app, "--shots", given->options.shots, 1, 10000000, "drawings (default 200)");
  generate_app
      ->add_option("--ask", given->ask, "classes to draw, in turn, of a model with label cells (default: all in turn)")
      ->option_text("LIST");
  add_device(generate_app, given->options.device);
  add_whole(generate_app, "--seed", given->options.seed, 0, kMost64,
            "of the noise, where the device can be seeded (default 1)");
  add_whole(generate_app, "--threads", given->options.threads, 0, 1024,
            "threads for work on the host (default 0: one per processor)");
  add_json(generate_app, given->options.json);
  generate_app->callback([&command, given] {
    command = [given] {
      if (!given->ask.empty()) given->options.asked = parse_digits(given->ask, "--ask");
      return run_generate(given->options);
    };
  });
}

void add_gap(CLI::App& app, Command& command) {
  const auto options = std::make_shared<GapOptions>();
  options->profiles = {"ideal", "hb-1024", "harsh"};
  CLI::App* gap_app = app.add_subcommand("gap", "what a trained model loses on chips that are not ideal, and what it costs there");
  gap_app->add_option("--model", options->model, "model.h5 of a training")->required()->option_text("FILE");
  gap_app
      ->add_option("--profiles", options->profiles,
                   "profiles, built-in ones or FILE.toml, or devices as URIs, with commas (default ideal,hb-1024,harsh)")
      ->delimiter(',')
      ->option_text("LIST");
  gap_app->add_flag("--calibrate", options->calibrate, "each chip also with the cells and couplers of the model calibrated");
  gap_app->add_option("--effort", options->effort, "of the calibration: samples relative to the usual number (default 1)")
      ->transform(finite(1e-3, 1e4))
      ->option_text("X");
  add_whole(gap_app, "--tune", options->tune, 0, 1000000,
            "each chip also with the model trained on it: so many more trajectories, or as many anew of least squares (default 0: not)");
  gap_app->add_option("--data", options->data, "for --tune, what the model was trained on: folder with the MNIST IDX files (default: digits the project draws)")
      ->option_text("DIR");
  gap_app->add_option("--out", options->out, "folder for gap.md, gap.png and report.json (default: none)")
      ->check(a_name())
      ->option_text("DIR");
  add_whole(gap_app, "--shots", options->shots, 1, 10000000, "drawings on each chip (default 100)");
  add_whole(gap_app, "--seed", options->seed, 0, kMost64, "of the noise, where a device can be seeded (default 1)");
  add_whole(gap_app, "--threads", options->threads, 0, 1024, "threads for work on the host (default 0: one per processor)");
  add_json(gap_app, options->json);
  gap_app->callback([&command, options] { command = [options] { return run_gap(*options); }; });
}

}  // namespace

void add_trainer_commands(CLI::App& app, Command& command) {
  add_train_generate(train_of(app), command);
  add_generate(app, command);
  add_gap(app, command);
}

}  // namespace heatbath::apps
