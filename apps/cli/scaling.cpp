#include "apps/cli/scaling.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "apps/cli/console.hpp"
#include "files/provenance.hpp"
#include "files/utf8.hpp"
#include "heatbath/error.hpp"
#include "heatbath/open.hpp"

namespace heatbath::apps {
namespace {

constexpr double kHaloBytes = 8;  // of a column and step, in and out, to one neighbour: float32
constexpr std::size_t kStretches = 3;
constexpr double kSecondsOfStretch = 0.2;
constexpr std::uint64_t kMostSteps = std::uint64_t{1} << 24;

struct Measured {
  std::string device;
  std::uint64_t cells = 0;
  double ns = 0;
};

/// Seconds of a program of so many steps.
double seconds_of(Device& device, std::uint64_t steps) {
  const Capabilities& caps = device.capabilities();
  Program program(caps, caps.cells);
  program.load_couplings(-0.4f).at_temperature(0.5f);
  if (caps.cell_kind == CellKind::overdamped) program.load(CellSection::j2, 0.5f).load(CellSection::j4, 0.25f);
  program.commit().evolve(Ticks{device.step().count * steps});
  const auto began = std::chrono::steady_clock::now();
  device.run(program, {.shots = 1, .seed = 1});
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
}

/// The smallest of some stretches: the difference between runs of N and 3 N steps, whose beginnings cost the same.
Measured measure(const std::string& uri) {
  Measured is;
  is.device = uri.empty() ? "func:topology=torus:1000x1000&lanes=1&threads=1" : uri;
  Device device = open(is.device);
  if (device.step().count == 0) throw Error(HB_UNSUPPORTED, "scaling: a device whose step is known is needed");
  is.cells = device.capabilities().cells;
  std::uint64_t steps = 4;
  double least = 0;
  for (std::size_t done = 0; done < kStretches;) {
    const double taken = seconds_of(device, 3 * steps) - seconds_of(device, steps);
    if (taken < kSecondsOfStretch) {
      if (steps > kMostSteps) throw Error(HB_UNSUPPORTED, "scaling: the time of a step cannot be told from that of a job here");
      steps *= 2;
      continue;
    }
    const double ns = 1e9 * taken / (2.0 * static_cast<double>(steps) * static_cast<double>(is.cells));
    least = done == 0 ? ns : std::min(least, ns);
    ++done;
  }
  is.ns = least;
  return is;
}

}  // namespace

std::vector<ScalingRow> scaling(const ScalingOptions& options, double ns) {
  std::vector<ScalingRow> rows;
  const double cells = static_cast<double>(options.cells), one = ns * 1e-9;
  const auto halo = [&](double ranks, double all) {
    return ranks == 1 ? 0.0 : 2 * (options.latency_us * 1e-6 + kHaloBytes * std::sqrt(all) / (options.bandwidth * 1e9));
  };
  for (const std::uint32_t ranks : options.ranks) {
    ScalingRow row;
    row.ranks = ranks;
    row.cells = cells / ranks;
    row.rows = std::sqrt(cells) / ranks;
    row.computing = one * row.cells;
    row.halo = halo(ranks, cells);
    row.strong = row.computing / (row.computing + row.halo);
    const double each = cells / options.ranks.front();
    row.weak = one * each / (one * each + halo(ranks, each * ranks));
    rows.push_back(row);
  }
  return rows;
}

int run_scaling(const ScalingOptions& options) {
  Measured is;
  if (options.ns) is.ns = *options.ns;
  else is = measure(options.device);
  const std::vector<ScalingRow> rows = scaling(options, is.ns);
  const std::vector<std::string> assumes{
      "equal ranks, each as fast as the device that was measured, however many of them share a memory",
      "a square grid of nearest neighbours in strips, one message of 4 bytes a column to and from each of two neighbours a step",
      "a network that all ranks use at once without loss; the exchange is not hidden behind computing",
      "no meters, records or captures, which are added up and written by the first rank"};
  if (options.json) {
    nlohmann::json json{{"cells", options.cells},
                        {"ns_per_cell_step", is.ns},
                        {"latency_us", options.latency_us},
                        {"bandwidth_GB_per_s", options.bandwidth},
                        {"assumes", assumes},
                        {"provenance", provenance()}};
    json["measured"] = options.ns ? nlohmann::json(nullptr) : nlohmann::json{{"device", is.device}, {"cells", is.cells}};
    for (const ScalingRow& row : rows)
      json["ranks"].push_back({{"ranks", row.ranks},         {"cells", row.cells},      {"rows", row.rows},
                               {"computing_s", row.computing}, {"halo_s", row.halo},
                               {"strong", row.strong},       {"weak", row.weak}});
    put("{}\n", json_text(json, 2));
    return 0;
  }
  put("{} cells, {:.3g} ns a cell and step ({}), {:.3g} us and {:.3g} GB/s a message\n\n", options.cells, is.ns,
      options.ns ? "--ns" : fmt::format("measured here on {}, {} cells", is.device, is.cells), options.latency_us, options.bandwidth);
  put("{:>8} {:>14} {:>10} {:>14} {:>12} {:>10} {:>10}\n", "ranks", "cells a rank", "rows", "computing", "halo", "strong", "weak");
  for (const ScalingRow& row : rows)
    put("{:>8} {:>14.6g} {:>10.4g} {:>11.4g} us {:>9.4g} us {:>8.3g} % {:>8.3g} %{}\n", row.ranks, row.cells, row.rows,
        1e6 * row.computing, 1e6 * row.halo, 100 * row.strong, 100 * row.weak, row.rows < 1 ? "  less than a row a rank: no strips" : "");
  put("\nstrong: of the ideal, with all these cells; weak: with {:.6g} cells a rank. Assumed:\n",
      static_cast<double>(options.cells) / options.ranks.front());
  for (const std::string& line : assumes) put("- {}\n", line);
  return 0;
}

}  // namespace heatbath::apps
