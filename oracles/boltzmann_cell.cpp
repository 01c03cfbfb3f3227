#include "oracles/boltzmann_cell.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

namespace heatbath::reference {
namespace {

constexpr int points_per_panel = 15;
constexpr double ends_above_minimum = 60;  // in T: exp(-60) = 9e-27 is beyond double precision

double sign(double x) { return x > 0 ? 1.0 : (x < 0 ? -1.0 : 0.0); }

}  // namespace

BoltzmannLaw::BoltzmannLaw(Function energy, double temperature, double lower, double upper, int panels)
    : energy_(std::move(energy)),
      temperature_(temperature),
      lower_(lower),
      upper_(upper),
      panels_(panels),
      rule_(gauss_rule(lower, upper, panels)) {
  if (!(temperature > 0)) {
    throw std::invalid_argument("BoltzmannLaw: the temperature must be positive");
  }
  std::vector<double> energies;
  for (const double x : rule_.nodes) {
    energies.push_back(energy_(x));
  }
  lowest_energy_ = *std::min_element(energies.begin(), energies.end());
  edges_.push_back(0);
  double sum = 0;
  for (std::size_t i = 0; i < energies.size(); ++i) {
    probability_.push_back(rule_.weights[i] * std::exp((lowest_energy_ - energies[i]) / temperature_));
    sum += probability_.back();
    if ((i + 1) % points_per_panel == 0) {
      edges_.push_back(sum);
    }
  }
  for (double& p : probability_) {
    p /= sum;
  }
  for (double& edge : edges_) {
    edge /= sum;
  }
  log_partition_ = std::log(sum) - lowest_energy_ / temperature_;
}

double BoltzmannLaw::density(double x) const { return std::exp(-energy_(x) / temperature_ - log_partition_); }

double BoltzmannLaw::average(const Function& f) const {
  double sum = 0;
  for (std::size_t i = 0; i < probability_.size(); ++i) {
    sum += probability_[i] * f(rule_.nodes[i]);
  }
  return sum;
}

double BoltzmannLaw::partial(double from, double to) const {
  if (from == to) {
    return 0;
  }
  const QuadratureRule panel = gauss_rule(from, to, 1);
  double sum = 0;
  for (std::size_t i = 0; i < panel.nodes.size(); ++i) {
    sum += panel.weights[i] * density(panel.nodes[i]);
  }
  return sum;
}

double BoltzmannLaw::cumulative(double x) const {
  if (x <= lower_) {
    return 0;
  }
  if (x >= upper_) {
    return 1;
  }
  const double width = (upper_ - lower_) / panels_;
  const int panel = std::min(static_cast<int>((x - lower_) / width), panels_ - 1);
  const double edge = lower_ + panel * width;
  return std::min(1.0, edges_[static_cast<std::size_t>(panel)] + (x > edge ? partial(edge, x) : 0));
}

double BoltzmannLaw::quantile(double probability) const {
  if (!(probability >= 0 && probability <= 1)) {
    throw std::invalid_argument("BoltzmannLaw::quantile: a probability lies in [0, 1]");
  }
  const auto above = std::upper_bound(edges_.begin(), edges_.end(), probability);
  if (above == edges_.end()) {
    return upper_;
  }
  const auto panel = std::max<std::ptrdiff_t>(above - edges_.begin() - 1, 0);
  const double width = (upper_ - lower_) / panels_;
  const double edge = lower_ + static_cast<double>(panel) * width;
  const double wanted = probability - edges_[static_cast<std::size_t>(panel)];
  double low = edge;
  double high = edge + width;
  double x = 0.5 * (low + high);
  for (int iteration = 0; iteration < 100 && high - low > 1e-15 * (1 + std::abs(x)); ++iteration) {
    const double excess = partial(edge, x) - wanted;
    (excess > 0 ? high : low) = x;
    const double newton = x - excess / density(x);
    const double next = newton > low && newton < high ? newton : 0.5 * (low + high);
    if (std::abs(next - x) <= 1e-15 * (1 + std::abs(x))) {
      return next;
    }
    x = next;
  }
  return x;
}

BoltzmannLaw QuarticCell::law(double temperature) const {
  if (!(j4 > 0) && !(j4 == 0 && j2 > 0)) {
    throw std::invalid_argument(
        "QuarticCell::law: the energy has no lower bound; it wants j4 > 0, or j4 = 0 and j2 > 0");
  }
  if (!(temperature > 0)) {
    throw std::invalid_argument("QuarticCell::law: the temperature must be positive");
  }
  // Beyond this point the energy rises outwards: with x^2 > |j2|/j4 and |x|^3 > |bias|/j4, 4 j4 |x|^3 exceeds the rest.
  double end = j4 > 0 ? std::sqrt(std::abs(j2) / j4) + std::cbrt(std::abs(bias) / j4) : std::abs(bias) / (2 * j2);
  end = std::max(end, j4 > 0 ? 0.1 * std::pow(temperature / j4, 0.25) : 0.1 * std::sqrt(temperature / j2));
  const auto lowest = [&] {
    double low = std::numeric_limits<double>::infinity();
    for (int i = -2000; i <= 2000; ++i) {
      low = std::min(low, energy(end * i / 2000));
    }
    return low;
  };
  while (std::min(energy(end), energy(-end)) - lowest() < ends_above_minimum * temperature) {
    end *= 1.1;
  }
  return BoltzmannLaw([cell = *this](double x) { return cell.energy(x); }, temperature, -end, end);
}

QuarticCell double_well(double height, double field) { return {-2 * height, height, -field}; }

QuarticCell linear_cell(double stiffness, double field) { return {stiffness / 2, 0, -field}; }

double pair_average(const QuarticCell& a, const QuarticCell& b, double coupling, double temperature,
                    const std::function<double(double, double)>& f) {
  // |coupling x y| <= |coupling| (x^2 + y^2)/2, so these wider cells hold the support of the pair.
  const auto end = [&](QuarticCell cell) {
    cell.j2 -= std::abs(coupling) / 2;
    return cell.law(temperature).upper();
  };
  const double end_a = end(a);
  const double end_b = end(b);
  const QuadratureRule x = gauss_rule(-end_a, end_a, 24);
  const QuadratureRule y = gauss_rule(-end_b, end_b, 24);
  double lowest = std::numeric_limits<double>::infinity();
  const auto energy = [&](double u, double v) { return a.energy(u) + b.energy(v) + coupling * u * v; };
  for (const double u : x.nodes) {
    for (const double v : y.nodes) {
      lowest = std::min(lowest, energy(u, v));
    }
  }
  double sum = 0;
  double norm = 0;
  for (std::size_t i = 0; i < x.nodes.size(); ++i) {
    for (std::size_t j = 0; j < y.nodes.size(); ++j) {
      const double weight =
          x.weights[i] * y.weights[j] * std::exp((lowest - energy(x.nodes[i], y.nodes[j])) / temperature);
      norm += weight;
      sum += weight * f(x.nodes[i], y.nodes[j]);
    }
  }
  return sum / norm;
}

double effective_sign_coupling(const QuarticCell& cell, double coupling, double temperature) {
  return -temperature * std::atanh(pair_average(cell, cell, coupling, temperature,
                                                [](double x, double y) { return sign(x) * sign(y); }));
}

double effective_sign_bias(const QuarticCell& cell, double temperature) {
  return -temperature * std::atanh(cell.law(temperature).average(sign));
}

}  // namespace heatbath::reference
