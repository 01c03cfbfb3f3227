#include "heatbath/studies/ergodicity.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "heatbath/error.hpp"
#include "heatbath/measure/estimate.hpp"
#include "heatbath/numerics/random.hpp"

namespace heatbath::trainers {
namespace {

/// Noise of each part of a study: seeds that differ, and follow from the one given.
enum class Part : std::uint32_t {
  single,
  experts,
  measure,
  ladder,
  parity,
  library,
  breaking,
  escape,
  wells,
  linear,
  soft
};

std::uint64_t seed_of(std::uint64_t seed, Part part, std::uint32_t index = 0) {
  const auto words = numerics::random_words(seed, numerics::HostPurpose::ergodicity, static_cast<std::uint32_t>(part), index, 5);
  return std::uint64_t{words[0]} << 32 | words[1];
}

constexpr double kLeastShots = 8;  // fewer have no error worth the name, whatever the effort

std::uint32_t scaled(double count, double effort) {
  return static_cast<std::uint32_t>(std::max(kLeastShots, std::round(count * effort)));
}

}  // namespace

LibrarySweep sweep_library(SpinDevice& device, const LibraryMachine& machine, const std::vector<double>& temperatures,
                           std::uint32_t chains, const Progress& progress) {
  constexpr std::uint32_t kRecords = 64;
  const std::uint32_t n = machine.library.cells, all = machine.machine.cells;
  const auto patterns = static_cast<std::uint32_t>(machine.library.size());
  if (chains < 4) throw Error(HB_BAD_ARG, "the library needs 4 chains at least");
  LibrarySweep sweep;
  sweep.cells = n;
  sweep.patterns = patterns;
  sweep.chains = chains;
  sweep.depth = machine.depth;
  sweep.transition_exact = library_temperature(machine);
  sweep.transition_ideal = ideal_library_temperature(n, patterns, machine.depth);
  sweep.gap_per_cell = std::numeric_limits<double>::quiet_NaN();
  std::vector<std::uint32_t> states;
  for (std::uint32_t mu = 0; mu < patterns; ++mu) states.push_back(state_of(machine.library.pattern(mu)));

  const double search = std::exp2(n) / patterns;  // sweeps to find a pattern by chance
  std::vector<Spin> starts;
  for (std::uint32_t chain = 0; chain < chains; ++chain) {
    for (std::uint32_t i = 0; i < all; ++i) {
      const std::uint32_t mu = chain / 2 % patterns;
      const bool inside = chain % 2 == 0;
      const auto word = numerics::random_words(7, numerics::HostPurpose::ergodicity, chain, i, 6)[0];
      if (i < n)
        starts.push_back(inside ? machine.library.pattern(mu)[i] : (word & 1u) != 0 ? Spin{1} : Spin{-1});
      else
        starts.push_back(inside && i == n + mu ? Spin{1} : Spin{-1});
    }
  }
  for (const double kT : temperatures) {
    SpinDevice::Run run;
    run.shots = chains;
    run.starts = starts;
    run.burn = 10 * search;
    run.records = kRecords;
    run.interval = search;
    const SpinRecords records = device.run(machine.machine, kT, run);
    Chains inside{chains, kRecords, {}};
    for (std::uint32_t chain = 0; chain < chains; ++chain)
      for (std::uint32_t record = 0; record < kRecords; ++record)
        inside.values.push_back(
            std::ranges::find(states, state_of(records.state(chain, record).first(n))) != states.end() ? 1 : 0);
    sweep.points.push_back({kT, chain_mean(inside), library_probability(machine, kT),
                            ideal_library_probability(n, patterns, machine.depth, kT)});
    if (progress && !progress(static_cast<double>(sweep.points.size()) / static_cast<double>(temperatures.size())))
      throw Error(HB_ABORTED, "stopped while the library was measured");
  }
  // ln(P/(1-P)) is nearly linear in 1/T: the two points about one half give T*.
  for (std::size_t i = 0; i + 1 < sweep.points.size(); ++i) {
    const LibraryPoint &a = sweep.points[i], &b = sweep.points[i + 1];
    if (a.measured.value < 0.5 || b.measured.value >= 0.5) continue;
    const auto logit = [](double p) { return std::log(p / (1 - p)); };
    const auto slope = [](double p) { return 1 / (p * (1 - p)); };
    const double ya = logit(a.measured.value), yb = logit(b.measured.value), fall = ya - yb;
    const double inverse = 1 / a.kT + (1 / b.kT - 1 / a.kT) * ya / fall;
    const double span = 1 / a.kT - 1 / b.kT;
    const double by_a = span * yb / (fall * fall) * slope(a.measured.value) * a.measured.standard_error;
    const double by_b = span * ya / (fall * fall) * slope(b.measured.value) * b.measured.standard_error;
    sweep.transition = {1 / inverse, std::hypot(by_a, by_b) / (inverse * inverse)};
    sweep.gap_per_cell = sweep.transition.value * std::log((std::exp2(n) - patterns) / patterns) / n;
  }
  return sweep;
}

BreakingPoint measure_breaking(SpinDevice& device, std::uint32_t cells, double beta, std::uint32_t chains,
                               std::uint32_t sweeps) {
  if (chains < 4 || sweeps < 16) throw Error(HB_BAD_ARG, "ergodicity is measured on 4 chains of 16 sweeps at least");
  std::vector<Spin> starts;
  for (std::uint32_t chain = 0; chain < chains; ++chain)
    starts.insert(starts.end(), cells, chain % 2 == 0 ? Spin{1} : Spin{-1});
  SpinDevice::Run run;
  run.shots = chains;
  run.starts = starts;
  run.burn = 16;
  run.records = sweeps;
  run.interval = 1;
  const SpinRecords records = device.run(curie_weiss_machine(cells), 1 / beta, run);
  BreakingPoint point;
  point.beta = beta;
  point.cells = cells;
  const Chains m = magnetisation(records);
  point.r_hat = r_hat(m);
  point.fluctuation = fluctuation_metric(m);
  const Chains q = overlaps(records, sweeps / 2);
  point.overlap = histogram(q, 33);
  Chains squares = q;
  for (double& value : squares.values) value *= value;
  point.square_overlap = chain_mean(squares);
  const double n = cells, correlation = (n * curie_weiss_square(cells, beta) - 1) / (n - 1);
  point.square_overlap_exact = (1 + (n - 1) * correlation * correlation) / n;
  return point;
}

ParityRow measure_parity(SpinDevice& device, double strength, std::uint32_t shots, std::uint32_t records) {
  const Patterns library = parity_patterns();
  const Experts experts = parity_experts(strength);
  const std::vector<double> data = state_weights(library);
  ParityRow row;
  row.strength = strength;
  row.board = device.bistable() ? Board::bistable : Board::spins;
  row.exact = divergence(data, mixture_weights(experts, 1));
  row.measured = sampled_divergence(data, retrieve(device, experts, library, 1, shots, 40, records, 8));
  return row;
}

ParityRow measure_soft_parity(Device& device, std::uint64_t seed, double height, double strength, std::uint32_t shots,
                              Calibration& calibration) {
  calibration = calibrate(device, seed_of(seed, Part::soft), height, strength, shots);
  SpinDevice cells(device, seed_of(seed, Part::soft, 1), calibration.cells);
  ParityRow row = measure_parity(cells, strength, shots, 16);
  // How the divergence moves with the strengths that calibration leaves uncertain.
  const auto law = [&](double field, double coupling) {
    Experts experts = parity_experts(strength);
    for (std::size_t k = 0; k < 2; ++k) {
      const float sign = k == 0 ? 1.0f : -1.0f;
      experts.machines[k].machine.field[0] = sign * static_cast<float>(field);
      experts.machines[k].machine.couple(1, 2, sign * static_cast<float>(coupling));
    }
    return divergence(state_weights(parity_patterns()), mixture_weights(experts, 1));
  };
  const double step = 0.01;
  const double by_field = (law(strength + step, strength) - law(strength - step, strength)) / (2 * step);
  const double by_coupling = (law(strength, strength + step) - law(strength, strength - step)) / (2 * step);
  // The scales come from the two measurements before the last, each as uncertain as it.
  row.measured.standard_error =
      std::sqrt(row.measured.standard_error * row.measured.standard_error + std::pow(by_field * calibration.effective_field.standard_error, 2) +
                std::pow(by_coupling * calibration.effective_coupling.standard_error, 2));
  return row;
}

namespace {

/// What both studies share.
class Study {
 public:
  Study(const OpenBoard& open, const ErgodicityOptions& options, const ErgodicityProgress& progress)
      : open_(open), options_(options), progress_(progress) {
    if (options.experts == 0) throw Error(HB_BAD_ARG, "0 experts; at least one is needed");
    if (options.updates == 0) throw Error(HB_BAD_ARG, "0 updates; at least one is needed");
    if (!(options.effort > 0)) throw Error(HB_BAD_ARG, "the effort must be above 0");
    walsh_library(options.library_cells);
  }

