// heatbath train memory: patterns in couplings, recalled from a part.

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <limits>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/add_pictures.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/emulator_for.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/machine_commands.hpp"
#include "apps/cli/plus_minus.hpp"
#include "apps/cli/progress_bar.hpp"
#include "files/output_folder.hpp"
#include "files/provenance.hpp"
#include "heatbath/error.hpp"
#include "heatbath/trainers/exact_machine.hpp"
#include "report/memory_report.hpp"

namespace heatbath::apps {

namespace {

constexpr std::array<std::string_view, 3> kMemoryFiles{"recall.png", "report.html", "report.json"};
constexpr std::uint32_t kMemoryLanes = 64, kExactShots = 8000, kExactLevels = 4;
constexpr double kExactSweeps = 1500;
constexpr double kMostOverlapDeviation = 4.5;  // of three numbers
constexpr std::array<std::uint32_t, 3> kExactMasks{0, 5, 10};

}  // namespace

int run_train_memory(const TrainMemoryOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const HostEnergy host;
  MemoryRun run;
  run.cells = options.cells;
  run.levels = options.levels;
  run.shots = options.shots;
  run.kT = options.kT;
  run.corrupted = options.corrupted;
  run.sweeps = options.sweeps;
  run.seed = options.seed;
  std::uint32_t most = 1;
  for (const double load : options.loads) {
    MemoryRun::Point point;
    point.patterns = std::max(1u, static_cast<std::uint32_t>(std::lround(load * options.cells)));
    point.load = static_cast<double>(point.patterns) / options.cells;
    point.theory = trainers::hebbian_overlap(point.load);
    most = std::max(most, point.patterns);
    run.points.push_back(point);
  }
  const std::uint32_t cells = std::max(options.cells + 2 * options.levels * most, 16 + 2 * kExactLevels * 3);
  Device device = open_for(options.device, network::Network(CellKind::pbit, cells), kMemoryLanes);
  if (cells > device.capabilities().cells)
    throw Error(HB_BAD_ARG, fmt::format("{} patterns of {} spins with {} levels need {} cells, the device has {}", most, options.cells, options.levels,
                                        cells, device.capabilities().cells));
  run.device = device_line(device);
  trainers::SpinDevice spins(device, options.seed);
  watch_interrupts();
  OutputFolder out(options.out, kMemoryFiles);
  spins.set_progress([](double) { return !interrupted(); });
  try {
    ProgressBar bar(ProgressBar::style_for(options.json), "recall", static_cast<double>(run.points.size() + 1), "loads");
    double done = 0;
    for (MemoryRun::Point& point : run.points) {
      bar.update(done++, fmt::format("{} patterns", point.patterns));
      const trainers::Patterns patterns = trainers::random_patterns(options.cells, point.patterns, options.seed);
      point.hebbian = trainers::recall(spins, trainers::hebbian_memory(patterns), patterns, options.kT, options.corrupted, options.shots, options.sweeps);
      const trainers::DenseMemory dense = trainers::dense_memory(patterns, options.kT, options.levels);
      run.ladder_misses = dense.worst / options.kT;
      point.dense = trainers::recall(spins, dense.machine, patterns, options.kT, options.corrupted, options.shots, options.sweeps);
    }
    bar.update(done, "exact problem");
    const trainers::Patterns patterns = trainers::walsh_patterns(16, kExactMasks);
    for (const auto& [power, kT] : {std::pair{2, 0.5}, {4, 0.3}, {4, 0.5}}) {
      MemoryRun::Exact row;
      row.power = power;
      row.kT = kT;
      const trainers::SpinMachine machine = power == 2 ? trainers::hebbian_memory(patterns) : trainers::dense_memory(patterns, kT, kExactLevels).machine;
      trainers::SpinDevice::Run drawing;
      drawing.shots = kExactShots;
      drawing.burn = kExactSweeps;
      row.measured = trainers::largest_overlap(patterns, spins.run(machine, kT, drawing));
      row.exact = trainers::largest_overlap(patterns, trainers::memory_law(patterns, power, kT));
      row.machine = trainers::largest_overlap(patterns, trainers::visible_law(machine, kT));
      run.exact.push_back(row);
    }
    bar.finish();
  } catch (const Error& error) {
    if (error.code() != HB_ABORTED || !interrupted()) throw;
    note("heatbath: interrupted; nothing was written\n");
    return interrupted_status();
  }
  run.electricity = electricity_of(device, std::numeric_limits<double>::quiet_NaN(), host);
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  run.pictures = memory_pictures(run);
  add_pictures(out, run.pictures, !options.json);
  out.add("report.html", memory_html(run));
  const std::string json = out.commit(memory_json(run));
  if (options.json) {
    put("{}", json);
  } else {
    put("load    patterns  Hebbian overlap      theory   dense overlap\n");
    for (const MemoryRun::Point& point : run.points)
      put("{:<7.3f} {:<9} {:<20} {:<8.3f} {}\n", point.load, point.patterns, plus_minus(point.hebbian.overlap, 4), point.theory, plus_minus(point.dense.overlap, 4));
    for (const MemoryRun::Exact& row : run.exact)
      put("16 spins, p = {}, T = {:g}: largest overlap {} (machine {:.5f}, exact {:.5f})\n", row.power, row.kT, plus_minus(row.measured, 5), row.machine, row.exact);
    put("report  {}\n", (options.out / "report.html").string());
  }
  if (const double worst = worst_deviation(run); worst > kMostOverlapDeviation) {
    note("heatbath: an overlap lies {:.1f} standard errors from that of all states counted: the device does not follow its law; see {}\n", worst,
         (options.out / "report.json").string());
    return 1;
  }
  return 0;
}

}  // namespace heatbath::apps
