#include "oracles/enumeration.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace heatbath::reference {
namespace {

std::size_t states(int cells) {
  if (cells < 1 || cells > 20) {
    throw std::invalid_argument("Enumeration: 1 to 20 cells can be enumerated, not " + std::to_string(cells));
  }
  return std::size_t{1} << cells;
}

// Sums over all set bits: out[S] = sum_s (-1)^popcount(S & s) values[s].
void walsh_hadamard(std::vector<double>& values) {
  for (std::size_t half = 1; half < values.size(); half *= 2) {
    for (std::size_t block = 0; block < values.size(); block += 2 * half) {
      for (std::size_t i = block; i < block + half; ++i) {
        const double a = values[i];
        const double b = values[i + half];
        values[i] = a + b;
        values[i + half] = a - b;
      }
    }
  }
}

double parity(std::size_t set) { return std::popcount(set) % 2 == 0 ? 1.0 : -1.0; }

}  // namespace

Enumeration::Enumeration(int cells, const std::function<double(BinaryState)>& energy) : cells_(cells) {
  energies_.resize(states(cells));
  for (std::size_t state = 0; state < energies_.size(); ++state) {
    energies_[state] = energy(static_cast<BinaryState>(state));
  }
}

Enumeration::Enumeration(int cells, std::span<const Bond> bonds, std::span<const double> bias) : cells_(cells) {
  energies_.assign(states(cells), 0.0);
  for (const Bond& bond : bonds) {
    if (bond.a < 0 || bond.a >= cells || bond.b < 0 || bond.b >= cells) {
      throw std::invalid_argument("Enumeration: bond " + std::to_string(bond.a) + "-" + std::to_string(bond.b) +
                                  " leaves the cells 0 to " + std::to_string(cells - 1));
    }
    for (std::size_t state = 0; state < energies_.size(); ++state) {
      const auto differ = (state >> bond.a ^ state >> bond.b) & 1;
      energies_[state] += differ != 0 ? -bond.coupling : bond.coupling;
    }
  }
  if (!bias.empty() && bias.size() != static_cast<std::size_t>(cells)) {
    throw std::invalid_argument("Enumeration: wants one bias per cell or none");
  }
  for (std::size_t cell = 0; cell < bias.size(); ++cell) {
    for (std::size_t state = 0; state < energies_.size(); ++state) {
      energies_[state] += bias[cell] * spin(static_cast<BinaryState>(state), static_cast<int>(cell));
    }
  }
}

double Enumeration::lowest_energy() const { return *std::min_element(energies_.begin(), energies_.end()); }

std::map<double, std::uint64_t> Enumeration::density_of_states() const {
  std::map<double, std::uint64_t> levels;
  for (const double energy : energies_) {
    auto level = levels.lower_bound(energy - 1e-9);
    if (level == levels.end() || level->first > energy + 1e-9) {
      level = levels.emplace(energy, 0).first;
    }
    ++level->second;
  }
  return levels;
}

double Enumeration::log_partition(double temperature) const {
  const double lowest = lowest_energy();
  double sum = 0;
  for (const double energy : energies_) {
    sum += std::exp((lowest - energy) / temperature);
  }
  return std::log(sum) - lowest / temperature;
}

std::vector<double> Enumeration::probabilities(double temperature) const {
  const double log_z = log_partition(temperature);
  std::vector<double> result;
  result.reserve(energies_.size());
  for (const double energy : energies_) {
    result.push_back(std::exp(-energy / temperature - log_z));
  }
  return result;
}

double Enumeration::average(double temperature, const std::function<double(BinaryState)>& f) const {
  const std::vector<double> p = probabilities(temperature);
  double sum = 0;
  for (std::size_t state = 0; state < p.size(); ++state) {
    sum += p[state] * f(static_cast<BinaryState>(state));
  }
  return sum;
}

double Enumeration::mean_energy(double temperature) const {
  return average(temperature, [&](BinaryState state) { return energies_[state]; });
}

