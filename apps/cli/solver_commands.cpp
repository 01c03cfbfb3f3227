// Options of the commands that solve problems on a device, and of the one that fits parameters of a chip.

#include <memory>
#include <string>

#include <CLI/CLI.hpp>

#include "apps/cli/command_groups.hpp"
#include "apps/cli/commands.hpp"
#include "apps/cli/option_kinds.hpp"

namespace heatbath::apps {

namespace {

void add_anneal(CLI::App& app, Command& command) {
  struct Words {
    AnnealCommandOptions options;
    std::uint64_t seed = 1;
    double coldest = 0, hottest = 0;
    bool polish = false, no_merge = false;
    std::optional<std::uint32_t> reads, temperatures, replicas;
    std::optional<double> time;
  };
  const auto given = std::make_shared<Words>();
  AnnealCommandOptions& options = given->options;
  CLI::App* anneal = app.add_subcommand("anneal", "search for states of low energy: Max-Cut, Ising, QUBO, MAX-SAT");
  anneal->add_option("FILE", options.file, "rudy (Gset), .mtx, edge list, .coo, dimod .json, .qubo, .cnf, .wcnf or .toml; or wishart:CELLS:COLUMNS:SEED, tiles:SIDE:WEAK:SEED, square:SIDE:SEED, cubic:SIDE:SEED")->required();
  anneal->add_option("--as", options.problem, "what the numbers are: max-cut, ising, qubo (default: as the format says)")->option_text("KIND");
  anneal->add_option("--method", options.method, "annealing, cycles, tempering, population, bifurcation or oscillators (default annealing)")->option_text("NAME");
  add_whole(anneal, "--reads", given->reads, 1, 1u << 20, "independent runs of annealing, bifurcation or oscillators (default 32), reads of cycles (default 64)");
  anneal->add_option("--time", given->time, "of a run: of bifurcation, in periods of a free cell over 2 pi (default 500); of oscillators, in units of 1 over a typical field (default 300)")
      ->transform(finite(0))->option_text("T");
  anneal->add_option("--injection", options.oscillators.injection, "at twice the frequency, at the end of a run of oscillators, in typical fields (default 1)")
      ->transform(finite(0))->option_text("X");
  anneal->add_option("--friction", options.bifurcation.friction, "of a cell of bifurcation, per unit of that time (default 0.1)")->transform(finite(0))->option_text("X");
  anneal->add_option("--cooling", options.cooling, "of annealing: equal ratios of kT, or equal steps of 1/kT: ratio or inverse (default ratio)")
      ->option_text("NAME");
  add_whole(anneal, "--reversals", options.annealing.reversals, 0, 1u << 20, "of annealing: random choices of spins that are held with turned signs, reads shared among them (default 0)");
  add_whole(anneal, "--sweeps", options.sweeps, 1, 1u << 30, "of annealing: of each run (default 1000); of cycles: of the annealing before them (default 300); of tempering: between exchanges (default 4); of a population: at each temperature (default 10)");
  add_whole(anneal, "--cycles", options.cycles.cycles, 0, 1u << 24, "of warming and cooling (default 20)");
  add_whole(anneal, "--cycle-sweeps", options.cycles.cycle_sweeps, 1, 1u << 30, "of each (default 100)");
  add_whole(anneal, "--families", options.cycles.families, 1, 1u << 20, "searches by cycles side by side, which share the reads (default 1)");
  anneal->add_option("--warmest", options.cycles.warmest, "temperature at which cycles begin, by turns down to half of it (default: from the couplings)")
      ->transform(finite(0))->option_text("KT");
  anneal->add_flag("--no-merge", given->no_merge, "of cycles: keep the lowest read of each, and take nothing over from the others");
  add_whole(anneal, "--temperatures", given->temperatures, 2, 100000, "of tempering (default 16), of a population (default 64)");
  add_whole(anneal, "--replicas", given->replicas, 1, 1u << 16, "ladders of tempering (default 16); of a population (default 64)");
  add_whole(anneal, "--populations", options.population.populations, 4, 1u << 16, "independent ones, from whose scatter errors come (default 16)");
  add_whole(anneal, "--rounds", options.tempering.rounds, 1, 1u << 30, "exchanges of tempering, behind a fifth more that find the ladder (default 400)");
  anneal->add_flag("--clusters", options.tempering.clusters, "of tempering: isoenergetic cluster moves between ladders");
  anneal->add_flag("--partition-functions", options.tempering.partition_functions, "of tempering: ln Z of each temperature, less that of the coldest, in --json");
  anneal->add_option("--coldest", given->coldest, "lowest temperature, energy units of the problem (default: from the couplings)")
      ->transform(finite(0))->option_text("KT");
  anneal->add_option("--hottest", given->hottest, "highest temperature (default: from the couplings)")->transform(finite(0))->option_text("KT");
  anneal->add_option("--target", options.target, "value to reach: tempering and cycles end there, and its rate is reported (default: that of a planted problem)")
      ->transform(finite())->option_text("VALUE");
  anneal->add_flag("--polish", given->polish, "at the end flip single spins on the host as long as that helps; the result says so");
  anneal->add_option("--out", options.out, "states as .npz, .h5, or .json for dimod")->check(a_name())->option_text("FILE");
  add_device(anneal, options.device);
  add_whole(anneal, "--seed", given->seed, 0, kMost64, "of starts, choices and, where the device can be seeded, its noise (default 1)");
  add_json(anneal, options.json);
  anneal->footer("Ctrl-C ends tempering and cycles with what they have found.");
  anneal->callback([&command, given] {
    command = [given] {
      AnnealCommandOptions& run = given->options;
      run.annealing.seed = run.cycles.seed = run.tempering.seed = run.population.seed = given->seed;
      run.annealing.coldest = run.cycles.coldest = run.tempering.coldest = run.population.coldest = given->coldest;
      run.annealing.hottest = run.cycles.hottest = run.tempering.hottest = run.population.hottest = given->hottest;
      run.annealing.polish = run.cycles.polish = run.tempering.polish = run.population.polish = run.bifurcation.polish = run.oscillators.polish = given->polish;
      run.bifurcation.seed = run.oscillators.seed = given->seed;
      if (given->time) run.bifurcation.time = run.oscillators.time = *given->time;
      run.cycles.merge = !given->no_merge;
      if (given->reads) run.annealing.reads = run.cycles.reads = run.bifurcation.reads = run.oscillators.reads = *given->reads;
      if (run.sweeps) run.annealing.sweeps = run.cycles.sweeps = run.tempering.sweeps = run.population.sweeps = *run.sweeps;
      if (given->temperatures) run.tempering.temperatures = run.population.temperatures = *given->temperatures;
      if (given->replicas) run.tempering.replicas = run.population.replicas = *given->replicas;
      run.tempering.settle = std::max(20u, run.tempering.rounds / 5);
      return run_anneal(run);
    };
  });
}

void add_sample(CLI::App& app, Command& command) {
  struct Words {
    SampleCommandOptions options;
    bool no_states = false;
  };
  const auto given = std::make_shared<Words>();
  SampleCommandOptions& options = given->options;
  CLI::App* sample = app.add_subcommand("sample", "draw from the law of an energy at a temperature, with a certificate");
  sample->add_option("FILE", options.file, "an energy: .toml, rudy (Gset), .mtx, edge list, .coo, dimod .json, .qubo, .cnf, .wcnf, .npy, .npz")->required();
  sample->add_option("--as", options.problem, "what the numbers are: max-cut, ising, qubo, gaussian, phase (default: as the format says)")
      ->option_text("KIND");
  sample->add_option("--kT", options.run.kT, "temperature, energy units of the file (default 1)")->transform(finite(0))->option_text("KT");
  add_whole(sample, "--chains", options.run.chains, 1, 1u << 20, "independent chains (default 64)");
  add_whole(sample, "--records", options.run.records, 1, 1u << 30, "states of each chain (default 100)");
  sample->add_option("--burn-in", options.run.burn_in, "time before the first, sweeps of spins (default: from the bound on the relaxation time, else measured)")
      ->transform(finite(0))->option_text("T");
  sample->add_option("--spacing", options.run.spacing, "time between two (default: the same)")->transform(finite(0))->option_text("T");
  sample->add_flag("--meters", options.run.meters, "the heat given to the bath, too");
  sample->add_option("--statistics", options.statistics, "kept while the run goes: moments, histogram, autocorrelation, spectrum, with commas between")
      ->option_text("LIST");
  sample->add_option("--cells", options.cells, "cells that are series of the statistics, beside the energy and the mean of all, with commas between")
      ->option_text("LIST");
  add_whole(sample, "--bins", options.run.statistics.bins, 1, 100000, "of histograms (default 40)");
  add_whole(sample, "--lags", options.run.statistics.lags, 1, 100000, "longest lag of autocorrelations, records (default 64)");
  add_whole(sample, "--segment", options.run.statistics.segment, 4, 1u << 20, "records of a segment of a spectrum, even (default 256)");
  sample->add_flag("--no-states", given->no_states, "keep no states: statistics and the certificate of a first part alone");
  sample->add_option("--out", options.out, "states and statistics as .npz, .h5, or .json for dimod")->check(a_name())->option_text("FILE");
  add_device(sample, options.device);
  add_whole(sample, "--seed", options.run.seed, 0, kMost64, "of starts and, where the device can be seeded, its noise (default 1)");
  add_json(sample, options.json);
  sample->callback([&command, given] {
    command = [given] {
      given->options.run.keep_states = !given->no_states;
      return run_sample(given->options);
    };
  });
}

void add_solve(CLI::App& app, Command& command) {
  const auto given = std::make_shared<SolveCommandOptions>();
  SolveCommandOptions& options = *given;
  CLI::App* solve = app.add_subcommand("solve", "linear algebra by thermal averages: solutions, inverses, determinants, exponentials, posteriors");
  solve->add_option("MATRIX", options.matrix, "A: .npy, .npz or .mtx; symmetric and positive definite, but for --exponential and --lyapunov")->required();
  solve->add_option("--rhs", options.right_side, "b of A x = b, or the data of --posterior: .npy, .npz or text with a number a line")->option_text("FILE");
  solve->add_flag("--inverse", options.inverse, "the inverse of A");
  solve->add_flag("--log-determinant", options.log_determinant, "the logarithm of the determinant of A");
  solve->add_option("--exponential", options.exponential, "exp(-A T)")->transform(finite(0))->option_text("T");
  solve->add_option("--lyapunov", options.lyapunov, "S of A S + S A' = R; R: .npy, .npz or .mtx")->option_text("FILE");
  solve->add_option("--posterior", options.design, "mean and covariance of theta in DATA = H theta + noise, where A is the precision of its prior; H: .npy or .npz")
      ->option_text("FILE");
  solve->add_option("--prior-mean", options.prior_mean, "of --posterior (default: 0): as --rhs")->option_text("FILE");
  solve->add_option("--noise", options.noise, "variance of the noise of --posterior (default 1)")->transform(finite(0))->option_text("X");
  solve->add_option("--tolerance", options.run.tolerance, "error bar to reach, as a part of the norm; of a log-determinant the bar itself (default 0.01)")->transform(finite(1e-12, 10))->option_text("X");
  solve->add_option("--kT", options.run.kT, "temperature in the units of A (default: from A and b)")->transform(finite(0))->option_text("KT");
  add_whole(solve, "--shots", options.run.shots, 16, 1u << 20, "independent runs, from which error bars come (default 64)");
  solve->add_option("--most-time", options.run.most_time, "limit on the averaging of a shot, relaxation times (default 1e5)")->transform(finite(4))->option_text("X");
  solve->add_option("--out", options.out, "values and errors as .npz")->check(a_name())->option_text("FILE");
  add_device(solve, options.device);
  add_whole(solve, "--seed", options.run.seed, 0, kMost64, "of the noise, where the device can be seeded (default 1)");
  add_json(solve, options.json);
  solve->callback([&command, given] { command = [given] { return run_solve(*given); }; });
}

void add_fit(CLI::App& app, Command& command) {
  const auto given = std::make_shared<FitCommandOptions>();
  FitCommandOptions& options = *given;
  CLI::App* fit = app.add_subcommand("fit", "parameters of a chip, with intervals, from measured curves and traces");
  fit->add_option("--data", options.data, "text with named columns: bias, ones, trials of a p-bit's curve; time, reading, trace, drive of a cell")
      ->required()->option_text("FILE");
  fit->add_option("--gain", options.gain, "of traces: reading per unit of state (default: from the drives, else 1)")->transform(finite())->option_text("X");
  fit->add_option("--adc-step", options.adc_step, "of traces: reading of one ADC step, for noise_sd_steps of the profile")->transform(finite(1e-300))->option_text("X");
  fit->add_option("--out", options.out, "what was found as keys of a chip profile, .toml")->check(a_name())->option_text("FILE");
  add_json(fit, options.json);
  fit->callback([&command, given] { command = [given] { return run_fit(*given); }; });
}

}  // namespace

void add_solver_commands(CLI::App& app, Command& command) {
  add_sample(app, command);
  add_anneal(app, command);
  add_solve(app, command);
  add_fit(app, command);
}

}  // namespace heatbath::apps