  /// False when the user wants to stop.
  bool at(std::string_view what, double fraction) {
    what_ = what;
    fraction_ = fraction;
    return !progress_ || progress_(what, fraction);
  }
  bool go_on() { return !progress_ || progress_(what_, fraction_); }
  void step(std::string_view what, double fraction) {
    if (!at(what, fraction)) throw Error(HB_ABORTED, "stopped");
  }
  std::uint32_t count(double shots) const { return scaled(shots, options_.effort); }

  /// Library, measures of ergodicity and escape times: the same for every problem.
  void measure_ergodicity(SpinDevice& device, ErgodicityReport& report, double from) {
    const auto fraction = [from](double part) { return from + (1 - from) * part; };
    step("library", fraction(0));
    device.seek(seed_of(options_.seed, Part::library), 0);
    const double depth = options_.library_cells / 2.0;
    const std::vector<double> temperatures = options_.library_cells == 8 ? std::vector<double>{0.5, 0.75, 1, 1.5}
                                                                         : std::vector<double>{0.75, 0.8, 0.85, 1, 1.5};
    report.library = sweep_library(device, library_machine(walsh_library(options_.library_cells), depth, depth),
                                   temperatures, count(options_.library_cells == 8 ? 512 : 64),
                                   [&](double part) { return at("library", fraction(0.4 * part)); });
    step("chains", fraction(0.4));
    device.seek(seed_of(options_.seed, Part::breaking), 0);
    for (const double beta : {0.5, 1.0, 2.0})
      report.breaking.push_back(measure_breaking(device, 32, beta, count(128), 400));
    const auto stop = [this](double) { return go_on(); };
    optional_part("escape times of spins", report, [&] {
      Device board = open_(Board::spins_one_by_one, 16);
      std::uint32_t index = 0;
      for (const auto& [cells, beta] : {std::pair{8u, 0.5}, {8u, 1.0}, {8u, 1.5}, {8u, 2.0}, {16u, 1.0}, {16u, 1.5}}) {
        step("escapes of spins", fraction(0.5 + 0.03 * index));
        report.escapes_spins.push_back(
            curie_weiss_escape(board, seed_of(options_.seed, Part::escape, index++), cells, beta, count(1024), stop));
      }
    });
    optional_part("escape times of bistable cells, and linear cells", report, [&] {
      Device board = open_(Board::bistable, 64);
      std::uint32_t index = 0;
      for (const double height : {2.0, 4.0}) {
        step("escapes from wells", fraction(0.7 + 0.1 * index));
        report.escapes_wells.push_back(
            double_well_escape(board, seed_of(options_.seed, Part::wells, index++), height, 64, count(16), stop));
      }
      report.r_hat_linear = linear_cells_r_hat(board, seed_of(options_.seed, Part::linear), count(64));
    });
    step("done", 1);
  }

