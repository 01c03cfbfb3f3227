// heatbath train ergodicity: what a machine that stays in its basins knows, and what experts know.

#include <array>
#include <chrono>
#include <cstdlib>
#include <optional>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "apps/cli/add_pictures.hpp"
#include "apps/cli/commands.hpp"
#include "apps/cli/console.hpp"
#include "apps/cli/interrupt.hpp"
#include "apps/cli/other_device.hpp"
#include "apps/cli/plus_minus.hpp"
#include "apps/cli/progress_bar.hpp"
#include "apps/cli/same_settings.hpp"
#include "files/atomic_file.hpp"
#include "files/ergodicity_file.hpp"
#include "files/output_folder.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/numerics/text.hpp"
#include "heatbath/open.hpp"
#include "report/ergodicity_report.hpp"

namespace heatbath::apps {

namespace {

using trainers::Board;
using measure::Estimate;

constexpr std::size_t kBoardDigitsPerClass = 700;
constexpr std::uint32_t kLearned = 900, kHeldOut = 600;
constexpr double kRareShare = 0.1;
/// Standard errors between device and exact values at which the command says that the device is wrong: some 15 numbers
/// are compared.
constexpr double kMostDeviation = 5;
/// All that a run may write beside machines.json.
constexpr std::array<std::string_view, 9> kErgodicityFiles{"library.png", "escapes.png", "running_means.png", "overlaps.png", "states.png",
                                                 "parity.png",  "digits.png",  "report.html",       "report.json"};

/// The URI that is asked for.
std::string base_uri(const std::string& asked) {
  if (!asked.empty()) return asked;
  const char* environment = std::getenv("HEATBATH_DEVICE");
  return environment != nullptr && *environment != '\0' ? environment : "func:";
}

/// The URI of an emulated chip with other cells. A URI that is not an emulator's is one chip: what it is, it is.
std::string board_uri(const std::string& asked, Board board, std::uint32_t cells) {
  std::string base = base_uri(asked);
  const bool functional = base.starts_with("func:"), systemc = base.starts_with("tlm:");
  if (board != Board::spins && !functional)
    throw Error(HB_UNSUPPORTED, fmt::format("{} is one chip of one kind of cells; func: has others beside it", base));
  if (!functional && !systemc) return base;
  const std::string keys = "&" + base.substr(base.find(':') + 1);
  for (const char* key : {"cell", "stepper", "topology", "dt"}) {
    if (keys.find(fmt::format("&{}=", key)) != std::string::npos)
      throw Error(HB_BAD_ARG,
                  fmt::format("--device {}: leave out {}; train ergodicity opens chips of several kinds, each with a step of its own", base, key));
  }
  if (!base.ends_with(':')) base += '&';
  base += board == Board::bistable ? "cell=overdamped" : "cell=pbit";
  if (board == Board::spins_one_by_one) base += "&stepper=random-sequential";
  if (board == Board::spins) base += "&stepper=sequential";
  if (keys.find("&cells=") == std::string::npos) base += fmt::format("&cells={}", cells);
  return base;
}

void print_summary(const ErgodicityRun& run, const std::filesystem::path& out) {
  const trainers::ErgodicityReport& r = run.study;
  if (r.margin) {
    put("log-likelihood       one machine {}, experts {} nats, held out\n", plus_minus(*r.likelihood_single, 5),
               plus_minus(*r.likelihood_experts, 5));
    put("experts ahead by     {} nats ({} and {} parameters)\n", plus_minus(*r.margin, 5), r.parameters_experts,
               r.parameters_single);
    put("rare digit {}         data {:.1f} %, one machine {:.1f} %, experts {:.1f} %\n", int{r.digits.back()},
               100 * r.shares_data.back(), 100 * r.shares_single.back(), 100 * r.shares_experts.back());
  } else {
    put("KL(data || machine)  one machine {}, {} experts {} nats\n", plus_minus(*r.kl_single, 5), r.experts.size(),
               plus_minus(*r.kl_experts, 5));
  }
  for (const auto& row : r.parity) {
    put("parity, K = {:g}        {} on {} (exact {:.5f})\n", row.strength, plus_minus(row.measured, 5),
               row.board == Board::bistable ? "bistable cells" : "p-bits", row.exact);
  }
  put("library T*           {} (exact {:.5f})\n", plus_minus(r.library.transition, 5), r.library.transition_exact);
  for (const auto& escape : r.escapes_spins) {
    put("escape, {:2} spins     {} at 1/T = {:g} (exact {:.5f})\n", escape.cells, plus_minus(escape.measured, 5),
               escape.parameter, escape.exact);
  }
  for (const auto& escape : r.escapes_wells) {
    put("escape, bistable     {} over {:g} kT (exact {:.5f})\n", plus_minus(escape.measured, 5), escape.parameter,
               escape.exact);
  }
  for (const auto& point : r.breaking)
    put("R-hat, 32 spins      {:.3f} at 1/T = {:g}\n", point.r_hat, point.beta);
  if (r.r_hat_linear) put("R-hat, linear cells  {:.3f}\n", *r.r_hat_linear);
  for (const std::string& what : r.left_out) put("not measured         {}\n", what);
  put("report               {}\n", (out / "report.html").string());
}

}  // namespace

int run_train_ergodicity(const TrainErgodicityOptions& options) {
  const auto start = std::chrono::steady_clock::now();
  const bool digits = options.problem == "digits";
  SavedMachines saved;
  saved.problem = valid_utf8(options.problem);
  saved.options = options.study;
  if (saved.options.experts == 0)
    saved.options.experts = digits ? static_cast<std::uint32_t>(options.digits.size()) : 2;
  trainers::Patterns patterns;
  trainers::BinaryDigits set;
  if (options.problem == "parity") {
    patterns = trainers::parity_patterns();
  } else if (options.problem == "two-patterns") {
    patterns = trainers::two_patterns();
  } else if (digits) {
    const trainers::Images images = options.data.empty() ? trainers::draw_digits(trainers::drawn_digits_seed, kBoardDigitsPerClass)
                                                         : trainers::read_idx(options.data);
    set = trainers::binary_digits(images, options.digits, kLearned, kHeldOut, kRareShare);
  } else if (options.problem.find_first_of("./") == std::string::npos && !std::filesystem::exists(options.problem)) {
    throw Error(HB_BAD_ARG,
                fmt::format("--problem {}: needs parity, two-patterns, digits or a file of patterns", options.problem));
  } else {
    patterns = trainers::read_patterns(options.problem);
  }
  if (digits) saved.digits = fmt::format("{}", fmt::join(options.digits, ","));
  saved.device = valid_utf8(base_uri(options.device.uri));
  const std::filesystem::path machines = options.out / "machines.json";
  if (options.go_on) {
    const SavedMachines before = read_machines(machines);
    SameSettings same;
    same.compare("problem", before.problem, saved.problem);
    same.compare("experts", before.options.experts, saved.options.experts);
    same.compare("updates", before.options.updates, saved.options.updates);
    same.compare("effort", before.options.effort, saved.options.effort);
    same.compare("seed", before.options.seed, saved.options.seed);
    if (!before.digits.empty()) same.compare("digits", before.digits, saved.digits);
    same.require(machines);
    if (!before.device.empty()) remark_other_device(before.device, saved.device);
    saved.state = before.state;
  }

  ErgodicityRun run;
  run.options = saved.options;
  watch_interrupts();
  const trainers::OpenBoard open_board = [&](Board board, std::uint32_t cells) {
    Device device = open(board_uri(options.device.uri, board, cells));
    correct_by(device, options.device);
    if (run.device.empty()) run.device = device_line(device);
    return device;
  };
  std::optional<OutputFolder> out;
  const auto prepare = [&] {
    if (out) return;
    out.emplace(options.out, kErgodicityFiles);
    prepare_file(machines);
  };
  const auto save = [&](const trainers::ErgodicityState& state) {
    prepare();
    saved.state = state;
    write_file(machines, machines_text(saved));
    out->invalidate();
  };
  trainers::ErgodicityState state = saved.state;
  try {
    ProgressBar bar(ProgressBar::style_for(options.json), "ergodicity", 100, "");
    // The study refuses what it cannot do before it says for the first time how far it is.
    const trainers::ErgodicityProgress progress = [&](std::string_view what, double fraction) {
      prepare();
      bar.update(100 * fraction, what);
      return !interrupted();
    };
    run.study =
        digits ? trainers::study_digits(open_board, set, saved.options, state, save, progress)
               : trainers::study_patterns(open_board, patterns, options.problem, saved.options, state, save, progress);
    bar.finish();
  } catch (const Error& error) {
    if (error.code() != HB_ABORTED || !interrupted() || state.experts.size() == 0) throw;
    save(state);
    note("heatbath: interrupted; {} holds the machines so far, and --continue goes on from them\n",
               machines.string());
    return interrupted_status();
  }
  run.data_source = digits ? set.learned.source : patterns.source;
  run.pictures = ergodicity_pictures(run.study);
  run.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  add_pictures(*out, run.pictures, !options.json);
  out->add("report.html", ergodicity_html(run));
  const std::string json = out->commit(ergodicity_json(run));
  if (options.json)
    put("{}", json);
  else
    print_summary(run, options.out);
  if (const double worst = worst_deviation(run.study); worst > kMostDeviation) {
    note("heatbath: a measured value lies {:.1f} standard errors from the exact one: the device does not follow its "
         "law; see {}\n", worst, (options.out / "report.json").string());
    return 1;
  }
  return 0;
}

}  // namespace heatbath::apps
