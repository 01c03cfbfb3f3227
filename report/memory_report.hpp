#pragma once
// What `train memory` leaves for a person and for a machine.

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "files/electricity.hpp"
#include "heatbath/trainers/associative_memory.hpp"
#include "report/picture.hpp"

namespace heatbath::apps {

struct MemoryRun {
  /// Recall of `patterns` patterns.
  struct Point {
    double load = 0;
    std::uint32_t patterns = 0;
    trainers::Recall hebbian, dense;
    double theory = 0;  ///< Hebbian, T = 0, N to infinity
  };
  /// <max |m|> of 16 spins and 3 Walsh patterns.
  struct Exact {
    int power = 2;
    double kT = 0;
    measure::Estimate measured;
    double exact = 0;    ///< of H_p, all states counted
    double machine = 0;  ///< of the machine as it is wired, all states counted
  };
  std::vector<Point> points;
  std::vector<Exact> exact;
  std::uint32_t cells = 0, levels = 0, shots = 0;
  double kT = 0, corrupted = 0, sweeps = 0;
  double ladder_misses = 0;  ///< largest error of the dense energy of one pattern, over kT
  std::uint64_t seed = 1;
  std::string device;
  Electricity electricity;  ///< of all that the device did
  double seconds = 0;
  std::vector<Picture> pictures;
};

/// Largest |measured - machine| of the exact problem, in standard errors.
double worst_deviation(const MemoryRun& run);

std::vector<Picture> memory_pictures(const MemoryRun& run);

/// Keys at the top: points (load, patterns, hebbian, dense, theory), exact, settings, seed, device, seconds, pictures,
/// provenance.
nlohmann::json memory_json(const MemoryRun& run);

std::string memory_html(const MemoryRun& run);

}  // namespace heatbath::apps
