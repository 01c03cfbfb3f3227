#include "report/ergodicity_report.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "files/provenance.hpp"
#include "report/figure.hpp"
#include "report/html_page.hpp"
#include "files/json_numbers.hpp"
#include "report/png_sheet.hpp"

namespace heatbath::apps {

namespace {

using nlohmann::json;
using trainers::ErgodicityReport;
using measure::Estimate;


void put(json& into, const std::string& name, const std::optional<measure::Estimate>& m) {
  into[name] = m ? or_null(m->value) : json(nullptr);
  into[name + "_se"] = m ? or_null(m->standard_error) : json(nullptr);
}

const char* name_of(trainers::Theory theory) { return theory == trainers::Theory::tap ? "tap" : "mean-field"; }
const char* name_of(trainers::Board board) { return board == trainers::Board::bistable ? "bistable" : "pbit"; }

constexpr const char* kColours[] = {"#1d4f91", "#c0392b", "#2e8b57", "#8a5a00"};

Picture library_picture(const trainers::LibrarySweep& library) {
  Picture picture{
      "library.png",
      "The library and the high-temperature phase",
      fmt::format("Probability that the {} cells hold one of {} patterns, against temperature: p-bits (with "
                  "four standard errors) and the sum over all states. The dashed line is T* of the machine, "
                  "{:.5f}.",
                  library.cells, library.patterns, library.transition_exact),
      {},
      {}};
  std::string data;
  for (const auto& point : library.points)
    data += fmt::format("{} {} {} {} {}\n", point.kT, point.measured.value, 4 * point.measured.standard_error, point.exact,
                        point.ideal);
  return plotted(std::move(picture),
                 fmt::format("set xlabel 'T'\nset ylabel 'P_{{lib}}'\nset yrange [0:1]\nset key top right\n"
                             "set arrow 1 from {0},0 to {0},1 nohead dt 2 lc rgb '#8a919c'\n"
                             "plot 'data' using 1:4 with lines lw 2 lc rgb '#8fa8c8' title 'all states counted', "
                             "'data' using 1:2:3 with yerrorbars pt 7 lw 2 lc rgb '#1d4f91' title 'device'\n",
                             library.transition_exact),
                 data);
}

Picture escapes_picture(const ErgodicityReport& report) {
  Picture picture{
      "escapes.png",
      "How long a basin holds",
      "Share of the runs that are still in the basin they began in, against time in units of the exact mean "
      "time of escape. An escape that forgets its past falls on the straight line.",
      {},
      {}};
  std::string data, plots;
  int index = 0;
  const auto add = [&](const trainers::EscapeTime& escape, const std::string& title) {
    for (std::size_t k = 0; k < escape.times.size(); k += std::max<std::size_t>(1, escape.times.size() / 200)) {
      data += fmt::format("{} {}\n", escape.times[k] / escape.exact, 1 - static_cast<double>(k) / escape.runs);
    }
    data += "\n\n";
    plots += fmt::format("'data' index {} using 1:2 with steps lw 2 dt {} title '{}', ", index, index / 8 + 1, title);
    ++index;
  };
  for (const auto& escape : report.escapes_spins)
    add(escape, fmt::format("{} spins, 1/T = {:g}", escape.cells, escape.parameter));
  for (const auto& escape : report.escapes_wells) add(escape, fmt::format("well of height {:g}", escape.parameter));
  if (index == 0) {
    picture.missing = "no escape was measured";
    return picture;
  }
  return plotted(std::move(picture),
                 "set xlabel 't / exact mean time'\nset ylabel 'still there'\nset logscale y\nset yrange [0.01:1]\n"
                 "set xrange [0:5]\nset key top right\nplot " +
                     plots + "exp(-x) with lines dt 2 lc rgb '#8a919c' title 'exp(-t)'\n",
                 data);
}

Picture running_means_picture(const ErgodicityReport& report) {
  Picture picture{
      "running_means.png",
      "Running means that do not settle",
      "Variance over chains of their running means (Thirumalai & Mountain): half of the chains began all up, half "
      "all down. It falls as 1/t where the spins are ergodic and stays where they are not.",
      {},
      {}};
  std::string data, plots;
  int index = 0;
  for (const auto& point : report.breaking) {
    for (std::size_t t = 0; t < point.fluctuation.size(); ++t)
      data += fmt::format("{} {}\n", t + 1, point.fluctuation[t]);
    data += "\n\n";
    plots += fmt::format("{}'data' index {} using 1:2 with lines lw 2 lc rgb '{}' title '1/T = {:g}, R-hat {:.2f}'",
                         index ? ", " : "", index, kColours[index % 4], point.beta, point.r_hat);
    ++index;
  }
  return plotted(
      std::move(picture),
      "set xlabel 'sweeps'\nset ylabel 'variance of running means'\nset logscale xy\nset key bottom left\nplot " +
          plots + "\n",
      data);
}

Picture overlaps_picture(const ErgodicityReport& report) {
  Picture picture{
      "overlaps.png",
      "Overlaps of two chains",
      "Distribution of the overlap of a chain that began all up with one that began all down, in the second half "
      "of the run. Ergodic chains forget how they began; broken ones stay opposite.",
      {},
      {}};
  std::string data, plots;
  int index = 0;
  for (const auto& point : report.breaking) {
    const auto bins = static_cast<double>(point.overlap.size());
    for (std::size_t bin = 0; bin < point.overlap.size(); ++bin)
      data += fmt::format("{} {}\n", (2.0 * static_cast<double>(bin) + 1) / bins - 1, point.overlap[bin]);
    data += "\n\n";
    plots += fmt::format("{}'data' index {} using 1:2 with histeps lw 2 lc rgb '{}' title '1/T = {:g}'",
                         index ? ", " : "", index, kColours[index % 4], point.beta);
    ++index;
  }
  return plotted(
      std::move(picture),
      "set xlabel 'overlap q'\nset ylabel 'share'\nset xrange [-1:1]\nset key top right\nplot " + plots + "\n", data);
}

Picture states_picture(const ErgodicityReport& report) {
  Picture picture{
      "states.png",
      "One machine and experts, state by state",
      "Probability of every state: the data, the single pairwise machine on the device, and the experts on the "
      "device. Patterns of the data are marked by a star.",
      {},
      {}};
  std::string data;
  for (std::size_t s = 0; s < report.state_data.size(); ++s) {
    std::string name = report.state_data[s] > 0 ? "*" : "";
    for (std::uint32_t i = 0; i < report.cells; ++i) name += (s >> i & 1u) != 0 ? '1' : '0';
    data += fmt::format("{} {} {} {}\n", name, report.state_data[s], report.state_single[s], report.state_experts[s]);
  }
  return plotted(
      std::move(picture),
      "set style data histograms\nset style fill solid 0.9 noborder\nset ylabel 'probability'\nset yrange [0:*]\n"
      "set xtics rotate by -60\nset key outside top center horizontal samplen 1\n"
      "plot 'data' using 2:xtic(1) lc rgb '#b9c2cd' title 'data', '' using 3 lc rgb '#c0392b' title 'one machine', "
      "'' using 4 lc rgb '#1d4f91' title 'experts'\n",
      data);
}

Picture parity_picture(const ErgodicityReport& report) {
  Picture picture{
      "parity.png",
      "Two experts learn parity",
      "Divergence of the parity data from two experts with fields and couplings K, against K: p-bits, bistable "
      "cells after calibration (four standard errors), and the exact values. One pairwise machine stays at ln 2.",
      {},
      {}};
  std::string spins, soft;
  for (const auto& row : report.parity) {
    (row.board == trainers::Board::bistable ? soft : spins) +=
        fmt::format("{} {} {} {}\n", row.strength, row.measured.value, 4 * row.measured.standard_error, row.exact);
  }
  std::string plots =
      "'data' index 0 using 1:4 with lines lw 2 lc rgb '#8fa8c8' title 'exact', "
      "'data' index 0 using 1:2:3 with yerrorbars pt 7 lw 2 lc rgb '#1d4f91' title 'p-bits'";
  if (!soft.empty())
    plots += ", 'data' index 1 using ($1+0.03):2:3 with yerrorbars pt 5 lw 2 lc rgb '#c0392b' title 'bistable cells'";
  return plotted(
      std::move(picture),
      "set xlabel 'K'\nset ylabel 'KL, nats'\nset logscale y\nset xrange [0.8:4.2]\nset key top right\nplot " + plots +
          ", log(2) with lines dt 2 lc rgb '#8a919c' title 'one machine: ln 2'\n",
      spins + "\n\n" + soft);
}

Picture digits_picture(const ErgodicityReport& report) {
  Picture picture{
      "digits.png",
      "Digits of 8 x 8 binary cells",
      "Two rows each: held-out digits; drawn by the single machine, begun at random; drawn by the experts, each "
      "begun in its own basin.",
      {},
      {},
      true};
  constexpr std::size_t kSide = 8, kColumns = 10;
  PngSheet sheet(6, kColumns, kSide, kSide, 8);
  std::size_t block = 0;
  for (const std::vector<trainers::Spin>* drawn : {&report.drawn_data, &report.drawn_single, &report.drawn_experts}) {
    for (std::size_t i = 0; i < drawn->size(); ++i) {
      const std::size_t tile = i / (kSide * kSide), cell = i % (kSide * kSide);
      if (tile >= 2 * kColumns) break;
      const std::uint8_t shade = (*drawn)[i] > 0 ? 255 : 0;
      sheet.set(2 * block + tile / kColumns, tile % kColumns, cell / kSide, cell % kSide, {shade, shade, shade});
    }
    ++block;
  }
  picture.png = sheet.encode();
  return picture;
}

json escape_json(const trainers::EscapeTime& escape, const char* what) {
  json one{{"system", what}, {"exact", escape.exact}, {"escapes", escape.escapes}, {"runs", escape.runs}};
  one[std::string(what) == "spins" ? "beta" : "height"] = escape.parameter;
  if (std::string(what) == "spins") one["cells"] = escape.cells;
  put(one, "measured", escape.measured);
  return one;
}

std::string exact_or_dash(const std::optional<double>& value) {
  return value ? fmt::format("{:.6g}", *value) : "&ndash;";
}

}  // namespace

double worst_deviation(const ErgodicityReport& report) {
  constexpr std::uint32_t kEnough = 30;  // independent values for an error that a normal law goes with
  double worst = 0;
  const auto judge = [&](const measure::Estimate& m, double exact, std::uint32_t values) {
    if (values >= kEnough && std::isfinite(m.value) && m.standard_error > 0)
      worst = std::max(worst, std::abs(m.value - exact) / m.standard_error);
  };
  for (const auto& point : report.library.points) judge(point.measured, point.exact, report.library.chains);
  for (const auto& escape : report.escapes_spins) judge(escape.measured, escape.exact, escape.escapes);
  for (const auto& escape : report.escapes_wells) judge(escape.measured, escape.exact, escape.escapes);
  return worst;
}

std::vector<Picture> ergodicity_pictures(const ErgodicityReport& report) {
  std::vector<Picture> pictures;
  if (!report.drawn_data.empty()) pictures.push_back(digits_picture(report));
  if (!report.state_data.empty()) pictures.push_back(states_picture(report));
  if (!report.parity.empty()) pictures.push_back(parity_picture(report));
  pictures.push_back(library_picture(report.library));
  pictures.push_back(escapes_picture(report));
  pictures.push_back(running_means_picture(report));
  pictures.push_back(overlaps_picture(report));
  return pictures;
}

json ergodicity_json(const ErgodicityRun& run) {
  const ErgodicityReport& r = run.study;
  json report{{"command", "train ergodicity"},
              {"problem", r.problem},
              {"cells", r.cells},
              {"patterns", r.patterns},
              {"data_source", run.data_source},
              {"entropy", r.entropy},
              {"parameters_single", r.parameters_single},
              {"parameters_experts", r.parameters_experts},
              {"kl_single_exact", or_null(r.kl_single_exact)},
              {"kl_experts_exact", or_null(r.kl_experts_exact)},
              {"r_hat_linear", or_null(r.r_hat_linear)},
              {"t_star_exact", or_null(r.library.transition_exact)},
              {"t_star_closed_form", or_null(r.library.transition_ideal)},
              {"gap_per_cell", or_null(r.library.gap_per_cell)},
              {"library", {{"cells", r.library.cells}, {"patterns", r.library.patterns}, {"depth", r.library.depth}}},
              {"left_out", r.left_out},
              {"updates", run.options.updates},
              {"effort", run.options.effort},
              {"seed", run.options.seed},
              {"device", run.device},
              {"seconds", run.seconds},
              {"provenance", provenance()}};
  put(report, "kl_single", r.kl_single);
  put(report, "kl_experts", r.kl_experts);
  put(report, "t_star_measured", r.library.transition);
  put(report, "likelihood_single", r.likelihood_single);
  put(report, "likelihood_experts", r.likelihood_experts);
  put(report, "margin", r.margin);
  report["conjoint_free_energy"] = r.ladder.empty() ? json(nullptr) : json(r.conjoint_free_energy);

  report["experts"] = json::array();
  for (const auto& expert : r.experts) {
    json one{{"share", expert.share}, {"free_energy_exact", or_null(expert.free_energy_exact)}};
    put(one, "free_energy", expert.free_energy);
    report["experts"].push_back(one);
  }
  report["p_lib"] = json::array();
  for (const auto& point : r.library.points) {
    json one{{"T", point.kT}, {"exact", point.exact}, {"closed_form", point.ideal}};
    put(one, "measured", point.measured);
    report["p_lib"].push_back(one);
  }
  report["escape_times"] = json::array();
  for (const auto& escape : r.escapes_spins) report["escape_times"].push_back(escape_json(escape, "spins"));
  for (const auto& escape : r.escapes_wells) report["escape_times"].push_back(escape_json(escape, "double well"));
  report["breaking"] = json::array();
  for (const auto& point : r.breaking) {
    json one{{"beta", point.beta},
             {"cells", point.cells},
             {"r_hat", or_null(point.r_hat)},
             {"fluctuation", point.fluctuation},
             {"overlap", point.overlap},
             {"square_overlap_exact", point.square_overlap_exact}};
    put(one, "square_overlap", point.square_overlap);
    report["breaking"].push_back(one);
  }
  report["ladder"] = json::array();
  for (const auto& rung : r.ladder) {
    json one{{"order", rung.exact.order}, {"exact", rung.exact.divergence}};
    put(one, "measured", rung.measured);
    report["ladder"].push_back(one);
  }
  report["minima"] = json::array();
  for (const auto& found : r.minima) {
    for (const auto& minimum : found.minima) {
      report["minima"].push_back({{"theory", name_of(found.theory)},
                                  {"T", found.kT},
                                  {"free_energy", minimum.free_energy},
                                  {"magnetisation", minimum.magnetisation}});
    }
  }
  report["parity"] = json::array();
  for (const auto& entry : r.parity) {
    json one{{"K", entry.strength}, {"cells", name_of(entry.board)}, {"exact", entry.exact}};
    put(one, "measured", entry.measured);
    report["parity"].push_back(one);
  }
  report["calibration"] = nullptr;
  if (r.calibration) {
    json one{{"height", r.calibration->cells.height},
             {"coupling_scale", r.calibration->cells.coupling_scale},
             {"field_scale", r.calibration->cells.field_scale}};
    put(one, "soft_coupling", r.calibration->soft_coupling);
    put(one, "effective_coupling", r.calibration->effective_coupling);
    put(one, "effective_field", r.calibration->effective_field);
    report["calibration"] = one;
  }
  report["class_shares"] = json::object();
  for (std::size_t k = 0; k < r.digits.size(); ++k) {
    report["class_shares"][std::to_string(r.digits[k])] = {
        {"data", r.shares_data[k]}, {"single", r.shares_single[k]}, {"experts", r.shares_experts[k]}};
  }
  report["pictures"] = json::object();
  for (const Picture& picture : run.pictures) {
    if (picture.png)
      report["pictures"][picture.file] = true;
    else
      report["pictures"][picture.file] = picture.missing;
  }
  return report;
}

std::string ergodicity_html(const ErgodicityRun& run) {
  const ErgodicityReport& r = run.study;
  std::string html = page_head("Knowledge as a breaking of ergodicity");
  html += fmt::format(
      "<p class=\"lead\">{} patterns of {} binary cells were learned twice: by one machine with couplings between "
      "pairs, and "
      "by {} experts, one for each minimum of the free energy. A machine that must hold patterns far apart needs high "
      "barriers between them, and a machine with high barriers does not visit all it knows: that is the breaking of "
      "ergodicity, and experts are the remedy.</p>\n",
      r.patterns, r.cells, r.experts.size());
  html += "<div class=\"tiles\">";
  if (r.margin) {
    html += tile(number(r.likelihood_single->value, 3), "held-out log-likelihood of one machine, nats");
    html += tile(number(r.likelihood_experts->value, 3), "of the experts");
    html += tile(fmt::format("{:.3f} &plusmn; {:.3f}", r.margin->value, r.margin->standard_error),
                 "experts ahead by, nats per digit");
  } else {
    html +=
        tile(r.kl_single ? number(r.kl_single->value, 4) : "&ndash;", "divergence of the data from one machine, nats");
    html += tile(r.kl_experts ? number(r.kl_experts->value, 4) : "&ndash;", "from the experts");
  }
  html += tile(number(r.library.transition.value, 4), "temperature at which the library melts");
  html += tile(fmt::format("{:.4f}", r.library.transition_exact), "the same by counting all states");
  html += "</div>\n<h2>One machine and experts</h2>\n" +
          table_head({"Quantity", "Measured", "Exact, of the trained machines"});
  if (r.margin) {
    html += table_row({"Held-out log-likelihood, one machine", with_error(r.likelihood_single),
                 fmt::format("{} parameters", r.parameters_single)});
    html +=
        table_row({"&hellip; experts", with_error(r.likelihood_experts), fmt::format("{} parameters", r.parameters_experts)});
    html += table_row({"Difference, paired", with_error(r.margin), ""});
  } else {
    html += table_row({"KL(data || one machine), nats", with_error(r.kl_single), exact_or_dash(r.kl_single_exact)});
    html += table_row({"KL(data || experts), nats", with_error(r.kl_experts), exact_or_dash(r.kl_experts_exact)});
  }
  for (std::size_t k = 0; k < r.experts.size(); ++k) {
    html += table_row({fmt::format("Free energy of expert {}, share {:.3f}", k + 1, r.experts[k].share),
                 with_error(r.experts[k].free_energy), exact_or_dash(r.experts[k].free_energy_exact)});
  }
  html += kTableEnd;
  if (!r.digits.empty()) {
    html += "<h2>The rare digit</h2>\n" + table_head({"Digit", "Held-out data", "One machine", "Experts"});
    for (std::size_t k = 0; k < r.digits.size(); ++k) {
      html += table_row({std::to_string(r.digits[k]), number(100 * r.shares_data[k], 1, " %"),
                   number(100 * r.shares_single[k], 1, " %"), number(100 * r.shares_experts[k], 1, " %")});
    }
    html += kTableEnd;
  }
  if (!r.ladder.empty()) {
    html +=
        "<h2>What pairs can hold</h2>\n<p>The energies of all states as couplings among up to so many cells, and how "
        "far "
        "the data are from the machine with those couplings. A device with pairs runs the first two.</p>\n" +
        table_head({"Couplings among up to", "KL(data || machine), exact", "Device"});
    for (const auto& rung : r.ladder) {
      html += table_row({fmt::format("{} cell{}", rung.exact.order, rung.exact.order == 1 ? "" : "s"),
                   fmt::format("{:.6g}", rung.exact.divergence), with_error(rung.measured)});
    }
    html += kTableEnd;
    html += "<h2>Minima of the free energy of the pairs</h2>\n" + table_head({"Theory", "T", "A", "Magnetisations"});
    for (const auto& found : r.minima) {
      for (const auto& minimum : found.minima) {
        std::string list;
        for (std::size_t i = 0; i < std::min<std::size_t>(minimum.magnetisation.size(), 16); ++i)
          list += fmt::format("{}{:.4f}", i ? ", " : "", minimum.magnetisation[i]);
        html += table_row(
            {name_of(found.theory), fmt::format("{:g}", found.kT), fmt::format("{:.6f}", minimum.free_energy), list});
      }
    }
    html += kTableEnd;
  }
  if (!r.parity.empty()) {
    html += "<h2>Two experts of strength K</h2>\n" + table_head({"K", "Cells", "KL measured, nats", "Exact"});
    for (const auto& entry : r.parity)
      html += table_row({fmt::format("{:g}", entry.strength), name_of(entry.board), with_error(entry.measured),
                   fmt::format("{:.6g}", entry.exact)});
    html += kTableEnd;
  }
  html += fmt::format("<h2>The library of {} patterns of {} cells</h2>\n", r.library.patterns, r.library.cells) +
          table_head({"T", "P<sub>lib</sub>, device", "All states counted", "Closed form, couplings of all orders"});
  for (const auto& point : r.library.points)
    html += table_row({fmt::format("{:g}", point.kT), with_error(point.measured), fmt::format("{:.6f}", point.exact),
                 fmt::format("{:.6f}", point.ideal)});
  html += table_row({"T*", with_error(r.library.transition), fmt::format("{:.5f}", r.library.transition_exact),
               fmt::format("{:.5f}", r.library.transition_ideal)});
  html += kTableEnd;
  html += "<h2>Times of escape</h2>\n" + table_head({"System", "Mean time, device", "Exact", "Escapes of runs"});
  for (const auto& escape : r.escapes_spins) {
    html += table_row({fmt::format("{} Curie&ndash;Weiss spins, 1/T = {:g}", escape.cells, escape.parameter),
                 with_error(escape.measured), fmt::format("{:.6g}", escape.exact),
                 fmt::format("{} of {}", escape.escapes, escape.runs)});
  }
  for (const auto& escape : r.escapes_wells) {
    html += table_row({fmt::format("Bistable cell, barrier {:g} kT", escape.parameter), with_error(escape.measured),
                 fmt::format("{:.6g}", escape.exact), fmt::format("{} of {}", escape.escapes, escape.runs)});
  }
  html += kTableEnd;
  html += "<h2>Chains begun in different basins</h2>\n" +
          table_head({"32 Curie&ndash;Weiss spins", "R-hat", "&lt;q&sup2;&gt; of the pairs",
                      "&lt;q&sup2;&gt; in equilibrium"});
  for (const auto& point : r.breaking) {
    html += table_row({fmt::format("1/T = {:g}", point.beta), number(point.r_hat, 3), with_error(point.square_overlap),
                 fmt::format("{:.5f}", point.square_overlap_exact)});
  }
  html +=
      table_row({"Linear cells, begun at &minus;3 and +3", r.r_hat_linear ? number(*r.r_hat_linear, 3) : "&ndash;", "", ""});
  html += kTableEnd;
  html +=
      "<p class=\"note\" style=\"margin-top:16px\">Paper: He &amp; Lubchenko, <em>Knowledge as a breaking of "
      "ergodicity</em>, arXiv:2412.16411, Neural Computation 37(4):742 (2025).</p>\n";
  html += "<h2>Pictures</h2>\n" + figures(run.pictures) + "<h2>How it was run</h2>\n";
  std::vector<std::pair<std::string, std::string>> rows{
      {"Device", run.device},
      {"Problem", r.problem},
      {"Patterns from", run.data_source},
      {"Updates of each machine", std::to_string(run.options.updates)},
      {"Seed", std::to_string(run.options.seed)},
      {"Seconds", fmt::format("{:.1f}", run.seconds)},
  };
  for (const std::string& what : r.left_out) rows.emplace_back("Not measured", what);
  html += pairs(rows);
  return html + page_foot("The numbers are in report.json, the machines in machines.json.");
}

}  // namespace heatbath::apps
