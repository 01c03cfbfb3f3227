#pragma once
// [statistics] of a TOML program: what is estimated from the records of a run while it goes.
//
//   [statistics]
//   from = 5.0                       # time units; records before are left out; default 0
//   cells = [0, 3]                   # state variables, as in [samples]; default all that are captured
//   observables = [                  # sums of products of state variables, each term [factor, variable, variable, …]
//     { name = "dipole", terms = [[1.0, 0], [-1.0, 3]] },
//   ]
//   covariances = true               # of all pairs; false: variances only; default true up to 64 columns
//   lags = [0.5, 1.0]                # time units: lagged covariances
//   histogram = { low = -2.0, high = 2.0, bins = 40 }
//   entropy_production = false       # from the heat at each "meters" step
//   information = false              # mutual information of all pairs of columns
//   currents = false                 # signed currents of all pairs at each lag
//   only = false                     # true: the result file has neither the states nor the meters of single shots

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace heatbath::apps {

/// A sum of products of state variables.
struct Observable {
  struct Term {
    double factor = 1;
    std::vector<std::uint32_t> variables;
  };
  std::string name;
  std::vector<Term> terms;
};

struct StatisticsRequest {
  struct Histogram {
    double low = 0, high = 0;
    std::uint32_t bins = 0;
  };
  double from = 0;  ///< time units
  std::optional<std::vector<std::uint32_t>> cells;
  std::vector<Observable> observables;
  std::optional<bool> covariances;
  std::vector<double> lags;  ///< time units
  std::optional<Histogram> histogram;
  bool entropy_production = false;
  bool information = false, currents = false;
  bool only = false;
};

class Item;

/// Throws Error(BAD_ARG) with file, line and key. `cells`: of the program.
StatisticsRequest read_statistics(const Item& item, std::uint32_t cells);

}  // namespace heatbath::apps
