#include "heatbath/trainers/ergodicity/library_machine.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "heatbath/error.hpp"
#include "heatbath/trainers/ergodicity/training_potential.hpp"

namespace heatbath::trainers {

LibraryMachine library_machine(const Patterns& library, double depth, double coupling) {
  const std::uint32_t n = library.cells, labels = static_cast<std::uint32_t>(library.size());
  LibraryMachine made{library, depth, coupling, SpinMachine(n + labels)};
  // n = (1 + t)/2: half of each label's energy acts on s as a field, the other half couples s to t.
  const auto half = static_cast<float>(coupling / 2);
  for (std::uint32_t mu = 0; mu < labels; ++mu) {
    made.machine.field[n + mu] = static_cast<float>((depth - coupling * n) / 2);
    for (std::uint32_t i = 0; i < n; ++i) {
      const auto sign = static_cast<float>(library.pattern(mu)[i]);
      made.machine.field[i] += half * sign;
      made.machine.couple(i, n + mu, half * sign);
    }
  }
  return made;
}

double library_probability(const LibraryMachine& machine, double kT) {
  const std::uint32_t n = machine.library.cells;
  if (n > kEnumerableCells)
    throw Error(HB_BAD_ARG,
                "enumeration of " + std::to_string(n) + " cells; at most " + std::to_string(kEnumerableCells));
  std::vector<std::uint32_t> patterns;
  for (std::size_t mu = 0; mu < machine.library.size(); ++mu) patterns.push_back(state_of(machine.library.pattern(mu)));
  double inside = 0, all = 0;
  for (std::uint32_t state = 0; state < 1u << n; ++state) {
    double weight = 1;  // product over labels of 1 + exp((depth - 2 coupling distance)/T)
    for (const std::uint32_t pattern : patterns) {
      const double distance = std::popcount(state ^ pattern);
      weight *= 1 + std::exp((machine.depth - 2 * machine.coupling * distance) / kT);
    }
    all += weight;
    if (std::ranges::find(patterns, state) != patterns.end()) inside += weight;
  }
  return inside / all;
}

double library_temperature(const LibraryMachine& machine) {
  double low = 0.01 * machine.depth, high = 100 * machine.depth;
  if (!(library_probability(machine, low) > 0.5) || !(library_probability(machine, high) < 0.5))
    return std::numeric_limits<double>::quiet_NaN();
  while (high - low > 1e-9) {
    const double middle = (low + high) / 2;
    (library_probability(machine, middle) > 0.5 ? low : high) = middle;
  }
  return (low + high) / 2;
}

double ideal_library_probability(std::uint32_t cells, double patterns, double depth, double kT) {
  return patterns / (patterns + (std::exp2(cells) - patterns) * std::exp(-depth / kT));
}

double ideal_library_temperature(std::uint32_t cells, double patterns, double depth) {
  return depth / std::log((std::exp2(cells) - patterns) / patterns);
}

}  // namespace heatbath::trainers
