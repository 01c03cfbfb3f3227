#include "oracles/spin_sweep_law.hpp"

#include <cmath>

namespace heatbath::reference {
namespace {

double spin(std::uint32_t state, std::uint32_t i) { return (state >> i & 1u) != 0 ? 1 : -1; }

}  // namespace

SpinSweepLaw::SpinSweepLaw(std::uint32_t cells, std::uint32_t state)
    : cells_(cells), law_(Eigen::VectorXd::Zero(Eigen::Index{1} << cells)) {
  law_[state] = 1;
}

Eigen::VectorXd SpinSweepLaw::updated(const Spins& spins, std::uint32_t cell) const {
  if (spins.held[cell]) return law_;
  Eigen::VectorXd next = Eigen::VectorXd::Zero(law_.size());
  for (std::uint32_t state = 0; state < law_.size(); ++state) {
    double field = spins.bias[cell];
    for (std::uint32_t k = 0; k < cells_; ++k)
      if (k != cell) field += spins.coupling(cell, k) * spin(state, k);
    const double up = 1 / (1 + std::exp(2 * field / spins.temperature[cell]));
    next[state | 1u << cell] += up * law_[state];
    next[state & ~(1u << cell)] += (1 - up) * law_[state];
  }
  return next;
}

void SpinSweepLaw::update(const Spins& spins, std::uint32_t cell) { law_ = updated(spins, cell); }

void SpinSweepLaw::update_any(const Spins& spins) {
  Eigen::VectorXd sum = Eigen::VectorXd::Zero(law_.size());
  for (std::uint32_t cell = 0; cell < cells_; ++cell) sum += updated(spins, cell) / cells_;
  law_ = sum;
}

double SpinSweepLaw::mean(std::uint32_t i) const {
  double sum = 0;
  for (std::uint32_t state = 0; state < law_.size(); ++state) sum += law_[state] * spin(state, i);
  return sum;
}

double SpinSweepLaw::pair(std::uint32_t i, std::uint32_t j) const {
  double sum = 0;
  for (std::uint32_t state = 0; state < law_.size(); ++state) sum += law_[state] * spin(state, i) * spin(state, j);
  return sum;
}

double SpinSweepLaw::energy(const Spins& spins) const {
  double sum = 0;
  for (std::uint32_t i = 0; i < cells_; ++i) {
    sum += spins.bias[i] * mean(i);
    for (std::uint32_t j = i + 1; j < cells_; ++j) sum += spins.coupling(i, j) * pair(i, j);
  }
  return sum;
}

}  // namespace heatbath::reference
