#include "heatbath/trainers/ergodicity/training_potential.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "heatbath/numerics/random.hpp"
#include "heatbath/error.hpp"

namespace heatbath::trainers {
namespace {

std::size_t states_of(std::uint32_t cells) {
  if (cells == 0 || cells > kEnumerableCells)
    throw Error(HB_BAD_ARG, "enumeration of " + std::to_string(cells) + " cells; 1 to " +
                                std::to_string(kEnumerableCells) + " can be counted");
  return std::size_t{1} << cells;
}

std::uint32_t cells_of(std::size_t states) {
  if (!std::has_single_bit(states))
    throw Error(HB_BAD_ARG, std::to_string(states) + " energies; 2^N are needed for N cells");
  return static_cast<std::uint32_t>(std::countr_zero(states));
}

/// values[S] <- sum_s values[s] prod_{j in S} s_j, in place, for s_j = +1 where bit j is set.
void walsh_hadamard(std::vector<double>& values) {
  for (std::size_t half = 1; half < values.size(); half *= 2) {
    for (std::size_t block = 0; block < values.size(); block += 2 * half) {
      for (std::size_t i = block; i < block + half; ++i) {
        const double down = values[i], up = values[i + half];
        values[i] = down + up;
        values[i + half] = up - down;
      }
    }
  }
}

/// values[s] <- sum_S values[S] prod_{j in S} s_j: the same with the roles of state and set exchanged.
void transposed_walsh_hadamard(std::vector<double>& values) {
  for (std::size_t half = 1; half < values.size(); half *= 2) {
    for (std::size_t block = 0; block < values.size(); block += 2 * half) {
      for (std::size_t i = block; i < block + half; ++i) {
        const double without = values[i], with = values[i + half];
        values[i] = without - with;
        values[i + half] = without + with;
      }
    }
  }
}

double x_ln_x(double x) { return x > 0 ? x * std::log(x) : 0; }

}  // namespace

std::vector<double> library_energies(const Patterns& library, double unseen, double kT) {
  std::vector<double> energies(states_of(library.cells), unseen);
  for (std::size_t i = 0; i < library.size(); ++i)
    energies[state_of(library.pattern(i))] = -kT * std::log(library.weights[i]);
  return energies;
}

std::vector<double> state_weights(const Patterns& library) {
  std::vector<double> weights(states_of(library.cells), 0.0);
  for (std::size_t i = 0; i < library.size(); ++i) weights[state_of(library.pattern(i))] += library.weights[i];
  return weights;
}

std::vector<double> couplings_of_all_orders(std::span<const double> energies) {
  cells_of(energies.size());
  std::vector<double> couplings(energies.begin(), energies.end());
  walsh_hadamard(couplings);
  for (double& coupling : couplings) coupling /= -static_cast<double>(energies.size());
  return couplings;
}

std::vector<double> energies_up_to_order(std::span<const double> couplings, int order) {
  cells_of(couplings.size());
  std::vector<double> energies(couplings.size(), 0.0);
  for (std::size_t set = 0; set < couplings.size(); ++set)
    if (std::popcount(set) <= order) energies[set] = -couplings[set];
  transposed_walsh_hadamard(energies);
  return energies;
}

SpinMachine pairwise_part(std::span<const double> couplings) {
  SpinMachine machine(cells_of(couplings.size()));
  for (std::uint32_t i = 0; i < machine.cells; ++i) {
    machine.field[i] = static_cast<float>(couplings[std::size_t{1} << i]);
    for (std::uint32_t j = 0; j < i; ++j)
      machine.couple(i, j, static_cast<float>(couplings[(std::size_t{1} << i) | (std::size_t{1} << j)]));
  }
  return machine;
}

std::vector<double> machine_energies(const SpinMachine& machine) {
  if (machine.visible != machine.cells) throw Error(HB_BAD_ARG, "enumeration of a machine with hidden cells");
  std::vector<double> couplings(states_of(machine.cells), 0.0);
  for (std::uint32_t i = 0; i < machine.cells; ++i) {
    couplings[std::size_t{1} << i] = static_cast<double>(machine.field[i]);
    for (std::uint32_t j = 0; j < i; ++j)
      couplings[(std::size_t{1} << i) | (std::size_t{1} << j)] = static_cast<double>(machine.coupling(i, j));
  }
  return energies_up_to_order(couplings, 2);
}

double conjoint_free_energy(std::span<const double> energies, double kT) {
  const double lowest = *std::ranges::min_element(energies);
  double sum = 0;
  for (const double energy : energies) sum += std::exp(-(energy - lowest) / kT);
  return lowest - kT * std::log(sum);
}

std::vector<double> boltzmann_weights(std::span<const double> energies, double kT) {
  const double free_energy = conjoint_free_energy(energies, kT);
  std::vector<double> weights;
  weights.reserve(energies.size());
  for (const double energy : energies) weights.push_back(std::exp((free_energy - energy) / kT));
  return weights;
}

double legendre_transform(std::span<const double> weights, double kT) {
  double sum = 0;
  for (const double weight : weights) sum += x_ln_x(weight);
  return kT * sum;
}

double training_potential(std::span<const double> data, std::span<const double> energies, double kT) {
  double mean = 0;
  for (std::size_t i = 0; i < data.size(); ++i) mean += data[i] * energies[i];
  return mean - conjoint_free_energy(energies, kT);
}

double divergence(std::span<const double> data, std::span<const double> model) {
  double sum = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i] <= 0) continue;
    if (!(model[i] > 0)) return std::numeric_limits<double>::infinity();
    sum += data[i] * std::log(data[i] / model[i]);
  }
  return sum;
}

