// Options of the commands that train machines of coupled cells.

#include "apps/cli/machine_commands.hpp"

#include <memory>

#include <CLI/CLI.hpp>

#include "apps/cli/command_groups.hpp"
#include "apps/cli/option_kinds.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

constexpr const char* kStops =
    "Ctrl-C (SIGTERM, SIGHUP) saves the training and exits with 130 (143, 129); --continue goes on from it. A later one kills.";

void add_train_boltzmann(CLI::App& train, Command& command) {
  struct Words {
    TrainBoltzmannOptions options;
    std::string machine = "restricted", chains = "tempered", digits = "0,1,2";
    std::uint64_t checkpoint_seconds = 60;
  };
  const auto given = std::make_shared<Words>();
  TrainBoltzmannOptions& o = given->options;
  o.training.updates = 1500;
  o.training.shots = 256;
  o.training.sweeps = 2;
  o.training.rate = 0.1;
  o.training.temperatures = 5;
  o.training.hottest = 4;
  CLI::App* app = train.add_subcommand("boltzmann", "a Boltzmann machine of binary cells: data averages against averages of the device");
  app->add_option("--out", o.out, "folder for pictures, machine.json, report.json and report.html")
      ->required()
      ->check(a_name())
      ->option_text("DIR");
  app->add_option("--problem", o.problem,
                  "bars (bars and stripes of 3 x 3 cells), parity, two-patterns, digits, or a file of binary patterns, one per line, "
                  "weight behind it (default bars)")
      ->option_text("NAME|FILE");
  app->add_option("--machine", given->machine,
                  "restricted (visible cells couple to hidden ones alone) or general (every pair) (default restricted)")
      ->option_text("NAME");
  add_whole(app, "--hidden", o.hidden, 0, 65536, "hidden cells (default 0: 8, of digits 64)");
  app->add_option("--chains", given->chains,
                  "where the free phase starts: contrastive (at the patterns), persistent (where it ended), tempered (there, beside hotter chains) "
                  "(default tempered)")
      ->option_text("NAME");
  add_whole(app, "--updates", o.training.updates, 1, 10000000, "of all parameters (default 1500)");
  add_whole(app, "--shots", o.training.shots, 1, 1000000, "chains of the free phase, of each temperature (default 256)");
  app->add_option("--sweeps", o.training.sweeps, "length of the free phase (default 2)")->transform(finite(1e-3, 1e9))->option_text("X");
  app->add_option("--settle", o.training.settle,
                  "sweeps with the visible cells clamped (default 0: 1 of a restricted machine, 10 of a general one)")
      ->transform(finite(0, 1e9))
      ->option_text("X");
  app->add_option("--rate", o.training.rate, "of the first update; falls to a tenth (default 0.1)")->transform(finite(1e-9, 100))->option_text("X");
  app->add_option("--decay", o.training.decay, "of all parameters, per update and unit of rate (default 0)")->transform(finite(0, 1))->option_text("X");
  app->add_option("--limit", o.training.limit, "largest field and coupling; 0: none (default 0)")->transform(finite(0, 1e6))->option_text("X");
  add_whole(app, "--temperatures", o.training.temperatures, 2, 1000, "of tempered chains, with equal steps of 1/kT (default 5)");
  app->add_option("--hottest", o.training.hottest, "the last of them, over that of the machine (default 4)")->transform(finite(1.001, 1e6))->option_text("X");
  add_whole(app, "--draw", o.draw_shots, 2, 10000000, "drawings of the trained machine (default 1000)");
  app->add_option("--draw-sweeps", o.draw_sweeps, "from random spins to a drawing, and of each ramp (default 500)")
      ->transform(finite(1, 1e9))
      ->option_text("X");
  app->add_option("--data", o.data, "folder with the MNIST IDX files, plain or .gz, for digits (default: digits the project draws)")
      ->option_text("DIR");
  app->add_option("--digits", given->digits, "classes to learn (default 0,1,2)")->option_text("LIST");
  add_device(app, o.device);
  add_whole(app, "--seed", o.seed, 0, kMost64, "of the training and, where the device can be seeded, of its noise (default 1)");
  add_whole(app, "--checkpoint-every", given->checkpoint_seconds, 0, 1000000,
            "seconds after which machine.json is saved while it trains; 0: after every update (default 60)");
  app->add_flag("--continue", o.go_on, "take up the training whose machine.json is in the folder, or draw again where it has ended");
  add_json(app, o.json);
  app->footer(kStops);
  app->callback([&command, given] {
    command = [given] {
      TrainBoltzmannOptions& own = given->options;
      if (given->machine != "restricted" && given->machine != "general")
        throw Error(HB_BAD_ARG, "--machine " + given->machine + ": needs restricted or general");
      own.general = given->machine == "general";
      own.training.phase = trainers::free_phase_named(given->chains, "--chains");
      own.digits = parse_digits(given->digits);
      own.checkpoint_every = std::chrono::seconds(given->checkpoint_seconds);
      return run_train_boltzmann(own);
    };
  });
}

