#include "oracles/potts.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace heatbath::reference {
namespace {

Eigen::Index power(Eigen::Index base, int exponent) {
  Eigen::Index product = 1;
  for (int i = 0; i < exponent; ++i) product *= base;
  return product;
}

/// Probabilities of the states of a cell, given the others.
Eigen::VectorXd conditional(const PottsCells& of, std::span<const int> state, int cell) {
  Eigen::VectorXd e = of.bias.row(cell);
  for (int k = 0; k < of.cells(); ++k)
    if (k != cell) e[state[static_cast<std::size_t>(k)]] += of.coupling(cell, k);
  const Eigen::VectorXd weight = (-(e.array() - e.minCoeff()) / of.temperature[cell]).exp();
  return weight / weight.sum();
}

}  // namespace

double PottsCells::energy(std::span<const int> state) const {
  double sum = 0;
  for (int i = 0; i < cells(); ++i) {
    sum += bias(i, state[static_cast<std::size_t>(i)]);
    for (int j = i + 1; j < cells(); ++j)
      if (state[static_cast<std::size_t>(i)] == state[static_cast<std::size_t>(j)]) sum += coupling(i, j);
  }
  return sum;
}

PottsLaw::PottsLaw(int cells, int states) : cells_(cells), states_(states) {
  if (cells < 1 || states < 2 || cells * std::log2(states) > 20)
    throw std::invalid_argument("PottsLaw: at most 2^20 states");
  law_ = Eigen::VectorXd::Zero(power(states, cells));
}

PottsLaw::PottsLaw(const PottsCells& of, std::span<const int> state) : PottsLaw(of.cells(), of.states()) {
  Eigen::Index at = 0;
  for (int i = 0; i < cells_; ++i) at += state[static_cast<std::size_t>(i)] * power(states_, i);
  law_[at] = 1;
}

PottsLaw PottsLaw::boltzmann(const PottsCells& of, double temperature, std::span<const int> held) {
  PottsLaw law(of.cells(), of.states());
  std::vector<double> energies;
  std::vector<Eigen::Index> at;
  for (Eigen::Index state = 0; state < law.law_.size(); ++state) {
    const std::vector<int> s = law.digits(state);
    bool there = true;
    for (std::size_t i = 0; i < held.size(); ++i) there = there && (held[i] < 0 || held[i] == s[i]);
    if (!there) continue;
    at.push_back(state);
    energies.push_back(of.energy(s));
  }
  const double lowest = *std::min_element(energies.begin(), energies.end());
  double sum = 0;
  for (std::size_t k = 0; k < at.size(); ++k) sum += law.law_[at[k]] = std::exp(-(energies[k] - lowest) / temperature);
  law.law_ /= sum;
  law.log_partition_ = std::log(sum) - lowest / temperature;
  return law;
}

int PottsLaw::digit(Eigen::Index state, int cell) const {
  return static_cast<int>(state / power(states_, cell) % states_);
}

std::vector<int> PottsLaw::digits(Eigen::Index state) const {
  std::vector<int> all(static_cast<std::size_t>(cells_));
  for (int& s : all) s = static_cast<int>(state % states_), state /= states_;
  return all;
}

template <class F>
double PottsLaw::average(F f) const {
  double sum = 0;
  for (Eigen::Index state = 0; state < law_.size(); ++state)
    if (law_[state] != 0) sum += law_[state] * f(state);
  return sum;
}

void PottsLaw::update(const PottsCells& with, int cell) {
  if (!with.held.empty() && with.held[static_cast<std::size_t>(cell)]) return;
  Eigen::VectorXd next = Eigen::VectorXd::Zero(law_.size());
  const Eigen::Index place = power(states_, cell);
  for (Eigen::Index state = 0; state < law_.size(); ++state) {
    if (law_[state] == 0) continue;
    const Eigen::VectorXd chance = conditional(with, digits(state), cell);
    for (int s = 0; s < states_; ++s) next[state + (s - digit(state, cell)) * place] += chance[s] * law_[state];
  }
  law_ = next;
}

double PottsLaw::imbalance(const PottsCells& with, int cell) const {
  double most = 0;
  const Eigen::Index place = power(states_, cell);
  for (Eigen::Index state = 0; state < law_.size(); ++state) {
    const Eigen::VectorXd there = conditional(with, digits(state), cell);
    const int own = digit(state, cell);
    for (int s = 0; s < states_; ++s) {
      const Eigen::Index other = state + (s - own) * place;
      const Eigen::VectorXd back = conditional(with, digits(other), cell);
      most = std::max(most, std::abs(law_[state] * there[s] - law_[other] * back[own]));
    }
  }
  return most;
}

double PottsLaw::marginal(int cell, int state) const {
  return average([&](Eigen::Index x) { return digit(x, cell) == state ? 1.0 : 0.0; });
}

double PottsLaw::pair(int i, int a, int j, int b) const {
  return average([&](Eigen::Index x) { return digit(x, i) == a && digit(x, j) == b ? 1.0 : 0.0; });
}

double PottsLaw::equal(int i, int j) const {
  return average([&](Eigen::Index x) { return digit(x, i) == digit(x, j) ? 1.0 : 0.0; });
}

double PottsLaw::mean_energy(const PottsCells& of) const {
  return average([&](Eigen::Index x) { return of.energy(digits(x)); });
}

double PottsLaw::energy_variance(const PottsCells& of) const {
  const double mean = mean_energy(of);
  return average([&](Eigen::Index x) {
    const double e = of.energy(digits(x)) - mean;
    return e * e;
  });
}

double PottsLaw::order(int exponent) const {
  return average([&](Eigen::Index x) {
    std::vector<int> count(static_cast<std::size_t>(states_), 0);
    for (const int s : digits(x)) ++count[static_cast<std::size_t>(s)];
    return std::pow(static_cast<double>(*std::max_element(count.begin(), count.end())) / cells_, exponent);
  });
}

}  // namespace heatbath::reference
