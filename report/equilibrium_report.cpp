#include "report/equilibrium_report.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include "files/json_numbers.hpp"
#include "files/provenance.hpp"
#include "report/figure.hpp"
#include "report/html_page.hpp"

namespace heatbath::apps {

std::vector<Picture> equilibrium_pictures(const EquilibriumRun& run) {
  Picture picture{"cost.png", "Cost",
                  "Mean cost of the examples before each update, from the two nudged relaxations.", {}, {}};
  const std::vector<double>& costs = run.saved.training.costs;
  if (costs.size() < 2) {
    picture.missing = "fewer than two updates";
    return {picture};
  }
  std::string data;
  for (std::size_t u = 0; u < costs.size(); ++u) data += fmt::format("{} {:.8g}\n", u + 1, costs[u]);
  return {plotted(std::move(picture),
                  "set xlabel 'update'\nset ylabel 'cost'\nset yrange [0:*]\nset key off\n"
                  "plot 'data' using 1:2 with lines lw 1.5 lc rgb '#1d4f91'\n", data)};
}

nlohmann::json equilibrium_json(const EquilibriumRun& run) {
  const trainers::EquilibriumOptions& o = run.saved.options;
  const trainers::QuarticNet& net = run.saved.training.net;
  const std::vector<double>& costs = run.saved.training.costs;
  nlohmann::json out;
  out["command"] = "train equilibrium";
  out["problem"] = run.saved.problem;
  out["data_source"] = run.data_source;
  out["right"] = run.right;
  out["cost"] = or_null(run.cost);
  out["cost_first"] = costs.empty() ? nlohmann::json(nullptr) : nlohmann::json(costs.front());
  out["cost_last"] = costs.empty() ? nlohmann::json(nullptr) : nlohmann::json(costs.back());
  out["costs"] = costs;
  out["outputs"] = run.outputs;
  out["settings"] = {{"inputs", net.inputs}, {"hidden", net.hidden}, {"outputs", net.outputs}, {"j2", net.j2}, {"j4", net.j4},
                     {"updates", run.saved.updates}, {"kT", o.kT}, {"nudge", o.nudge}, {"repeats", o.repeats}, {"relax", o.relax},
                     {"records", o.records}, {"interval", o.interval}, {"rate", o.rate}};
  out["seed"] = o.seed;
  out["device"] = run.device;
  out["electricity"] = electricity_json(run.electricity);
  out["seconds"] = run.seconds;
  out["pictures"] = pictures_json(run.pictures);
  out["provenance"] = provenance();
  return out;
}

std::string equilibrium_html(const EquilibriumRun& run) {
  const trainers::EquilibriumOptions& o = run.saved.options;
  const trainers::QuarticNet& net = run.saved.training.net;
  std::string html = page_head("A net that learned by equilibrium propagation");
  html += fmt::format("<p class=\"lead\">{} input cells are held, {} hidden and {} output cells relax. Nudged towards the target and away from it, "
                      "the cells come to rest at two places; the difference of local averages there is the gradient of the cost of every "
                      "coupling. No signal goes backward.</p>\n",
                      net.inputs, net.hidden, net.outputs);
  html += "<div class=\"tiles\">" + tile(number(100 * run.right, 1, " %"), "outputs with the sign of their target") +
          tile(number(run.cost, 4), "cost of the mean outputs") + "</div>\n";
  constexpr std::size_t kMostRows = 32;
  html += "<h2>Examples</h2>\n" + table_head({"Inputs", "Target", "Mean output"});
  for (std::size_t n = 0; n < std::min(kMostRows, run.examples.size()); ++n) {
    const auto row = [&](const std::vector<double>& of, std::size_t width) {
      return fmt::format("{:.3g}", fmt::join(of.begin() + static_cast<std::ptrdiff_t>(n * width), of.begin() + static_cast<std::ptrdiff_t>((n + 1) * width), " "));
    };
    html += table_row({row(run.examples.input, net.inputs), row(run.examples.target, net.outputs), row(run.outputs, net.outputs)});
  }
  html += kTableEnd;
  html += "<h2>Pictures</h2>\n" + figures(run.pictures);
  html += "<h2>How it was run</h2>\n" +
          pairs({{"Device", run.device}, {"Examples", fmt::format("{}: {}", run.data_source, run.examples.size())},
                 {"Updates", std::to_string(run.saved.training.updates)}, {"Temperature", fmt::format("{:g}", o.kT)}, {"Nudge", fmt::format("{:g}", o.nudge)},
                 {"Shots of an update", fmt::format("{} of each example and sign, {:g} time units", o.repeats, o.relax)},
                 {"Seed", std::to_string(o.seed)}, {"Time", fmt::format("{:.1f} s", run.seconds)}}) + pairs(electricity_rows(run.electricity));
  html += page_foot("The numbers are in report.json, the net in net.json.");
  return html;
}

}  // namespace heatbath::apps
