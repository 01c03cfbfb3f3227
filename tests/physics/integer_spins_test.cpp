// P-bits in integers: the law of their decisions, against Glauber's rule in double precision.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "hw_model/physics/integer_spins.hpp"

namespace heatbath::physics {
namespace {

constexpr SpinCodes codes{8, 2.0f, 8.0f};

Parameters parameters(std::vector<float> bias, std::vector<float> matrix, float gain, float kT) {
  Parameters p;
  const auto cells = static_cast<std::uint32_t>(bias.size());
  p.j2.assign(cells, 0.0f);
  p.j4.assign(cells, 0.0f);
  p.bias = std::move(bias);
  p.couplings = std::make_shared<const Couplings>(cells, std::move(matrix));
  p.gain = gain;
  p.kT = kT;
  return p;
}

/// Probability of +1: of the 2^31 words that differ in their upper bits, those that give it. Words below a threshold
/// give the one value, those above it the other.
double probability_up(const IntegerSpins& spins, std::uint32_t cell, std::int64_t field) {
  const float first = spins.decided(cell, field, 0, 1.0f), last = spins.decided(cell, field, ~0u, 1.0f);
  if (first == last) return first > 0 ? 1 : 0;
  std::uint64_t low = 0, high = std::uint64_t{1} << 31;
  while (high - low > 1) {
    const std::uint64_t middle = (low + high) / 2;
    (spins.decided(cell, field, static_cast<std::uint32_t>(middle << 1), 1.0f) == first ? low : high) = middle;
  }
  const double below = std::ldexp(static_cast<double>(high), -31);
  return first > 0 ? below : 1 - below;
}

// Three cells with every sign of field; h from the parameters as floats, in double.
TEST(IntegerSpins, ProbabilitiesAreGlaubers) {
  const float states[] = {1, -1, 1};
  double worst = 0, smallest = 1;
  for (const float kT : {0.0625f, 0.5f, 1.0f, 1.75f + 1.0f / 4096, 5.0f})
    for (const float gain : {1.0f, -0.5f, 2.0f + 1.0f / 256, 0.0f})
      for (int bias = -128; bias < 128; ++bias) {
        const float b = static_cast<float>(bias) / 16, j01 = 0.328125f, j02 = -1.984375f;
        const Parameters p = parameters({b, 0, 0}, {0, j01, j02, j01, 0, 0, j02, 0, 0}, gain, kT);
        const IntegerSpins spins(codes, p, p, 0);
        const std::int64_t field = spins.field(0, states, 1);
        const double h = b + static_cast<double>(gain) * (-static_cast<double>(j01) + static_cast<double>(j02));
        EXPECT_EQ(spins.energy(field), h);
        const double exact = 1 / (1 + std::exp(2 * h / static_cast<double>(kT)));
        const double found = probability_up(spins, 0, field);
        worst = std::max(worst, std::abs(found - exact));
        smallest = std::min(smallest, exact);
      }
  // Lines between the sixteenths of x miss (1/16)^2 / 8 max p'' = 4.7e-5, and x is cut by less than 1/4096: 6.1e-5.
  EXPECT_LT(worst, 1.1e-4);
  EXPECT_GT(worst, 1e-5);
  EXPECT_LT(smallest, 1e-9);
}

TEST(IntegerSpins, WithoutTemperatureTheFieldDecides) {
  const Parameters p = parameters({0.0625f, -0.0625f, 0.0f}, std::vector<float>(9, 0.0f), 1, 0);
  const IntegerSpins spins(codes, p, p, 0);
  const float states[] = {1, 1, 1};
  for (const std::uint32_t word : {0u, 0x7FFFFFFFu, ~0u}) {
    EXPECT_EQ(spins.decided(0, spins.field(0, states, 1), word, 1), -1);
    EXPECT_EQ(spins.decided(1, spins.field(1, states, 1), word, -1), 1);
    EXPECT_EQ(spins.decided(2, spins.field(2, states, 1), word, 1), 1);
    EXPECT_EQ(spins.decided(2, spins.field(2, states, 1), word, -1), -1);
  }
}

// Live to shadow in a ramp: gain, couplings, biases and temperature at a quarter of the way.
TEST(IntegerSpins, RampsAreLinear) {
  const Parameters from = parameters({0.5f, 0}, {0, 1, 1, 0}, 1, 1);
  const Parameters to = parameters({-1.5f, 0}, {0, -0.5f, -0.5f, 0}, 2, 2);
  const IntegerSpins spins(codes, from, to, 0.25);
  const float states[] = {1, -1};
  const std::int64_t field = spins.field(0, states, 1);
  EXPECT_EQ(spins.energy(field), 0.0 + 1.25 * -0.625);
  EXPECT_NEAR(probability_up(spins, 0, field), 1 / (1 + std::exp(2 * 1.25 * -0.625 / 1.25)), 1.1e-4);
}

TEST(IntegerSpins, RangesArePowersOfTwo) {
  EXPECT_TRUE(IntegerSpins::fits(codes));
  EXPECT_TRUE(IntegerSpins::fits({8, 0.5f, 16.0f}));
  EXPECT_FALSE(IntegerSpins::fits({8, 3.0f, 8.0f}));
  EXPECT_FALSE(IntegerSpins::fits({8, 2.0f, 7.0f}));
  EXPECT_FALSE(IntegerSpins::fits({8, 2.0f, 1024.0f}));
}

}  // namespace
}  // namespace heatbath::physics
