#include "report/graph_machine_report.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/json_numbers.hpp"
#include "files/provenance.hpp"
#include "report/figure.hpp"
#include "report/html_page.hpp"
#include "report/training_gaps.hpp"

namespace heatbath::apps {

namespace {

using nlohmann::json;

Picture training_of(const GraphMachineRun& run) {
  Picture picture{"training.png", "Training",
                  "Root mean square difference between the averages over the data and those over the device, of all fields and "
                  "couplings; the scatter of the chains stays in it.", {}, {}};
  const std::vector<double>& gaps = run.saved.training.gaps;
  if (gaps.size() < 2) {
    picture.missing = "fewer than two updates";
    return picture;
  }
  return plotted(std::move(picture), kGapsPlot, gap_rows(gaps));
}

Picture couplings_of(const GraphMachineRun& run) {
  Picture picture{"couplings.png", "Couplings", "How many couplers have which coupling, in a hundred steps from the lowest to the highest.", {}, {}};
  const std::vector<float>& couplings = run.saved.training.machine.coupling;
  const auto [low, high] = std::ranges::minmax(couplings);
  if (couplings.empty() || !(high > low)) {
    picture.missing = "all couplings are alike";
    return picture;
  }
  constexpr std::size_t kSteps = 100;
  std::vector<std::size_t> counts(kSteps, 0);
  for (const float J : couplings)
    ++counts[std::min(kSteps - 1, static_cast<std::size_t>((static_cast<double>(J) - low) / (static_cast<double>(high) - low) * kSteps))];
  std::string data;
  for (std::size_t k = 0; k < kSteps; ++k)
    data += fmt::format("{:.8g} {}\n", low + (static_cast<double>(high) - low) * (static_cast<double>(k) + 0.5) / kSteps, counts[k]);
  return plotted(std::move(picture),
                 "set xlabel 'coupling, kT'\nset ylabel 'couplers'\nset yrange [0:*]\nset key off\nset style fill solid 0.6 noborder\n"
                 "plot 'data' using 1:2 with boxes lc rgb '#1d4f91'\n", data);
}

}  // namespace

std::vector<Picture> graph_machine_pictures(const GraphMachineRun& run) { return {training_of(run), couplings_of(run)}; }

nlohmann::json graph_machine_json(const GraphMachineRun& run) {
  const SavedGraphMachine& saved = run.saved;
  const trainers::BoltzmannOptions& o = saved.options;
  const trainers::GraphTraining& training = saved.training;
  json out;
  out["command"] = "train graph";
  out["patterns"] = saved.patterns;
  out["learned"] = run.learned;
  out["held_out"] = run.held_out;
  out["pseudolikelihood"] = or_null(run.of_learned);
  out["pseudolikelihood_first"] = or_null(saved.first_learned);
  out["pseudolikelihood_held_out"] = or_null(run.of_held_out);
  out["pseudolikelihood_held_out_first"] = or_null(saved.first_held_out);
  out["gap_first"] = training.gaps.empty() ? json(nullptr) : or_null(training.gaps.front());
  out["gap_last"] = training.gaps.empty() ? json(nullptr) : or_null(training.gaps.back());
  out["settings"] = {{"cells", training.machine.cells}, {"visible", training.machine.visible.size()}, {"edges", training.machine.edges.size()},
                     {"chains", name(o.phase)}, {"updates", o.updates}, {"shots", o.shots}, {"sweeps", o.sweeps},
                     {"settle", o.settle}, {"rate", o.rate}, {"decay", o.decay}, {"limit", o.limit}};
  out["seed"] = training.seed;
  out["device"] = run.device;
  out["electricity"] = electricity_json(run.electricity);
  out["seconds"] = run.seconds;
  out["pictures"] = pictures_json(run.pictures);
  out["provenance"] = provenance();
  return out;
}

std::string graph_machine_html(const GraphMachineRun& run) {
  const SavedGraphMachine& saved = run.saved;
  const trainers::BoltzmannOptions& o = saved.options;
  const trainers::GraphTraining& training = saved.training;
  const std::size_t hidden = training.machine.cells - training.machine.visible.size();
  std::string html = page_head("A Boltzmann machine on the graph of a device");
  html += fmt::format(
      "<p class=\"lead\">{} visible and {} hidden binary cells with {} couplers. Every field and coupling followed the difference of two "
      "averages, one over the data and one over the device, {} times.</p>\n",
      training.machine.visible.size(), hidden, training.machine.edges.size(), training.updates);
  html += "<h2>Figures</h2>\n" + table_head({"Quantity", "Before", "After"});
  const auto row = [&](const char* what, const std::optional<double>& before, const std::optional<double>& after) {
    if (before && after) html += table_row({what, number(*before, 5), number(*after, 5)});
  };
  row("mean ln p(cell | all others) of the patterns learned, nats a cell", saved.first_learned, run.of_learned);
  row("the same of patterns held out", saved.first_held_out, run.of_held_out);
  if (!training.gaps.empty())
    row("root mean square difference of averages", training.gaps.front(), training.gaps.back());
  html += kTableEnd;
  html += "<h2>Pictures</h2>\n" + figures(run.pictures);
  html += "<h2>How it was run</h2>\n" +
          pairs({{"Device", run.device},
                 {"Data", fmt::format("{}: {} patterns learned, {} held out", saved.patterns, run.learned, run.held_out)},
                 {"Free phase", fmt::format("{}, {} chains of {:g} sweeps", name(o.phase), o.shots, o.sweeps)},
                 {"Rate", fmt::format("{:g} at first, decay {:g}", o.rate, o.decay)},
                 {"Seed", std::to_string(training.seed)},
                 {"Time", fmt::format("{:.1f} s", run.seconds)}}) + pairs(electricity_rows(run.electricity));
  html += page_foot("The numbers are in report.json, the machine in machine.npz.");
  return html;
}

}  // namespace heatbath::apps