void add_train_graph(CLI::App& train, Command& command) {
  struct Words {
    TrainGraphOptions options;
    std::string chains = "persistent";
    std::uint64_t checkpoint_seconds = 60;
  };
  const auto given = std::make_shared<Words>();
  TrainGraphOptions& o = given->options;
  o.training.updates = 100;
  o.training.shots = 16;
  o.training.sweeps = 4;
  o.training.settle = 8;
  o.training.rate = 0.2;
  CLI::App* app = train.add_subcommand("graph", "a Boltzmann machine on the couplers of a sparse device, as large as the device");
  app->add_option("--out", o.out, "folder for pictures, machine.npz, report.json and report.html")->required()->check(a_name())->option_text("DIR");
  app->add_option("--patterns", o.patterns, "patterns of -1 and 1, or 0 and 1: rows of an array in a .npy or .npz file, such as records of heatbath run")
      ->required()
      ->option_text("FILE");
  app->add_option("--array", o.array, "the array of an .npz file (default: the only one)")->option_text("NAME");
  app->add_option("--visible", o.visible, "numbers of the cells that carry the patterns, rising; the others are hidden (default: all cells)")
      ->option_text("FILE");
  add_whole(app, "--held-out", o.held_out, 0, kMost64, "patterns at the end of the file that are not learned, but judged (default 0)");
  app->add_option("--chains", given->chains,
                  "where the free phase starts: contrastive (at the patterns) or persistent (where it ended) (default persistent)")
      ->option_text("NAME");
  add_whole(app, "--updates", o.training.updates, 1, 10000000, "of all parameters (default 100)");
  add_whole(app, "--shots", o.training.shots, 1, 1000000, "chains of the free phase (default 16)");
  app->add_option("--sweeps", o.training.sweeps, "length of the free phase (default 4)")->transform(finite(1e-3, 1e9))->option_text("X");
  app->add_option("--settle", o.training.settle, "sweeps of hidden cells with the visible ones clamped (default 8)")->transform(finite(1e-3, 1e9))->option_text("X");
  app->add_option("--rate", o.training.rate, "of the first update; falls to a tenth (default 0.2)")->transform(finite(1e-9, 100))->option_text("X");
  app->add_option("--decay", o.training.decay, "of all parameters, per update and unit of rate (default 0)")->transform(finite(0, 1))->option_text("X");
  app->add_option("--limit", o.training.limit, "largest field and coupling; 0: none (default 0)")->transform(finite(0, 1e6))->option_text("X");
  add_device(app, o.device);
  add_whole(app, "--seed", o.seed, 0, kMost64, "of the training and, where the device can be seeded, of its noise (default 1)");
  add_whole(app, "--checkpoint-every", given->checkpoint_seconds, 0, 1000000,
            "seconds after which machine.npz is saved while it trains; 0: after every update (default 60)");
  app->add_flag("--continue", o.go_on, "take up the training whose machine.npz is in the folder");
  add_json(app, o.json);
  app->footer(kStops);
  app->callback([&command, given] {
    command = [given] {
      TrainGraphOptions& own = given->options;
      own.training.phase = trainers::free_phase_named(given->chains, "--chains");
      if (own.training.phase == trainers::FreePhase::tempered) throw Error(HB_BAD_ARG, "--chains tempered: needs contrastive or persistent");
      own.checkpoint_every = std::chrono::seconds(given->checkpoint_seconds);
      return run_train_graph(own);
    };
  });
}