std::vector<Truncation> truncation_ladder(const Patterns& library, std::span<const double> energies, double kT) {
  const std::vector<double> data = state_weights(library), couplings = couplings_of_all_orders(energies);
  std::vector<Truncation> ladder;
  for (int order = 1; order <= static_cast<int>(library.cells); ++order) {
    ladder.push_back({order, divergence(data, boltzmann_weights(energies_up_to_order(couplings, order), kT))});
  }
  return ladder;
}

double magnetisation_free_energy(const SpinMachine& machine, std::span<const double> m, double kT, Theory theory) {
  double free_energy = 0;
  for (std::uint32_t i = 0; i < machine.cells; ++i) {
    free_energy -= static_cast<double>(machine.field[i]) * m[i];
    free_energy += kT * (x_ln_x((1 + m[i]) / 2) + x_ln_x((1 - m[i]) / 2));
    for (std::uint32_t j = 0; j < i; ++j) {
      const auto coupling = static_cast<double>(machine.coupling(i, j));
      free_energy -= coupling * m[i] * m[j];
      if (theory == Theory::tap) free_energy -= coupling * coupling * (1 - m[i] * m[i]) * (1 - m[j] * m[j]) / (2 * kT);
    }
  }
  return free_energy;
}

namespace {

/// The root of T theta + reaction tanh theta = local, reaction >= 0: the left side grows with theta.
double root_of(double local, double reaction, double kT) {
  double low = (local - reaction) / kT, high = (local + reaction) / kT, theta = local / kT;
  for (int step = 0; step < 200 && high - low > 1e-15 * (1 + std::abs(theta)); ++step) {
    const double t = std::tanh(theta);
    const double excess = kT * theta + reaction * t - local;
    (excess > 0 ? high : low) = theta;
    const double next = theta - excess / (kT + reaction * (1 - t * t));
    if (std::abs(next - theta) <= 1e-16 * (1 + std::abs(theta))) break;
    theta = next > low && next < high ? next : (low + high) / 2;
  }
  return theta;
}

/// Descends from `m`: each cell in turn to its own minimum with the others fixed. Alone, every cell has one minimum: in
/// mean field at tanh of the local field, with the Onsager term where T artanh m + m sum J^2 (1 - m_j^2)/T is the
/// field.
std::vector<double> descend(const SpinMachine& machine, std::vector<double> m, double kT, Theory theory) {
  constexpr int kSweeps = 100000;
  for (int sweep = 0; sweep < kSweeps; ++sweep) {
    double moved = 0;
    for (std::uint32_t i = 0; i < machine.cells; ++i) {
      double local = static_cast<double>(machine.field[i]), reaction = 0;
      for (std::uint32_t j = 0; j < machine.cells; ++j) {
        const auto coupling = static_cast<double>(machine.coupling(i, j));
        local += coupling * m[j];
        reaction += coupling * coupling * (1 - m[j] * m[j]) / kT;
      }
      const double before = m[i];
      m[i] = std::tanh(theory == Theory::mean_field ? local / kT : root_of(local, reaction, kT));
      moved = std::max(moved, std::abs(m[i] - before));
    }
    if (moved < 1e-12) break;
  }
  return m;
}

}  // namespace