double Enumeration::heat_capacity(double temperature) const {
  const double mean = mean_energy(temperature);
  const double variance =
      average(temperature, [&](BinaryState state) { return (energies_[state] - mean) * (energies_[state] - mean); });
  return variance / (temperature * temperature);
}

Eigen::MatrixXd Enumeration::correlations(double temperature) const {
  // The Walsh–Hadamard transform of the probabilities holds <prod_{i in S} s_i> for all sets S at once.
  std::vector<double> moments = probabilities(temperature);
  walsh_hadamard(moments);
  Eigen::MatrixXd result = Eigen::MatrixXd::Identity(cells_, cells_);
  for (int i = 0; i < cells_; ++i) {
    for (int j = 0; j < i; ++j) {
      result(i, j) = result(j, i) = moments[std::size_t{1} << i | std::size_t{1} << j];
    }
  }
  return result;
}

double Enumeration::mean_square_overlap(double temperature) const {
  return correlations(temperature).squaredNorm() / (1.0 * cells_ * cells_);
}

Magnetisation magnetisation(const Enumeration& system, double temperature) {
  const std::vector<double> p = system.probabilities(temperature);
  double absolute = 0;
  double square = 0;
  double fourth = 0;
  for (std::size_t state = 0; state < p.size(); ++state) {
    const double m = (2.0 * std::popcount(state) - system.cells()) / system.cells();
    absolute += p[state] * std::abs(m);
    square += p[state] * m * m;
    fourth += p[state] * m * m * m * m;
  }
  return {absolute, square, 1 - fourth / (3 * square * square)};
}

double kullback_leibler(std::span<const double> p, std::span<const double> q) {
  if (p.size() != q.size()) {
    throw std::invalid_argument("kullback_leibler: both laws must have the same states");
  }
  double sum = 0;
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (p[i] > 0) {
      sum += q[i] > 0 ? p[i] * std::log(p[i] / q[i]) : std::numeric_limits<double>::infinity();
    }
  }
  return sum;
}

double mutual_information(std::span<const double> probabilities, BinaryState mask) {
  std::map<BinaryState, double> inside;
  std::map<BinaryState, double> outside;
  for (std::size_t state = 0; state < probabilities.size(); ++state) {
    inside[static_cast<BinaryState>(state) & mask] += probabilities[state];
    outside[static_cast<BinaryState>(state) & ~mask] += probabilities[state];
  }
  double sum = 0;
  for (std::size_t state = 0; state < probabilities.size(); ++state) {
    if (probabilities[state] > 0) {
      sum += probabilities[state] * std::log(probabilities[state] / (inside[static_cast<BinaryState>(state) & mask] *
                                                                     outside[static_cast<BinaryState>(state) & ~mask]));
    }
  }
  return sum;
}

std::vector<double> walsh_hadamard_couplings(std::span<const double> energies) {
  if (!std::has_single_bit(energies.size())) {
    throw std::invalid_argument("walsh_hadamard_couplings: the number of energies must be a power of two");
  }
  std::vector<double> couplings(energies.begin(), energies.end());
  walsh_hadamard(couplings);
  // prod_{j in S} s_j = (-1)^{|S|} (-1)^{popcount(S & state)}, because a clear bit is -1.
  for (std::size_t set = 0; set < couplings.size(); ++set) {
    couplings[set] *= -parity(set) / static_cast<double>(couplings.size());
  }
  return couplings;
}

std::vector<double> truncated_energies(std::span<const double> couplings, int order) {
  std::vector<double> energies;
  for (std::size_t set = 0; set < couplings.size(); ++set) {
    energies.push_back(std::popcount(set) <= order ? -parity(set) * couplings[set] : 0.0);
  }
  walsh_hadamard(energies);
  return energies;
}

double library_probability(int cells, double library, double depth, double temperature) {
  return library / (library + (std::ldexp(1, cells) - library) * std::exp(-depth / temperature));
}

double library_temperature(int cells, double library, double depth) {
  return depth / std::log((std::ldexp(1, cells) - library) / library);
}

}  // namespace heatbath::reference