  /// Runs a part that other hardware serves; when that cannot be had, or the shots of this effort are too few for it,
  /// says so in the report: the training before it is not lost.
  template <typename Work>
  void optional_part(const std::string& what, ErgodicityReport& report, const Work& work) {
    try {
      work();
    } catch (const Error& error) {
      if (error.code() == HB_BAD_ARG)
        report.left_out.push_back(what + ": " + error.what() + "; raise the effort");
      else if (error.code() == HB_UNSUPPORTED)
        report.left_out.push_back(what + ": " + error.what());
      else
        throw;
    }
  }

  const OpenBoard& open_;
  const ErgodicityOptions& options_;
  const ErgodicityProgress& progress_;
  std::string what_;
  double fraction_ = 0;
};

constexpr std::uint32_t kDigitRounds = 2;

/// Refuses a training to go on with that is none of this problem: shapes, counts and shares that no training leaves.
void check_state(const ErgodicityState& state, const Patterns& data, std::uint32_t hidden,
                 const ErgodicityOptions& options, std::uint32_t rounds) {
  const auto need = [](bool good, const std::string& what) {
    if (!good) throw Error(HB_BAD_ARG, "the training to go on with is of another problem: " + what);
  };
  const auto check_machine = [&](const MachineTraining& training, std::uint32_t cells, const std::string& which) {
    const SpinMachine& machine = training.machine;
    need(machine.cells == cells && machine.visible == data.cells && machine.field.size() == cells &&
             machine.couplings.size() == std::size_t{cells} * cells,
         which + " has " + std::to_string(machine.visible) + " of " + std::to_string(machine.cells) +
             " cells visible, this problem " + std::to_string(data.cells) + " of " + std::to_string(cells));
    need(training.updates <= options.updates, which + " had " + std::to_string(training.updates) + " of " +
                                                  std::to_string(options.updates) + " updates");
    need(training.chains.size() % cells == 0, "chains of " + which);
  };
  const Experts& experts = state.experts;
  const std::size_t count = options.experts;
  need(experts.size() == count && experts.shares.size() == count && experts.free_energies.size() == count,
       std::to_string(experts.size()) + " experts");
  check_machine(state.single, data.cells + hidden, "the single machine");
  for (const MachineTraining& expert : experts.machines) check_machine(expert, data.cells, "an expert");
  need(experts.rounds <= rounds, std::to_string(experts.rounds) + " of " + std::to_string(rounds) + " rounds");
  const auto shares = [&](std::span<const double> values) {
    double sum = 0;
    for (const double value : values) {
      if (!(value >= 0 && value <= 1 + 1e-6)) return false;
      sum += value;
    }
    return std::abs(sum - 1) < 1e-6;
  };
  need(shares(experts.shares), "shares are not negative and add up to 1");
  need(experts.responsibilities.size() == data.size() * count,
       std::to_string(experts.responsibilities.size()) + " responsibilities");
  for (std::size_t n = 0; n < data.size(); ++n)
    need(shares(std::span(experts.responsibilities).subspan(n * count, count)),
         "responsibilities of a pattern are not negative and add up to 1");
  if (experts.rounds == 0) return;  // they have not been measured yet
  for (const auto& energy : experts.free_energies) need(std::isfinite(energy.value), "free energies are finite");
}

}  // namespace

ErgodicityReport study_patterns(const OpenBoard& open, const Patterns& patterns, const std::string& problem,
                                const ErgodicityOptions& options, ErgodicityState& state,
                                const std::function<void(const ErgodicityState&)>& save,
                                const ErgodicityProgress& progress) {
  Study study(open, options, progress);
  if (state.experts.size() == 0) {
    state.experts = begin_experts(patterns, options.experts, seed_of(options.seed, Part::experts), options.limit);
    state.single = begin_training(patterns, 0, seed_of(options.seed, Part::single), options.limit);
  }
  check_state(state, patterns, 0, options, ExpertOptions{}.rounds);
  Device board = open(Board::spins, std::max({patterns.cells, options.library_cells + 4, 32u}));
  require(board.capabilities().meters, "the study of ergodicity", "METERS");
  SpinDevice device(board, options.seed);
  device.set_progress([&study](double) { return study.go_on(); });
  study.step("beginning", 0);
  const bool small = patterns.cells <= kEnumerableCells;

  ErgodicityReport report;
  report.problem = problem;
  report.cells = patterns.cells;
  report.patterns = static_cast<std::uint32_t>(patterns.size());
  report.entropy = -legendre_transform(patterns.weights, 1);

  const std::vector<double> data = small ? state_weights(patterns) : std::vector<double>{};
  if (small) {
    // Unseen states lie 4 above equal patterns of parity, and 2 N high otherwise: a gap that grows with the cells.
    const double unseen = problem == "parity" ? 4 + std::log(4.0) : 2.0 * patterns.cells;
    const std::vector<double> energies = library_energies(patterns, unseen);
    const std::vector<double> couplings = couplings_of_all_orders(energies);
    report.conjoint_free_energy = conjoint_free_energy(energies, 1);
    const SpinMachine pairwise = pairwise_part(couplings);
    for (const Theory theory : {Theory::mean_field, Theory::tap})
      for (const double kT : {1.0, 0.4})
        report.minima.push_back({kT, theory, free_energy_minima(pairwise, kT, theory, &patterns)});
    study.step("truncations", 0.02);
    device.seek(seed_of(options.seed, Part::ladder), 0);
    for (const Truncation& rung : truncation_ladder(patterns, energies, 1)) {
      LadderRow row{rung, std::nullopt};
      if (rung.order <= 2) {
        SpinMachine machine = pairwise;
        if (rung.order == 1) std::ranges::fill(machine.couplings, 0.0f);
        SpinDevice::Run run;
        run.shots = study.count(4096);
        run.burn = 100;
        run.records = 16;
        run.interval = 10;
        row.measured = sampled_divergence(data, device.run(machine, 1, run));
      }
      report.ladder.push_back(row);
    }
  }

  ExpertOptions training;
  training.machine.updates = options.updates;
  training.machine.limit = options.limit;
  training.machine.preconditioner = 0.02;
  std::uint32_t since = 0;
  const auto keep = [&](double from, double to, double done, std::string_view what) {
    if (save && ++since % 25 == 0) save(state);
    return study.at(what, from + (to - from) * done);
  };
  train_machine(device, patterns, training.machine, options.updates, state.single, [&] {
    return keep(0.05, 0.2, static_cast<double>(state.single.updates) / options.updates, "single machine");
  });
  if (save) save(state);
  if (state.single.updates < options.updates) throw Error(HB_ABORTED, "stopped while the single machine was trained");
  const auto trained = [&] {
    double sum = 0;
    for (const MachineTraining& machine : state.experts.machines) sum += machine.updates;
    return sum / (static_cast<double>(options.updates) * static_cast<double>(options.experts));
  };
  const bool whole =
      train_experts(device, patterns, training, state.experts, [&] { return keep(0.2, 0.5, trained(), "experts"); });
  if (save) save(state);
  if (!whole) throw Error(HB_ABORTED, "stopped while the experts were trained");

  study.step("divergences", 0.5);
  report.parameters_single = state.single.machine.parameters();
  for (const MachineTraining& expert : state.experts.machines) report.parameters_experts += expert.machine.parameters();
  device.seek(seed_of(options.seed, Part::measure), 0);
  if (small) {
    SpinDevice::Run run;
    run.shots = study.count(4096);
    run.burn = 40;
    run.records = 16;
    run.interval = 8;
    const SpinRecords one = device.run(state.single.machine, 1, run);
    const SpinRecords many =
        retrieve(device, state.experts, patterns, 1, run.shots, run.burn, run.records, run.interval);
    report.kl_single = sampled_divergence(data, one);
    report.kl_experts = sampled_divergence(data, many);
    report.kl_single_exact = divergence(data, boltzmann_weights(machine_energies(state.single.machine), 1));
    report.kl_experts_exact = divergence(data, mixture_weights(state.experts, 1));
    if (patterns.cells <= 4) {
      const auto frequencies = [&](const SpinRecords& records) {
        std::vector<double> parts(data.size(), 0.0);
        const double count = static_cast<double>(records.shots) * records.records;
        for (std::uint32_t shot = 0; shot < records.shots; ++shot)
          for (std::uint32_t record = 0; record < records.records; ++record)
            parts[state_of(records.state(shot, record))] += 1 / count;
        return parts;
      };
      report.state_data = data;
      report.state_single = frequencies(one);
      report.state_experts = frequencies(many);
    }
  } else {
    report.kl_single = ramp_divergence(patterns, state.single.machine,
                                       device.free_energy(state.single.machine, 1, study.count(512), 1000), 1);
    report.kl_experts = ramp_divergence(patterns, state.experts, 1);
  }
  for (std::size_t k = 0; k < state.experts.size(); ++k) {
    ErgodicityReport::Expert expert{state.experts.shares[k], state.experts.free_energies[k], std::nullopt};
    if (small) expert.free_energy_exact = conjoint_free_energy(machine_energies(state.experts.machines[k].machine), 1);
    report.experts.push_back(expert);
  }
  if (problem == "parity") {
    study.step("table of parity", 0.55);
    device.seek(seed_of(options.seed, Part::parity), 0);
    for (const double strength : {1.0, 2.0, 3.0, 4.0})
      report.parity.push_back(measure_parity(device, strength, study.count(4096), 100));
    study.optional_part("parity on bistable cells", report, [&] {
      Device soft = open(Board::bistable, 3);
      for (const double strength : {1.0, 2.0}) {
        study.step("parity on bistable cells", 0.55 + 0.05 * strength);
        Calibration calibration;
        report.parity.push_back(measure_soft_parity(soft, options.seed, 4, strength, study.count(256), calibration));
        if (strength == 1) report.calibration = calibration;
      }
    });
  }
  study.measure_ergodicity(device, report, 0.65);
  return report;
}

ErgodicityReport study_digits(const OpenBoard& open, const BinaryDigits& digits, const ErgodicityOptions& options,
                              ErgodicityState& state, const std::function<void(const ErgodicityState&)>& save,
                              const ErgodicityProgress& progress) {
  Study study(open, options, progress);
  const std::uint32_t cells = digits.learned.cells;
  // As many parameters as the experts together: each hidden cell has one field and `cells` couplings.
  const std::uint32_t hidden = (options.experts - 1) * cells / 2;
  if (state.experts.size() == 0) {
    state.experts = begin_experts(digits.learned, options.experts, seed_of(options.seed, Part::experts));
    state.single = begin_training(digits.learned, hidden, seed_of(options.seed, Part::single));
  }
  check_state(state, digits.learned, hidden, options, kDigitRounds);
  Device board = open(Board::spins, std::max(cells + hidden, options.library_cells + 4));
  require(board.capabilities().meters, "the study of ergodicity", "METERS");
  SpinDevice device(board, options.seed);
  device.set_progress([&study](double) { return study.go_on(); });
  study.step("beginning", 0);

  ErgodicityReport report;
  report.problem = "digits";
  report.cells = cells;
  report.patterns = static_cast<std::uint32_t>(digits.learned.size());
  report.entropy = -legendre_transform(digits.learned.weights, 1);
  report.digits = digits.digits;

  ExpertOptions training;
  training.rounds = kDigitRounds;
  training.ramps = study.count(256);
  training.ramp_sweeps = 400;
  training.machine.updates = options.updates;
  training.machine.shots = 128;
  training.machine.sweeps = 3;
  training.machine.rate = 0.05;
  training.machine.decay = 0.002;
  training.machine.phase = FreePhase::persistent;
  std::uint32_t since = 0;
  const auto keep = [&](double from, double to, double done, std::string_view what) {
    if (save && ++since % 25 == 0) save(state);
    return study.at(what, from + (to - from) * done);
  };
  train_machine(device, digits.learned, training.machine, options.updates, state.single, [&] {
    return keep(0.02, 0.3, static_cast<double>(state.single.updates) / options.updates, "single machine");
  });
  if (save) save(state);
  if (state.single.updates < options.updates) throw Error(HB_ABORTED, "stopped while the single machine was trained");
  const auto trained = [&] {
    double sum = 0;
    for (const MachineTraining& machine : state.experts.machines) sum += machine.updates;
    return sum / (static_cast<double>(options.updates) * static_cast<double>(options.experts));
  };
  const bool whole = train_experts(device, digits.learned, training, state.experts,
                                   [&] { return keep(0.3, 0.6, trained(), "experts"); });
  if (save) save(state);
  if (!whole) throw Error(HB_ABORTED, "stopped while the experts were trained");

  study.step("likelihoods", 0.6);
  report.parameters_single = state.single.machine.parameters();
  for (const MachineTraining& expert : state.experts.machines) report.parameters_experts += expert.machine.parameters();
  device.seek(seed_of(options.seed, Part::measure), 0);
  const SpinDevice::FreeEnergy single = device.free_energy(state.single.machine, 1, study.count(256), 1000);
  double by_experts = 0;
  for (std::size_t k = 0; k < state.experts.size(); ++k) {
    const SpinDevice::FreeEnergy& free_energy = state.experts.free_energies[k];
    by_experts += std::pow(state.experts.shares[k] * free_energy.standard_error, 2);
    report.experts.push_back({state.experts.shares[k], free_energy, std::nullopt});
  }
  std::vector<double> ours, theirs, both;
  for (std::size_t n = 0; n < digits.held_out.size(); ++n) {
    const std::span<const Spin> spins = digits.held_out.pattern(n);
    theirs.push_back(single.value - state.single.machine.visible_energy(spins, 1));
    ours.push_back(state.experts.log_likelihood(spins, 1));
    both.push_back(ours.back() - theirs.back());
  }
  const auto mean_of = [](const std::vector<double>& values, double more) {
    const measure::Estimate mean = measure::mean_of_independent(values);
    return measure::Estimate{mean.value, std::sqrt(mean.standard_error * mean.standard_error + more)};
  };
  report.likelihood_single = mean_of(theirs, single.standard_error * single.standard_error);
  report.likelihood_experts = mean_of(ours, by_experts);
  report.margin = mean_of(both, single.standard_error * single.standard_error + by_experts);

  study.step("drawing", 0.65);
  SpinDevice::Run run;
  run.shots = study.count(1000);
  run.burn = 200;
  const SpinRecords one = device.run(state.single.machine, 1, run);
  const SpinRecords many = retrieve(device, state.experts, digits.learned, 1, run.shots, 30);
  std::vector<Spin> drawn;
  for (std::uint32_t shot = 0; shot < run.shots; ++shot) {
    const std::span<const Spin> spins = one.state(shot, 0).first(cells);
    drawn.insert(drawn.end(), spins.begin(), spins.end());
  }
  report.shares_data = class_shares(digits, digits.held_out.spins);
  report.shares_single = class_shares(digits, drawn);
  report.shares_experts = class_shares(digits, many.spins);
  const auto some = [&](const std::vector<Spin>& all) {
    constexpr std::uint32_t kShown = 20;
    const std::size_t total = all.size() / cells;
    std::vector<Spin> shown;
    for (std::uint32_t i = 0; i < kShown; ++i) {
      const auto words = numerics::random_words(options.seed, numerics::HostPurpose::ergodicity, i, 0, 7);
      const auto from = all.begin() + static_cast<std::ptrdiff_t>(words[0] % total * cells);
      shown.insert(shown.end(), from, from + cells);
    }
    return shown;
  };
  report.drawn_data = some(digits.held_out.spins);
  report.drawn_single = some(drawn);
  report.drawn_experts = some(many.spins);

  study.measure_ergodicity(device, report, 0.7);
  return report;
}

}  // namespace heatbath::trainers
