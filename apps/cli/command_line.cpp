#include "apps/cli/command_line.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "apps/cli/commands.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/files/provenance.hpp"
#include "apps/files/setting_names.hpp"
#include "heatbath/error.hpp"

namespace heatbath::apps {

namespace {

constexpr std::uint64_t kMost32 = std::numeric_limits<std::uint32_t>::max();
constexpr std::uint64_t kMost64 = std::numeric_limits<std::uint64_t>::max();

int complain(const std::string& message, int status) {
  std::string line = message;
  std::ranges::replace(line, '\n', ' ');
  fmt::print(stderr, "heatbath: {}\n", line);
  return status;
}

CLI::Validator whole(std::uint64_t lowest, std::uint64_t highest) {
  return CLI::Validator(
      [=](std::string& text) {
        std::uint64_t value = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
        if (error == std::errc{} && end == text.data() + text.size() && value >= lowest && value <= highest)
          return std::string();
        return fmt::format("\"{}\" is not a whole number from {} to {}", text, lowest, highest);
      },
      "N");
}

template <typename Number>
CLI::Option* add_whole(CLI::App* app, const char* name, Number& value, std::uint64_t lowest, std::uint64_t highest,
                       const char* help) {
  return app->add_option(name, value, help)->check(whole(lowest, highest))->type_name("N")->option_text("N");
}

std::vector<std::uint8_t> parse_digits(const std::string& text, const char* option = "--digits") {
  std::vector<std::uint8_t> digits;
  const auto bad = [&] {
    throw Error(HB_BAD_ARG,
                fmt::format("{} {}: needs different digits 0 to 9 with commas between, as in 0,1,2", option, text));
  };
  for (std::size_t i = 0; i < text.size(); i += 2) {
    if (text[i] < '0' || text[i] > '9' || (i + 1 < text.size() && text[i + 1] != ',')) bad();
    const auto digit = static_cast<std::uint8_t>(text[i] - '0');
    if (std::ranges::find(digits, digit) != digits.end()) bad();
    digits.push_back(digit);
  }
  if (digits.empty() || text.back() == ',') bad();
  return digits;
}

void add_device(CLI::App* app, std::string& device) {
  app->add_option("--device", device,
                  "the device, as URI: func:profile=ideal&lanes=64&threads=2 … "
                  "(default: the environment variable HEATBATH_DEVICE, else func:)")
      ->option_text("URI");
}

void add_json(CLI::App* app, bool& json) {
  app->add_flag("--json", json, "the result as JSON on standard output, and nothing else");
}

struct Words {
  std::vector<std::string> names;
  std::string list() const { return fmt::format("{}", fmt::join(names, ", ")); }
  bool knows(std::string_view word) const { return std::ranges::find(names, word) != names.end(); }
};
const Words kCommands{{"info", "run", "train", "generate", "bound", "validate", "conformance", "bench", "serve", "fmu", "netlist"}};
const Words kTrainers{{"generate", "ergodicity"}};

/// A word where a command should be, that is none.
std::string unknown_command(int argc, char** argv) {
  const auto word = [&](int i) { return i < argc ? std::string_view(argv[i]) : std::string_view("-"); };
  if (!word(1).starts_with('-') && !kCommands.knows(word(1))) {
    return fmt::format("unknown command \"{}\"; the commands are {}", word(1), kCommands.list());
  }
  if (word(1) == "train" && !word(2).starts_with('-') && !kTrainers.knows(word(2))) {
    return fmt::format("unknown trainer \"{}\"; there is: {}", word(2), kTrainers.list());
  }
  return {};
}

int status_of(const Error& error) {
  switch (error.code()) {
    case HB_TIMEOUT:
    case HB_LINK:
    case HB_DEVICE:
    case HB_CAPTURE_OVERRUN:
    case HB_ABORTED: return 1;
    default: return 2;
  }
}

}  // namespace

int run_command_line(int argc, char** argv) {
  CLI::App app{"heatbath: an emulated thermodynamic computer, its driver and its trainers."};
  app.name("heatbath");
  app.set_version_flag("--version", version_line());
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  app.footer(
      "Exit status: 0 done; 1 it ran and failed its check, or the device failed; 2 usage or input error; 130 "
      "interrupted.");
  std::function<int()> command;

  InfoOptions info;
  CLI::App* info_app = app.add_subcommand("info", "what a device says of itself: identity, capabilities, units, link");
  add_device(info_app, info.device);
  add_json(info_app, info.json);
  info_app->callback([&] { command = [&] { return run_info(info); }; });

  RunOptions run;
  std::uint64_t run_seed = 0;
  std::uint32_t run_shots = 0;
  CLI::App* run_app = app.add_subcommand("run", "run a program described in TOML");
  run_app->add_option("program", run.program, "TOML file: [network], [[schedule]], [samples]")
      ->required()
      ->option_text("FILE.toml");
  run_app->add_option("--out", run.out, "result: FILE.npz for numpy, or FILE.h5 (default: summary only)")
      ->option_text("FILE");
  run_app->add_option("--vcd", run.vcd, "waveforms of one shot, for GTKWave (default: none)")->option_text("FILE.vcd");
  run_app
      ->add_option("--signals", run.signals,
                   "of the waveforms: cells=0..7,cells=12,meters,shot=3 (default: all captured cells and the meters of "
                   "shot 0)")
      ->option_text("LIST");
  add_device(run_app, run.device);
  auto* run_seed_option =
      add_whole(run_app, "--seed", run_seed, 0, kMost64,
                "noise key; a device that cannot be seeded refuses it (default: the file's, else 1)");
  auto* run_shots_option =
      add_whole(run_app, "--shots", run_shots, 1, kMost32, "independent runs (default: the file's, else 1)");
  add_json(run_app, run.json);
  run_app->footer("Durations in the file are in dimensionless time units, energies in the device's energy units.");
  run_app->callback([&] {
    command = [&] {
      if (run_seed_option->count()) run.seed = run_seed;
      if (run_shots_option->count()) run.shots = run_shots;
      return run_program(run);
    };
  });

  TrainGenerateOptions train;
  std::string ask;
  std::string digits = "0,1,2", scaling = "common-norm", drive = "pixel", optimizer = "gradient";
  std::uint64_t period = 0;
  CLI::App* train_app = app.add_subcommand("train", "train a machine on a device");
  train_app->require_subcommand(1);
  CLI::App* generate_trainer = train_app->add_subcommand(
      "generate", "learn to draw digits out of thermal noise, then draw some (arXiv:2506.15121)");
  generate_trainer->add_option("--out", train.out, "folder for pictures, model.h5, report.json and report.html")
      ->required()
      ->option_text("DIR");
  generate_trainer
      ->add_option("--data", train.data,
                   "folder with the MNIST IDX files, plain or .gz (default: digits the project draws)")
      ->option_text("DIR");
  generate_trainer->add_option("--digits", digits, "classes to learn, the first image of each (default 0,1,2)")
      ->option_text("LIST");
  add_whole(generate_trainer, "--updates", train.training.updates, 1, 1000000,
            "updates of the couplings, one noising trajectory each (default 100)");
  add_whole(generate_trainer, "--hidden", train.training.hidden, 1, 65536,
            "hidden cells, beside 784 visible ones (default 512)");
  add_device(generate_trainer, train.device);
  add_whole(generate_trainer, "--seed", train.training.seed, 0, kMost64,
            "of the host's randomness and, where the device can be seeded, of its noise (default 1)");
  generate_trainer
      ->add_option("--scaling", scaling,
                   "of the images: common-norm (L2 norm 44.48) or unit-variance (default common-norm)")
      ->option_text("NAME");
  generate_trainer->add_option("--drive", drive, "of hidden cells while noising: pixel or projection (default pixel)")
      ->option_text("NAME");
  generate_trainer
      ->add_option("--optimizer", optimizer,
                   "gradient (after each trajectory), online (after each record) or least-squares (the exact optimum of "
                   "all trajectories) (default gradient)")
      ->option_text("NAME");
  add_whole(generate_trainer, "--segments", train.training.segments, 1, 64,
            "parts of the drawing with couplings and biases of their own; least-squares (default 1)");
  generate_trainer
      ->add_option("--ramp-end", train.training.ramp_end,
                   "part of the noising in which the drive falls to 0, above 0 and below 1 (default 0.75)")
      ->option_text("X");
  generate_trainer->add_flag("--labels", train.training.labels,
                             "clamped cells that tell the class, one per class; least-squares");
  add_whole(generate_trainer, "--images", train.training.images_per_class, 1, 100000,
            "images of each class to learn (default 1)");
  generate_trainer->add_flag("--continue", train.go_on, "take up the training whose model.h5 is in the folder");
  add_whole(generate_trainer, "--capture-period", period, 0, kMost64,
            "device ticks between captured states (default 0: the shortest the device has)");
  add_whole(generate_trainer, "--shots", train.shots, 1, 10000000, "drawings after training (default 200)");
  add_whole(generate_trainer, "--threads", train.training.threads, 0, 1024,
            "threads for work on the host (default 0: one per processor)");
  add_json(generate_trainer, train.json);
  generate_trainer->footer("Ctrl-C finishes the update, saves the model and exits with 130; --continue goes on from it. A second one kills.");
  generate_trainer->callback([&] {
    command = [&] {
      train.training.digits = parse_digits(digits);
      train.training.scaling = scaling_named(scaling, "--scaling");
      train.training.drive = drive_named(drive, "--drive");
      train.training.optimizer = optimizer_named(optimizer, "--optimizer");
      train.training.capture_period = Ticks{period};
      return run_train_generate(train);
    };
  });

  GenerateCommandOptions generate;
  CLI::App* generate_app = app.add_subcommand("generate", "draw more from a saved model");
  generate_app->add_option("--model", generate.model, "model.h5 of an earlier training")
      ->required()
      ->option_text("FILE");
  generate_app->add_option("--out", generate.out, "folder for pictures, report.json and report.html")
      ->required()
      ->option_text("DIR");
  add_whole(generate_app, "--shots", generate.shots, 1, 10000000, "drawings (default 200)");
  generate_app
      ->add_option("--ask", ask, "classes to draw, in turn, of a model with label cells (default: all in turn)")
      ->option_text("LIST");
  add_device(generate_app, generate.device);
  add_whole(generate_app, "--seed", generate.seed, 0, kMost64,
            "of the noise, where the device can be seeded (default 1)");
  add_whole(generate_app, "--threads", generate.threads, 0, 1024,
            "threads for work on the host (default 0: one per processor)");
  add_json(generate_app, generate.json);
  generate_app->callback([&] {
    command = [&] {
      if (!ask.empty()) generate.asked = parse_digits(ask, "--ask");
      return run_generate(generate);
    };
  });

  NetlistCommandOptions circuit;
  CLI::App* netlist_app = app.add_subcommand("netlist", "write the programmed network as an ngspice circuit");
  netlist_app->add_option("--model", circuit.model, "the network of model.h5 of an earlier training")
      ->option_text("FILE");
  netlist_app->add_option("--program", circuit.program, "the [network] of a program in TOML")->option_text("FILE");
  netlist_app->add_option("--out", circuit.out, "the circuit, for ngspice")->required()->option_text("FILE");
  netlist_app->add_option("--farads", circuit.farads, "capacitance of a cell (default 1e-9)")->option_text("X");
  netlist_app->add_option("--tran", circuit.transient, "adds a .tran line over that many time units (default: none)")
      ->option_text("T");
  netlist_app->add_flag("--external", circuit.external_sources,
                        "adds a current source per cell whose values the host of libngspice gives");
  add_device(netlist_app, circuit.device);
  add_json(netlist_app, circuit.json);
  netlist_app->footer("Volts, ohms and seconds follow from the device's units, printed when it is done.");
  netlist_app->callback([&] { command = [&] { return run_netlist(circuit); }; });

  TrainErgodicityOptions ergodicity;
  ergodicity.study.experts = 0;
  std::string ergodicity_digits = "0,1,2";
  CLI::App* ergodicity_app = train_app->add_subcommand(
      "ergodicity", "one machine against experts, and the ergodicity they lose (arXiv:2412.16411)");
  ergodicity_app->add_option("--out", ergodicity.out, "folder for pictures, machines.json, report.json and report.html")
      ->required()
      ->option_text("DIR");
  ergodicity_app
      ->add_option("--problem", ergodicity.problem,
                   "parity, two-patterns, digits, or a file of binary patterns, one per line, weight behind it "
                   "(default parity)")
      ->option_text("NAME|FILE");
  add_whole(ergodicity_app, "--experts", ergodicity.study.experts, 1, 64,
            "machines that share the patterns (default 2, of digits one per class)");
  add_whole(ergodicity_app, "--updates", ergodicity.study.updates, 1, 1000000, "updates of each machine (default 300)");
  ergodicity_app
      ->add_option("--data", ergodicity.data,
                   "folder with the MNIST IDX files, plain or .gz, for digits (default: digits the project draws)")
      ->option_text("DIR");
  ergodicity_app->add_option("--digits", ergodicity_digits, "classes; the last is made rare (default 0,1,2)")
      ->option_text("LIST");
  add_whole(ergodicity_app, "--library", ergodicity.study.library_cells, 8, 16,
            "cells of the library of the temperature sweep, 8 or 16 (default 8)");
  ergodicity_app
      ->add_option("--effort", ergodicity.study.effort, "factor on the number of shots of every measurement (default 1)")
      ->check(CLI::Range(0.001, 1000.0).description("X"))
      ->option_text("X");
  add_device(ergodicity_app, ergodicity.device);
  add_whole(ergodicity_app, "--seed", ergodicity.study.seed, 0, kMost64,
            "of the host's randomness and, where the device can be seeded, of its noise (default 1)");
  ergodicity_app->add_flag("--continue", ergodicity.go_on, "take up the training whose machines.json is in the folder");
  add_json(ergodicity_app, ergodicity.json);
  ergodicity_app->footer("Ctrl-C saves the machines and exits with 130; --continue goes on from them. A second one kills.");
  ergodicity_app->callback([&] {
    command = [&] {
      ergodicity.digits = parse_digits(ergodicity_digits);
      return run_train_ergodicity(ergodicity);
    };
  });

  BoundCommandOptions bound;
  std::string process = "vp";
  CLI::App* bound_app = app.add_subcommand(
      "bound", "entropy rates and the likelihood bound of a score-based model (arXiv:2510.06174)");
  bound_app->add_option("--out", bound.out, "folder for pictures, score.json, report.json and report.html")
      ->required()
      ->option_text("DIR");
  bound_app->add_option("--data", bound.data, "gaussian, uniform, mixture, or a file of numbers (default mixture)")
      ->option_text("LAW");
  bound_app
      ->add_option("--width", bound.width,
                   "standard deviation of gaussian, half width of uniform (default 1); mixture has peaks at -2 and 2")
      ->option_text("W");
  bound_app->add_option("--process", process, "of the noise: vp (preserving) or ve (exploding) (default vp)")
      ->option_text("NAME");
  bound_app
      ->add_option("--score", bound.score,
                   "exact, linear, radial, device (what its cell can do), or a score.json (default exact)")
      ->option_text("SCORE");
  bound_app
      ->add_option("--ratio", bound.bound.ratio,
                   "linear score: standard deviation of the data over that of the model (default 1)")
      ->option_text("R");
  bound_app->add_option("--duration", bound.bound.duration, "of the vp noising in time units (default 3)")
      ->option_text("T");
  bound_app->add_option("--sigma", bound.bound.sigma, "of the ve noise g(t) = sigma^t, t from 0 to 1 (default 25)")
      ->option_text("S");
  add_whole(bound_app, "--samples", bound.bound.samples, 64, 100000000, "values that are noised (default 65536)");
  add_whole(bound_app, "--levels", bound.bound.levels, 8, 1000, "of noise (default 48)");
  add_device(bound_app, bound.device);
  add_whole(bound_app, "--seed", bound.bound.seed, 0, kMost64,
            "of the data and, where the device can be seeded, of its noise (default 1)");
  add_json(bound_app, bound.json);
  bound_app->callback([&] {
    command = [&] {
      bound.bound.process = process_named(process, "--process");
      return run_bound(bound);
    };
  });

  ConformanceOptions conformance;
  CLI::App* conformance_app =
      app.add_subcommand("conformance", "check that a device keeps what every Heatbath device promises");
  add_device(conformance_app, conformance.device);
  conformance_app->add_option("--only", conformance.only, "check these claims only (may be given several times)")
      ->option_text("NAME");
  conformance_app->add_flag("--list", conformance.list, "list the claims and check nothing");
  add_json(conformance_app, conformance.json);
  conformance_app->callback([&] { command = [&] { return run_conformance(conformance); }; });

  ServeCommandOptions serve;
  std::uint64_t session_seconds = 60, idle_seconds = 10;
  CLI::App* serve_app = app.add_subcommand("serve", "serve a device to programs in other processes");
  add_device(serve_app, serve.server.device);
  serve_app
      ->add_option("--listen", serve.server.listen,
                   "where: tcp://127.0.0.1:PORT (0: any free one), unix:/path, shm:/name")
      ->required()
      ->option_text("URI");
  serve_app
      ->add_option("--token-file", serve.server.token_file,
                   "clients must show the token in the first line of this file; needed beyond loopback addresses")
      ->option_text("FILE");
  serve_app->add_flag("--realtime", serve.server.realtime,
                      "device time keeps to the wall clock; jitter and overruns are reported");
  serve_app
      ->add_option("--slowdown", serve.server.slowdown,
                   "with --realtime: seconds of the wall clock per second of device time (default 1)")
      ->option_text("FACTOR");
  add_whole(serve_app, "--session-seconds", session_seconds, 0, 1000000,
            "longest session while others wait, 0: no bound (default 60)");
  add_whole(serve_app, "--idle-seconds", idle_seconds, 0, 1000000,
            "longest a session may do nothing while others wait, 0: no bound (default 10)");
  add_whole(serve_app, "--queue", serve.server.queue_limit, 0, 10000, "clients that may wait (default 64)");
  serve_app->add_flag("--quiet", serve.quiet, "no log on standard error");
  serve_app->callback([&] {
    command = [&] {
      serve.server.session_limit = std::chrono::seconds(session_seconds);
      serve.server.idle_limit = std::chrono::seconds(idle_seconds);
      return run_serve(serve);
    };
  });

  FmuOptions unit;
  CLI::App* fmu_app = app.add_subcommand("fmu", "write the chip as a co-simulation unit (FMI 3.0)");
  fmu_app->add_option("--profile", unit.profile, "chip profile: a built-in name or FILE.toml (default ideal)")
      ->option_text("NAME");
  fmu_app->add_option("--model", unit.model, "the network of model.h5 of an earlier training")->option_text("FILE");
  fmu_app->add_option("--program", unit.program, "the [network] of a program in TOML")->option_text("FILE");
  add_whole(fmu_app, "--cells", unit.cells, 1, 65536, "uncoupled cells with J2 = J4 = 1, without a network (default 16)");
  fmu_app->add_option("--step", unit.step, "step of the array in time units (default: the profile's)")->option_text("X");
  fmu_app->add_option("--out", unit.out, "the unit")->required()->option_text("FILE.fmu");
  add_json(fmu_app, unit.json);
  fmu_app->callback([&] { command = [&] { return run_fmu(unit); }; });

  BenchOptions bench;
  CLI::App* bench_app = app.add_subcommand("bench", "how long the work takes, beside limits and peers in the same run");
  bench_app->add_option("--row", bench.rows, "only this row; may be given again (default: all)")
      ->expected(1)
      ->take_all()
      ->option_text("NAME");
  bench_app->add_flag("--list", bench.list, "name the rows and stop");
  bench_app->add_option("--peers", bench.peers, "folder with peer.py (bench/peers): run the peers, too")
      ->option_text("DIR");
  bench_app->add_option("--seconds", bench.seconds, "time for each row, about (default 2)")
      ->check(CLI::Range(0.01, 3600.0))
      ->option_text("S");
  add_json(bench_app, bench.json);
  bench_app->footer("Times on one thread are processor times; ratios are ours over the reference, taken in turns.");
  bench_app->callback([&] { command = [&] { return run_bench(bench); }; });

  ValidateOptions validate;
  CLI::App* validate_app =
      app.add_subcommand("validate", "measure a device against exact results that share no code with it");
  validate_app
      ->add_option("--device", validate.devices,
                   "a device, as URI; may be repeated: each row runs on the first that has what it needs "
                   "(default: the emulator that suits each row)")
      ->option_text("URI")
      ->take_all();
  validate_app->add_option("--suite", validate.suites, "suites to run (default: all; see --list)")
      ->option_text("NAME...")
      ->take_all();
  validate_app->add_flag("--long", validate.slow, "rows that take more than a minute, too");
  validate_app->add_flag("--list", validate.list, "list suites and rows, and run none");
  validate_app->add_option("--report", validate.report, "write a page with tables and plots")->option_text("FILE.html");
  validate_app->add_option("--table", validate.table, "write the tables as Markdown")->option_text("FILE.md");
  add_whole(validate_app, "--seed", validate.seed, 0, kMost64,
            "of the host's randomness and, where the device can be seeded, of its noise (default 1)");
  validate_app
      ->add_option("--effort", validate.effort,
                   "samples relative to the full ladder; below 1 the sizes of errors are not judged (default 1)")
      ->check(CLI::Range(1e-4, 1e4))
      ->option_text("X");
  add_whole(validate_app, "--threads", validate.threads, 0, 1024,
            "threads of the emulators it opens (default 0: as many as they take)");
  add_json(validate_app, validate.json);
  validate_app->footer("Rows that no device can run are listed as skipped, with what is missing.");
  validate_app->callback([&] { command = [&] { return run_validate(validate); }; });

  if (const std::string unknown = unknown_command(argc, argv); !unknown.empty()) return complain(unknown, 2);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {
    return app.exit(asked);
  } catch (const CLI::ParseError& error) {
    std::string path = "heatbath";
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
      at = at->get_subcommands().front();
      path += " " + at->get_name();
    }
    if (path == "heatbath") return complain(fmt::format("{}; the commands are {}", error.what(), kCommands.list()), 2);
    if (path == "heatbath train")
      return complain(fmt::format("{}; the trainers are {}", error.what(), kTrainers.list()), 2);
    return complain(fmt::format("{} (see {} --help)", error.what(), path), 2);
  }

  try {
    return command();
  } catch (const Error& error) {
    if (error.code() == HB_ABORTED && interrupted())
      return complain("interrupted; nothing was written", kInterruptedStatus);
    return complain(error.what(), status_of(error));
  } catch (const std::bad_alloc&) {
    return complain("out of memory; use fewer cells, shots or records", 2);
  } catch (const std::exception& error) {
    return complain(fmt::format("unexpected: {}", error.what()), 1);
  }
}

}  // namespace heatbath::apps