void add_train_memory(CLI::App& train, Command& command) {
  const auto given = std::make_shared<TrainMemoryOptions>();
  TrainMemoryOptions& o = *given;
  CLI::App* app = train.add_subcommand("memory", "patterns stored in couplings and recalled from a part, Hebbian and dense, against load");
  app->add_option("--out", o.out, "folder for the picture, report.json and report.html")->required()->check(a_name())->option_text("DIR");
  add_whole(app, "--cells", o.cells, 8, 4096, "spins of a pattern (default 128)");
  add_list(app, "--loads", o.loads, finite(1e-6, 100), "patterns per spin (default 0.02,0.05,0.08,0.11,0.14,0.17,0.2,0.3,0.5)");
  app->add_option("--kT", o.kT, "temperature, the couplings being (1/N) sum xi xi (default 0.1)")->transform(finite(1e-6, 1e6))->option_text("X");
  app->add_option("--corrupted", o.corrupted, "share of the spins turned at the start (default 0.1)")->transform(finite(0, 1))->option_text("X");
  add_whole(app, "--levels", o.levels, 1, 16, "pairs of hidden spins for each pattern of the dense memory (default 3)");
  add_whole(app, "--shots", o.shots, 2, 1000000, "recalls at each load (default 128)");
  app->add_option("--sweeps", o.sweeps, "of a recall (default 50)")->transform(finite(1, 1e9))->option_text("X");
  add_device(app, o.device);
  add_whole(app, "--seed", o.seed, 0, kMost64, "of the patterns and, where the device can be seeded, of its noise (default 1)");
  add_json(app, o.json);
  app->callback([&command, given] { command = [given] { return run_train_memory(*given); }; });
}

void add_train_equilibrium(CLI::App& train, Command& command) {
  struct Words {
    TrainEquilibriumOptions options;
    std::uint64_t checkpoint_seconds = 60;
  };
  const auto given = std::make_shared<Words>();
  TrainEquilibriumOptions& o = given->options;
  o.training.kT = 0.05;
  o.training.repeats = 8;
  o.training.records = 4;
  o.training.rate = 0.3;
  CLI::App* app = train.add_subcommand("equilibrium", "a net of quartic cells by equilibrium propagation: two nudged relaxations give the gradient");
  app->add_option("--out", o.out, "folder for the picture, net.json, report.json and report.html")->required()->check(a_name())->option_text("DIR");
  app->add_option("--problem", o.problem, "parity (of two inputs), or a file of binary patterns whose last cells are the targets (default parity)")
      ->option_text("NAME|FILE");
  add_whole(app, "--outputs", o.outputs, 1, 1024, "cells of a pattern that are targets (default 1)");
  add_whole(app, "--hidden", o.hidden, 0, 65536, "hidden cells (default 6)");
  add_whole(app, "--updates", o.updates, 1, 10000000, "of all parameters (default 200)");
  add_whole(app, "--repeats", o.training.repeats, 2, 1000000, "shots of each example and sign (default 8)");
  app->add_option("--nudge", o.training.nudge, "beta: the energy gets plus and minus beta times the cost (default 0.3)")->transform(finite(1e-6, 100))->option_text("X");
  app->add_option("--rate", o.training.rate, "of the updates (default 0.3)")->transform(finite(1e-9, 100))->option_text("X");
  app->add_option("--kT", o.training.kT, "temperature (default 0.05)")->transform(finite(1e-9, 1e6))->option_text("X");
  app->add_option("--relax", o.training.relax, "time units before the first record (default 8)")->transform(finite(1e-3, 1e9))->option_text("X");
  add_device(app, o.device);
  add_whole(app, "--seed", o.training.seed, 0, kMost64, "of the first couplings and, where the device can be seeded, of its noise (default 1)");
  add_whole(app, "--checkpoint-every", given->checkpoint_seconds, 0, 1000000, "seconds after which net.json is saved while it trains; 0: after every update (default 60)");
  app->add_flag("--continue", o.go_on, "take up the training whose net.json is in the folder");
  add_json(app, o.json);
  app->footer(kStops);
  app->callback([&command, given] {
    command = [given] {
      given->options.checkpoint_every = std::chrono::seconds(given->checkpoint_seconds);
      return run_train_equilibrium(given->options);
    };
  });
}

