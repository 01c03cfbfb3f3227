// heatbath train boltzmann: a machine of binary cells that learns a law from patterns.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/cli/add_pictures.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/emulator_for.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/machine_commands.hpp"
#include "apps/cli/other_device.hpp"
#include "apps/cli/plus_minus.hpp"
#include "apps/cli/progress_bar.hpp"
#include "apps/cli/same_settings.hpp"
#include "apps/cli/save_schedule.hpp"
#include "files/atomic_file.hpp"
#include "files/boltzmann_file.hpp"
#include "files/output_folder.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/trainers/ergodicity/experts.hpp"
#include "heatbath/trainers/ergodicity/training_potential.hpp"
#include "heatbath/trainers/exact_machine.hpp"
#include "report/boltzmann_report.hpp"

namespace heatbath::apps {

namespace {

using trainers::Patterns;
using trainers::SpinMachine;

constexpr std::size_t kDigitsPerClass = 900;
constexpr std::uint32_t kLearnedPerClass = 500, kHeldOutPerClass = 200, kLanes = 256;
constexpr std::uint32_t kCheckShots = 20000, kRamps = 512;
constexpr double kCheckSweeps = 20;
constexpr std::uint32_t kBars = 3;
/// Standard errors at which the command says that the device is wrong: the largest of some hundred numbers.
constexpr double kMostGradientDeviation = 5;
constexpr std::uint32_t kCurvePoints = 100;
constexpr std::array<std::string_view, 6> kBoltzmannFiles{"samples.png", "law.png", "training.png", "weights.png", "report.html", "report.json"};

Patterns patterns_of(const TrainBoltzmannOptions& options, std::optional<trainers::BinaryDigits>& digits) {
  if (options.problem == "bars") return trainers::bars_and_stripes(kBars);
  if (options.problem == "parity") return trainers::parity_patterns();
  if (options.problem == "two-patterns") return trainers::two_patterns();
  if (options.problem == "digits") {
    const auto classes = static_cast<std::uint32_t>(options.digits.size());
    const trainers::Images images =
        options.data.empty() ? trainers::draw_digits(trainers::drawn_digits_seed, kDigitsPerClass) : trainers::read_idx(options.data);
    digits = trainers::binary_digits(images, options.digits, kLearnedPerClass * classes, kHeldOutPerClass * classes, 1.0 / classes);
    return digits->learned;
  }
  if (options.problem.find_first_of("./") == std::string::npos && !std::filesystem::exists(options.problem))
    throw Error(HB_BAD_ARG, fmt::format("--problem {}: needs bars, parity, two-patterns, digits or a file of patterns", options.problem));
  return trainers::read_patterns(options.problem);
}

/// What --continue finds must be what is asked for.
void check_same(const std::filesystem::path& path, const SavedBoltzmann& before, const SavedBoltzmann& now) {
  SameSettings same;
  const SpinMachine &a = before.training.machine, &b = now.training.machine;
  same.compare("problem", before.problem, now.problem);
  same.compare("digits", before.digits, now.digits);
  same.compare("visible cells", a.visible, b.visible);
  same.compare("hidden", a.cells - a.visible, b.cells - b.visible);
  same.compare("general", a.hidden_coupled, b.hidden_coupled);
  same.compare("chains", std::string(name(before.options.phase)), std::string(name(now.options.phase)));
  same.compare("updates", before.options.updates, now.options.updates);
  same.compare("shots", before.options.shots, now.options.shots);
  same.compare("sweeps", before.options.sweeps, now.options.sweeps);
  same.compare("settle", before.options.settle, now.options.settle);
  same.compare("rate", before.options.rate, now.options.rate);
  same.compare("decay", before.options.decay, now.options.decay);
  same.compare("limit", before.options.limit, now.options.limit);
  if (now.options.phase == trainers::FreePhase::tempered) {
    same.compare("temperatures", before.options.temperatures, now.options.temperatures);
    same.compare("hottest", before.options.hottest, now.options.hottest);
  }
  same.compare("seed", before.training.seed, now.training.seed);
  same.require(path);
}

/// Mean ln p by the free energy F that ramps gave.
measure::Estimate likelihood_by_ramps(const Patterns& patterns, const SpinMachine& machine, const trainers::SpinDevice::FreeEnergy& F) {
  measure::Estimate likelihood = trainers::ramp_divergence(patterns, machine, F, 1);
  likelihood.value = trainers::legendre_transform(patterns.weights, 1) - likelihood.value;
  return likelihood;
}

/// Mean ln p of `held_out` by cells that are independent with the means of `learned`, one up and one down added to each.
double independent_likelihood(const Patterns& learned, const Patterns& held_out) {
  double sum = 0;
  for (std::uint32_t i = 0; i < learned.cells; ++i) {
    double up = 1;
    for (std::size_t n = 0; n < learned.size(); ++n) up += learned.pattern(n)[i] > 0 ? 1 : 0;
    const double p = up / (static_cast<double>(learned.size()) + 2);
    for (std::size_t n = 0; n < held_out.size(); ++n) sum += held_out.weights[n] * std::log(held_out.pattern(n)[i] > 0 ? p : 1 - p);
  }
  return sum;
}

void print_summary(const BoltzmannRun& run, const std::filesystem::path& out) {
  if (run.divergence_exact) put("KL(data || machine)   {:.5f} nats, all states counted ({:.3f} before)\n", *run.divergence_exact, *run.divergence_first);
  if (run.divergence_drawn) put("the same, drawn       {} nats\n", std::isfinite(run.divergence_drawn->value) ? plus_minus(*run.divergence_drawn, 4) : "infinite: a pattern never came");
  if (run.likelihood) put("ln p of the data      {} nats, by ramps\n", plus_minus(*run.likelihood, 3));
  if (run.likelihood_held_out)
    put("ln p held out         {} nats (independent cells {:.3f})\n", plus_minus(*run.likelihood_held_out, 3), *run.likelihood_independent);
  if (run.gradient)
    put("gradient              {} numbers, largest |z| {:.2f} (wrong from {:g} on), mean z^2 {:.2f}\n", run.gradient->parameters,
        run.gradient->worst_z, kMostGradientDeviation, run.gradient->mean_square_z);
  if (const auto& t = run.saved.training; t.exchanges_tried > 0)
    put("exchanges made        {:.1f} %\n", 100 * static_cast<double>(t.exchanges_made) / static_cast<double>(t.exchanges_tried));
  for (std::size_t c = 0; c < run.class_shares.size(); ++c)
    put("{}{}: {:.1f} %", c == 0 ? "digits drawn          " : ", ", run.digits->digits[c], 100 * run.class_shares[c]);
  if (!run.class_shares.empty()) put("\n");
  put("report                {}\n", (out / "report.html").string());
}

/// Everything that is measured of the trained machine.
void measure_machine(trainers::SpinDevice& device, const TrainBoltzmannOptions& options, BoltzmannRun& run) {
  const SpinMachine& machine = run.saved.training.machine;
  const std::uint32_t visible = machine.visible;
  device.seek(run.saved.training.seed, trainers::first_shot_after_training);
  trainers::SpinDevice::Run drawing;
  drawing.shots = options.draw_shots;
  drawing.burn = options.draw_sweeps;
  const trainers::SpinRecords all = device.run(machine, 1, drawing);
  run.draw_sweeps = options.draw_sweeps;
  run.drawn = {options.draw_shots, 1, visible, {}};
  for (std::uint32_t shot = 0; shot < all.shots; ++shot) {
    const auto state = all.state(shot, 0).first(visible);
    run.drawn.spins.insert(run.drawn.spins.end(), state.begin(), state.end());
  }
  if (run.digits) run.class_shares = trainers::class_shares(*run.digits, run.drawn.spins);
  if (trainers::enumerable(machine)) {
    run.law = trainers::visible_law(machine, 1);
    run.divergence_exact = trainers::exact_divergence(run.data, machine, 1);
    run.likelihood_exact = trainers::legendre_transform(run.data.weights, 1) - *run.divergence_exact;
    run.divergence_drawn = trainers::sampled_divergence(trainers::state_weights(run.data), run.drawn);
    // From the law itself: a device of that law keeps it, however long a machine takes from one mode to the next.
    const auto starts = trainers::exact_states(machine, 1, kCheckShots, run.saved.training.seed);
    const auto measured = trainers::measured_gradient(device, run.data, machine, 1, kCheckShots, kCheckSweeps, starts);
    const std::vector<double> exact = trainers::exact_gradient(run.data, machine, 1);
    GradientCheck check{exact.size(), kCheckShots, 0, 0};
    for (std::size_t k = 0; k < exact.size(); ++k) {
      const double z = std::abs(measured[k].value - exact[k]) / std::max(measured[k].standard_error, 1.0 / kCheckShots);
      check.worst_z = std::max(check.worst_z, z);
      check.mean_square_z += z * z / static_cast<double>(exact.size());
    }
    run.gradient = check;
  }
  if (!machine.hidden_coupled && device.device().capabilities().meters) {
    const auto F = device.free_energy(machine, 1, kRamps, options.draw_sweeps);
    run.likelihood = likelihood_by_ramps(run.data, machine, F);
    if (run.digits) {
      run.likelihood_held_out = likelihood_by_ramps(run.digits->held_out, machine, F);
      run.likelihood_independent = independent_likelihood(run.data, run.digits->held_out);
    }
  }
}

}  // namespace

int run_train_boltzmann(const TrainBoltzmannOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const HostEnergy host;
  BoltzmannRun run;
  run.data = patterns_of(options, run.digits);
  const Patterns& data = run.data;
  SavedBoltzmann& saved = run.saved;
  saved.problem = valid_utf8(options.problem);
  if (run.digits) saved.digits = fmt::format("{}", fmt::join(options.digits, ","));
  saved.options = options.training;
  if (saved.options.settle == 0) saved.options.settle = options.general ? 10 : 1;
  const std::uint32_t hidden = options.hidden > 0 ? options.hidden : run.digits ? 64 : 8;
  saved.training = trainers::begin_training(data, hidden, options.seed, saved.options.limit);
  SpinMachine& machine = saved.training.machine;
  machine.visible_coupled = machine.hidden_coupled = options.general;
  Device device = open_for(options.device, network::Network(CellKind::pbit, machine.cells), kLanes);
  run.device = device_line(device);
  saved.device = valid_utf8(run.device);
  trainers::SpinDevice spins(device, options.seed);
  if (machine.cells > device.capabilities().cells)
    throw Error(HB_BAD_ARG, fmt::format("--hidden {}: {} cells are needed, the device has {}", hidden, machine.cells, device.capabilities().cells));
  const bool counted = trainers::enumerable(machine);
  if (counted) saved.curve.emplace_back(0, trainers::exact_divergence(data, machine, 1));
  const std::filesystem::path path = options.out / "machine.json";
  if (options.go_on) {
    SavedBoltzmann before = read_boltzmann(path);
    check_same(path, before, saved);
    remark_other_device(before.device, saved.device);
    saved.training = std::move(before.training);
    saved.curve = std::move(before.curve);
  }
  if (counted) run.divergence_first = saved.curve.front().second;

  watch_interrupts();
  OutputFolder out(options.out, kBoltzmannFiles);
  prepare_file(path);
  const auto save = [&] {
    write_file(path, boltzmann_text(saved));
    out.invalidate();
  };
  spins.set_progress([](double) { return !interrupted(); });
  const auto style = ProgressBar::style_for(options.json);
  try {
    if (saved.training.updates < saved.options.updates) {
      SaveSchedule schedule(options.checkpoint_every);
      ProgressBar bar(style, "train", saved.options.updates, "updates");
      const std::uint32_t stride = std::max(1u, saved.options.updates / kCurvePoints);
      trainers::train_machine(spins, data, saved.options, saved.options.updates, saved.training, [&] {
        const std::uint32_t done = saved.training.updates;
        if (counted && (done % stride == 0 || done == saved.options.updates))
          saved.curve.emplace_back(done, trainers::exact_divergence(data, machine, 1));
        bar.update(done, counted ? fmt::format("KL {:.4f}", saved.curve.back().second) : fmt::format("difference {:.4f}", saved.training.gaps.back()));
        schedule.look(save);
        return !interrupted();
      });
      if (saved.training.updates == saved.options.updates) bar.finish();
      save();
    }
    if (interrupted()) throw Error(HB_ABORTED, "stopped");
    ProgressBar bar(style, "measure", 1, "");
    measure_machine(spins, options, run);
    bar.finish();
  } catch (const Error& error) {
    if (error.code() != HB_ABORTED || !interrupted()) throw;
    save();
    note("heatbath: interrupted after {} of {} updates; {} holds the machine so far, and --continue goes on from it\n",
         saved.training.updates, saved.options.updates, path.string());
    return interrupted_status();
  }
  run.electricity = electricity_of(device, std::numeric_limits<double>::quiet_NaN(), host);
  run.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  run.pictures = boltzmann_pictures(run);
  add_pictures(out, run.pictures, !options.json);
  out.add("report.html", boltzmann_html(run));
  const std::string json = out.commit(boltzmann_json(run));
  if (options.json) put("{}", json);
  else print_summary(run, options.out);
  if (gradient_is_off(run, kMostGradientDeviation)) {
    note("heatbath: a number of the gradient lies {:.1f} standard errors from the exact one: the device does not follow its law; see {}\n",
         run.gradient->worst_z, (options.out / "report.json").string());
    return 1;
  }
  return 0;
}

}  // namespace heatbath::apps
