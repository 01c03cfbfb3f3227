#pragma once
// heatbath scaling: what an array cut over the ranks of a cluster would cost, from what a step costs here.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heatbath::apps {

struct ScalingOptions {
  std::string device;             ///< measured here; empty: a torus of a million cells in one process and thread
  std::optional<double> ns;       ///< of a cell and step, instead of a measurement
  std::uint64_t cells = 1000000000;
  std::vector<std::uint32_t> ranks{64, 1024, 16384};
  double latency_us = 2;          ///< of a message
  double bandwidth = 10;          ///< of a rank, GB/s
  bool json = false;
};

/// A step of a square grid of nearest neighbours in strips on `ranks` ranks.
struct ScalingRow {
  std::uint32_t ranks = 0;
  double cells = 0, rows = 0;            ///< of a rank
  double computing = 0, halo = 0;        ///< seconds
  double strong = 0;                     ///< time of one rank over ranks times the time of all
  double weak = 0;                       ///< the same for as many cells a rank as the first row has
};

/// c N / P + 2 (l + 8 W / b): each rank sends a row of W = sqrt(N) float32 states to both of its neighbours and takes theirs.
std::vector<ScalingRow> scaling(const ScalingOptions& options, double ns);

/// Measures, or takes --ns, and prints the table with what it assumes.
int run_scaling(const ScalingOptions& options);

}  // namespace heatbath::apps
