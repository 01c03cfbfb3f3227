#pragma once
// A run at every point of a grid of parameters.

#include <string>
#include <vector>

#include "files/toml_program.hpp"

namespace heatbath::apps {

/// One parameter and the values it takes.
struct Sweep {
  std::string key;  ///< network.kT, schedule[2].duration, …
  std::vector<double> values;
};

/// "KEY=FROM:TO:COUNT" (COUNT values at equal distances, both ends among them) or "KEY=A,B,C". Throws Error(BAD_ARG)
/// that names --sweep.
Sweep parse_sweep(const std::string& text);

/// Sets the value of a key of the description: network.dt, j2, j4, bias, kT, gain, mass,
/// damping, frequency, initial, initial_second (one for all cells); of a step of the schedule, schedule[K], duration,
/// period, value, or one of these parameters. Throws Error(BAD_ARG) that names the keys there are.
void put(TomlProgram& description, const std::string& key, double value);

}  // namespace heatbath::apps
