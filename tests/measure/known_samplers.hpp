#pragma once
// Samplers of known laws with a chosen autocorrelation time, apart from any device: what certificates are held against.

#include <cmath>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "heatbath/measure/certificate.hpp"
#include "oracles/enumeration.hpp"

namespace heatbath::testing {

/// Samples with the energy that they are to be judged by and the inverse temperature that they have.
struct KnownSamples {
  std::vector<float> states;  ///< chains x records x cells
  std::size_t chains = 1;
  double beta = 1;
};

/// A glass of `cells` spins with fields: couplings and fields of order 1/2, the same for every seed.
struct Glass {
  std::vector<reference::Bond> bonds;
  std::vector<double> bias;

  explicit Glass(int cells) {
    std::mt19937_64 random(11);
    std::normal_distribution<double> normal;
    for (int i = 0; i < cells; ++i) {
      bias.push_back(0.3 * normal(random));
      for (int j = i + 1; j < cells; ++j) bonds.push_back({i, j, normal(random) / std::sqrt(cells)});
    }
  }
  int cells() const { return static_cast<int>(bias.size()); }
  reference::Enumeration enumerated() const { return {cells(), bonds, bias}; }

  measure::EnergyView view() const {
    measure::EnergyView view;
    view.cells = static_cast<std::uint32_t>(cells());
    view.spins = true;
    view.at = [this](std::span<const float> s, std::span<double> slopes) {
      for (std::size_t i = 0; i < bias.size(); ++i) slopes[i] = bias[i];
      double energy = 0;
      for (const auto& [a, b, J] : bonds) {
        const auto ia = static_cast<std::size_t>(a), ib = static_cast<std::size_t>(b);
        slopes[ia] += J * static_cast<double>(s[ib]);
        slopes[ib] += J * static_cast<double>(s[ia]);
        energy += J * static_cast<double>(s[ia] * s[ib]);
      }
      for (std::size_t i = 0; i < bias.size(); ++i) energy += bias[i] * static_cast<double>(s[i]);
      return measure::LocalEnergy{energy, 0};
    };
    return view;
  }
};

/// Exact draws of the glass at `beta`; each record repeats the one before it with the probability that gives every
/// function of the state the autocorrelation time `tau` = (1 + a)/(1 - a).
inline KnownSamples redrawn_spins(const Glass& glass, double beta, double tau, std::size_t chains, std::size_t length,
                                  std::uint64_t seed) {
  const std::vector<double> p = glass.enumerated().probabilities(1 / beta);
  std::mt19937_64 random(seed);
  std::discrete_distribution<std::uint32_t> draw(p.begin(), p.end());
  std::bernoulli_distribution repeat((tau - 1) / (tau + 1));
  KnownSamples samples{{}, chains, beta};
  for (std::size_t chain = 0; chain < chains; ++chain) {
    reference::BinaryState state = draw(random);
    for (std::size_t k = 0; k < length; ++k) {
      if (!repeat(random)) state = draw(random);
      for (int i = 0; i < glass.cells(); ++i) samples.states.push_back(static_cast<float>(reference::spin(state, i)));
    }
  }
  return samples;
}

/// Gibbs sampling of the glass, one spin drawn at random and updated per record, from an exact draw.
inline KnownSamples updated_spins(const Glass& glass, double beta, std::size_t chains, std::size_t length,
                                  std::uint64_t seed) {
  const reference::Enumeration law = glass.enumerated();
  const std::vector<double> p = law.probabilities(1 / beta);
  std::mt19937_64 random(seed);
  std::discrete_distribution<std::uint32_t> draw(p.begin(), p.end());
  std::uniform_int_distribution<int> site(0, glass.cells() - 1);
  std::uniform_real_distribution<double> uniform;
  KnownSamples samples{{}, chains, beta};
  for (std::size_t chain = 0; chain < chains; ++chain) {
    reference::BinaryState state = draw(random);
    for (std::size_t k = 0; k < length; ++k) {
      const reference::BinaryState bit = 1u << site(random), up = state | bit, down = state & ~bit;
      const double gap = law.energies()[up] - law.energies()[down];
      state = uniform(random) < 1 / (1 + std::exp(beta * gap)) ? up : down;
      for (int i = 0; i < glass.cells(); ++i) samples.states.push_back(static_cast<float>(reference::spin(state, i)));
    }
  }
  return samples;
}

/// A chain of springs between 4 positions, V = x'Ax/2 - b'x, at 1/beta; each record is a x + sqrt(1 - a^2) of an exact
/// draw about the mean, so functions of second degree have the autocorrelation time `tau` = (1 + a^2)/(1 - a^2).
struct Springs {
  static constexpr std::size_t cells = 4;
  static constexpr double diagonal = 2.5, off = -1, force = 0.4;

  static measure::EnergyView view() {
    measure::EnergyView view;
    view.cells = cells;
    view.at = [](std::span<const float> x, std::span<double> slopes) {
      double energy = 0;
      for (std::size_t i = 0; i < cells; ++i) {
        const auto here = static_cast<double>(x[i]);
        double pull = diagonal * here;
        if (i > 0) pull += off * static_cast<double>(x[i - 1]);
        if (i + 1 < cells) pull += off * static_cast<double>(x[i + 1]);
        slopes[i] = pull - force;
        energy += here * (pull / 2 - force);
      }
      return measure::LocalEnergy{energy, diagonal * cells};
    };
    return view;
  }

  static KnownSamples samples(double beta, double tau, std::size_t chains, std::size_t length, std::uint64_t seed) {
    // A = L L': a draw is L'^-1 xi/sqrt(beta); the mean is A^-1 b. Both by substitution in the bidiagonal L.
    double l[cells], below[cells], mean[cells], half[cells];
    for (std::size_t i = 0; i < cells; ++i) {
      below[i] = i > 0 ? off / l[i - 1] : 0;
      l[i] = std::sqrt(diagonal - below[i] * below[i]);
      half[i] = (force - (i > 0 ? below[i] * half[i - 1] : 0)) / l[i];
    }
    for (std::size_t i = cells; i-- > 0;) mean[i] = (half[i] - (i + 1 < cells ? below[i + 1] * mean[i + 1] : 0)) / l[i];
    const double a = std::sqrt((tau - 1) / (tau + 1)), b = std::sqrt(1 - a * a);
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal;
    KnownSamples samples{{}, chains, beta};
    for (std::size_t chain = 0; chain < chains; ++chain) {
      double x[cells] = {};
      for (std::size_t k = 0; k < length; ++k) {
        double fresh[cells];
        for (std::size_t i = cells; i-- > 0;)
          fresh[i] = (normal(random) / std::sqrt(beta) - (i + 1 < cells ? below[i + 1] * fresh[i + 1] : 0)) / l[i];
        for (std::size_t i = 0; i < cells; ++i) {
          x[i] = k == 0 ? fresh[i] : a * x[i] + b * fresh[i];
          samples.states.push_back(static_cast<float>(mean[i] + x[i]));
        }
      }
    }
    return samples;
  }
};

}  // namespace heatbath::testing
