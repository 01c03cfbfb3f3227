// Options of the commands that study a machine.

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "apps/cli/command_groups.hpp"
#include "apps/cli/commands.hpp"
#include "apps/cli/option_kinds.hpp"
#include "heatbath/error.hpp"
#include "heatbath/trainers/setting_names.hpp"

namespace heatbath::apps {

namespace {

void add_train_ergodicity(CLI::App& train, Command& command) {
  struct TrainErgodicityWords {
    TrainErgodicityOptions options;
    std::string ergodicity_digits = "0,1,2";
  };
  const auto given = std::make_shared<TrainErgodicityWords>();
  CLI::App* ergodicity_app = train.add_subcommand(
      "ergodicity", "one machine against experts, and the ergodicity they lose (arXiv:2412.16411)");
  ergodicity_app->add_option("--out", given->options.out, "folder for pictures, machines.json, report.json and report.html")
      ->required()
      ->check(a_name())
      ->option_text("DIR");
  ergodicity_app
      ->add_option("--problem", given->options.problem,
                   "parity, two-patterns, digits, or a file of binary patterns, one per line, weight behind it "
                   "(default parity)")
      ->option_text("NAME|FILE");
  add_whole(ergodicity_app, "--experts", given->options.study.experts, 1, 64,
            "machines that share the patterns (default 2, of digits one per class)");
  add_whole(ergodicity_app, "--updates", given->options.study.updates, 1, 1000000, "updates of each machine (default 300)");
  ergodicity_app
      ->add_option("--data", given->options.data,
                   "folder with the MNIST IDX files, plain or .gz, for digits (default: digits the project draws)")
      ->option_text("DIR");
  ergodicity_app->add_option("--digits", given->ergodicity_digits, "classes; the last is made rare (default 0,1,2)")
      ->option_text("LIST");
  add_whole(ergodicity_app, "--library", given->options.study.library_cells, 8, 16,
            "cells of the library of the temperature sweep, 8 or 16 (default 8)");
  ergodicity_app
      ->add_option("--effort", given->options.study.effort, "factor on the number of shots of every measurement (default 1)")
      ->transform(finite(0.001, 1000))
      ->option_text("X");
  add_device(ergodicity_app, given->options.device);
  add_whole(ergodicity_app, "--seed", given->options.study.seed, 0, kMost64,
            "of the host's randomness and, where the device can be seeded, of its noise (default 1)");
  ergodicity_app->add_flag("--continue", given->options.go_on, "take up the training whose machines.json is in the folder");
  add_json(ergodicity_app, given->options.json);
  ergodicity_app->footer("Ctrl-C (SIGTERM, SIGHUP) saves the machines and exits with 130 (143, 129); --continue goes on from them. A later one kills.");
  ergodicity_app->callback([&command, given] {
    command = [given] {
      given->options.digits = parse_digits(given->ergodicity_digits);
      return run_train_ergodicity(given->options);
    };
  });
}

void add_bound(CLI::App& app, Command& command) {
  struct BoundWords {
    BoundCommandOptions options;
    std::string process = "vp";
  };
  const auto given = std::make_shared<BoundWords>();
  CLI::App* bound_app = app.add_subcommand(
      "bound", "entropy rates and the likelihood bound of a score-based model (arXiv:2510.06174)");
  bound_app->add_option("--out", given->options.out, "folder for pictures, score.json, report.json and report.html")
      ->required()
      ->check(a_name())
      ->option_text("DIR");
  bound_app->add_option("--data", given->options.data, "gaussian, uniform, mixture, or a file of numbers (default mixture)")
      ->option_text("LAW");
  bound_app
      ->add_option("--width", given->options.width,
                   "standard deviation of gaussian, half width of uniform (default 1); mixture has peaks at -2 and 2")
      ->transform(finite())
      ->option_text("W");
  bound_app->add_option("--process", given->process, "of the noise: vp (preserving) or ve (exploding) (default vp)")
      ->option_text("NAME");
  bound_app
      ->add_option("--score", given->options.score,
                   "exact, linear, radial, device (what its cell can do), or a score.json (default exact)")
      ->option_text("SCORE");
  bound_app
      ->add_option("--ratio", given->options.bound.ratio,
                   "linear score: standard deviation of the data over that of the model (default 1)")
      ->transform(finite())
      ->option_text("R");
  bound_app->add_option("--duration", given->options.bound.duration, "of the vp noising in time units (default 3)")
      ->transform(finite())
      ->option_text("T");
  bound_app->add_option("--sigma", given->options.bound.sigma, "of the ve noise g(t) = sigma^t, t from 0 to 1 (default 25)")
      ->transform(finite())
      ->option_text("S");
  add_whole(bound_app, "--samples", given->options.bound.samples, 64, 100000000, "values that are noised (default 65536)");
  add_whole(bound_app, "--levels", given->options.bound.levels, 8, 1000, "of noise (default 48)");
  add_device(bound_app, given->options.device);
  add_whole(bound_app, "--seed", given->options.bound.seed, 0, kMost64,
            "of the data and, where the device can be seeded, of its noise (default 1)");
  add_json(bound_app, given->options.json);
  bound_app->callback([&command, given] {
    command = [given] {
      given->options.bound.process = trainers::process_named(given->process, "--process");
      return run_bound(given->options);
    };
  });
}

}  // namespace

void add_study_commands(CLI::App& app, Command& command) {
  add_train_ergodicity(train_of(app), command);
  add_bound(app, command);
}

}  // namespace heatbath::apps