std::vector<FreeEnergyMinimum> free_energy_minima(const SpinMachine& machine, double kT, Theory theory,
                                                  const Patterns* hints, std::uint64_t seed) {
  constexpr double kCorner = 0.98, kSame = 1e-4;
  std::vector<std::vector<double>> starts;
  const auto start_at = [&](std::span<const Spin> spins) {
    std::vector<double> start(machine.cells, 0.0);
    for (std::size_t i = 0; i < spins.size() && i < start.size(); ++i) start[i] = kCorner * spins[i];
    starts.push_back(std::move(start));
  };
  if (machine.cells <= 10) {
    for (std::uint32_t state = 0; state < 1u << machine.cells; ++state) start_at(spins_of(state, machine.cells));
  } else {
    if (hints)
      for (std::size_t i = 0; i < hints->size(); ++i) start_at(hints->pattern(i));
    for (std::uint32_t draw = 0; draw < 256; ++draw) {
      std::vector<Spin> spins(machine.cells);
      for (std::uint32_t i = 0; i < machine.cells; ++i)
        spins[i] = (numerics::random_words(seed, numerics::HostPurpose::ergodicity, draw, i)[0] & 1u) != 0 ? Spin{1} : Spin{-1};
      start_at(spins);
    }
  }
  std::vector<FreeEnergyMinimum> minima;
  for (std::vector<double>& start : starts) {
    FreeEnergyMinimum minimum;
    minimum.magnetisation = descend(machine, std::move(start), kT, theory);
    const auto same = [&](const FreeEnergyMinimum& other) {
      for (std::uint32_t i = 0; i < machine.cells; ++i)
        if (std::abs(other.magnetisation[i] - minimum.magnetisation[i]) > kSame) return false;
      return true;
    };
    if (std::ranges::any_of(minima, same)) continue;
    minimum.free_energy = magnetisation_free_energy(machine, minimum.magnetisation, kT, theory);
    minima.push_back(std::move(minimum));
  }
  // A descent can end on a saddle that its start was symmetric about: a minimum has no lower neighbour.
  std::erase_if(minima, [&](const FreeEnergyMinimum& minimum) {
    for (std::uint32_t draw = 0; draw < 8; ++draw) {
      std::vector<double> near = minimum.magnetisation;
      for (std::uint32_t i = 0; i < machine.cells; ++i) {
        const auto word = numerics::random_words(seed, numerics::HostPurpose::ergodicity, draw, i, 1)[0];
        near[i] = std::clamp(near[i] + 2e-3 * (numerics::unit_interval(word) - 0.5), -1.0, 1.0);
      }
      const std::vector<double> end = descend(machine, std::move(near), kT, theory);
      for (std::uint32_t i = 0; i < machine.cells; ++i)
        if (std::abs(end[i] - minimum.magnetisation[i]) > kSame) return true;
    }
    return false;
  });
  std::ranges::stable_sort(minima, {}, &FreeEnergyMinimum::free_energy);
  return minima;
}

}  // namespace heatbath::trainers
