// heatbath train graph: a Boltzmann machine on the couplers of a sparse device.

#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <span>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/add_pictures.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/machine_commands.hpp"
#include "apps/cli/other_device.hpp"
#include "apps/cli/progress_bar.hpp"
#include "apps/cli/same_settings.hpp"
#include "apps/cli/save_schedule.hpp"
#include "files/graph_machine_file.hpp"
#include "files/output_folder.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/numerics/crc32.hpp"
#include "report/graph_machine_report.hpp"

namespace heatbath::apps {

namespace {

using trainers::Patterns;

constexpr std::array<std::string_view, 4> kFiles{"training.png", "couplings.png", "report.html", "report.json"};

/// Takes the last `count` patterns away.
Patterns split_off(Patterns& all, std::uint64_t count, const std::filesystem::path& file) {
  if (count >= all.size())
    throw Error(HB_BAD_ARG, fmt::format("--held-out {}: {} has {} patterns; one at least is to be learned", count, file.string(), all.size()));
  const std::size_t kept = all.size() - static_cast<std::size_t>(count);
  const auto set_weights = [](Patterns& patterns, std::size_t number) { patterns.weights.assign(number, 1.0 / static_cast<double>(number)); };
  Patterns off{all.cells, {all.spins.begin() + static_cast<std::ptrdiff_t>(kept * all.cells), all.spins.end()}, {}, all.source};
  if (count > 0) set_weights(off, static_cast<std::size_t>(count));
  all.spins.resize(kept * all.cells);
  set_weights(all, kept);
  return off;
}

/// What --continue finds must be what is asked for.
void check_same(const std::filesystem::path& path, const SavedGraphMachine& before, const SavedGraphMachine& now) {
  SameSettings same;
  same.compare("patterns", before.patterns, now.patterns);
  same.compare("array", before.array, now.array);
  same.compare("checksum of the patterns", before.crc32, now.crc32);
  same.compare("held-out", before.held_out, now.held_out);
  same.compare("cells", before.training.machine.cells, now.training.machine.cells);
  same.compare("couplers", before.training.machine.edges.size(), now.training.machine.edges.size());
  same.compare("visible cells", before.training.machine.visible.size(), now.training.machine.visible.size());
  same.compare("chains", std::string(name(before.options.phase)), std::string(name(now.options.phase)));
  same.compare("updates", before.options.updates, now.options.updates);
  same.compare("shots", before.options.shots, now.options.shots);
  same.compare("sweeps", before.options.sweeps, now.options.sweeps);
  same.compare("settle", before.options.settle, now.options.settle);
  same.compare("rate", before.options.rate, now.options.rate);
  same.compare("decay", before.options.decay, now.options.decay);
  same.compare("limit", before.options.limit, now.options.limit);
  same.compare("seed", before.training.seed, now.training.seed);
  same.require(path);
  if (before.training.machine.edges != now.training.machine.edges || before.training.machine.visible != now.training.machine.visible)
    throw Error(HB_BAD_ARG, fmt::format("{} is of another graph, or other visible cells", path.string()));
}

void print_summary(const GraphMachineRun& run, const std::filesystem::path& out) {
  const SavedGraphMachine& saved = run.saved;
  put("machine               {} cells, {} couplers, {} visible\n", saved.training.machine.cells, saved.training.machine.edges.size(),
      saved.training.machine.visible.size());
  if (run.of_learned && saved.first_learned) put("ln p(cell | others)   {:.5f} nats a cell ({:.5f} before)\n", *run.of_learned, *saved.first_learned);
  if (run.of_held_out && saved.first_held_out) put("the same, held out    {:.5f} nats a cell ({:.5f} before)\n", *run.of_held_out, *saved.first_held_out);
  put("difference            {:.4f} ({:.4f} at the first update)\n", saved.training.gaps.back(), saved.training.gaps.front());
  put("report                {}\n", (out / "report.html").string());
}

}  // namespace

int run_train_graph(const TrainGraphOptions& options) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  const HostEnergy host;
  Device device = open_chosen(options.device);
  trainers::GraphMachine machine = trainers::machine_on(device.capabilities());
  if (!options.visible.empty()) machine.visible = read_cell_numbers(options.visible, machine.cells);
  trainers::SpinDevice spins(device, options.seed);
  Patterns data = read_spin_rows(options.patterns, options.array, static_cast<std::uint32_t>(machine.visible.size()));
  const std::uint32_t crc32 = numerics::crc32(std::as_bytes(std::span(data.spins)));
  const Patterns held_out = split_off(data, options.held_out, options.patterns);
  GraphMachineRun run;
  run.device = device_line(device);
  run.learned = data.size();
  run.held_out = held_out.size();
  SavedGraphMachine& saved = run.saved;
  saved.patterns = valid_utf8(options.patterns.string());
  saved.array = valid_utf8(options.array);
  saved.crc32 = crc32;
  saved.device = valid_utf8(run.device);
  saved.held_out = options.held_out;
  saved.options = options.training;
  saved.training = trainers::begin_training(data, std::move(machine), options.seed, saved.options.limit);
  const auto measured = [&](const Patterns& patterns) {
    const trainers::GraphMachine& now = saved.training.machine;
    return now.all_visible() && patterns.size() > 0 ? std::optional(trainers::pseudolikelihood(patterns, now, saved.options.kT)) : std::nullopt;
  };
  const std::filesystem::path path = options.out / "machine.npz";
  if (options.go_on) {
    SavedGraphMachine before = read_graph_machine(path);
    check_same(path, before, saved);
    remark_other_device(before.device, saved.device);
    before.device = saved.device;
    saved = std::move(before);
  } else {
    saved.first_learned = measured(data);
    saved.first_held_out = measured(held_out);
  }

  watch_interrupts();
  OutputFolder out(options.out, kFiles);
  prepare_file(path);
  const auto save = [&] {
    write_graph_machine(path, saved);
    out.invalidate();
  };
  spins.set_progress([](double) { return !interrupted(); });
  try {
    if (saved.training.updates < saved.options.updates) {
      SaveSchedule schedule(options.checkpoint_every);
      ProgressBar bar(ProgressBar::style_for(options.json), "train", saved.options.updates, "updates");
      trainers::train_machine(spins, data, saved.options, saved.options.updates, saved.training, [&] {
        bar.update(saved.training.updates, fmt::format("difference {:.4f}", saved.training.gaps.back()));
        schedule.look(save);
        return !interrupted();
      });
      if (saved.training.updates == saved.options.updates) bar.finish();
      save();
    }
    if (interrupted()) throw Error(HB_ABORTED, "stopped");
  } catch (const Error& error) {
    if (error.code() != HB_ABORTED || !interrupted()) throw;
    save();
    note("heatbath: interrupted after {} of {} updates; {} holds the machine so far, and --continue goes on from it\n",
         saved.training.updates, saved.options.updates, path.string());
    return interrupted_status();
  }
  run.of_learned = measured(data);
  run.of_held_out = measured(held_out);
  run.electricity = electricity_of(device, std::numeric_limits<double>::quiet_NaN(), host);
  run.seconds = std::chrono::duration<double>(Clock::now() - start).count();
  run.pictures = graph_machine_pictures(run);
  add_pictures(out, run.pictures, !options.json);
  out.add("report.html", graph_machine_html(run));
  const std::string json = out.commit(graph_machine_json(run));
  if (options.json) put("{}", json);
  else print_summary(run, options.out);
  return 0;
}

}  // namespace heatbath::apps
