// Options of the commands that show, run, check, time and serve a device.

#include <chrono>
#include <memory>

#include <CLI/CLI.hpp>

#include "apps/cli/command_groups.hpp"
#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/option_kinds.hpp"
#include "apps/cli/rack.hpp"
#include "apps/cli/scaling.hpp"
#include "files/atomic_file.hpp"
#include "files/merged_runs.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"

namespace heatbath::apps {

namespace {

void add_info(CLI::App& app, Command& command) {
  const auto info = std::make_shared<InfoOptions>();
  CLI::App* info_app = app.add_subcommand("info", "what a device says of itself: identity, capabilities, units, link");
  add_device(info_app, info->device);
  info_app
      ->add_option("--profile", info->profile,
                   "the datasheet of a chip profile instead, each number with how it is known: a built-in one or FILE.toml")
      ->option_text("NAME");
  add_json(info_app, info->json);
  info_app->callback([&command, info] { command = [info] { return run_info(*info); }; });
}

void add_doctor(CLI::App& app, Command& command) {
  const auto doctor = std::make_shared<DoctorOptions>();
  CLI::App* doctor_app = app.add_subcommand("doctor", "what this build and this computer have, what is missing, and whether it works");
  add_device(doctor_app, doctor->device);
  add_json(doctor_app, doctor->json);
  doctor_app->callback([&command, doctor] { command = [doctor] { return run_doctor(*doctor); }; });
}

void add_run(CLI::App& app, Command& command) {
  const auto run = std::make_shared<RunOptions>();
  CLI::App* run_app = app.add_subcommand("run", "run a program described in TOML");
  run_app->add_option("program", run->program, "TOML file: [network], [[schedule]], [samples], [statistics]")
      ->required()
      ->option_text("FILE.toml");
  run_app->add_option("--out", run->out, "result: FILE.npz for numpy, or FILE.h5 (default: summary only)")
      ->check(a_name())
      ->option_text("FILE");
  run_app->add_option("--vcd", run->vcd, "waveforms of one shot, for GTKWave (default: none)")
      ->check(a_name())
      ->option_text("FILE.vcd");
  run_app
      ->add_option("--signals", run->signals,
                   "of the waveforms: cells=0..7,cells=12,meters,shot=3 (default: all captured cells and the meters of "
                   "shot 0)")
      ->option_text("LIST");
  add_device(run_app, run->device);
  add_whole(run_app, "--seed", run->seed, 0, kMost64,
            "noise key; a device that cannot be seeded refuses it (default: the file's, else 1)");
  run_app
      ->add_option("--shots", run->shots,
                   "independent runs, N; or A:B, those numbered A to B - 1 of them, for heatbath merge (default: the file's, else 1)")
      ->check(a_name())
      ->option_text("N|A:B");
  run_app->add_option("--step", run->step, "step of the array in time units (default: the file's dt, else the device's)")
      ->transform(finite())
      ->option_text("DT");
  run_app->add_flag("--halve", run->halve, "run again at half the step on the same noise and print the differences");
  run_app
      ->add_option("--sweep", run->sweep,
                   "run at each value of a key: KEY=FROM:TO:COUNT or KEY=A,B,C, as in network.kT=0.5:2:7; given again, a "
                   "grid")
      ->expected(1)
      ->take_all()
      ->option_text("KEY=VALUES");
  run_app->add_flag("--common-noise", run->common_noise, "the points of --sweep see the same noise (default: independent)");
  run_app
      ->add_option("--checkpoint", run->checkpoint,
                   "keep the run there while it lasts; the file goes when the run has ended (default: nowhere)")
      ->check(a_name())
      ->option_text("FILE");
  const auto seconds = std::make_shared<std::uint64_t>(60);
  add_whole(run_app, "--checkpoint-every", *seconds, 0, 1000000, "seconds between two checkpoints (default 60)");
  run_app->add_flag("--resume", run->resume, "go on from the file of --checkpoint where there is one, to the same bits");
  add_json(run_app, run->json);
  run_app->footer("Durations in the file are in dimensionless time units, energies in the device's energy units.");
  run_app->callback([&command, run, seconds] {
    run->checkpoint_every = std::chrono::seconds(*seconds);
    command = [run] { return run_program(*run); };
  });
}

void add_validate(CLI::App& app, Command& command) {
  const auto validate = std::make_shared<ValidateOptions>();
  CLI::App* validate_app =
      app.add_subcommand("validate", "measure a device against exact results that share no code with it");
  validate_app
      ->add_option("--device", validate->devices,
                   "a device, as URI; may be repeated: each row runs on the first that has what it needs "
                   "(default: the emulator that suits each row)")
      ->option_text("URI")
      ->take_all();
  validate_app->add_option("--suite", validate->suites, "suites to run, or rows as SUITE/ROW (default: all suites; see --list)")
      ->option_text("NAME...")
      ->take_all();
  validate_app->add_flag("--long", validate->slow, "rows that take more than a minute, too");
  validate_app->add_flag("--list", validate->list, "list suites and rows, and run none");
  validate_app->add_option("--report", validate->report, "write a page with tables and plots")
      ->check(a_name())
      ->option_text("FILE.html");
  validate_app->add_option("--table", validate->table, "write the tables as Markdown")
      ->check(a_name())
      ->option_text("FILE.md");
  add_whole(validate_app, "--seed", validate->seed, 0, kMost64,
            "of the host's randomness and, where the device can be seeded, of its noise (default 1)");
  validate_app
      ->add_option("--effort", validate->effort,
                   "samples relative to the full ladder; below 1 the sizes of errors are not judged (default 1)")
      ->transform(finite(1e-4, 1e4))
      ->option_text("X");
  add_whole(validate_app, "--threads", validate->threads, 0, 1024,
            "threads of the emulators it opens (default 0: as many as they take)");
  add_json(validate_app, validate->json);
  validate_app->footer("Rows that no device can run are listed as skipped, with what is missing.");
  validate_app->callback([&command, validate] { command = [validate] { return run_validate(*validate); }; });
}

void add_conformance(CLI::App& app, Command& command) {
  const auto conformance = std::make_shared<ConformanceOptions>();
  CLI::App* conformance_app =
      app.add_subcommand("conformance", "check that a device keeps what every Heatbath device promises");
  add_device(conformance_app, conformance->device);
  conformance_app->add_option("--only", conformance->only, "check these claims only (may be given several times)")
      ->option_text("NAME");
  conformance_app->add_flag("--list", conformance->list, "list the claims and check nothing");
  add_json(conformance_app, conformance->json);
  conformance_app->callback([&command, conformance] { command = [conformance] { return run_conformance(*conformance); }; });
}

void add_calibrate(CLI::App& app, Command& command) {
  const auto calibrate = std::make_shared<CalibrateCommandOptions>();
  CLI::App* calibrate_app =
      app.add_subcommand("calibrate", "measure what a chip does to the values it is given, from its samples");
  add_device(calibrate_app, calibrate->device);
  calibrate_app->add_option("--out", calibrate->out, "the calibration (default: kept by serial number in ~/.cache/heatbath)")
      ->check(a_name())
      ->option_text("FILE.json");
  add_whole(calibrate_app, "--cells", calibrate->calibrate.cells, 0, kMost32, "the first so many cells, 0: all (default 0)");
  calibrate_app
      ->add_option("--effort", calibrate->calibrate.effort, "samples relative to the usual number; errors fall with its root (default 1)")
      ->transform(finite(1e-3, 1e4))
      ->option_text("X");
  calibrate_app
      ->add_option("--tolerance", calibrate->calibrate.tolerance,
                   "relative change of gains and of the die's temperature that ends it early, by the rates measured; 0: none does (default 0.02)")
      ->transform(finite(0, 0.99))
      ->option_text("X");
  add_whole(calibrate_app, "--valid-seconds", calibrate->calibrate.valid_seconds, 0, kMost32,
            "how long it may be used, 0: for ever (default 86400)");
  calibrate_app->add_flag_callback("--no-couplers", [calibrate] { calibrate->calibrate.couplers = false; },
                                  "cells alone: couplers take a job for each cell");
  add_whole(calibrate_app, "--seed", calibrate->calibrate.seed, 0, kMost64, "noise key, where the device takes one (default 1)");
  add_json(calibrate_app, calibrate->json);
  calibrate_app->callback([&command, calibrate] { command = [calibrate] { return run_calibrate(*calibrate); }; });
}

void add_monitor(CLI::App& app, Command& command) {
  const auto monitor = std::make_shared<MonitorOptions>();
  CLI::App* monitor_app = app.add_subcommand("monitor", "a window into a chip: a live page on this computer, for a browser");
  monitor_app->add_option("--program", monitor->program, "whose [network] is shown (default: cells whose neighbours agree)")
      ->check(a_name())
      ->option_text("FILE.toml");
  add_device(monitor_app, monitor->device);
  monitor_app->add_option("--listen", monitor->listen, "where: 127.0.0.1:PORT or [::1]:PORT, port 0: any free one (default 127.0.0.1:8080)")
      ->option_text("HOST:PORT");
  add_whole(monitor_app, "--seed", monitor->seed, 0, kMost64, "noise key, where the device takes one (default 1)");
  add_whole(monitor_app, "--shots", monitor->shots, 1, 256, "arrays side by side, where the device has them: chains of the certificate (default 8)");
  monitor_app
      ->add_option("--fps", monitor->frames_per_second, "frames a second, each a short job; 0: as many as the device makes (default 30)")
      ->transform(finite(0, 1000))
      ->option_text("X");
  monitor_app->add_flag("--watch", monitor->watch, "look on at a served device (tcp:, unix:, shm:) that others have, without touching it; so it is by itself where the device is taken");
  monitor_app->add_option("--folder", monitor->folder, "show the losses and pictures that a trainer writes there (its --out), too; only when looking on")
      ->check(a_name())
      ->option_text("FOLDER");
  monitor_app->callback([&command, monitor] { command = [monitor] { return run_monitor(*monitor); }; });
}

void add_serve(CLI::App& app, Command& command) {
  struct ServeWords {
    ServerOptions server;
    std::uint64_t session_seconds = 60, idle_seconds = 10;
  };
  const auto given = std::make_shared<ServeWords>();
  CLI::App* serve_app = app.add_subcommand("serve", "serve a device to programs in other processes");
  add_device(serve_app, given->server.device);
  serve_app
      ->add_option("--listen", given->server.listen,
                   "where: tcp://127.0.0.1:PORT (0: any free one), unix:/path, shm:/name, etherbone://127.0.0.1:PORT, or systemd: the socket that a .socket unit opened")
      ->required()
      ->option_text("URI");
  serve_app
      ->add_option("--token-file", given->server.token_file,
                   "clients must prove to have the token in the first line of this file; needed beyond loopback addresses")
      ->option_text("FILE");
  serve_app->add_option("--audit", given->server.audit_file, "append a line of JSON for each session, viewer and wrong token")->check(a_name())->option_text("FILE");
  serve_app->add_flag("--realtime", given->server.realtime,
                      "device time keeps to the wall clock; jitter and overruns are reported");
  serve_app
      ->add_option("--slowdown", given->server.slowdown,
                   "with --realtime: seconds of the wall clock per second of device time (default 1)")
      ->transform(finite())
      ->option_text("FACTOR");
  add_whole(serve_app, "--session-seconds", given->session_seconds, 0, 1000000,
            "longest session while others wait, 0: no bound (default 60)");
  add_whole(serve_app, "--idle-seconds", given->idle_seconds, 0, 1000000,
            "longest a session may do nothing while others wait, 0: no bound (default 10)");
  add_whole(serve_app, "--queue", given->server.queue_limit, 0, 10000, "clients that may wait; 0: whoever comes while a session runs is refused (default 64)");
  add_whole(serve_app, "--viewers", given->server.viewer_limit, 0, 1000, "clients that may look on, beside the session and without touching it; 0: none (default 8)");
  serve_app->add_flag("--force", given->server.force, "at uio:FILE, replace a FILE that is there, whatever it is");
  serve_app->callback([&command, given] {
    command = [given] {
      given->server.session_limit = std::chrono::seconds(given->session_seconds);
      given->server.idle_limit = std::chrono::seconds(given->idle_seconds);
      return run_serve(given->server);
    };
  });
}

void add_merge(CLI::App& app, Command& command) {
  struct Words {
    std::filesystem::path out;
    std::vector<std::filesystem::path> parts;
  };
  const auto given = std::make_shared<Words>();
  CLI::App* merge_app = app.add_subcommand("merge", "put the results of runs of parts of the shots together");
  merge_app->add_option("out", given->out, "FILE.npz or FILE.h5: what one run of all the shots would have written")
      ->required()
      ->check(a_name())
      ->option_text("OUT");
  merge_app->add_option("parts", given->parts, "files of heatbath run --shots A:B --out, in any order")
      ->required()
      ->option_text("PART...");
  merge_app->callback([&command, given] {
    command = [given] {
      prepare_file(given->out);
      merge_runs(given->out, given->parts);
      put("wrote {}\n", given->out.string());
      return 0;
    };
  });
}

void add_rack(CLI::App& app, Command& command) {
  CLI::App* rack_app = app.add_subcommand("rack", "many devices as one: rack:FILE");
  rack_app->require_subcommand(1);
  const auto up = std::make_shared<RackUpOptions>();
  CLI::App* up_app = rack_app->add_subcommand("up", "start servers and write the file that lists them");
  up_app->add_option("-n,--servers", up->servers, "so many (default: of --ssh one for each slot, of tasks as many as there are)")
      ->transform(whole(1, 10000))
      ->type_name("N")
      ->option_text("N");
  add_device(up_app, up->device);
  up_app->add_option("--out", up->out, "the rack's file; programs open rack:FILE")->required()->check(a_name())->option_text("FILE");
  up_app->add_flag("--slurm", up->slurm, "this is a task of srun: each task serves, until rack down");
  up_app->add_flag("--mpi", up->mpi, "this is a task of mpirun: each task serves, until rack down");
  up_app->add_option("--ssh", up->hosts, "start them on the hosts of this file: HOST or HOST slots=N a line")->option_text("HOSTFILE");
  up_app->add_option("--listen", up->listen, "unix or tcp (default: unix on this machine, else tcp, with a token for each server)")
      ->option_text("HOW");
  up_app->callback([&command, up] { command = [up] { return run_rack_up(*up); }; });
  const auto file = std::make_shared<std::filesystem::path>();
  CLI::App* down_app = rack_app->add_subcommand("down", "end the servers that rack up started, and remove the file");
  down_app->add_option("file", *file, "the rack's file")->required()->option_text("FILE");
  down_app->callback([&command, file] { command = [file] { return run_rack_down(*file); }; });
  const auto status = std::make_shared<RackStatusOptions>();
  CLI::App* status_app = rack_app->add_subcommand("status", "which devices of a rack answer; 1 when one does not");
  status_app->add_option("file", status->file, "the rack's file")->required()->option_text("FILE");
  add_json(status_app, status->json);
  status_app->callback([&command, status] { command = [status] { return run_rack_status(*status); }; });
}

void add_scaling(CLI::App& app, Command& command) {
  struct Words {
    ScalingOptions options;
    double ns = 0;
  };
  const auto given = std::make_shared<Words>();
  ScalingOptions& o = given->options;
  CLI::App* scaling_app = app.add_subcommand("scaling", "what an array cut over the ranks of a cluster would cost, from what a step costs here");
  scaling_app->add_option("--device", o.device, "measured here (default: a torus of a million cells in one process and thread)")->option_text("URI");
  scaling_app->add_option("--ns", given->ns, "nanoseconds a cell and step, in place of a measurement")->transform(finite(1e-6, 1e9))->option_text("X");
  add_whole(scaling_app, "--cells", o.cells, 1, std::uint64_t{1} << 40, "of the whole array, a square grid (default 1000000000)");
  add_list(scaling_app, "--ranks", o.ranks, whole(1, kMost32), "numbers of ranks (default 64,1024,16384)");
  scaling_app->add_option("--latency", o.latency_us, "of a message, microseconds (default 2)")->transform(finite(0, 1e9))->option_text("X");
  scaling_app->add_option("--bandwidth", o.bandwidth, "of a rank, GB/s (default 10)")->transform(finite(1e-6, 1e9))->option_text("X");
  add_json(scaling_app, o.json);
  scaling_app->callback([&command, given] {
    command = [given] {
      if (given->ns > 0) given->options.ns = given->ns;
      if (given->options.ns && !given->options.device.empty())
        throw Error(HB_BAD_ARG, "scaling: --ns and --device exclude each other");
      return run_scaling(given->options);
    };
  });
}

}  // namespace

void add_device_commands(CLI::App& app, Command& command) {
  add_info(app, command);
  add_doctor(app, command);
  add_run(app, command);
  add_validate(app, command);
  add_conformance(app, command);
  add_calibrate(app, command);
  add_monitor(app, command);
  add_serve(app, command);
  add_rack(app, command);
  add_merge(app, command);
  add_scaling(app, command);
}

}  // namespace heatbath::apps