void add_train_classifier(CLI::App& train, Command& command) {
  struct Words {
    TrainClassifierOptions options;
    std::uint64_t checkpoint_seconds = 60;
  };
  const auto given = std::make_shared<Words>();
  TrainClassifierOptions& o = given->options;
  o.tuning.updates = 0;
  CLI::App* app = train.add_subcommand("classifier", "digits read by noisy cells at a set time, trained by gradient descent on guide paths");
  app->add_option("--out", o.out, "folder for pictures, classifier.json, report.json and report.html")->required()->check(a_name())->option_text("DIR");
  app->add_option("--data", o.data, "folder with the MNIST IDX files, plain or .gz (default: digits the project draws)")->option_text("DIR");
  add_whole(app, "--held-out", o.held_out, 0, kMost32, "images at the end of the data that are not learned, but read (default 0: a ninth, at most 1000)");
  add_whole(app, "--layer", o.training.layer, 1, 4096, "units of each hidden layer of the teacher, which are two: half of the hidden cells (default 32)");
  add_whole(app, "--teacher-steps", o.training.teacher_steps, 1, 1000000, "of the teacher's training (default 2400)");
  add_whole(app, "--steps", o.training.steps, 1, 1000000, "of the machine's training (default 1600)");
  add_whole(app, "--batch", o.training.batch, 1, 65536, "images of a step (default 100)");
  app->add_option("--rate", o.training.rate, "of the machine's training at the begin (default 0.01)")->transform(finite(1e-9, 100))->option_text("X");
  app->add_option("--drive", o.training.drive, "force of the guides (default 100)")->transform(finite(1e-3, 1e6))->option_text("X");
  add_whole(app, "--runs", o.inference.runs, 1, 1000000, "of each digit; their mean decides (default 10)");
  add_whole(app, "--fine-tune", o.tuning.updates, 0, 1000000, "updates of the parameters by what the cells of this device do (default 0)");
  add_whole(app, "--tune-batch", o.tuning.batch, 1, 65536, "images of such an update (default 200)");
  app->add_option("--tune-rate", o.tuning.rate, "of the first (default 0.003)")->transform(finite(1e-9, 100))->option_text("X");
  add_device(app, o.device);
  add_whole(app, "--seed", o.training.seed, 0, kMost64, "of the training and, where the device can be seeded, of its noise (default 1)");
  add_whole(app, "--threads", o.training.threads, 0, 1024, "threads for work on the host (default 0: one per processor)");
  add_whole(app, "--checkpoint-every", given->checkpoint_seconds, 0, 1000000,
            "seconds after which classifier.json is saved while it trains; 0: after every step (default 60)");
  app->add_flag("--continue", o.go_on, "take up the training whose classifier.json is in the folder, or read digits again with it");
  add_json(app, o.json);
  app->footer(kStops);
  app->callback([&command, given] {
    command = [given] {
      given->options.checkpoint_every = std::chrono::seconds(given->checkpoint_seconds);
      return run_train_classifier(given->options);
    };
  });
}

}  // namespace

void add_machine_commands(CLI::App& app, Command& command) {
  add_train_boltzmann(train_of(app), command);
  add_train_graph(train_of(app), command);
  add_train_memory(train_of(app), command);
  add_train_equilibrium(train_of(app), command);
  add_train_classifier(train_of(app), command);
}

}  // namespace heatbath::apps
