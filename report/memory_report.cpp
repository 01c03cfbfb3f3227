#include "report/memory_report.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/json_numbers.hpp"
#include "files/provenance.hpp"
#include "report/figure.hpp"
#include "report/html_page.hpp"

namespace heatbath::apps {

namespace {

using nlohmann::json;

json recall_json(const trainers::Recall& recall) {
  return {{"overlap", or_null(recall.overlap.value)}, {"overlap_se", or_null(recall.overlap.standard_error)},
          {"recalled", or_null(recall.recalled.value)}, {"recalled_se", or_null(recall.recalled.standard_error)},
          {"first", or_null(recall.first.value)}};
}

}  // namespace

double worst_deviation(const MemoryRun& run) {
  double worst = 0;
  for (const auto& row : run.exact) worst = std::max(worst, std::abs(row.measured.value - row.machine) / row.measured.standard_error);
  return worst;
}

std::vector<Picture> memory_pictures(const MemoryRun& run) {
  Picture picture{"recall.png", "Recall against load",
                  fmt::format("Overlap with the stored pattern after {:g} sweeps from a start with {:.0f} % of its {} spins turned, with two "
                              "standard errors. The line is the replica-symmetric theory of Hebbian couplings at T = 0 for infinitely many "
                              "spins, which ends at a load of 0.138.",
                              run.sweeps, 100 * run.corrupted, run.cells), {}, {}};
  std::string data;
  for (const auto& point : run.points)
    data += fmt::format("{} {} {} {} {}\n", point.load, point.hebbian.overlap.value, 2 * point.hebbian.overlap.standard_error,
                        point.dense.overlap.value, 2 * point.dense.overlap.standard_error);
  data += "\n\n";
  for (int k = 1; k <= 300; ++k) {
    const double load = 0.0005 * k, m = trainers::hebbian_overlap(load);
    if (m > 0) data += fmt::format("{} {}\n", load, m);
  }
  return {plotted(std::move(picture),
                  "set xlabel 'load, patterns per spin'\nset ylabel 'overlap'\nset yrange [0:1.05]\nset xrange [0:*]\nset key bottom left\n"
                  "plot 'data' index 1 using 1:2 with lines lw 2 lc rgb '#8fa8c8' title 'Hebbian, theory', "
                  "'data' index 0 using 1:2:3 with yerrorbars pt 7 lw 2 lc rgb '#1d4f91' title 'Hebbian', "
                  "'data' index 0 using 1:4:5 with yerrorbars pt 5 lw 2 lc rgb '#c0392b' title 'dense (p = 4)'\n", data)};
}

nlohmann::json memory_json(const MemoryRun& run) {
  json out, points = json::array(), exact = json::array();
  for (const auto& point : run.points)
    points.push_back({{"load", point.load}, {"patterns", point.patterns}, {"hebbian", recall_json(point.hebbian)},
                      {"dense", recall_json(point.dense)}, {"theory", point.theory}});
  for (const auto& row : run.exact)
    exact.push_back({{"power", row.power}, {"kT", row.kT}, {"largest_overlap", or_null(row.measured.value)},
                     {"largest_overlap_se", or_null(row.measured.standard_error)}, {"of_the_machine", row.machine}, {"exact", row.exact}});
  out["command"] = "train memory";
  out["points"] = std::move(points);
  out["exact"] = std::move(exact);
  out["ladder_misses_kT"] = run.ladder_misses;
  out["settings"] = {{"cells", run.cells}, {"kT", run.kT}, {"corrupted", run.corrupted}, {"levels", run.levels},
                     {"shots", run.shots}, {"sweeps", run.sweeps}};
  out["seed"] = run.seed;
  out["device"] = run.device;
  out["electricity"] = electricity_json(run.electricity);
  out["seconds"] = run.seconds;
  out["pictures"] = pictures_json(run.pictures);
  out["provenance"] = provenance();
  return out;
}

std::string memory_html(const MemoryRun& run) {
  std::string html = page_head("Memories of coupled spins");
  html += fmt::format("<p class=\"lead\">Patterns of {} spins are stored in couplings and recalled from a start with {:.0f} % of the spins "
                      "turned. Hebbian couplings hold 0.138 patterns a spin; a dense memory, whose energy is the fourth power of the "
                      "overlaps, holds far more, and is made of pairs here too: hidden spins, {} pairs for each pattern.</p>\n",
                      run.cells, 100 * run.corrupted, run.levels);
  html += "<h2>Recall</h2>\n" + table_head({"Load", "Patterns", "Hebbian: overlap", "recalled", "theory, T = 0", "Dense: overlap", "recalled"});
  for (const auto& point : run.points)
    html += table_row({number(point.load, 3), std::to_string(point.patterns), with_error(point.hebbian.overlap), number(100 * point.hebbian.recalled.value, 0, " %"),
                       number(point.theory, 3), with_error(point.dense.overlap), number(100 * point.dense.recalled.value, 0, " %")});
  html += kTableEnd;
  html += "<h2>Sixteen spins, every state counted</h2>\n" + table_head({"Power p", "T", "largest overlap, measured", "of the machine as wired", "of the power p"});
  for (const auto& row : run.exact)
    html += table_row({std::to_string(row.power), number(row.kT, 1), with_error(row.measured), number(row.machine, 5), number(row.exact, 5)});
  html += kTableEnd;
  html += "<h2>Pictures</h2>\n" + figures(run.pictures);
  html += "<h2>How it was run</h2>\n" +
          pairs({{"Device", run.device}, {"Temperature", fmt::format("{:g}", run.kT)},
                 {"Recalls at each load", fmt::format("{} of {:g} sweeps", run.shots, run.sweeps)},
                 {"Largest error of the ladder of hidden spins", fmt::format("{:.2g} kT a pattern", run.ladder_misses)},
                 {"Seed", std::to_string(run.seed)}, {"Time", fmt::format("{:.1f} s", run.seconds)}}) + pairs(electricity_rows(run.electricity));
  html += page_foot("The numbers are in report.json.");
  return html;
}

}  // namespace heatbath::apps
