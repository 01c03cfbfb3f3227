#include "hw_model/physics/general_kernels.hpp"
#include "hw_model/physics/noise.hpp"

#include <Random123/philox.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <set>
#include <vector>

#include "heatbath/numerics/isa.hpp"

namespace heatbath::physics {
namespace {

// Box-Muller in double on Random123's own Philox: the oracle of one normal.
double oracle(std::uint64_t seed, std::uint32_t cell, std::uint64_t step, std::uint32_t shot, Purpose purpose) {
  const NoiseCounter c = noise_counter(cell, step, shot, purpose);
  r123::Philox4x32 philox;
  const r123::Philox4x32::ctr_type words =
      philox({{c.word[0], c.word[1], c.word[2], c.word[3]}},
             {{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32)}});
  const std::uint32_t word = noise_word(cell), pair = word & ~1u;
  const double u = (static_cast<double>(words[pair] >> 1) + 0.5) * 0x1p-31;
  const double angle = 2.0 * std::numbers::pi * words[pair + 1] * 0x1p-32;
  return std::sqrt(-2.0 * std::log(u)) * (word & 1u ? std::sin(angle) : std::cos(angle));
}

class OnEveryIsa : public ::testing::Test {
 protected:
  ~OnEveryIsa() override { numerics::select_isa(before_); }
  numerics::Isa before_ = numerics::active_isa();
};
using NoiseOnEveryIsa = OnEveryIsa;

TEST_F(NoiseOnEveryIsa, IsBoxMullerOfRandom123Philox) {
  for (const auto isa : numerics::available_isas()) {
    ASSERT_TRUE(numerics::select_isa(isa));
    for (std::uint32_t i = 0; i < 4000; ++i) {
      const std::uint64_t seed = 0x123456789abcdefULL * (i % 7), step = (i % 3 == 0 ? 0xffff00000000ULL : 0) + i * 977;
      const std::uint32_t cell = i * 37 % 5000, shot = i % 5 == 0 ? 0xfffffff0u + i % 16 : i;
      const Purpose purpose = i % 2 ? Purpose::converter : Purpose::thermal;
      EXPECT_NEAR(normal(seed, cell, step, shot, purpose), oracle(seed, cell, step, shot, purpose), 2e-6)
          << numerics::name(isa) << " cell " << cell << " step " << step << " shot " << shot;
    }
  }
}

TEST_F(NoiseOnEveryIsa, HasTheSameBitsOnEveryInstructionSet) {
  std::vector<float> expected(1000);
  ASSERT_TRUE(numerics::select_isa(numerics::Isa::portable));
  for (std::uint64_t step = 0; step < 200; ++step) {
    numerics::select_isa(numerics::Isa::portable);
    normals(99, step, 5, 1000, expected.data());
    for (const auto isa : numerics::available_isas()) {
      numerics::select_isa(isa);
      std::vector<float> got(1000);
      normals(99, step, 5, 1000, got.data());
      ASSERT_EQ(got, expected) << numerics::name(isa);
    }
  }
}

TEST_F(NoiseOnEveryIsa, IsTheSameForAnyNumberOfCellsAtOnce) {
  // 65 groups of 64 and a few cells: several calls of the kernel, and odd numbers of vectors.
  for (const auto isa : numerics::available_isas()) {
    numerics::select_isa(isa);
    for (const std::uint32_t cells : {1u, 63u, 64u, 128u, 192u, 333u, 65u * 64u + 5u}) {
      std::vector<float> got(cells);
      normals(99, 7, 5, cells, got.data());
      for (std::uint32_t cell = 0; cell < cells; ++cell)
        ASSERT_EQ(got[cell], normal(99, cell, 7, 5)) << numerics::name(isa) << ", cell " << cell << " of " << cells;
    }
  }
}

TEST_F(NoiseOnEveryIsa, FillsFieldsOfAnyNumberOfRows) {
  constexpr float untouched = 1e30f;
  for (const auto isa : numerics::available_isas()) {
    numerics::select_isa(isa);
    for (const std::uint32_t rows : {1u, 4u, 5u, 15u, 16u, 17u, 20u, 49u, 63u, 64u, 65u, 130u})
      for (const std::uint32_t lanes : {1u, 16u, 48u}) {
        const NoiseAddress at{{99, 0}, 7, 0, 5, static_cast<std::uint32_t>(Purpose::thermal), 128};
        std::vector<float> field(std::size_t{rows} * lanes + 64, untouched);
        general_kernels().normals(at, {rows, lanes, lanes}, field.data());
        for (std::uint32_t row = 0; row < rows; ++row)
          for (std::uint32_t lane = 0; lane < lanes; ++lane)
            ASSERT_EQ(field[row * lanes + lane], normal(99, 128 + row, 7, 5 + lane))
                << numerics::name(isa) << ", row " << row << " of " << rows << ", lane " << lane << " of " << lanes;
        EXPECT_EQ(std::count(field.end() - 64, field.end(), untouched), 64) << rows << " rows, " << lanes << " lanes";
      }
  }
}

TEST(Noise, FollowsTheStandardNormalLaw) {
  // 4e6 normals: moments and the empirical distribution against the exact law, z < 4.
  std::vector<double> sums(4, 0.0);
  constexpr int bins = 200;
  std::vector<double> histogram(bins, 0.0);
  std::vector<float> block(1000);
  const std::size_t total = 4000 * block.size();
  for (std::uint64_t step = 0; step < 4000; ++step) {
    normals(3, step, 0, 1000, block.data());
    for (const double x : block) {
      double power = 1;
      for (auto& sum : sums) sum += power *= x;
      const double p = 0.5 * std::erfc(-x / std::numbers::sqrt2);
      ++histogram[std::min(bins - 1, static_cast<int>(p * bins))];
    }
  }
  const double n = static_cast<double>(total);
  EXPECT_LT(std::abs(sums[0] / n) / std::sqrt(1.0 / n), 4);
  EXPECT_LT(std::abs(sums[1] / n - 1) / std::sqrt(2.0 / n), 4);
  EXPECT_LT(std::abs(sums[2] / n) / std::sqrt(15.0 / n), 4);
  EXPECT_LT(std::abs(sums[3] / n - 3) / std::sqrt(96.0 / n), 4);
  double chi2 = 0;
  for (const double h : histogram) chi2 += (h - n / bins) * (h - n / bins) / (n / bins);
  EXPECT_LT(std::abs(chi2 - (bins - 1)) / std::sqrt(2.0 * (bins - 1)), 4);
}

TEST(Noise, IsUncorrelatedBetweenNeighboursInCellStepShotAndSeed) {
  const std::uint32_t cells = 256;
  const int steps = 4000;
  double cell_sum = 0, half_sum = 0, step_sum = 0, shot_sum = 0, seed_sum = 0;
  std::vector<float> a(cells), b(cells);
  for (int step = 0; step < steps; ++step) {
    normals(1, step, 0, cells, a.data());
    for (std::uint32_t i = 0; i < cells; ++i) cell_sum += a[i] * a[(i + 1) % cells], half_sum += a[i] * a[(i + 16) % cells];
    const auto with = [&](double& sum) {
      for (std::uint32_t i = 0; i < cells; ++i) sum += a[i] * b[i];
    };
    normals(1, step + 1, 0, cells, b.data()), with(step_sum);
    normals(1, step, 1, cells, b.data()), with(shot_sum);
    normals(2, step, 0, cells, b.data()), with(seed_sum);
  }
  const double error = std::sqrt(static_cast<double>(cells) * steps);
  for (const double sum : {cell_sum, half_sum, step_sum, shot_sum, seed_sum}) EXPECT_LT(std::abs(sum / error), 4);
}

TEST(Noise, EveryAddressHasItsOwnCounterAndWord) {
  std::set<std::vector<std::uint32_t>> seen;
  for (std::uint32_t cell = 0; cell < 300; ++cell)
    for (const std::uint64_t step : {0ULL, 1ULL, 1ULL << 32})
      for (std::uint32_t shot = 0; shot < 3; ++shot)
        for (const auto purpose : {Purpose::thermal, Purpose::converter}) {
          const auto c = noise_counter(cell, step, shot, purpose);
          EXPECT_TRUE(seen.insert({c.word[0], c.word[1], c.word[2], c.word[3], noise_word(cell)}).second);
        }
}

}  // namespace
}  // namespace heatbath::physics
