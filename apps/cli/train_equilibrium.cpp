// heatbath train equilibrium: a net of quartic cells learns a map.

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/add_pictures.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/emulator_for.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/machine_commands.hpp"
#include "apps/cli/other_device.hpp"
#include "apps/cli/progress_bar.hpp"
#include "apps/cli/same_settings.hpp"
#include "apps/cli/save_schedule.hpp"
#include "files/atomic_file.hpp"
#include "files/equilibrium_file.hpp"
#include "files/output_folder.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/trainers/ergodicity/spins.hpp"
#include "report/equilibrium_report.hpp"

namespace heatbath::apps {

namespace {

constexpr std::array<std::string_view, 3> kEquilibriumFiles{"cost.png", "report.html", "report.json"};
constexpr std::uint32_t kEquilibriumLanes = 64;

trainers::MapExamples map_of(const trainers::Patterns& patterns, std::uint32_t outputs) {
  if (patterns.cells <= outputs)
    throw Error(HB_BAD_ARG, fmt::format("--outputs {}: the patterns have {} cells, and an input is needed", outputs, patterns.cells));
  trainers::MapExamples examples;
  examples.inputs = patterns.cells - outputs;
  examples.outputs = outputs;
  for (std::size_t n = 0; n < patterns.size(); ++n) {
    const auto pattern = patterns.pattern(n);
    for (std::uint32_t i = 0; i < patterns.cells; ++i) (i < examples.inputs ? examples.input : examples.target).push_back(pattern[i]);
  }
  return examples;
}

void check_same_net(const std::filesystem::path& path, const SavedEquilibrium& before, const SavedEquilibrium& now) {
  SameSettings same;
  const trainers::QuarticNet &a = before.training.net, &b = now.training.net;
  same.compare("problem", before.problem, now.problem);
  same.compare("inputs", a.inputs, b.inputs);
  same.compare("hidden", a.hidden, b.hidden);
  same.compare("outputs", a.outputs, b.outputs);
  same.compare("updates", before.updates, now.updates);
  same.compare("kT", before.options.kT, now.options.kT);
  same.compare("nudge", before.options.nudge, now.options.nudge);
  same.compare("repeats", before.options.repeats, now.options.repeats);
  same.compare("relax", before.options.relax, now.options.relax);
  same.compare("rate", before.options.rate, now.options.rate);
  same.compare("seed", before.options.seed, now.options.seed);
  same.require(path);
}

}  // namespace

int run_train_equilibrium(const TrainEquilibriumOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const HostEnergy host;
  EquilibriumRun run;
  SavedEquilibrium& saved = run.saved;
  if (options.problem != "parity" && options.problem.find_first_of("./") == std::string::npos && !std::filesystem::exists(options.problem))
    throw Error(HB_BAD_ARG, fmt::format("--problem {}: needs parity or a file of patterns", options.problem));
  const trainers::Patterns patterns = options.problem == "parity" ? trainers::parity_patterns() : trainers::read_patterns(options.problem);
  run.examples = map_of(patterns, options.outputs);
  run.data_source = patterns.source;
  saved.problem = valid_utf8(options.problem);
  saved.options = options.training;
  saved.updates = options.updates;
  saved.training.net = trainers::QuarticNet::random(run.examples.inputs, options.hidden, run.examples.outputs, trainers::first_width, options.training.seed);
  const std::uint32_t cells = saved.training.net.cells() + run.examples.outputs;
  Device device = open_for(options.device, network::Network(CellKind::overdamped, cells), kEquilibriumLanes);
  run.device = device_line(device);
  saved.device = valid_utf8(run.device);
  if (cells > device.capabilities().cells)
    throw Error(HB_BAD_ARG, fmt::format("--hidden {}: {} cells are needed, the device has {}", options.hidden, cells, device.capabilities().cells));
  const std::filesystem::path path = options.out / "net.json";
  if (options.go_on) {
    SavedEquilibrium before = read_equilibrium(path);
    check_same_net(path, before, saved);
    remark_other_device(before.device, saved.device);
    saved.training = std::move(before.training);
  }
  watch_interrupts();
  OutputFolder out(options.out, kEquilibriumFiles);
  prepare_file(path);
  const auto save = [&] {
    write_file(path, equilibrium_text(saved));
    out.invalidate();
  };
  if (saved.training.updates < saved.updates) {
    SaveSchedule schedule(options.checkpoint_every);
    ProgressBar bar(ProgressBar::style_for(options.json), "train", saved.updates, "updates");
    trainers::train_equilibrium(device, run.examples, saved.options, saved.updates, saved.training, [&] {
      bar.update(saved.training.updates, fmt::format("cost {:.4f}", saved.training.costs.back()));
      schedule.look(save);
      return !interrupted();
    });
    if (saved.training.updates == saved.updates) bar.finish();
    save();
    if (saved.training.updates < saved.updates) {
      note("heatbath: interrupted after {} of {} updates; {} holds the net so far, and --continue goes on from it\n", saved.training.updates,
           saved.updates, path.string());
      return interrupted_status();
    }
  }
  run.outputs = trainers::equilibrium_outputs(device, saved.training.net, run.examples, saved.options, trainers::first_reading);
  for (std::size_t k = 0; k < run.outputs.size(); ++k) {
    const double miss = run.outputs[k] - run.examples.target[k];
    run.cost += miss * miss / 2 / static_cast<double>(run.examples.size());
    if (run.outputs[k] * run.examples.target[k] > 0) run.right += 1.0 / static_cast<double>(run.outputs.size());
  }
  run.electricity = electricity_of(device, std::numeric_limits<double>::quiet_NaN(), host);
  run.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  run.pictures = equilibrium_pictures(run);
  add_pictures(out, run.pictures, !options.json);
  out.add("report.html", equilibrium_html(run));
  const std::string json = out.commit(equilibrium_json(run));
  if (options.json) {
    put("{}", json);
  } else {
    put("outputs right  {:.1f} % of {}\ncost           {:.4f} at first, {:.4f} at last, {:.4f} of the mean outputs\nreport         {}\n", 100 * run.right,
        run.outputs.size(), saved.training.costs.front(), saved.training.costs.back(), run.cost, (options.out / "report.html").string());
  }
  return 0;
}

}  // namespace heatbath::apps
